//! One worker's share of the traffic: flows, their streams, their dissectors, and the rows of the window.

use crate::anomaly::Kind;
use crate::app::App;
use crate::columns::Finished;
use crate::community::icmp_ports;
use crate::contained::contained;
use crate::counters::Counters;
use crate::decode::Datagram;
use crate::dissect::{FlowRef, Frame, Nanos};
use crate::flow::{Flow, Flows, Key, List, NewFlow, State};
use crate::flow_rows::{flow_row, session};
use crate::ip::{Sound, sound};
use crate::lane::{Dictionary, Lane, Output, start_of, stream};
use crate::legs;
use crate::limits::Limits;
use crate::names;
use crate::pings;
use crate::port::{Facts, Seen};
use crate::rows::{AnomalyRow, Rows};
use crate::tcp::{Half, Segment, Tally};
use crate::transport::{ACK, FIN, RST, SYN, Tcp, udp};

const SECOND: Nanos = 1_000_000_000;
/// A living flow's row is written again after this much packet time.
const ROW_EVERY: Nanos = 60 * SECOND;

/// What a packet says of who began the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// Its sender did, just now.
    Sender,
    /// It was open before: ports tell which end serves.
    Before,
    /// Nobody can say (datagrams): ports tell where one is a service's, else the first sender began.
    Unsaid,
}

/// A failure of our own, for tests of what it takes with it: nothing else makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// In the dissection of flows to this port.
    Flow(u16),
    /// Outside any dissector, at each TCP packet to this port.
    Packet(u16),
}

/// A worker's share of a window.
#[derive(Debug, Default)]
pub struct Share {
    /// The tables.
    pub tables: Vec<Finished>,
    /// The flows that they point to.
    pub flows: Dictionary,
    /// What was counted.
    pub counters: Counters,
    /// What flows tell of the mirror port.
    pub port: Vec<Facts>,
    /// Whole files by their SHA-256, where they are to be handed out.
    pub kept_files: Vec<([u8; 32], Vec<u8>)>,
}

/// Flows, dissectors and tables of one worker.
pub struct Worker {
    limits: Limits,
    vlan_in_key: bool,
    flows: Flows,
    held: u64,
    out: Output,
    counters: Counters,
    seen: Seen,
    fault: Option<Fault>,
}

impl Worker {
    /// A worker under these limits; `vlan_in_key`: flows on different VLANs are different flows.
    #[must_use]
    pub fn new(limits: Limits, vlan_in_key: bool) -> Self {
        let out = Output { epoch: 1, ..Output::default() };
        Self {
            limits,
            vlan_in_key,
            flows: Flows::default(),
            held: 0,
            out,
            counters: Counters::default(),
            seen: Seen::default(),
            fault: None,
        }
    }

    /// Fails from now on as the fault says.
    pub fn simulate(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// Something outside any dissector failed at a packet: it is lost, and that is said.
    pub fn failed(&mut self, ts: Nanos, frame: Frame, place: &str) {
        self.counters.panics += 1;
        self.out.rows.mend();
        self.oddity(ts, frame, Kind::DissectorFailed, place);
    }

    /// Rows written outside any flow (ARP, LLDP).
    pub fn rows(&mut self) -> &mut Rows {
        &mut self.out.rows
    }

    /// Whether no flow is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// The counters of the window.
    pub fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }

    /// An oddity that belongs to no flow.
    pub fn oddity(&mut self, ts: Nanos, frame: Frame, kind: Kind, detail: &str) {
        let borrow = std::marker::PhantomData;
        let row = AnomalyRow { ts, flow: FlowRef::NONE, borrow, frame, protocol: "ip", kind: kind.name(), detail };
        self.out.rows.anomaly(row, kind, &self.limits);
    }

    /// Whether the window should be handed over in part.
    #[must_use]
    pub fn full(&self) -> bool {
        self.out.rows.len() as u64 >= self.limits.window_rows
            || self.out.rows.bytes() as u64 >= self.limits.window_bytes
    }

