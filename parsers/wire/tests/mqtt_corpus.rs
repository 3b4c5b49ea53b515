//! Public captures against tshark's dissection, message by message. Skips where the captures are not at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod mqtt_kit;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mqtt_kit::capture::{Maker, replay};
use wire::columns::Column;
use wire::dissect::Dissector;
use wire::mqtt::Mqtt;
use wire::mqtt::ws::Ws;

const MAKERS: &[Maker] = &[
    (wire::mqtt::probe, || -> Box<dyn Dissector> { Box::new(Mqtt::new()) }),
    (wire::mqtt::ws::probe, || -> Box<dyn Dissector> { Box::new(Ws::new()) }),
];

/// Captures that differ, how many of tshark's messages are missing at most, and who is right.
const DIFFER: &[(&str, usize, &str)] = &[
    ("ICS-Pcaps/MQTT/mqtt.example.pcap", 15, "another protocol on a port that tshark takes for MQTT"),
    ("Shark2Pit/MQTT.pcap", 6, "cut by the snap length: tshark loses step there, the lengths in the headers keep it"),
    ("arkime/mqtt_synthetic.pcap", 1, "a topic longer than the limit `text_bytes`"),
    ("derived/mqtt.frag-size-24-order-rev.pcap", 23, "IP fragments, which this test does not put together"),
    ("derived/mqtt.frag-size-48.pcap", 23, "IP fragments, which this test does not put together"),
    ("derived/mqtt.loss-n-17.pcap", 2, "the frame in which a loss shows; tshark leaves out payloads with holes"),
    ("derived/mqtt.snap-snaplen-68.pcap", 35, "tshark reads payload bytes as packets behind each cut"),
];

/// Frame and type, and what is compared of them.
type Message = ((u64, u8), String);

fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, out);
        } else if path.to_string_lossy().ends_with(".tshark.tsv") {
            out.push(path);
        }
    }
}

fn truth(path: &Path) -> Vec<Message> {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let mut out = Vec::new();
    for line in lines {
        let row: HashMap<&str, &str> = names.iter().copied().zip(line.split('\t')).collect();
        let get = |name: &str| row.get(name).copied().unwrap_or_default();
        let Ok(kind) = get("mq_type").parse::<u8>() else { continue };
        if get("proto") != "mqtt" || !get("note").is_empty() {
            continue;
        }
        let mut topics: Vec<&str> = get("mq_topic").split('|').collect();
        topics.sort_unstable();
        let fields = match kind {
            1 => get("mq_clientid").to_owned(),
            3 => format!("{} {}", get("mq_topic"), get("mq_qos")),
            8 => topics.join("|"),
            _ => String::new(),
        };
        out.push(((get("frame").parse().unwrap(), kind), fields));
    }
    out
}

fn ours(file: &[u8]) -> (Vec<Message>, Vec<String>) {
    let mut rows = replay(file, MAKERS);
    let anomalies = rows.anomalies.take().lines(&["ts"]);
    let table = rows.mqtt.take();
    let columns: HashMap<&str, &Column> = table.columns.iter().map(|(n, c)| (*n, c)).collect();
    let messages = (0..table.len())
        .map(|row| {
            let show = |name: &str| columns[name].show(row);
            let kind: u8 = show("packet_type").parse().unwrap();
            let mut filters = match columns["filters"] {
                Column::List { offsets, items } => {
                    (offsets[row]..offsets[row + 1]).map(|i| items.show(i as usize)).collect::<Vec<_>>()
                }
                _ => panic!("filters are a list"),
            };
            filters.sort_unstable();
            let fields = match kind {
                1 => show("client_id"),
                3 => format!("{} {}", show("topic"), show("qos")),
                8 => filters.join("|"),
                _ => String::new(),
            };
            ((show("frame").parse().unwrap(), kind), fields)
        })
        .collect();
    (messages, anomalies)
}

fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = std::env::var_os("DRIFTSPAN_CORPUS").map_or_else(beside, PathBuf::from).join("dev");
    if root.is_dir() {
        return Some(root);
    }
    eprintln!("skipped: no captures at {}", root.display());
    None
}

#[test]
fn a_session_over_websocket() {
    let Some(root) = corpus() else { return };
    let Ok(file) = std::fs::read(root.join("lab/mqtt_websocket_9001.pcap")) else { return };
    let (messages, anomalies) = ours(&file);
    assert_eq!(anomalies, Vec::<String>::new());
    // tshark does not look into the 34 frames; each holds one packet.
    assert_eq!(messages.len(), 34);
    assert_eq!(messages[0].0, (8, 1));
    assert_eq!(messages.iter().filter(|m| m.0.1 == 3 && m.1.starts_with("a/b")).count(), 20);
}

#[test]
fn the_public_captures_agree_with_tshark() {
    let Some(root) = corpus() else { return };
    let mut truths = Vec::new();
    walk(&root, &mut truths);
    let mut wrong = false;
    let (mut total, mut agreed, mut extra, mut captures) = (0, 0, 0, 0);
    for path in truths {
        let want = truth(&path);
        let capture = PathBuf::from(path.to_string_lossy().trim_end_matches(".tshark.tsv"));
        let Ok(file) = std::fs::read(&capture) else { continue };
        if want.is_empty() && !capture.to_string_lossy().contains("mqtt") {
            continue;
        }
        captures += 1;
        let (have, anomalies) = ours(&file);
        let mut pool: HashMap<Message, usize> = HashMap::new();
        for message in &have {
            *pool.entry(message.clone()).or_default() += 1;
        }
        let mut missing = Vec::new();
        for message in &want {
            match pool.get_mut(message) {
                Some(n) if *n > 0 => *n -= 1,
                _ => missing.push(message.clone()),
            }
        }
        let more: Vec<Message> = pool.into_iter().filter(|(_, n)| *n > 0).map(|(m, _)| m).collect();
        total += want.len();
        agreed += want.len() - missing.len();
        extra += have.len() - (want.len() - missing.len());
        if !missing.is_empty() || !more.is_empty() {
            missing.sort();
            let name = capture.strip_prefix(&root).unwrap().display().to_string();
            let known = DIFFER.iter().find(|d| d.0 == name);
            wrong |= known.is_none_or(|d| missing.len() > d.1);
            println!("{name}: {}", known.map_or("differs", |d| d.2));
            println!("{name}: truth {} ours {} missing {} extra {}", want.len(), have.len(), missing.len(), more.len());
            for m in missing.iter().take(4) {
                println!("    missing {m:?}");
            }
            for m in more.iter().take(4) {
                println!("    extra {m:?}");
            }
            for a in anomalies.iter().take(4) {
                println!("    {a}");
            }
        }
    }
    println!("{captures} captures: truth {total} agreed {agreed} extra {extra}");
    assert!(!wrong, "captures differ that did not");
}
