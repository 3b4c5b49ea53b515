//! Nanoseconds a packet of each step of the way: reading, decoding, looking for copies.
//!
//! `cargo run --release -p capture --example speed -- CAPTURE...`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use capture::{Merge, Reader, identity};
use wire::decode::{Decoder, Outcome};
use wire::duplicates::Duplicates;
use wire::limits::Limits;

/// The best of five runs, nanoseconds a packet.
fn best(name: &str, mut run: impl FnMut() -> u64) {
    let one = || {
        let start = Instant::now();
        let packets = run();
        start.elapsed().as_nanos() as f64 / packets.max(1) as f64
    };
    let best = std::iter::repeat_with(one).take(5).fold(f64::INFINITY, f64::min);
    println!("{name:28} {best:8.1} ns a packet");
}

fn each(path: &Path, mut f: impl FnMut(&capture::Packet<'_>)) -> u64 {
    let mut reader = Reader::open(path, 0).expect("a capture");
    while let Some(packet) = reader.next() {
        f(&packet);
    }
    reader.facts().packets
}

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let limits = Limits::default();
    for path in &paths {
        println!("{}", path.display());
        let mut sum = 0;
        let packets = each(path, |_| ());
        best("identity", || identity(path).map_or(0, |_| packets));
        best("identity, read", || each(path, |p| sum += p.data.len()));
        best("  and decode", || {
            let mut decoder = Decoder::new(&limits);
            each(path, |p| {
                if let Outcome::Ip(d) = decoder.decode(p.ts, p.frame, p.link, p.orig_len, p.data, &mut |_, _| {}) {
                    sum += d.payload.len();
                }
            })
        });
        best("  and look for copies", || {
            let (mut decoder, mut duplicates) = (Decoder::new(&limits), Duplicates::new(&limits));
            each(path, |p| {
                if let Outcome::Ip(d) = decoder.decode(p.ts, p.frame, p.link, p.orig_len, p.data, &mut |_, _| {}) {
                    sum += usize::from(duplicates.seen(p.ts, &d));
                }
            })
        });
        assert!(sum > 0);
    }
    best("all, merged by time", || {
        let mut merge = Merge::open(&paths).expect("captures");
        let mut packets = 0;
        while merge.next().is_some() {
            packets += 1;
        }
        packets
    });
}
