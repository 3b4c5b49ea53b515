//! Captures for tests: pcap and pcapng, the common link types, TCP put in order. No fragments, no tunnels.

use std::collections::{BTreeMap, HashMap};

use wire::behaviour::Behaviours;
use wire::dissect::{Cx, Dir, Dissector, Ends, FlowRef, Frame, Probe, Stream};
use wire::limits::Limits;
use wire::rows::Rows;

/// Packets as (link type, nanoseconds, bytes).
pub fn packets(file: &[u8]) -> Vec<(u32, i64, Vec<u8>)> {
    match file.get(..4) {
        Some([0x0A, 0x0D, 0x0D, 0x0A]) => pcapng(file),
        Some(_) => pcap(file),
        None => Vec::new(),
    }
}

fn int(bytes: &[u8], at: usize, size: usize, big: bool) -> u32 {
    let bytes = bytes.get(at..at + size).unwrap_or_default();
    let step = |n: u32, b: &u8| n << 8 | u32::from(*b);
    if big { bytes.iter().fold(0, step) } else { bytes.iter().rev().fold(0, step) }
}

fn pcap(file: &[u8]) -> Vec<(u32, i64, Vec<u8>)> {
    let magic = int(file, 0, 4, true);
    let big = matches!(magic, 0xA1B2_C3D4 | 0xA1B2_3C4D);
    let nano = matches!(magic, 0xA1B2_3C4D | 0x4D3C_B2A1);
    let link = int(file, 20, 4, big) & 0xFFFF;
    let (mut at, mut out) = (24, Vec::new());
    while at + 16 <= file.len() {
        let fraction = i64::from(int(file, at + 4, 4, big)) * if nano { 1 } else { 1_000 };
        let ts = i64::from(int(file, at, 4, big)) * 1_000_000_000 + fraction;
        let length = int(file, at + 8, 4, big) as usize;
        let Some(bytes) = file.get(at + 16..at + 16 + length) else { break };
        out.push((link, ts, bytes.to_vec()));
        at += 16 + length;
    }
    out
}

fn pcapng(file: &[u8]) -> Vec<(u32, i64, Vec<u8>)> {
    let (mut at, mut out, mut links, mut big) = (0, Vec::new(), Vec::new(), false);
    while at + 12 <= file.len() {
        let kind = int(file, at, 4, big);
        if kind == 0x0A0D_0D0A {
            big = int(file, at + 8, 4, true) == 0x1A2B_3C4D;
            links.clear();
        }
        let length = int(file, at + 4, 4, big) as usize;
        if length < 12 {
            break;
        }
        match kind {
            1 => links.push(int(file, at + 8, 2, big)),
            6 => {
                let link = links.get(int(file, at + 8, 4, big) as usize).copied().unwrap_or(1);
                let ticks = i64::from(int(file, at + 12, 4, big)) << 32 | i64::from(int(file, at + 16, 4, big));
                let size = int(file, at + 20, 4, big) as usize;
                let bytes = file.get(at + 28..at + 28 + size).unwrap_or_default();
                out.push((link, ticks * 1_000, bytes.to_vec()));
            }
            3 => out.push((links.first().copied().unwrap_or(1), 0, file[at + 12..at + length - 4].to_vec())),
            _ => {}
        }
        at += length;
    }
    out
}

/// A TCP segment.
pub struct Segment {
    pub from: ([u8; 16], u16),
    pub to: ([u8; 16], u16),
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub data: Vec<u8>,
    /// Bytes that the snap length took.
    pub lost: usize,
}

pub fn segment(link: u32, packet: &[u8]) -> Option<Segment> {
    let mut at = match link {
        1 => 12,
        0 => 4,
        113 => 14,
        276 => 20,
        _ => 0,
    };
    if link == 1 || link == 113 {
        while int(packet, at, 2, true) == 0x8100 {
            at += 4;
        }
        at += 2;
    }
    let byte = |at: usize| packet.get(at).copied();
    let mapped = |at: usize| {
        let mut ip = [0; 16];
        ip[10..12].fill(255);
        ip[12..].copy_from_slice(packet.get(at..at + 4)?);
        Some(ip)
    };
    let (source, target, tcp, end) = match byte(at)? >> 4 {
        4 if byte(at + 9)? == 6 && int(packet, at + 6, 2, true) & 0x3FFF == 0 => {
            let header = usize::from(byte(at)? & 15) * 4;
            (mapped(at + 12)?, mapped(at + 16)?, at + header, at + int(packet, at + 2, 2, true) as usize)
        }
        6 if byte(at + 6)? == 6 => {
            let ip = |at: usize| packet.get(at..at + 16).and_then(|s| s.try_into().ok());
            (ip(at + 8)?, ip(at + 24)?, at + 40, at + 40 + int(packet, at + 4, 2, true) as usize)
        }
        _ => return None,
    };
    let start = tcp + usize::from(byte(tcp + 12)? >> 4) * 4;
    let data = packet.get(start..end.min(packet.len())).unwrap_or_default().to_vec();
    Some(Segment {
        from: (source, int(packet, tcp, 2, true) as u16),
        to: (target, int(packet, tcp + 2, 2, true) as u16),
        seq: int(packet, tcp + 4, 4, true),
        ack: int(packet, tcp + 8, 4, true),
        flags: byte(tcp + 13)?,
        lost: end.saturating_sub(start).saturating_sub(data.len()),
        data,
    })
}

