//! MQTT: rows of every packet of every version, streaming, holes, limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod mqtt_kit;

use common::{Piece, Run, battery};
use mqtt_kit::{ack, connect, packet, publish, publish5, section, subscribe, text};
use wire::dissect::{Dir, Dissector};
use wire::mqtt::Mqtt;

const UP: Dir = Dir::ToServer;
const DOWN: Dir = Dir::ToClient;

fn make() -> Box<dyn Dissector> {
    Box::new(Mqtt::new())
}

/// Columns that differ from an empty row, for short expectations.
fn brief(line: &str) -> String {
    const EMPTY: &[&str] = &["", "0", "null", "[]"];
    let (table, cells) = line.split_once(' ').unwrap();
    let mut out = vec![table.to_owned()];
    let names = "ts frame packet_type packet version client_id username_seen password_seen keep_alive session_flag topic \
                 qos retain dup packet_id payload_size payload_sha256 payload payload_cut reason_code reason filters properties \
                 protocol kind detail source tag value text quality ip mac vlan field";
    let names: Vec<&str> = names.split_whitespace().collect();
    let mut at: Vec<(usize, &str)> = names
        .iter()
        .filter_map(|n| {
            let key = format!("{n}=");
            if cells.starts_with(&key) { Some((0, *n)) } else { cells.find(&format!(" {key}")).map(|i| (i + 1, *n)) }
        })
        .collect();
    at.sort_unstable();
    for (i, (start, name)) in at.iter().enumerate() {
        let end = at.get(i + 1).map_or(cells.len(), |(next, _)| next - 1);
        let value = &cells[start + name.len() + 1..end];
        let told = !EMPTY.contains(&value) || (*name == "reason_code" && value == "0");
        if told && !["ts", "packet_type", "protocol"].contains(name) {
            out.push(if *name == "payload_sha256" {
                format!("sha={}", &value[..8])
            } else {
                format!("{name}={value}")
            });
        }
    }
    out.join(" ")
}

fn run(script: &[Piece]) -> Run {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run.end(script.len());
    run
}

/// Rows of tables (behaviours left out) in the order of tables and rows.
fn rows(run: &mut Run) -> Vec<String> {
    let tables = run.tables();
    tables.iter().filter(|t| t.name != "tag_values").flat_map(|t| t.lines(&[])).map(|l| brief(&l)).collect()
}

fn behaviours(run: &mut Run) -> Vec<String> {
    run.behaviours.take().lines(&[
        "ts",
        "behaviour_id",
        "protocol",
        "client_ip",
        "server_ip",
        "server_port",
        "last_ts",
        "frame",
        "last_frame",
        "latency_sum_us",
        "latency_min_us",
    ])
}

fn session(level: u8) -> Vec<Piece> {
    let five = level >= 5;
    let none = if five { section(&[]) } else { Vec::new() };
    let publish = |first, topic, id, payload: &[u8]| {
        if five { publish5(first, topic, id, &[], payload) } else { publish(first, topic, id, payload) }
    };
    let dup = if level == 3 { 0x8A } else { 0x82 };
    vec![
        (UP, connect(level, "pump-1")),
        (DOWN, packet(0x20, &[vec![0, 0], none.clone()].concat())),
        (UP, packet(dup, &[vec![0, 1], none.clone(), text("plant/+/cmd"), vec![1], text("plant/#"), vec![0]].concat())),
        (DOWN, packet(0x90, &[vec![0, 1], none.clone(), vec![1, 0]].concat())),
        (UP, publish(0x30, "plant/a/temp", 0, b"21.5")),
        (UP, publish(0x33, "plant/a/state", 7, b"on")),
        (DOWN, ack(0x40, 7, &[])),
        (DOWN, publish(0x34, "plant/a/cmd", 9, b"stop")),
        (UP, ack(0x50, 9, &[])),
        (DOWN, ack(0x62, 9, &[])),
        (UP, ack(0x70, 9, &[])),
        (UP, packet(0xA2, &[vec![0, 2], none.clone(), text("plant/#")].concat())),
        (DOWN, packet(0xB0, &[vec![0, 2], none, if five { vec![0x11] } else { vec![] }].concat())),
        (UP, vec![0xC0, 0]),
        (DOWN, vec![0xD0, 0]),
        (UP, vec![0xE0, 0]),
    ]
}

