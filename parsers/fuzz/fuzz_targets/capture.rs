#![no_main]
driftspan_fuzz::target!(driftspan_fuzz::capture_file::capture);
