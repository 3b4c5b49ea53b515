//! Packets written by hand, header by header.
#![allow(dead_code)]

use wire::anomaly::Kind;
use wire::decode::{Datagram, Decoder, Outcome};
use wire::dissect::Frame;
use wire::limits::Limits;

pub const SECOND: i64 = 1_000_000_000;
pub const SRC_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const DST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub const A4: [u8; 4] = [10, 0, 0, 1];
pub const B4: [u8; 4] = [10, 0, 0, 2];

pub fn a6() -> [u8; 16] {
    "fd00::1".parse::<std::net::Ipv6Addr>().unwrap().octets()
}
pub fn b6() -> [u8; 16] {
    "fd00::2".parse::<std::net::Ipv6Addr>().unwrap().octets()
}
pub fn mapped(a: [u8; 4]) -> [u8; 16] {
    std::net::Ipv4Addr::from(a).to_ipv6_mapped().octets()
}

pub fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&DST_MAC[..], &SRC_MAC, &kind.to_be_bytes(), payload].concat()
}

/// An IPv4 packet; `place`: flags and fragment offset as they stand in the header.
pub fn ip4_with(protocol: u8, id: u16, place: u16, ttl: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = (20 + options.len() + payload.len()) as u16;
    let mut head = vec![0x45 + (options.len() / 4) as u8, 0];
    head.extend(total.to_be_bytes());
    head.extend(id.to_be_bytes());
    head.extend(place.to_be_bytes());
    head.extend([ttl, protocol, 0, 0]);
    head.extend(A4);
    head.extend(B4);
    head.extend(options);
    let checksum = wire::ip::checksum(wire::ip::sum(&head));
    head[10..12].copy_from_slice(&checksum.to_be_bytes());
    head.extend(payload);
    head
}

pub fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ip4_with(protocol, 0x1234, 0, 64, &[], payload)
}

pub fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x60, 0, 0x12, 0x34];
    out.extend((payload.len() as u16).to_be_bytes());
    out.extend([next, 63]);
    out.extend(a6());
    out.extend(b6());
    out.extend(payload);
    out
}

pub fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    [&src.to_be_bytes()[..], &dst.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

/// What came of a frame, without borrows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    Ip(Box<Owned>),
    Arp(u16, Vec<u8>),
    Other(u16, u16, Vec<u8>),
    Held,
    Bad(&'static str),
    UnknownLink,
}

/// A datagram's fields that most tests compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    pub src: [u8; 16],
    pub dst: [u8; 16],
    pub v4: bool,
    pub protocol: u8,
    pub id: u32,
    pub ttl: u8,
    pub ip_bytes: u32,
    pub payload: Vec<u8>,
    pub missing: u32,
    pub tunnel: &'static str,
    pub vlan: u16,
    pub macs: Option<([u8; 6], [u8; 6])>,
}

impl Owned {
    pub fn of(d: &Datagram<'_>) -> Self {
        Self {
            src: d.src,
            dst: d.dst,
            v4: d.v4,
            protocol: d.protocol,
            id: d.id,
            ttl: d.ttl,
            ip_bytes: d.ip_bytes,
            payload: d.payload.to_vec(),
            missing: d.missing,
            tunnel: d.tunnel,
            vlan: d.link.vlan,
            macs: d.link.has_mac.then_some((d.link.src_mac, d.link.dst_mac)),
        }
    }
}

/// A decoder and the anomalies it reported.
pub struct Bench {
    pub decoder: Decoder,
    pub anomalies: Vec<(Kind, String)>,
    pub now: i64,
    frames: u64,
}

impl Bench {
    pub fn new(limits: &Limits) -> Self {
        Self { decoder: Decoder::new(limits), anomalies: Vec::new(), now: SECOND, frames: 0 }
    }
    pub fn cut(&mut self, link: u16, orig_len: u32, data: &[u8]) -> Got {
        self.frames += 1;
        let anomalies = &mut self.anomalies;
        let frame = Frame::new(0, self.frames);
        match self.decoder.decode(self.now, frame, link, orig_len, data, &mut |k, s| anomalies.push((k, s))) {
            Outcome::Ip(d) => Got::Ip(Box::new(Owned::of(&d))),
            Outcome::Arp { link, payload } => Got::Arp(link.vlan, payload.to_vec()),
            Outcome::Other { link, ethertype, payload } => Got::Other(link.vlan, ethertype, payload.to_vec()),
            Outcome::Held => Got::Held,
            Outcome::Bad(reason) => Got::Bad(reason),
            Outcome::UnknownLink => Got::UnknownLink,
        }
    }
    pub fn feed(&mut self, link: u16, data: &[u8]) -> Got {
        self.cut(link, data.len() as u32, data)
    }
    pub fn expire(&mut self) {
        let (now, anomalies) = (self.now, &mut self.anomalies);
        self.decoder.expire(now, &mut |k, s| anomalies.push((k, s)));
    }
    pub fn kinds(&self) -> Vec<Kind> {
        self.anomalies.iter().map(|a| a.0).collect()
    }
}

/// One frame through a new decoder; no anomaly is expected.
pub fn decode(link: u16, data: &[u8]) -> Got {
    let mut bench = Bench::new(&Limits::default());
    let got = bench.feed(link, data);
    assert_eq!(bench.anomalies, []);
    got
}

/// The datagram of a frame.
pub fn datagram(link: u16, data: &[u8]) -> Owned {
    match decode(link, data) {
        Got::Ip(d) => *d,
        other => panic!("no datagram: {other:?}"),
    }
}
