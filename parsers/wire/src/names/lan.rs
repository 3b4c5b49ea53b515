//! Services of a local network: names, addresses, time, files, management.

use super::ber::{self, tag};
use super::reader::Reader;
use super::start::{Start, printable, request};
use crate::dissect::Probe;

/// A DNS message's header and first question (RFC 1035 section 4.1).
///
/// ```text
///  0      2       4         6         8         10        12
/// +------+-------+---------+---------+---------+---------+---------------------------
/// | id   | flags | queries | answers | authors | others  | name, type, class…
/// +------+-------+---------+---------+---------+---------+---------------------------
/// ```
pub(super) struct Question<'a> {
    pub response: bool,
    /// The labels with their lengths before them.
    pub name: &'a [u8],
}

/// Reads a message's start strictly: codes that exist, counts that fit, a whole first name.
pub(super) fn question(bytes: &[u8]) -> Option<Question<'_>> {
    let mut at = Reader(bytes);
    at.u16()?;
    let flags = at.u16()?;
    let [queries, answers, authors, others] = [at.u16()?, at.u16()?, at.u16()?, at.u16()?];
    let (response, opcode, code) = (flags & 0x8000 != 0, flags >> 11 & 15, flags & 15);
    let records = [queries, answers, authors, others].iter().map(|&n| usize::from(n)).sum::<usize>();
    // The smallest record is a root name, type and class.
    let counts = records > 0 && records * 5 <= at.len() && queries <= 256;
    let codes = matches!(opcode, 0..=2 | 4..=6 | 8) && code <= 10 && (response || answers == 0 || opcode != 0);
    if !counts || !codes {
        return None;
    }
    let names = at.0;
    let mut used = 0;
    loop {
        let length = at.u8()?;
        used += 1 + usize::from(length);
        match length {
            0 => break,
            1..=63 if used < 255 => at.take(length.into())?,
            _ => return None,
        };
    }
    let (kind, class) = (at.u16()?, at.u16()?);
    // The top bit of a class asks for a unicast answer or flushes caches (RFC 6762 sections 5.4, 10.2).
    let classes = matches!(class & 0x7FFF, 1 | 3 | 4 | 254 | 255);
    (classes && kind != 0).then_some(Question { response, name: names.get(..used)? })
}

fn dns_on(start: &Start<'_>, port: u16) -> Option<Probe> {
    let question = start.on(port).then(|| question(start.bytes))??;
    request(!question.response)
}

pub(super) fn dns(start: &Start<'_>) -> Option<Probe> {
    dns_on(start, 53)
}

/// RFC 6762. A resolver may happen to ask from this port.
pub(super) fn mdns(start: &Start<'_>) -> Option<Probe> {
    if start.on(53) {
        return None;
    }
    dns_on(start, 5353)
}

/// RFC 4795.
pub(super) fn llmnr(start: &Start<'_>) -> Option<Probe> {
    dns_on(start, 5355)
}

/// RFC 1002 section 4.2: names are 32 letters A to P.
pub(super) fn nbns(start: &Start<'_>) -> Option<Probe> {
    if !start.on(137) {
        return None;
    }
    let mut at = start.reader();
    at.u16()?;
    let flags = at.u16()?;
    at.take(8)?;
    let letters = |name: &[u8]| name.iter().all(|b| (b'A'..=b'P').contains(b));
    (at.u8()? == 32 && letters(at.take(32)?)).then_some(()).and_then(|()| request(flags & 0x8000 == 0))
}

/// Over TCP the message's length stands before it (RFC 1035 section 4.2.2).
pub(super) fn dns_stream(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let length = usize::from(at.u16()?);
    if length > at.len() + 65_000 || !start.on(53) {
        return None;
    }
    let question = question(at.0.get(..length.min(at.len()))?)?;
    request(!question.response)
}

/// RFC 1002 section 4.4.1: message type, flags, id, then the source's own address and port.
pub(super) fn netbios_datagram(start: &Start<'_>) -> Option<Probe> {
    let kind = start.byte(0)?;
    let port = start.bytes.get(8..10)?;
    ((0x10..=0x16).contains(&kind) && start.on(138) && port == 138_u16.to_be_bytes()).then_some(Probe::Either)
}

/// RFC 2131 section 2: operation, Ethernet addresses, and the magic cookie of options.
pub(super) fn dhcp(start: &Start<'_>) -> Option<Probe> {
    let &[op @ 1..=2, 1, 6, ..] = start.bytes else { return None };
    (start.bytes.get(236..240)? == [0x63, 0x82, 0x53, 0x63]).then_some(()).and_then(|()| request(op == 1))
}

