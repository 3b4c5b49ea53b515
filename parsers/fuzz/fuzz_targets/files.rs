#![no_main]
driftspan_fuzz::target!(driftspan_fuzz::dissectors::files);
