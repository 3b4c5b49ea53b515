//! DNP3 that is broken, lost, repeated, hostile or too large: the next whole frame is always read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod dnp3_build;

use common::{Dice, Run};
use dnp3_build::*;
use wire::dissect::Dir::{ToClient, ToServer};

/// A read request with this application sequence.
fn read(sequence: u8) -> Vec<u8> {
    ask(&[0xC0 | sequence, 1, 60, 2, 6, 60, 3, 6, 60, 4, 6, 60, 1, 6])
}

fn frames(run: &mut Run) -> Vec<String> {
    table(run, "dnp3", &["frame", "function", "app_seq"])
}

// ---------------------------------------------------------------- CRCs

#[test]
fn a_wrong_block_loses_its_frame_only() {
    for (at, what) in [(10, "data block 1"), (26, "data block 1"), (29, "data block 2")] {
        let long = ask(&[&[0xC1, 1][..], &[60, 2, 6].repeat(6)].concat());
        let mut bad = long.clone();
        bad[at] ^= 0x10;
        let mut run = run(&[(ToServer, long.clone()), (ToServer, [&bad[..], &read(2)].concat()), (ToServer, long)]);
        run.end(3);
        assert_eq!(table(&mut run, "dnp3", &["frame", "app_seq"]), ["1|1", "2|2", "3|1"]);
        let mut run = self::run(&[(ToServer, bad.clone())]);
        run.end(1);
        assert_eq!(anomalies(&mut run), [format!("crc|{what} of a frame from 1 to 1024")]);
    }
}

#[test]
fn a_wrong_header_is_skipped_once() {
    let mut bad = read(1);
    bad[8] ^= 1;
    let mut run = run(&[(ToServer, read(0)), (ToServer, bad), (ToServer, read(2)), (ToServer, read(3))]);
    assert_eq!(frames(&mut run), ["1|read|0", "3|read|2", "4|read|3"]);
    let mut again = self::run(&[]);
    let mut bad = read(1);
    bad[8] ^= 1;
    let n = bad.len();
    again.feed(0, ToServer, &read(0));
    again.feed(1, ToServer, &bad);
    again.feed(2, ToServer, &read(2));
    assert_eq!(
        anomalies(&mut again),
        ["crc|header block".to_owned(), format!("resynchronised|{n} bytes skipped up to this frame")]
    );
}

/// A frame whose end was never sent: the next one lies where its data should be.
#[test]
fn a_frame_within_a_broken_one_is_read() {
    for kept in 10..29 {
        let long = ask(&[&[0xC1, 1][..], &[60, 2, 6].repeat(6)].concat());
        let bytes = [&long[..kept], &read(2), &read(3), &read(4)].concat();
        let whole = common::lines(&make, &[(ToServer, read(0)), (ToServer, bytes.clone())], |_, n| n);
        let bytewise = common::lines(&make, &[(ToServer, read(0)), (ToServer, bytes.clone())], |_, _| 1);
        assert_eq!(whole, bytewise, "{kept}");
        let mut run = run(&[(ToServer, read(0)), (ToServer, bytes)]);
        assert_eq!(frames(&mut run), ["1|read|0", "2|read|2", "2|read|3", "2|read|4"], "{kept}");
    }
}

#[test]
fn start_octets_within_data_mislead_nobody() {
    // a whole valid frame as an octet string inside of another frame
    let inner = read(9);
    let outer = tell(&[&[0xC1, 129, 0, 0, 110, inner.len() as u8, 0, 0, 0][..], &inner].concat());
    let mut run = run(&[(ToClient, outer), (ToClient, response(&[]))]);
    assert_eq!(frames(&mut run), ["1|response|1", "2|response|0"]);
    assert!(run.rows.anomalies.is_empty());
}

#[test]
fn noise_between_frames() {
    let mut dice = Dice(7);
    for round in 0..200 {
        let size = 1 + dice.below(600);
        let mut noise = dice.bytes(size);
        // half of the time full of false starts
        if round % 2 == 0 {
            for pair in noise.chunks_exact_mut(2) {
                pair.copy_from_slice(&[0x05, 0x64]);
            }
        }
        let mut run = run(&[(ToServer, read(0)), (ToServer, noise), (ToServer, read(1)), (ToServer, read(2))]);
        let rows = frames(&mut run);
        assert!(rows.contains(&"1|read|0".into()), "{round}");
        assert!(rows.iter().filter(|r| r.ends_with("|read|2")).count() == 1, "{round}: {rows:?}");
    }
}

