//! Facts about hosts that application protocols tell in datagrams: EtherNet/IP, BACnet, mDNS, NetBIOS names.

use super::{Host, mapped};
use crate::dissect::{Frame, Nanos};
use crate::names::reader::Reader;
use crate::names::session::netbios;
use crate::rows::Rows;

/// Records of one message that are read.
const RECORDS: usize = 64;
/// Bytes of a name (RFC 1035 section 3.1).
const NAME: usize = 255;

/// What a datagram of the protocol `app` (as [`crate::names::identify`] calls it) says about its sender, whose address is
/// `ip`, or about the hosts that it names.
pub fn told(rows: &mut Rows, ts: Nanos, frame: Frame, vlan: u16, ip: [u8; 16], app: &'static str, datagram: &[u8]) {
    let host = Host { ts, frame, vlan, source: app, ip, mac: None };
    // Each of these ends silently where the message is another one.
    let _ = match app {
        "enip" => enip(rows, &host, datagram),
        "bacnet" => bacnet(rows, &host, datagram),
        "nbns" => nbns(rows, &host, datagram),
        "mdns" => mdns(rows, host, datagram),
        _ => None,
    };
}

/// An identity item (CIP volume 2 section 2-4.3), little endian but for the socket address:
///
/// ```text
///  24      26      28       30        32             48       50       52        54         56
/// +-------+-------+--------+---------+--------------+--------+--------+---------+----------+--------
/// | items | 0x000C| length | version | socket addr. | vendor | type   | product | revision | status,
/// |       |       |        |         |              |        |        | code    |          | serial, name
/// +-------+-------+--------+---------+--------------+--------+--------+---------+----------+--------
/// ```
fn enip(rows: &mut Rows, host: &Host<'_>, datagram: &[u8]) -> Option<()> {
    let mut at = Reader(datagram);
    let (command, _length) = (at.u16_le()?, at.u16_le()?);
    at.take(20)?;
    let (_items, item, _size) = (at.u16_le()?, at.u16_le()?, at.u16_le()?);
    if command != 0x63 || item != 0x0C {
        return None;
    }
    at.take(18)?;
    let (vendor, kind, code) = (at.u16_le()?, at.u16_le()?, at.u16_le()?);
    let (major, minor, _status) = (at.u8()?, at.u8()?, at.u16_le()?);
    let (serial, name) = (at.u32_le()?, at.block8()?);
    host.says(rows, "vendor", &format!("CIP vendor {vendor}"));
    host.says_bytes(rows, "model", name.0);
    host.says(rows, "device_id", &format!("type {kind} code {code}"));
    host.says(rows, "firmware", &format!("{major}.{minor:03}"));
    host.says(rows, "serial", &format!("{serial:08x}"));
    // Device types of CIP volume 1 chapter 6.
    let role = match kind {
        0x02 => "drive",
        0x0E => "plc",
        0x18 => "hmi",
        0x2C => "switch",
        _ => "",
    };
    host.says(rows, "role", role);
    Some(())
}

/// I-Am (ANSI/ASHRAE 135 clause 16.10.2): the device's object id, its vendor.
fn bacnet(rows: &mut Rows, host: &Host<'_>, datagram: &[u8]) -> Option<()> {
    let mut at = Reader(datagram);
    let (_, function, _) = (at.u8()?, at.u8()?, at.u16()?);
    match function {
        4 => at.take(6)?,
        9..=11 => at.take(0)?,
        _ => return None,
    };
    let (_, control) = (at.u8()?, at.u8()?);
    // A source behind a router is not the sender of the datagram.
    if control & 0x88 != 0 {
        return None;
    }
    if control & 0x20 != 0 {
        at.u16()?;
        at.block8()?;
        at.u8()?;
    }
    if at.u16()? != 0x1000 || at.u8()? != 0xC4 {
        return None;
    }
    let device = at.u32()?;
    let number = |at: &mut Reader<'_>| match at.u8()? {
        0x21 => at.u8().map(u16::from),
        0x22 => at.u16(),
        _ => None,
    };
    let _longest = number(&mut at)?;
    at.take(2)?;
    let vendor = number(&mut at)?;
    // The upper ten bits of an object id are its type: 8 is a device.
    if device >> 22 == 8 {
        host.says(rows, "device_id", &format!("device {}", device & 0x003F_FFFF));
        host.says(rows, "vendor", &format!("BACnet vendor {vendor}"));
    }
    Some(())
}

/// A registration (RFC 1002 section 4.2.2): the sender claims the name; suffixes 0x00 and 0x20 are a host's own.
fn nbns(rows: &mut Rows, host: &Host<'_>, datagram: &[u8]) -> Option<()> {
    let mut at = Reader(datagram);
    at.u16()?;
    let flags = at.u16()?;
    at.take(8)?;
    let label = at.block8()?;
    // Behind the question stands the record: name, type, class, life, length, flags with the group's bit first.
    at.take(5)?;
    at.take(2 + 2 + 2 + 4 + 2)?;
    let group = at.u8()? & 0x80 != 0;
    let registers = flags & 0xF800 == 0x2800;
    let own = matches!(label.0.get(30..32), Some(b"AA" | b"CA"));
    if registers && own && !group {
        host.says_bytes(rows, "hostname", &netbios(label.0)?);
    }
    Some(())
}

/// Address records of an answer (RFC 6762): the host whose address it is has that name.
fn mdns(rows: &mut Rows, host: Host<'_>, datagram: &[u8]) -> Option<()> {
    let mut at = Reader(datagram);
    let (_, flags) = (at.u16()?, at.u16()?);
    let [queries, answers, authors, others] = [at.u16()?, at.u16()?, at.u16()?, at.u16()?];
    if flags & 0x8000 == 0 {
        return None;
    }
    for _ in 0..usize::from(queries).min(RECORDS) {
        skip_name(&mut at)?;
        at.take(4)?;
    }
    let records = usize::from(answers) + usize::from(authors) + usize::from(others);
    for _ in 0..records.min(RECORDS) {
        let start = datagram.len() - at.len();
        skip_name(&mut at)?;
        let (kind, _class, _life, data) = (at.u16()?, at.u16()?, at.u32()?, at.block16()?);
        let ip = match (kind, data.0) {
            (1, &[a, b, c, d]) => mapped([a, b, c, d]),
            (28, v6) => v6.try_into().ok()?,
            _ => continue,
        };
        Host { ip, ..host }.says(rows, "hostname", &name(datagram, start)?);
    }
    Some(())
}

fn skip_name(at: &mut Reader<'_>) -> Option<()> {
    loop {
        match at.u8()? {
            0 => return Some(()),
            length @ 1..=63 => at.take(length.into())?,
            0xC0.. => {
                at.u8()?;
                return Some(());
            }
            _ => return None,
        };
    }
}

/// A name with its pointers (RFC 1035 section 4.1.4) followed, each of them backwards only.
fn name(datagram: &[u8], start: usize) -> Option<String> {
    let mut out = Vec::new();
    let mut limit = start + 1;
    let mut at = Reader(datagram.get(start..)?);
    while out.len() <= NAME {
        match at.u8()? {
            0 => return Some(String::from_utf8_lossy(&out).into_owned()),
            length @ 1..=63 => {
                if !out.is_empty() {
                    out.push(b'.');
                }
                out.extend_from_slice(at.take(length.into())?);
            }
            high @ 0xC0.. => {
                let to = usize::from(high & 0x3F) << 8 | usize::from(at.u8()?);
                if to >= limit {
                    return None;
                }
                limit = to;
                at = Reader(datagram.get(to..)?);
            }
            _ => return None,
        }
    }
    None
}
