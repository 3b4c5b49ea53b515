//! Between whom a packet goes.

use wire::decode::{Decoder, Outcome};

use crate::chunk::Record;

const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
const ETHERNET: u16 = 1;

/// Between whom a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Who sends, IPv4 mapped.
    pub src: [u8; 16],
    /// To whom.
    pub dst: [u8; 16],
    /// Of TCP and UDP.
    pub src_port: u16,
    /// Of TCP and UDP.
    pub dst_port: u16,
    /// Whether it is TCP.
    pub tcp: bool,
    /// Of TCP.
    pub flags: u8,
    /// ARP: it tells of hosts, and goes to everybody.
    pub arp: bool,
}

/// The ends of the datagram, inside tunnels as the packet path reads it; `None`: neither IP nor ARP.
#[inline]
pub fn ends(decoder: &mut Decoder, r: &Record<'_>) -> Option<Ends> {
    match decoder.decode(r.ts, r.frame, r.link, r.orig_len, r.data, &mut |_, _| {}) {
        Outcome::Ip(d) => {
            let number = |at: usize| d.payload.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
            let ported = matches!(d.protocol, TCP | UDP);
            let (src_port, dst_port) = if ported { (number(0), number(2)) } else { (0, 0) };
            let tcp = d.protocol == TCP;
            let flags = if tcp { d.payload.get(13).copied().unwrap_or(0) } else { 0 };
            Some(Ends { src: d.src, dst: d.dst, src_port, dst_port, tcp, flags, arp: false })
        }
        Outcome::Arp { payload, .. } => arp(payload),
        // A fragment that waits for the others: the decoder gives none of it, its own header names the hosts.
        Outcome::Held if r.link == ETHERNET => outermost(r.data),
        _ => None,
    }
}

/// ```text
///  0 hardware | 2 protocol | 4 lengths | 6 operation | 8 sender's MAC | 14 sender | 18 target's MAC | 24 target
/// ```
fn arp(payload: &[u8]) -> Option<Ends> {
    let address = |at: usize| payload.get(at..at + 4).map(mapped);
    (payload.get(2..6)? == [0x08, 0x00, 6, 4]).then_some(())?;
    let (src, dst) = (address(14)?, address(24)?);
    Some(Ends { src, dst, src_port: 0, dst_port: 0, tcp: false, flags: 0, arp: true })
}

/// The addresses of the first IP header of an Ethernet frame.
fn outermost(data: &[u8]) -> Option<Ends> {
    let mut at = 12;
    let mut kind = u16_at(data, at)?;
    while TAGS.contains(&kind) {
        at += 4;
        kind = u16_at(data, at)?;
    }
    let ip = data.get(at + 2..)?;
    let (src, dst) = match kind {
        IPV4 => (mapped(ip.get(12..16)?), mapped(ip.get(16..20)?)),
        IPV6 => (ip.get(8..24)?.try_into().ok()?, ip.get(24..40)?.try_into().ok()?),
        _ => return None,
    };
    Some(Ends { src, dst, src_port: 0, dst_port: 0, tcp: false, flags: 0, arp: false })
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn mapped(v4: &[u8]) -> [u8; 16] {
    let mut address = [0u8; 16];
    address[10..12].fill(0xff);
    address[12..].copy_from_slice(v4);
    address
}
