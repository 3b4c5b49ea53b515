//! One direction of a TCP connection: segments in any order in, bytes in order and holes out.
//!
//! Overlaps: the bytes that came first win. A hole is declared, never waited for without bound: when the
//! receiver has acknowledged it (so it was lost by the mirror port, not by the network) or later segments
//! have waited long enough, and at once when a limit is reached.

use crate::dissect::{Frame, Nanos};
use crate::holes::Holes;
use crate::limits::Limits;
use crate::tail::{Compared, Tail};

/// How long a hole may stay open. Reordering on mirror ports is shallow: after a few packets and some time, or
/// after many packets, or after seconds, the bytes will not come any more.
const HOLE_PACKETS: u32 = 4;
const HOLE_NANOS: Nanos = 250_000_000;
const HOLE_PACKETS_MANY: u32 = 16;
const HOLE_NANOS_MANY: Nanos = 5_000_000_000;
/// A segment this far from the expected one belongs to another connection or is forged.
const FAR: i32 = 1 << 24;

/// A FIN or RST this far beyond the expected place is taken for one that ends the connection.
const HEEDED: u32 = 1 << 16;

/// A segment with payload.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Sequence number of the first byte.
    pub seq: u32,
    /// The bytes that were captured.
    pub bytes: &'a [u8],
    /// Bytes behind them that the snap length cut.
    pub missing: u32,
    /// Time of the packet.
    pub ts: Nanos,
    /// The packet.
    pub frame: Frame,
    /// Hardware address of its sender here; zero: the link has none.
    pub from: [u8; 6],
}

