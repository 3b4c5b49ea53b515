//! pcapng, as the draft "PCAP Next Generation (pcapng) Capture File Format" (draft-ietf-opsawg-pcapng) has it.
//!
//! A block is `type, total length, body, total length again`. The walk goes by the leading length; a block whose body
//! contradicts itself is skipped by it and counted.

use crate::reader::{Facts, Next, Record};
use crate::source::Source;
use crate::{BLOCK_BYTES, INTERFACES};

const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAMES: u32 = 4;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const JOURNAL: u32 = 9;
const SECRETS: u32 = 10;
/// Custom blocks, may and may not be copied.
const CUSTOM: [u32; 2] = [0x0bad, 0x4000_0bad];
/// Bytes of the smallest block: type and both lengths.
const BLOCK_MIN: usize = 12;

/// Blocks before a packet that are remembered.
const PRELUDE: usize = 64;

const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;
const OPTION_IFDROP: u16 = 5;

/// How ticks become nanoseconds.
#[derive(Clone, Copy)]
enum Resolution {
    /// Ticks of 10^-9 s or coarser: times this.
    Multiply(u64),
    /// Ticks finer than 10^-9 s: divided by this.
    Divide(u64),
    /// Ticks of 2^-n s.
    Binary(u32),
}

struct Interface {
    link: u16,
    snap: u32,
    resolution: Resolution,
    /// Nanoseconds to add.
    offset: i64,
    dropped: u64,
}

/// The state of a section.
#[derive(Default)]
pub(crate) struct Pcapng {
    big: bool,
    interfaces: Vec<Interface>,
    /// Time of the last packet: a simple packet block has none of its own.
    last_ts: i64,
    /// Where the section's header and its descriptions of interfaces stand: whoever begins in its middle reads them
    /// first. None: too many, or packets have no times of their own; then only the start of the file will do.
    prelude: Option<Vec<u64>>,
}

/// What came of one block.
enum Block {
    Packet(Record),
    /// Read, and holds no packet.
    Done,
    /// Skipped because of this.
    Damaged(&'static str),
}

impl Pcapng {
    fn u16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    #[inline]
    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    fn u64(&self, bytes: &[u8], at: usize) -> Option<u64> {
        let raw: [u8; 8] = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(if self.big { u64::from_be_bytes(raw) } else { u64::from_le_bytes(raw) })
    }

    /// The next packet. Blocks without one are read or skipped on the way.
    pub fn next(&mut self, source: &mut Source, facts: &mut Facts, warning: &mut Option<String>) -> Next {
        loop {
            if !source.ensure(BLOCK_MIN) {
                return match source.bytes().len() {
                    0 => Next::End,
                    n => Next::Broken(format!("{n} of {BLOCK_MIN} bytes of a block's header are there")),
                };
            }
            let (kind, total) = match self.header(source) {
                Ok(header) => header,
                Err(broken) => return broken,
            };
            if total > BLOCK_BYTES {
                // Too long for any block that is read, but its length says where the next one starts.
                facts.skipped_blocks += 1;
                if !source.skip(total as u64) {
                    return Next::Broken(format!("a block of type {kind:#x} and {total} bytes is cut"));
                }
                warn(warning, facts, source, &format!("a block of type {kind:#x} has {total} bytes and was skipped"));
                continue;
            }
            if !source.ensure(total) {
                let have = source.bytes().len();
                return Next::Broken(format!("{have} of {total} bytes of a block of type {kind:#x} are there"));
            }
            let start = source.offset();
            let at = source.take(total);
            self.note(kind, start);
            match self.block(kind, source.at(at, total), at, facts) {
                Block::Packet(record) => {
                    self.last_ts = record.ts;
                    return Next::Packet(Record { start, ..record });
                }
                Block::Done => {}
                Block::Damaged(why) => {
                    facts.skipped_blocks += 1;
                    warn(warning, facts, source, &format!("a block was skipped ({why})"));
                }
            }
        }
    }

    #[inline]
    fn note(&mut self, kind: u32, start: u64) {
        match kind {
            ENHANCED_PACKET => {}
            SECTION => self.prelude = Some(vec![start]),
            INTERFACE => {
                self.prelude = self.prelude.take().filter(|list| list.len() < PRELUDE).map(|mut list| {
                    list.push(start);
                    list
                });
            }
            SIMPLE_PACKET => self.prelude = None,
            _ => {}
        }
    }