// ---------------------------------------------------------------- loss

#[test]
fn any_lost_segment_of_a_stream() {
    let stream: Vec<u8> = (0..16).flat_map(read).collect();
    let n = read(0).len();
    for from in (0..stream.len()).step_by(7) {
        for size in [1, 5, 10, n, 3 * n + 1] {
            let until = (from + size).min(stream.len());
            let mut run = Run::new(make());
            run.feed(0, ToServer, &stream[..from]);
            run.gap(1, ToServer, (until - from) as u64);
            run.feed(1, ToServer, &stream[until..]);
            run.end(2);
            let rows = table(&mut run, "dnp3", &["app_seq"]);
            let whole: Vec<String> =
                (0..16).filter(|f| (f + 1) * n <= from || f * n >= until).map(|f| f.to_string()).collect();
            assert_eq!(rows, whole, "lost {from}..{until}");
        }
    }
}

#[test]
fn a_gap_drops_the_fragment_under_way() {
    let long = [&[0xC3, 129, 0, 0, 30, 1, 0, 0, 99][..], &[[1, 9, 0, 0, 0]; 100].concat()].concat();
    let parts = segments(0x44, OUTSTATION, MASTER, &long, 249, 0);
    let mut run = Run::new(make());
    run.feed(0, ToClient, &parts[0]);
    run.gap(1, ToClient, parts[1].len() as u64);
    run.feed(1, ToClient, &parts[2]);
    run.feed(2, ToClient, &response(&[]));
    assert_eq!(frames(&mut run), ["3|response|0"]);
    let mut run = Run::new(make());
    run.feed(0, ToClient, &parts[0]);
    run.gap(1, ToServer, 50); // the other direction: nothing lost here
    run.feed(1, ToClient, &parts[1]);
    run.feed(2, ToClient, &parts[2]);
    assert_eq!(frames(&mut run), ["3|response|3"]);
}

#[test]
fn segments_out_of_sequence() {
    let long = [&[0xC3, 129, 0, 0, 30, 1, 0, 0, 99][..], &[[1, 9, 0, 0, 0]; 100].concat()].concat();
    let parts = segments(0x44, OUTSTATION, MASTER, &long, 249, 63);
    let said = |order: &[usize]| {
        let script: Vec<_> = order.iter().map(|&i| (ToClient, parts[i].clone())).collect();
        let mut run = run(&script);
        let rows = run.rows.dnp3.len();
        (rows, anomalies(&mut run))
    };
    assert_eq!(said(&[0, 1, 2]), (1, vec![]));
    assert_eq!(said(&[0, 1, 1, 2]), (1, vec!["transport_sequence|segment 0 came twice".into()]));
    assert_eq!(
        said(&[0, 2, 0, 1, 2]),
        (1, vec!["transport_sequence|segment 1 where 0 was due: 249 octets dropped".into()])
    );
    assert_eq!(said(&[2]), (0, vec!["transport_sequence|segment 1 without a first one".into()]));
    assert_eq!(
        said(&[0, 0, 1, 2]),
        (1, vec!["transport_sequence|249 octets dropped: a new fragment began before the last one's end".into()])
    );
}

#[test]
fn fragments_of_several_pairs_interleave() {
    let fragment = |n: u8| [&[0xC0 | n, 129, 0, 0, 110, 100, 0, 0, 3][..], &[b'a' + n; 400]].concat();
    let parts: Vec<Vec<Vec<u8>>> = (0..5).map(|n| segments(0x44, 10 + u16::from(n), 1, &fragment(n), 249, n)).collect();
    let mut run = Run::new(make());
    for part in 0..2 {
        for (n, frames) in parts.iter().enumerate() {
            run.feed(part * 5 + n, ToClient, &frames[part]);
        }
    }
    assert_eq!(
        table(&mut run, "dnp3", &["link_src", "app_seq", "objects"]),
        ["10|0|[110:100]", "11|1|[110:100]", "12|2|[110:100]", "13|3|[110:100]", "14|4|[110:100]"]
    );
    assert!(run.rows.anomalies.is_empty());
}

// ---------------------------------------------------------------- datagrams

