//! Values in MQTT payloads: plain, JSON, Sparkplug B.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod mqtt_kit;

use common::{Piece, Run, battery};
use mqtt_kit::{connect, publish, varint};
use wire::dissect::{Dir, Dissector};
use wire::mqtt::Mqtt;

const UP: Dir = Dir::ToServer;

fn make() -> Box<dyn Dissector> {
    Box::new(Mqtt::new())
}

/// `tag=value text quality` of the rows that some messages (topic, payload) give, sightings and anomalies besides.
fn told(run: &mut Run) -> Vec<String> {
    let mut out = Vec::new();
    for table in run.tables() {
        match table.name {
            "tag_values" => out.extend(table.lines(&["ts", "source"])),
            "sightings" => out.extend(table.lines(&["ts", "mac", "vlan", "frame"])),
            "anomalies" => out.extend(table.lines(&["ts", "protocol"])),
            _ => {}
        }
    }
    out.iter().map(|line| line.replace("tag_values frame=", "")).collect()
}

fn run(messages: &[(&str, Vec<u8>)]) -> Vec<String> {
    let mut run = Run::new(make());
    run.feed(0, UP, &connect(4, "c"));
    for (n, (topic, payload)) in messages.iter().enumerate() {
        run.feed(n + 1, UP, &publish(0x30, topic, 0, payload));
    }
    told(&mut run)
}

#[test]
fn plain_payloads() {
    let messages = [
        ("t/a", b"21.5".to_vec()),
        ("t/a", b"21.5".to_vec()),
        ("t/a", b"21.50".to_vec()),
        ("t/a", b" 22 ".to_vec()),
        ("t/b", b"ON".to_vec()),
        ("t/b", b"OFF".to_vec()),
        ("t/c", b"true".to_vec()),
        ("t/d", b"two words".to_vec()),
        ("t/e", vec![0, 1, 2]),
        ("t/f", Vec::new()),
    ];
    assert_eq!(
        run(&messages),
        [
            "2 tag=t/a value=21.5 text= quality=good",
            "5 tag=t/a value=22 text= quality=good",
            "6 tag=t/b value=null text=ON quality=good",
            "7 tag=t/b value=null text=OFF quality=good",
            "8 tag=t/c value=1 text= quality=good",
        ]
    );
}

