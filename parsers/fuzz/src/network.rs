//! From the link to windows: frames, and whole conversations described by bytes.

use wire::decode::{Decoder, Outcome};
use wire::dissect::Frame;
use wire::ip;
use wire::pipeline::{Packet, Pipeline, Settings, Window};

use super::{meter, script};

const START: i64 = 1_760_000_000_000_000_000;
/// Link types that are read, and one that is not.
const LINKS: [u16; 10] = [1, 0, 101, 113, 276, 105, 127, 9, 12, 147];
const PORTS: [u16; 8] = [502, 20_000, 4_840, 1_883, 443, 80, 445, 2_222];

/// Frames, each with a link type and a length on the wire.
///
/// ```text
///  0 link type | 1 length, little endian | 3 bytes cut, or 0x80: seconds that passed | 4 the frame
/// ```
pub fn link(mut input: &[u8]) {
    let limits = script::limits();
    let mut decoder = Decoder::new(&limits);
    let (mut now, mut number) = (START, 0);
    while let Some((&[link, low, high, cut], rest)) = input.split_first_chunk::<4>() {
        let (data, rest) = rest.split_at(usize::from(u16::from_le_bytes([low, high])).min(rest.len()));
        input = rest;
        number += 1;
        now += 1_000;
        if cut & 0x80 != 0 {
            now += i64::from(cut & 0x7F) * 1_000_000_000;
            decoder.expire(now, &mut |_, text| assert!(!text.is_empty()));
        }
        let wire = data.len() as u32 + u32::from(cut & 0x7F);
        let link = LINKS[usize::from(link) % LINKS.len()];
        let outcome = decoder.decode(now, Frame::new(0, number), link, wire, data, &mut |_, text| {
            assert!(!text.is_empty());
        });
        if let Outcome::Ip(datagram) = outcome {
            assert!(datagram.payload.len() <= data.len().max(65_535));
            let _ = ip::sound(&datagram);
        }
        let (datagrams, bytes) = decoder.waiting();
        assert!(datagrams as u64 <= limits.fragment_datagrams && bytes <= limits.fragment_bytes);
    }
}

/// A side of a conversation that counts its sequence numbers.
#[derive(Clone, Copy)]
struct Talk {
    seq: [u32; 2],
}

/// The whole packet path. Most steps are segments of eight conversations with right numbers, so that a change of
/// payload is read and not lost in a checksum or a hole; others shift them, cut them, or are raw frames.
///
/// ```text
///  0 what: 0x80 from the server, bits 4 to 6: which conversation, low 4 bits: see `frame` | 1 length, little endian
///  3 milliseconds passed (0xff: a minute) | 4 payload
/// ```
pub fn engine(input: &[u8]) {
    let Some((&workers, mut input)) = input.split_first() else { return };
    let settings = Settings {
        window: 10_000_000_000,
        workers: if workers & 7 == 7 { 2 } else { 1 },
        vlan_in_key: workers & 8 != 0,
        limits: script::limits(),
    };
    let mut pipeline = Pipeline::new(settings);
    let mut talks = [Talk { seq: [0xFFFF_FF00, 5_000] }; 8];
    let (mut now, mut number) = (START, 0);
    while let Some((&[what, low, high, passed], rest)) = input.split_first_chunk::<4>() {
        let (payload, rest) = rest.split_at(usize::from(u16::from_le_bytes([low, high])).min(rest.len()));
        input = rest;
        now += if passed == 0xFF { 60_000_000_000 } else { i64::from(passed) * 1_000_000 };
        let which = usize::from(what >> 4 & 7);
        for (link, data) in frames(what, which, &mut talks[which], payload) {
            number += 1;
            meter::on_the_wire(data.len());
            let frame = Frame::new(0, number);
            let packet = Packet { ts: now, frame, link, orig_len: data.len() as u32, data: &data };
            if let Some(window) = pipeline.push(&packet) {
                look(window);
            }
            meter::look();
        }
    }
    if let Some(window) = pipeline.finish() {
        look(window);
    }
}

fn look(window: Window) {
    assert_eq!(window.counters.panics, 0, "a dissector panicked");
    for share in window.shares {
        for table in share.tables {
            assert!(table.lines(&[]).iter().all(|line| !line.is_empty()));
        }
    }
}