#[test]
fn datagrams() {
    let mut run = Run::new(make());
    run.datagram(0, ToServer, &[read(1), read(2)].concat());
    run.datagram(1, ToServer, &read(3)[..12]);
    run.datagram(2, ToServer, &read(4));
    let mut bad = read(5);
    bad[12] ^= 1;
    run.datagram(3, ToServer, &bad);
    run.datagram(4, ToServer, &read(6));
    assert_eq!(frames(&mut run), ["1|read|1", "1|read|2", "3|read|4", "5|read|6"]);
}

#[test]
fn link_frames_of_every_function() {
    let script: Vec<_> = (0..16)
        .flat_map(|code| [(ToServer, link(0xC0 | code, 1, 2, &[])), (ToClient, link(code, 2, 1, &[]))])
        .collect();
    let mut run = run(&script);
    let names = table(&mut run, "dnp3", &["link_function", "from_master", "app_function", "function"]);
    assert_eq!(names.len(), 32);
    let known: Vec<&String> = names.iter().filter(|n| !n.ends_with("unknown")).collect();
    assert_eq!(
        known,
        [
            "0|1|null|reset_link",
            "0|0|null|ack",
            "1|1|null|reset_user_process",
            "1|0|null|nack",
            "2|1|null|test_link",
            "3|1|null|confirmed_user_data",
            "4|1|null|unconfirmed_user_data",
            "9|1|null|request_link_status",
            "11|0|null|link_status",
            "14|0|null|link_not_functioning",
            "15|0|null|link_not_supported",
        ]
    );
}

#[test]
fn user_data_behind_other_link_functions_is_not_obeyed() {
    let mut run = run(&[(ToServer, link(0xC9, 1, 2, &[0xC0, 0xC0, 13])), (ToServer, link(0xC4, 1, 2, &[]))]);
    assert_eq!(
        table(&mut run, "dnp3", &["function", "app_function"]),
        ["request_link_status|null", "unconfirmed_user_data|null"]
    );
    let mut run = self::run(&[(ToServer, link(0xC9, 1, 2, &[0xC0, 0xC0, 13])), (ToServer, link(0xC4, 1, 2, &[]))]);
    assert_eq!(
        anomalies(&mut run),
        ["trailing_bytes|3 octets behind link function 9", "malformed|a data frame without user data"]
    );
}

// ---------------------------------------------------------------- requests and responses

#[test]
fn a_master_at_the_server_end_stays_the_client_of_its_behaviours() {
    // the outstation opened the connection and nobody noticed: DIR says who is who
    let mut run = run(&[(ToClient, read(1)), (ToServer, tell(&[0xC1, 129, 0, 0]))]);
    assert_eq!(
        table(&mut run, "behaviours", &["client_ip", "server_ip", "unit", "operation", "latency_sum_us"]),
        ["::2|::1|1>1024|read|1000"]
    );
}

#[test]
fn refusals_are_errors() {
    let refusal = |iin: u8| {
        let mut run = run(&[(ToServer, read(1)), (ToClient, tell(&[0xC1, 129, 0, iin]))]);
        table(&mut run, "behaviours", &["errors"]).remove(0)
    };
    let errors: Vec<String> = (0..6).map(|bit| refusal(1 << bit)).collect();
    // an overflown buffer and a corrupt configuration say nothing about the request
    assert_eq!(errors, ["1", "1", "1", "0", "1", "0"]);
    let control = |status: u8| [&[12, 1, 0x17, 1, 3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0][..], &[status]].concat();
    let mut run = run(&[
        (ToServer, ask(&[&[0xC1, 5][..], &control(0)].concat())),
        (ToClient, tell(&[&[0xC1, 129, 0, 0][..], &control(4)].concat())),
    ]);
    assert_eq!(table(&mut run, "behaviours", &["operation", "object", "errors"]), ["direct_operate|12:1[3]|1"]);
}

#[test]
fn unanswered_requests_are_counted_too() {
    let mut run = Run::new(make());
    run.feed(0, ToServer, &read(1));
    run.tick(1, 5);
    assert!(run.behaviours.is_empty());
    run.tick(1, 11);
    assert_eq!(table(&mut run, "behaviours", &["operation", "count", "answered"]), ["read|1|0"]);
    // the same sequence anew: the first one stays unanswered
    run.feed(2, ToServer, &read(2));
    run.feed(3, ToServer, &read(2));
    run.feed(4, ToClient, &tell(&[0xC2, 129, 0, 0]));
    assert_eq!(table(&mut run, "behaviours", &["operation", "count", "answered"]), ["read|2|1"]);
    // broadcasts have no answer
    run.feed(5, ToServer, &link(0xC4, 1, 0xFFFF, &[0xC0, 0xC3, 13]));
    assert_eq!(table(&mut run, "behaviours", &["unit", "operation"]), ["1>65535|cold_restart"]);
    run.feed(6, ToServer, &read(4));
    run.end(7);
    assert_eq!(table(&mut run, "behaviours", &["operation", "count", "answered"]), ["read|1|0"]);
}