/// What a direction gives out, in stream order.
#[derive(Debug)]
pub enum Event<'a> {
    /// A segment contradicts the bytes that came first at the same place: the stream can be read two ways. The
    /// bytes that came first are kept.
    Conflict {
        /// The segment.
        bytes: &'a [u8],
        /// Time of its packet.
        ts: Nanos,
        /// Its packet.
        frame: Frame,
        /// Who sent the bytes that came first, and the sequence number behind them.
        before: ([u8; 6], u32),
    },
    /// The next bytes, with the packet that completed them.
    Data(&'a [u8], Nanos, Frame),
    /// That many bytes were never captured (0: unknown).
    Gap(u64),
    /// Bytes of a hole that was declared before; what stood on either side of them is gone.
    Late(&'a [u8], Nanos, Frame),
    /// Bytes that the receiver cannot have taken where they stand: far outside its window, before the stream's start,
    /// or behind a hole that it never acknowledged.
    Outside(&'a [u8], Nanos, Frame),
}

/// What was counted while segments were taken.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Holes declared.
    pub gaps: u32,
    /// Bytes missing in them.
    pub gap_bytes: u64,
    /// Segments without a new byte.
    pub retransmissions: u32,
    /// Segments that had to wait.
    pub out_of_order: u32,
    /// Segments given up because of a limit.
    pub dropped: u32,
    /// Segments that contradict bytes seen before.
    pub conflicts: u32,
    /// Segments that the receiver cannot have taken where they stand.
    pub outside: u32,
    /// Bytes seen again that could not be compared, because of a limit.
    pub uncompared: u64,
    /// Bytes that came for declared holes.
    pub late_bytes: u64,
    /// Further senders whose streams were not read because of a limit.
    pub legs_full: u32,
    /// Payload that was seen, repetitions too.
    pub bytes: u64,
    /// Bytes of `gap_bytes` that the snap length cut.
    pub cut_bytes: u64,
    /// Bytes acknowledged of a direction of which no segment was ever seen.
    pub blind_bytes: u64,
}

impl Tally {
    /// Bytes that passed and were not shown: lost on the way to us.
    #[must_use]
    pub fn unseen(&self) -> u64 {
        self.gap_bytes.saturating_sub(self.cut_bytes + self.late_bytes) + self.blind_bytes
    }
}

#[derive(Debug)]
struct Waiting {
    seq: u32,
    bytes: Vec<u8>,
    missing: u32,
    ts: Nanos,
    frame: Frame,
    from: [u8; 6],
}

/// Reassembly of one direction.
#[derive(Debug, Default)]
pub struct Half {
    next: Option<u32>,
    /// Segments beyond a hole, sorted by distance from `next`, without overlap among themselves removed.
    queue: Vec<Waiting>,
    queued: u64,
    /// Since when, and for how many packets, a hole is open.
    hole: Option<(Nanos, u32)>,
    /// A segment far outside the window: two in a row that fit each other move the stream there.
    stray: Option<Box<Waiting>>,
    /// Highest acknowledgement of the other side while a hole is open.
    acked: Option<u32>,
    /// The latest acknowledgement while no segment was seen.
    blind: Option<u32>,
    /// The furthest acknowledgement: what stands before it the receiver has taken.
    settled: Option<u32>,
    /// When the receiver was last heard.
    heard: Nanos,
    /// Where the stream starts, if its SYN was seen.
    first: Option<u32>,
    /// Sequence number that the FIN takes: acknowledging it acknowledges no byte.
    fin: Option<u32>,
    /// Holes declared lately, and how many may be remembered.
    holes: Option<Box<Holes>>,
    late_holes: u64,
    /// Who sent the last bytes before `next`.
    giver: [u8; 6],
    /// The last bytes before `next`.
    tail: Tail,
}

fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Half {
    /// A SYN was seen: the stream starts at `seq`.
    pub fn start(&mut self, seq: u32) {
        if self.next.is_none() {
            (self.next, self.first) = (Some(seq), Some(seq));
        }
    }

    /// The answer to the SYN tells which one was taken, if there were several: the stream starts at `seq`.
    pub fn confirm(&mut self, seq: u32) {
        if self.first.is_some() && self.first == self.next && self.queue.is_empty() {
            (self.next, self.first) = (Some(seq), Some(seq));
        }
    }

    /// A FIN was seen that takes sequence number `at`.
    pub fn finish(&mut self, at: u32) {
        self.fin = Some(at);
    }

    /// Whether a FIN was seen that stands before `seq`.
    #[must_use]
    pub fn ended_before(&self, seq: u32) -> bool {
        self.fin.is_some_and(|fin| distance(fin, seq) >= 0)
    }

    /// The sequence number expected next.
    #[must_use]
    pub fn next(&self) -> Option<u32> {
        self.next
    }

    /// Whether a packet of that sequence number is one that the receiver would heed (RFC 9293, 3.10.7.4), as far as can
    /// be known without its window.
    #[must_use]
    pub fn fits(&self, seq: u32) -> bool {
        self.next.is_none_or(|next| seq.wrapping_sub(next) < HEEDED)
    }

    /// Whether a segment of just these bytes waits behind a hole.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.queue.iter().any(|w| w.bytes == bytes)
    }

    /// Whether a hole is open.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.hole.is_some()
    }

    /// Takes a segment. `held` counts the bytes that all flows of the worker keep.
    #[inline]
    pub fn segment(
        &mut self,
        s: Segment<'_>,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        let next = *self.next.get_or_insert(s.seq);
        if s.seq == next && self.hole.is_none() {
            self.keep(next, s.bytes, limits);
            self.giver = s.from;
            out(Event::Data(s.bytes, s.ts, s.frame));
            self.advance(next, &s, tally, out);
            return;
        }
        self.unusual(next, s, held, limits, tally, out);
    }

    /// Remembers bytes that stand at `from` and are given out.
    #[inline]
    fn keep(&mut self, from: u32, bytes: &[u8], limits: &Limits) {
        let open =
            self.settled.map_or(0, |settled| distance(settled, from).max(0).unsigned_abs() as usize + bytes.len());
        self.tail.keep(bytes, open, limits.compare_bytes);
    }

    fn advance(&mut self, from: u32, s: &Segment<'_>, tally: &mut Tally, out: &mut dyn FnMut(Event<'_>)) {
        self.next = Some(from.wrapping_add(length(s.bytes.len())).wrapping_add(s.missing));
        if s.missing > 0 {
            tally.gaps += 1;
            tally.gap_bytes += u64::from(s.missing);
            tally.cut_bytes += u64::from(s.missing);
            self.tail.forget();
            out(Event::Gap(u64::from(s.missing)));
        }
    }

    #[cold]
    fn unusual(
        &mut self,
        next: u32,
        s: Segment<'_>,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        let ahead = distance(next, s.seq);
        self.late_holes = limits.late_holes;
        if ahead.abs() > FAR || self.before_start(next, &s) {
            self.astray(s, held, limits, tally, out);
        } else if ahead <= 0 {
            let (compared, unknown) = self.tail.compare(s.bytes, ahead.unsigned_abs() as usize);
            if compared == Compared::Differs {
                tally.conflicts += 1;
                out(Event::Conflict { bytes: s.bytes, ts: s.ts, frame: s.frame, before: (self.giver, next) });
            } else if self.settled.is_some_and(|settled| distance(settled, s.seq) >= 0) {
                tally.uncompared += unknown as u64;
            }
            self.overlapping(next, s, held, limits, tally, out);
        } else {
            self.wait(s, held, limits, tally, out);
        }
    }

    /// Whether a segment ends before the stream's start: no receiver that took that SYN takes it. A keep-alive of a
    /// connection that never carried a byte stands there too.
    fn before_start(&self, next: u32, s: &Segment<'_>) -> bool {
        let end = s.seq.wrapping_add(length(s.bytes.len()));
        s.bytes.len() > 1 && self.first.is_some_and(|first| distance(first, end) <= 0 && distance(first, next) >= 0)
    }

    /// Takes of a segment that begins before the expected place what is new in it.
    fn overlapping(
        &mut self,
        next: u32,
        s: Segment<'_>,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        let old = distance(s.seq, next).unsigned_abs() as usize;
        let late = self.holes.as_mut().and_then(|holes| holes.fill(s.seq, length(s.bytes.len().min(old))));
        if let Some(bytes) = late.and_then(|(from, to)| s.bytes.get(from..to)).filter(|bytes| !bytes.is_empty()) {
            tally.late_bytes += bytes.len() as u64;
            out(Event::Late(bytes, s.ts, s.frame));
        }
        let Some(fresh) = s.bytes.get(old..).filter(|b| !b.is_empty()) else {
            tally.retransmissions += u32::from(late.is_none());
            self.patience(s.ts, held, limits, tally, out);
            return;
        };
        self.keep(next, fresh, limits);
        self.giver = s.from;
        out(Event::Data(fresh, s.ts, s.frame));
        self.advance(next, &Segment { bytes: fresh, ..s }, tally, out);
        self.drain(Some((s.ts, s.frame)), held, limits, tally, out);
    }

    /// Keeps a segment that lies beyond a hole.
    fn wait(
        &mut self,
        s: Segment<'_>,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        tally.out_of_order += 1;
        let Segment { seq, bytes, ts, frame, from, .. } = s;
        let end = seq.wrapping_add(length(bytes.len()));
        let behind = |w: &Waiting| w.seq.wrapping_add(length(w.bytes.len()));
        let mut place = self.queue.partition_point(|w| distance(seq, behind(w)) <= 0);
        let (mut at, mut fresh, mut contradicts) = (seq, false, None);
        // Of what waits already nothing is taken again: the bytes keep the packet that brought them first.
        while distance(at, end) > 0 || (bytes.is_empty() && !fresh) {
            let next = self.queue.get(place);
            let stop = next.map(|w| w.seq).filter(|&next| distance(next, end) > 0).unwrap_or(end);
            let piece = |from: u32, to: u32| {
                bytes.get(from.wrapping_sub(seq) as usize..to.wrapping_sub(seq) as usize).unwrap_or_default()
            };
            if distance(at, stop) > 0 || bytes.is_empty() {
                let kept = piece(at, stop).to_vec();
                self.queued += kept.len() as u64;
                *held += kept.len() as u64;
                let missing = if stop == end { s.missing } else { 0 };
                self.queue.insert(place, Waiting { seq: at, bytes: kept, missing, ts, frame, from });
                (at, fresh, place) = (stop, true, place + 1);
            } else if let Some(w) = next {
                let again = piece(at, if distance(behind(w), end) > 0 { behind(w) } else { end });
                let first = w.bytes.get(at.wrapping_sub(w.seq) as usize..).unwrap_or_default();
                if first.iter().zip(again).any(|(a, b)| a != b) {
                    contradicts = contradicts.or(Some((w.from, behind(w))));
                }
                (at, place) = (behind(w), place + 1);
            }
        }
        tally.retransmissions += u32::from(!fresh);
        if let Some(before) = contradicts {
            tally.conflicts += 1;
            out(Event::Conflict { bytes, ts, frame, before });
        }
        self.hole.get_or_insert((s.ts, 0));
        let full = self.queued > limits.reassembly_flow_bytes
            || self.queue.len() as u64 > limits.reassembly_flow_segments
            || *held > limits.reassembly_bytes;
        if full {
            tally.dropped += 1;
            self.give_up(held, limits, tally, out);
        } else {
            self.patience(s.ts, held, limits, tally, out);
        }
    }

    /// The other side acknowledged up to `ack`: bytes below it that are not here were lost on the way to us.
    #[inline]
    pub fn acknowledged(
        &mut self,
        ack: u32,
        ts: Nanos,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        let Some(next) = self.next else {
            // Nothing was seen of this direction: what is acknowledged of it passed all the same.
            let more = self.blind.replace(ack).map_or(0, |before| distance(before, ack));
            if (1..=FAR).contains(&more) {
                tally.blind_bytes += u64::from(more.unsigned_abs());
            }
            return;
        };
        let ack = if self.fin.is_some_and(|fin| fin.wrapping_add(1) == ack) { ack.wrapping_sub(1) } else { ack };
        let beyond = distance(next, ack);
        if beyond > FAR {
            return;
        }
        self.heard = ts;
        if self.settled.is_none_or(|settled| distance(settled, ack) > 0) {
            self.settled = Some(ack);
        }
        if beyond <= 0 {
            return;
        }
        self.late_holes = limits.late_holes;
        self.acked = Some(self.acked.filter(|&a| distance(ack, a) > 0).unwrap_or(ack));
        self.hole.get_or_insert((ts, 0));
        self.patience(ts, held, limits, tally, out);
    }

    /// Whether the receiver was heard since, and has taken nothing beyond the hole: the hole may be none, and what waits
    /// behind it something that no receiver took.
    fn disputed(&self) -> bool {
        let behind = |next: u32, settled: u32| (-FAR..=0).contains(&distance(next, settled));
        self.hole.is_some_and(|(since, _)| self.heard > since)
            && self.next.zip(self.settled).is_some_and(|(next, settled)| behind(next, settled))
    }

    /// One more packet went by while a hole is open.
    fn patience(
        &mut self,
        ts: Nanos,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        let Some((since, packets)) = self.hole.as_mut() else { return };
        *packets += 1;
        let (waited, packets) = (ts.saturating_sub(*since), *packets);
        let old = waited > HOLE_NANOS_MANY;
        if self.disputed() {
            if old {
                self.disown(held, tally, out);
            }
        } else if old || packets > HOLE_PACKETS_MANY || (packets > HOLE_PACKETS && waited > HOLE_NANOS) {
            self.give_up(held, limits, tally, out);
        }
    }

    /// Gives out what waits behind a hole that the receiver never had as what it is, and goes on where the stream stands.
    fn disown(&mut self, held: &mut u64, tally: &mut Tally, out: &mut dyn FnMut(Event<'_>)) {
        for w in std::mem::take(&mut self.queue) {
            *held = held.saturating_sub(w.bytes.len() as u64);
            tally.outside += 1;
            out(Event::Outside(&w.bytes, w.ts, w.frame));
        }
        (self.queued, self.hole, self.acked) = (0, None, None);
    }

    /// Lets go of everything that waits, as when what reads the stream has failed.
    pub fn abandon(&mut self, held: &mut u64) {
        *held = held.saturating_sub(self.queued);
        *self = Self::default();
    }

    /// Declares the first hole and gives out what lies behind it.
    fn give_up(&mut self, held: &mut u64, limits: &Limits, tally: &mut Tally, out: &mut dyn FnMut(Event<'_>)) {
        let Some(next) = self.next else { return };
        let behind = match (self.queue.first().map(|w| w.seq), self.acked) {
            (Some(seq), _) => seq,
            (None, Some(ack)) if distance(next, ack) > 0 => ack,
            _ => {
                self.hole = None;
                self.acked = None;
                return;
            }
        };
        self.holes.get_or_insert_default().declare(next, behind.wrapping_sub(next), self.late_holes);
        let missing = u64::from(behind.wrapping_sub(next));
        tally.gaps += 1;
        tally.gap_bytes += missing;
        self.tail.forget();
        out(Event::Gap(missing));
        self.next = Some(behind);
        self.drain(None, held, limits, tally, out);
    }

    /// Gives out waiting segments that have become the next ones. `by`: the packet that closed the hole.
    fn drain(
        &mut self,
        by: Option<(Nanos, Frame)>,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        let mut done = 0;
        while let (Some(next), Some(w)) = (self.next, self.queue.get(done)) {
            let ahead = distance(next, w.seq);
            if ahead > 0 {
                break;
            }
            let (ts, frame) = by.unwrap_or((w.ts, w.frame));
            let end = w.seq.wrapping_add(length(w.bytes.len()));
            if let Some(fresh) = w.bytes.get(ahead.unsigned_abs() as usize..).filter(|b| !b.is_empty()) {
                let open = self.settled.map_or(0, |settled| distance(settled, end).max(0).unsigned_abs() as usize);
                self.tail.keep(fresh, open, limits.compare_bytes);
                self.giver = w.from;
                out(Event::Data(fresh, ts, frame));
                self.next = Some(end.wrapping_add(w.missing));
                if w.missing > 0 {
                    tally.gaps += 1;
                    tally.gap_bytes += u64::from(w.missing);
                    tally.cut_bytes += u64::from(w.missing);
                    out(Event::Gap(u64::from(w.missing)));
                }
            }
            self.queued = self.queued.saturating_sub(w.bytes.len() as u64);
            *held = held.saturating_sub(w.bytes.len() as u64);
            done += 1;
        }
        self.queue.drain(..done);
        let lacks = |ack: u32| self.next.is_some_and(|next| distance(next, ack) > 0);
        self.acked = self.acked.filter(|&ack| lacks(ack));
        // A further hole is as old as the segment that waits behind it; while the stream goes on before it, bytes that
        // stand in it may still come.
        self.hole = match (self.queue.first(), self.acked) {
            (Some(w), _) => Some((by.map_or(w.ts, |(ts, _)| ts.max(w.ts)), 0)),
            (None, Some(_)) => self.hole,
            (None, None) => None,
        };
    }

    /// A segment far outside the window: alone it is only told of, two that fit each other move the stream.
    fn astray(
        &mut self,
        s: Segment<'_>,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        if let Some(first) = self.stray.take().filter(|f| f.seq.wrapping_add(length(f.bytes.len())) == s.seq) {
            self.flush(held, limits, tally, out);
            (self.settled, self.first) = (None, None);
            tally.gaps += 1;
            self.tail.forget();
            out(Event::Gap(0));
            out(Event::Data(&first.bytes, first.ts, first.frame));
            out(Event::Data(s.bytes, s.ts, s.frame));
            self.advance(s.seq, &s, tally, out);
            return;
        }
        tally.out_of_order += 1;
        tally.outside += 1;
        out(Event::Outside(s.bytes, s.ts, s.frame));
        self.stray = Some(Box::new(Waiting {
            seq: s.seq,
            bytes: s.bytes.to_vec(),
            missing: s.missing,
            ts: s.ts,
            frame: s.frame,
            from: s.from,
        }));
    }

    /// Packet time has come to `now`: holes that are old are declared.
    pub fn settle(
        &mut self,
        now: Nanos,
        held: &mut u64,
        limits: &Limits,
        tally: &mut Tally,
        out: &mut dyn FnMut(Event<'_>),
    ) {
        while self.hole.is_some_and(|(since, _)| now.saturating_sub(since) > HOLE_NANOS_MANY) {
            if self.disputed() {
                self.disown(held, tally, out);
            } else {
                self.give_up(held, limits, tally, out);
            }
        }
    }

    /// Declares every hole and gives out everything that waits: the flow is over.
    pub fn flush(&mut self, held: &mut u64, limits: &Limits, tally: &mut Tally, out: &mut dyn FnMut(Event<'_>)) {
        while self.hole.is_some() {
            self.give_up(held, limits, tally, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        half: Half,
        held: u64,
        tally: Tally,
        limits: Limits,
        out: Vec<String>,
        clock: Nanos,
    }

    impl Bench {
        fn new() -> Self {
            let mut half = Half::default();
            half.start(1000);
            Self { half, held: 0, tally: Tally::default(), limits: Limits::default(), out: vec![], clock: 0 }
        }
        fn with(
            &mut self,
            f: impl FnOnce(&mut Half, &mut u64, &Limits, &mut Tally, &mut dyn FnMut(Event<'_>)),
        ) -> &mut Self {
            let out = &mut self.out;
            let mut sink = |e: Event<'_>| match e {
                Event::Outside(b, _, f) => out.push(format!("outside {}@{}", b.escape_ascii(), f.0)),
                Event::Data(b, _, f) => out.push(format!("{}@{}", b.escape_ascii(), f.0)),
                Event::Gap(n) => out.push(format!("gap {n}")),
                Event::Late(b, _, f) => out.push(format!("late {}@{}", b.escape_ascii(), f.0)),
                Event::Conflict { bytes, frame, .. } => out.push(format!("conflict {}@{}", bytes.len(), frame.0)),
            };
            f(&mut self.half, &mut self.held, &self.limits, &mut self.tally, &mut sink);
            self
        }
        fn seg(&mut self, offset: u32, bytes: &[u8], frame: u64) -> &mut Self {
            self.clock += 1_000;
            let ts = self.clock;
            self.with(|h, held, l, t, o| {
                h.segment(
                    Segment {
                        seq: 1000u32.wrapping_add(offset),
                        bytes,
                        missing: 0,
                        ts,
                        frame: Frame(frame),
                        from: [0; 6],
                    },
                    held,
                    l,
                    t,
                    o,
                );
            })
        }
        fn ack(&mut self, offset: u32) -> &mut Self {
            let ts = self.clock;
            self.with(|h, held, l, t, o| h.acknowledged(1000 + offset, ts, held, l, t, o))
        }
    }

    #[test]
    fn in_order_retransmitted_and_overlapping() {
        let mut b = Bench::new();
        b.seg(0, b"abc", 1).seg(0, b"abc", 2).seg(1, b"bcdef", 3).seg(6, b"g", 4).seg(6, b"\0", 5);
        assert_eq!(b.out, ["abc@1", "def@3", "g@4"]);
        assert_eq!((b.tally.retransmissions, b.tally.conflicts), (2, 0));
    }

    #[test]
    fn two_readings_of_one_place_are_reported_and_the_first_is_kept() {
        let mut b = Bench::new();
        b.seg(0, b"request", 1).seg(2, b"EVERSE and more", 2).seg(0, b"request", 3);
        assert_eq!(b.out, ["request@1", "conflict 15@2", "E and more@2"]);
        // Of bytes further back than is remembered nothing can be said.
        b.seg(17, &[7; 100], 5).seg(0, b"REQUEST", 6);
        assert_eq!(b.tally.conflicts, 1);
    }

    #[test]
    fn out_of_order_is_completed_by_the_late_packet() {
        let mut b = Bench::new();
        b.seg(3, b"def", 1).seg(6, b"ghi", 2).seg(0, b"abc", 3);
        assert_eq!(b.out, ["abc@3", "def@3", "ghi@3"]);
        assert_eq!((b.held, b.half.waits()), (0, false));
    }

    #[test]
    fn first_bytes_win_among_waiting_segments() {
        let mut b = Bench::new();
        b.seg(3, b"def", 1).seg(2, b"XYYY", 2).seg(3, b"ZZZ", 3).seg(0, b"ab", 4);
        // Of the second only what stands before the first is new; both later ones say something else of its place.
        assert_eq!(b.out, ["conflict 4@2", "conflict 3@3", "ab@4", "X@4", "def@4"]);
    }

    #[test]
    fn waiting_bytes_keep_the_packet_that_brought_them_first() {
        let mut b = Bench::new();
        b.seg(10, b"klm", 1).seg(16, b"qr", 2).seg(8, b"ijklmnopqrstu", 3);
        b.with(|h, held, l, t, o| h.flush(held, l, t, o));
        assert_eq!(b.out, ["gap 8", "ij@3", "klm@1", "nop@3", "qr@2", "stu@3"]);
        assert_eq!((b.held, b.tally.conflicts), (0, 0));
    }

    #[test]
    fn late_bytes_of_a_declared_hole_are_given_out_once() {
        let mut b = Bench::new();
        b.seg(0, b"abc", 1).seg(9, b"jkl", 2);
        b.clock += HOLE_NANOS_MANY + 1;
        b.seg(12, b"mno", 3).seg(3, b"def", 4).seg(3, b"def", 5).seg(3, b"defghijk", 6);
        assert_eq!(b.out, ["abc@1", "gap 6", "jkl@2", "mno@3", "late def@4", "late ghi@6"]);
        assert_eq!((b.tally.late_bytes, b.tally.retransmissions), (6, 1));
    }

    #[test]
    fn an_acknowledged_hole_is_declared_after_a_while() {
        let mut b = Bench::new();
        b.seg(0, b"abc", 1).ack(3).ack(9);
        assert!(b.half.waits());
        b.clock += HOLE_NANOS_MANY + 1;
        b.seg(9, b"jkl", 2);
        assert_eq!(b.out, ["abc@1", "gap 6", "jkl@2"]);
        assert_eq!((b.tally.gaps, b.tally.gap_bytes), (1, 6));
    }

    #[test]
    fn a_hole_without_acknowledgement_is_declared_after_some_packets() {
        let mut b = Bench::new();
        for i in 0..=HOLE_PACKETS_MANY {
            b.seg(10 + i, b"x", u64::from(i) + 1);
        }
        assert_eq!(b.out.first().map(String::as_str), Some("gap 10"));
        assert_eq!(b.out.len(), HOLE_PACKETS_MANY as usize + 2);
    }

    #[test]
    fn limits_declare_the_hole_at_once() {
        let mut b = Bench::new();
        b.limits.reassembly_flow_segments = 2;
        b.seg(10, b"x", 1).seg(12, b"y", 2).seg(14, b"z", 3);
        assert_eq!(b.out, ["gap 10", "x@1"]);
        assert_eq!(b.tally.dropped, 1);
        b.with(|h, held, l, t, o| h.flush(held, l, t, o));
        assert_eq!(b.out, ["gap 10", "x@1", "gap 1", "y@2", "gap 1", "z@3"]);
        assert_eq!(b.held, 0);
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut b = Bench::new();
        b.half = Half::default();
        b.half.start(u32::MAX - 1);
        b.seg(u32::MAX - 1 - 1000, b"abcd", 1).seg(2u32.wrapping_sub(1000), b"ef", 2);
        assert_eq!(b.out, ["abcd@1", "ef@2"]);
    }

    #[test]
    fn two_stray_segments_that_fit_move_the_stream_one_does_not() {
        let mut b = Bench::new();
        b.seg(0, b"ab", 1).seg(1 << 30, b"evil", 2).seg(2, b"cd", 3);
        assert_eq!(b.out, ["ab@1", "outside evil@2", "cd@3"]);
        b.seg(1 << 29, b"12", 4).seg((1 << 29) + 2, b"34", 5).seg((1 << 29) + 4, b"5", 6);
        assert_eq!(b.out[3..], ["outside 12@4", "gap 0", "12@4", "34@5", "5@6"]);
    }

    #[test]
    fn what_the_receiver_never_acknowledged_is_no_hole() {
        let mut b = Bench::new();
        b.seg(0, b"abc", 1).ack(3).seg(60_000, b"evil", 2);
        for i in 0..20 {
            b.seg(3 + i, b"x", 3 + u64::from(i)).ack(4 + i);
        }
        b.clock += 1;
        b.ack(23);
        b.clock += HOLE_NANOS_MANY + 1;
        let (ts, limits) = (b.clock, Limits::default());
        b.with(|h, held, _, t, o| h.settle(ts, held, &limits, t, o)).seg(23, b"end", 30);
        assert_eq!(b.out[21..], ["outside evil@2", "end@30"]);
        assert_eq!((b.tally.gaps, b.tally.outside, b.held), (0, 1, 0));
    }

    #[test]
    fn bytes_before_the_start_are_told_and_the_syn_that_was_answered_counts() {
        let mut b = Bench::new();
        b.seg(0, b"ab", 1).seg(0u32.wrapping_sub(500), b"before", 2).seg(2, b"cd", 3);
        assert_eq!(b.out, ["ab@1", "outside before@2", "cd@3"]);
        let mut b = Bench::new();
        b.half.confirm(500);
        b.seg(500u32.wrapping_sub(1000), b"ab", 1);
        assert_eq!(b.out, ["ab@1"]);
    }

    #[test]
    fn another_reading_of_what_is_not_acknowledged_is_found_however_far_back() {
        let mut b = Bench::new();
        b.ack(0).seg(0, b"decoy", 1).seg(5, &[7; 100], 2).seg(0, b"DECOY", 3);
        assert_eq!(b.tally.conflicts, 1);
        b.ack(105).seg(105, &[8; 100], 4).seg(0, b"DECOY", 5);
        assert_eq!((b.tally.conflicts, b.tally.uncompared), (1, 0));
    }

    #[test]
    fn any_order_of_segments_gives_the_stream() {
        let stream: Vec<u8> = (0..200u8).collect();
        let mut state = 7u64;
        for _ in 0..500 {
            let mut pieces: Vec<(usize, usize)> = vec![];
            let mut at = 0;
            while at < stream.len() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let n = (1 + (state >> 33) as usize % 40).min(stream.len() - at);
                pieces.push((at, n));
                at += n;
            }
            for i in (1..pieces.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let j = i.saturating_sub((state >> 33) as usize % 4);
                pieces.swap(i, j);
            }
            let mut got = vec![];
            let (mut half, mut held, mut tally, limits) = (Half::default(), 0, Tally::default(), Limits::default());
            half.start(0xFFFF_FFB0);
            for (i, &(at, n)) in pieces.iter().enumerate() {
                let seq = 0xFFFF_FFB0u32.wrapping_add(at as u32);
                let s = Segment {
                    seq,
                    bytes: &stream[at..at + n],
                    missing: 0,
                    ts: i as i64,
                    frame: Frame(1),
                    from: [0; 6],
                };
                half.segment(s, &mut held, &limits, &mut tally, &mut |e| {
                    if let Event::Data(b, ..) = e {
                        got.extend_from_slice(b);
                    }
                });
            }
            assert_eq!(got, stream);
            assert_eq!((tally.gaps, held), (0, 0));
        }
    }
}