/// What a stream brings, in order: bytes, or so many that are missing.
enum Event {
    Bytes(Vec<u8>),
    Hole(u64),
}

#[derive(Default)]
struct Half {
    next: Option<u32>,
    ahead: BTreeMap<u32, (Vec<u8>, usize)>,
    behind: usize,
}

impl Half {
    fn add(&mut self, s: &Segment) -> Vec<Event> {
        if s.flags & 2 != 0 {
            self.next = Some(s.seq.wrapping_add(1));
            self.ahead.clear();
            return Vec::new();
        }
        if s.data.is_empty() && s.lost == 0 {
            return Vec::new();
        }
        self.next.get_or_insert(s.seq);
        let kept = self.ahead.entry(s.seq).or_default();
        if s.data.len() > kept.0.len() {
            *kept = (s.data.clone(), s.lost);
        }
        self.drain(self.ahead.len() > 64)
    }

    /// The other side has what we have not: it was not captured, or comes late.
    fn acknowledged(&mut self, ack: u32) -> Vec<Event> {
        let behind = self.next.is_some_and(|next| ack.wrapping_sub(next) as i32 > 0);
        self.behind = if behind && !self.ahead.is_empty() { self.behind + 1 } else { 0 };
        self.drain(self.behind > 4)
    }

    fn drain(&mut self, force: bool) -> Vec<Event> {
        let mut out = Vec::new();
        while let Some(next) = self.next {
            let distance = |seq: u32| seq.wrapping_sub(next) as i32;
            let Some(seq) = self.ahead.keys().copied().min_by_key(|&s| distance(s)) else { break };
            if distance(seq) > 0 {
                if !force {
                    break;
                }
                out.push(Event::Hole(distance(seq) as u64));
                self.next = Some(seq);
                continue;
            }
            let (data, lost) = self.ahead.remove(&seq).unwrap();
            let old = distance(seq).unsigned_abs() as usize;
            if old < data.len() {
                out.push(Event::Bytes(data[old..].to_vec()));
            }
            if lost > 0 && old < data.len() + lost {
                out.push(Event::Hole(lost as u64));
            }
            let end = seq.wrapping_add((data.len() + lost) as u32);
            if distance(end) > 0 {
                self.next = Some(end);
            }
        }
        out
    }
}

struct Flow {
    client: ([u8; 16], u16),
    halves: [Half; 2],
    heads: [Vec<u8>; 2],
    waiting: Vec<(i64, Frame, Dir, Event)>,
    dissector: Option<Box<dyn Dissector>>,
    streams: [Stream; 2],
    ends: Ends,
    sure: bool,
    dead: bool,
}

pub type Prober = fn(&[u8], u16, u16) -> Probe;

/// A protocol under test: its probe and its maker.
pub type Maker = (Prober, fn() -> Box<dyn Dissector>);

/// Replays a capture and gives its rows.
pub fn replay(file: &[u8], makers: &[Maker]) -> Rows {
    let (mut rows, mut behaviours, limits) = (Rows::default(), Behaviours::default(), Limits::default());
    let mut flows: HashMap<_, usize> = HashMap::new();
    let mut list: Vec<Flow> = Vec::new();
    for (number, (link, ts, bytes)) in packets(file).into_iter().enumerate() {
        let Some(s) = segment(link, &bytes) else { continue };
        let key = if s.from < s.to { (s.from, s.to) } else { (s.to, s.from) };
        let fresh = s.flags & 0x12 == 2;
        let at = match flows.get(&key) {
            Some(&at) if !(fresh && !list[at].waiting.is_empty() | list[at].dissector.is_some() | list[at].dead) => at,
            _ => {
                list.push(Flow::new(&s));
                flows.insert(key, list.len() - 1);
                list.len() - 1
            }
        };
        let flow = &mut list[at];
        let from_client = s.from == flow.client;
        let dir = if from_client { Dir::ToServer } else { Dir::ToClient };
        for event in flow.halves[dir.other().index()].acknowledged(s.ack) {
            let frame = Frame::new(0, number as u64 + 1);
            flow.event(makers, &mut rows, &mut behaviours, &limits, at, (ts, frame, dir.other(), event));
        }
        for event in flow.halves[dir.index()].add(&s) {
            let frame = Frame::new(0, number as u64 + 1);
            flow.event(makers, &mut rows, &mut behaviours, &limits, at, (ts, frame, dir, event));
        }
    }
    for (at, flow) in list.iter_mut().enumerate() {
        for dir in [Dir::ToServer, Dir::ToClient] {
            for event in flow.halves[dir.index()].drain(true) {
                flow.event(makers, &mut rows, &mut behaviours, &limits, at, (0, Frame::NONE, dir, event));
            }
        }
        flow.finish(&mut rows, &mut behaviours, &limits, at);
    }
    rows
}