/// RFC 8415 sections 8 and 9: message type, transaction id (relays: hops and two addresses), options to the end.
pub(super) fn dhcpv6(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let kind = at.u8()?;
    at.take(if matches!(kind, 12 | 13) { 33 } else { 3 })?;
    if !(start.on(546) || start.on(547)) || !(1..=13).contains(&kind) || at.is_empty() {
        return None;
    }
    while !at.is_empty() {
        at.u16().filter(|option| (1..256).contains(option))?;
        at.block16()?;
    }
    request(!matches!(kind, 2 | 7 | 10 | 13))
}

/// NTP (RFC 5905 section 7.3): leap, version and mode in the first byte, then the stratum; or a control message.
pub(super) fn ntp(start: &Start<'_>) -> Option<Probe> {
    let (first, stratum) = (start.byte(0)?, start.byte(1)?);
    let (version, mode, length) = (first >> 3 & 7, first & 7, start.bytes.len());
    // A precision is a negative power of two; only clients that hide what they are send others.
    let precise = matches!(start.byte(3)?, 0 | 0xC0..) || matches!(mode, 3 | 4);
    let time = matches!(mode, 1..=5) && length >= 48 && stratum <= 16 && precise;
    let control = match mode {
        // A control message's count is of the data behind its twelve octets (RFC 9327 section 2).
        6 => start.bytes.get(10..).and_then(<[u8]>::first_chunk).is_some_and(|&n| {
            let count = usize::from(u16::from_be_bytes(n));
            (count + 12..=count + 12 + 24).contains(&length)
        }),
        // A private one names the implementation, of which three were assigned.
        7 => version <= 3 && matches!(start.byte(2), Some(0 | 2 | 3)) && length >= 8,
        _ => false,
    };
    if !start.on(123) || !(1..=4).contains(&version) || !(time || control) {
        return None;
    }
    Some(match mode {
        3 => Probe::Client,
        4 | 5 => Probe::Server,
        _ => start.part(123),
    })
}

/// PTP (IEEE 1588-2019 section 13.3): message type, version, and the length of the whole.
pub(super) fn ptp(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (kind, version, length) = (at.u8()? & 15, at.u8()? & 15, at.u16()?);
    let ports = start.on(319) || start.on(320);
    let sane = matches!(kind, 0..=3 | 8..=13) && matches!(version, 1 | 2);
    (ports && sane && (34..=start.bytes.len()).contains(&length.into())).then_some(Probe::Either)
}

/// RFC 2865 section 3: code, id, length, authenticator.
pub(super) fn radius(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (code, _id, length) = (at.u8()?, at.u8()?, at.u16()?);
    let ports = [1812, 1813, 1645, 1646].iter().any(|&p| start.on(p));
    let sane = matches!(code, 1..=5 | 11) && length >= 20 && usize::from(length) == start.bytes.len();
    (ports && sane).then_some(()).and_then(|()| request(matches!(code, 1 | 4)))
}

/// RFC 1350 section 5: read or write request with file name and mode.
pub(super) fn tftp(start: &Start<'_>) -> Option<Probe> {
    let (name, mode) = tftp_request(start.bytes)?;
    let modes = [&b"netascii"[..], b"octet", b"mail"].iter().any(|m| mode.eq_ignore_ascii_case(m));
    (printable(name) && modes).then_some(Probe::Client)
}

/// File name and mode of a request.
pub(super) fn tftp_request(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let &[0, 1 | 2, ..] = bytes else { return None };
    let mut texts = bytes.get(2..)?.split(|&b| b == 0);
    let found = (texts.next()?, texts.next()?);
    texts.next().map(|_| found)
}

/// What a message of SNMP shows (RFC 1157, RFC 1901, RFC 3412).
pub(super) struct Snmp {
    pub version: u32,
    /// Tag of the PDU; 0 in version 3.
    pub pdu: u8,
    /// Version 3: the flags of the message.
    pub flags: u8,
}

pub(super) fn snmp_message(bytes: &[u8]) -> Option<Snmp> {
    let (mut at, whole) = ber::sequence(bytes)?;
    let version = at.integer()?;
    if version == 3 {
        let mut header = at.tagged(tag::SEQUENCE)?;
        header.integer()?;
        header.integer()?;
        let &[flags] = header.tagged(tag::OCTETS)?.0 else { return None };
        return (whole && header.integer()? == 3).then_some(Snmp { version, pdu: 0, flags });
    }
    at.tagged(tag::OCTETS)?;
    let (pdu, _) = at.tag_length()?;
    (whole && version <= 1 && (0xA0..=0xA8).contains(&pdu)).then_some(Snmp { version, pdu, flags: 0 })
}

pub(super) fn snmp(start: &Start<'_>) -> Option<Probe> {
    let message = snmp_message(start.bytes)?;
    Some(match message.pdu {
        0 => start.part(161),
        0xA2 | 0xA8 => Probe::Server,
        _ => Probe::Client,
    })
}