    /// See the field.
    pub fn prelude(&self) -> Option<&[u64]> {
        self.prelude.as_deref()
    }

    /// Reads the block at hand, which holds no packet.
    pub fn read_prelude(&mut self, source: &mut Source, facts: &mut Facts) -> bool {
        if !source.ensure(BLOCK_MIN) {
            return false;
        }
        let Ok((kind @ (SECTION | INTERFACE), total)) = self.header(source) else { return false };
        if total > BLOCK_BYTES || !source.ensure(total) {
            return false;
        }
        let start = source.offset();
        let at = source.take(total);
        self.note(kind, start);
        matches!(self.block(kind, source.at(at, total), at, facts), Block::Done)
    }

    /// Type and total length of the block that starts here; a section header sets the byte order first.
    #[inline]
    fn header(&mut self, source: &Source) -> Result<(u32, usize), Next> {
        let head = source.bytes();
        if head.starts_with(&SECTION.to_be_bytes()) {
            let order = head.get(8..12).unwrap_or_default();
            self.big = order == BYTE_ORDER;
            if !self.big && order.iter().rev().ne(&BYTE_ORDER) {
                return Err(Next::Broken("a section header without byte-order magic".into()));
            }
        }
        let (Some(kind), Some(total)) = (self.u32(head, 0), self.u32(head, 4)) else {
            return Err(Next::End);
        };
        // "This value MUST be a multiple of 4": some writers forget it, and pad all the same.
        let padded = (total as usize).next_multiple_of(4);
        if (total as usize) < BLOCK_MIN {
            return Err(Next::Broken(format!("a block of type {kind:#x} says that it has {total} bytes")));
        }
        Ok((kind, padded))
    }

    #[inline]
    fn block(&mut self, kind: u32, block: &[u8], at: usize, facts: &mut Facts) -> Block {
        let body = block.get(8..block.len() - 4).unwrap_or_default();
        let read = match kind {
            ENHANCED_PACKET => return self.packet(body, at, self.u32(body, 0).unwrap_or(u32::MAX) as usize),
            PACKET => return self.packet(body, at, usize::from(self.u16(body, 0).unwrap_or(u16::MAX))),
            SIMPLE_PACKET => return self.simple_packet(body, at),
            SECTION => self.section(body),
            INTERFACE => self.interface(body),
            STATISTICS => self.statistics(body, facts),
            NAMES | SECRETS => Some(()),
            JOURNAL => {
                facts.other_frames += 1;
                Some(())
            }
            _ => {
                facts.skipped_blocks += 1;
                facts.other_frames += u64::from(CUSTOM.contains(&kind));
                Some(())
            }
        };
        if read.is_some() { Block::Done } else { Block::Damaged("shorter than its fields") }
    }

    /// ```text
    ///  0 byte-order magic  4 major  6 minor  8 section length  16 options
    /// ```
    /// Every section describes its own interfaces. Its length is not needed: blocks follow each other.
    fn section(&mut self, body: &[u8]) -> Option<()> {
        self.u64(body, 8)?;
        self.interfaces.clear();
        Some(())
    }

    /// ```text
    ///  0 link type  2 reserved  4 snap length (0: none)  8 options
    /// ```
    fn interface(&mut self, body: &[u8]) -> Option<()> {
        let (link, snap) = (self.u16(body, 0)?, self.u32(body, 4)?);
        let mut interface = Interface { link, snap, resolution: Resolution::Multiply(1_000), offset: 0, dropped: 0 };
        let options = body.get(8..).unwrap_or_default();
        self.options(options, |code, value| match (code, value) {
            (OPTION_TSRESOL, [exponent, ..]) => interface.resolution = Resolution::of(*exponent),
            (OPTION_TSOFFSET, _) => {
                let seconds = i64::from_ne_bytes(self.u64(value, 0).unwrap_or(0).to_ne_bytes());
                interface.offset = seconds.saturating_mul(1_000_000_000);
            }
            _ => {}
        });
        if self.interfaces.len() < INTERFACES {
            self.interfaces.push(interface);
        }
        Some(())
    }

