//! Databases, queues, tunnels and other services of the office side.

use super::start::{Start, holds, printable, request};
use crate::dissect::Probe;

/// The start-up messages of PostgreSQL 3.0: length, version or request code, then `user`.
pub(super) fn postgres(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (length, code) = (at.u32()?, at.u32()?);
    let asks = length == 8 && matches!(code, 0x04D2_162F | 0x04D2_1630) && at.is_empty();
    let starts = code == 0x0003_0000 && (16..10_000).contains(&length) && printable(at.0.get(..4)?);
    (asks || starts).then_some(Probe::Client)
}

/// A server's greeting: length (24 bits), sequence 0, protocol 10, a version with digits and a zero byte.
pub(super) fn mysql(start: &Start<'_>) -> Option<Probe> {
    let &[a, b, 0, 0, 10, first, ..] = start.bytes else { return None };
    let length = usize::from(u16::from_le_bytes([a, b]));
    let version = start.bytes.get(5..)?;
    let end = memchr::memchr(0, version.get(..version.len().min(80))?)?;
    let sane = first.is_ascii_digit() && printable(version.get(..end)?) && version.contains(&b'.');
    (sane && length + 4 == start.bytes.len()).then_some(Probe::Server)
}

/// A pre-login message of MS-TDS (section 2.2.6.5): type 0x12, end of message, length, then options up to 0xFF.
pub(super) fn mssql(start: &Start<'_>) -> Option<Probe> {
    let &[kind @ (0x12 | 0x04), 1, high, low, _, _, packet, 0, 0, 0, offset, ..] = start.bytes else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let sane = length == start.bytes.len() && packet <= 1 && (6..64).contains(&offset);
    sane.then_some(()).and_then(|()| request(kind == 0x12))
}

/// A TNS connect packet: length, checksum 0, type 1, and a connect descriptor.
pub(super) fn oracle(start: &Start<'_>) -> Option<Probe> {
    let &[high, low, 0, 0, 1, _, 0, 0, ..] = start.bytes else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    (length == start.bytes.len() && holds(start.bytes, b"(description=")).then_some(Probe::Client)
}

/// A Kafka request: length, api key, api version, correlation id, client id.
pub(super) fn kafka(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let length = usize::try_from(at.u32()?).ok()?;
    let whole = length == at.len();
    let (key, version, correlation, id) = (at.u16()?, at.u16()?, at.u32()?, at.u16()?);
    let name = at.take(id.into())?;
    let sane = whole && key <= 74 && version <= 18 && correlation < 1 << 24 && id < 256;
    (sane && printable(name)).then_some(Probe::Client)
}

/// The X Window System's setup request: byte order, protocol 11.0.
pub(super) fn x11(start: &Start<'_>) -> Option<Probe> {
    let setup = start.starts(&[b'l', 0, 11, 0, 0, 0]) || start.starts(&[b'B', 0, 0, 11, 0, 0]);
    (setup && (6000..6064).contains(&start.to) && start.bytes.len() >= 12).then_some(Probe::Client)
}

pub(super) fn teamviewer(start: &Start<'_>) -> Option<Probe> {
    (start.starts(&[0x17, 0x24]) && start.on(5938)).then(|| start.part(5938))
}

/// STUN (RFC 8489 section 5): two zero bits, length, the magic cookie.
pub(super) fn stun(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (kind, length, cookie) = (at.u16()?, at.u16()?, at.u32()?);
    let sane = kind < 0x4000 && cookie == 0x2112_A442 && usize::from(length) + 20 == start.bytes.len();
    sane.then_some(()).and_then(|()| request(kind & 0x0100 == 0))
}

/// A long header of QUIC versions 1 and 2 (RFC 9000 section 17.2, RFC 9369) with connection ids of at most 20 bytes.
pub(super) fn quic(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (first, version) = (at.u8()?, at.u32()?);
    let (to, from) = (at.block8()?, at.block8()?);
    let known = matches!(version, 1 | 0x6B33_43CF | 0xFF00_001B..=0xFF00_0022);
    let sane = first & 0xC0 == 0xC0 && to.len() <= 20 && from.len() <= 20 && at.len() >= 20;
    (known && sane).then(|| start.part(443))
}

/// An IKE header (RFC 7296 section 3.1): cookies, version 1 or 2, exchange type, the length of the whole.
pub(super) fn isakmp(start: &Start<'_>) -> Option<Probe> {
    let bytes = if start.on(4500) { start.bytes.strip_prefix(&[0; 4])? } else { start.bytes };
    let version = *bytes.get(17)?;
    let length = u32::from_be_bytes(*bytes.get(24..)?.first_chunk()?);
    let sane = matches!(version, 0x10 | 0x20) && usize::try_from(length) == Ok(bytes.len());
    (sane && (start.on(500) || start.on(4500))).then(|| {
        let fresh = bytes.get(8..16) == Some(&[0; 8]);
        if fresh { Probe::Client } else { Probe::Either }
    })
}

/// WireGuard's handshake: type 1 or 2, three reserved bytes, fixed lengths.
pub(super) fn wireguard(start: &Start<'_>) -> Option<Probe> {
    match (start.bytes, start.bytes.len()) {
        ([1, 0, 0, 0, ..], 148) => Some(Probe::Client),
        ([2, 0, 0, 0, ..], 92) => Some(Probe::Server),
        _ => None,
    }
}

/// CoAP (RFC 7252 section 3), read to its end: header, token, options, payload marker.
///
/// ```text
///  0                1        2
/// +---+---+--------+--------+-----------------+--------+----------+------+---------
/// | 1 | T | TKL    | code   | message id      | token  | options… | 0xFF | payload
/// +---+---+--------+--------+-----------------+--------+----------+------+---------
/// ```
pub(super) fn coap(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (first, code) = (at.u8()?, at.u8()?);
    at.u16()?;
    let (version, tokens) = (first >> 6, first & 0x0F);
    let class = code >> 5;
    if version != 1 || tokens > 8 || !matches!(class, 0 | 2 | 4 | 5) || !start.on(5683) {
        return None;
    }
    at.take(tokens.into())?;
    while let Some(option) = at.u8() {
        if option == 0xFF {
            return if at.is_empty() { None } else { request(class == 0) };
        }
        let mut extend = |nibble: u8| match nibble {
            13 => at.u8().map(|n| usize::from(n) + 13),
            14 => at.u16().map(|n| usize::from(n) + 269),
            15 => None,
            n => Some(usize::from(n)),
        };
        let (_delta, length) = (extend(option >> 4)?, extend(option & 0x0F)?);
        at.take(length)?;
    }
    request(class == 0)
}