#[test]
fn a_response_in_several_fragments_is_one_behaviour() {
    let mut run = run(&[
        (ToServer, read(15)),
        (ToClient, tell(&[0xAF, 129, 0, 0, 30, 4, 0, 0, 0, 7, 0])),
        (ToServer, ask(&[0xCF, 0])),
        (ToClient, tell(&[0x60, 129, 0, 0, 30, 4, 0, 1, 1, 7, 0])),
        (ToServer, ask(&[0xC0, 0])),
    ]);
    assert_eq!(
        table(&mut run, "behaviours", &["operation", "count", "bytes", "latency_sum_us"]),
        ["confirm|2|30|0", "read|1|75|1000"]
    );
    assert!(run.rows.anomalies.is_empty());
}

#[test]
fn responses_without_requests() {
    // the capture may have begun between the two: nothing is wrong
    let mut early = run(&[(ToClient, tell(&[0xC1, 129, 0, 0]))]);
    assert!(early.rows.anomalies.is_empty());
    assert_eq!(table(&mut early, "behaviours", &["operation", "access"]), ["response|session"]);
    let script = [
        (ToServer, read(1)),
        (ToClient, tell(&[0xC1, 129, 0, 0])),
        (ToClient, tell(&[0xC1, 129, 0, 0])), // a repeated response
        (ToClient, tell(&[0xC9, 129, 0, 0])),
    ];
    assert_eq!(anomalies(&mut run(&script)), ["unsolicited_response|response 9 from 1024 to 1"]);
}

#[test]
fn authentication_does_not_break_the_pair_of_request_and_response() {
    let operate = [0xC6, 5, 41, 2, 0x17, 1, 3, 9, 0, 0];
    let challenge = [0xC6, 131, 0, 0, 120, 1, 0x5B, 1, 8, 0, 5, 0, 0, 0, 2, 0, 4, 1];
    let reply = [0xC6, 32, 120, 2, 0x5B, 1, 6, 0, 5, 0, 0, 0, 2, 0];
    let mut run = run(&[
        (ToServer, ask(&operate)),
        (ToClient, tell(&challenge)),
        (ToServer, ask(&reply)),
        (ToClient, tell(&[0xC6, 129, 0, 0, 41, 2, 0x17, 1, 3, 9, 0, 0])),
        // session keys: the request is the master's own
        (ToServer, ask(&[0xC7, 32, 120, 4, 7, 1, 2, 0])),
        (ToClient, tell(&[0xC7, 131, 0, 0, 120, 5, 0x5B, 1, 6, 0, 5, 0, 0, 0, 2, 0])),
    ]);
    run.end(9);
    assert_eq!(
        table(&mut run, "behaviours", &["operation", "object", "count", "latency_sum_us"]),
        [
            "authenticate_response||1|0",
            "authenticate_request|120:2|1|0",
            "direct_operate|41:2[3]|1|3000",
            "authenticate_request|120:4|1|1000",
        ]
    );
    assert!(run.rows.anomalies.is_empty());
}

#[test]
fn select_before_operate() {
    let objects =
        |index: u8, status: u8| [&[12, 1, 0x17, 1, index, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0][..], &[status]].concat();
    let send = |sequence: u8, function: u8, index: u8| {
        (ToServer, ask(&[&[0xC0 | sequence, function][..], &objects(index, 0)].concat()))
    };
    let said = |script: &[common::Piece]| anomalies(&mut run(script));
    assert!(said(&[send(1, 3, 7), send(2, 4, 7)]).is_empty());
    assert!(said(&[send(15, 3, 7), send(0, 4, 7)]).is_empty());
    assert!(said(&[send(1, 3, 7), send(2, 4, 7), send(2, 4, 7)]).is_empty(), "a repeated operate");
    assert_eq!(
        said(&[send(1, 3, 7), send(2, 4, 8)]),
        ["select_mismatch|operate with other objects than the select of frame 1"]
    );
    assert_eq!(
        said(&[send(1, 3, 7), send(5, 4, 7)]),
        ["select_mismatch|operate with sequence 5 where the select of frame 1 asks for 2"]
    );
    assert_eq!(
        said(&[send(1, 3, 7), (ToServer, read(2)), send(3, 4, 7)]),
        ["select_mismatch|operate without a select"]
    );
    assert_eq!(said(&[send(1, 3, 7), send(2, 4, 7), send(3, 4, 7)]), ["select_mismatch|operate without a select"]);
    // the select may have come before the capture began, or in a hole
    assert!(said(&[send(2, 4, 7)]).is_empty());
    let mut lossy = run(&[(ToServer, read(0))]);
    lossy.gap(1, ToServer, 40);
    lossy.feed(1, ToServer, &send(2, 4, 7).1);
    assert_eq!(anomalies(&mut lossy), ["gap|40 bytes missing"]);
}

