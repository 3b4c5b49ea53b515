//! MQTT over WebSocket: upgrade, masking, fragments, holes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod mqtt_kit;

use common::{Dice, Piece, Run, battery};
use mqtt_kit::{connect, publish, subscribe};
use wire::dissect::{Dir, Dissector, Probe};
use wire::mqtt::ws::{Ws, probe};

const UP: Dir = Dir::ToServer;
const DOWN: Dir = Dir::ToClient;

const ASK: &[u8] = b"GET /mqtt HTTP/1.1\r\nHost: broker\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Authorization: Bearer s3cret\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
const GRANT: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Protocol: mqtt\r\n\r\n";

fn make() -> Box<dyn Dissector> {
    Box::new(Ws::new())
}

/// A frame; the client's are masked.
fn frame(dir: Dir, first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xFA, 0x21, 0x3D];
    let bit = if dir == UP { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        n @ 0..=125 => out.push(bit | n as u8),
        n @ 126..=0xFFFF => {
            out.push(bit | 126);
            out.extend((n as u16).to_be_bytes());
        }
        n => {
            out.push(bit | 127);
            out.extend((n as u64).to_be_bytes());
        }
    }
    if dir == UP {
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, k)| b ^ k));
    } else {
        out.extend(payload);
    }
    out
}

fn data(dir: Dir, payload: &[u8]) -> Vec<u8> {
    frame(dir, 0x82, payload)
}

fn script() -> Vec<Piece> {
    vec![
        (UP, ASK.to_vec()),
        (DOWN, GRANT.to_vec()),
        (UP, data(UP, &connect(4, "web-1"))),
        (DOWN, data(DOWN, &[0x20, 2, 0, 0])),
        (UP, data(UP, &subscribe(1, &[("a/#", 0)]))),
        (DOWN, data(DOWN, &[0x90, 3, 0, 1, 0])),
        (UP, frame(UP, 0x89, b"ping")),
        (DOWN, frame(DOWN, 0x8A, b"ping")),
        (UP, data(UP, &publish(0x30, "a/b", 0, b"on"))),
        (DOWN, data(DOWN, &publish(0x30, "a/b", 0, b"on"))),
    ]
}

fn run(script: &[Piece]) -> Vec<String> {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run.end(script.len());
    rows(&mut run)
}

/// `frame packet topic size` of packets, kind and detail of anomalies.
fn rows(run: &mut Run) -> Vec<String> {
    let mut out = Vec::new();
    for table in run.rows.take() {
        let show = |name: &str, row| table.columns.iter().find(|(n, _)| *n == name).map(|(_, c)| c.show(row)).unwrap();
        for row in 0..table.len() {
            match table.name {
                "mqtt" => out.push(format!(
                    "{} {} {} {} {}",
                    show("frame", row),
                    show("packet", row),
                    show("client_id", row),
                    show("topic", row),
                    show("payload_size", row)
                )),
                "anomalies" => {
                    out.push(format!("{} {}: {}", show("frame", row), show("kind", row), show("detail", row)))
                }
                _ => {}
            }
        }
    }
    out
}

#[test]
fn a_session() {
    assert_eq!(
        run(&script()),
        [
            "3 CONNECT web-1  0",
            "4 CONNACK web-1  0",
            "5 SUBSCRIBE web-1  0",
            "6 SUBACK web-1  0",
            "9 PUBLISH web-1 a/b 2",
            "10 PUBLISH web-1 a/b 2",
        ]
    );
}

#[test]
fn the_battery() {
    battery(&make, &script());
}

#[test]
fn fragments_with_a_ping_between_them() {
    let packet = publish(0x30, "big", 0, &[b'x'; 70_000]);
    let mut bytes = frame(UP, 0x02, &packet[..3]);
    bytes.extend(frame(UP, 0x00, &packet[3..200]));
    bytes.extend(frame(UP, 0x89, b"p"));
    bytes.extend(frame(UP, 0x80, &packet[200..]));
    bytes.extend(data(UP, &[[0xC0, 0], [0xC0, 0]].concat()));
    let mut all = script();
    all.push((UP, bytes));
    let whole = common::lines(&make, &all, |_, n| n);
    common::splits(&make, &all, &whole);
    assert_eq!(run(&all)[6..], ["11 PUBLISH web-1 big 70000", "11 PINGREQ web-1  0", "11 PINGREQ web-1  0"]);
}