    /// Takes one IP datagram.
    #[inline]
    pub fn datagram(&mut self, ts: Nanos, frame: Frame, d: &Datagram<'_>) {
        if d.apart {
            let why = (Kind::AmbiguousStream, "fragments overlap and say two things: both are read");
            return self.apart(ts, frame, d, why);
        }
        match d.protocol {
            6 => match Tcp::read(d.payload) {
                Some(tcp) => {
                    assert!(self.fault != Some(Fault::Packet(tcp.to)), "as a test wants it");
                    self.tcp(ts, frame, d, tcp);
                }
                None => self.counters.bad_packets += 1,
            },
            17 => match udp(d.payload) {
                Some((from, to, payload)) => self.udp(ts, frame, d, (from, to), payload),
                None => self.counters.bad_packets += 1,
            },
            1 | 58 => self.icmp(ts, frame, d),
            _ => {
                let (place, side) = self.flow(ts, frame, d, (0, 0), State::Active, Opening::Sender);
                self.count(place, side, (ts, frame), d, false);
            }
        }
    }

    /// Finds or makes the flow.
    #[inline]
    fn flow(
        &mut self,
        ts: Nanos,
        frame: Frame,
        d: &Datagram<'_>,
        ports: (u16, u16),
        state: State,
        opening: Opening,
    ) -> (u32, usize) {
        let vlan = if self.vlan_in_key { d.link.vlan } else { 0 };
        let (key, side) = Key::new((d.src, ports.0), (d.dst, ports.1), d.protocol, vlan);
        if let Some(place) = self.flows.find(&key) {
            return (place, side);
        }
        while self.flows.len() as u64 >= self.limits.flows.max(1) {
            let lists = [List::Closed, List::HalfOpen, List::Datagrams, List::Streams];
            let Some(place) = lists.into_iter().find_map(|list| self.flows.oldest(list)) else { break };
            self.counters.dropped_flows += 1;
            self.end(place, ts);
        }
        self.counters.flows += 1;
        let client = match opening {
            Opening::Sender => side,
            Opening::Unsaid if names::service(ports.0, true).is_empty() => side,
            _ => likely_client(side, ports),
        };
        let new = NewFlow { key, client, ts, frame, vlan: d.link.vlan, state, midstream: opening == Opening::Before };
        (self.flows.insert(new), side)
    }

    #[inline]
    fn count(&mut self, place: u32, side: usize, now: (Nanos, Frame), d: &Datagram<'_>, data: bool) {
        let Some(flow) = self.flows.touch(place, now.0, data) else { return };
        let base = &mut flow.base;
        base.last = base.last.max(now.0);
        base.last_frame = now.1;
        let side = side.min(1);
        base.packets[side] += 1;
        base.bytes[side] += u64::from(d.ip_bytes);
        if base.packets[side] == 1 && d.link.has_mac {
            base.has_mac = true;
            base.macs[side] = d.link.src_mac;
            base.macs[1 - side] = d.link.dst_mac;
        }
    }

    fn icmp(&mut self, ts: Nanos, frame: Frame, d: &Datagram<'_>) {
        let Some(&[kind, code]) = d.payload.first_chunk::<2>() else {
            self.counters.bad_packets += 1;
            return;
        };
        let (from, to, two_way) = icmp_ports(d.protocol == 58, kind, code);
        let (place, side) = self.flow(ts, frame, d, (from, to), State::Active, Opening::Sender);
        if let Some(flow) = self.flows.get(place) {
            flow.base.midstream = !two_way;
        }
        self.count(place, side, (ts, frame), d, false);
        let (v6, whole) = (d.protocol == 58, d.payload.len() + d.missing as usize);
        self.guarded(place, |flow, out, limits, _| {
            let Flow { base, app, .. } = flow;
            Lane { base, app, out, limits, datagram: true }
                .with(ts, frame, |_, cx| pings::count(cx, v6, kind, whole, d.ip_bytes));
        });
    }

    fn udp(&mut self, ts: Nanos, frame: Frame, d: &Datagram<'_>, ports: (u16, u16), payload: &[u8]) {
        let (place, side) = self.flow(ts, frame, d, ports, State::Active, Opening::Unsaid);
        if !self.taken(place, side, d) {
            return self.dropped(place, side, ts, frame, d);
        }
        self.count(place, side, (ts, frame), d, false);
        if matches!(ports, (68, 67) | (67, 68)) {
            names::hosts::dhcp(&mut self.out.rows, ts, frame, d.link.vlan, payload);
        }
        if !payload.is_empty() {
            self.guarded(place, |flow, out, limits, _| {
                let Flow { base, app, .. } = flow;
                Lane { base, app, out, limits, datagram: true }.data(side, payload, ts, frame);
                if let app @ ("enip" | "bacnet" | "nbns" | "mdns") = app.name() {
                    names::hosts::told(&mut out.rows, ts, frame, base.vlan, d.src, app, payload);
                }
            });
        }
    }