// ---------------------------------------------------------------- tags

#[test]
fn tags_tell_changes() {
    let analog = |value: u8, flags: u8| response(&[30, 2, 0, 3, 4, flags, value, 0, 1, 5, 0]);
    let script = [
        (ToClient, analog(7, 1)),
        (ToClient, analog(7, 1)),
        (ToClient, analog(8, 1)),
        (ToClient, analog(8, 0x21)),
        // an event is a change, whatever its value; then the same point as a static one is none
        (ToClient, response(&[32, 2, 0x17, 2, 3, 1, 8, 0, 3, 1, 8, 0])),
        (ToClient, analog(8, 1)),
        (ToClient, response(&[1, 1, 0, 0, 0, 1])),
        (ToClient, response(&[1, 2, 0, 0, 0, 0x81])),
        (ToClient, response(&[110, 2, 0, 0, 0, b'o', b'k'])),
        (ToClient, response(&[110, 2, 0, 0, 0, b'o', b'k'])),
        (ToClient, response(&[&[30, 5, 0, 9, 9, 1][..], &f32::NAN.to_le_bytes()].concat())),
        // what a master writes is a command, not a value
        (ToServer, ask(&[0xC0, 5, 41, 2, 0x17, 1, 3, 9, 0, 0])),
        (ToServer, ask(&[0xC0, 2, 34, 1, 0, 0, 0, 9, 0])),
    ];
    let mut run = run(&script);
    assert_eq!(
        table(&mut run, "tag_values", &["frame", "source", "tag", "value", "text", "quality"]),
        [
            "1|dnp3|1024/analog_input/3|7||good",
            "1|dnp3|1024/analog_input/4|5||good",
            "3|dnp3|1024/analog_input/3|8||good",
            "4|dnp3|1024/analog_input/3|8||over_range",
            "5|dnp3|1024/analog_input/3|8||good",
            "5|dnp3|1024/analog_input/3|8||good",
            "7|dnp3|1024/binary_input/0|1||good",
            "9|dnp3|1024/octet_string/0|null|ok|good",
            "11|dnp3|1024/analog_input/9|null|nan|good",
        ]
    );
}

// ---------------------------------------------------------------- limits

#[test]
fn items_of_a_fragment() {
    let mut run = Run::new(make());
    run.limits.items = 5;
    run.feed(0, ToClient, &response(&[1, 1, 0, 0, 7, 0xFF, 30, 4, 0, 0, 0, 9, 0]));
    run.feed(1, ToClient, &response(&[30, 4, 0, 0, 5, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]));
    run.feed(2, ToServer, &ask(&[&[0xC0, 1][..], &[60, 2, 6].repeat(6)].concat()));
    run.feed(3, ToClient, &response(&[&[111, 1, 0x17, 6][..], &[1, b'x'].repeat(6)].concat()));
    let rows = run.rows.take();
    let of = |table: &str, column: &str| {
        let t = rows.iter().find(|t| t.name == table).unwrap();
        let c = &t.columns.iter().find(|(n, _)| *n == column).unwrap().1;
        (0..t.len()).map(|row| c.show(row)).collect::<Vec<_>>()
    };
    assert_eq!(of("dnp3", "points.value"), ["[1 1 1 1 1]", "[1 2 3 4 5]", "[]", "[NaN NaN NaN NaN NaN]"]);
    assert_eq!(of("dnp3", "objects"), ["[1:1 30:4]", "[30:4]", "[60:2 60:2 60:2 60:2 60:2]", "[111:1]"]);
    assert_eq!(of("anomalies", "kind"), ["too_many_items"; 4]);
}

