//! Facts about hosts from below IP: ARP, LLDP, PROFINET's discovery and configuration protocol.

use super::{Host, NO_IP, mac_text, mapped};
use crate::dissect::{Frame, Nanos};
use crate::names::reader::Reader;
use crate::rows::Rows;

/// ARP (RFC 826). The row's address is the sender's; `value` is the operation, `gratuitous` where the sender asks for or
/// tells its own address, ` for ADDRESS` where it asks for another's, and ` via MAC` where the frame came from another
/// hardware address than it claims.
///
/// ```text
///  0      2      4    5    6      8            14          18           24          28
/// +------+------+----+----+------+------------+-----------+------------+-----------+
/// | 1    | 0800 | 6  | 4  | op   | sender MAC | sender IP | target MAC | target IP |
/// +------+------+----+----+------+------------+-----------+------------+-----------+
/// ```
pub fn arp(rows: &mut Rows, ts: Nanos, frame: Frame, vlan: u16, src_mac: [u8; 6], payload: &[u8]) {
    let read = || {
        let mut at = Reader(payload);
        // Hardware type 6 is IEEE 802 with the same addresses.
        let (hardware, protocol, lengths, op) = (at.u16()?, at.u16()?, at.u16()?, at.u16()?);
        let known = matches!(hardware, 1 | 6) && protocol == 0x0800 && lengths == 0x0604;
        let fields = (op, at.array::<6>()?, at.array::<4>()?, at.array::<6>()?, at.array::<4>()?);
        known.then_some(fields)
    };
    // A sender without an address only probes (RFC 5227 section 1.1).
    let Some((op, mac, ip, _, target)) = read().filter(|f| f.2 != [0; 4]) else { return };
    let gratuitous = ip == target;
    let mut value = String::from(match (op, gratuitous) {
        (1, false) => "request",
        (2, false) => "reply",
        (1, true) => "gratuitous request",
        (2, true) => "gratuitous reply",
        _ => "other",
    });
    if op == 1 && !gratuitous {
        let [a, b, c, d] = target;
        value.push_str(&format!(" for {a}.{b}.{c}.{d}"));
    }
    if mac != src_mac {
        value.push_str(" via ");
        value.push_str(mac_text(src_mac, &mut [0; 17]));
    }
    Host { ts, frame, vlan, source: "arp", ip: mapped(ip), mac: Some(mac) }.says(rows, "address", &value);
}

/// LLDP (IEEE 802.1AB clause 8): elements of type (7 bits), length (9 bits), value.
pub fn lldp(rows: &mut Rows, ts: Nanos, frame: Frame, vlan: u16, src_mac: [u8; 6], payload: &[u8]) {
    let elements = || {
        let mut at = Reader(payload);
        std::iter::from_fn(move || {
            let head = at.u16()?;
            let value = at.take(usize::from(head & 0x1FF))?;
            (head >> 9 != 0).then_some((head >> 9, value))
        })
    };
    let mut host = Host { ts, frame, vlan, source: "lldp", ip: NO_IP, mac: Some(src_mac) };
    for (kind, value) in elements() {
        match (kind, value) {
            // A chassis named by its hardware address: ports have their own.
            (1, &[4, a, b, c, d, e, f]) => host.mac = Some([a, b, c, d, e, f]),
            // A management address: length of family and address, family 1 or 2 (IANA address families), address.
            (8, &[5, 1, a, b, c, d, ..]) => host.ip = mapped([a, b, c, d]),
            (8, [17, 2, rest @ ..]) if host.ip == NO_IP => {
                host.ip = rest.first_chunk().copied().unwrap_or(NO_IP);
            }
            _ => {}
        }
    }
    for (kind, value) in elements() {
        match kind {
            5 => host.says_bytes(rows, "hostname", value),
            6 => host.says_bytes(rows, "model", value),
            7 => {
                let enabled = value.get(2..).and_then(<[u8]>::first_chunk).map_or(0, |c| u16::from_be_bytes(*c));
                for (bit, role) in [(2, "switch"), (3, "access_point"), (4, "router"), (7, "station")] {
                    if enabled >> bit & 1 == 1 {
                        host.says(rows, "role", role);
                    }
                }
            }
            _ => {}
        }
    }
    if host.ip != NO_IP {
        host.says(rows, "address", "lldp");
    }
}

