//! Classic pcap, as the draft "PCAP Capture File Format" (draft-ietf-opsawg-pcap) has it, and its variants.

use crate::PACKET_BYTES;
use crate::reader::{Next, Record};
use crate::source::Source;

/// Bytes of the file header.
pub(crate) const FILE_HEADER: usize = 24;

/// Which of a record's two lengths is the captured one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    /// Before version 2.3 the two stood the other way round.
    OriginalFirst,
    /// Version 2.3 was written both ways: the smaller is the captured one.
    Smaller,
}

/// What the file header says.
pub(crate) struct Pcap {
    swapped: bool,
    /// Nanoseconds of a unit of the fraction.
    unit: i64,
    /// Bytes of a record's header: 16, or 24 in Kuznetzov's variant.
    header: usize,
    link: u16,
    lengths: Lengths,
}

#[inline]
fn number(bytes: &[u8], at: usize, swapped: bool) -> u32 {
    let raw = bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b));
    if swapped { raw.swap_bytes() } else { raw }
}

/// The four numbers that a record begins with.
#[inline]
fn numbers(head: &[u8; 16], swapped: bool) -> [u32; 4] {
    let whole = u128::from_le_bytes(*head);
    let all = [0, 32, 64, 96].map(|bit| (whole >> bit) as u32);
    if swapped { all.map(u32::swap_bytes) } else { all }
}

impl Pcap {
    /// Reads the file header; `None` when the magic number is none of pcap's.
    ///
    /// ```text
    ///  0 magic   4 major  6 minor   8 zone  12 accuracy  16 snap length  20 FCS length, f, reserved, link type
    /// ```
    pub fn open(head: &[u8]) -> Option<(Self, &'static str)> {
        let magic = number(head, 0, false);
        let (swapped, unit, header, name) = match magic {
            0xa1b2_c3d4 => (false, 1_000, 16, "pcap"),
            0xd4c3_b2a1 => (true, 1_000, 16, "pcap"),
            0xa1b2_3c4d => (false, 1, 16, "pcap ns"),
            0x4d3c_b2a1 => (true, 1, 16, "pcap ns"),
            0xa1b2_cd34 => (false, 1_000, 24, "pcap modified"),
            0x34cd_b2a1 => (true, 1_000, 24, "pcap modified"),
            _ => return None,
        };
        let version = number(head, 4, swapped);
        // Two 16-bit fields read as one number: which half is which depends on the file's byte order.
        let (major, minor) =
            if swapped { (version >> 16, version & 0xffff) } else { (version & 0xffff, version >> 16) };
        let lengths = match (major, minor) {
            (2, 0..=2) => Lengths::OriginalFirst,
            (2, 3) => Lengths::Smaller,
            _ => Lengths::CapturedFirst,
        };
        // The upper half holds the frame check sequence's length.
        let link = (number(head, 20, swapped) & 0xffff) as u16;
        Some((Self { swapped, unit, header, link, lengths }, name))
    }

    /// The next record.
    ///
    /// ```text
    ///  0 seconds  4 fraction  8 captured length  12 original length  [16 interface  20 protocol  22 type]  data
    /// ```
    #[inline]
    pub fn next(&self, source: &mut Source) -> Next {
        if !source.ensure(self.header) {
            return match source.bytes().len() {
                0 => Next::End,
                n => Next::Broken(format!("{n} of {} bytes of a record's header are there", self.header)),
            };
        }
        let head = source.bytes().first_chunk().copied().unwrap_or_default();
        let [seconds, fraction, mut captured, mut original] = numbers(&head, self.swapped);
        if self.lengths != Lengths::CapturedFirst && (self.lengths == Lengths::OriginalFirst || captured > original) {
            (captured, original) = (original, captured);
        }
        let len = captured as usize;
        if len > PACKET_BYTES {
            return Next::Broken(format!("a record of {len} bytes is damage (more than {PACKET_BYTES})"));
        }
        if !source.ensure(self.header + len) {
            let have = source.bytes().len().saturating_sub(self.header);
            return Next::Broken(format!("{have} of {len} bytes of a packet are there"));
        }
        let start = source.offset();
        let at = source.take(self.header + len) + self.header;
        // At most 2^32 s and 2^32 units: below 2^63 ns by far.
        let ts = i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * self.unit;
        Next::Packet(Record { ts, link: self.link, orig_len: original, at, len, start })
    }
}