#[test]
fn a_hole_in_a_payload_leaves_frames_and_packets_in_step() {
    let bytes = data(UP, &publish(0x30, "big", 0, &[b'x'; 5_000]));
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script().iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    rows(&mut run);
    run.feed(10, UP, &bytes[..1_001]);
    run.gap(11, UP, 1_002);
    run.feed(12, UP, &bytes[2_003..]);
    run.feed(13, UP, &data(UP, &publish(0x30, "next", 0, b"1")));
    assert_eq!(
        rows(&mut run),
        [
            "13 PUBLISH web-1 big 5000",
            "14 PUBLISH web-1 next 1",
            "12 gap: PUBLISH: payload at offset 990 of 5005 has a hole of 1002 bytes"
        ]
    );
}

#[test]
fn a_hole_of_any_kind_is_followed_by_the_next_frame() {
    for (missing, behind) in [(0, 0), (0, 700), (90_000, 41)] {
        let mut run = Run::new(make());
        for (packet, (dir, bytes)) in script().iter().enumerate() {
            run.feed(packet, *dir, bytes);
        }
        rows(&mut run);
        run.gap(11, UP, missing);
        let mut bytes = Dice(5).bytes(behind);
        bytes.extend(data(UP, &publish(0x30, "plant/next", 0, b"1")));
        bytes.extend(data(UP, &[0xC0, 0]));
        run.feed(12, UP, &bytes);
        run.feed(13, UP, &data(UP, &publish(0x30, "plant/more", 0, b"1")));
        let rows = rows(&mut run);
        assert_eq!(rows[..2], ["13 PUBLISH web-1 plant/next 1", "13 PINGREQ web-1  0"], "{rows:#?}");
        assert_eq!(rows[2], "14 PUBLISH web-1 plant/more 1");
        assert!(rows[3].starts_with("13 resynchronised: "), "{rows:#?}");
        assert_eq!(rows.len(), 4);
    }
}

#[test]
fn the_middle_of_a_session() {
    let mut run = Run::new(make());
    run.feed(0, DOWN, &data(DOWN, &publish(0x30, "a/b", 0, b"on")));
    assert_eq!(rows(&mut run), ["1 PUBLISH  a/b 2"]);
    let two = [data(UP, &publish(0x30, "a/b", 0, b"on")), data(UP, &[0xC0, 0])].concat();
    assert_eq!(probe(&two, 5, 6), Probe::Client);
    let two = [data(DOWN, &publish(0x30, "a/b", 0, b"on")), data(DOWN, &[0xD0, 0])].concat();
    assert_eq!(probe(&two, 5, 6), Probe::Server);
    assert_eq!(probe(&two[..8], 5, 6), Probe::Unsure);
    assert_eq!(probe(ASK, 5, 6), Probe::Client);
    assert_eq!(probe(&ASK[..70], 5, 6), Probe::Unsure);
    assert_eq!(probe(GRANT, 5, 6), Probe::Server);
    assert_eq!(probe(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 5, 6), Probe::No);
    assert_eq!(probe(&data(UP, b"\x81\x05hello"), 5, 6), Probe::No);
}

#[test]
fn oddities_are_told_and_the_stream_goes_on() {
    let next = data(UP, &publish(0x30, "plant/next", 0, b"1"));
    for (bytes, want) in [
        (frame(UP, 0x81, b"text"), "11 malformed: WebSocket: a text message"),
        (frame(DOWN, 0x82, &[0xC0, 0]), "11 malformed: WebSocket: a client's frame is not masked"),
        (frame(UP, 0x83, b"??"), "11 malformed: WebSocket: a frame's header is none of RFC 6455"),
        (frame(UP, 0xC2, b"??"), "11 compressed: WebSocket: permessage-deflate"),
    ] {
        let mut all = script();
        all.push((UP, bytes));
        all.push((UP, [next.clone(), data(UP, &[0xC0, 0])].concat()));
        let rows = run(&all);
        assert!(rows.contains(&want.to_owned()), "{rows:#?}");
        assert!(rows.contains(&"12 PUBLISH web-1 plant/next 1".to_owned()), "{want}: {rows:#?}");
    }
}

#[test]
fn a_refused_client_asks_again() {
    let mut all =
        vec![(UP, ASK.to_vec()), (DOWN, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nsorry no".to_vec())];
    all.extend(script());
    assert_eq!(run(&all).len(), 6);
}

#[test]
fn what_is_neither_http_nor_a_frame_is_not_mine() {
    let mut run = Run::new(make());
    run.feed(0, UP, b"\x7f\x45LF");
    assert!(!run.mine);
}
