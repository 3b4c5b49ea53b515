//! Service calls: what a request said, kept until its response comes, in buffers that are used again.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::header::Type;
use super::items::{Items, Span};
use super::services::Service;
use super::text::Out;
use super::transfers::{Act, Blob, Place};
use crate::dissect::{Frame, Nanos};
use crate::limits::Limits;

/// A call: the request, and the response once it came.
#[derive(Debug, Default)]
pub struct Call {
    /// Service, where the type id is known.
    pub service: Option<&'static Service>,
    /// Message type of the request.
    pub kind: Option<Type>,
    /// What request and response have in common.
    pub key: Key,
    /// Secure channel.
    pub channel: u32,
    /// Request id.
    pub request_id: u32,
    /// Type id of the request's body; 0: not seen.
    pub request_type: u32,
    /// Type id of the response's body; 0: not seen.
    pub response_type: u32,
    /// Frame of the request.
    pub request_frame: Frame,
    /// Frame of the response.
    pub response_frame: Frame,
    /// Time of the request.
    pub ts: Nanos,
    /// Bytes of request and response.
    pub bytes: u64,
    /// Service result of the response.
    pub status: Option<u32>,
    /// Identity token in an ActivateSession request.
    pub identity: &'static str,
    /// Subscription that the call is about; 0: none.
    pub subscription: u32,
    /// Security mode that an OpenSecureChannel request asked for.
    pub mode: super::codes::Mode,
    /// Text of what the behaviour is done to; empty: the first item's node id.
    pub object: Span,
    /// The items.
    pub items: Items,
    /// Which earlier request this one repeats.
    pub template: Option<usize>,
    /// What the call says in one line.
    pub info: String,
    /// What the server says of itself: field of a sighting and value.
    pub facts: Vec<(&'static str, String)>,
    /// What its one method does to a file.
    pub act: Act,
    /// Data of a file in its response: where they stand in the body.
    pub data: Option<Place>,
    /// The ByteStrings among its values.
    pub blobs: Vec<Blob>,
    older: u32,
    newer: u32,
    held: usize,
}

impl Call {
    fn reset(&mut self) {
        let (mut items, mut info) = (std::mem::take(&mut self.items), std::mem::take(&mut self.info));
        items.clear();
        info.clear();
        if items.held() > KEPT {
            items = Items::default();
        }
        *self = Self { items, info, ..Self::default() };
    }

    /// Adds `name=value` to the line; empty values are left out.
    pub fn say(&mut self, name: &str, value: &[u8], limits: &Limits) {
        if value.is_empty() || self.info.len() as u64 >= limits.text_bytes {
            return;
        }
        let mut out = Out::new(&mut self.info, limits.text_bytes);
        if !name.is_empty() {
            out.str(name);
            out.str("=");
        }
        out.utf8(value);
        self.info.push(' ');
    }

    /// Adds what the server says of itself; a few at most.
    pub fn fact(&mut self, field: &'static str, value: &[u8], limits: &Limits) {
        if value.is_empty() || self.facts.len() >= FACTS {
            return;
        }
        let mut text = String::new();
        Out::new(&mut text, limits.text_bytes).utf8(value);
        self.facts.push((field, text));
    }

    /// Adds `name=number` to the line.
    pub fn say_number(&mut self, name: &str, value: f64, limits: &Limits) {
        let mut out = Out::new(&mut self.info, limits.text_bytes);
        out.str(name);
        out.str("=");
        out.double(value);
        self.info.push(' ');
    }
}

/// Buffers larger than this are given back when their call is over.
const KEPT: usize = 65_536;
/// Facts kept of one call.
const FACTS: usize = 8;
/// Calls kept with their buffers for the next request.
const SPARE: usize = 8;
const NONE: u32 = u32::MAX;

/// The calls of a flow that wait for their response: by request id, and in the order they came.
#[derive(Debug)]
pub struct Calls {
    slots: Vec<Option<Box<Call>>>,
    free: Vec<u32>,
    #[allow(clippy::vec_box)] // calls move between the lists as pointers, not as 300 bytes
    spare: Vec<Box<Call>>,
    index: HashTable<u32>,
    oldest: u32,
    newest: u32,
    held: usize,
    /// Seeded, so that nobody chooses request ids that collide.
    hasher: crate::seed::Seeded,
}

impl Default for Calls {
    fn default() -> Self {
        let (slots, free, spare) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            slots,
            free,
            spare,
            index: HashTable::new(),
            oldest: NONE,
            newest: NONE,
            held: 0,
            hasher: crate::seed::Seeded::default(),
        }
    }
}

