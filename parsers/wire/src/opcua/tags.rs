//! Values that changed: the last value of each node of a flow's server, and a row when there is another.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::calls::{Call, Item};
use super::codes::{VALUE, is_bad, status_name};
use super::services as ids;
use super::text::Out;
use crate::anomaly::Kind;
use crate::dissect::{Cx, Frame};
use crate::rows::TagValueRow;

/// The last value of a node, as far as a change can be told from it.
#[derive(Debug)]
struct Seen {
    hash: u64,
    node: Box<str>,
    /// Bits of the number, or the hash of the text.
    value: u64,
    numeric: bool,
    status: u32,
}

/// The values of a flow, at most `tags_per_flow`.
#[derive(Debug, Default)]
pub struct Tags {
    seen: Vec<Seen>,
    index: HashTable<u32>,
    quality: String,
    full: bool,
}

impl Tags {
    /// Looks at the values of a call that is over: what was read or published, and what was written with success.
    pub fn observe(&mut self, cx: &mut Cx<'_>, call: &Call) {
        if call.response_frame == Frame::NONE || call.status.is_none_or(is_bad) {
            return;
        }
        let written = match call.service.map(|s| s.request) {
            Some(ids::Read | ids::Publish | ids::Republish) => false,
            Some(ids::Write) => true,
            _ => return,
        };
        for item in call.items.list.iter().filter(|item| item.attribute == VALUE) {
            if !(written && item.status != 0) {
                self.value(cx, item, &call.items.text);
            }
        }
    }

    fn value(&mut self, cx: &mut Cx<'_>, item: &Item, text: &str) {
        let node = item.node.of(text);
        let shown = item.value.of(text);
        // A status without a value says nothing of a node that was never named either.
        if node.is_empty() {
            return;
        }
        let numeric = item.number.is_some();
        let value = item.number.map_or_else(|| xxh3_64(shown.as_bytes()), f64::to_bits);
        if !self.changed(cx, node, (value, numeric, item.status)) {
            return;
        }
        cx.rows.tag_values.push(TagValueRow {
            ts: cx.ts,
            flow: cx.flow,
            borrow: std::marker::PhantomData,
            frame: cx.frame,
            source: "opcua",
            tag: node,
            value: item.number,
            text: if numeric { "" } else { shown },
            quality: quality(&mut self.quality, item.status),
        });
    }

    /// Whether a node's value or status is another than the last one, which it becomes.
    fn changed(&mut self, cx: &mut Cx<'_>, node: &str, (value, numeric, status): (u64, bool, u32)) -> bool {
        let hash = xxh3_64(node.as_bytes());
        let Self { seen, index, full, .. } = self;
        let same = |&at: &u32| seen.get(at as usize).is_some_and(|s| s.hash == hash && &*s.node == node);
        if let Some(last) = index.find(hash, same).copied().and_then(|at| seen.get_mut(at as usize)) {
            let changed = (last.value, last.numeric, last.status) != (value, numeric, status);
            (last.value, last.numeric, last.status) = (value, numeric, status);
            return changed;
        }
        let Some(at) = u32::try_from(seen.len()).ok().filter(|&n| u64::from(n) < cx.limits.tags_per_flow) else {
            if !std::mem::replace(full, true) {
                cx.anomaly("opcua", Kind::TagsFull, "values of further nodes are not followed");
            }
            return false;
        };
        seen.push(Seen { hash, node: node.into(), value, numeric, status });
        index.insert_unique(hash, at, |&i| seen.get(i as usize).map_or(0, |s| s.hash));
        true
    }
}

/// `good`, `uncertain` or `bad` (Part 4 §7.39, severity), and the code's name where it is more than that.
fn quality(buffer: &mut String, status: u32) -> &str {
    let severity = match status >> 30 {
        0 => "good",
        1 => "uncertain",
        _ => "bad",
    };
    // The lower half has flags; the code is above them.
    if status & 0xFFFF_0000 == 0 {
        return severity;
    }
    buffer.clear();
    buffer.push_str(severity);
    buffer.push(' ');
    match status_name(status) {
        "" => Out::new(buffer, 16).code(status),
        name => buffer.push_str(name),
    }
    buffer
}
