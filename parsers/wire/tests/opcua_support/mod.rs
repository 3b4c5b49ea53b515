//! A small capture reader for tests: pcap and pcapng, whole IP packets, TCP put in order. The sensor has
//! its own; this one shares no code with it, so that the two can be held against each other.
#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap};

use wire::behaviour::Behaviours;
use wire::dissect::{Cx, Dir, Dissector, Ends, FlowRef, Frame, Probe, Stream};
use wire::limits::Limits;
use wire::opcua::{Opcua, probe};
use wire::rows::Rows;

/// One packet: nanoseconds, link type, bytes.
pub type Packet = (i64, u32, Vec<u8>);

fn u16be(b: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([*b.get(at)?, *b.get(at + 1)?])))
}

fn u32of(b: &[u8], at: usize, big: bool) -> Option<u32> {
    let bytes: [u8; 4] = b.get(at..at + 4)?.try_into().ok()?;
    Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

/// The packets of a capture; what cannot be read ends it.
pub fn packets(file: &[u8]) -> Vec<Packet> {
    let mut out = Vec::new();
    if file.starts_with(&[0x0A, 0x0D, 0x0D, 0x0A]) {
        pcapng(file, &mut out);
    } else {
        pcap(file, &mut out);
    }
    out
}

fn pcap(file: &[u8], out: &mut Vec<Packet>) -> Option<()> {
    let big = matches!(u32of(file, 0, true)?, 0xA1B2_C3D4 | 0xA1B2_3C4D);
    let scale = if u32of(file, 0, big)? == 0xA1B2_3C4D { 1 } else { 1_000 };
    let link = u32of(file, 20, big)?;
    let mut at = 24;
    loop {
        let (seconds, fraction) = (u32of(file, at, big)?, u32of(file, at + 4, big)?);
        let length = u32of(file, at + 8, big)? as usize;
        let bytes = file.get(at + 16..at + 16 + length)?;
        out.push((i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * scale, link, bytes.to_vec()));
        at += 16 + length;
    }
}

fn pcapng(file: &[u8], out: &mut Vec<Packet>) -> Option<()> {
    let (mut at, mut big, mut links) = (0, false, Vec::new());
    loop {
        let kind = u32of(file, at, big)?;
        if kind == 0x0A0D_0D0A {
            big = u32of(file, at + 8, true)? == 0x1A2B_3C4D;
            links.clear();
        }
        let length = u32of(file, at + 4, big)? as usize;
        let block = file.get(at..at + length)?;
        match kind {
            1 => links.push(u32of(block, 8, big)? & 0xFFFF),
            6 => {
                let link = *links.get(u32of(block, 8, big)? as usize)?;
                let ticks = u64::from(u32of(block, 12, big)?) << 32 | u64::from(u32of(block, 16, big)?);
                let captured = u32of(block, 20, big)? as usize;
                out.push(((ticks as i64).wrapping_mul(1_000), link, block.get(28..28 + captured)?.to_vec()));
            }
            _ => {}
        }
        at += length.max(12);
    }
}

struct Segment {
    ends: ([u8; 16], u16, [u8; 16], u16),
    seq: u32,
    flags: u8,
    data: Vec<u8>,
}

fn ip(link: u32, bytes: &[u8]) -> Option<&[u8]> {
    match link {
        0 | 108 => bytes.get(4..),
        101 => Some(bytes),
        113 => bytes.get(16..),
        276 => bytes.get(20..),
        _ => {
            let mut at = 12;
            while matches!(u16be(bytes, at)?, 0x8100 | 0x88A8) {
                at += 4;
            }
            matches!(u16be(bytes, at)?, 0x0800 | 0x86DD).then(|| bytes.get(at + 2..)).flatten()
        }
    }
}

fn segment(link: u32, bytes: &[u8]) -> Option<Segment> {
    let ip = ip(link, bytes)?;
    let mut ends = [[0_u8; 16]; 2];
    let (tcp, end) = match ip.first()? >> 4 {
        4 => {
            if *ip.get(9)? != 6 || u16be(ip, 6)? & 0x3FFF != 0 {
                return None;
            }
            for (i, end) in ends.iter_mut().enumerate() {
                end[10..12].fill(0xFF);
                end[12..].copy_from_slice(ip.get(12 + 4 * i..16 + 4 * i)?);
            }
            (usize::from(ip.first()? & 15) * 4, u16be(ip, 2)?)
        }
        6 if *ip.get(6)? == 6 => {
            ends[0].copy_from_slice(ip.get(8..24)?);
            ends[1].copy_from_slice(ip.get(24..40)?);
            (40, 40 + u16be(ip, 4)?)
        }
        _ => return None,
    };
    let t = ip.get(tcp..)?;
    let start = tcp + usize::from(t.get(12)? >> 4) * 4;
    let end = if end <= tcp { ip.len() } else { end.min(ip.len()) };
    Some(Segment {
        ends: (ends[0], u16be(t, 0)? as u16, ends[1], u16be(t, 2)? as u16),
        seq: u32of(t, 4, true)?,
        flags: *t.get(13)?,
        data: ip.get(start..end).unwrap_or_default().to_vec(),
    })
}

#[derive(Default)]
struct Half {
    next: Option<u32>,
    later: BTreeMap<u64, (u32, Vec<u8>, i64)>,
    stream: Stream,
}

struct Flow {
    number: u32,
    client: ([u8; 16], u16),
    ends: Ends,
    halves: [Half; 2],
    dissector: Option<Opcua>,
    known: bool,
}

/// What a capture gave.
pub struct Found {
    pub rows: Rows,
    pub behaviours: Behaviours,
    pub encrypted: usize,
}

/// Runs a capture through the dissector.
pub fn run(file: &[u8], limits: &Limits) -> Found {
    let mut found = Found { rows: Rows::default(), behaviours: Behaviours::default(), encrypted: 0 };
    let mut flows: Vec<Flow> = Vec::new();
    let mut index: HashMap<_, usize> = HashMap::new();
    let mut last = 0;
    for (number, (ts, link, bytes)) in packets(file).into_iter().enumerate() {
        last = ts;
        let Some(s) = segment(link, &bytes) else { continue };
        let (a, b) = ((s.ends.0, s.ends.1), (s.ends.2, s.ends.3));
        let key = if a < b { (a, b) } else { (b, a) };
        let syn = s.flags & 0x12 == 0x02;
        if syn || !index.contains_key(&key) {
            index.insert(key, flows.len());
            let number = flows.len() as u32;
            flows.push(Flow {
                number,
                client: a,
                ends: Ends::default(),
                halves: Default::default(),
                dissector: None,
                known: false,
            });
        }
        let flow = &mut flows[index[&key]];
        let frame = Frame::new(0, number as u64 + 1);
        take(flow, &s, ts, frame, limits, &mut found);
    }
    for flow in &mut flows {
        for half in 0..2 {
            while let Some((key, seq, ts)) = flow.halves[half].later.iter().map(|(&k, (s, _, t))| (k, *s, *t)).next() {
                let hole = seq.wrapping_sub(flow.halves[half].next.unwrap_or(seq));
                give(flow, half, ts, Frame(key), limits, &mut found, None, hole);
                drain(flow, half, limits, &mut found);
            }
        }
        let mut cx = Cx {
            ts: last,
            frame: Frame::NONE,
            flow: FlowRef(flow.number),
            ends: &flow.ends,
            rows: &mut found.rows,
            behaviours: &mut found.behaviours,
            limits,
            expected: &mut wire::files::Expected::default(),
        };
        if let Some(d) = &mut flow.dissector {
            d.end(&mut cx);
            found.encrypted += usize::from(d.encrypted());
        }
    }
    found
}

fn take(flow: &mut Flow, s: &Segment, ts: i64, frame: Frame, limits: &Limits, found: &mut Found) {
    let from = (s.ends.0, s.ends.1);
    let half = usize::from(from != flow.client);
    if s.flags & 2 != 0 {
        flow.halves[half].next = Some(s.seq.wrapping_add(1));
        return;
    }
    if s.data.is_empty() {
        return;
    }
    let next = *flow.halves[half].next.get_or_insert(s.seq);
    let ahead = s.seq.wrapping_sub(next) as i32;
    if ahead > 0 {
        flow.halves[half].later.insert(frame.0, (s.seq, s.data.clone(), ts));
        if flow.halves[half].later.len() < 32 {
            return;
        }
        let first = flow.halves[half].later.values().map(|(seq, _, _)| seq.wrapping_sub(next)).min().unwrap_or(0);
        give(flow, half, ts, frame, limits, found, None, first);
    } else {
        let skip = (-ahead) as usize;
        if skip < s.data.len() {
            give(flow, half, ts, frame, limits, found, Some(&s.data[skip..]), 0);
        }
    }
    drain(flow, half, limits, found);
}

fn drain(flow: &mut Flow, half: usize, limits: &Limits, found: &mut Found) {
    loop {
        let Some(next) = flow.halves[half].next else { return };
        let fits =
            flow.halves[half].later.iter().find(|(_, (seq, _, _))| seq.wrapping_sub(next) as i32 <= 0).map(|(&k, _)| k);
        let Some(key) = fits else { return };
        let Some((seq, data, ts)) = flow.halves[half].later.remove(&key) else { return };
        let frame = Frame(key);
        let skip = next.wrapping_sub(seq) as usize;
        if skip < data.len() {
            give(flow, half, ts, frame, limits, found, Some(&data[skip..]), 0);
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn give(
    flow: &mut Flow,
    half: usize,
    ts: i64,
    frame: Frame,
    limits: &Limits,
    found: &mut Found,
    data: Option<&[u8]>,
    hole: u32,
) {
    let Half { next, .. } = &mut flow.halves[half];
    *next = next.map(|n| n.wrapping_add(data.map_or(hole, |d| d.len() as u32)));
    if let (Some(data), false) = (data, flow.known) {
        let answer = probe(data, 1, 2);
        if answer == Probe::No {
            return;
        }
        flow.known = true;
        flow.dissector = Some(Opcua::new());
        let sender_is_client = match answer {
            Probe::Client => true,
            Probe::Server => false,
            _ => half == 0,
        };
        if sender_is_client != (half == 0) {
            flow.halves.swap(0, 1);
            flow.client = ([1; 16], 0);
        }
        let half = usize::from(!sender_is_client);
        return offer(flow, half, ts, frame, limits, found, Some(data), hole);
    }
    offer(flow, half, ts, frame, limits, found, data, hole);
}

#[allow(clippy::too_many_arguments)]
fn offer(
    flow: &mut Flow,
    half: usize,
    ts: i64,
    frame: Frame,
    limits: &Limits,
    found: &mut Found,
    data: Option<&[u8]>,
    hole: u32,
) {
    let dir = if half == 0 { Dir::ToServer } else { Dir::ToClient };
    let Some(d) = &mut flow.dissector else { return };
    let mut cx = Cx {
        ts,
        frame,
        flow: FlowRef(flow.number),
        ends: &flow.ends,
        rows: &mut found.rows,
        behaviours: &mut found.behaviours,
        limits,
        expected: &mut wire::files::Expected::default(),
    };
    let stream = &mut flow.halves[half].stream;
    match data {
        Some(data) => {
            if !stream.feed(d, &mut cx, dir, data) {
                flow.dissector = None;
            }
        }
        None => stream.gap(d, &mut cx, dir, u64::from(hole)),
    }
}

/// Offers every TCP payload as it comes, lost order and all, to one dissector behind an everyday start.
pub fn offer_all(packets: &[Packet]) {
    let (limits, ends) = (Limits::default(), Ends::default());
    let (mut rows, mut behaviours) = (Rows::default(), Behaviours::default());
    let mut d = Opcua::new();
    let mut streams = [Stream::default(), Stream::default()];
    for (number, (ts, link, bytes)) in packets.iter().enumerate() {
        let Some(s) = segment(*link, bytes).filter(|s| !s.data.is_empty()) else { continue };
        let dir = if s.ends.1 > s.ends.3 { Dir::ToServer } else { Dir::ToClient };
        let frame = Frame::new(0, number as u64 + 1);
        let (rows, behaviours, ends, limits) = (&mut rows, &mut behaviours, &ends, &limits);
        let mut cx = Cx {
            ts: *ts,
            frame,
            flow: FlowRef(0),
            ends,
            rows,
            behaviours,
            limits,
            expected: &mut wire::files::Expected::default(),
        };
        if number == 0 || !streams[dir.index()].feed(&mut d, &mut cx, dir, &s.data) {
            d = Opcua::new();
            streams = [Stream::default(), Stream::default()];
            streams[0].feed(
                &mut d,
                &mut cx,
                Dir::ToServer,
                b"HELF\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            );
        }
        if number % 1_000 == 0 {
            rows.take();
            behaviours.take();
        }
    }
}