/// PROFINET DCP (IEC 61158-6-10, ethertype 0x8892, frame ids 0xFEFC to 0xFEFF). Answers tell the station's name, maker
/// and address; a request to set them is a fact about the one who asks: field `dcp_set`.
///
/// ```text
///  0          2         3        4     8         10       12
/// +----------+---------+--------+-----+---------+--------+--------------------------------------
/// | frame id | service | type   | xid | delay   | length | option, suboption, length, value, pad
/// +----------+---------+--------+-----+---------+--------+--------------------------------------
/// ```
pub fn profinet_dcp(rows: &mut Rows, ts: Nanos, frame: Frame, vlan: u16, src_mac: [u8; 6], payload: &[u8]) {
    let mut at = Reader(payload);
    let read = |at: &mut Reader<'_>| {
        let (id, service, kind) = (at.u16()?, at.u8()?, at.u8()?);
        at.take(6)?;
        (0xFEFC..=0xFEFF).contains(&id).then_some((id, service, kind))
    };
    let Some((id, service, kind)) = read(&mut at) else { return };
    let Some(Reader(blocks)) = at.block16() else { return };
    // Service 4 is Set, 3 Get, 5 Identify, 6 Hello; type 0 a request, 1 a success, 5 not supported.
    let (answer, set) = (kind == 1 && matches!(service, 3 | 5) || id == 0xFEFC, service == 4 && kind == 0);
    let mut host = Host { ts, frame, vlan, source: "profinet", ip: NO_IP, mac: Some(src_mac) };
    if set {
        for (option, value) in self::blocks(blocks) {
            asks(&host, rows, option, value);
        }
    }
    if !answer {
        return;
    }
    for (option, value) in self::blocks(blocks) {
        if let ((1, 2), [a, b, c, d, ..]) = (option, value) {
            host.ip = mapped([*a, *b, *c, *d]);
        }
    }
    if host.ip != mapped([0; 4]) && host.ip != NO_IP {
        host.says(rows, "address", "dcp");
    }
    self::blocks(blocks).for_each(|(option, value)| tells(&host, rows, option, value));
}

/// What a station tells of itself.
fn tells(host: &Host<'_>, rows: &mut Rows, option: (u8, u8), value: &[u8]) {
    match (option, value) {
        ((2, 1), _) => host.says_bytes(rows, "model", value),
        ((2, 2), _) => host.says_bytes(rows, "hostname", value),
        ((2, 3), &[a, b, c, d, ..]) => {
            host.says(rows, "vendor", &format!("0x{a:02x}{b:02x}"));
            host.says(rows, "device_id", &format!("0x{c:02x}{d:02x}"));
        }
        ((2, 4), &[role, ..]) => {
            for (bit, name) in [(0, "io_device"), (1, "io_controller"), (2, "io_multidevice"), (3, "io_supervisor")] {
                if role >> bit & 1 == 1 {
                    host.says(rows, "role", name);
                }
            }
        }
        _ => {}
    }
}

/// What a Set asks for: a name, an address, a reset.
fn asks(host: &Host<'_>, rows: &mut Rows, option: (u8, u8), value: &[u8]) {
    let text = match (option, value) {
        ((2, 2), name) => format!("name {}", String::from_utf8_lossy(name)),
        ((1, 2), &[a, b, c, d, ..]) => format!("address {a}.{b}.{c}.{d}"),
        ((5, 3), _) => "signal".into(),
        ((5, 4..=6), _) => "reset".into(),
        _ => return,
    };
    host.says(rows, "dcp_set", &text);
}

/// Option and suboption with the value of each block; two octets of information or qualifier stand before the value,
/// and an odd length is padded.
fn blocks(bytes: &[u8]) -> impl Iterator<Item = ((u8, u8), &[u8])> {
    let mut at = Reader(bytes);
    std::iter::from_fn(move || {
        let option = (at.u8()?, at.u8()?);
        let value = at.block16()?.0;
        if value.len() % 2 == 1 {
            at.take(1);
        }
        Some((option, value.get(2..).unwrap_or_default()))
    })
}