    fn tcp(&mut self, ts: Nanos, frame: Frame, d: &Datagram<'_>, tcp: Tcp) {
        let opening = tcp.flags & SYN != 0;
        let asks = opening && tcp.flags & ACK == 0;
        let state = if asks { State::Attempt } else { State::Established };
        let began = if asks { Opening::Sender } else { Opening::Before };
        let (mut place, side) = self.flow(ts, frame, d, (tcp.from, tcp.to), state, began);
        let bytes = d.payload.get(tcp.header..).unwrap_or_default();
        let special = tcp.flags & (SYN | FIN | RST) != 0;
        // A bare acknowledgement says too little to be worth its sum.
        if (special || !bytes.is_empty()) && !self.taken(place, side, d) {
            return self.dropped(place, side, ts, frame, d);
        }
        if opening {
            if self.begins_anew(place, side, &tcp) {
                self.end(place, ts);
                place = self.flow(ts, frame, d, (tcp.from, tcp.to), state, began).0;
            }
            self.start(place, side, asks, &tcp);
        }
        self.count(place, side, (ts, frame), d, !bytes.is_empty());
        let before = self.flows.get(place).map_or(state, |f| f.base.state);
        if special || before == State::Attempt {
            self.advance_state(place, side, ts, frame, &tcp);
        }
        let seq = if opening { tcp.seq.wrapping_add(1) } else { tcp.seq };
        let segment = Segment { seq, bytes, missing: d.missing, ts, frame, from: d.link.src_mac };
        let ack = (tcp.flags & (ACK | RST) == ACK).then_some(tcp.ack);
        if (before.over() || before == State::Closing) && !bytes.is_empty() {
            self.after_end(place, side, ts, frame, &segment);
        }
        if tcp.flags & FIN != 0
            && let Some(half) = self.flows.get(place).and_then(|f| f.halves.get_mut(side))
        {
            half.finish(seq.wrapping_add(u32::try_from(bytes.len()).unwrap_or(0)).wrapping_add(d.missing));
        }
        let urgent = usize::from(tcp.urgent);
        self.guarded(place, |flow, out, limits, held| {
            if urgent > 0 && urgent <= segment.bytes.len() {
                legs::urgent(flow, out, limits, side, segment, urgent);
            }
            stream(flow, out, limits, held, side, segment, ack);
        });
    }

    /// Whether a packet of this side is taken: one with a wrong checksum is not, unless none of them was ever right,
    /// because a network card completes them behind our back or the capture was rewritten.
    #[inline]
    fn taken(&mut self, place: u32, side: usize, d: &Datagram<'_>) -> bool {
        let Some(known) = self.flows.get(place).and_then(|flow| flow.base.sound.get_mut(side)) else { return true };
        match sound(d) {
            Sound::Right => *known = true,
            Sound::Wrong if *known => return false,
            Sound::Wrong | Sound::Offloaded => self.counters.unchecked += 1,
            Sound::Unknown => {}
        }
        true
    }

    /// A packet that its receiver drops for its checksum.
    #[cold]
    fn dropped(&mut self, place: u32, side: usize, ts: Nanos, frame: Frame, d: &Datagram<'_>) {
        self.counters.bad_checksums += 1;
        self.count(place, side, (ts, frame), d, false);
        self.apart(
            ts,
            frame,
            d,
            (Kind::BadChecksum, "wrong where its sender's others are right: the receiver drops it"),
        );
    }

    /// What a packet says that is no part of its flow: told, and its messages with it.
    #[cold]
    fn apart(&mut self, ts: Nanos, frame: Frame, d: &Datagram<'_>, why: (Kind, &str)) {
        let (ports, payload) = match d.protocol {
            6 => match Tcp::read(d.payload) {
                Some(tcp) => ((tcp.from, tcp.to), d.payload.get(tcp.header..).unwrap_or_default()),
                None => return self.counters.bad_packets += 1,
            },
            17 => match udp(d.payload) {
                Some((from, to, payload)) => ((from, to), payload),
                None => return self.counters.bad_packets += 1,
            },
            _ => return,
        };
        let (place, side) = self.flow(ts, frame, d, ports, State::Active, Opening::Before);
        let datagram = d.protocol == 17;
        self.guarded(place, |flow, out, limits, _| {
            let Flow { base, app, .. } = flow;
            Lane { base, app, out, limits, datagram }.apart(side, why, payload, ts, frame);
        });
    }

