//! What a call costs: `cargo test --release --test opcua_speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Instant;

use wire::behaviour::Behaviours;
use wire::dissect::{Cx, Dir, Dissector, Ends, FlowRef, Frame, Stream};
use wire::limits::Limits;
use wire::opcua::Opcua;
use wire::rows::Rows;

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|p| out.extend_from_slice(p));
}

fn msg(request: u32, body: &[u8]) -> Vec<u8> {
    let mut out = b"MSGF".to_vec();
    put(&mut out, &[&(24 + body.len() as u32).to_le_bytes(), &[7, 0, 0, 0, 1, 0, 0, 0]]);
    put(&mut out, &[&request.to_le_bytes(), &request.to_le_bytes(), body]);
    out
}

fn read(items: u16, request: u32, value: f64) -> (Vec<u8>, Vec<u8>) {
    let none = [0xFF; 4];
    let mut ask = vec![1, 0, 0x77, 2, 1, 1, 9, 9];
    put(&mut ask, &[&[0; 16], &none, &[0; 4], &[0, 0, 0], &[0; 12], &u32::from(items).to_le_bytes()]);
    let mut tell = vec![1, 0, 0x7A, 2];
    put(&mut tell, &[&[0; 16], &[0], &none, &[0, 0, 0], &u32::from(items).to_le_bytes()]);
    for item in 0..items {
        put(&mut ask, &[&[1, 2], &(1000 + item).to_le_bytes(), &[13, 0, 0, 0], &none, &[0, 0], &none]);
        let time = 134_000_000_000_000_000_i64 + i64::from(request);
        put(
            &mut tell,
            &[&[0x0D, 11], &(value + f64::from(item)).to_le_bytes(), &time.to_le_bytes(), &time.to_le_bytes()],
        );
    }
    put(&mut tell, &[&none]);
    (msg(request, &ask), msg(request, &tell))
}

#[test]
#[ignore = "a measurement, not a check"]
fn read_of_eight_items() {
    let rounds: u64 = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let only = std::env::var("ONLY").unwrap_or_default();
    for (name, changing) in [("steady values", false), ("changing values", true)] {
        if !name.starts_with(&only) {
            continue;
        }
        let (mut rows, mut behaviours, limits) = (Rows::default(), Behaviours::default(), Limits::default());
        let (mut opcua, ends) = (Opcua::new(), Ends::default());
        let mut streams = [Stream::default(), Stream::default()];
        let calls: Vec<_> =
            (0..1_000).map(|i| read(8, i, 20.125 + if changing { f64::from(i) / 7.0 } else { 0.0 })).collect();
        let mut best = f64::MAX;
        for round in 0..rounds {
            let start = Instant::now();
            for (at, (ask, tell)) in calls.iter().enumerate() {
                for (dir, bytes) in [(Dir::ToServer, ask), (Dir::ToClient, tell)] {
                    let mut cx = Cx {
                        ts: (round * 1_000 + at as u64) as i64,
                        frame: Frame(1 + at as u64),
                        flow: FlowRef(0),
                        ends: &ends,
                        rows: &mut rows,
                        behaviours: &mut behaviours,
                        limits: &limits,
                        expected: &mut wire::files::Expected::default(),
                    };
                    streams[dir.index()].feed(&mut opcua, &mut cx, dir, bytes);
                }
            }
            best = best.min(start.elapsed().as_nanos() as f64 / calls.len() as f64);
            if round % 30 == 29 {
                assert_eq!(rows.opcua.len(), 30_000);
                rows.take();
                behaviours.take();
            }
        }
        opcua.end(&mut Cx {
            ts: 0,
            frame: Frame(1),
            flow: FlowRef(0),
            ends: &ends,
            rows: &mut rows,
            behaviours: &mut behaviours,
            limits: &limits,
            expected: &mut wire::files::Expected::default(),
        });
        println!("{name}: {best:.0} ns a Read of 8 items with its response");
    }
}