#[test]
fn octets_under_assembly() {
    let mut run = Run::new(make());
    run.limits.message_bytes = 2_000;
    let long = [&[0xC3, 129, 0, 0][..], &[0; 5_000]].concat();
    // four fragments at once, each below the limit
    for part in 0..3 {
        for station in 0..4 {
            let frames = segments(0x44, 10 + station, 1, &long, 249, 0);
            run.feed(part, ToClient, &frames[part]);
        }
    }
    let said = anomalies(&mut run);
    assert!(
        !said.is_empty() && said.iter().all(|a| a == "message_too_long|747 octets of an unfinished fragment dropped"),
        "{said:?}"
    );
    run.feed(9, ToClient, &response(&[]));
    assert_eq!(frames(&mut run), ["10|response|0"]);
}

#[test]
fn pairs_of_a_flow() {
    let mut run = Run::new(make());
    run.limits.link_pairs = 3;
    for station in 0..10_u16 {
        run.feed(usize::from(station), ToServer, &link(0xC4, 1, station, &[0xC0, 0xC1, 1, 60, 1, 6]));
    }
    // those that made room were counted as unanswered
    assert_eq!(run.behaviours.len(), 7);
    for station in 0..10_u16 {
        run.feed(20, ToClient, &link(0x44, station, 1, &[0xC0, 0xC1, 129, 0, 0]));
    }
    run.end(21);
    assert_eq!(run.rows.dnp3.len(), 20);
    let reads = table(&mut run, "behaviours", &["operation", "answered"]);
    assert_eq!(reads.iter().filter(|r| r.starts_with("read")).count(), 10);
}

#[test]
fn waiting_requests() {
    let mut run = Run::new(make());
    run.limits.pending_requests = 2;
    for station in 0..5_u16 {
        run.feed(usize::from(station), ToServer, &link(0xC4, 1, station, &[0xC0, 0xC1, 1, 60, 1, 6]));
    }
    assert_eq!(run.behaviours.len(), 3);
    assert_eq!(anomalies(&mut run), ["pending_full|the request is counted without its response"; 3]);
    run.tick(5, 60);
    assert_eq!(run.behaviours.len(), 5);
    run.feed(6, ToServer, &link(0xC4, 1, 9, &[0xC0, 0xC1, 1, 60, 1, 6]));
    assert!(run.rows.anomalies.is_empty(), "there is room again");
}

#[test]
fn tags_of_a_flow() {
    let mut run = Run::new(make());
    run.limits.tags_per_flow = 2;
    run.feed(0, ToClient, &response(&[30, 4, 0, 0, 3, 1, 0, 2, 0, 3, 0, 4, 0]));
    run.feed(1, ToClient, &response(&[32, 2, 0x17, 1, 3, 1, 8, 0]));
    run.feed(2, ToClient, &response(&[30, 4, 0, 0, 0, 5, 0]));
    assert_eq!(run.rows.anomalies.len(), 1);
    assert_eq!(
        table(&mut run, "tag_values", &["frame", "tag", "value"]),
        ["1|1024/analog_input/0|1", "1|1024/analog_input/1|2", "2|1024/analog_input/3|8", "3|1024/analog_input/0|5"]
    );
}

#[test]
fn texts_are_bounded() {
    let mut run = Run::new(make());
    run.limits.text_bytes = 8;
    run.feed(0, ToClient, &response(&[&[110, 20, 0, 0, 0][..], &[b'x'; 20]].concat()));
    run.feed(1, ToServer, &ask(&[&[0xC0, 1][..], &[60, 2, 6].repeat(9)].concat()));
    run.end(2);
    let rows = run.rows.take();
    let table = rows.iter().find(|t| t.name == "dnp3").unwrap();
    let texts = &table.columns.iter().find(|(n, _)| *n == "points.text").unwrap().1;
    assert_eq!(texts.show(0), "[xxxxxxxx]");
    assert_eq!(self::table(&mut run, "behaviours", &["operation", "object"])[1], "read|60:2 60:2…");
}

