//! Pairs of stations: what a flow remembers of each master and outstation that talk in it, and which
//! request a response answers.

use hashbrown::HashTable;

use super::codes;
use super::select::Selection;
use super::transport::Assembly;
use crate::behaviour::{Behaviour, Key};
use crate::dissect::{Cx, Ends, Frame, Nanos};

/// Requests of one pair that wait at once: as many as there are sequence numbers.
const SEQUENCES: usize = 16;

/// Octets of a finished request's text whose buffer is kept for the next one.
const KEPT: usize = 128;

/// A request that waits for its response.
#[derive(Debug, Default)]
struct Request {
    sequence: u8,
    /// Sequence of the next response fragment.
    expected: u8,
    function: u8,
    ts: Nanos,
    frame: Frame,
    bytes: u64,
    latency: Option<u32>,
    error: bool,
    object: String,
}

/// What is known of a request as its behaviour is counted.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub function: u8,
    pub sequence: u8,
    pub bytes: u64,
    pub object: &'a str,
}

/// What a response says of its request.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    pub sequence: u8,
    pub is_final: bool,
    pub bytes: u64,
    pub error: bool,
}

/// A master and an outstation.
#[derive(Debug, Default)]
pub struct Pair {
    pub master: u16,
    pub outstation: u16,
    /// Fragments under way: from the outstation, from the master.
    pub sides: [Assembly; 2],
    /// What the master selected.
    pub selection: Selection,
    /// The master sits at the flow's server end.
    pub swapped: bool,
    /// Requests; those from `waiting` on are done, kept for their buffers.
    requests: Vec<Request>,
    waiting: usize,
    /// Sequence of the last response that found its request.
    answered: Option<u8>,
}

impl Pair {
    /// The fragment under way from one of the two.
    pub fn side(&mut self, from_master: bool) -> &mut Assembly {
        let [outstation, master] = &mut self.sides;
        if from_master { master } else { outstation }
    }

    /// The flow's ends, the master as the client.
    pub fn ends(&self, e: &Ends) -> Ends {
        if !self.swapped {
            return *e;
        }
        Ends { client: e.server, server: e.client, client_port: e.server_port, server_port: e.client_port }
    }

    /// Counts a request that nobody answers, or anything that is complete by itself.
    pub fn report(&self, cx: &mut Cx<'_>, ends: &Ends, asked: &Asked<'_>, error: bool) {
        let (ts, frame) = (cx.ts, cx.frame);
        self.count(cx, ends, asked, (ts, frame), None, error);
    }

    /// Keeps a request until its response comes; gives how many requests fewer wait in return for it.
    pub fn ask(&mut self, cx: &mut Cx<'_>, ends: &Ends, asked: &Asked<'_>) -> usize {
        let mut ended = 0;
        let same = self.live().iter().position(|r| r.sequence == asked.sequence);
        let place = same.or((self.waiting >= SEQUENCES).then_some(0));
        if let Some(place) = place {
            self.finish(cx, ends, place);
            ended = 1;
        }
        if self.waiting == self.requests.len() {
            self.requests.push(Request::default());
        }
        let (ts, frame) = (cx.ts, cx.frame);
        if let Some(r) = self.requests.get_mut(self.waiting) {
            let mut object = std::mem::take(&mut r.object);
            object.clear();
            object.push_str(asked.object);
            let (sequence, function, bytes) = (asked.sequence, asked.function, asked.bytes);
            *r = Request {
                sequence,
                expected: sequence,
                function,
                ts,
                frame,
                bytes,
                latency: None,
                error: false,
                object,
            };
            self.waiting += 1;
        }
        ended
    }

    /// Joins a response with its request. `None`: there is none; `Some(true)`: the request is done.
    pub fn answer(&mut self, cx: &mut Cx<'_>, ends: &Ends, answer: Answer) -> Option<bool> {
        let ts = cx.ts;
        let Some(place) = self.live().iter().position(|r| r.expected == answer.sequence) else {
            // a repeated response, or one that follows it
            return (self.answered == Some(answer.sequence)).then_some(false);
        };
        let r = self.requests.get_mut(place)?;
        let elapsed = u32::try_from((ts - r.ts).max(0) / 1_000).unwrap_or(u32::MAX);
        r.latency.get_or_insert(elapsed);
        r.bytes += answer.bytes;
        r.error |= answer.error;
        r.expected = (answer.sequence + 1) & 0x0F;
        self.answered = Some(answer.sequence);
        if answer.is_final {
            self.finish(cx, ends, place);
        }
        Some(answer.is_final)
    }

    /// Whether a request of this sequence waits, other than one for authentication: then a reply to a
    /// challenge, which carries the same sequence, waits for no response of its own (clause 7.5).
    pub fn is_challenged(&self, function: u8, sequence: u8) -> bool {
        let other = |r: &Request| r.sequence == sequence && r.function != function;
        function == codes::function::AUTHENTICATE_REQUEST && self.live().iter().any(other)
    }

