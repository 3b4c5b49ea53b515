//! Values that changed: the last value of each node of a flow's server, and a row when there is another.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::calls::Call;
use super::codes::{VALUE, is_bad, status_name};
use super::items::{Item, Items};
use super::services as ids;
use super::text::Out;
use super::variant::Rendered;
use crate::anomaly::Kind;
use crate::dissect::{Cx, Frame};
use crate::rows::TagValueRow;
use crate::words::Known;

/// The last value of a node, as far as a change can be told from it.
#[derive(Debug)]
struct Seen {
    hash: u64,
    node: Box<str>,
    state: Option<State>,
    word: Known,
    rendered: Rendered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
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
    /// Seeded, so that nobody chooses node ids that collide.
    hasher: crate::seed::Seeded,
}

impl Tags {
    /// Looks at the values of a call that is over: what was read or published, and what was written with
    /// success. Gives whether nodes were looked up, whose places now stand in the items.
    pub fn observe(&mut self, cx: &mut Cx<'_>, call: &mut Call) -> bool {
        if call.response_frame == Frame::NONE || call.status.is_none_or(is_bad) {
            return false;
        }
        let written = match call.service.map(|s| s.request) {
            Some(ids::Read | ids::Publish | ids::Republish) => false,
            Some(ids::Write) => true,
            _ => return false,
        };
        let mut learnt = false;
        let Items { text, list, .. } = &mut call.items;
        for item in list
            .iter_mut()
            .filter(|item| item.attribute == VALUE && if written { item.status == 0 } else { item.answered })
        {
            let before = item.tag;
            self.value(cx, item, text);
            learnt |= item.tag != before;
        }
        learnt
    }

    /// What the last scalar of that place looked like, where the place is known.
    #[inline]
    pub fn rendered(&mut self, tag: u32) -> Option<&mut Rendered> {
        self.seen.get_mut((tag as usize).wrapping_sub(1)).map(|seen| &mut seen.rendered)
    }

    #[inline]
    fn value(&mut self, cx: &mut Cx<'_>, item: &mut Item, text: &str) {
        let node = item.node.of(text);
        if node.is_empty() {
            return;
        }
        let shown = |item: &Item| item.value.of(text);
        let numeric = item.number.is_some();
        let value = item.number.map_or_else(|| xxh3_64(shown(item).as_bytes()), f64::to_bits);
        let Some(last) = self.last(cx, node, &mut item.tag) else { return };
        let now = State { value, numeric, status: item.status };
        if last.state == Some(now) {
            return;
        }
        last.state = Some(now);
        let word = cx.rows.tag_values.tag.word(&mut last.word, || node);
        cx.rows.tag_values.push(TagValueRow {
            ts: cx.ts,
            flow: cx.flow,
            borrow: std::marker::PhantomData,
            frame: cx.frame,
            source: "opcua",
            tag: word,
            value: item.number,
            text: if numeric { "" } else { shown(item) },
            quality: quality(&mut self.quality, item.status),
        });
    }

    /// The node's place: where `tag` says, or where its name stands, or a new one.
    #[inline]
    fn last(&mut self, cx: &mut Cx<'_>, node: &str, tag: &mut u32) -> Option<&mut Seen> {
        let hinted = (*tag as usize).wrapping_sub(1);
        if self.seen.get(hinted).is_none_or(|s| &*s.node != node) {
            *tag = self.look_up(cx, node)?;
        }
        self.seen.get_mut((*tag as usize).wrapping_sub(1))
    }

    fn look_up(&mut self, cx: &mut Cx<'_>, node: &str) -> Option<u32> {
        let Self { seen, index, full, hasher, .. } = self;
        let hash = hasher.hash_one(node);
        let same = |&at: &u32| seen.get(at as usize).is_some_and(|s| s.hash == hash && &*s.node == node);
        if let Some(at) = index.find(hash, same) {
            return Some(at + 1);
        }
        let Some(at) = u32::try_from(seen.len()).ok().filter(|&n| u64::from(n) < cx.limits.tags_per_flow) else {
            if !std::mem::replace(full, true) {
                cx.anomaly("opcua", Kind::TagsFull, "values of further nodes are not followed");
            }
            return None;
        };
        seen.push(Seen { hash, node: node.into(), state: None, word: Known::default(), rendered: Rendered::default() });
        index.insert_unique(hash, at, |&i| seen.get(i as usize).map_or(0, |s| s.hash));
        Some(at + 1)
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
