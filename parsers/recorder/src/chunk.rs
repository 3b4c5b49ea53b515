//! Packets one behind the other in one piece of memory, as they lie in a segment file too.
//!
//! ```text
//!  0 time | 8 frame | 16 length on the wire | 20 captured length | 24 link type, u16 | 26 zero | 28 the bytes
//! ```

use wire::decode::Decoder;
use wire::dissect::{Frame, Nanos};

use crate::ends::{Ends, ends};

const HEADER: usize = 28;

/// A packet, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Nanoseconds since the epoch.
    pub ts: Nanos,
    /// Its place.
    pub frame: Frame,
    /// LINKTYPE_ value.
    pub link: u16,
    /// Bytes on the wire.
    pub orig_len: u32,
    /// The bytes captured.
    pub data: &'a [u8],
}

/// What is known of a chunk without reading it.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub first: Nanos,
    pub last: Nanos,
    pub packets: u64,
    /// The lowest and the highest.
    pub frames: (Frame, Frame),
}

impl Default for Span {
    fn default() -> Self {
        Self { first: Nanos::MAX, last: Nanos::MIN, packets: 0, frames: (Frame(u64::MAX), Frame::NONE) }
    }
}

impl Span {
    pub fn meets(&self, from: Nanos, to: Nanos) -> bool {
        self.first <= to && self.last >= from
    }

    pub fn join(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.packets += other.packets;
        self.frames = (self.frames.0.min(other.frames.0), self.frames.1.max(other.frames.1));
    }
}

#[derive(Debug, Default)]
pub struct Chunk {
    pub bytes: Vec<u8>,
    pub span: Span,
}

impl Chunk {
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), span: Span::default() }
    }

    #[inline]
    pub fn room(&self, data: &[u8]) -> bool {
        self.bytes.is_empty() || self.bytes.len() + HEADER + data.len() <= self.bytes.capacity()
    }

    #[inline]
    pub fn push(&mut self, r: &Record<'_>) {
        let mut head = [0u8; HEADER];
        head[..8].copy_from_slice(&r.ts.to_le_bytes());
        head[8..16].copy_from_slice(&r.frame.0.to_le_bytes());
        head[16..20].copy_from_slice(&r.orig_len.to_le_bytes());
        head[20..24].copy_from_slice(&u32::try_from(r.data.len()).unwrap_or(u32::MAX).to_le_bytes());
        head[24..26].copy_from_slice(&r.link.to_le_bytes());
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(r.data);
        self.span.join(&Span { first: r.ts, last: r.ts, packets: 1, frames: (r.frame, r.frame) });
    }

    pub fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes);
        self.span.join(&other.span);
    }
}

/// The packets of a chunk's bytes, up to where they are none any more.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<HEADER>()?;
        let u32_at = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
        let u64_at = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
        let (data, rest) = rest.split_at_checked(u32_at(20)? as usize)?;
        bytes = rest;
        let link = u16::from_le_bytes([head[24], head[25]]);
        Some(Record { ts: u64_at(0)?.cast_signed(), frame: Frame(u64_at(8)?), link, orig_len: u32_at(16)?, data })
    })
}

/// Which hosts a chunk has packets of, perhaps some more, and which of them began a connection in it: two Bloom filters
/// of a byte a packet, 8 KiB at most.
#[derive(Debug)]
pub struct Summary {
    hosts: Vec<u8>,
    openings: Vec<u8>,
}

impl Summary {
    pub fn of(bytes: &[u8], span: &Span, decoder: &mut Decoder) -> Self {
        let size = usize::try_from(span.packets).unwrap_or(usize::MAX).clamp(64, 8192).next_power_of_two();
        let mut made = Self { hosts: vec![0; size], openings: vec![0; size] };
        let mut before: Option<([u8; 16], [u8; 16])> = None;
        for record in records(bytes) {
            let Some(found) = ends(decoder, &record) else { continue };
            if found.opens() {
                mark(&mut made.openings, &found.src);
                mark(&mut made.openings, &found.dst);
            }
            if before != Some((found.src, found.dst)) {
                mark(&mut made.hosts, &found.src);
                mark(&mut made.hosts, &found.dst);
                before = Some((found.src, found.dst));
            }
        }
        made
    }

    pub fn holds(&self, host: &[u8; 16]) -> bool {
        marked(&self.hosts, host)
    }

    pub fn opens(&self, host: &[u8; 16]) -> bool {
        marked(&self.openings, host)
    }
}

fn places(bits: usize, host: &[u8; 16]) -> [usize; 3] {
    let (high, low) = host.split_at(8);
    let word = |half: &[u8]| half.iter().fold(0u64, |sum, &b| sum << 8 | u64::from(b));
    let mut mixed = (word(high) ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xff51_afd7_ed55_8ccd) ^ word(low);
    std::array::from_fn(|_| {
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from(mixed >> 33).unwrap_or(0) & (bits - 1)
    })
}

fn mark(filter: &mut [u8], host: &[u8; 16]) {
    for place in places(filter.len() * 8, host) {
        filter[place / 8] |= 1 << (place % 8);
    }
}

fn marked(filter: &[u8], host: &[u8; 16]) -> bool {
    places(filter.len() * 8, host).iter().all(|place| filter[place / 8] & (1 << (place % 8)) != 0)
}

impl Ends {
    /// Whether it is the first packet of a TCP connection.
    pub fn opens(&self) -> bool {
        const SYN: u8 = 0x02;
        const ACK: u8 = 0x10;
        self.tcp && self.flags & (SYN | ACK) == SYN
    }
}
