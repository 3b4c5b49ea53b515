//! Sparkplug B: metrics of edge nodes and their devices.
//!
//! ```text
//!  topic   spBv1.0 / group / message type / edge node [ / device ]
//!  payload (protocol buffers)  1 timestamp  2 metric, repeated  3 sequence number  4 uuid  5 body
//! ```

use hashbrown::HashMap;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::protobuf::Fields;
use super::{Shown, Values, secret, write};
use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, FlowRef};
use crate::mqtt::publish::Facts;
use crate::rows::SightingRow;

use super::metric::{Metric, number, render};

/// Topics begin with it.
pub const NAMESPACE: &str = "spBv1.0/";

/// What births have told of edge nodes.
#[derive(Debug, Default)]
pub struct Nodes {
    /// Metrics by edge node (hash of group and node) and alias: an alias is unique within a node and its devices.
    aliases: HashMap<(u64, u64), Known, crate::seed::Seeded>,
    /// Last sequence number by edge node.
    sequences: HashMap<u64, u8, crate::seed::Seeded>,
}

#[derive(Debug)]
struct Known {
    name: String,
    datatype: u32,
    /// Hash of the node or device that bore it, and of the whole tag: what did not change is told without the tag.
    entity: u64,
    key: u64,
    /// Whether the name is a secret's.
    hidden: bool,
}

/// The parts of a topic.
#[derive(Debug, Clone, Copy)]
struct Topic<'a> {
    group: &'a str,
    kind: &'a str,
    node: &'a str,
    device: Option<&'a str>,
}

impl<'a> Topic<'a> {
    /// `None`: not of an edge node (`STATE` of a host application is JSON), or not Sparkplug.
    fn read(topic: &'a str) -> Option<Self> {
        let mut parts = topic.strip_prefix(NAMESPACE)?.splitn(4, '/');
        let (group, kind, node) = (parts.next()?, parts.next()?, parts.next()?);
        let device = parts.next();
        let of_node = matches!(kind, "NBIRTH" | "NDEATH" | "NDATA" | "NCMD");
        let of_device = matches!(kind, "DBIRTH" | "DDEATH" | "DDATA" | "DCMD");
        (of_node || (of_device && device.is_some())).then_some(Self { group, kind, node, device })
    }

    fn birth(&self) -> bool {
        matches!(self.kind, "NBIRTH" | "DBIRTH")
    }

    fn command(&self) -> bool {
        matches!(self.kind, "NCMD" | "DCMD")
    }

    /// The edge node's key: the same for its devices.
    fn key(&self) -> u64 {
        xxh3_64_with_seed(self.node.as_bytes(), xxh3_64(self.group.as_bytes()))
    }
}

/// Reads a message of an edge node; whether a metric of it is a secret. `None`: it is no such message.
pub fn read(
    values: &mut Values,
    cx: &mut Cx<'_>,
    dir: Dir,
    facts: &Facts<'_>,
    payload: &[u8],
    whole: bool,
) -> Option<bool> {
    let topic = Topic::read(facts.topic)?;
    values.json.tag.clear();
    for part in [Some(topic.group), Some(topic.node), topic.device].into_iter().flatten() {
        if !values.json.tag.is_empty() {
            values.json.tag.push('/');
        }
        values.json.tag.push_str(part);
    }
    let length = values.json.tag.len();
    let from = From { topic, dir, node: topic.key(), entity: xxh3_64(values.json.tag.as_bytes()) };
    let dup = facts.fixed.flags & 8 != 0;
    let (mut metrics, mut secrets) = (0, false);
    for field in Fields(payload) {
        match field {
            Ok((2, metric)) if metrics < cx.limits.items => {
                metrics += 1;
                let read = one(values, cx, &from, metric.bytes());
                values.json.tag.truncate(length);
                match read {
                    Some(hidden) => secrets |= hidden,
                    None => cx.anomaly("mqtt", Kind::Malformed, "Sparkplug: a metric is no protocol buffer"),
                }
            }
            Ok((3, seq)) if !dup && !topic.command() && topic.kind != "NDEATH" => {
                values.sparkplug.sequence(cx, &topic, from.node, seq.number());
            }
            Ok(_) => {}
            Err(()) if whole => cx.anomaly("mqtt", Kind::Malformed, "Sparkplug: the payload is no protocol buffer"),
            Err(()) => {}
        }
    }
    status(values, cx, &topic);
    Some(secrets)
}

/// Birth and death as a value of the node or device itself.
fn status(values: &mut Values, cx: &mut Cx<'_>, topic: &Topic<'_>) {
    let (text, quality) = match topic.kind {
        "NBIRTH" | "DBIRTH" => ("online", "good"),
        "NDEATH" | "DDEATH" => ("offline", "bad"),
        _ => return,
    };
    let key = xxh3_64(values.json.tag.as_bytes());
    if values.json.tags.changed(cx.limits.tags_per_flow, key, text.len() as u64, || None) {
        write(cx, &values.json.tag, Shown { value: None, text, quality });
    }
}

/// The message that metrics come in.
struct From<'a> {
    topic: Topic<'a>,
    dir: Dir,
    /// Key of the edge node.
    node: u64,
    /// Hash of the node or device.
    entity: u64,
}

