//! Protocols of control systems that are told by name only.

use super::reader::Reader;
use super::start::{Start, holds, request};
use crate::dissect::Probe;

/// What a TPKT (RFC 1006 section 6) carries of ISO transport (RFC 905 section 13.3):
///
/// ```text
///  0     1     2         4           5          6
/// +-----+-----+---------+-----------+----------+------------------------------------
/// | 3   | 0   | length  | header    | code     | DT (F0): end of message, user data
/// |     |     | of all  | length    |          | CR (E0), CC (D0): references, class, options
/// +-----+-----+---------+-----------+----------+------------------------------------
/// ```
pub(super) struct Transport<'a> {
    pub code: u8,
    /// Behind the fixed part of the header: options of a connection request, user data of a data message.
    pub rest: &'a [u8],
}

/// Reads the start of a TPKT; its end need not be there.
pub(super) fn transport(bytes: &[u8]) -> Option<Transport<'_>> {
    let mut at = Reader(bytes);
    let (version, _, length) = (at.u8()?, at.u8().filter(|&r| r == 0)?, at.u16()?);
    let (header, code) = (usize::from(at.u8()?), at.u8()? & 0xF0);
    let fits = version == 3 && length >= 7 && header + 5 <= length.into();
    let fixed = match code {
        0xE0 | 0xD0 if header >= 6 => 5,
        0xF0 if header == 2 => 1,
        0x80 if header >= 6 => 5,
        _ => return None,
    };
    at.take(fixed)?;
    let rest = at.0.get(..usize::from(length).saturating_sub(6 + fixed).min(at.len()))?;
    fits.then_some(Transport { code, rest })
}

fn by_code(code: u8, otherwise: Probe) -> Probe {
    match code {
        0xE0 => Probe::Client,
        0xD0 => Probe::Server,
        _ => otherwise,
    }
}

/// MS-RDPBCGR sections 2.2.1.1 and 2.2.1.2: a connection request with a cookie or a negotiation request, and
/// the confirm with a negotiation response or failure.
pub(super) fn rdp(start: &Start<'_>) -> Option<Probe> {
    let tpkt = transport(start.bytes)?;
    let cookie = tpkt.rest.starts_with(b"Cookie: ") || holds(tpkt.rest.get(..tpkt.rest.len().min(80))?, b"mstshash=");
    let asked = matches!(tpkt.rest, [1, _, 8, 0, _, 0, 0, 0]);
    let told = matches!(tpkt.rest, [2 | 3, _, 8, 0, _, 0, 0, 0]);
    let bare = tpkt.rest.is_empty() && start.on(3389);
    let fits = match tpkt.code {
        0xE0 => cookie || asked || bare,
        0xD0 => told || bare,
        _ => false,
    };
    fits.then(|| by_code(tpkt.code, Probe::Either))
}

/// A message of S7 communication (protocol id 0x32) in a data message: the type says who sends.
pub(super) fn s7comm(start: &Start<'_>) -> Option<Probe> {
    let tpkt = transport(start.bytes)?;
    match (tpkt.code, tpkt.rest) {
        (0xF0, [0x32, 1, ..]) => Some(Probe::Client),
        (0xF0, [0x32, 2 | 3, ..]) => Some(Probe::Server),
        (0xF0, [0x32, 7, ..]) => Some(start.part(102)),
        _ => None,
    }
}

/// S7 communication plus: protocol id 0x72 and one of its versions.
pub(super) fn s7comm_plus(start: &Start<'_>) -> Option<Probe> {
    let tpkt = transport(start.bytes)?;
    (tpkt.code == 0xF0 && matches!(tpkt.rest, [0x72, 1 | 2 | 3 | 0xFE, ..])).then(|| start.part(102))
}

/// The session and presentation layers under MMS (ISO 8327-1, ISO 8823-1; IEC 61850-8-1 annex A).
pub(super) fn mms(start: &Start<'_>) -> Option<Probe> {
    let tpkt = transport(start.bytes)?;
    match (tpkt.code, tpkt.rest) {
        // CONNECT and ACCEPT, whose user data name the abstract syntax of MMS 1.0.9506.2.1 or of ACSE.
        (0xF0, [kind @ (0x0D | 0x0E), ..]) if session(tpkt.rest) => request(*kind == 0x0D),
        // Give tokens, data transfer, then fully encoded presentation data.
        (0xF0, [1, 0, 1, 0, 0x61, ..]) => Some(start.part(102)),
        _ => None,
    }
}