/// What a step puts on the wire.
fn frames(what: u8, which: usize, talk: &mut Talk, payload: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let side = usize::from(what >> 7);
    let segment = |talk: &Talk, seq: u32, flags: u8, data: &[u8], wrong: bool| {
        ethernet(side, which, 6, &tcp(side, which, (seq, talk.seq[1 - side]), flags, data, wrong))
    };
    let shift = |n: i8| talk.seq[side].wrapping_add_signed(i32::from(n));
    match (what & 15, payload) {
        (0, _) => vec![(1, payload.to_vec())],
        (1, [link, rest @ ..]) => vec![(LINKS[usize::from(*link) % LINKS.len()], rest.to_vec())],
        (2, _) => vec![(1, ethernet(side, which, 17, &udp(side, which, payload)))],
        // A handshake.
        (3, _) => vec![(1, segment(talk, talk.seq[side].wrapping_sub(1), if side == 0 { 2 } else { 18 }, &[], false))],
        // Flags as the input says: SYN, FIN, RST, urgent.
        (4, [flags, data @ ..]) => vec![(1, segment(talk, talk.seq[side], *flags, data, false))],
        // At another place: overlaps, repetitions, what is outside the window.
        (5, [n, data @ ..]) => vec![(1, segment(talk, shift(n.cast_signed()), 16, data, false))],
        (6, [a, b, c, d, data @ ..]) => vec![(1, segment(talk, u32::from_le_bytes([*a, *b, *c, *d]), 16, data, false))],
        (7, _) => vec![(1, segment(talk, talk.seq[side], 16, payload, true))],
        // Lost on the way to the mirror.
        (8, _) => {
            talk.seq[side] = talk.seq[side].wrapping_add(payload.len() as u32);
            vec![]
        }
        // In fragments of eight bytes.
        (9, _) => {
            let whole = tcp(side, which, (talk.seq[side], talk.seq[1 - side]), 16, payload, false);
            talk.seq[side] = talk.seq[side].wrapping_add(payload.len() as u32);
            fragments(side, which, &whole)
        }
        (10, _) => {
            let bytes = payload.iter().map(|byte| {
                let frame = (1, segment(talk, talk.seq[side], 24, &[*byte], false));
                talk.seq[side] = talk.seq[side].wrapping_add(1);
                frame
            });
            bytes.collect()
        }
        _ => {
            let frame = segment(talk, talk.seq[side], 24, payload, false);
            talk.seq[side] = talk.seq[side].wrapping_add(payload.len() as u32);
            vec![(1, frame)]
        }
    }
}

fn address(side: usize, which: usize) -> [u8; 4] {
    [10, 0, side as u8, which as u8]
}

fn ports(side: usize, which: usize) -> [u8; 4] {
    let (client, server) = ((40_000 + which as u16).to_be_bytes(), PORTS[which % PORTS.len()].to_be_bytes());
    let (from, to) = if side == 0 { (client, server) } else { (server, client) };
    [from[0], from[1], to[0], to[1]]
}

fn packet(side: usize, which: usize, protocol: u8, place: u16, data: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 0, 0, 0, 0, side as u8, 2, 0, 0, 0, 0, 1 - side as u8, 8, 0, 0x45, 0];
    out.extend((20 + data.len() as u16).to_be_bytes());
    out.extend([which as u8, 7]);
    out.extend(place.to_be_bytes());
    out.extend([64, protocol, 0, 0]);
    out.extend(address(side, which));
    out.extend(address(1 - side, which));
    let checksum = ip::checksum(ip::sum(&out[14..34]));
    out[24..26].copy_from_slice(&checksum.to_be_bytes());
    out.extend(data);
    out
}

fn ethernet(side: usize, which: usize, protocol: u8, data: &[u8]) -> Vec<u8> {
    packet(side, which, protocol, 0x4000, &data[..data.len().min(65_000)])
}

fn fragments(side: usize, which: usize, whole: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let last = whole.len().div_ceil(8).saturating_sub(1);
    let place = |i: usize| i as u16 | if i < last { 0x2000 } else { 0 };
    whole.chunks(8).take(8_000).enumerate().map(|(i, piece)| (1, packet(side, which, 6, place(i), piece))).collect()
}

fn tcp(side: usize, which: usize, (seq, ack): (u32, u32), flags: u8, data: &[u8], wrong: bool) -> Vec<u8> {
    let mut out = ports(side, which).to_vec();
    out.extend(seq.to_be_bytes());
    out.extend(ack.to_be_bytes());
    out.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    out.extend(data);
    let pseudo = ip::sum(&address(side, which)) + ip::sum(&address(1 - side, which)) + 6 + out.len() as u64;
    let checksum = ip::checksum(ip::sum(&out) + pseudo) ^ u16::from(wrong);
    out[16..18].copy_from_slice(&checksum.to_be_bytes());
    out
}

fn udp(side: usize, which: usize, data: &[u8]) -> Vec<u8> {
    let mut out = ports(side, which).to_vec();
    out.extend((8 + data.len() as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend(data);
    out
}
