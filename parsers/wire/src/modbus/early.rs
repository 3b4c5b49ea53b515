//! Responses that came before their request. A hole in the requests holds back those behind it until it is
//! declared, and meanwhile their responses come; mirror ports also swap packets of the two directions.

use std::collections::VecDeque;

use super::pairing::Key;
use super::transaction::Message;
use crate::dissect::{Frame, Nanos};

/// How long a response may wait for its request: longer than reassembly keeps a hole open.
const PATIENCE: Nanos = 1_000_000_000;

/// A response that waits.
#[derive(Debug, Default)]
pub struct Early {
    /// What it repeats of its request.
    pub transaction: u16,
    /// Unit identifier.
    pub unit: u8,
    /// From the function code on.
    pub pdu: Vec<u8>,
    /// Bytes with the framing.
    pub bytes: usize,
    /// Whether all of it was captured.
    pub whole: bool,
    /// Time of the packet that completed it.
    pub ts: Nanos,
    /// That packet.
    pub frame: Frame,
    /// Whether its request is known to be lost, perhaps.
    pub excused: bool,
    key: u32,
}

/// The responses that wait, oldest first.
#[derive(Debug, Default)]
pub struct Earlies {
    waiting: VecDeque<Early>,
    spare: Vec<Early>,
}

impl Earlies {
    /// Number of responses that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Notes a response.
    pub fn push(&mut self, message: &Message<'_>, at: (Nanos, Frame), excused: bool) {
        let mut early = self.spare.pop().unwrap_or_default();
        early.pdu.clear();
        early.pdu.extend_from_slice(message.pdu);
        let Early { pdu, .. } = early;
        let ((ts, frame), key) = (at, message.key().packed());
        let Message { transaction, unit, bytes, whole, .. } = *message;
        self.waiting.push_back(Early { transaction, unit, pdu, bytes, whole, ts, frame, excused, key });
    }

    /// The response to a request, when it did not come before `since`.
    pub fn take(&mut self, key: Key, since: Nanos) -> Option<Early> {
        let key = key.packed();
        let at = self.waiting.iter().position(|e| e.key == key && e.ts > since)?;
        self.waiting.remove(at)
    }

    /// The oldest response, when its time is over, or in any case without `now`.
    pub fn oldest(&mut self, now: Option<Nanos>) -> Option<Early> {
        let due = |e: &Early| now.is_none_or(|now| now.saturating_sub(e.ts) > PATIENCE);
        if self.waiting.front().is_some_and(due) { self.waiting.pop_front() } else { None }
    }

    /// Gives a response back, for its buffer to be used again.
    pub fn done(&mut self, early: Early) {
        if self.spare.is_empty() {
            self.spare.push(early);
        }
    }

    /// Requests were lost: none of the responses that wait must have one.
    pub fn excuse(&mut self) {
        for early in &mut self.waiting {
            early.excused = true;
        }
    }
}