/// An LDAP message (RFC 4511 section 4.1.1): a sequence of message id and an operation.
pub(super) fn ldap_operation(bytes: &[u8]) -> Option<(u8, Reader<'_>)> {
    let (mut at, _) = ber::sequence(bytes)?;
    let id = at.integer()?;
    let (operation, length) = at.tag_length()?;
    let known = matches!(operation, 0x60 | 0x61 | 0x42 | 0x63..=0x6F | 0x4A | 0x73 | 0x50 | 0x77 | 0x78 | 0x79);
    (id < 1 << 31 && known).then(|| (operation, Reader(at.0.get(..length).unwrap_or(at.0))))
}

pub(super) fn ldap(start: &Start<'_>) -> Option<Probe> {
    let (operation, mut body) = ldap_operation(start.bytes)?;
    // A bind names the protocol's version; other operations are too plain without the port.
    let bind = operation == 0x60 && matches!(body.integer(), Some(2 | 3));
    let port = [389, 3268].iter().any(|&p| start.on(p));
    let answers = matches!(operation, 0x61 | 0x64 | 0x65 | 0x67 | 0x69 | 0x6B | 0x6D | 0x6F | 0x73 | 0x78 | 0x79);
    (bind || port).then_some(()).and_then(|()| request(!answers))
}

/// SMB over NetBIOS framing (MS-SMB2 section 2.1): a zero byte, the length (24 bits), then `\xFFSMB`, `\xFESMB` or
/// the transform header `\xFDSMB`; or the request for a NetBIOS session (RFC 1002 section 4.3.2).
pub(super) fn smb(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let kind = at.u8()?;
    let length = at.u24()?;
    let head = at.0;
    match (kind, head) {
        (0, [0xFF, b'S', b'M', b'B', ..]) if length >= 32 => request(head.get(9)? & 0x80 == 0),
        (0, [0xFE, b'S', b'M', b'B', 64, 0, ..]) if length >= 64 => request(head.get(16)? & 1 == 0),
        (0, [0xFD | 0xFC, b'S', b'M', b'B', ..]) if length >= 32 => Some(start.part(445)),
        (0x81, [32, ..]) if length == 68 => Some(Probe::Client),
        (0x82, []) if length == 0 && start.from == 139 => Some(Probe::Server),
        _ => None,
    }
}

/// DCE/RPC over TCP (C706 section 12.6.3): version 5.0, packet type, little endian, the fragment's length.
pub(super) fn dcerpc(start: &Start<'_>) -> Option<Probe> {
    let &[5, 0 | 1, kind, _, 0x10, 0, 0, 0, low, high, ..] = start.bytes else { return None };
    let length = u16::from_le_bytes([low, high]);
    let fits = usize::from(length) <= start.bytes.len().max(5840) && length >= 16;
    match kind {
        0 | 11 | 14 | 16 | 18 | 19 if fits => Some(Probe::Client),
        2 | 3 | 12 | 13 | 15 if fits => Some(Probe::Server),
        _ => None,
    }
}

/// ONC RPC (RFC 5531 section 9): a call of version 2 to a program of the system, over TCP behind a record mark.
pub(super) fn rpc(start: &Start<'_>) -> Option<Probe> {
    let call = |bytes| {
        let mut at = Reader(bytes);
        let (_id, direction, version, program) = (at.u32()?, at.u32()?, at.u32()?, at.u32()?);
        let (release, procedure) = (at.u32()?, at.u32()?);
        let sane = direction == 0 && version == 2 && (100_000..=100_300).contains(&program);
        (sane && release < 16 && procedure < 64).then_some(Probe::Client)
    };
    call(start.bytes).or_else(|| call(start.bytes.get(4..).filter(|_| start.byte(0) == Some(0x80))?))
}

/// Kerberos (RFC 4120 section 5.10): an application tag, a sequence, protocol version 5; over TCP behind a length.
pub(super) fn kerberos(start: &Start<'_>) -> Option<Probe> {
    let message = |bytes| {
        let mut at = Reader(bytes);
        let (kind, _) = at.tag_length()?;
        let (sequence, _) = at.tag_length()?;
        let request = matches!(kind, 0x6A | 0x6C);
        let known = request || matches!(kind, 0x6B | 0x6D | 0x7E);
        // Requests number the version [1], answers [0].
        let version = [if request { 0xA1 } else { 0xA0 }, 3, 2, 1, 5];
        (known && sequence == tag::SEQUENCE && at.0.starts_with(&version)).then_some(request)
    };
    let found = message(start.bytes).or_else(|| message(start.bytes.get(4..)?))?;
    request(found)
}

/// BGP (RFC 4271 section 4.1): sixteen octets of ones, length, type.
pub(super) fn bgp(start: &Start<'_>) -> Option<Probe> {
    let mut at = start.reader();
    let (marker, length, kind) = (at.array::<16>()?, at.u16()?, at.u8()?);
    (marker == [0xFF; 16] && (19..=4096).contains(&length) && (1..=5).contains(&kind)).then(|| start.part(179))
}
