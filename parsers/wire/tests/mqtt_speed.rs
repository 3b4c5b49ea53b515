//! What a packet costs: `cargo test --release --test mqtt_speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod mqtt_kit;

use std::time::Instant;

use common::Run;
use mqtt_kit::{connect, publish};
use wire::dissect::Dir;
use wire::mqtt::Mqtt;

/// Nanoseconds a packet over short rounds, the best of many: a busy machine leaves some of them alone.
fn cost(packets: &[Vec<u8>]) -> u128 {
    let rounds = 4_000;
    let mut best = u128::MAX;
    let mut run = Run::new(Box::new(Mqtt::new()));
    run.feed(0, Dir::ToServer, &connect(4, "client-1"));
    let named = |alias: u8| [&[0x12, 13, 0x0A, 7][..], b"metric", &[b'a' + alias, 0x10, alias, 0x20, 3]].concat();
    let birth: Vec<u8> = (1..11).flat_map(named).collect();
    run.feed(0, Dir::ToServer, &publish(0x30, "spBv1.0/group/DBIRTH/edge/pump", 0, &birth));
    for _ in 0..200 {
        run.rows.take();
        run.behaviours.take();
        let start = Instant::now();
        for n in 0..rounds {
            run.feed(n, Dir::ToServer, &packets[n % packets.len()]);
        }
        best = best.min(start.elapsed().as_nanos() / rounds as u128);
    }
    best
}

#[test]
#[ignore = "a measurement; needs the release profile and a quiet machine"]
fn nanoseconds_a_publish() {
    let topics: Vec<String> = (0..50).map(|i| format!("plant/line{}/sensor{i}/temp", i % 5)).collect();
    let of = |payload: &dyn Fn(usize) -> Vec<u8>| -> Vec<Vec<u8>> {
        (0..1_000).map(|n| publish(0x30, &topics[n % 50], 0, &payload(n))).collect()
    };
    let empty = cost(&of(&|_| Vec::new()));
    let text = cost(&of(&|n| format!("reading number {n:044}\n").into_bytes()));
    let number = cost(&of(&|n| format!("{}.5", n / 50).into_bytes()));
    let same = cost(&of(&|_| b"21.5".to_vec()));
    let json = |n: usize| format!(r#"{{"ts":{},"value":21.{},"unit":"C","ok":true}}"#, 1_700_000_000 + n, n % 10);
    let changing = cost(&of(&|n| json(n).into_bytes()));
    let still = cost(&of(&|_| json(1).into_bytes()));
    println!("empty payload (no SHA-256) {empty} ns, 60 bytes of text {text} ns");
    println!("a number {number} ns, the same number {same} ns, JSON changing {changing} ns, JSON the same {still} ns");
    let metric = |alias: u8, value: u8| [&[0x12, 6, 0x10, alias, 0x20, 3, 0x50, value][..]].concat();
    let data = |value: &dyn Fn(usize) -> u8| -> Vec<Vec<u8>> {
        let body = |n: usize| (1..11).flat_map(|alias| metric(alias, value(n))).collect::<Vec<u8>>();
        (0..1_000).map(|n| publish(0x30, "spBv1.0/group/DDATA/edge/pump", 0, &body(n))).collect()
    };
    println!("Sparkplug, 10 metrics: same {} ns, changing {} ns", cost(&data(&|_| 1)), cost(&data(&|n| n as u8 & 127)));
    assert!(empty < 5_000 && text < 10_000, "out of all proportion");
}
