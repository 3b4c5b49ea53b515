//! IP datagrams from their fragments (RFC 791, 3.2; RFC 8200, 4.5).
//!
//! Linux and Windows drop IPv6 datagrams with overlaps (RFC 5722) and differ for IPv4; there is no one right answer, so
//! an overlap that is not an exact repetition is an anomaly, and where bytes differ the datagram has two readings: with
//! those that came first, and with those that came last. Bytes are kept as they came, so a lone fragment far from the
//! start costs what it carries, not what it pretends.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::anomaly::Kind;
use crate::dissect::{Frame, Nanos};
use crate::ip::{Header, Piece};
use crate::limits::Limits;

/// Bytes an IP datagram's payload can have.
const DATAGRAM_BYTES: u32 = 65_535;
/// What a piece is counted with besides its bytes: its place in the map.
const PIECE_COST: u64 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    src: [u8; 16],
    dst: [u8; 16],
    id: u32,
    /// IPv6 datagrams are told apart by addresses and identification alone, so 0 there.
    protocol: u8,
}

/// Datagrams made whole last that are remembered, and fragments of each.
const DONE: usize = 256;
const DONE_PIECES: usize = 64;

/// A datagram of which not all came.
#[derive(Debug)]
struct Partial {
    serial: u64,
    since: Nanos,
    first_frame: Frame,
    /// Protocol of the first fragment's payload (RFC 8200: "the Next Header values of other fragments are ignored").
    protocol: Option<u8>,
    /// Bytes as they came.
    bytes: Vec<u8>,
    /// Offset in the datagram to length and offset in `bytes`; they do not overlap.
    pieces: BTreeMap<u32, (u32, u32)>,
    covered: u32,
    /// Length, once the last fragment was seen.
    total: Option<u32>,
    /// Fragments that put other bytes where some were: offset and bytes, in the order in which they came.
    later: Vec<(u32, Vec<u8>)>,
    /// Offset and hash of each fragment.
    prints: Vec<(u32, u64)>,
}

