//! DNP3: everyday traffic, written out octet by octet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod dnp3_build;

use common::Piece;
use dnp3_build::*;
use wire::dissect::{Dir, Probe};
use wire::dnp3::probe;

const ALL: [&str; 15] = [
    "frame",
    "link_src",
    "link_dst",
    "link_function",
    "from_master",
    "transport_seq",
    "app_function",
    "function",
    "app_seq",
    "fir",
    "fin",
    "con",
    "uns",
    "iin",
    "objects",
];

// ---------------------------------------------------------------- everyday

fn everyday() -> Vec<Piece> {
    let analogs: Vec<u8> = (0..16_u32).flat_map(|i| [&[1][..], &(i * 1000).to_le_bytes()].concat()).collect();
    let long = [&[0xC3, 129, 0, 0, 30, 1, 0, 0, 99][..], &[[1, 9, 0, 0, 0]; 100].concat()].concat();
    let mut script = vec![
        (Dir::ToServer, link(0xC9, MASTER, OUTSTATION, &[])),
        (Dir::ToClient, link(0x0B, OUTSTATION, MASTER, &[])),
        (Dir::ToServer, ask(&[0xC1, 1, 60, 2, 6, 60, 3, 6, 60, 4, 6, 60, 1, 6])),
        (Dir::ToClient, tell(&[&[0xE1, 129, 0x90, 0, 30, 1, 0, 0, 15], &analogs[..]].concat())),
        (Dir::ToServer, ask(&[0xC1, 0])),
        (Dir::ToServer, ask(&[0xC2, 3, 12, 1, 0x17, 1, 3, 0x41, 1, 100, 0, 0, 0, 100, 0, 0, 0, 0])),
        (Dir::ToClient, tell(&[0xC2, 129, 0, 0, 12, 1, 0x17, 1, 3, 0x41, 1, 100, 0, 0, 0, 100, 0, 0, 0, 0])),
        (Dir::ToClient, tell(&[0xF5, 130, 0, 0, 2, 1, 0x28, 1, 0, 7, 0, 0x81])),
        (Dir::ToServer, ask(&[0xD5, 0])),
        (Dir::ToServer, ask(&[0xC3, 1, 30, 1, 0, 0, 99])),
    ];
    script.extend(segments(0x44, OUTSTATION, MASTER, &long, 249, 7).into_iter().map(|f| (Dir::ToClient, f)));
    script
}

#[test]
fn everyday_rows() {
    let mut run = run(&everyday());
    assert_eq!(
        table(&mut run, "dnp3", &ALL),
        [
            "1|1|1024|9|1|0|null|request_link_status|0|0|0|0|0|null|[]",
            "2|1024|1|11|0|0|null|link_status|0|0|0|0|0|null|[]",
            "3|1|1024|4|1|0|1|read|1|1|1|0|0|null|[60:2 60:3 60:4 60:1]",
            "4|1024|1|4|0|0|129|response|1|1|1|1|0|36864|[30:1]",
            "5|1|1024|4|1|0|0|confirm|1|1|1|0|0|null|[]",
            "6|1|1024|4|1|0|3|select|2|1|1|0|0|null|[12:1]",
            "7|1024|1|4|0|0|129|response|2|1|1|0|0|0|[12:1]",
            "8|1024|1|4|0|0|130|unsolicited_response|5|1|1|1|1|0|[2:1]",
            "9|1|1024|4|1|0|0|confirm|5|1|1|0|1|null|[]",
            "10|1|1024|4|1|0|1|read|3|1|1|0|0|null|[30:1]",
            "13|1024|1|4|0|9|129|response|3|1|1|0|0|0|[30:1]",
        ]
    );
    assert!(run.rows.anomalies.is_empty());
}

#[test]
fn everyday_behaviours() {
    let mut run = run(&everyday());
    run.end(20);
    let columns = ["unit", "operation", "access", "object", "count", "errors", "bytes", "frame", "latency_sum_us"];
    assert_eq!(
        table(&mut run, "behaviours", &columns),
        [
            "1>1024|read|read|60:2 60:3 60:4 60:1|1|0|139|3|1000",
            "1>1024|confirm|session||2|0|30|5|0",
            "1>1024|select|control|12:1[3]|1|0|68|6|1000",
            "1>1024|unsolicited_response|report|2:1|1|0|25|8|0",
            "1>1024|read|read|30:1[0-99]|1|0|628|10|3000",
        ]
    );
}

