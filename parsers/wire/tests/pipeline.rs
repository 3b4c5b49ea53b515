//! Packets in, rows out: flows, streams, windows and limits, through the whole path.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod scenario;

use scenario::{ACK, Conversation, FIN, RST, SYN, eth_ip, run, run_with, tcp, udp};
use wire::dissect::Frame;
use wire::limits::Limits;
use wire::pipeline::{Packet, Pipeline, Settings};

const SECOND: i64 = 1_000_000_000;
/// Modbus: read holding registers 0 to 1, and its answer.
const ASK: &[u8] = &[0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2];
const TELL: &[u8] = &[0, 1, 0, 0, 0, 7, 1, 3, 4, 0, 10, 0, 20];

fn poll() -> Conversation {
    let mut c = Conversation::new([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 502);
    c.open();
    c.client(ASK);
    c.server(TELL);
    c
}

#[test]
fn a_poll_is_one_row_with_its_flow() {
    let mut c = poll();
    c.close();
    let out = run(&c.packets);
    let rows = out.table("modbus");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].contains("request_frame=4 response_frame=5"), "{rows:?}");
    assert!(rows[0].contains("values=[10 20]"), "{rows:?}");
    let flows = out.table("flows");
    assert!(flows.last().unwrap().contains("state=closed app=modbus"), "{flows:?}");
}