    /// A connection that goes on behind its end: the RST, or FIN, was not its ends' own.
    #[cold]
    fn after_end(&mut self, place: u32, side: usize, ts: Nanos, frame: Frame, s: &Segment<'_>) {
        let Some(flow) = self.flows.get(place) else { return };
        let Some(half) = flow.halves.get(side).filter(|half| half.next() == Some(s.seq)) else { return };
        let ended = half.ended_before(s.seq);
        let base = &mut flow.base;
        let reset = base.state == State::Reset;
        if reset {
            // What was under way when it was reset may still come.
            base.after_end = base.after_end.saturating_add(1);
            if base.after_end < 2 {
                return;
            }
        } else if !ended {
            return;
        }
        (base.state, base.fins, base.after_end) = (State::Established, [false; 2], 0);
        let told = if reset { "RST" } else { "FIN" };
        let detail = format!("{} new bytes behind a {told}: the connection goes on", s.bytes.len());
        let (flow, borrow) = (self.out.slot(base), std::marker::PhantomData);
        let kind = Kind::DataAfterEnd;
        let row = AnomalyRow { ts, flow, borrow, frame, protocol: "tcp", kind: kind.name(), detail: &detail };
        self.out.rows.anomaly(row, kind, &self.limits);
    }

    fn start(&mut self, place: u32, side: usize, asks: bool, tcp: &Tcp) {
        let Some(flow) = self.flows.get(place) else { return };
        if flow.base.all_packets() == 0 && !asks {
            flow.base.orient(1 - side);
            flow.base.midstream = false;
        }
        if let Some(half) = flow.halves.get_mut(side) {
            half.start(tcp.seq.wrapping_add(1));
        }
        if let Some(half) = flow.halves.get_mut(1 - side.min(1)).filter(|_| !asks) {
            half.confirm(tcp.ack);
        }
    }

    /// Whether a SYN starts another connection on the same ports.
    fn begins_anew(&mut self, place: u32, side: usize, tcp: &Tcp) -> bool {
        let Some(flow) = self.flows.get(place) else { return false };
        if flow.base.all_packets() == 0 {
            return false;
        }
        let start = tcp.seq.wrapping_add(1);
        if tcp.flags & ACK != 0 {
            // The answer to a second SYN proves that the old connection is gone.
            return flow.base.second_syn.is_some_and(|(asker, expected)| asker != side && expected == tcp.ack);
        }
        let known = flow.halves.get(side).and_then(Half::next);
        // A SYN that the mirror shows after the first data of its own connection.
        let late = known.is_some_and(|next| flow.base.all_packets() < 8 && next.wrapping_sub(start) < 65_536);
        if late && flow.base.midstream {
            flow.base.midstream = false;
            return false;
        }
        if flow.base.state.over() || flow.base.state == State::Attempt {
            return known != Some(start);
        }
        // An open connection answers a SYN with a challenge; only the SYN's own answer proves a new one.
        if known != Some(start) {
            flow.base.second_syn = Some((side, start));
        }
        false
    }

    fn advance_state(&mut self, place: u32, side: usize, ts: Nanos, frame: Frame, tcp: &Tcp) {
        let Some(flow) = self.flows.get(place) else { return };
        let base = &mut flow.base;
        let side = side.min(1);
        if tcp.flags & RST != 0 {
            base.state = if base.state == State::Attempt { State::Rejected } else { State::Reset };
        } else if tcp.flags & FIN != 0 {
            base.fins[side] = true;
            base.state = if base.fins[1 - side] { State::Closed } else { State::Closing };
        } else if base.state == State::Attempt && (side != base.client || tcp.flags & SYN == 0) {
            base.state = State::Established;
        }
        let over = base.state.over() && flow.halves.get(side).is_none_or(|half| half.fits(tcp.seq));
        if tcp.flags & (SYN | ACK) == SYN && base.second_syn.is_some() {
            let (kind, detail, flow) = (Kind::SynInside, "a SYN inside an open connection", self.out.slot(base));
            let borrow = std::marker::PhantomData;
            let row = AnomalyRow { ts, flow, borrow, frame, protocol: "tcp", kind: kind.name(), detail };
            self.out.rows.anomaly(row, kind, &self.limits);
        }
        if over {
            self.flows.close(place, ts);
        }
    }

