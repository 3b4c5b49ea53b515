//! A flow without its reassembly, and where its rows go: what bytes in order are handed to.

use std::fmt::Write as _;

use crate::anomaly::Kind;
use crate::app::{App, Piece, Side, Verdict};
use crate::behaviour::Behaviours;
use crate::community::community_id;
use crate::dissect::{Cx, Dir, Ends, FlowRef, Frame, Nanos, Stream};
use crate::files::Expected;
use crate::flow::{Base, Flow};
use crate::legs;
use crate::limits::Limits;
use crate::rows::Rows;
use crate::tcp::{Event, Segment};

/// The flows that rows of a window point to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Dictionary {
    /// Ends, client first.
    pub ends: Vec<Ends>,
    /// VLAN ids.
    pub vlans: Vec<u16>,
    /// Flow ids.
    pub ids: Vec<u64>,
    /// Community ids.
    pub communities: Vec<String>,
}

/// The window under construction.
#[derive(Default)]
pub struct Output {
    /// The tables.
    pub rows: Rows,
    /// The behaviours.
    pub behaviours: Behaviours,
    /// The flows that rows point to.
    pub dictionary: Dictionary,
    /// Connections that others announced.
    pub expected: Expected,
    /// Tables for what is read but is no row.
    pub aside: Option<Box<Rows>>,
    /// Number of the dictionary: one a window, or part of one.
    pub epoch: u64,
}

impl Output {
    /// The flow's place in the window's dictionary.
    #[inline]
    pub fn slot(&mut self, flow: &mut Base) -> FlowRef {
        if flow.slot.0 != self.epoch {
            flow.slot = (self.epoch, u32::try_from(self.dictionary.ids.len()).unwrap_or(u32::MAX));
            let one_way = matches!(flow.key.protocol, 1 | 58) && flow.midstream;
            self.dictionary.ends.push(flow.ends);
            self.dictionary.vlans.push(flow.vlan);
            self.dictionary.ids.push(flow.id);
            self.dictionary.communities.push(community_id(&flow.ends, flow.key.protocol, one_way));
        }
        FlowRef(flow.slot.1)
    }
}

/// See the module's head.
pub struct Lane<'a> {
    /// The flow.
    pub base: &'a mut Base,
    /// Its application layer.
    pub app: &'a mut App,
    /// Where rows go.
    pub out: &'a mut Output,
    /// The limits in force.
    pub limits: &'a Limits,
    /// Whether each piece is a datagram.
    pub datagram: bool,
}