/// Whether a session connect speaks of MMS.
fn session(data: &[u8]) -> bool {
    [&[0x28, 0xCA, 0x22, 2, 1][..], &[0x52, 1, 0, 1]].iter().any(|oid| data.windows(oid.len()).any(|w| w == *oid))
}

/// ISO transport whose user is not yet known: a connection request names transport addresses (TSAP).
pub(super) fn cotp(start: &Start<'_>) -> Option<Probe> {
    let tpkt = transport(start.bytes)?;
    let options = matches!(tpkt.rest, [0xC0..=0xC2, ..]);
    (matches!(tpkt.code, 0xE0 | 0xD0) && (options || start.on(102))).then(|| by_code(tpkt.code, Probe::Either))
}

/// The encapsulation header of EtherNet/IP (CIP volume 2 section 2-3.1), all little endian:
///
/// ```text
///  0         2        4         8        12                 20        24
/// +---------+--------+---------+--------+------------------+---------+-----------
/// | command | length | session | status | sender's context | options | data…
/// +---------+--------+---------+--------+------------------+---------+-----------
/// ```
pub(super) fn enip(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (command, length, session, status) = (at.u16_le()?, at.u16_le()?, at.u32_le()?, at.u32_le()?);
    at.take(8)?;
    let options = at.u32_le()?;
    let sane = matches!(status, 0..=3 | 0x64 | 0x65 | 0x69) && options == 0 && length <= 65_511;
    if !sane {
        return None;
    }
    match (command, length) {
        (4 | 0x63 | 0x64, 0) if session == 0 && at.is_empty() => Some(Probe::Client),
        (4 | 0x63 | 0x64, 6..) if usize::from(length) == at.len() => Some(Probe::Server),
        (0x65, 4) if at.0.starts_with(&[1, 0, 0, 0]) => request(session == 0 && status == 0),
        (0x6F | 0x70, 6..) if session != 0 && usize::from(length) >= at.len() => Some(start.part(44_818)),
        _ => None,
    }
}

/// Implicit messages of CIP (volume 2 section 2-6.1): items with a sequenced address (0x8002) and connected data.
pub(super) fn cip_io(start: &Start<'_>) -> Option<Probe> {
    let sane = start.starts(&[2, 0, 2, 0x80, 8, 0]) && start.bytes.get(14..16) == Some(&[0xB1, 0]);
    sane.then_some(Probe::Either)
}

/// A control unit of IEC 60870-5-104 (section 5.1): 0x68, length, four control octets, and a following one.
pub(super) fn iec104(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let mut found = None;
    while !at.is_empty() {
        if at.u8()? != 0x68 {
            return None;
        }
        let Some(mut unit) = at.block8() else { break };
        let part = control_unit(&mut unit, start)?;
        found = found.or(Some(part));
    }
    found
}

fn control_unit(unit: &mut Reader<'_>, start: &Start<'_>) -> Option<Probe> {
    let [a, b, c, _] = unit.array()?;
    match a & 3 {
        // U format: one of six functions and nothing else.
        3 if b == 0 && c == 0 && unit.is_empty() => match a {
            0x07 | 0x13 => Some(Probe::Client),
            0x0B | 0x23 => Some(Probe::Server),
            0x43 | 0x83 => Some(start.part(2404)),
            _ => None,
        },
        1 if a == 1 && b == 0 && c & 1 == 0 && unit.is_empty() => Some(start.part(2404)),
        // I format: a type that the standard defines, at least one object, a cause of transmission.
        0 | 2 if c & 1 == 0 => {
            let (kind, count, cause) = (unit.u8()?, unit.u8()?, unit.u8()? & 0x3F);
            let kinds = matches!(kind, 1..=40 | 45..=51 | 58..=64 | 70 | 100..=107 | 110..=113 | 120..=127);
            let causes = matches!(cause, 1..=13 | 20..=41 | 44..=47);
            let sane = kinds && causes && (count & 0x7F > 0 || kind >= 120) && unit.len() >= 3;
            sane.then(|| start.part(2404))
        }
        _ => None,
    }
}