/// What became of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    /// It waits for the others.
    Held,
    /// The datagram is complete; its payload's protocol.
    Whole(u8),
    /// It is none.
    Bad(&'static str),
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FragmentCounters {
    /// Fragments seen.
    pub fragments: u64,
    /// Datagrams made whole.
    pub reassembled: u64,
    /// Datagrams given up after `fragment_seconds`.
    pub expired: u64,
    /// Datagrams dropped for the limits `fragment_datagrams` or `fragment_bytes`.
    pub evicted: u64,
    /// Fragments that overlap others and are no exact repetition.
    pub overlaps: u64,
    /// Fragments of a datagram that was whole already: copies of the mirror.
    pub copies: u64,
    /// Fragments of which the snap length cut bytes: their datagram never becomes whole.
    pub cut: u64,
}

/// Where anomalies go.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Kind, String);

/// The datagrams under reassembly.
#[derive(Debug)]
pub(crate) struct Fragments {
    partials: HashMap<Key, Partial, crate::seed::Seeded>,
    /// Keys by age; entries whose serial is no longer in the map are stale.
    ages: VecDeque<(Key, u64)>,
    /// Datagrams made whole last, and when. The mirror may show each fragment twice in turn: without this memory the
    /// copy of the last would wait for others in vain. Only what says the same is a copy: the identification may be
    /// another datagram's.
    done: Vec<Option<Done>>,
    copy_window: u64,
    serial: u64,
    held: u64,
    max_datagrams: usize,
    max_bytes: u64,
    max_age: i64,
    pub counters: FragmentCounters,
    /// The other reading of the datagram made whole last, if it has one.
    pub other: Option<Vec<u8>>,
}

/// A datagram that was made whole.
#[derive(Debug, Clone)]
struct Done {
    key: Key,
    at: Nanos,
    prints: Vec<(u32, u64)>,
}

fn print(offset: u32, data: &[u8]) -> (u32, u64) {
    (offset, xxh3_64(data))
}

impl Fragments {
    pub fn new(limits: &Limits) -> Self {
        Self {
            partials: HashMap::default(),
            ages: VecDeque::new(),
            done: vec![None; DONE],
            copy_window: limits.duplicate_microseconds.saturating_mul(1_000),
            serial: 0,
            held: 0,
            max_datagrams: usize::try_from(limits.fragment_datagrams).unwrap_or(usize::MAX).max(1),
            max_bytes: limits.fragment_bytes,
            max_age: i64::try_from(limits.fragment_seconds.saturating_mul(1_000_000_000)).unwrap_or(i64::MAX),
            counters: FragmentCounters::default(),
            other: None,
        }
    }

    /// Datagrams and bytes held.
    pub fn holds(&self) -> (usize, u64) {
        (self.partials.len(), self.held)
    }

    /// Takes a fragment: `data` of its `length` bytes were captured. A datagram that it completes is written to `out`.
    pub fn add(
        &mut self,
        (ts, frame): (Nanos, Frame),
        (header, piece): (&Header, Piece),
        (data, length): (&[u8], usize),
        out: &mut Vec<u8>,
        anomalies: Sink<'_>,
    ) -> Added {
        self.counters.fragments += 1;
        self.expire(ts, anomalies);
        let end = match end_of(piece, length, anomalies) {
            Ok(end) => end,
            Err(reason) => return Added::Bad(reason),
        };
        self.counters.cut += u64::from(data.len() < length);
        let protocol = if header.v4 { header.protocol } else { 0 };
        let key = Key { src: header.src, dst: header.dst, id: piece.id, protocol };
        let mut partial = match self.partials.remove(&key) {
            Some(partial) => {
                self.held -= partial.cost();
                partial
            }
            None if self.is_done(&key, ts, piece.offset, data) => {
                self.counters.copies += 1;
                return Added::Held;
            }
            None => self.start(key, ts, frame, anomalies),
        };
        if piece.offset == 0 && partial.protocol.is_none() {
            partial.protocol = Some(header.protocol);
        }
        if partial.prints.len() < DONE_PIECES {
            partial.prints.push(print(piece.offset, data));
        }
        let odd = partial.end_seen(piece.more, end) | partial.put(piece.offset, usable(data, length));
        if odd {
            self.counters.overlaps += 1;
            let (offset, id) = (piece.offset, piece.id);
            anomalies(
                Kind::FragmentOverlap,
                format!("fragment at {offset} of datagram {id:#x} overlaps what came before"),
            );
        }
        if partial.total == Some(partial.covered) {
            return self.finish(key, ts, partial, header.protocol, out);
        }
        self.held += partial.cost();
        self.partials.insert(key, partial);
        self.bound(anomalies);
        Added::Held
    }

    fn finish(&mut self, key: Key, ts: Nanos, partial: Partial, protocol: u8, out: &mut Vec<u8>) -> Added {
        partial.assemble(out);
        self.other = partial.overlaid(out);
        self.counters.reassembled += 1;
        let protocol = partial.protocol.unwrap_or(protocol);
        if let Some(slot) = self.done.get_mut(key.id as usize % DONE) {
            *slot = Some(Done { key, at: ts, prints: partial.prints });
        }
        Added::Whole(protocol)
    }

    fn is_done(&self, key: &Key, ts: Nanos, offset: u32, data: &[u8]) -> bool {
        let slot = self.done.get(key.id as usize % DONE).and_then(Option::as_ref);
        let near = slot.filter(|done| done.key == *key && ts.abs_diff(done.at) <= self.copy_window);
        self.copy_window > 0 && near.is_some_and(|done| done.prints.contains(&print(offset, data)))
    }

    fn start(&mut self, key: Key, ts: Nanos, frame: Frame, anomalies: Sink<'_>) -> Partial {
        while self.partials.len() >= self.max_datagrams && self.evict(anomalies) {}
        self.serial += 1;
        self.ages.push_back((key, self.serial));
        // Complete datagrams leave stale entries behind; they are swept when they are the most.
        if self.ages.len() > 2 * self.partials.len() + 64 {
            let (partials, current) = (&self.partials, self.serial);
            self.ages
                .retain(|(key, serial)| *serial == current || partials.get(key).is_some_and(|p| p.serial == *serial));
        }
        Partial {
            serial: self.serial,
            since: ts,
            first_frame: frame,
            protocol: None,
            bytes: Vec::new(),
            pieces: BTreeMap::new(),
            covered: 0,
            total: None,
            later: Vec::new(),
            prints: Vec::new(),
        }
    }

    fn bound(&mut self, anomalies: Sink<'_>) {
        while self.held > self.max_bytes && self.evict(anomalies) {}
    }

    /// Drops the oldest datagram.
    fn evict(&mut self, anomalies: Sink<'_>) -> bool {
        while let Some((key, serial)) = self.ages.pop_front() {
            if self.partials.get(&key).is_some_and(|p| p.serial == serial) {
                self.counters.evicted += 1;
                self.give_up(&key, "for a limit", anomalies);
                return true;
            }
        }
        false
    }

    /// Gives up what waits longer than `fragment_seconds`.
    pub fn expire(&mut self, now: Nanos, anomalies: Sink<'_>) {
        while let Some(&(key, serial)) = self.ages.front() {
            match self.partials.get(&key).filter(|p| p.serial == serial) {
                Some(partial) if now.saturating_sub(partial.since) <= self.max_age => return,
                Some(_) => {
                    self.counters.expired += 1;
                    self.give_up(&key, "after the time limit", anomalies);
                }
                None => {}
            }
            self.ages.pop_front();
        }
    }

    fn give_up(&mut self, key: &Key, why: &str, anomalies: Sink<'_>) {
        let Some(partial) = self.partials.remove(key) else { return };
        self.held -= partial.cost();
        let of = partial.total.map_or("an unknown number".to_owned(), |n| n.to_string());
        let detail = format!(
            "datagram {:#x} from {} to {} given up {why}: {} of {of} bytes came, the first in frame {}",
            key.id,
            std::net::Ipv6Addr::from(key.src).to_canonical(),
            std::net::Ipv6Addr::from(key.dst).to_canonical(),
            partial.covered,
            partial.first_frame.number(),
        );
        anomalies(Kind::FragmentIncomplete, detail);
    }
}

impl Partial {
    fn cost(&self) -> u64 {
        let later: usize = self.later.iter().map(|(_, bytes)| bytes.len()).sum();
        let pieces = self.pieces.len() + self.later.len() + self.prints.len() / 2 + 1;
        (self.bytes.len() + later) as u64 + pieces as u64 * PIECE_COST
    }

    /// Notes the datagram's length where a fragment shows it; true when that contradicts what came before.
    fn end_seen(&mut self, more: bool, end: u32) -> bool {
        match (more, self.total) {
            (true, None) => false,
            (true, Some(total)) => end > total,
            (false, Some(total)) => end != total,
            (false, None) => {
                self.total = Some(end);
                self.drop_beyond(end)
            }
        }
    }

    /// Drops bytes beyond the end; true when there were any.
    fn drop_beyond(&mut self, end: u32) -> bool {
        let beyond = self.pieces.split_off(&end);
        let mut lost: u32 = beyond.values().map(|(length, _)| *length).sum();
        if let Some((offset, (length, _))) = self.pieces.iter_mut().next_back() {
            let keep = (*length).min(end - *offset);
            lost += *length - keep;
            *length = keep;
        }
        self.covered -= lost;
        lost > 0
    }

    /// Keeps the bytes that are new; true when some were there and this is no exact repetition.
    fn put(&mut self, offset: u32, data: &[u8]) -> bool {
        let end = offset + u32::try_from(data.len()).unwrap_or(0);
        let end = self.total.map_or(end, |total| end.min(total));
        let (mut at, mut repeated, mut differs, mut added) = (offset, 0, false, 0);
        while at < end {
            let before = self.pieces.range(..=at).next_back().map(|(&o, &(length, place))| (o, length, place));
            if let Some((o, length, place)) = before.filter(|(o, length, _)| o + length > at) {
                let until = end.min(o + length);
                let new = slice(data, at - offset, until - offset);
                differs |= new != slice(&self.bytes, place + (at - o), place + (until - o));
                repeated += until - at;
                at = until;
            } else {
                let until = self.pieces.range(at..).next().map_or(end, |(&next, _)| next.min(end));
                let place = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
                self.bytes.extend_from_slice(slice(data, at - offset, until - offset));
                self.pieces.insert(at, (until - at, place));
                added += until - at;
                at = until;
            }
        }
        self.covered += added;
        if differs {
            self.later.push((offset, slice(data, 0, end.saturating_sub(offset)).to_vec()));
        }
        repeated > 0 && (differs || added > 0)
    }

    /// The payload with the bytes that came last where some differ from `first`, which has those that came first.
    fn overlaid(&self, first: &[u8]) -> Option<Vec<u8>> {
        let mut other = first.to_vec();
        for (offset, bytes) in &self.later {
            for (to, from) in other.iter_mut().skip(*offset as usize).zip(bytes) {
                *to = *from;
            }
        }
        (!self.later.is_empty() && other != first).then_some(other)
    }

    /// Writes the datagram's payload.
    fn assemble(&self, out: &mut Vec<u8>) {
        out.clear();
        for (length, place) in self.pieces.values() {
            out.extend_from_slice(slice(&self.bytes, *place, place + length));
        }
    }
}

/// Where a fragment ends in its datagram, or why it is none.
fn end_of(piece: Piece, length: usize, anomalies: Sink<'_>) -> Result<u32, &'static str> {
    let end = u32::try_from(length).ok().and_then(|n| n.checked_add(piece.offset)).unwrap_or(u32::MAX);
    if end > DATAGRAM_BYTES {
        anomalies(Kind::BadLength, format!("fragment ends at byte {end}, beyond any datagram"));
        return Err("fragment beyond 65,535 bytes");
    }
    if length == 0 || (piece.more && !length.is_multiple_of(8)) {
        return Err("fragment length");
    }
    Ok(end)
}

/// Of a fragment that the snap length cut, whole units of 8 bytes are of use.
fn usable(data: &[u8], length: usize) -> &[u8] {
    let useful = if data.len() < length { data.len() / 8 * 8 } else { data.len() };
    data.get(..useful).unwrap_or_default()
}

fn slice(bytes: &[u8], from: u32, to: u32) -> &[u8] {
    bytes.get(from as usize..to as usize).unwrap_or_default()
}