/// One metric; the tag holds its node or device. Returns whether it is a secret; `None`: it could not be read.
fn one(values: &mut Values, cx: &mut Cx<'_>, from: &From<'_>, bytes: &[u8]) -> Option<bool> {
    let mut metric = Metric::read(bytes)?;
    let (limit, digest) = (cx.limits.tags_per_flow, metric.digest());
    let known = match metric.alias {
        Some(alias) if metric.name.is_empty() => values.sparkplug.aliases.get(&(from.node, alias)),
        None if metric.name.is_empty() => return Some(false),
        _ => None,
    };
    let mut changed = false;
    if let Some(known) = known {
        metric.datatype = if metric.datatype == 0 { known.datatype } else { metric.datatype };
        if known.entity == from.entity && !from.topic.command() {
            if !values.json.tags.changed(limit, known.key, digest, || None) {
                return Some(known.hidden);
            }
            changed = true;
        }
    }
    let length = values.json.tag.len();
    let name = known.map_or(metric.name, |known| known.name.as_bytes());
    name_tag(&mut values.json.tag, name, metric.alias);
    let hidden = secret::hides(values.json.tag.get(length..).unwrap_or_default(), 0);
    // A command is no value of the device: it says what somebody wants it to become.
    if from.topic.command() {
        values.json.tag.push_str("#command");
    }
    if !changed {
        let key = xxh3_64(values.json.tag.as_bytes());
        if let Some(alias) = metric.alias.filter(|_| from.topic.birth() && !metric.name.is_empty()) {
            let name = String::from_utf8_lossy(metric.name);
            values.sparkplug.learn(cx, from, (alias, key), (&name, hidden), metric.datatype);
        }
        if !values.json.tags.changed(limit, key, digest, || None) {
            return Some(hidden);
        }
    }
    if !hidden {
        told(values, cx, from, &metric);
    }
    Some(hidden)
}

/// Appends a metric's name to its node or device; one that no birth has named goes by its alias.
fn name_tag(tag: &mut String, name: &[u8], alias: Option<u64>) {
    use std::fmt::Write as _;
    tag.push('/');
    tag.push_str(&String::from_utf8_lossy(name));
    if let (true, Some(alias)) = (name.is_empty(), alias) {
        let _ = write!(tag, "alias:{alias}");
    }
}

/// The row of a metric that changed.
fn told(values: &mut Values, cx: &mut Cx<'_>, from: &From<'_>, metric: &Metric<'_>) {
    let number = number(metric);
    values.json.text.clear();
    if number.is_none() {
        let limit = usize::try_from(cx.limits.text_bytes).unwrap_or(usize::MAX);
        render(metric, &mut values.json.text, limit, cx.limits.nesting.min(16));
    }
    write(cx, &values.json.tag, Shown { value: number, text: &values.json.text, quality: metric.quality() });
    if from.topic.kind == "NBIRTH" && from.dir == Dir::ToServer && !values.json.text.is_empty() {
        sighting(cx, &String::from_utf8_lossy(metric.name), &values.json.text);
    }
}

/// What a birth says about the host: make, model, firmware, serial number.
fn sighting(cx: &mut Cx<'_>, name: &str, value: &str) {
    const FIELDS: &[(&str, &str)] = &[
        ("serial", "serial"),
        ("model", "model"),
        ("make", "vendor"),
        ("vendor", "vendor"),
        ("manufacturer", "vendor"),
        ("firmware", "firmware"),
        ("hostname", "hostname"),
    ];
    let last = name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let Some((_, field)) = FIELDS.iter().find(|(part, _)| last.contains(part)) else { return };
    cx.rows.sightings.push(SightingRow {
        ts: cx.ts,
        flow: FlowRef::NONE,
        borrow: std::marker::PhantomData,
        frame: cx.frame,
        ip: cx.ends.client,
        mac: "",
        vlan: 0,
        source: "mqtt",
        field,
        value,
    });
}

impl Nodes {
    /// Keeps a metric's name, and its tag's key, by its alias.
    fn learn(
        &mut self,
        cx: &mut Cx<'_>,
        from: &From<'_>,
        (alias, key): (u64, u64),
        (name, hidden): (&str, bool),
        datatype: u32,
    ) {
        let place = (from.node, alias);
        if self.aliases.len() as u64 >= cx.limits.tags_per_flow && !self.aliases.contains_key(&place) {
            cx.anomaly("mqtt", Kind::TooManyItems, "Sparkplug: metric aliases");
            return;
        }
        let limit = usize::try_from(cx.limits.text_bytes).unwrap_or(usize::MAX);
        let name = crate::values::cut(name, limit).to_owned();
        self.aliases.insert(place, Known { name, datatype, entity: from.entity, key, hidden });
    }

    /// "The sequence number is incremented by one with each message and wraps at 255"; NBIRTH starts anew.
    fn sequence(&mut self, cx: &mut Cx<'_>, topic: &Topic<'_>, node: u64, seq: u64) {
        let seq = u8::try_from(seq & 0xFF).unwrap_or(0);
        if self.sequences.len() as u64 >= cx.limits.tags_per_flow && !self.sequences.contains_key(&node) {
            return;
        }
        let before = self.sequences.insert(node, seq);
        if let Some(before) = before.filter(|&n| topic.kind != "NBIRTH" && n.wrapping_add(1) != seq) {
            let detail = format!("{}/{}: {seq} follows {before}", topic.group, topic.node);
            cx.anomaly("mqtt", Kind::SequenceGap, &detail);
        }
    }
}