#[test]
fn any_segmentation_order_and_retransmission_gives_the_same_rows() {
    let mut plain = poll();
    plain.client(ASK);
    plain.server(TELL);
    let want: Vec<String> = run(&plain.packets).values("modbus", "values");
    let mut c = Conversation::new([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 502);
    c.open();
    for _ in 0..2 {
        for byte in ASK.chunks(1) {
            c.client(byte);
        }
        for piece in TELL.chunks(5) {
            c.server(piece);
        }
    }
    assert_eq!(run(&c.packets).values("modbus", "values"), want);
    let mut again = c.packets.clone();
    for i in (4..again.len() - 1).step_by(3) {
        again.swap(i, i + 1);
    }
    let copies: Vec<_> = again.iter().flat_map(|p| [p.clone(), (p.0 + 5_000_000, p.1.clone())]).collect();
    assert_eq!(run(&copies).values("modbus", "values"), want);
}

#[test]
fn a_lost_segment_costs_only_its_own_message() {
    let mut c = poll();
    for _ in 0..20 {
        c.client(ASK);
        c.server(TELL);
    }
    let lost = 12;
    let mut packets = c.packets.clone();
    packets.remove(lost);
    let out = run(&packets);
    assert_eq!(out.values("modbus", "status").iter().filter(|s| *s == "ok").count(), 20);
    assert_eq!(out.counters.gaps, 1);
}

#[test]
fn a_flow_picked_up_in_the_middle_is_dissected_and_oriented() {
    let c = poll();
    for from in 3..=4 {
        let out = run(&c.packets[from..]);
        assert_eq!(out.table("modbus").len(), 1, "from packet {from}");
        assert!(out.table("flows")[0].contains("midstream=1"));
        assert!(out.ends.iter().any(|e| e.server_port == 502), "{:?}", out.ends);
    }
}

#[test]
fn ports_are_reused_by_a_new_connection_only_with_proof() {
    let mut c = poll();
    c.close();
    let mut second = Conversation::new([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 502);
    second.clock = c.clock + 1_000_000_000;
    second.seq = [900_000, 800_000];
    second.open();
    second.client(ASK);
    second.server(TELL);
    let packets: Vec<_> = c.packets.iter().chain(&second.packets).cloned().collect();
    let out = run(&packets);
    assert_eq!(out.table("modbus").len(), 2);
    assert_eq!(out.counters.flows, 2);
    // A forged SYN inside an open connection is reported and changes nothing.
    let mut open = poll();
    let forged = tcp([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 502, 77_777, 0, SYN, &[]);
    open.packets.push((open.clock + 1, forged));
    open.clock += 2;
    open.client(ASK);
    open.server(TELL);
    let out = run(&open.packets);
    assert_eq!(out.table("modbus").len(), 2);
    assert_eq!(out.counters.flows, 1);
    assert!(out.table("anomalies")[0].contains("kind=syn_inside"));
}

/// A connection, and more of it after so many seconds, in which a neighbour's datagrams let time go on. Its flow counts.
fn with_more(mut c: Conversation, seconds: i64, more: impl FnOnce(&mut Conversation)) -> scenario::Out {
    let tick = udp([10, 0, 0, 7], 9, [10, 0, 0, 8], 9, b"tick");
    c.packets.push((c.clock, tick.clone()));
    let ticks = (1..seconds).map(|second| (c.clock + second * SECOND, tick.clone()));
    c.packets.extend(ticks);
    c.clock += seconds * SECOND;
    more(&mut c);
    let mut out = run(&c.packets);
    out.lines.retain(|line| !(line.starts_with("flows") && line.contains("transport=udp")));
    out.counters.flows -= 1;
    out
}

fn closed() -> Conversation {
    let mut c = poll();
    c.close();
    c
}

#[test]
fn what_comes_late_of_a_closed_connection_is_its_own_for_a_minute() {
    let repeat = |c: &mut Conversation| {
        c.seq[1] -= TELL.len() as u32 + 1;
        c.send(1, FIN | ACK, TELL); // sent again whole: its acknowledgement was lost
    };
    let out = with_more(closed(), 45, repeat);
    assert_eq!((out.counters.flows, out.counters.retransmissions, out.table("modbus").len()), (1, 1, 1));
    let flows = out.table("flows");
    assert!(flows.iter().all(|row| row.contains("state=closed") && row.contains("midstream=0")), "{flows:?}");
    assert!(flows.last().unwrap().contains("packets_in=4"), "{flows:?}");
    // By then the table knows nothing of the connection any more.
    let out = with_more(closed(), 90, |c| c.send(1, FIN | ACK, &[]));
    assert_eq!((out.counters.flows, out.table("modbus").len()), (2, 1));
    assert!(out.table("flows").last().unwrap().contains("midstream=1"));
}

#[test]
fn the_port_pair_of_a_closed_connection_is_used_again_at_any_time() {
    for pause in [0, 2, 59, 61, 75, 600] {
        let out = with_more(closed(), pause, |c| {
            c.seq = [900_000, 800_000];
            c.open();
            c.client(ASK);
            c.server(TELL);
            c.close();
        });
        assert_eq!((out.counters.flows, out.table("modbus").len()), (2, 2), "after {pause} s");
        let flows = out.table("flows");
        assert!(flows.iter().all(|row| row.contains("midstream=0") && row.contains("packets_out=")), "{flows:?}");
        assert_eq!(flows.len(), 2, "{flows:?}");
    }
}

#[test]
fn a_connection_that_is_reset_but_goes_on_stays_the_same() {
    let far = |c: &mut Conversation| c.packets.push((c.clock + 1, eth_reset(c, 1 << 30)));
    let near = |c: &mut Conversation| c.packets.push((c.clock + 1, eth_reset(c, 0)));
    // One that no receiver heeds; one that might be heeded, but data goes on.
    for (reset, then) in [(&far as &dyn Fn(&mut Conversation), 0), (&near, 1)] {
        let mut c = poll();
        reset(&mut c);
        for _ in 0..then {
            c.client(ASK);
            c.server(TELL);
        }
        let out = with_more(c, 600, |c| {
            c.client(ASK);
            c.server(TELL);
        });
        assert_eq!((out.counters.flows, out.table("modbus").len()), (1, 2 + then));
    }
    let mut c = poll();
    near(&mut c);
    let out = with_more(c, 600, |c| c.client(ASK));
    assert_eq!(out.counters.flows, 2, "reset, and then nothing");
}

fn eth_reset(c: &Conversation, beyond: u32) -> Vec<u8> {
    let [(a, from), (b, to)] = c.ends;
    tcp(a, from, b, to, c.seq[0].wrapping_add(beyond), 0, RST, &[])
}

#[test]
fn what_waits_without_another_packet_is_written_when_it_is_due() {
    // Another connection lets time go on.
    let mut c = poll();
    c.client(ASK);
    let mut clock = Conversation::new([10, 0, 0, 7], 41_000, [10, 0, 0, 8], 502);
    clock.open();
    let asked = c.clock;
    let mut unanswered = None;
    let mut rows = Vec::new();
    let mut pipeline = Pipeline::new(scenario::settings());
    let ticks = (1..12).map(|n| (asked + n * 10 * SECOND, clock.packets[0].1.clone()));
    for (place, (ts, data)) in c.packets.iter().cloned().chain(ticks).enumerate() {
        let frame = Frame::new(0, place as u64 + 1);
        let Some(window) = pipeline.push(&Packet { ts, frame, link: 1, orig_len: data.len() as u32, data: &data })
        else {
            continue;
        };
        let lines: Vec<String> = window.shares.iter().flat_map(|s| &s.tables).flat_map(|t| t.lines(&[])).collect();
        if lines.iter().any(|l| l.contains("status=unanswered")) {
            unanswered = Some(window.end - asked);
        }
        rows.push(lines.iter().filter(|l| l.starts_with("flows") && l.contains("app=modbus")).count());
    }
    assert!(unanswered.is_some_and(|after| (10 * SECOND..=20 * SECOND).contains(&after)), "{unanswered:?}");
    assert_eq!(rows.iter().sum::<usize>(), 1, "nothing new of the flow, no further row: {rows:?}");
}

#[test]
fn connections_that_are_over_make_room_first() {
    let mut packets = poll().packets;
    for host in 1..=3 {
        let mut c = Conversation::new([10, 0, 1, host], 40_000, [10, 0, 0, 2], 502);
        c.clock = packets.last().unwrap().0;
        c.open();
        if host == 2 {
            c.close();
        }
        packets.extend(c.packets);
    }
    let mut goes_on = poll();
    goes_on.clock = packets.last().unwrap().0;
    let old = goes_on.packets.len();
    goes_on.client(ASK);
    goes_on.server(TELL);
    packets.extend_from_slice(&goes_on.packets[old..]);
    let limits = Limits { flows: 3, ..Limits::default() };
    let out = run_with(&packets, Settings { limits, ..scenario::settings() });
    assert_eq!((out.counters.flows, out.counters.dropped_flows), (4, 1));
    let ended = out.lines.iter().find(|line| line.starts_with("flows"));
    assert!(ended.is_some_and(|row| row.contains("state=closed")), "{ended:?}");
}

#[test]
fn a_forged_reset_does_not_blind() {
    let mut c = poll();
    c.packets.push((c.clock + 1, tcp([10, 0, 0, 2], 502, [10, 0, 0, 1], 40_000, 1, 0, RST, &[])));
    c.clock += 2;
    c.client(ASK);
    c.server(TELL);
    assert_eq!(run(&c.packets).table("modbus").len(), 2);
}

#[test]
fn workers_change_no_row() {
    let mut packets = Vec::new();
    for host in 0..40u8 {
        let mut c = Conversation::new([10, 0, 1, host], 40_000 + u16::from(host), [10, 0, 2, host], 502);
        c.clock += i64::from(host) * 1_000;
        c.open();
        for _ in 0..30 {
            c.client(ASK);
            c.server(TELL);
        }
        packets.extend(c.packets);
    }
    packets.sort_by_key(|p| p.0);
    let with = |workers| {
        let mut lines = run_with(&packets, Settings { workers, ..scenario::settings() }).lines;
        lines.sort();
        lines
    };
    let one = with(1);
    assert!(one.len() > 40 * 30);
    assert_eq!(one, with(2));
    assert_eq!(one, with(8));
}

#[test]
fn windows_are_slices_of_packet_time_aligned_to_the_epoch() {
    let mut c = poll();
    c.clock += 25_000_000_000;
    c.client(ASK);
    c.server(TELL);
    let out = run(&c.packets);
    assert_eq!(out.windows.len(), 2);
    for (start, end) in &out.windows {
        assert_eq!((start % 10_000_000_000, end - start), (0, 10_000_000_000));
    }
    assert_eq!(out.table("modbus").len(), 2);
}

#[test]
fn a_flood_of_syns_stays_under_the_limit_and_spares_streams() {
    let mut c = poll();
    let limits = Limits { flows: 500, window_rows: 1_000, ..Limits::default() };
    for i in 0..20_000u32 {
        let [_, a, b, d] = i.to_be_bytes();
        c.clock += 1_000;
        c.packets.push((c.clock, tcp([172, a, b, d], 1_000, [10, 0, 0, 2], 502, i, 0, SYN, &[])));
    }
    c.client(ASK);
    c.server(TELL);
    let out = run_with(&c.packets, Settings { limits, ..scenario::settings() });
    assert_eq!(out.counters.dropped_flows, 20_001 - 500);
    assert_eq!(out.table("modbus").len(), 2, "the stream outlived the flood");
    assert!(out.windows.len() > 10, "the window was handed over in parts");
    assert_eq!(out.counters.flows, 20_001);
}

#[test]
fn one_byte_overlapping_segments_stay_under_the_limit() {
    let mut c = poll();
    let limits = Limits { reassembly_flow_bytes: 1_000, reassembly_flow_segments: 100, ..Limits::default() };
    for i in 0..5_000u32 {
        c.clock += 10;
        let seq = c.seq[0] + 10 + 2 * i;
        c.packets.push((c.clock, tcp([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 502, seq, 0, ACK, b"x")));
    }
    let out = run_with(&c.packets, Settings { limits, ..scenario::settings() });
    assert!(out.counters.gaps > 0);
    assert!(!out.table("modbus").is_empty());
}

#[test]
fn a_connection_that_is_refused_says_so() {
    let (a, b) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let packets = vec![
        (1, tcp(a, 5, b, 80, 1, 0, SYN, &[])),
        (2, tcp(b, 80, a, 5, 0, 2, RST | ACK, &[])),
        (3, tcp(a, 6, b, 81, 1, 0, SYN, &[])),
        (4, tcp(a, 7, b, 82, 1, 0, SYN, &[])),
        (5, tcp(b, 82, a, 7, 1, 2, SYN | ACK, &[])),
        (6, tcp(a, 7, b, 82, 2, 2, FIN | ACK, &[])),
    ];
    let states = run(&packets).values("flows", "state");
    assert_eq!(states, ["attempt", "closing", "rejected"]);
}

#[test]
fn junk_after_the_ip_header_is_counted() {
    let out = run(&[(1, eth_ip([10, 0, 0, 1], [10, 0, 0, 2], 6, &[1, 2, 3]))]);
    assert_eq!(out.counters.bad_packets, 1);
}

#[test]
fn a_stranger_on_a_known_port_is_told_once() {
    let told = |out: &scenario::Out| out.values("anomalies", "kind");
    for port in [502, 1883, 4840, 20_000] {
        for first in [&b"\0\0"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
            let mut c = Conversation::new([10, 0, 0, 1], 40_000, [10, 0, 0, 2], port);
            c.open();
            (0..30).for_each(|_| c.client(first));
            c.server(b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6");
            c.close();
            let out = run(&c.packets);
            assert_eq!(told(&out), ["unexpected_protocol"], "port {port}: {:?}", out.table("anomalies"));
            assert_eq!(told(&run(&c.packets[3..])), [""; 0], "the middle of a flow proves nothing");
        }
    }
    let mut c = Conversation::new([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 502);
    c.open();
    c.client(b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n");
    assert_eq!(told(&run(&c.packets)), [""; 0], "the flow's row names what it is");
    assert_eq!(told(&run(&poll().packets)), [""; 0]);
}

/// The last packet once more, from another hardware address and with other bytes at sequence number `seq`.
fn forge(c: &mut Conversation, side: usize, seq: u32, data: &[u8], mac: u8) {
    let (from, to) = (c.ends[side], c.ends[1 - side]);
    let mut frame = tcp(from.0, from.1, to.0, to.1, seq, c.seq[1 - side], ACK, data);
    frame[11] = mac;
    c.clock += 5_000_000;
    c.packets.push((c.clock, frame));
}

#[test]
fn what_someone_in_the_middle_changed_is_told() {
    // Write registers 0 to 1, three bytes longer than the read that it takes the place of.
    const FORGED: &[u8] = &[0, 1, 0, 0, 0, 11, 1, 16, 0, 0, 0, 2, 4, 0, 66, 0, 66];
    let mut c = poll();
    let begin = c.seq[0];
    c.client(ASK);
    forge(&mut c, 0, begin, FORGED, 0x13);
    for _ in 0..4 {
        c.server(TELL);
        let own = c.seq[0];
        c.client(ASK);
        forge(&mut c, 0, own + 5, ASK, 0x13);
    }
    c.server(TELL);
    let out = run(&c.packets);
    let ambiguous: Vec<_> =
        out.table("anomalies").into_iter().filter(|line| line.contains("kind=ambiguous_stream")).collect();
    assert!(
        ambiguous.iter().any(|line| line.contains("from 02:00:00:00:00:13 contradicts one from 02:00:00:00:00:01"))
    );
    let told = |what: &str| ambiguous.iter().filter(|line| line.contains(&format!("also read: modbus {what}"))).count();
    assert_eq!(told("transaction_id=1 unit_id=1 function_code=16"), 1, "{ambiguous:#?}");
    // The stream itself, where the first bytes win, is out of step: each request of the client's leg is told, once.
    assert_eq!(told("transaction_id=1 unit_id=1 function_code=3"), 4, "{ambiguous:#?}");
    assert!(out.values("behaviours", "operation").contains(&"write_multiple_registers".to_owned()));
    assert!(out.counters.conflicts >= 5);
    let limits = Limits { stream_legs: 1, ..Limits::default() };
    let out = run_with(&c.packets, Settings { limits, ..scenario::settings() });
    assert!(out.counters.dropped_legs > 0);
    assert_eq!(out.table("anomalies").iter().filter(|line| line.contains("ambiguous")).count(), 0);
}

#[test]
fn what_one_sender_says_twice_differently_is_told() {
    let mut c = poll();
    let begin = c.seq[0];
    c.client(ASK);
    forge(&mut c, 0, begin, &[0, 1, 0, 0, 0, 6, 1, 6, 0, 0, 0, 99], 1);
    c.server(TELL);
    let out = run(&c.packets);
    let told = out.table("anomalies").into_iter().filter(|line| line.contains("kind=ambiguous_stream")).count();
    assert_eq!(told, 1, "{:#?}", out.table("anomalies"));
    assert!(out.values("behaviours", "operation").contains(&"write_single_register".to_owned()));
    assert_eq!(out.values("modbus", "function"), ["read_holding_registers"; 2]);
}

#[test]
fn a_message_that_comes_after_its_hole_was_declared_is_a_row() {
    let mut c = poll();
    let late = c.packets.len();
    c.client(&[0, 9, 0, 0, 0, 6, 1, 6, 0, 5, 0, 77]);
    for _ in 0..12 {
        c.clock += 1_000_000_000;
        c.client(ASK);
        c.server(TELL);
    }
    let mut packets = c.packets.clone();
    let mut packet = packets.remove(late);
    packet.0 = c.clock + 1_000_000;
    packets.push(packet);
    let out = run(&packets);
    assert_eq!(out.counters.gaps, 1);
    assert_eq!(out.counters.late_bytes, 12);
    let writes =
        |out: &scenario::Out| out.table("modbus").iter().filter(|l| l.contains("write_single_register")).count();
    assert_eq!(writes(&out), 1, "{:#?}", out.table("modbus"));
    let limits = Limits { late_holes: 0, ..Limits::default() };
    let out = run_with(&packets, Settings { limits, ..scenario::settings() });
    assert_eq!(writes(&out), 0);
}

#[test]
fn names_asked_for_are_behaviours_of_their_domain() {
    let query = |label: &str, kind: u8, flags: u8| {
        let mut out = vec![0, 7, flags, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.len() as u8];
        out.extend(label.as_bytes());
        out.extend(b"\x01t\x07example\x03com\0");
        out.extend([0, kind, 0, 1]);
        out
    };
    let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 53]);
    let labels: Vec<String> = (0..20).map(|n| format!("{n:04x}").repeat(1 + n % 12)).collect();
    let mut packets = vec![];
    let mut clock = 1_760_000_000_000_000_000;
    for label in &labels {
        clock += 50_000_000;
        packets.push((clock, scenario::udp(client, 50_000, server, 53, &query(label, 16, 1))));
        packets.push((clock + 1_000, scenario::udp(server, 53, client, 50_000, &query(label, 16, 0x81))));
    }
    let out = run(&packets);
    let rows = out.table("behaviours");
    let told = |operation: &str| rows.iter().filter(|r| r.contains(&format!("operation={operation} "))).count();
    assert_eq!((told("query_txt"), told("answer_txt"), rows.len()), (1, 1, 3), "{rows:#?}");
    assert!(rows.iter().any(|r| r.contains("object=example.com count=20 ")), "{rows:#?}");
    let longest = labels.iter().map(String::len).max().unwrap() + ".t.example.com".len();
    assert!(out.values("flows", "info").iter().all(|info| info.len() == longest), "{:?}", out.values("flows", "info"));
}

#[test]
fn echoes_are_behaviours_by_their_size() {
    let mut packets = vec![];
    let mut clock = 1_760_000_000_000_000_000;
    for size in [56, 56, 56, 900, 1_000, 0] {
        clock += 1_000_000_000;
        let echo = |kind: u8| [&[kind, 0, 0, 0, 0, 1, 0, packets.len() as u8][..], &vec![7; size]].concat();
        let (ask, tell) = (echo(8), echo(0));
        packets.push((clock, eth_ip([10, 0, 0, 1], [10, 0, 0, 2], 1, &ask)));
        packets.push((clock + 5_000_000, eth_ip([10, 0, 0, 2], [10, 0, 0, 1], 1, &tell)));
    }
    let out = run(&packets);
    let rows = out.table("behaviours");
    for (object, count) in [("payload 32-63", 3), ("payload 512-1023", 2), ("payload 0 ", 1)] {
        for operation in ["echo_request", "echo_reply"] {
            let has =
                |r: &&&String| r.contains(operation) && r.contains(object) && r.contains(&format!("count={count} "));
            assert_eq!(rows.iter().filter(has).count(), 1, "{operation} {object}: {rows:#?}");
        }
    }
}

#[test]
fn what_a_quiet_moment_left_open_is_told_at_the_end() {
    let mut c = poll();
    c.client(ASK); // without an answer
    let whole = run(&c.packets);
    let mut pipeline = Pipeline::new(scenario::settings());
    let mut out = scenario::Out::default();
    for (i, (ts, data)) in c.packets.iter().enumerate() {
        let packet = Packet { ts: *ts, frame: Frame::new(0, i as u64 + 1), link: 1, orig_len: data.len() as u32, data };
        assert!(pipeline.push(&packet).is_none());
    }
    let quiet = c.clock + 10_000_000_000;
    out.add(pipeline.idle(quiet).unwrap());
    assert!(pipeline.idle(quiet).is_none());
    out.add(pipeline.finish().unwrap());
    assert!(pipeline.finish().is_none());
    assert_eq!(out.values("modbus", "status"), whole.values("modbus", "status"));
    assert_eq!(out.values("flows", "state"), whole.values("flows", "state"));
    let [(_, end), (start, _)] = out.windows[..] else { panic!("{:?}", out.windows) };
    assert_eq!(start, end, "no window is told twice");
}