fn want(level: u8, first: usize) -> Vec<String> {
    let zero = if level == 5 { " reason_code=0 reason=success" } else { "" };
    let connack = " reason_code=0 reason=success";
    let dup = if level == 3 { " dup=1" } else { "" };
    let unsuback = if level == 5 { " reason_code=17 reason=no_subscription_existed" } else { "" };
    let v = format!("version={level} client_id=pump-1");
    let f = |n: usize| format!("mqtt frame={}", n + first);
    vec![
        format!("{} packet=CONNECT {v} keep_alive=60 session_flag=1", f(1)),
        format!("{} packet=CONNACK {v}{connack}", f(2)),
        format!("{} packet=SUBSCRIBE {v} qos=1{dup} packet_id=1 filters=[plant/+/cmd plant/#]", f(3)),
        format!("{} packet=SUBACK {v} packet_id=1 reason_code=1 reason=granted_qos_1", f(4)),
        format!("{} packet=PUBLISH {v} topic=plant/a/temp payload_size=4 sha=a20fa123 payload=21.5", f(5)),
        format!(
            "{} packet=PUBLISH {v} topic=plant/a/state qos=1 retain=1 packet_id=7 payload_size=2 sha=b8d31e85 payload=on",
            f(6)
        ),
        format!("{} packet=PUBACK {v} packet_id=7{zero}", f(7)),
        format!(
            "{} packet=PUBLISH {v} topic=plant/a/cmd qos=2 packet_id=9 payload_size=4 sha=6c45cb72 payload=stop",
            f(8)
        ),
        format!("{} packet=PUBREC {v} packet_id=9{zero}", f(9)),
        format!("{} packet=PUBREL {v} packet_id=9{zero}", f(10)),
        format!("{} packet=PUBCOMP {v} packet_id=9{zero}", f(11)),
        format!("{} packet=UNSUBSCRIBE {v} packet_id=2 filters=[plant/#]", f(12)),
        format!("{} packet=UNSUBACK {v} packet_id=2{unsuback}", f(13)),
        format!("{} packet=PINGREQ {v}", f(14)),
        format!("{} packet=PINGRESP {v}", f(15)),
        format!("{} packet=DISCONNECT {v}{zero}", f(16)),
    ]
}

#[test]
fn a_session_of_each_version() {
    for level in [3, 4, 5] {
        assert_eq!(rows(&mut run(&session(level))), want(level, 0), "level {level}");
    }
}

#[test]
fn the_battery() {
    for level in [3, 4, 5] {
        battery(&make, &session(level));
    }
}

#[test]
fn behaviours_of_a_session() {
    let mut run = run(&session(4));
    let lines = behaviours(&mut run);
    assert_eq!(
        lines,
        [
            "behaviours unit=pump-1 operation=connect access=session object= count=1 errors=0 bytes=20 answered=1 latency_max_us=1000",
            "behaviours unit=pump-1 operation=subscribe access=read object=plant/+/cmd count=1 errors=0 bytes=28 answered=0 latency_max_us=0",
            "behaviours unit=pump-1 operation=subscribe access=read object=plant/# count=1 errors=0 bytes=0 answered=0 latency_max_us=0",
            "behaviours unit=pump-1 operation=publish access=report object=plant/a/temp count=1 errors=0 bytes=20 answered=0 latency_max_us=0",
            "behaviours unit=pump-1 operation=publish access=report object=plant/a/state count=1 errors=0 bytes=21 answered=1 latency_max_us=1000",
            "behaviours unit=pump-1 operation=deliver access=report object=plant/a/cmd count=1 errors=0 bytes=21 answered=1 latency_max_us=1000",
            "behaviours unit=pump-1 operation=unsubscribe access=session object=plant/# count=1 errors=0 bytes=13 answered=1 latency_max_us=1000",
            "behaviours unit=pump-1 operation=pingreq access=session object= count=1 errors=0 bytes=2 answered=1 latency_max_us=1000",
            "behaviours unit=pump-1 operation=disconnect access=session object= count=1 errors=0 bytes=2 answered=0 latency_max_us=0",
        ]
    );
}

