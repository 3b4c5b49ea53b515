//! What `wire` alone costs: captures to finished columns, without Python and without Arrow.
//!
//! `cargo run --release -p capture --example rows -- [--runs N] CAPTURE...`
//!
//! Each line is a run: CPU seconds of this thread as the kernel's scheduler accounts them, packets a CPU second, rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use capture::Merge;
use wire::limits::Limits;
use wire::pipeline::{Packet, Pipeline, Settings, Window};

/// Nanoseconds that this thread has run so far.
fn cpu() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the scheduler's account of the thread");
    told.split_whitespace().next().and_then(|text| text.parse().ok()).expect("nanoseconds")
}

fn rows(window: &Window) -> usize {
    window.shares.iter().flat_map(|share| &share.tables).map(|table| table.len()).sum()
}

/// Packets and rows of the captures.
fn run(paths: &[PathBuf]) -> (u64, usize) {
    let mut merge = Merge::open(paths).expect("captures");
    let settings = Settings { window: 10_000_000_000, workers: 1, vlan_in_key: false, limits: Limits::default() };
    let (mut pipeline, mut packets, mut found) = (Pipeline::new(settings), 0, 0);
    while let Some(p) = merge.next() {
        packets += 1;
        let packet = Packet { ts: p.ts, frame: p.frame, link: p.link, orig_len: p.orig_len, data: p.data };
        found += pipeline.push(&packet).as_ref().map_or(0, rows);
    }
    (packets, found + pipeline.finish().as_ref().map_or(0, rows))
}

fn main() {
    let mut given: Vec<_> = std::env::args_os().skip(1).collect();
    let mut runs = 1;
    if let Some(at) = given.iter().position(|word| word == "--runs") {
        given.remove(at);
        runs = given.remove(at).to_str().and_then(|text| text.parse().ok()).expect("a number of runs");
    }
    let paths: Vec<PathBuf> = given.into_iter().map(PathBuf::from).collect();
    for _ in 0..runs {
        let begun = cpu();
        let (packets, rows) = run(&paths);
        let seconds = (cpu() - begun) as f64 / 1e9;
        println!(
            "{seconds:.3} CPU s  {:.0} packets a CPU second  {packets} packets  {rows} rows",
            packets as f64 / seconds
        );
    }
}
