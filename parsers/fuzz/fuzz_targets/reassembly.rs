#![no_main]
driftspan_fuzz::target!(driftspan_fuzz::streams::reassembly);
