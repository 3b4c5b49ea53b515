//! What a flow's packets teach about its session: version, client, and who waits for whose answer.

use std::borrow::Cow;

use super::codes;
use super::read::{Fixed, Malformed};
use crate::anomaly::Kind;
use crate::behaviour::{Access, Behaviour, Key};
use crate::dissect::{Cx, Dir, Frame, Nanos};

/// How packets are laid out: MQTT 5 has properties, the older versions have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Not known: the session was picked up in the middle.
    #[default]
    Unknown,
    /// MQTT 3.1 or 3.1.1.
    Older,
    /// MQTT 5.
    Five,
}

/// The session of one flow.
#[derive(Debug, Default)]
pub struct Session {
    /// Protocol level as CONNECT says; 0: no CONNECT seen.
    level: u8,
    /// Layout as told by CONNECT, or as learnt from evidence.
    pub layout: Layout,
    /// Client identifier.
    pub client_id: String,
    /// Whether a packet was seen, or lost: from then on the flow is never given up.
    pub started: bool,
    /// Whether a packet went the wrong way: client and server may have been mistaken.
    pub swapped: bool,
    /// What waits for an answer.
    pub pending: Pending,
    /// Values that payloads have told.
    pub values: super::values::Values,
    /// For texts that are put together.
    pub scratch: String,
}

impl Session {
    /// Protocol level for rows; 0: not known.
    #[must_use]
    pub fn version(&self) -> u8 {
        match (self.level, self.layout) {
            (0, Layout::Five) => 5,
            (level, _) => level,
        }
    }

    /// A CONNECT opens the session. Returns whether there was one already.
    pub fn open(&mut self, level: u8, client_id: &str) -> bool {
        let again = self.level != 0;
        self.level = level;
        self.layout = if level == 5 { Layout::Five } else { Layout::Older };
        self.rename(client_id);
        again
    }

    /// The client's identifier.
    pub fn rename(&mut self, client_id: &str) {
        self.client_id.clear();
        self.client_id.push_str(client_id);
    }

    /// Evidence about the layout; CONNECT's word stands.
    pub fn learn(&mut self, layout: Layout) {
        if self.level == 0 {
            self.layout = layout;
        }
    }

    /// Whether the layout was only learnt from evidence, which may have misled.
    #[must_use]
    pub fn guessed(&self) -> bool {
        self.level == 0
    }
}

/// Writes an anomaly that names the packet, the field and its offset.
pub fn odd(cx: &mut Cx<'_>, kind: Kind, fixed: Fixed, what: Malformed) {
    let name = codes::of(fixed.kind).name;
    let detail = format!("{name}: {} at offset {} {}", what.field, what.at, what.reason);
    cx.anomaly("mqtt", kind, &detail);
}

/// A text of the wire, cut at the limit `text_bytes`; what is not UTF-8 is replaced and reported.
pub fn text<'a>(cx: &mut Cx<'_>, fixed: Fixed, field: &'static str, bytes: &'a [u8]) -> Cow<'a, str> {
    let limit = usize::try_from(cx.limits.text_bytes).unwrap_or(usize::MAX);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(crate::values::cut(text, limit)),
        Err(e) => {
            odd(cx, Kind::Malformed, fixed, Malformed { field, at: e.valid_up_to(), reason: "is not UTF-8" });
            Cow::Owned(crate::values::cut(&String::from_utf8_lossy(bytes), limit).to_owned())
        }
    }
}

/// What an answer is matched by: who sent the question, its type and its packet identifier.
#[must_use]
pub fn key(dir: Dir, kind: u8, id: u16) -> u32 {
    u32::from(id) | u32::from(kind) << 16 | u32::from(dir == Dir::ToClient) << 24
}

/// Places for waiting behaviours that a flow keeps when none waits.
const KEPT: usize = 4;

/// Behaviours that wait for their answer, to be counted with latency and outcome. Slots are reused with
/// their buffers; the keys lie apart, so that a search passes over a few cache lines.
#[derive(Debug, Default)]
pub struct Pending {
    keys: Vec<u32>,
    slots: Vec<Slot>,
    oldest: usize,
}

#[derive(Debug, Default)]
struct Slot {
    ts: Nanos,
    frame: Frame,
    operation: &'static str,
    access: Option<Access>,
    object: Option<()>,
    text: String,
    bytes: u64,
}

