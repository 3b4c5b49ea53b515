//! Values in payloads: numbers, JSON leaves and Sparkplug metrics, a row each time one changes.

mod json;
mod metric;
mod protobuf;
mod sparkplug;
mod tags;

use std::cell::OnceCell;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::publish::Facts;
use super::session::cut;
use crate::dissect::{Cx, Dir};
use crate::rows::TagValueRow;
use crate::words::Known;
use json::Leaf;
use tags::Tags;

/// What a flow's payloads have said so far.
#[derive(Debug, Default)]
pub struct Values {
    tags: Tags,
    sparkplug: sparkplug::Nodes,
    tag: String,
    text: String,
}

/// A value as a row shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown<'a> {
    /// The number.
    pub value: Option<f64>,
    /// The text, where it is no number.
    pub text: &'a str,
    /// `good`, `bad`, `uncertain`.
    pub quality: &'a str,
}

/// Writes the row of a change.
pub fn write(cx: &mut Cx<'_>, tag: &str, shown: Shown<'_>) {
    row(cx, None, tag, shown);
}

fn row(cx: &mut Cx<'_>, known: Option<&mut Known>, tag: &str, shown: Shown<'_>) {
    let limit = usize::try_from(cx.limits.text_bytes).unwrap_or(usize::MAX);
    let tag = match known {
        Some(known) => cx.rows.tag_values.tag.word(known, || cut(tag, limit)),
        None => cut(tag, limit).into(),
    };
    cx.rows.tag_values.push(TagValueRow {
        ts: cx.ts,
        flow: cx.flow,
        borrow: std::marker::PhantomData,
        frame: cx.frame,
        source: "mqtt",
        tag,
        value: shown.value,
        text: cut(shown.text, limit),
        quality: shown.quality,
    });
}

/// The longest payload that is no JSON and yet taken for a word: `ON`, `closed`.
const WORD: usize = 32;

impl Values {
    /// Looks for values in a payload. The payload that a topic had last is known by its hash: then nothing changed.
    pub fn read(&mut self, cx: &mut Cx<'_>, dir: Dir, facts: &Facts<'_>) {
        let Some(sha256) = facts.sha256.filter(|_| facts.size > 0 && !facts.topic.is_empty()) else { return };
        let [a, b, c, d, e, f, g, h, ..] = sha256;
        let digest = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let limit = cx.limits.tags_per_flow;
        let sparkplug = facts.topic.starts_with(sparkplug::NAMESPACE);
        if !sparkplug && !self.tags.changed(limit, xxh3_64_with_seed(facts.topic.as_bytes(), 1), digest, || None) {
            return;
        }
        let kept = usize::try_from(cx.limits.value_bytes).unwrap_or(usize::MAX).min(facts.payload.len());
        let payload = facts.payload.get(..kept).unwrap_or_default();
        let whole = facts.size == kept as u64;
        if sparkplug && sparkplug::read(self, cx, dir, facts, payload, whole) {
            return;
        }
        self.plain(cx, facts.topic, payload, whole);
    }

    /// JSON, a number, or a word.
    fn plain(&mut self, cx: &mut Cx<'_>, topic: &str, payload: &[u8], whole: bool) {
        let Self { tags, tag, text, .. } = self;
        tag.clear();
        tag.push_str(topic);
        let bounds = json::Bounds {
            whole,
            depth: usize::try_from(cx.limits.nesting).unwrap_or(usize::MAX),
            path: usize::try_from(cx.limits.text_bytes).unwrap_or(usize::MAX).max(topic.len()),
            leaves: usize::try_from(cx.limits.items).unwrap_or(usize::MAX),
        };
        let found = json::scan(payload, bounds, tag, &mut |path, leaf| leaf_seen(tags, text, cx, path, leaf));
        let word = payload.len() <= WORD
            && !matches!(payload.first(), Some(b'{' | b'['))
            && payload.iter().all(u8::is_ascii_graphic);
        if !found && whole && word {
            let word = std::str::from_utf8(payload).unwrap_or_default();
            if tags.changed(cx.limits.tags_per_flow, xxh3_64(topic.as_bytes()), xxh3_64(payload), || None) {
                write(cx, topic, Shown { value: None, text: word, quality: "good" });
            }
        }
    }
}

/// A leaf of a JSON document: a row if it changed.
fn leaf_seen(tags: &mut Tags, scratch: &mut String, cx: &mut Cx<'_>, path: &str, leaf: Leaf<'_>) {
    let (kind, raw) = match leaf {
        Leaf::Number(raw) => (2, raw),
        Leaf::Text(raw) => (3, raw),
        Leaf::Bool(true) => (4, &[][..]),
        Leaf::Bool(false) => (5, &[][..]),
        Leaf::Null => (6, &[][..]),
    };
    let parse = || match leaf {
        Leaf::Number(raw) => std::str::from_utf8(raw).ok()?.parse::<f64>().ok(),
        Leaf::Bool(on) => Some(f64::from(u8::from(on))),
        _ => None,
    };
    let parsed = OnceCell::new();
    let number = || *parsed.get_or_init(parse);
    let key = xxh3_64(path.as_bytes());
    if !tags.changed(cx.limits.tags_per_flow, key, xxh3_64_with_seed(raw, kind), || number().map(f64::to_bits)) {
        return;
    }
    let shown = match leaf {
        Leaf::Text(_) if secret(path) => return,
        Leaf::Text(raw) => {
            json::unescape(raw, scratch);
            Shown { value: None, text: scratch, quality: "good" }
        }
        Leaf::Null => Shown { value: None, text: "null", quality: "bad" },
        _ => Shown { value: number(), text: "", quality: "good" },
    };
    row(cx, tags.word(key), path, shown);
}

/// Whether the last key of a path names a secret: its value is not kept.
pub fn secret(path: &str) -> bool {
    const NAMES: &[&[u8]] = &[b"password", b"passwd", b"token", b"secret", b"apikey", b"api_key", b"authorization"];
    let start = path.rfind(['.', '#', '/']).map_or(0, |at| at + 1);
    let last = path.as_bytes().get(start..).unwrap_or_default();
    NAMES.iter().any(|name| last.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name)))
}
