//! Requests that wait for their response. First in, first out for each (unit, function, transaction).

use std::collections::VecDeque;

use super::pdu::{Fault, Fields, Layout, Pdu};
use crate::dissect::{Frame, Nanos};

/// What a response must repeat of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Transaction identifier.
    pub transaction: u16,
    /// Unit identifier.
    pub unit: u8,
    /// Function code without the exception bit.
    pub code: u8,
}

impl Key {
    /// As one number.
    #[must_use]
    pub fn packed(self) -> u32 {
        u32::from(self.transaction) << 16 | u32::from(self.unit) << 8 | u32::from(self.code)
    }
}

/// A request that waits. Slots are used again and keep their buffer, so that nothing is allocated for a transaction.
#[derive(Debug)]
pub struct Request {
    /// What its response will repeat.
    pub key: Key,
    /// Time of the packet that completed it.
    pub ts: Nanos,
    /// That packet.
    pub frame: Frame,
    /// What it said.
    pub fields: Fields,
    /// Layout of its values.
    pub layout: Layout,
    /// Its values, as they came.
    pub values: Vec<u8>,
    /// Bytes of its message.
    pub bytes: usize,
    number: u64,
}

/// The value bytes kept of a request: no more than one of the standard's size holds.
const VALUES: usize = 255;
/// With equal keys, a client that sent another request this much later has given the older one up.
const GIVEN_UP: Nanos = 250_000_000;
/// A response may be captured before its request: mirror ports swap packets of the two directions. Where the
/// client uses one transaction identifier for all, only this much, or it would be taken for the next request's.
const SKEW: Nanos = 1_000_000;
/// Where its identifiers tell requests apart, this much.
const LOOSE_SKEW: Nanos = 1_000_000_000;

/// The requests that wait, oldest first.
#[derive(Debug, Default)]
pub struct Pending {
    /// Packed key and slot, in order of arrival.
    order: VecDeque<(u32, u32)>,
    slots: Vec<Request>,
    free: Vec<u32>,
    count: u64,
    /// How much a response may seem to come before its request.
    skew: Nanos,
    newest: Option<Key>,
    /// Requests before this number may have had their response in a hole.
    doubtful: u64,
}

impl Pending {
    /// Number of requests that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.order.len()
    }

    /// How much a response may seem to come before its request.
    #[must_use]
    pub fn skew(&self) -> Nanos {
        self.skew
    }

    /// Number that the next request gets.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.count
    }

    /// Notes a request.
    pub fn push(&mut self, key: Key, ts: Nanos, frame: Frame, bytes: usize, pdu: &Pdu<'_>) {
        let number = self.count;
        self.count += 1;
        let alike = self.newest.is_none_or(|newest| newest.transaction == key.transaction);
        (self.newest, self.skew) = (Some(key), if alike { SKEW } else { LOOSE_SKEW });
        let kept = pdu.values.get(..VALUES).unwrap_or(pdu.values);
        let Pdu { fields, layout, .. } = *pdu;
        let free = self.free.pop();
        let place = free.and_then(|slot| usize::try_from(slot).ok()).and_then(|slot| self.slots.get_mut(slot));
        if let (Some(slot), Some(request)) = (free, place) {
            let mut values = std::mem::take(&mut request.values);
            values.clear();
            values.extend_from_slice(kept);
            *request = Request { key, ts, frame, fields, layout, values, bytes, number };
            self.order.push_back((key.packed(), slot));
        } else if let Ok(slot) = u32::try_from(self.slots.len()) {
            self.slots.push(Request { key, ts, frame, fields, layout, values: kept.to_vec(), bytes, number });
            self.order.push_back((key.packed(), slot));
        }
    }

    /// The oldest request, when it waits since `before` or longer, or in any case without `before`. It stays
    /// readable until the next [`push`](Self::push).
    pub fn oldest(&mut self, before: Option<Nanos>) -> Option<u32> {
        let &(_, slot) = self.order.front()?;
        let due = before.is_none_or(|limit| self.get(slot).is_some_and(|r| r.ts <= limit));
        due.then(|| self.remove(0)).flatten()
    }

    /// The request that a response belongs to: the first of its key. Where several wait, one whose shape the
    /// response contradicts (`fault`) is passed over, and so is one that the client has given up. When requests
    /// from number `lost` on may have been missed, a response that contradicts such a one answers a missed one.
    pub fn find(
        &mut self,
        key: Key,
        now: Nanos,
        lost: Option<u64>,
        fault: impl Fn(&Request) -> Option<Fault>,
    ) -> Option<u32> {
        let packed = key.packed();
        // Responses behind a hole come late, with their own time: what was sent after one is not what it answers.
        let sent = |slot: u32| self.get(slot).is_some_and(|r| r.ts < now.saturating_add(self.skew));
        let matching = self.order.iter().enumerate().filter(|(_, (k, s))| *k == packed && sent(*s));
        let mut matching = matching.map(|(i, &(_, s))| (i, s));
        let (first, slot) = matching.next()?;
        let fits = |slot: u32| self.get(slot).is_some_and(|r| fault(r).is_none());
        let Some((second, next)) = matching.next() else {
            let newer = lost.is_some_and(|lost| self.get(slot).is_some_and(|r| r.number >= lost));
            return if newer && !fits(slot) { None } else { self.remove(first) };
        };
        let since = |slot: u32| self.get(slot).map_or(now, |r| r.ts);
        let mut chosen = None;
        let doubtful = self.get(slot).is_some_and(|r| r.number < self.doubtful);
        if doubtful || since(next).saturating_sub(since(slot)) > GIVEN_UP {
            let last = matching.next_back().unwrap_or((second, next));
            chosen = fits(last.1).then_some(last.0);
        } else if !fits(slot) {
            chosen = std::iter::once((second, next)).chain(matching).find(|&(_, s)| fits(s)).map(|(i, _)| i);
        }
        self.remove(chosen.unwrap_or(first))
    }

    /// A request whose response may be lost in a hole, when the client now sends another one of its key: had the
    /// response not come, a client that uses one transaction identifier for all would not go on.
    pub fn superseded(&mut self, key: Key) -> Option<u32> {
        let &(_, front) = self.order.front()?;
        if self.get(front).is_none_or(|r| r.number >= self.doubtful) {
            return None;
        }
        let packed = key.packed();
        let at = self
            .order
            .iter()
            .position(|&(k, s)| k == packed && self.get(s).is_some_and(|r| r.number < self.doubtful))?;
        self.remove(at)
    }

    /// Responses may have been lost: what waits now may wait in vain.
    pub fn doubt(&mut self) {
        self.doubtful = self.count;
    }

    /// A request by the place that was given for it.
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<&Request> {
        self.slots.get(usize::try_from(slot).ok()?)
    }

    fn remove(&mut self, index: usize) -> Option<u32> {
        let (_, slot) = self.order.remove(index)?;
        self.free.push(slot);
        Some(slot)
    }
}

impl Request {
    /// Its number in the flow.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}