impl Slot {
    fn count(&self, cx: &mut Cx<'_>, unit: &str, latency_us: Option<u32>, error: bool) {
        let behaviour = Behaviour {
            protocol: "mqtt",
            unit: Key::Text(unit),
            operation: self.operation,
            access: self.access.unwrap_or(Access::Session),
            object: if self.object.is_some() { Key::Text(&self.text) } else { Key::None },
            bytes: self.bytes,
            latency_us,
            error,
        };
        cx.behaviours.add(self.ts, self.frame, cx.ends, &behaviour, cx.limits);
    }
}

/// A question as it is put to wait.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The packet's name in lower case.
    pub operation: &'static str,
    /// What it does.
    pub access: Access,
    /// Topic or filter.
    pub object: Option<&'a str>,
    /// Bytes of the packet.
    pub bytes: u64,
}

impl Question<'_> {
    /// Counts it at once: no answer will come.
    pub fn count(&self, cx: &mut Cx<'_>, unit: &str, error: bool) {
        cx.behaviour(&Behaviour {
            protocol: "mqtt",
            unit: Key::Text(unit),
            operation: self.operation,
            access: self.access,
            object: self.object.map_or(Key::None, Key::Text),
            bytes: self.bytes,
            latency_us: None,
            error,
        });
    }
}

impl Pending {
    /// Puts a question to wait. One with the same key is counted first (a retransmission); when the table is
    /// full the longest waiting one is.
    pub fn put(&mut self, cx: &mut Cx<'_>, unit: &str, key: u32, question: &Question<'_>) {
        let limit = usize::try_from(cx.limits.pending_requests).unwrap_or(usize::MAX).max(1);
        let mut at = self.keys.iter().position(|&k| k == key);
        if at.is_none() && self.keys.len() >= limit {
            cx.anomaly("mqtt", Kind::PendingFull, "packets that wait for their acknowledgement");
            at = Some(self.oldest % limit);
            self.oldest = self.oldest.wrapping_add(1) % limit;
        }
        if let Some(slot) = at.and_then(|at| self.slots.get(at)) {
            slot.count(cx, unit, None, false);
        }
        let at = at.unwrap_or(self.keys.len());
        match self.keys.get_mut(at) {
            Some(k) => *k = key,
            None => self.keys.push(key),
        }
        if self.slots.len() <= at {
            self.slots.push(Slot::default());
        }
        let Some(slot) = self.slots.get_mut(at) else { return };
        slot.ts = cx.ts;
        slot.frame = cx.frame;
        slot.operation = question.operation;
        slot.access = Some(question.access);
        slot.bytes = question.bytes;
        slot.object = question.object.map(|_| ());
        slot.text.clear();
        slot.text.push_str(question.object.unwrap_or_default());
    }

    /// An answer: its question is counted with the latency. Returns whether there was one.
    pub fn answer(&mut self, cx: &mut Cx<'_>, unit: &str, key: u32, error: bool) -> bool {
        let Some(at) = self.keys.iter().position(|&k| k == key) else { return false };
        if let Some(slot) = self.slots.get(at) {
            let us = u32::try_from(cx.ts.saturating_sub(slot.ts).max(0) / 1_000).unwrap_or(u32::MAX);
            slot.count(cx, unit, Some(us), error);
        }
        self.remove(at);
        true
    }

    fn remove(&mut self, at: usize) {
        let last = self.keys.len().saturating_sub(1);
        self.keys.swap_remove(at);
        self.slots.swap(at, last);
    }

    /// Whether [`expire`](Self::expire) has something to count or to give back.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.keys.is_empty() || self.slots.len() > KEPT
    }

    /// Counts what was put to wait before `before`.
    pub fn expire(&mut self, cx: &mut Cx<'_>, unit: &str, before: Nanos) {
        let mut at = 0;
        while at < self.keys.len() {
            match self.slots.get(at) {
                Some(slot) if slot.ts < before => {
                    slot.count(cx, unit, None, false);
                    self.remove(at);
                }
                _ => at += 1,
            }
        }
        if self.keys.is_empty() {
            self.slots.truncate(KEPT); // a burst's memory goes back
        }
    }
}