impl Flow {
    fn new(s: &Segment) -> Self {
        let swap = s.flags & 0x12 == 0x12 || (s.flags & 2 == 0 && s.from.1 < s.to.1);
        let (client, server) = if swap { (s.to, s.from) } else { (s.from, s.to) };
        Self {
            client,
            halves: Default::default(),
            heads: Default::default(),
            waiting: Vec::new(),
            dissector: None,
            streams: Default::default(),
            ends: Ends { client: client.0, server: server.0, client_port: client.1, server_port: server.1 },
            sure: false,
            dead: false,
        }
    }

    fn event(
        &mut self,
        makers: &[Maker],
        rows: &mut Rows,
        behaviours: &mut Behaviours,
        limits: &Limits,
        at: usize,
        event: (i64, Frame, Dir, Event),
    ) {
        if self.dead {
            return;
        }
        if self.sure {
            return self.feed(rows, behaviours, limits, at, event);
        }
        let dir = event.2;
        if let Event::Bytes(bytes) = &event.3 {
            self.heads[dir.index()].extend_from_slice(bytes);
        }
        self.waiting.push(event);
        let ports = [self.ends.client_port, self.ends.server_port];
        let head = &self.heads[dir.index()];
        let found =
            makers.iter().find_map(|(probe, make)| match probe(head, ports[dir.index()], ports[1 - dir.index()]) {
                Probe::Unsure | Probe::No => None,
                answer => Some((answer, make())),
            });
        if let Some((answer, dissector)) = found {
            let client = match answer {
                Probe::Client => Some(Dir::ToServer),
                Probe::Server => Some(Dir::ToClient),
                _ => None,
            };
            if client.is_some_and(|d| d != dir) {
                self.swap();
            }
            self.dissector = Some(dissector);
            self.sure = true;
            for event in std::mem::take(&mut self.waiting) {
                self.feed(rows, behaviours, limits, at, event);
            }
        }
    }

    fn swap(&mut self) {
        let e = self.ends;
        self.ends = Ends { client: e.server, server: e.client, client_port: e.server_port, server_port: e.client_port };
        self.client = (e.server, e.server_port);
        self.halves.swap(0, 1);
        self.heads.swap(0, 1);
        for event in &mut self.waiting {
            event.2 = event.2.other();
        }
    }

    fn feed(
        &mut self,
        rows: &mut Rows,
        behaviours: &mut Behaviours,
        limits: &Limits,
        at: usize,
        (ts, frame, dir, event): (i64, Frame, Dir, Event),
    ) {
        let Some(dissector) = self.dissector.as_mut().filter(|_| !self.dead) else { return };
        let mut cx = Cx {
            ts,
            frame,
            flow: FlowRef(at as u32),
            ends: &self.ends,
            rows,
            behaviours,
            limits,
            expected: &mut wire::files::Expected::default(),
        };
        let stream = &mut self.streams[dir.index()];
        match event {
            Event::Bytes(bytes) => self.dead = !stream.feed(dissector.as_mut(), &mut cx, dir, &bytes),
            Event::Hole(missing) => stream.gap(dissector.as_mut(), &mut cx, dir, missing),
        }
    }

    fn finish(&mut self, rows: &mut Rows, behaviours: &mut Behaviours, limits: &Limits, at: usize) {
        if let Some(dissector) = self.dissector.as_mut() {
            let mut cx = Cx {
                ts: 0,
                frame: Frame::NONE,
                flow: FlowRef(at as u32),
                ends: &self.ends,
                rows,
                behaviours,
                limits,
                expected: &mut wire::files::Expected::default(),
            };
            dissector.end(&mut cx);
        }
    }
}