    /// ```text
    ///  0 interface  4 time, high  8 time, low  12 options
    /// ```
    fn statistics(&mut self, body: &[u8], facts: &mut Facts) -> Option<()> {
        let number = self.u32(body, 0)? as usize;
        let mut dropped = None;
        self.options(body.get(12..)?, |code, value| {
            if code == OPTION_IFDROP {
                dropped = self.u64(value, 0);
            }
        });
        if let (Some(interface), Some(now)) = (self.interfaces.get_mut(number), dropped) {
            // The count is since the capture's start: what was said before is in it.
            facts.dropped = facts.dropped.saturating_add(now.saturating_sub(interface.dropped));
            interface.dropped = now;
        }
        Some(())
    }

    /// Options: `code, length, value padded to 4`, until code 0 or the end.
    fn options(&self, mut bytes: &[u8], mut each: impl FnMut(u16, &[u8])) {
        while let (Some(code), Some(length)) = (self.u16(bytes, 0), self.u16(bytes, 2)) {
            let length = usize::from(length);
            let Some(value) = bytes.get(4..4 + length) else { return };
            if code == 0 {
                return;
            }
            each(code, value);
            bytes = bytes.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    /// ```text
    ///  0 interface (the obsolete block: u16, u16 drops)  4 time, high  8 time, low
    /// 12 captured length  16 original length  20 data, padded to 4, options
    /// ```
    #[inline]
    fn packet(&self, body: &[u8], at: usize, interface: usize) -> Block {
        let (Some(high), Some(low), Some(captured), Some(orig_len)) =
            (self.u32(body, 4), self.u32(body, 8), self.u32(body, 12), self.u32(body, 16))
        else {
            return Block::Damaged("shorter than its fields");
        };
        let Some(interface) = self.interfaces.get(interface) else {
            return Block::Damaged("of an interface that is not described");
        };
        let len = captured as usize;
        if len > body.len() - 20 {
            return Block::Damaged("its packet is longer than itself");
        }
        let ts = interface.time(u64::from(high) << 32 | u64::from(low));
        Block::Packet(Record { ts, link: interface.link, orig_len, at: at + 28, len, start: 0 })
    }

    /// ```text
    ///  0 original length  4 data, padded to 4
    /// ```
    /// It is of the section's first interface, whose snap length says how much of the padding is none.
    fn simple_packet(&self, body: &[u8], at: usize) -> Block {
        let Some(orig_len) = self.u32(body, 0) else { return Block::Damaged("shorter than its fields") };
        let Some(interface) = self.interfaces.first() else {
            return Block::Damaged("of an interface that is not described");
        };
        let snap = if interface.snap == 0 { u32::MAX } else { interface.snap };
        let len = (orig_len.min(snap) as usize).min(body.len() - 4);
        Block::Packet(Record { ts: self.last_ts, link: interface.link, orig_len, at: at + 12, len, start: 0 })
    }
}

impl Resolution {
    /// "If the Most Significant Bit is equal to zero, the remaining bits indicate the resolution as a negative power
    /// of 10 […]; if it is equal to one, as a negative power of 2."
    fn of(exponent: u8) -> Self {
        let n = u32::from(exponent & 0x7f);
        match (exponent & 0x80 != 0, n) {
            (true, _) => Self::Binary(n),
            (false, 0..=9) => Self::Multiply(10_u64.pow(9 - n)),
            (false, _) => Self::Divide(10_u64.checked_pow(n - 9).unwrap_or(u64::MAX)),
        }
    }
}

impl Interface {
    #[inline]
    fn time(&self, ticks: u64) -> i64 {
        let whole = match self.resolution {
            Resolution::Multiply(by) => u128::from(ticks) * u128::from(by),
            Resolution::Divide(by) => u128::from(ticks / by),
            // ticks < 2^64 and 10^9 < 2^30: the product fits; a shift by 128 or more leaves nothing.
            Resolution::Binary(n) => (u128::from(ticks) * 1_000_000_000).checked_shr(n).unwrap_or(0),
        };
        i64::try_from(whole).unwrap_or(i64::MAX).saturating_add(self.offset)
    }
}

#[cold]
fn warn(warning: &mut Option<String>, facts: &Facts, source: &Source, what: &str) {
    // The first says it; the rest are counted in `skipped_blocks`.
    if warning.is_none() {
        *warning = Some(format!("{}: before byte {} of its content {what}", facts.path, source.offset()));
    }
}