/// FINS over TCP: the word `FINS`, length, command, error code.
pub(super) fn fins_stream(start: &Start<'_>) -> Option<Probe> {
    let mut at = Reader(start.bytes.strip_prefix(b"FINS")?);
    let (length, command, error) = (at.u32()?, at.u32()?, at.u32()?);
    let sane = (8..=2_100).contains(&length) && command <= 7 && error <= 0x25;
    sane.then(|| match command {
        0 => Probe::Client,
        1 => Probe::Server,
        _ => start.part(9600),
    })
}

/// FINS over UDP: flags, two fixed octets, addresses, service id, command.
pub(super) fn fins_datagram(start: &Start<'_>) -> Option<Probe> {
    let &[flags, 0, 2 | 7, _, _, _, _, _, _, _, main, sub, ..] = start.bytes else { return None };
    let commands = matches!((main, sub), (1..=7 | 9 | 0x0C | 0x20..=0x26, 1..=0x40));
    let flagged = flags & 0x80 != 0 && flags & 0x3E == 0;
    (flagged && commands && start.on(9600)).then_some(()).and_then(|()| request(flags & 0x40 == 0))
}

/// HART-IP (HCF_SPEC-085): version, message type, id, status, sequence, the length of the whole.
pub(super) fn hart_ip(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (version, kind, id, _status) = (at.u8()?, at.u8()?, at.u8()?, at.u8()?);
    let (_sequence, length) = (at.u16()?, at.u16()?);
    let sane = matches!(version, 1 | 2) && matches!(kind, 0..=2 | 15) && id <= 5;
    let fits = usize::from(length) == start.bytes.len();
    (sane && fits && (start.on(5094) || start.on(5095))).then(|| match kind {
        0 => Probe::Client,
        1 | 15 => Probe::Server,
        _ => start.part(5094),
    })
}

/// AMS of Beckhoff's ADS: target and source (net id and port), command, state flags, length, error, invoke id.
fn ams(mut at: Reader<'_>, length: usize) -> Option<Probe> {
    at.take(16)?;
    let (command, flags, data) = (at.u16_le()?, at.u16_le()?, at.u32_le()?);
    let sane = matches!(command, 1..=9) && flags & 4 != 0 && flags < 0x100;
    (sane && usize::try_from(data).ok()? + 32 == length).then_some(()).and_then(|()| request(flags & 1 == 0))
}

/// Over TCP: two zero octets and a length before it.
pub(super) fn ads_stream(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (zero, length) = (at.u16()?, usize::try_from(at.u32_le()?).ok()?);
    if zero != 0 {
        return None;
    }
    ams(at, length)
}

/// Route and discovery messages over UDP: the magic word 0x71146603.
pub(super) fn ads_datagram(start: &Start<'_>) -> Option<Probe> {
    start.starts(&[0x03, 0x66, 0x14, 0x71]).then(|| start.part(48_899))
}

/// The 3E frame of MELSEC communication: subheader, network, station, module 0x03FF, and the length of the rest.
pub(super) fn melsec(start: &Start<'_>) -> Option<Probe> {
    let &[kind @ (0x50 | 0xD0), 0, _, _, 0xFF, 3, _, low, high, ..] = start.bytes else { return None };
    let fits = usize::from(u16::from_le_bytes([low, high])) + 9 == start.bytes.len();
    fits.then_some(()).and_then(|()| request(kind == 0x50))
}

/// The block driver of CODESYS 3 over TCP: a magic number and the length of all.
pub(super) fn codesys_stream(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (magic, length) = (at.u32_le()?, usize::try_from(at.u32_le()?).ok()?);
    (magic == 0xE817_0100 && (8..=65_536).contains(&length)).then(|| start.part(11_740))
}

/// The router of CODESYS 3 over UDP: 0xC5, hop information, on the ports 1740 to 1743.
pub(super) fn codesys_datagram(start: &Start<'_>) -> Option<Probe> {
    let router = |port: u16| (1740..=1743).contains(&port);
    (start.byte(0)? == 0xC5 && start.bytes.len() >= 12 && router(start.from) && router(start.to))
        .then_some(Probe::Either)
}

