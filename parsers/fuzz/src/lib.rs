//! What is fuzzed, without the fuzzer: each target takes bytes and panics at what must not be. Fuzz targets call it, and
//! so do plain tests (`capture/tests/fuzz.rs`), with seeds and with inputs that were found.
//!
//! Beside panics three things are findings: more CPU time than a second for 64 KiB, memory beyond [`meter::PEAK`], and
//! what a target itself asserts, such as that a limit holds.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, missing_docs, dead_code)]

pub mod capture_file;
pub mod dissectors;
pub mod meter;
pub mod network;
pub mod planted;
pub mod script;
pub mod seeds;
pub mod streams;

/// Bytes of an input: what is beyond is not read.
pub const INPUT: usize = 65_536;

pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("capture", capture_file::capture),
    ("link", network::link),
    ("reassembly", streams::reassembly),
    ("modbus", dissectors::modbus),
    ("dnp3", dissectors::dnp3),
    ("opcua", dissectors::opcua),
    ("mqtt", dissectors::mqtt),
    ("tls", dissectors::tls),
    ("dtls", dissectors::dtls),
    ("files", dissectors::files),
    ("names", dissectors::names),
    ("engine", network::engine),
];

/// Bugs put in on purpose, to prove that a run finds such.
pub const PLANTED: &[(&str, Target)] =
    &[("planted_panic", planted::panic), ("planted_hang", planted::hang), ("planted_growth", planted::growth)];

/// Runs a target under the meter.
pub fn run(target: Target, input: &[u8]) {
    let input = &input[..input.len().min(INPUT)];
    meter::metered(input.len(), || target(input));
}

/// The entry of a fuzz target.
#[macro_export]
macro_rules! target {
    ($target:path) => {
        libfuzzer_sys::fuzz_target!(init: $crate::seeds::asked(), |input: &[u8]| $crate::run($target, input));
    };
}
