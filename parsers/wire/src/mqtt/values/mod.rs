//! Values in payloads: numbers, JSON leaves and Sparkplug metrics, a row each time one changes.

mod metric;
mod protobuf;
mod sparkplug;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::publish::Facts;
use crate::dissect::{Cx, Dir};
use crate::values::{self, Document, Shown, secret};

/// What a flow's payloads have said so far.
#[derive(Debug, Default)]
pub struct Values {
    json: values::Values,
    sparkplug: sparkplug::Nodes,
}

/// Writes the row of a change.
fn write(cx: &mut Cx<'_>, tag: &str, shown: Shown<'_>) {
    values::write(cx, "mqtt", None, tag, shown);
}

/// The longest payload that is no JSON and yet taken for a word: `ON`, `closed`.
const WORD: usize = 32;

impl Values {
    /// Looks for values in a payload. The payload that a topic had last is known by its hash: then nothing changed.
    /// Returns whether it holds a secret and is not to be kept.
    pub fn read(&mut self, cx: &mut Cx<'_>, dir: Dir, facts: &Facts<'_>) -> bool {
        let Some(sha256) = facts.sha256.filter(|_| facts.size > 0 && !facts.topic.is_empty()) else {
            // What was not all seen, or stands under no name, is not read: its words alone must tell.
            return secret::hides(facts.topic, facts.topic.len()) || secret::names(facts.payload);
        };
        let [a, b, c, d, e, f, g, h, ..] = sha256;
        let digest = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let limit = cx.limits.tags_per_flow;
        let sparkplug = facts.topic.starts_with(sparkplug::NAMESPACE);
        let topic = xxh3_64_with_seed(facts.topic.as_bytes(), 1);
        if !sparkplug && !self.json.tags.changed(limit, topic, digest, || None) {
            return self.json.tags.marked(topic);
        }
        let kept = usize::try_from(cx.limits.value_bytes).unwrap_or(usize::MAX).min(facts.payload.len());
        let payload = facts.payload.get(..kept).unwrap_or_default();
        let whole = facts.size == kept as u64;
        if sparkplug && let Some(hidden) = sparkplug::read(self, cx, dir, facts, payload, whole) {
            return hidden;
        }
        let hidden = self.plain(cx, facts.topic, payload, whole);
        if hidden && !sparkplug {
            self.json.tags.mark(topic);
        }
        hidden
    }

    /// JSON, a number, or a word. Returns whether one of them is a secret.
    fn plain(&mut self, cx: &mut Cx<'_>, topic: &str, payload: &[u8], whole: bool) -> bool {
        let (leaves, tags) = (cx.limits.items, cx.limits.tags_per_flow);
        let document = Document { source: "mqtt", name: topic, seed: 0, bytes: payload, whole, leaves, tags };
        let read = self.json.document(cx, &document);
        let hidden = read.hidden || secret::hides(topic, topic.len());
        let word = payload.len() <= WORD
            && !matches!(payload.first(), Some(b'{' | b'['))
            && payload.iter().all(u8::is_ascii_graphic);
        if !read.found && whole && word && !hidden {
            let word = std::str::from_utf8(payload).unwrap_or_default();
            let Some(word) = secret::kept(word) else { return true };
            if self.json.tags.changed(tags, xxh3_64(topic.as_bytes()), xxh3_64(payload), || None) {
                write(cx, topic, Shown { value: None, text: word, quality: "good" });
            }
        }
        // A document that breaks off, or goes on past the bounds, may do so within a secret.
        hidden || (!read.whole && matches!(payload.first(), Some(b'{' | b'[')) && secret::names(payload))
    }
}
