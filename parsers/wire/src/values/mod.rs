//! Values in documents: the leaves of JSON, a row each time one changes. MQTT's payloads and HTTP's bodies share it.

pub mod json;
pub mod secret;
mod tags;

use std::cell::OnceCell;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::dissect::Cx;
use crate::rows::TagValueRow;
use crate::words::Known;
use json::Leaf;
pub use tags::Tags;

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

/// Writes the row of a change. `known`: what is remembered of the tag's place in the column.
pub fn write(cx: &mut Cx<'_>, source: &'static str, known: Option<&mut Known>, tag: &str, shown: Shown<'_>) {
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
        source,
        tag,
        value: shown.value,
        text: cut(shown.text, limit),
        quality: shown.quality,
    });
}

/// The start of a text, at most `limit` bytes, cut between characters.
#[must_use]
pub fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// Last values, and buffers kept from document to document.
#[derive(Debug, Default)]
pub struct Values {
    /// The last value of each tag.
    pub tags: Tags,
    /// The tag at hand.
    pub tag: String,
    /// The text at hand.
    pub text: String,
}

/// A document that may hold values.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The protocol that carried it.
    pub source: &'static str,
    /// What the names of its values begin with: topic, path.
    pub name: &'a str,
    /// Tells apart documents of the same name: those of one server from another's.
    pub seed: u64,
    /// Its start.
    pub bytes: &'a [u8],
    /// Whether that is all of it.
    pub whole: bool,
    /// Leaves that are looked at.
    pub leaves: u64,
    /// Tags remembered.
    pub tags: u64,
}

/// What became of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Read {
    /// Whether it had a leaf.
    pub found: bool,
    /// Whether it is one document from end to end, all of it read.
    pub whole: bool,
    /// Whether it has more leaves than were read.
    pub more: bool,
    /// Whether one of the leaves was a secret's, which is passed over.
    pub hidden: bool,
}

impl Values {
    /// Writes the leaves of a JSON document that changed.
    pub fn document(&mut self, cx: &mut Cx<'_>, document: &Document<'_>) -> Read {
        let Self { tags, tag, text } = self;
        tag.clear();
        tag.push_str(document.name);
        let bounds = bounds(cx, document);
        let mut hidden = false;
        let mut sink = |path: &str, leaf: Leaf<'_>| hidden |= !leaf_seen(tags, text, cx, document, path, leaf);
        let json::Scanned { found, more, whole } = json::scan(document.bytes, bounds, tag, &mut sink);
        Read { found, whole, more, hidden }
    }
}

/// How far a document is followed.
#[must_use]
pub fn bounds(cx: &Cx<'_>, document: &Document<'_>) -> json::Bounds {
    let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
    json::Bounds {
        whole: document.whole,
        depth: size(cx.limits.nesting),
        path: size(cx.limits.text_bytes).max(document.name.len()),
        leaves: size(document.leaves),
    }
}

/// A leaf of a JSON document: a row if it changed. False: it is a secret's.
fn leaf_seen(
    tags: &mut Tags,
    scratch: &mut String,
    cx: &mut Cx<'_>,
    document: &Document<'_>,
    path: &str,
    leaf: Leaf<'_>,
) -> bool {
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
    let key = key(path, document.seed);
    if !tags.changed(document.tags, key, xxh3_64_with_seed(raw, kind), || number().map(f64::to_bits)) {
        return true;
    }
    let kept = match leaf {
        Leaf::Text(raw) => {
            json::unescape(raw, scratch);
            secret::kept(scratch)
        }
        _ => Some(""),
    };
    // A name is looked through once, not with each of its values.
    let (base, mut name) = (document.name.len(), tags.name(key));
    let front = u32::try_from(base).map_or(u32::MAX, |base| base.saturating_add(1));
    let open = name.as_ref().is_some_and(|name| name.open == front) || !secret::hides(path, base);
    let Some(text) = kept.filter(|_| open) else {
        // It is asked for again whenever it comes: whether a document hides something is said of each.
        tags.forget(key);
        return false;
    };
    if let Some(name) = &mut name {
        name.open = front;
    }
    let shown = match leaf {
        Leaf::Text(_) => Shown { value: None, text, quality: "good" },
        Leaf::Null => Shown { value: None, text: "null", quality: "bad" },
        _ => Shown { value: number(), text: "", quality: "good" },
    };
    write(cx, document.source, name.map(|name| &mut name.word), path, shown);
    true
}

/// What a tag is remembered by.
#[must_use]
pub fn key(tag: &str, seed: u64) -> u64 {
    if seed == 0 { xxh3_64(tag.as_bytes()) } else { xxh3_64_with_seed(tag.as_bytes(), seed) }
}