    /// Runs `f` on a flow; a panic inside ends that flow's dissection and nothing else.
    #[inline]
    fn guarded(&mut self, place: u32, f: impl FnOnce(&mut Flow, &mut Output, &Limits, &mut u64)) {
        let Some(flow) = self.flows.get(place).filter(|flow| !flow.failed) else { return };
        let (out, limits, held) = (&mut self.out, &self.limits, &mut self.held);
        let fault = self.fault.is_some_and(|fault| fault == Fault::Flow(flow.base.ends.server_port));
        let done = contained(|| {
            f(flow, out, limits, held);
            assert!(!fault, "as a test wants it");
        });
        if let Err(code) = done {
            self.close(place, &code);
        }
    }

    /// Ends a flow's dissection, of which something of ours failed at this place in the code. The row names its last
    /// packet, so that its packets are kept as evidence of what we cannot read.
    #[cold]
    fn close(&mut self, place: u32, code: &str) {
        self.counters.panics += 1;
        self.out.rows.mend();
        let Some(flow) = self.flows.get(place) else { return };
        let protocol = flow.app.name();
        flow.failed = true;
        flow.app = App::closed(protocol);
        let legs = flow.legs.iter_mut().flatten().flat_map(|legs| legs.halves());
        flow.halves.iter_mut().chain(legs).for_each(|half| half.abandon(&mut self.held));
        flow.legs = [None, None];
        let (ts, frame, kind) = (flow.base.last, flow.base.last_frame, Kind::DissectorFailed);
        let (borrow, flow) = (std::marker::PhantomData, self.out.slot(&mut flow.base));
        let row = AnomalyRow { ts, flow, borrow, frame, protocol, kind: kind.name(), detail: code };
        self.out.rows.anomaly(row, kind, &self.limits);
    }

    /// Writes the flow's row, if it is due: new, changed since a minute, or over.
    fn write(&mut self, place: u32, now: Nanos, over: bool) {
        let Some(flow) = self.flows.get(place) else { return };
        let (packets, state) = (flow.base.all_packets(), flow.base.state);
        let due = match flow.base.written {
            None => true,
            Some((when, before, was)) => (packets != before && (over || now - when >= ROW_EVERY)) || state != was,
        };
        if !due {
            return;
        }
        if flow.base.written.is_none() {
            session(&mut self.out, flow, &self.limits);
        }
        flow.base.written = Some((now, packets, state));
        flow_row(&mut self.out, flow);
    }

    /// Ends a flow: what waits is handed up, what is unanswered is written, its row is written.
    fn end(&mut self, place: u32, now: Nanos) {
        self.guarded(place, |flow, out, limits, held| {
            stranger(flow, out, limits);
            if flow.legs.iter().any(Option::is_some) {
                legs::settle(flow, out, limits, held, None);
            }
            let Flow { base, halves, tally, app, .. } = flow;
            if !halves.iter().any(Half::waits) && !app.waits() {
                return;
            }
            let last = (base.last, base.last_frame);
            let mut lane = Lane { base, app, out, limits, datagram: false };
            for (side, half) in halves.iter_mut().enumerate() {
                half.flush(held, limits, tally, &mut |e| lane.event(side, e, last));
            }
            lane.with(last.0, last.1, App::end);
        });
        self.write(place, now, true);
        if let Some(mut flow) = self.flows.remove(place) {
            self.seen.flow(&mut flow);
            self.settle_counts(&flow.tally);
        }
    }

    fn settle_counts(&mut self, tally: &Tally) {
        self.counters.gaps += u64::from(tally.gaps);
        self.counters.gap_bytes += tally.gap_bytes;
        self.counters.retransmissions += u64::from(tally.retransmissions);
        self.counters.out_of_order += u64::from(tally.out_of_order);
        self.counters.dropped_segments += u64::from(tally.dropped);
        self.counters.late_bytes += tally.late_bytes;
        self.counters.conflicts += u64::from(tally.conflicts);
        self.counters.outside += u64::from(tally.outside);
        self.counters.uncompared += tally.uncompared;
        self.counters.dropped_legs += u64::from(tally.legs_full);
    }

    /// Packet time has come to `now`: old holes are declared, unanswered requests written, idle flows ended,
    /// rows of new and long-lived flows written.
    pub fn tick(&mut self, now: Nanos) {
        let seconds = |s: u64| Nanos::try_from(s).unwrap_or(Nanos::MAX).saturating_mul(SECOND);
        let idle = [
            (List::Closed, seconds(self.limits.tcp_closed_seconds)),
            (List::HalfOpen, seconds(self.limits.half_open_seconds)),
            (List::Datagrams, seconds(self.limits.udp_idle_seconds)),
            (List::Streams, seconds(self.limits.tcp_idle_seconds)),
        ];
        for (list, patience) in idle {
            while let Some(place) = self.flows.idle(list, now, patience) {
                self.end(place, now);
            }
        }
        for place in self.flows.due() {
            self.guarded(place, |flow, out, limits, held| settle(flow, out, limits, held, now));
            if let Some(flow) = self.flows.get(place) {
                self.seen.flow(flow);
            }
            self.write(place, now, false);
            if self.flows.get(place).is_some_and(|flow| unsettled(flow)) {
                self.flows.again(place);
            }
        }
    }