/// A call's key: OPN and MSG number their requests together, but a secured OPN hides its number.
pub type Key = (bool, u32, u32);

impl Calls {
    /// Whether no call waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether one more call must displace the oldest.
    #[must_use]
    pub fn full(&self, limits: &Limits) -> bool {
        !self.is_empty()
            && (self.index.len() as u64 >= limits.pending_requests || self.held as u64 > limits.pending_bytes)
    }

    /// A call to fill: a used one with its buffers, or a new one.
    #[must_use]
    pub fn fresh(&mut self) -> Box<Call> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes a call back when it is over.
    pub fn recycle(&mut self, mut call: Box<Call>) {
        if self.spare.len() < SPARE {
            call.reset();
            self.spare.push(call);
        }
    }

    /// Lets a call wait for its response.
    pub fn keep(&mut self, mut call: Box<Call>) {
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
        });
        call.older = self.newest;
        call.newer = NONE;
        call.held = size_of::<Call>() + call.items.used() + call.info.len();
        self.held += call.held;
        if let Some(before) = self.slot(self.newest) {
            before.newer = at;
        } else {
            self.oldest = at;
        }
        self.newest = at;
        let key = call.key;
        if let Some(slot) = self.slots.get_mut(at as usize) {
            *slot = Some(call);
        }
        let Self { slots, index, hasher, .. } = self;
        index.insert_unique(hasher.hash_one(key), at, |&i| key_at(slots, i).map_or(0, |key| hasher.hash_one(key)));
    }

    /// The waiting call of that key.
    #[must_use]
    pub fn take(&mut self, key: Key) -> Option<Box<Call>> {
        let slots = &self.slots;
        let entry = self.index.find_entry(self.hasher.hash_one(key), |&i| key_at(slots, i) == Some(key)).ok()?;
        let (at, _) = entry.remove();
        self.unlink(at)
    }

    /// The waiting call of that key, which goes on waiting.
    #[must_use]
    pub fn peek(&self, key: Key) -> Option<&Call> {
        let at = *self.index.find(self.hasher.hash_one(key), |&i| key_at(&self.slots, i) == Some(key))?;
        self.slots.get(at as usize)?.as_deref()
    }

    /// The call that waits longest.
    #[must_use]
    pub fn take_oldest(&mut self) -> Option<Box<Call>> {
        let key = key_at(&self.slots, self.oldest)?;
        self.take(key)
    }

    /// The oldest waiting call that `wanted` picks, from `cursor` on; `cursor` moves on behind it.
    #[must_use]
    pub fn take_next(&mut self, cursor: &mut Option<u32>, wanted: impl Fn(&Call) -> bool) -> Option<Box<Call>> {
        let mut at = cursor.unwrap_or(self.oldest);
        while let Some(call) = self.slots.get(at as usize).and_then(Option::as_ref) {
            let (key, newer) = (call.key, call.newer);
            if wanted(call) {
                *cursor = Some(newer);
                return self.take(key);
            }
            at = newer;
        }
        None
    }

    fn slot(&mut self, at: u32) -> Option<&mut Call> {
        self.slots.get_mut(at as usize)?.as_deref_mut()
    }

    fn unlink(&mut self, at: u32) -> Option<Box<Call>> {
        let call = self.slots.get_mut(at as usize)?.take()?;
        self.free.push(at);
        self.held = self.held.saturating_sub(call.held);
        match self.slot(call.older) {
            Some(before) => before.newer = call.newer,
            None => self.oldest = call.newer,
        }
        match self.slot(call.newer) {
            Some(behind) => behind.older = call.older,
            None => self.newest = call.older,
        }
        Some(call)
    }
}

fn key_at(slots: &[Option<Box<Call>>], at: u32) -> Option<Key> {
    slots.get(at as usize)?.as_ref().map(|call| call.key)
}
