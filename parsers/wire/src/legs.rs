//! A direction of a connection that can be read two ways.
//!
//! The stream itself stays what it is: of two segments that put different bytes at one place, those that came first.
//! What the others would have said is read beside it, by a dissector of its own that may begin anywhere: each message
//! that shows is a behaviour, as any other, and an `ambiguous_stream` anomaly that tells it. It is no row of the
//! protocol's table: nobody can say which of two messages the receiver took.
//!
//! Someone in the middle (ARP spoofing) who changes a message answers one end himself, so the connection has two legs
//! whose sequence numbers run apart, and a mirror shows both. From the first contradiction on each sender's hardware
//! address therefore has a stream of its own beside the flow's. What the flow, or the other leg, has just given is the
//! forwarded copy and is passed over. Acknowledgements cannot be told apart by leg and declare no hole in one.
//!
//! Blind spots: where both readings come from one hardware address each contradicting segment is read by itself; a
//! forwarder who cuts segments anew is not recognised, and his messages are told although they are rows.

use std::collections::VecDeque;

use xxhash_rust::xxh3::xxh3_64;

use crate::anomaly::Kind;
use crate::app::App;
use crate::columns::Finished;
use crate::dissect::{Cx, Dir, Dissector, Frame, Nanos, Stream};
use crate::flow::Flow;
use crate::lane::{Lane, Output};
use crate::limits::Limits;
use crate::recognise::{Found, fresh, recognise};
use crate::tcp::{Event, Half, Segment, Tally};

/// Pieces remembered to recognise what was read before, and for how long.
const RECENT: usize = 64;
const COPY_NANOS: Nanos = 1_000_000_000;
/// Characters that are told of one message.
const TOLD: usize = 512;
/// Columns that say nothing about a message itself.
const SKIP: &[&str] = &["ts", "frame", "request_frame", "response_frame", "payload", "payload_sha256"];

/// The legs of a direction.
#[derive(Default)]
pub struct Legs {
    legs: Vec<Leg>,
    recent: Recent,
}

/// One leg: who sends on it, its stream, and who reads what is not a copy.
struct Leg {
    mac: [u8; 6],
    half: Half,
    reader: Option<(Box<dyn Dissector>, Stream)>,
}

/// What was given lately: hash, by whom (0: the flow's own stream), when.
#[derive(Debug, Default)]
struct Recent(VecDeque<(u64, usize, Nanos)>);

impl Recent {
    /// Notes a piece. Whether another stream has given the same just before.
    fn copied(&mut self, by: usize, bytes: &[u8], ts: Nanos) -> bool {
        let hash = xxh3_64(bytes);
        let near = |then: Nanos| ts.abs_diff(then) <= COPY_NANOS.unsigned_abs();
        if self.0.iter().any(|&(h, other, then)| h == hash && other != by && near(then)) {
            return true;
        }
        if self.0.len() >= RECENT {
            self.0.pop_front();
        }
        self.0.push_back((hash, by, ts));
        false
    }
}

impl Legs {
    /// The flow's own stream has given a piece.
    pub fn given(&mut self, bytes: &[u8], ts: Nanos) {
        self.recent.copied(0, bytes, ts);
    }

    /// The streams of its senders.
    pub fn halves(&mut self) -> impl Iterator<Item = &mut Half> {
        self.legs.iter_mut().map(|leg| &mut leg.half)
    }

    fn has(&self, mac: [u8; 6]) -> bool {
        self.legs.iter().any(|leg| leg.mac == mac)
    }

    /// Gives each sender that has none a leg from its place on; false: there is no room for all.
    fn add(&mut self, senders: [([u8; 6], u32); 2], limits: &Limits) -> bool {
        let new = senders.iter().filter(|(mac, _)| !self.has(*mac)).count();
        if (self.legs.len() + new) as u64 > limits.stream_legs {
            return false;
        }
        for (mac, next) in senders {
            if !self.has(mac) {
                let mut half = Half::default();
                half.start(next);
                self.legs.push(Leg { mac, half, reader: None });
            }
        }
        true
    }
}

