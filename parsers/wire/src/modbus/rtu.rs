//! RTU framing inside TCP or UDP: what serial gateways in transparent mode carry (Modbus over Serial Line
//! Specification and Implementation Guide V1.02, clause 2.5.1). Length comes from the function, proof from the CRC.

use super::codes::{self, Standing};
use super::extent::extent;
use super::frame::{self, Found};
use crate::dissect::Dir;

/// Address, PDU of one byte, CRC.
const SHORTEST: usize = 4;
/// The longest frame (clause 2.5.1.1).
const LONGEST: usize = 256;
/// Addresses above are reserved (clause 2.2).
const LAST_ADDRESS: u8 = 247;

/// Table of the CRC's bytes: polynomial 0xA001, reflected (clause 6.2.2).
static TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut out = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
            bit += 1;
        }
        out[byte as usize] = crc;
        byte += 1;
    }
    out
}

fn step(crc: u16, byte: u8) -> u16 {
    crc >> 8 ^ TABLE.get(usize::from((crc ^ u16::from(byte)) & 0xFF)).copied().unwrap_or_default()
}

/// The CRC of a frame without its last two bytes.
#[must_use]
pub fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, &byte| step(crc, byte))
}

/// What stands at the start of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A frame of that many bytes: its CRC is right.
    Frame(usize),
    /// Nothing can be said below that many bytes.
    Need(usize),
    /// A frame of that length by its function, whose CRC is wrong.
    Wrong(usize),
    /// Nothing that could be a frame.
    Nothing,
}

/// ```text
///  0         1                     n
/// +---------+--------------- - - -+-----------+
/// | address | function, data      | CRC, low  |
/// +---------+--------------- - - -+-----------+
/// ```
#[must_use]
pub fn look(dir: Dir, bytes: &[u8]) -> Seen {
    match bytes {
        [address, ..] if *address > LAST_ADDRESS => return Seen::Nothing,
        [_, _, _, _, ..] => {}
        _ => return Seen::Need(SHORTEST),
    }
    let pdu = bytes.get(1..).unwrap_or_default();
    let Some(length) = extent(dir, pdu) else { return unknown(bytes) };
    let total = 1 + length + 2;
    match bytes.get(..total) {
        _ if total > LONGEST => Seen::Nothing,
        Some(frame) if right(frame) => Seen::Frame(total),
        Some(_) => Seen::Wrong(total),
        None => Seen::Need(total),
    }
}

/// A function that does not say its length (or does not say it yet): the frame ends where the CRC is right.
fn unknown(bytes: &[u8]) -> Seen {
    let mut running = 0xFFFF;
    for (at, &byte) in bytes.iter().enumerate().take(LONGEST - 2) {
        running = step(running, byte);
        if at > 0 && bytes.get(at + 1..at + 3) == Some(&running.to_le_bytes()) {
            return Seen::Frame(at + 3);
        }
    }
    if bytes.len() < LONGEST { Seen::Need(bytes.len() + 1) } else { Seen::Nothing }
}

fn right(frame: &[u8]) -> bool {
    frame.split_last_chunk::<2>().is_some_and(|(body, sum)| crc(body).to_le_bytes() == *sum)
}

/// The PDU of a frame.
#[must_use]
pub fn pdu(frame: &[u8]) -> &[u8] {
    frame.get(1..frame.len().saturating_sub(2)).unwrap_or_default()
}

/// Whether the bytes are one strict frame, or several: known functions of the right shape, CRCs right, nothing else.
#[must_use]
pub fn strict(dir: Dir, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        match look(dir, rest) {
            Seen::Frame(n) if frame::fits(dir, pdu(rest.get(..n).unwrap_or_default())) => {
                rest = rest.get(n..).unwrap_or_default();
            }
            _ => return false,
        }
    }
    !bytes.is_empty()
}

/// Whether a frame would start with an address and a function of the standard.
#[must_use]
pub fn known(bytes: &[u8]) -> bool {
    let public = |&code: &u8| codes::function(code, None).standing == Standing::Public;
    bytes.first().is_some_and(|&address| address <= LAST_ADDRESS) && bytes.get(1).is_some_and(public)
}

/// Looks for the next frame when the stream is out of step. Only known functions are believed: each place costs
/// at most one CRC.
#[must_use]
pub fn search(dir: Dir, bytes: &[u8]) -> Found {
    for at in 0..bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let found = if rest.len() < SHORTEST || known(rest) { look(dir, rest) } else { Seen::Nothing };
        match (found, at) {
            (Seen::Frame(_), 0) => return Found::Message,
            (Seen::Need(n), 0) => return Found::Need(n),
            (Seen::Frame(_) | Seen::Need(_), _) => return Found::Skip(at),
            _ => {}
        }
    }
    Found::Skip(bytes.len().max(1))
}

/// The same where MBAP is expected, at the first `reach` places: only whole frames of the right shape count,
/// nothing is waited for.
#[must_use]
pub fn find(dir: Dir, bytes: &[u8], reach: usize) -> Found {
    for at in 0..bytes.len().min(reach) {
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some(Seen::Frame(n)) = known(rest).then(|| look(dir, rest))
            && frame::fits(dir, pdu(rest.get(..n).unwrap_or_default()))
        {
            return if at == 0 { Found::Message } else { Found::Skip(at) };
        }
    }
    Found::Skip(bytes.len().max(1))
}
