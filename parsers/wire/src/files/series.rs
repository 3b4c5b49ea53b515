//! Objects that come in the messages of an OT protocol, in one piece or many.

use super::format;
use super::object::{About, Object};
use crate::dissect::{Cx, Nanos};

/// Objects of a direction that are under way; beyond it the oldest is written as cut.
const OPEN: usize = 16;
/// First bytes of a message that decide whether it carries an object.
const DECIDES: usize = 1_024;
/// An object of which nothing came for so long is over.
const PATIENCE: Nanos = 30_000_000_000;

#[derive(Debug)]
struct Part {
    key: String,
    object: Object,
    /// Bytes of its first message.
    first: u64,
    messages: u32,
    last: Nanos,
    /// Whether it is one only if it turns out to hold a model.
    tentative: bool,
}

/// Where the bytes of the message under way go.
#[derive(Debug, Default)]
enum Current {
    #[default]
    Nowhere,
    /// Its first bytes decide, of which these are there.
    Undecided(String, About, Vec<u8>),
    /// Into the part of this key.
    Into(String, u64),
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Series {
    parts: Vec<Part>,
    current: Current,
}

impl Part {
    fn finish(self, cx: &mut Cx<'_>) {
        if !self.tentative || !self.object.format().model.is_empty() {
            self.object.finish(cx);
        }
    }
}

impl Series {
    /// Whether a message may carry an object, or go on with one: cheap, asked of every message.
    #[inline]
    #[must_use]
    pub fn wants(&self, key: &str, start: &[u8]) -> bool {
        format::may_be_model(start) || (!self.parts.is_empty() && self.at(key).is_some())
    }

    fn at(&self, key: &str) -> Option<usize> {
        self.parts.iter().position(|p| p.key == key)
    }

    /// A whole message.
    pub fn message(&mut self, cx: &mut Cx<'_>, key: &str, about: About, bytes: &[u8]) {
        self.begin(key, about);
        self.piece(cx, bytes);
        self.close(cx);
    }

    /// A message begins whose first bytes decide whether it carries an object.
    pub fn begin(&mut self, key: &str, about: About) {
        self.current = Current::Undecided(key.to_owned(), about, Vec::new());
    }

    /// The next bytes of the message.
    pub fn piece(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if let Current::Undecided(_, _, held) = &mut self.current {
            if held.len() + bytes.len() < DECIDES {
                held.extend_from_slice(bytes);
                return;
            }
            let before = std::mem::take(held);
            if before.is_empty() {
                self.decide(cx, bytes);
            } else {
                self.decide(cx, &[&before, bytes].concat());
                self.add(cx, &before);
            }
        }
        self.add(cx, bytes);
    }

    fn add(&mut self, cx: &Cx<'_>, bytes: &[u8]) {
        let Current::Into(key, count) = &mut self.current else { return };
        *count += bytes.len() as u64;
        if let Some(part) = self.parts.iter_mut().find(|p| p.key == *key) {
            part.object.bytes(bytes);
            part.last = cx.ts;
        }
    }

    fn decide(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) {
        let Current::Undecided(key, about, _) = std::mem::take(&mut self.current) else { return };
        let format = format::recognise(bytes, &[]);
        let tentative = format.model.is_empty() && format.may_hold();
        let model = !format.model.is_empty() || tentative;
        let goes_on = self.at(&key);
        let text = matches!(bytes.first(), Some(b'{' | b'[' | b'"')) && !model;
        if let Some(at) = goes_on.filter(|_| model || text) {
            let part = self.parts.remove(at);
            part.finish(cx);
        }
        self.current = match (model, goes_on) {
            (true, _) => {
                self.open(cx, &key, about, tentative);
                Current::Into(key, 0)
            }
            (false, Some(_)) if !text => Current::Into(key, 0),
            _ => Current::Nowhere,
        };
    }