/// A segment contradicts what another sender's brought at its place: from here on each sender has a leg. `before`: who
/// sent the bytes that came first, and where they end.
#[cold]
pub fn split(flow: &mut Flow, out: &mut Output, limits: &Limits, side: usize, s: Segment<'_>, before: ([u8; 6], u32)) {
    let Flow { base, tally, app, legs, .. } = flow;
    let Some(place) = legs.get_mut(side) else { return };
    let mut lane = Lane { base, app, out, limits, datagram: false };
    if !matches!(&lane.app, App::Dissected(d, _) if fresh(d.protocol()).is_some()) {
        return lane.contradiction(s.bytes, s.ts, s.frame);
    }
    let own = place.get_or_insert_default();
    if own.has(s.from) {
        return;
    }
    if !own.add([before, (s.from, s.seq)], limits) {
        tally.legs_full += 1;
        return lane.contradiction(s.bytes, s.ts, s.frame);
    }
    let detail = format!(
        "a segment of {} bytes from {} contradicts one from {}: both streams are read",
        s.bytes.len(),
        mac(s.from),
        mac(before.0)
    );
    lane.with(s.ts, s.frame, |_, cx| cx.anomaly("tcp", Kind::AmbiguousStream, &detail));
}

fn mac(address: [u8; 6]) -> String {
    let mut text = [0; 17];
    crate::names::hosts::mac_text(address, &mut text).to_owned()
}

/// One segment of a direction that has legs, after the flow's own stream has taken it.
#[cold]
pub fn stream(flow: &mut Flow, out: &mut Output, limits: &Limits, held: &mut u64, side: usize, s: Segment<'_>) {
    let Flow { base, halves, tally, app, legs, .. } = flow;
    let (Some(main), Some(own)) = (halves.get_mut(side), legs.get_mut(side).and_then(Option::as_deref_mut)) else {
        return;
    };
    let Legs { legs, recent } = own;
    let Some((at, leg)) = (1..).zip(legs.iter_mut()).find(|(_, leg)| leg.mac == s.from) else { return };
    let mut lane = Lane { base, app, out, limits, datagram: false };
    let Leg { half, reader, .. } = leg;
    // Counted once, by the flow's own stream.
    let mut uncounted = Tally::default();
    half.segment(s, held, limits, &mut uncounted, &mut |e| {
        let midway = reader.as_ref().is_some_and(|(_, stream)| stream.waiting() > 0);
        let copy = match e {
            Event::Data(bytes, ts, _) if !midway => main.holds(bytes) || recent.copied(at, bytes, ts),
            _ => false,
        };
        if !copy {
            hand_on(&mut lane, reader, side, e, (s.ts, s.frame));
        }
    });
    tally.dropped += uncounted.dropped;
}

type Reader = Option<(Box<dyn Dissector>, Stream)>;

fn hand_on(lane: &mut Lane<'_>, reader: &mut Reader, side: usize, event: Event<'_>, now: (Nanos, Frame)) {
    let (dir, protocol) = (lane.dir(side), lane.app.name());
    match event {
        Event::Data(bytes, ts, frame) => aside(lane, protocol, ts, frame, |cx| {
            if reader.is_none() {
                *reader = begin(protocol, cx, dir);
            }
            if let Some((dissector, stream)) = reader.as_mut()
                && !stream.feed(dissector.as_mut(), cx, dir, bytes)
            {
                *reader = None;
            }
        }),
        Event::Gap(missing) => aside(lane, protocol, now.0, now.1, |cx| {
            if let Some((dissector, stream)) = reader.as_mut() {
                stream.gap(dissector.as_mut(), cx, dir, missing);
            }
        }),
        // What comes late in a leg, or outside it, came so in the flow's own stream too.
        Event::Late(..) | Event::Conflict { .. } | Event::Outside(..) => {}
    }
}

/// A dissector that has not seen what came before.
fn begin(protocol: &str, cx: &mut Cx<'_>, dir: Dir) -> Reader {
    fresh(protocol).map(|mut dissector| {
        dissector.gap(cx, dir, 0);
        (dissector, Stream::default())
    })
}

/// Reads into tables of its own, which are kept for the next time; each message that came of it is told.
fn aside(lane: &mut Lane<'_>, protocol: &str, ts: Nanos, frame: Frame, read: impl FnOnce(&mut Cx<'_>)) {
    let mut rows = lane.out.aside.take().unwrap_or_default();
    lane.with(ts, frame, |_, cx| {
        let Cx { flow, ends, behaviours, limits, expected, .. } = cx;
        read(&mut Cx { ts, frame, flow: *flow, ends, rows: &mut rows, behaviours, limits, expected });
        if rows.is_empty() {
            return;
        }
        let messages = |table: &&Finished| matches!(table.name, "modbus" | "dnp3" | "opcua" | "mqtt");
        for line in rows.take().iter().filter(messages).flat_map(|table| table.lines(SKIP)) {
            let said = |cell: &&str| !cell.ends_with("=[]") && !cell.ends_with("=null");
            let line = line.split(' ').filter(said).collect::<Vec<_>>().join(" ");
            let end = (0..=TOLD.min(line.len())).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
            let detail = format!("also read: {}", line.get(..end).unwrap_or_default());
            cx.anomaly(protocol, Kind::AmbiguousStream, &detail);
        }
    });
    lane.out.aside = Some(rows);
}