#[test]
fn a_flow_that_never_was_dnp3_is_given_up() {
    let mut run = Run::new(make());
    for packet in 0..100 {
        run.feed(
            packet,
            ToServer,
            b"GET /index.html HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\nUser-Agent: x\r\n\r\n",
        );
    }
    assert!(!run.mine);
    // one that was is never given up
    let mut run = self::run(&[(ToServer, read(1))]);
    for packet in 1..1_000 {
        run.feed(packet, ToServer, &[0; 100]);
    }
    run.feed(1_000, ToServer, &read(2));
    assert!(run.mine);
    assert_eq!(frames(&mut run), ["1|read|1", "1001|read|2"]);
}

/// Random bytes never pass the CRCs: here they stand behind right ones, as headers with odd groups, counts and
/// sizes, in one segment or several. No panic, columns of one length, a row each.
#[test]
fn random_fragments_behind_right_crcs() {
    const GROUPS: [u8; 40] = [
        0, 1, 2, 3, 4, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33, 34, 40, 41, 42, 43, 50, 51, 52, 60, 70, 80, 81,
        87, 90, 101, 102, 110, 111, 113, 114, 120, 121, 122,
    ];
    let mut dice = Dice(11);
    let mut run = Run::new(make());
    run.limits.anomalies_per_flow = 10;
    let (mut fragments, mut points) = (0, 0);
    for input in 0..60_000 {
        if input % 1_000 == 999 {
            run.end(input);
            assert_eq!(run.rows.dnp3.len(), fragments);
            points += fragments_with_points(&mut run);
            run = Run::new(make());
            run.limits.anomalies_per_flow = 10;
            fragments = 0;
        }
        let function = [1, 2, 3, 4, 5, 7, 11, 25, 32, 129, 130, 131, dice.next() as u8][dice.below(13)];
        let mut fragment = vec![dice.next() as u8, function];
        if function >= 129 {
            fragment.extend([0, 0]);
        }
        for _ in 0..=dice.below(3) {
            let qualifier =
                [0x00, 0x01, 0x02, 0x06, 0x07, 0x08, 0x17, 0x28, 0x39, 0x5B, dice.next() as u8][dice.below(11)];
            fragment.extend([GROUPS[dice.below(GROUPS.len())], dice.below(10) as u8, qualifier]);
            // small numbers make headers whose objects are there
            let (n, most) = (dice.below(80), 1 + dice.below(255));
            fragment.extend((0..n).map(|_| dice.below(most) as u8));
        }
        fragments += 1;
        let (control, src, dst) = if function < 129 { (0xC4, 1, 2) } else { (0x44, 2, 1) };
        let dir = if function < 129 { ToServer } else { ToClient };
        let size = 1 + dice.below(249);
        for frame in segments(control, src, dst, &fragment, size, dice.next() as u8 & 0x3F) {
            run.feed(input, dir, &frame);
        }
    }
    assert!(points > 5_000, "{points} fragments with points: the dice are loaded");
}

#[test]
fn unknown_objects_are_told_once_a_fragment() {
    let mut run = run(&[(ToClient, response(&[99, 1, 0x5B, 0].repeat(50))), (ToClient, response(&[99, 1, 0x5B, 0]))]);
    assert_eq!(anomalies(&mut run), ["unknown_code|object 99:1 is not in the library"; 2]);
}

#[test]
fn a_long_answer_outlives_its_request() {
    let mut run = run(&[(ToServer, read(1)), (ToClient, tell(&[0x81, 129, 0, 0]))]);
    run.tick(2, 60);
    run.feed(3, ToClient, &tell(&[0x42, 129, 0, 0]));
    assert!(run.rows.anomalies.is_empty());
    assert_eq!(run.rows.dnp3.len(), 3);
}

/// What an attacker can send most of for the fewest bytes stays cheap.
#[test]
fn hostile_streams_end() {
    let starts = [0x05, 0x64].repeat(100_000);
    let tiny: Vec<u8> = (0..20_000_u16).flat_map(|i| link(0xC4, i, i ^ 0x5555, &[0x40, 1])).collect();
    let bad: Vec<u8> = {
        let mut frame = link(0xC4, 1, 2, &[0x05; 250]);
        frame[20] ^= 1;
        frame.repeat(500)
    };
    for stream in [&starts, &tiny, &bad] {
        let mut run = self::run(&[(ToServer, read(1))]);
        run.limits.anomalies_per_flow = 10;
        for chunk in stream.chunks(1_400) {
            run.feed(1, ToServer, chunk);
        }
        run.feed(2, ToServer, &read(3));
        run.end(3);
        assert!(frames(&mut run).last().unwrap().ends_with("read|3"));
    }
}
