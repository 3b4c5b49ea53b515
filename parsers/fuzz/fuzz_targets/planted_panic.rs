#![no_main]
driftspan_fuzz::target!(driftspan_fuzz::planted::panic);
