//! MBAP framing: the header in front of each PDU on TCP (Modbus Messaging on TCP/IP Implementation Guide
//! V1.0b, clause 3.1.3), and how to find the next one when the stream is out of step.

use super::codes::{self, EXCEPTION, Standing};
use super::read;
use crate::dissect::Dir;

/// Bytes in front of the PDU.
pub const HEADER: usize = 7;
/// Header and function code: what must be at hand to judge a header.
pub const JUDGED: usize = HEADER + 1;
/// The length field counts the unit and the PDU: at most 1 + 253 bytes (clause 4.1 of the application protocol).
const LONGEST: u16 = 254;
/// Longer messages are waited for up to this length: what a sloppy device may send, not enough to hide much behind.
const TOLERATED: u16 = 1_024;

/// ```text
///  0           2           4           6     7
/// +-----------+-----------+-----------+-----+---------- - -
/// |transaction| protocol=0|  length   |unit | function, data
/// +-----------+-----------+-----------+-----+---------- - -
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Chosen by the client, repeated by the server.
    pub transaction: u16,
    /// 0.
    pub protocol: u16,
    /// Bytes of unit and PDU.
    pub length: u16,
    /// Unit identifier.
    pub unit: u8,
    /// First byte of the PDU.
    pub code: u8,
}

/// What a header's length is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Within the standard.
    Sound,
    /// Longer than the standard allows, still bearable.
    Long,
    /// No message has it.
    Absurd,
}

impl Header {
    /// The header at the start, when it and the function code are there.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[t0, t1, p0, p1, l0, l1, unit, code] = bytes.first_chunk::<JUDGED>()?;
        Some(Self {
            transaction: u16::from_be_bytes([t0, t1]),
            protocol: u16::from_be_bytes([p0, p1]),
            length: u16::from_be_bytes([l0, l1]),
            unit,
            code,
        })
    }

    /// Bytes of the whole message.
    #[must_use]
    pub fn total(&self) -> usize {
        HEADER - 1 + usize::from(self.length)
    }

    /// What the length is worth.
    #[must_use]
    pub fn size(&self) -> Size {
        match self.length {
            2..=LONGEST => Size::Sound,
            n if n > LONGEST && n <= TOLERATED => Size::Long,
            _ => Size::Absurd,
        }
    }

    /// Whether protocol and length are those of Modbus.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.protocol == 0 && self.size() == Size::Sound
    }

    /// Whether the function is one of the standard's.
    #[must_use]
    pub fn public(&self) -> bool {
        codes::function(self.code, None).standing == Standing::Public
    }
}

/// Whether a PDU's shape is what its public function asks for in that direction.
#[must_use]
pub fn fits(dir: Dir, pdu: &[u8]) -> bool {
    let Some(&code) = pdu.first() else { return false };
    if codes::function(code, None).standing != Standing::Public {
        return false;
    }
    let read = if dir == Dir::ToServer { read::request(pdu) } else { read::response(pdu, None) };
    // Clause 7: the exception codes there are.
    read.fault.is_none() && (code & EXCEPTION == 0 || matches!(read.exception, Some(1..=6 | 8 | 10 | 11)))
}

/// What stands behind a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// The next header, plausible.
    Header,
    /// Nothing: the bytes end with the message.
    End,
    /// Too few bytes to say.
    Unknown,
    /// Something that is no header.
    Other,
}

/// What stands at `at`.
#[must_use]
pub fn behind(bytes: &[u8], at: usize) -> Behind {
    let rest = bytes.get(at..).unwrap_or_default();
    match Header::read(rest) {
        _ if rest.is_empty() => Behind::End,
        None => Behind::Unknown,
        Some(header) if header.sound() => Behind::Header,
        Some(_) => Behind::Other,
    }
}

/// The units that a flow has named: evidence for the next header.
#[derive(Debug, Default, Clone, Copy)]
pub struct Units([u64; 4]);

impl Units {
    /// Remembers a unit.
    pub fn add(&mut self, unit: u8) {
        if let Some(word) = self.0.get_mut(usize::from(unit >> 6)) {
            *word |= 1 << (unit & 63);
        }
    }
    /// Whether the unit was seen.
    #[must_use]
    pub fn has(&self, unit: u8) -> bool {
        self.0.get(usize::from(unit >> 6)).is_some_and(|word| word >> (unit & 63) & 1 == 1)
    }
}

/// What a search for the next header found at the start of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A message starts here.
    Message,
    /// It could start here: that many bytes are needed to tell.
    Need(usize),
    /// The next candidate is that many bytes away.
    Skip(usize),
}

/// Whether a whole message for a known unit stands at the start, whatever its function and what follows it.
#[must_use]
pub fn begins(bytes: &[u8], units: &Units) -> bool {
    Header::read(bytes).is_some_and(|h| h.sound() && h.code != 0 && units.has(h.unit) && h.total() <= bytes.len())
}

/// Looks for a message when the stream is out of step, at the first `reach` places: each is looked at once.
#[must_use]
pub fn search(dir: Dir, bytes: &[u8], units: &Units, reach: usize) -> Found {
    let mut at = 0;
    while let Some(header) = bytes.get(at..).filter(|_| at < reach).and_then(Header::read) {
        let rest = bytes.get(at..).unwrap_or_default();
        if header.sound() {
            let known = units.has(header.unit);
            match rest.get(HEADER..header.total()) {
                Some(pdu) if believable(dir, pdu, known, behind(rest, header.total())) => {
                    return if at == 0 { Found::Message } else { Found::Skip(at) };
                }
                None if header.public() => {
                    return if at == 0 { Found::Need(header.total()) } else { Found::Skip(at) };
                }
                _ => {}
            }
        }
        at += 1;
    }
    if at == 0 { Found::Need(JUDGED) } else { Found::Skip(at) }
}

/// A PDU of the right shape is believed, unless neither its unit nor what stands behind it speak for it;
/// one of another shape (user-defined functions) needs both.
fn believable(dir: Dir, pdu: &[u8], known: bool, behind: Behind) -> bool {
    let next = matches!(behind, Behind::Header | Behind::End);
    if fits(dir, pdu) { known || behind != Behind::Other } else { known && next }
}

/// Whether a stream's first bytes are plainly something else: a TLS record or a line of text.
#[must_use]
pub fn foreign(bytes: &[u8]) -> bool {
    let text = |b: &u8| matches!(b, b'\r' | b'\n' | b'\t' | 0x20..=0x7E);
    match bytes {
        // TLS: content type, version 3.x
        [0x14..=0x17, 3, 0..=4, ..] => {
            bytes.get(2..4) != Some(&[0, 0]) || Header::read(bytes).is_some_and(|h| !h.sound())
        }
        _ => bytes.len() >= 4 && bytes.iter().take(JUDGED).all(text),
    }
}