impl Lane<'_> {
    /// Calls `f` with the application layer and its context.
    #[inline]
    pub fn with<R>(&mut self, ts: Nanos, frame: Frame, f: impl FnOnce(&mut App, &mut Cx<'_>) -> R) -> R {
        let flow = self.out.slot(self.base);
        let mut cx = Cx {
            ts,
            frame,
            flow,
            ends: &self.base.ends,
            rows: &mut self.out.rows,
            behaviours: &mut self.out.behaviours,
            limits: self.limits,
            expected: &mut self.out.expected,
        };
        f(self.app, &mut cx)
    }

    /// The direction in which a side sends.
    #[inline]
    #[must_use]
    pub fn dir(&self, side: usize) -> Dir {
        if side == self.base.client { Dir::ToServer } else { Dir::ToClient }
    }

    /// Hands on what reassembly gives out. `now`: the packet at hand, for holes.
    #[inline]
    pub fn event(&mut self, side: usize, event: Event<'_>, now: (Nanos, Frame)) {
        match event {
            Event::Data(bytes, ts, frame) => self.data(side, bytes, ts, frame),
            Event::Gap(missing) => {
                let dir = self.dir(side);
                self.with(now.0, now.1, |app, cx| app.gap(cx, dir, side, missing));
            }
            Event::Late(bytes, ts, frame) => self.late(side, bytes, ts, frame),
            Event::Conflict { bytes, ts, frame, .. } => {
                self.contradiction(bytes, ts, frame);
                legs::alone(self, side, &[], bytes, ts, frame);
            }
            Event::Outside(bytes, ts, frame) => {
                let detail = format!("a segment of {} bytes that the receiver cannot have taken there", bytes.len());
                self.apart(side, (Kind::OutOfWindow, &detail), bytes, ts, frame);
            }
        }
    }

    /// Bytes for a hole that was declared: the messages that are whole in them are rows. Where messages do not stand
    /// alone the flow's dissector, which has gone on, is not asked: what answers them is not known then.
    fn late(&mut self, side: usize, bytes: &[u8], ts: Nanos, frame: Frame) {
        let dir = self.dir(side);
        let Ends { client_port, server_port, .. } = self.base.ends;
        let (from, to) = if dir == Dir::ToServer { (client_port, server_port) } else { (server_port, client_port) };
        let Some((mut dissector, aligned)) = self.app.another(bytes, from, to) else { return };
        self.with(ts, frame, |app, cx| {
            if aligned && app.late(cx, dir, bytes) {
                return;
            }
            if !aligned {
                dissector.gap(cx, dir, 0);
            }
            Stream::default().feed(dissector.as_mut(), cx, dir, bytes);
            dissector.end(cx);
        });
    }

    /// Tells of bytes that are no part of the stream, and of the messages in them.
    #[cold]
    pub fn apart(&mut self, side: usize, (kind, detail): (Kind, &str), bytes: &[u8], ts: Nanos, frame: Frame) {
        let protocol = if self.base.key.protocol == 17 { "udp" } else { "tcp" };
        self.with(ts, frame, |_, cx| cx.anomaly(protocol, kind, detail));
        legs::alone(self, side, &[], bytes, ts, frame);
    }

    /// Tells of a segment whose contradicting bytes are not read.
    pub fn contradiction(&mut self, bytes: &[u8], ts: Nanos, frame: Frame) {
        let detail = format!("a segment of {} bytes contradicts those that came first, which are kept", bytes.len());
        self.with(ts, frame, |_, cx| cx.anomaly("tcp", Kind::OverlapConflict, &detail));
    }

    /// Hands on bytes in order, or a datagram.
    #[inline]
    pub fn data(&mut self, side: usize, bytes: &[u8], ts: Nanos, frame: Frame) {
        if matches!(self.app, App::Unknown(_)) && !self.recognised(side, bytes, ts, frame) {
            return;
        }
        let (dir, datagram) = (self.dir(side), self.datagram);
        self.with(ts, frame, |app, cx| app.feed(cx, dir, bytes, datagram));
    }

    /// Looks what the flow is; when it is known now, hands up what came before.
    #[cold]
    fn recognised(&mut self, side: usize, bytes: &[u8], ts: Nanos, frame: Frame) -> bool {
        if !self.out.expected.is_empty() && !self.datagram {
            let ends = &self.base.ends;
            if let Some(transfer) = self.out.expected.take((ends.server, ends.server_port)) {
                *self.app = App::data_connection(transfer);
                return true;
            }
        }
        let (low, high) = (self.base.key.low.1, self.base.key.high.1);
        let ports = if side == 0 { (low, high) } else { (high, low) };
        let sides = Side { side, ports, datagram: self.datagram };
        let (client, pieces) = match self.app.look(&sides, ts, frame, bytes, self.limits.probe_bytes) {
            Verdict::Recognised { client, pieces } => (client, pieces),
            Verdict::Stranger(protocol) => {
                // The middle of a flow may begin in the middle of a message.
                if self.datagram || !self.base.midstream {
                    self.with(ts, frame, |_, cx| cx.anomaly(protocol, Kind::UnexpectedProtocol, &start_of(bytes)));
                }
                return false;
            }
            Verdict::Same => return false,
        };
        if let Some(client) = client.filter(|&c| c != self.base.client) {
            self.base.orient(client);
            self.base.slot.0 = 0;
        }
        let datagram = self.datagram;
        for Piece { side, ts, frame, bytes } in pieces {
            let dir = self.dir(side);
            self.with(ts, frame, |app, cx| app.feed(cx, dir, &bytes, datagram));
        }
        true
    }
}

/// The first few bytes, in hexadecimal: enough to tell what it may be, too few to hold a secret.
#[must_use]
pub fn start_of(bytes: &[u8]) -> String {
    let mut text = format!("{} bytes, not of this protocol:", bytes.len());
    for byte in bytes.iter().take(8) {
        let _ = write!(text, " {byte:02x}");
    }
    text
}

/// One TCP segment: first the holes that its acknowledgement proves, then its bytes.
#[inline]
pub fn stream(
    flow: &mut Flow,
    out: &mut Output,
    limits: &Limits,
    held: &mut u64,
    side: usize,
    segment: Segment<'_>,
    ack: Option<u32>,
) {
    let Flow { base, halves, tally, app, legs, .. } = flow;
    let now = (segment.ts, segment.frame);
    let mut lane = Lane { base, app, out, limits, datagram: false };
    let [low, high] = halves;
    let (mine, other) = if side == 0 { (low, high) } else { (high, low) };
    if let Some(ack) = ack {
        other.acknowledged(ack, segment.ts, held, limits, tally, &mut |e| lane.event(1 - side, e, now));
    }
    if segment.bytes.is_empty() && segment.missing == 0 {
        return;
    }
    tally.bytes += segment.bytes.len() as u64;
    let mut own = legs.get_mut(side).and_then(Option::as_deref_mut);
    let mut contradicted = None;
    mine.segment(segment, held, limits, tally, &mut |e| {
        match e {
            Event::Conflict { before, .. } if before.0 != segment.from => {
                contradicted = Some(before);
                return;
            }
            Event::Data(bytes, ts, _) => {
                if let Some(own) = own.as_deref_mut() {
                    own.given(bytes, ts);
                }
            }
            _ => {}
        }
        lane.event(side, e, now);
    });
    let split = own.is_some();
    if let Some(before) = contradicted {
        legs::split(flow, out, limits, side, segment, before);
    }
    if split || contradicted.is_some() {
        legs::stream(flow, out, limits, held, side, segment);
    }
}