#[test]
fn streamed_payloads_give_the_same_row_however_cut() {
    let payload = vec![b'x'; 20_000];
    let script = vec![
        (UP, connect(5, "c")),
        (UP, publish5(0x30, "big", 0, &[0x23, 0, 1], &payload)),
        (UP, publish5(0x32, "", 3, &[0x23, 0, 1], &payload[..5_000])),
        (UP, publish5(0x30, "big", 0, &[], b"")),
    ];
    let whole = common::lines(&make, &script, |_, n| n);
    common::splits(&make, &script, &whole);
    let cut: Vec<String> = rows(&mut run(&script));
    assert!(cut[1].contains("topic=big payload_size=20000 sha=") && cut[1].contains("payload_cut=1"));
    assert!(cut[2].contains("topic=big qos=1 packet_id=3 payload_size=5000 sha="), "the alias is resolved: {}", cut[2]);
    assert!(cut[3].ends_with("topic=big"), "{}", cut[3]);
}

#[test]
fn a_hole_in_a_payload_leaves_the_stream_in_step() {
    let big = publish(0x30, "a/b", 0, &[b'y'; 10_000]);
    let mut run = Run::new(make());
    run.feed(0, UP, &connect(4, "c"));
    run.feed(1, UP, &big[..4_000]);
    run.gap(2, UP, 2_000);
    run.feed(3, UP, &big[6_000..]);
    run.feed(4, UP, &publish(0x30, "next", 0, b"1"));
    let rows = rows(&mut run);
    assert!(
        rows[1]
            .starts_with("mqtt frame=4 packet=PUBLISH version=4 client_id=c topic=a/b payload_size=10000 payload=yyy"),
        "{}",
        rows[1]
    );
    assert!(rows[1].ends_with("payload_cut=1") && !rows[1].contains("sha="));
    assert!(rows[2].starts_with("mqtt frame=5 packet=PUBLISH version=4 client_id=c topic=next"));
    assert_eq!(
        rows[3],
        "anomalies frame=3 kind=gap detail=PUBLISH: payload at offset 3997 of 10005 has a hole of 2000 bytes"
    );
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_hole_behind_a_payload_resynchronises_once() {
    let big = publish(0x30, "a/b", 0, &[0; 10_000]);
    for missing in [0, 9_000] {
        let mut run = Run::new(make());
        run.feed(0, UP, &connect(4, "c"));
        run.feed(1, UP, &big[..4_000]);
        run.gap(2, UP, missing);
        run.feed(3, UP, &[&[0x30; 40][..], &[0xC0], &publish(0x30, "plant/next", 0, b"1"), &[0xC0, 0]].concat());
        let rows = rows(&mut run);
        assert!(rows[1].starts_with("mqtt frame=3 packet=PUBLISH version=4 client_id=c topic=a/b payload_size=10000"));
        assert!(rows[2].contains("frame=4 packet=PUBLISH version=4 client_id=c topic=plant/next"), "{rows:#?}");
        assert!(rows[3].contains("packet=PINGREQ"));
        assert!(rows[4].contains("kind=gap"));
        assert_eq!(rows[5], "anomalies frame=4 kind=resynchronised detail=41 bytes skipped");
        assert_eq!(rows.len(), 6);
    }
}

#[test]
fn a_hole_in_a_short_packet_of_known_length() {
    let filters = subscribe(1, &[("a/b/c/d/e", 0), ("f/g", 1)]);
    let mut run = Run::new(make());
    run.feed(0, UP, &connect(4, "c"));
    run.feed(1, UP, &filters[..10]);
    run.gap(2, UP, 4);
    run.feed(3, UP, &[&filters[14..], &[0xC0, 0][..]].concat());
    let rows = rows(&mut run);
    assert_eq!(rows[1], "mqtt frame=3 packet=SUBSCRIBE version=4 client_id=c packet_id=1");
    assert!(rows[2].contains("frame=4 packet=PINGREQ"), "{rows:#?}");
    assert_eq!(rows[3], "anomalies frame=3 kind=gap detail=SUBSCRIBE of 22 bytes: only 10 were captured");
}

#[test]
fn what_was_captured_of_a_cut_packet_is_read() {
    let filters = subscribe(7, &[("a/b/c", 0), ("d/e", 2), ("f/g", 1)]);
    let (qos1, qos2) = (publish(0x33, "a/b", 9, b"12345"), publish(0x3C, "a/long/topic", 8, b"1"));
    let login = [text("MQTT"), vec![4, 0xC2, 0, 60], text("somebody"), text("me"), text("secret")].concat();
    let mut run = Run::new(make());
    for (at, (packet, cut)) in
        [(&packet(0x10, &login), 24), (&connect(4, "x"), 9), (&filters, 21), (&qos1, 8), (&qos2, 9)].iter().enumerate()
    {
        run.feed(at, UP, &packet[..*cut]);
        run.gap(at, UP, (packet.len() - cut) as u64);
    }
    run.feed(5, UP, &[0xC0, 0]);
    let rows = rows(&mut run);
    assert_eq!(
        rows[0],
        "mqtt frame=1 packet=CONNECT version=4 client_id=somebody username_seen=1 password_seen=1 keep_alive=60 session_flag=1"
    );
    assert_eq!(rows[1], "mqtt frame=2 packet=CONNECT version=4");
    assert_eq!(rows[2], "mqtt frame=3 packet=SUBSCRIBE version=4 qos=2 packet_id=7 filters=[a/b/c d/e]");
    assert_eq!(rows[3], "mqtt frame=4 packet=PUBLISH version=4 topic=a/b qos=1 retain=1 payload_size=5 payload_cut=1");
    assert_eq!(rows[4], "mqtt frame=5 packet=PUBLISH version=4 qos=2 dup=1 payload_cut=1");
    assert!(rows[5].contains("frame=6 packet=PINGREQ"), "{rows:#?}");
    assert_eq!(rows.iter().filter(|row| row.contains("kind=gap")).count(), 5, "{rows:#?}");
}

#[test]
fn a_hundred_megabytes_in_constant_memory() {
    let size = 100 << 20;
    let head = [&[0x30][..], &mqtt_kit::varint(5 + size), &text("big")].concat();
    let piece = vec![7_u8; 1 << 16];
    let mut run = Run::new(make());
    run.feed(0, UP, &connect(4, "c"));
    run.feed(1, UP, &head);
    let mut held = 0;
    for at in 0..size / piece.len() {
        run.feed(2 + at, UP, &piece);
        held = held.max(run.rows.bytes());
    }
    assert!(held < 10_000, "{held}");
    let rows = rows(&mut run);
    assert!(rows[1].contains("payload_size=104857600 sha="), "{}", rows[1]);
    assert!(rows[1].starts_with("mqtt frame=1602 "));
}

#[test]
fn credentials_are_only_seen() {
    let properties = [&[0x15, 0, 5][..], b"SCRAM", &[0x16, 0, 6], b"s3cret"].concat();
    let will = [section(&[0x18, 0, 0, 0, 5]), text("last/will"), text("gone")].concat();
    let body = [text("MQTT"), vec![5, 0xEE, 0, 10], section(&properties), text("cl"), will, text("us3r"), text("p4ss")]
        .concat();
    let auth = packet(0xF0, &[vec![0x18], section(&properties)].concat());
    let mut run = run(&[(UP, packet(0x10, &body)), (DOWN, auth)]);
    let rows = rows(&mut run);
    assert_eq!(
        rows[0],
        "mqtt frame=1 packet=CONNECT version=5 client_id=cl username_seen=1 password_seen=1 keep_alive=10 session_flag=1 \
         topic=last/will qos=1 retain=1 payload_size=4 sha=283bb9de payload=gone \
         properties=[authentication_method=SCRAM authentication_data=seen]"
    );
    assert_eq!(
        rows[1],
        "mqtt frame=2 packet=AUTH version=5 client_id=cl reason_code=24 reason=continue_authentication \
         properties=[authentication_method=SCRAM authentication_data=seen]"
    );
    assert!(!rows.join(" ").contains("s3cret") && !rows.join(" ").contains("p4ss") && !rows.join(" ").contains("us3r"));
}

#[test]
fn a_refused_session_and_an_assigned_name() {
    let connack = packet(0x20, &[vec![0, 0], section(&[&[0x12, 0, 4][..], b"auto"].concat())].concat());
    let refused = packet(0x40, &[0, 1, 0x87, 0]);
    let mut run = run(&[
        (UP, connect(5, "")),
        (DOWN, connack),
        (UP, publish5(0x32, "t/a", 1, &[], b"1")),
        (DOWN, refused),
        (UP, connect(4, "again")),
        (DOWN, vec![0x20, 2, 0, 5]),
    ]);
    let rows = rows(&mut run);
    assert_eq!(rows[0], "mqtt frame=1 packet=CONNECT version=5 keep_alive=60 session_flag=1");
    assert!(
        rows[1].contains("client_id=auto reason_code=0 reason=success properties=[assigned_client_identifier=auto]")
    );
    assert!(rows[3].contains("client_id=auto packet_id=1 reason_code=135 reason=not_authorized"));
    assert!(rows[5].contains("version=4 client_id=again reason_code=5 reason=not_authorized"));
    assert_eq!(rows[6], "anomalies frame=5 kind=second_connect detail=CONNECT inside a session");
    let errors: Vec<String> = behaviours(&mut run).into_iter().filter(|l| l.contains("errors=1")).collect();
    assert_eq!(errors.len(), 2);
    assert!(errors[0].contains("unit=auto operation=publish") && errors[1].contains("unit=again operation=connect"));
}

#[test]
fn shipped_accounts_are_told_without_their_words() {
    let login = |name: &str, password: &str| {
        let body = [text("MQTT"), vec![4, 0xC2, 0, 60], text("panel"), text(name), text(password)].concat();
        rows(&mut run(&[(UP, packet(0x10, &body))]))
    };
    let told = login("admin", "public");
    assert_eq!(
        told[1],
        "anomalies frame=1 kind=default_credentials detail=user name and password of CONNECT are a vendor's"
    );
    assert!(!told.join("").contains("admin") && !told.join("").contains("public"), "{told:?}");
    assert!(!login("admin", "better").join("").contains("default_credentials"));
}

#[test]
fn the_middle_of_a_session_teaches_the_version() {
    let version = |packets: &[Piece]| {
        let mut run = run(packets);
        let rows = rows(&mut run);
        (rows.last().unwrap().split(' ').find_map(|c| c.strip_prefix("version=")).unwrap_or("0").to_owned(), rows)
    };
    // A property that only MQTT 5 has.
    let (five, rows) = version(&[(UP, publish5(0x30, "a/b", 0, &[0x02, 0, 0, 0, 9], b"{\"x\":1}"))]);
    assert_eq!(five, "5");
    assert!(rows[0].contains("payload={\\\"x\\\":1}"), "{}", rows[0]);
    // JSON is no property section: the packet is older than MQTT 5, its level not known.
    let (older, rows) =
        version(&[(UP, publish(0x30, "a/b", 0, b"{\"x\":1}")), (UP, publish(0x30, "a/b", 0, b"\0\x01"))]);
    assert_eq!(older, "0");
    assert!(rows[0].contains("payload={\\\"x\\\":1}") && rows[1].contains("payload_size=2"), "{rows:#?}");
    // An acknowledgement with a reason code.
    assert_eq!(version(&[(DOWN, ack(0x40, 1, &[0x10])), (UP, vec![0xC0, 0])]).0, "5");
    assert_eq!(version(&[(UP, packet(0x82, &[vec![0, 1, 0], text("a/b"), vec![0]].concat()))]).0, "5");
    assert_eq!(version(&[(UP, subscribe(1, &[("a/b", 0)]))]).0, "0");
}

#[test]
fn oddities_are_told_and_the_stream_goes_on() {
    for (dir, bytes, want) in [
        (
            UP,
            packet(0x80, &[&[0, 1][..], &text("a"), &[0]].concat()),
            "malformed detail=SUBSCRIBE: flags at offset 0 are not those of the packet's type",
        ),
        (
            UP,
            packet(0x36, b"\0\x01a"),
            "malformed detail=PUBLISH: flags at offset 0 are not those of the packet's type",
        ),
        (UP, packet(0x30, b"\0\x03a+b"), "malformed detail=PUBLISH: topic at offset 2 has a wildcard or NUL in it"),
        (UP, packet(0x32, b"\0\x01a\0\0"), "malformed detail=PUBLISH: packet identifier at offset 3 is zero"),
        (
            UP,
            vec![0xC0, 0x80, 0x00],
            "malformed detail=PINGREQ: remaining length at offset 0 is longer than it need be",
        ),
        (UP, packet(0x30, b"\0\x02\xff\xff"), "malformed detail=PUBLISH: topic at offset 0 is not UTF-8"),
        (UP, packet(0x30, b"\0\x00"), "malformed detail=PUBLISH: topic at offset 0 is empty"),
        (UP, packet(0x30, b"\0\x09a"), "malformed detail=PUBLISH: topic at offset 0 passes the end of the packet"),
        (UP, packet(0x30, b"\0"), "malformed detail=PUBLISH: topic at offset 0 passes the end of the packet"),
        (
            UP,
            packet(0x32, b"\0\x01a\0"),
            "malformed detail=PUBLISH: packet identifier at offset 0 passes the end of the packet",
        ),
        (UP, vec![0x90, 3, 0, 1, 0], "wrong_direction detail=SUBACK from the client"),
        (DOWN, vec![0xC0, 0], "wrong_direction detail=PINGREQ from the server"),
        (DOWN, vec![0xE0, 0], "wrong_direction detail=DISCONNECT from the server"),
        (UP, vec![0xC0, 1, 9], "trailing_bytes detail=PINGREQ: body at offset 0 goes on behind the last field"),
        (UP, vec![0x00, 1, 9], "unknown_code detail=packet type 0 is reserved"),
        (DOWN, vec![0x20, 2, 0, 77], "unknown_code detail=CONNACK: reason code 77"),
        (DOWN, vec![0x20, 1, 0], "malformed detail=CONNACK: return code at offset 1 passes the end of the packet"),
        (UP, vec![0x82, 2, 0, 1], "malformed detail=SUBSCRIBE: topic filter at offset 2 is missing"),
        (
            UP,
            vec![0x82, 4, 0, 1, 0, 9],
            "malformed detail=SUBSCRIBE: topic filter at offset 2 passes the end of the packet",
        ),
    ] {
        let mut run = run(&[(UP, connect(4, "c")), (dir, bytes.clone()), (UP, publish(0x30, "a/b", 0, b"1"))]);
        let rows = rows(&mut run);
        let anomalies: Vec<&String> = rows.iter().filter(|r| r.starts_with("anomalies")).collect();
        assert_eq!(anomalies, [&format!("anomalies frame=2 kind={want}")], "{bytes:02x?}");
        assert!(rows.iter().any(|r| r.contains("frame=3") && r.contains("topic=a/b")), "{rows:#?}");
    }
}

#[test]
fn a_remaining_length_of_five_bytes_loses_step_once() {
    let next = publish(0x30, "plant/next", 0, b"1");
    let bad = [&[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF][..], &next, &[0xC0, 0]].concat();
    let mut run = run(&[(UP, connect(4, "c")), (UP, bad)]);
    let rows = rows(&mut run);
    assert!(rows[1].contains("topic=plant/next") && rows[2].contains("PINGREQ"), "{rows:#?}");
    assert_eq!(
        rows[3],
        "anomalies frame=2 kind=malformed detail=remaining length at offset 1 is longer than four bytes"
    );
    assert_eq!(rows[4], "anomalies frame=2 kind=resynchronised detail=7 bytes skipped");
    assert_eq!(rows.len(), 5);
}

#[test]
fn properties_that_lie() {
    let cases: [(Vec<u8>, &str); 4] = [
        (packet(0x30, b"\0\x01a\x20xy"), "PUBLISH: property length at offset 3 passes the end of the packet"),
        (
            packet(0x30, b"\0\x01a\xff\xff\xff\xff\x01"),
            "PUBLISH: property length at offset 3 is longer than four bytes",
        ),
        (packet(0x30, b"\0\x01a\x02\x7e\x00"), "PUBLISH: property at offset 4 has an unknown identifier"),
        (packet(0x30, b"\0\x01a"), "PUBLISH: property length at offset 3 passes the end of the packet"),
    ];
    for (bytes, want) in cases {
        let mut run = run(&[(UP, connect(5, "c")), (UP, bytes), (UP, vec![0xC0, 0])]);
        let rows = rows(&mut run);
        assert!(rows[1].starts_with("mqtt frame=2 packet=PUBLISH version=5 client_id=c topic=a"), "{}", rows[1]);
        assert!(rows[2].contains("PINGREQ"));
        assert_eq!(rows[3], format!("anomalies frame=2 kind=malformed detail={want}"));
    }
}

#[test]
fn limits_hold() {
    let mut run = Run::new(make());
    run.limits.message_bytes = 1_000;
    run.limits.items = 3;
    run.limits.pending_requests = 2;
    run.limits.topic_aliases = 1;
    run.limits.payload_bytes = 4;
    run.limits.text_bytes = 5;
    run.feed(0, UP, &connect(5, "a-long-name"));
    let filters: Vec<u8> = (0..5).flat_map(|i| [text(format!("f/{i}")), vec![0]].concat()).collect();
    run.feed(1, UP, &packet(0x82, &[vec![0, 1, 0], filters].concat()));
    run.feed(2, UP, &packet(0x82, &[0; 2_000]));
    for id in 1..4 {
        run.feed(2 + usize::from(id), UP, &publish5(0x32, "öäüß", id, &[0x23, 0, id as u8], b"123456"));
    }
    run.feed(6, UP, &packet(0x30, &[vec![0, 1, b'a'], section(&[0x26; 1_500])].concat()));
    run.feed(7, UP, &publish5(0x30, "", 0, &[0x23, 0, 2], b""));
    run.feed(8, UP, &[0xC0, 0]);
    let rows = rows(&mut run);
    assert!(rows[1].ends_with("filters=[f/0 f/1 f/2]"));
    assert_eq!(rows[2], "mqtt frame=3 packet=SUBSCRIBE version=5 client_id=a-lon");
    assert!(
        rows[3].contains("topic=öä qos=1 packet_id=1 payload_size=6") && rows[3].contains("payload=1234 payload_cut=1")
    );
    let kinds: Vec<&str> =
        rows.iter().filter(|r| r.starts_with("anomalies")).map(|r| r.split(' ').nth(2).unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "kind=too_many_items",
            "kind=message_too_long",
            "kind=too_many_items",
            "kind=pending_full",
            "kind=too_many_items",
            "kind=pending_full",
            "kind=message_too_long",
            "kind=unknown_alias",
            "kind=pending_full"
        ]
    );
    assert!(rows.iter().any(|r| r.contains("frame=9 packet=PINGREQ")));
}

#[test]
fn the_start_decides_whether_it_is_mqtt() {
    for bytes in [&b"\0\0\0\0"[..], b"\x30\xff\xff\xff\xff\xff", b"\x80\x02ab"] {
        let mut run = Run::new(make());
        run.feed(0, UP, bytes);
        assert!(!run.mine, "{bytes:02x?}");
    }
}

#[test]
fn unanswered_publishes_are_counted_in_time() {
    let mut run = Run::new(make());
    run.feed(0, UP, &connect(4, "c"));
    run.feed(1, UP, &publish(0x32, "a/b", 1, b"1"));
    assert_eq!(run.behaviours.len(), 0);
    run.tick(2, 5);
    assert_eq!(run.behaviours.len(), 0);
    run.tick(2, 11);
    assert_eq!(run.behaviours.len(), 2);
}