#[test]
fn json_leaves_that_changed() {
    let messages = [
        ("p/1", br#"{"v":1.5,"st":{"on":true,"mode":["auto",3]},"err":null}"#.to_vec()),
        ("p/1", br#"{"v":1.50,"st":{"on":false,"mode":["auto",3]},"err":null}"#.to_vec()),
        ("p/2", br#"{"user":"bob","Password":"hunter2","k\u00e4":"\n"}"#.to_vec()),
        ("p/2", br#"[1,2"#.to_vec()),
    ];
    assert_eq!(
        run(&messages),
        [
            "2 tag=p/1#v value=1.5 text= quality=good",
            "2 tag=p/1#st.on value=1 text= quality=good",
            "2 tag=p/1#st.mode[0] value=null text=auto quality=good",
            "2 tag=p/1#st.mode[1] value=3 text= quality=good",
            "2 tag=p/1#err value=null text=null quality=bad",
            "3 tag=p/1#st.on value=0 text= quality=good",
            "4 tag=p/2#user value=null text=bob quality=good",
            "4 tag=p/2#kä value=null text=\n quality=good",
            "5 tag=p/2#[0] value=1 text= quality=good",
            "5 tag=p/2#[1] value=2 text= quality=good",
        ]
    );
}

/// A protocol buffer field of bytes.
fn field(number: usize, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(bytes.len()), bytes.to_vec()].concat()
}

fn number(field: usize, n: usize) -> Vec<u8> {
    [varint(field << 3), varint(n)].concat()
}

fn metric(name: &str, alias: usize, datatype: usize, value: &[u8]) -> Vec<u8> {
    let name = if name.is_empty() { Vec::new() } else { field(1, name.as_bytes()) };
    let alias = if alias == 0 { Vec::new() } else { number(2, alias) };
    let datatype = if datatype == 0 { Vec::new() } else { number(4, datatype) };
    field(2, &[name, alias, datatype, value.to_vec()].concat())
}

fn message(seq: usize, metrics: &[Vec<u8>]) -> Vec<u8> {
    [number(1, 1_700_000_000_000), metrics.concat(), number(3, seq)].concat()
}

fn double(n: f64) -> Vec<u8> {
    [varint(13 << 3 | 1), n.to_le_bytes().to_vec()].concat()
}

fn plant() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "spBv1.0/G/NBIRTH/edge",
            message(
                0,
                &[
                    metric("bdSeq", 0, 4, &number(11, 3)),
                    metric("Properties/Hardware Make", 0, 12, &field(15, b"ACME")),
                    metric("Properties/Serial", 0, 12, &field(15, b"S-1")),
                    metric("Node Control/Rebirth", 1, 11, &number(14, 0)),
                ],
            ),
        ),
        (
            "spBv1.0/G/DBIRTH/edge/pump",
            message(1, &[metric("flow", 7, 10, &double(1.5)), metric("temp", 8, 3, &number(10, 0xFFFF_FFFE))]),
        ),
        ("spBv1.0/G/DDATA/edge/pump", message(2, &[metric("", 7, 0, &double(1.5)), metric("", 8, 0, &number(10, 5))])),
        ("spBv1.0/G/DDATA/edge/pump", message(4, &[metric("", 9, 3, &number(10, 5)), metric("", 8, 0, &number(7, 1))])),
        ("spBv1.0/G/NCMD/edge", message(0, &[metric("", 1, 11, &number(14, 1))])),
        ("spBv1.0/G/DDEATH/edge/pump", message(5, &[])),
        ("spBv1.0/G/NDEATH/edge", message(0, &[])),
        ("spBv1.0/STATE/scada", br#"{"online":true}"#.to_vec()),
    ]
}

#[test]
fn sparkplug_births_name_what_data_only_number() {
    let rows = run(&plant());
    assert_eq!(
        rows,
        [
            "sightings ip=::1 source=mqtt field=vendor value=ACME",
            "sightings ip=::1 source=mqtt field=serial value=S-1",
            "2 tag=G/edge/bdSeq value=3 text= quality=good",
            "2 tag=G/edge/Properties/Hardware Make value=null text=ACME quality=good",
            "2 tag=G/edge/Properties/Serial value=null text=S-1 quality=good",
            "2 tag=G/edge/Node Control/Rebirth value=0 text= quality=good",
            "2 tag=G/edge value=null text=online quality=good",
            "3 tag=G/edge/pump/flow value=1.5 text= quality=good",
            "3 tag=G/edge/pump/temp value=-2 text= quality=good",
            "3 tag=G/edge/pump value=null text=online quality=good",
            "4 tag=G/edge/pump/temp value=5 text= quality=good",
            "5 tag=G/edge/pump/alias:9 value=5 text= quality=good",
            "5 tag=G/edge/pump/temp value=null text=null quality=bad null",
            "6 tag=G/edge/Node Control/Rebirth#command value=1 text= quality=good",
            "7 tag=G/edge/pump value=null text=offline quality=bad",
            "8 tag=G/edge value=null text=offline quality=bad",
            "9 tag=spBv1.0/STATE/scada#online value=1 text= quality=good",
            "anomalies frame=5 kind=sequence_gap detail=G/edge: 4 follows 2",
        ]
    );
}

#[test]
fn sparkplug_that_is_none() {
    let topic = "spBv1.0/G/NDATA/edge";
    assert_eq!(
        run(&[(topic, vec![0xFF; 4]), (topic, field(2, &[0x0A, 9, 1]))]),
        [
            "anomalies frame=2 kind=malformed detail=Sparkplug: the payload is no protocol buffer",
            "anomalies frame=3 kind=malformed detail=Sparkplug: a metric is no protocol buffer",
        ]
    );
}

#[test]
fn the_battery() {
    let mut script: Vec<Piece> = vec![(UP, connect(4, "c"))];
    script.extend(plant().into_iter().map(|(topic, payload)| (UP, publish(0x30, topic, 0, &payload))));
    script.push((UP, publish(0x30, "p", 0, br#"{"v":1.5,"st":{"on":true,"mode":["auto",3]},"err":null}"#)));
    battery(&make, &script);
}

#[test]
fn limits_hold() {
    let mut run = Run::new(make());
    run.limits.tags_per_flow = 4;
    run.limits.items = 3;
    run.limits.value_bytes = 20;
    run.limits.payload_bytes = 4;
    run.limits.nesting = 2;
    run.feed(0, UP, &connect(4, "c"));
    let messages = [
        ("a", b"[1,2,3,4,5]".to_vec()),
        ("b", br#"{"first":1,"second":22222222}"#.to_vec()),
        ("c", b"[[[[1]]]]".to_vec()),
        ("d", b"[[7]]".to_vec()),
        ("spBv1.0/G/NBIRTH/e", message(0, &[metric("m", 1, 3, &number(10, 1)), metric("n", 2, 3, &number(10, 1))])),
    ];
    for (n, (topic, payload)) in messages.iter().enumerate() {
        run.feed(n + 1, UP, &publish(0x30, topic, 0, payload));
    }
    let rows = told(&mut run);
    assert_eq!(
        rows,
        [
            "2 tag=a#[0] value=1 text= quality=good",
            "2 tag=a#[1] value=2 text= quality=good",
            "2 tag=a#[2] value=3 text= quality=good",
            "3 tag=b#first value=1 text= quality=good",
            "5 tag=d#[0][0] value=7 text= quality=good",
            "6 tag=G/e/m value=1 text= quality=good",
            "6 tag=G/e value=null text=online quality=good",
        ]
    );
}

#[test]
fn sparkplug_aliases_are_bounded() {
    let mut run = Run::new(make());
    run.limits.tags_per_flow = 2;
    let metrics: Vec<Vec<u8>> = (1..5).map(|i| metric(&format!("m{i}"), i, 3, &number(10, i))).collect();
    run.feed(0, UP, &connect(4, "c"));
    run.feed(1, UP, &publish(0x30, "spBv1.0/G/NBIRTH/e", 0, &message(0, &metrics)));
    run.feed(2, UP, &publish(0x30, "spBv1.0/G/NDATA/e", 0, &message(1, &[metric("", 2, 0, &number(10, 9))])));
    run.feed(3, UP, &publish(0x30, "spBv1.0/G/NDATA/e", 0, &message(2, &[metric("", 4, 0, &number(10, 9))])));
    let rows = told(&mut run);
    assert!(rows.contains(&"3 tag=G/e/m2 value=9 text= quality=good".to_owned()), "{rows:#?}");
    assert!(rows.contains(&"4 tag=G/e/alias:4 value=9 text= quality=good".to_owned()));
    assert_eq!(rows.iter().filter(|r| r.contains("Sparkplug: metric aliases")).count(), 2);
}

#[test]
fn a_streamed_payload_tells_the_same_values() {
    let document = format!("{{\"list\":[{}]}}", (0..2_000).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    let script = vec![(UP, connect(4, "c")), (UP, publish(0x30, "big", 0, document.as_bytes()))];
    let whole = common::lines(&make, &script, |_, n| n);
    assert_eq!(whole.iter().filter(|l| l.starts_with("tag_values")).count(), 2_000);
    common::splits(&make, &script, &whole);
}

#[test]
fn payloads_with_secrets_are_not_kept() {
    let mut run = Run::new(make());
    run.feed(0, UP, &connect(4, "c"));
    let broken = br#"{"n": 1, "password": "hunt"#;
    let birth = message(0, &[metric("Auth/token", 3, 12, &field(15, b"tok")), metric("flow", 4, 10, &double(1.0))]);
    let data = message(1, &[metric("", 3, 0, &field(15, b"tok"))]);
    let messages: [(&str, &[u8]); 11] = [
        ("p/1", br#"{"user": "bob", "password": "hunter2"}"#),
        ("p/1", br#"{"user": "bob", "password": "hunter2"}"#),
        ("p/1", br#"{"user": "eve", "password": "hunter2"}"#),
        ("p/1", br#"{"user": "eve"}"#),
        ("p/pin", b"4711"),
        ("p/pin", b"4711"),
        ("p/2", b"eyJhbGci.eyJzdWIi.c2ln"),
        ("p/3", broken),
        ("p/4", br#"{"n": 1, "x": "#),
        ("spBv1.0/G/NBIRTH/edge", &birth),
        ("spBv1.0/G/NDATA/edge", &data),
    ];
    for (n, (topic, payload)) in messages.iter().enumerate() {
        run.feed(n + 1, UP, &publish(0x30, topic, 0, payload));
    }
    let lines = run.lines(&[]);
    let kept = |frame: usize| {
        let row = lines.iter().find(|l| l.starts_with("mqtt ") && l.contains(&format!(" frame={frame} "))).unwrap();
        let column =
            |name: &str| !row.split(&format!(" {name}=")).nth(1).unwrap().split(' ').next().unwrap().is_empty();
        (column("payload"), column("payload_sha256"))
    };
    let frames: Vec<usize> = (2..13).filter(|&n| kept(n) != (false, false)).collect();
    assert_eq!(frames, [5, 10], "{lines:#?}");
    assert!(!lines.iter().any(|l| l.contains("hunter2") || l.contains("4711") || l.contains("eyJ")), "{lines:#?}");
}