/// GE's SRTP: messages of 56 octets; the first one and its answer are empty but for the type.
pub(super) fn ge_srtp(start: &Start<'_>) -> Option<Probe> {
    let mailbox: &[u8; 56] = start.bytes.first_chunk()?;
    let port = start.on(18_245) || start.on(18_246);
    let empty = mailbox.iter().skip(1).all(|&b| b == 0);
    match mailbox {
        [0, ..] if port && empty => Some(Probe::Client),
        [1, ..] if port => Some(Probe::Server),
        [2, 0, ..] if port => Some(Probe::Client),
        [3, 0, ..] if port => Some(Probe::Server),
        _ => None,
    }
}

/// BACnet/IP (ANSI/ASHRAE 135 annex J): 0x81, function, the length of all, then the network layer's version 1.
pub(super) fn bacnet(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (kind, function, length) = (at.u8()?, at.u8()?, at.u16()?);
    if kind != 0x81 || function > 0x0C || usize::from(length) != start.bytes.len() {
        return None;
    }
    match function {
        4 => {
            at.take(6)?;
            (at.u8()? == 1).then_some(Probe::Either)
        }
        9..=11 => (at.u8()? == 1).then(|| application(at).unwrap_or(Probe::Either)),
        _ => Some(Probe::Either),
    }
}

/// The sender's part by the type of the application layer (clause 20.1), where nothing stands between.
fn application(mut at: Reader<'_>) -> Option<Probe> {
    let control = at.u8()?;
    if control & 0x80 != 0 {
        return None;
    }
    if control & 0x20 != 0 {
        at.u16()?;
        at.block8()?;
    }
    if control & 0x08 != 0 {
        at.u16()?;
        at.block8()?;
    }
    if control & 0x20 != 0 {
        at.u8()?;
    }
    match at.u8()? >> 4 {
        0 => Some(Probe::Client),
        2 | 3 | 5 | 6 => Some(Probe::Server),
        _ => None,
    }
}

/// KNXnet/IP (EN ISO 22510): header of six octets, version 1.0, service, the length of all.
pub(super) fn knx(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (header, service, length) = (at.u16()?, at.u16()?, at.u16()?);
    let services =
        matches!(service, 0x0201..=0x0210 | 0x0310..=0x0311 | 0x0420..=0x0426 | 0x0530..=0x0533 | 0x0950..=0x0956);
    let rest = start.bytes.get(length.into()..)?;
    let fits = length >= 6 && (rest.is_empty() || rest.starts_with(&[6, 0x10]));
    (header == 0x0610 && services && fits).then(|| start.part(3671))
}

/// The context manager of PROFINET IO: connectionless DCE/RPC (C706 section 12.5) with an interface of PROFINET.
///
/// ```text
///  0         1      2       4            8          24            40
/// +---------+------+-------+------------+----------+-------------+------
/// | 4       | type | flags | data repr. | object   | interface   | …
/// +---------+------+-------+------------+----------+-------------+------
/// ```
pub(super) fn profinet_cm(start: &Start<'_>) -> Option<Probe> {
    let &[4, kind @ 0..=10, _, _, order, ..] = start.bytes else { return None };
    // DEA0000x-6C97-11D1-8271-00A02442DF7D: its last eight octets have no byte order.
    let interface = start.bytes.get(24..40)?;
    let fixed = interface.ends_with(&[0x82, 0x71, 0x00, 0xA0, 0x24, 0x42, 0xDF, 0x7D]);
    let head =
        if order & 0x10 != 0 { interface.get(2..4)? == [0xA0, 0xDE] } else { interface.get(..2)? == [0xDE, 0xA0] };
    // Types: request, ping, response, fault, working, no call, reject, acknowledge, cancel, fack, cancel ack.
    (fixed && head).then_some(()).and_then(|()| request(matches!(kind, 0 | 1 | 7 | 8)))
}

/// ANSI C12.22: an ACSE message (application 0) whose called title or context is an object under C12.22's arc.
pub(super) fn c1222(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (kind, length) = at.tag_length()?;
    let arc = [0x2B, 6, 1, 4, 1, 0x82, 0x85, 0x63];
    let head = at.0.get(..at.len().min(48))?;
    (kind == 0x60 && length >= 12 && head.windows(arc.len()).any(|w| w == arc)).then(|| start.part(1153))
}