    /// Whether a request for authentication of this sequence waits: session keys, user changes.
    pub fn authenticates(&self, sequence: u8) -> bool {
        let same = |r: &Request| r.expected == sequence && r.function == codes::function::AUTHENTICATE_REQUEST;
        self.live().iter().any(same)
    }

    /// Counts requests older than `before` as they are; gives how many.
    pub fn expire(&mut self, cx: &mut Cx<'_>, ends: &Ends, before: Nanos) -> usize {
        let mut ended = 0;
        while let Some(place) = self.live().iter().position(|r| r.ts < before) {
            self.finish(cx, ends, place);
            ended += 1;
        }
        ended
    }

    fn live(&self) -> &[Request] {
        self.requests.get(..self.waiting).unwrap_or_default()
    }

    fn finish(&mut self, cx: &mut Cx<'_>, ends: &Ends, place: usize) {
        self.waiting = self.waiting.saturating_sub(1);
        if place < self.waiting {
            // the others keep their order: the first is the oldest
            if let Some(span) = self.requests.get_mut(place..=self.waiting) {
                span.rotate_left(1);
            }
        }
        let Some(r) = self.requests.get(self.waiting) else { return };
        let asked = Asked { function: r.function, sequence: r.sequence, bytes: r.bytes, object: &r.object };
        self.count(cx, ends, &asked, (r.ts, r.frame), r.latency, r.error);
        if let Some(r) = self.requests.get_mut(self.waiting).filter(|r| r.object.capacity() > KEPT) {
            r.object = String::new();
        }
    }

    fn count(
        &self,
        cx: &mut Cx<'_>,
        ends: &Ends,
        asked: &Asked<'_>,
        at: (Nanos, Frame),
        latency_us: Option<u32>,
        error: bool,
    ) {
        let behaviour = Behaviour {
            protocol: super::PROTOCOL,
            unit: Key::Pair(u32::from(self.master), u32::from(self.outstation)),
            operation: codes::function_name(asked.function),
            access: codes::access(asked.function),
            object: if asked.object.is_empty() { Key::None } else { Key::Text(asked.object) },
            bytes: asked.bytes,
            latency_us,
            error,
        };
        cx.behaviours.add(at.0, at.1, ends, &behaviour, cx.limits);
    }
}

/// The pairs of a flow. The oldest makes room when there are too many.
#[derive(Debug, Default)]
pub struct Pairs {
    pairs: Vec<Pair>,
    places: HashTable<u32>,
    hasher: crate::seed::Seeded,
    /// Where the last one was found: most flows have one pair.
    recent: usize,
    /// The next one to make room.
    oldest: usize,
}

impl Pairs {
    /// The place of a pair; the pair that made room for it, if one had to.
    pub fn place(&mut self, master: u16, outstation: u16, most: u64) -> (usize, Option<Pair>) {
        let same = |p: &Pair| p.master == master && p.outstation == outstation;
        if self.pairs.get(self.recent).is_some_and(same) {
            return (self.recent, None);
        }
        let Self { pairs, places, hasher, .. } = self;
        let at = |i: u32| usize::try_from(i).unwrap_or(usize::MAX);
        let hash = |p: &Pair| hash(hasher, p.master, p.outstation);
        let wanted = self::hash(hasher, master, outstation);
        if let Some(&found) = places.find(wanted, |&i| pairs.get(at(i)).is_some_and(same)) {
            self.recent = at(found);
            return (self.recent, None);
        }
        let fresh = Pair { master, outstation, ..Pair::default() };
        let (place, gone) = if (pairs.len() as u64) < most.max(1) {
            pairs.push(fresh);
            (pairs.len() - 1, None)
        } else {
            let place = self.oldest % pairs.len().max(1);
            self.oldest = place + 1;
            let gone = pairs.get_mut(place).map(|p| std::mem::replace(p, fresh));
            if let Some(entry) = gone.as_ref().and_then(|p| places.find_entry(hash(p), |&i| at(i) == place).ok()) {
                entry.remove();
            }
            (place, gone)
        };
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        places.insert_unique(wanted, number, |&i| pairs.get(at(i)).map_or(0, hash));
        self.recent = place;
        (place, gone)
    }

    pub fn get(&mut self, place: usize) -> Option<&mut Pair> {
        self.pairs.get_mut(place)
    }

    pub fn iter(&mut self) -> impl Iterator<Item = &mut Pair> {
        self.pairs.iter_mut()
    }
}

fn hash(hasher: &crate::seed::Seeded, master: u16, outstation: u16) -> u64 {
    use std::hash::BuildHasher as _;
    hasher.hash_one(u32::from(master) << 16 | u32::from(outstation))
}