    fn open(&mut self, cx: &mut Cx<'_>, key: &str, about: About, tentative: bool) {
        if self.parts.len() >= OPEN {
            let mut oldest = self.parts.remove(0);
            oldest.object.cut();
            cx.rows.files_cut += 1;
            oldest.finish(cx);
        }
        let object = Object::new(cx, about);
        self.parts.push(Part { key: key.to_owned(), object, first: 0, messages: 0, last: cx.ts, tentative });
    }

    /// Bytes of the message were never captured.
    pub fn lose(&mut self, missing: u64) {
        if let Current::Into(key, _) = &self.current
            && let Some(part) = self.parts.iter_mut().find(|p| p.key == *key)
        {
            part.object.lose(missing);
        }
    }

    /// The message is over: an object that is whole by its own evidence, or whose last piece is shorter, is written.
    pub fn close(&mut self, cx: &mut Cx<'_>) {
        if let Current::Undecided(_, _, held) = &mut self.current {
            let held = std::mem::take(held);
            self.decide(cx, &held);
            self.add(cx, &held);
        }
        let Current::Into(key, count) = std::mem::take(&mut self.current) else { return };
        let Some(at) = self.at(&key) else { return };
        let Some(part) = self.parts.get_mut(at) else { return };
        part.messages += 1;
        if part.messages == 1 {
            part.first = count;
        }
        if part.object.whole() || (part.messages > 1 && count < part.first) {
            self.parts.remove(at).finish(cx);
        }
    }

    /// Bytes that a protocol's own file transfer carries, at their place in the file.
    pub fn append(&mut self, cx: &mut Cx<'_>, key: &str, place: u64, about: impl FnOnce() -> About, bytes: &[u8]) {
        let known = self.at(key);
        // A transfer that starts again is another one.
        let again = known.and_then(|at| self.parts.get(at)).is_some_and(|p| place < p.object.at());
        if let Some(at) = known.filter(|_| again && place == 0) {
            self.parts.remove(at).finish(cx);
        }
        if self.at(key).is_none() {
            self.open(cx, key, about(), false);
        }
        let Some(part) = self.at(key).and_then(|at| self.parts.get_mut(at)) else { return };
        let hole = place.saturating_sub(part.object.at());
        part.object.lose(hole);
        if place + hole >= part.object.at() {
            part.object.bytes(bytes);
        }
        part.last = cx.ts;
    }

    /// A piece at its place in what may be an object: its start decides, and it is over when it is whole.
    pub fn part(&mut self, cx: &mut Cx<'_>, key: &str, place: u64, about: impl FnOnce() -> About, bytes: &[u8]) {
        let format = format::recognise(bytes, &[]);
        let tentative = format.model.is_empty();
        let begins = place == 0 && (!tentative || format.may_hold());
        if !begins && (place == 0 || self.at(key).is_none()) {
            return;
        }
        self.append(cx, key, place, about, bytes);
        if let Some(part) = self.at(key).and_then(|at| self.parts.get_mut(at)).filter(|_| place == 0) {
            part.tentative = tentative;
        }
        if let Some(at) = self.at(key).filter(|&at| self.parts.get(at).is_some_and(|p| p.object.whole())) {
            self.parts.remove(at).finish(cx);
        }
    }

    /// Where the next byte of a transfer is expected.
    #[must_use]
    pub fn place(&self, key: &str) -> u64 {
        self.at(key).and_then(|at| self.parts.get(at)).map_or(0, |p| p.object.at())
    }

    /// The protocol says that a transfer is over.
    pub fn finish(&mut self, cx: &mut Cx<'_>, key: &str) {
        if let Some(at) = self.at(key) {
            self.parts.remove(at).finish(cx);
        }
    }

    /// Whether an object waits for its end.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Packet time has come to `now`.
    pub fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        while let Some(at) = self.parts.iter().position(|p| now.saturating_sub(p.last) > PATIENCE) {
            self.parts.remove(at).finish(cx);
        }
    }

    /// The flow is over.
    pub fn end(&mut self, cx: &mut Cx<'_>) {
        for part in self.parts.drain(..) {
            part.finish(cx);
        }
    }
}