/// What is rare: commands with their select, times, restarts, files, attributes, texts, broadcasts, several
/// frames a packet, fragments in several segments, both ways.
fn rare() -> Vec<Piece> {
    let crob =
        [12, 1, 0x28, 2, 0, 3, 0, 0x41, 1, 100, 0, 0, 0, 100, 0, 0, 0, 0, 9, 0, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let with = |head: &[u8], objects: &[u8]| [head, objects].concat();
    let file = with(&[26, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 4, 1, 0], b"/cfg");
    let mut block = vec![70, 5, 0x5B, 1, 0x88, 0x02, 1, 0, 0, 0, 0, 0, 0, 0x80];
    block.extend((0..640_u16).map(|i| i as u8));
    let mut script = vec![
        (Dir::ToServer, ask(&with(&[0xC1, 3], &crob))),
        (Dir::ToClient, tell(&with(&[0xC1, 129, 0, 0], &crob))),
        (Dir::ToServer, ask(&with(&[0xC2, 4], &crob))),
        (Dir::ToClient, tell(&with(&[0xC2, 129, 0, 0x10], &crob))),
        (Dir::ToServer, ask(&[0xC3, 23])),
        (Dir::ToClient, tell(&[0xC3, 129, 0x10, 0, 52, 2, 7, 1, 5, 0])),
        (Dir::ToServer, ask(&[0xC4, 2, 50, 1, 7, 1, 1, 2, 3, 4, 5, 6])),
        (Dir::ToServer, [ask(&[0xC5, 2, 80, 1, 0, 7, 7, 0]), ask(&[0xC6, 14])].concat()),
        (
            Dir::ToClient,
            tell(&[0xF1, 130, 0x80, 0, 51, 1, 7, 1, 0, 16, 0, 0, 0, 0, 2, 3, 0x17, 2, 1, 0x81, 9, 0, 2, 1, 8, 0]),
        ),
        (Dir::ToServer, link(0xC4, MASTER, 0xFFFF, &[0xC1, 0xC7, 2, 50, 3, 7, 1, 1, 2, 3, 4, 5, 6])),
        (Dir::ToServer, ask(&with(&[0xC8, 25, 70, 3, 0x5B, 1, file.len() as u8, 0], &file))),
        (Dir::ToClient, tell(&[0xC8, 129, 0, 0, 70, 4, 0x5B, 1, 13, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 4, 1, 0, 0])),
        (Dir::ToServer, ask(&[0xC9, 1, 0, 254, 0, 0, 0])),
        (
            Dir::ToClient,
            tell(&[0xC9, 129, 0, 0, 0, 252, 0, 0, 0, 1, 4, b'A', b'C', b'M', b'E', 110, 2, 0, 0, 0, b'h', b'i']),
        ),
        (Dir::ToServer, ask(&[0xCA, 112, 60, 1, 6])),
        (Dir::ToClient, tell(&[0xCA, 129, 0, 1])),
    ];
    let write = with(&[0xCB, 2], &block);
    script.extend(segments(0xC4, MASTER, OUTSTATION, &write, 100, 60).into_iter().map(|f| (Dir::ToServer, f)));
    let answer = with(&[0xCB, 129, 0, 0, 3, 1, 1, 0, 0, 0xFF, 7], &[0b1101_0010; 512]);
    let together: Vec<u8> = segments(0x44, OUTSTATION, MASTER, &answer, 249, 61).concat();
    script.extend([(Dir::ToClient, together), (Dir::ToServer, link(0xC0, MASTER, OUTSTATION, &[]))]);
    script
}

#[test]
fn battery() {
    common::battery(&make, &everyday());
    common::battery(&make, &rare());
}

#[test]
fn rare_rows() {
    let mut run = run(&rare());
    assert_eq!(
        anomalies(&mut run),
        ["unknown_code|application function 112"],
        "every other fragment of the script is sound"
    );
    let mut run = self::run(&rare());
    run.end(60);
    assert_eq!(
        table(&mut run, "behaviours", &["unit", "operation", "access", "object", "errors", "answered"]),
        [
            "1>1024|select|control|12:1[3,9]|0|1",
            "1>1024|operate|control|12:1[3,9]|1|1",
            "1>1024|delay_measure|session||0|1",
            "1>1024|unsolicited_response|report|51:1 2:3|0|0",
            "1>65535|write|write|50:3|0|0",
            "1>1024|open_file|write|70:3 /cfg|0|1",
            "1>1024|read|read|0:254[0]|0|1",
            "1>1024|unknown|session|function 112 60:1|1|1",
            "1>1024|write|write|70:5|0|1",
            "1>1024|write|write|50:1|0|0",
            "1>1024|write|write|80:1[7]|0|0",
            "1>1024|warm_restart|control||0|0",
        ]
    );
}

#[test]
fn probing() {
    let master = ask(&[0xC0, 1]);
    let outstation = response(&[]);
    assert_eq!(probe(&master, 1, 2), Probe::Client);
    assert_eq!(probe(&outstation, 1, 2), Probe::Server);
    // the outstation connected: its frames come to port 20000 and it still is the server
    assert_eq!(probe(&outstation, 40_000, 20_000), Probe::Server);
    for n in 0..10 {
        assert_eq!(probe(&master[..n], 1, 2), Probe::Unsure, "{n}");
    }
    let mut bad = master.clone();
    bad[8] ^= 1;
    assert_eq!(probe(&bad, 1, 2), Probe::No);
    assert_eq!(probe(&bad, 1, 20_000), Probe::Client);
    assert_eq!(probe(&bad, 20_000, 1), Probe::Server);
    assert_eq!(probe(&bad, 20_000, 20_000), Probe::Either);
    assert_eq!(probe(b"GET / HTTP/1.1\r\n", 1, 2), Probe::No);
    assert_eq!(probe(b"GET / HTTP/1.1\r\n", 1, 20_000), Probe::Unsure);
    // a capture that begins within a frame
    let late = [&response(&[])[4..], &master[..]].concat();
    assert_eq!(probe(&late, 1, 20_000), Probe::Client);
    assert_eq!(probe(&late, 1, 2), Probe::No);
}