/// Packet time has come to `now`; `None`: the flow is over.
#[cold]
pub fn settle(flow: &mut Flow, out: &mut Output, limits: &Limits, held: &mut u64, now: Option<Nanos>) {
    let Flow { base, app, legs, .. } = flow;
    let last = (base.last, base.last_frame);
    let mut lane = Lane { base, app, out, limits, datagram: false };
    let mut uncounted = Tally::default();
    for (side, own) in legs.iter_mut().enumerate() {
        for Leg { half, reader, .. } in own.iter_mut().flat_map(|own| &mut own.legs) {
            let mut sink = |e: Event<'_>| hand_on(&mut lane, reader, side, e, last);
            match now {
                Some(now) => half.settle(now, held, limits, &mut uncounted, &mut sink),
                None => half.flush(held, limits, &mut uncounted, &mut sink),
            }
            let Some((dissector, _)) = reader.as_mut() else { continue };
            let protocol = lane.app.name();
            aside(&mut lane, protocol, last.0, last.1, |cx| match now {
                Some(now) => dissector.tick(cx, now),
                None => dissector.end(cx),
            });
        }
    }
}

/// Bytes that are no part of the stream, or contradict it, are read by themselves: what hides in them shows. `before`: what
/// of the stream they go on with.
#[cold]
pub fn alone(lane: &mut Lane<'_>, side: usize, before: &[u8], bytes: &[u8], ts: Nanos, frame: Frame) {
    let dir = lane.dir(side);
    let Some((protocol, mut dissector)) = reader(lane, side, bytes) else { return };
    aside(lane, protocol, ts, frame, |cx| {
        let mut stream = Stream::default();
        if before.is_empty() {
            dissector.gap(cx, dir, 0);
        } else {
            stream.feed(dissector.as_mut(), cx, dir, before);
        }
        stream.feed(dissector.as_mut(), cx, dir, bytes);
        dissector.end(cx);
    });
}

/// The flow's dissector anew, or, where its protocol is not known, that of these bytes.
fn reader(lane: &Lane<'_>, side: usize, bytes: &[u8]) -> Option<(&'static str, Box<dyn Dissector>)> {
    let (low, high) = (lane.base.key.low.1, lane.base.key.high.1);
    let (from, to) = if side == 0 { (low, high) } else { (high, low) };
    let protocol = match &*lane.app {
        App::Dissected(dissector, _) => dissector.protocol(),
        App::Unknown(_) => match recognise(bytes, from, to, lane.datagram, None) {
            Found::Dissector(dissector, _) => dissector.protocol(),
            _ => return None,
        },
        App::Named(..) => return None,
    };
    Some((protocol, fresh(protocol)?))
}

/// Urgent data end at byte `end` of a segment that goes on with the stream: read as well as if that byte were none of
/// it, as most receivers do (RFC 6093, 3.1 and 3.4).
#[cold]
pub fn urgent(flow: &mut Flow, out: &mut Output, limits: &Limits, side: usize, s: Segment<'_>, end: usize) {
    let Flow { base, halves, app, .. } = flow;
    let goes_on = halves.get(side).and_then(Half::next).is_none_or(|next| next == s.seq);
    let mut lane = Lane { base, app, out, limits, datagram: false };
    let dir = lane.dir(side);
    let before = match &*lane.app {
        App::Dissected(_, streams) if goes_on => {
            streams.get(dir.index()).map_or(vec![], |stream| stream.held().to_vec())
        }
        _ => vec![],
    };
    let detail = format!("urgent data end at byte {end} of {}", s.bytes.len());
    lane.with(s.ts, s.frame, |_, cx| cx.anomaly("tcp", Kind::UrgentData, &detail));
    let without: Vec<u8> = (1..).zip(s.bytes).filter(|(place, _)| *place != end).map(|(_, byte)| *byte).collect();
    alone(&mut lane, side, &before, &without, s.ts, s.frame);
}