    /// The capture is over: every flow ends.
    pub fn finish(&mut self, now: Nanos) {
        for place in self.flows.places() {
            self.end(place, now);
        }
    }

    /// Takes the rows of the window, or of a part of it; `whole`: with the behaviours.
    pub fn take(&mut self, whole: bool) -> Share {
        let rows = &mut self.out.rows;
        self.counters.modbus += rows.modbus.len() as u64;
        self.counters.dnp3 += rows.dnp3.len() as u64;
        self.counters.opcua += rows.opcua.len() as u64;
        self.counters.mqtt += rows.mqtt.len() as u64;
        self.counters.tls += rows.tls.len() as u64;
        self.counters.malformed += std::mem::take(&mut rows.malformed);
        self.counters.anomalies_unwritten += std::mem::take(&mut rows.anomalies_unwritten);
        let [bodies, values] = std::mem::take(&mut rows.http_over);
        self.counters.dropped_http_bodies += bodies;
        self.counters.dropped_http_values += values;
        self.counters.dropped_files += std::mem::take(&mut rows.files_cut);
        self.counters.dropped_kept_files += std::mem::take(&mut rows.kept_files_over);
        let kept_files = std::mem::take(&mut rows.kept_files);
        let mut tables = rows.take();
        if whole {
            self.counters.dropped_behaviours += std::mem::take(&mut self.out.behaviours.overflow);
            tables.push(self.out.behaviours.take());
        }
        self.out.epoch += 1;
        Share {
            tables,
            flows: std::mem::take(&mut self.out.dictionary),
            counters: std::mem::take(&mut self.counters),
            port: self.seen.take(),
            kept_files,
        }
    }
}

/// Tells of a flow on a protocol's own port whose few bytes never became that protocol.
fn stranger(flow: &mut Flow, out: &mut Output, limits: &Limits) {
    let Flow { base, app, .. } = flow;
    let ports = (base.ends.client_port, base.ends.server_port);
    let Some((protocol, piece)) = app.undecided(ports).filter(|_| !base.midstream) else { return };
    let (ts, frame, detail) = (piece.ts, piece.frame, start_of(&piece.bytes));
    Lane { base, app, out, limits, datagram: false }.with(ts, frame, |_, cx| {
        cx.anomaly(protocol, Kind::UnexpectedProtocol, &detail);
    });
}

/// Whether something of a flow is due at a later window's end, even if no packet comes.
fn unsettled(flow: &Flow) -> bool {
    let Flow { base, halves, legs, app, .. } = flow;
    let waits = legs.iter().any(Option::is_some) || halves.iter().any(Half::waits) || app.ticks();
    waits || base.written.is_none_or(|(_, packets, _)| packets != base.all_packets())
}

/// Declares a flow's old holes and lets its dissector see the time.
fn settle(flow: &mut Flow, out: &mut Output, limits: &Limits, held: &mut u64, now: Nanos) {
    if flow.legs.iter().any(Option::is_some) {
        legs::settle(flow, out, limits, held, Some(now));
    }
    let Flow { base, halves, tally, app, .. } = flow;
    if !halves.iter().any(Half::waits) && !app.ticks() {
        return;
    }
    let last = (base.last, base.last_frame);
    let mut lane = Lane { base, app, out, limits, datagram: false };
    for (side, half) in halves.iter_mut().enumerate() {
        half.settle(now, held, limits, tally, &mut |e| lane.event(side, e, last));
    }
    lane.with(last.0, last.1, |app, cx| app.tick(cx, now));
}

/// The end whose port belongs to a service is the server; else the lower port is.
fn likely_client(side: usize, (from, to): (u16, u16)) -> usize {
    let known = |port: u16| !names::service(port, false).is_empty() || !names::service(port, true).is_empty();
    let sender_serves = match (known(from), known(to)) {
        (true, false) => true,
        (false, true) => false,
        _ => from < to,
    };
    if sender_serves { 1 - side } else { side }
}
