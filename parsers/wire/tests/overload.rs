//! Overload and failures of our own: what is shed, in which order, and what goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scenario;

use scenario::{Conversation, Out, run_with, settings};
use wire::limits::Limits;
use wire::pipeline::{Packet, Pipeline, Settings};
use wire::worker::Fault;

const ASK: &[u8] = &[0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2];
const TELL: &[u8] = &[0, 1, 0, 0, 0, 7, 1, 3, 4, 0, 10, 0, 20];
const WRITE: &[u8] = &[0, 9, 0, 0, 0, 6, 1, 6, 0, 5, 0, 77];

fn poll(client: u8, port: u16) -> Conversation {
    let mut c = Conversation::new([10, 0, 0, client], 40_000, [10, 0, 0, 200], port);
    c.open();
    for _ in 0..3 {
        c.client(ASK);
        c.server(TELL);
    }
    c
}

fn failing(packets: &[(i64, Vec<u8>)], fault: Fault, workers: usize) -> Out {
    let mut pipeline = Pipeline::new(Settings { workers, ..settings() });
    pipeline.simulate(fault);
    let mut out = Out::default();
    for (number, (ts, data)) in (1u64..).zip(packets) {
        let frame = wire::dissect::Frame::new(0, number);
        let packet = Packet { ts: *ts, frame, link: 1, orig_len: data.len() as u32, data };
        pipeline.push(&packet).into_iter().for_each(|window| out.add(window));
    }
    pipeline.finish().into_iter().for_each(|window| out.add(window));
    out
}

fn both() -> Vec<(i64, Vec<u8>)> {
    let mut packets = [poll(1, 502).packets, poll(2, 1502).packets].concat();
    packets.sort_by_key(|(ts, _)| *ts);
    packets
}

#[test]
fn a_dissector_that_fails_takes_its_flow_and_no_other() {
    wire::contained::quiet();
    for workers in [1, 3] {
        let out = failing(&both(), Fault::Flow(1502), workers);
        assert_eq!(out.counters.panics, 1, "its flow is not dissected again");
        let told = out.table("anomalies");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("kind=dissector_failed detail=src/worker.rs:"), "{told:?}");
        assert_eq!(out.values("modbus", "status"), ["ok"; 3], "the other flow is read as if nothing had happened");
        assert_eq!(out.table("flows").len(), 2);
    }
}

#[test]
fn a_failure_outside_dissectors_takes_one_packet() {
    wire::contained::quiet();
    for workers in [1, 3] {
        let out = failing(&both(), Fault::Packet(1502), workers);
        assert_eq!(out.counters.panics, 5, "each packet to the port");
        assert_eq!(out.counters.packets, both().len() as u64);
        assert_eq!(out.values("modbus", "status").iter().filter(|status| *status == "ok").count(), 3);
    }
}

#[test]
fn a_flood_of_behaviours_leaves_room_for_other_hosts_and_for_writes() {
    let limits = Limits { behaviours: 64, ..Limits::default() };
    let mut c = poll(1, 502);
    for register in 0..500u16 {
        let [high, low] = register.to_be_bytes();
        c.client(&[0, 1, 0, 0, 0, 6, 1, 3, high, low, 0, 2]);
        c.server(TELL);
    }
    let mut packets = c.packets;
    let end = packets.last().unwrap().0;
    let mut other = poll(2, 502);
    other.client(WRITE);
    other.server(WRITE);
    packets.extend(other.packets.into_iter().map(|(ts, data)| (ts - other.clock + end + 1_000_000_000, data)));
    let out = run_with(&packets, Settings { limits, ..settings() });
    let rows = out.table("behaviours");
    assert!(rows.len() <= 64 && out.counters.dropped_behaviours > 400, "{}", rows.len());
    assert!(rows.iter().any(|row| row.contains("operation=write_single_register")), "{rows:#?}");
    assert!(
        out.values("behaviours", "operation").iter().filter(|name| *name == "read_holding_registers").count() <= 33
    );
}

#[test]
fn many_hosts_that_read_leave_room_for_writes() {
    let limits = Limits { behaviours: 64, ..Limits::default() };
    let mut packets: Vec<_> = (1..200).flat_map(|host| poll(host, 502).packets).collect();
    packets.sort_by_key(|(ts, _)| *ts);
    let end = packets.last().unwrap().0;
    let mut last = poll(250, 502);
    last.client(WRITE);
    last.server(WRITE);
    packets.extend(last.packets.into_iter().map(|(ts, data)| (ts - last.clock + end + 1_000_000_000, data)));
    let out = run_with(&packets, Settings { limits, ..settings() });
    assert!(out.counters.dropped_behaviours > 0);
    assert!(out.values("behaviours", "operation").contains(&"write_single_register".to_owned()));
}
