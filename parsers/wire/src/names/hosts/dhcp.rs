//! Facts about hosts from DHCP.

use super::{Host, NO_IP, mapped};
use crate::dissect::{Frame, Nanos};
use crate::names::reader::Reader;
use crate::rows::Rows;

/// Options (RFC 2132) that say something about a host.
#[derive(Debug, Default)]
struct Options<'a> {
    hostname: &'a [u8],
    requested: Option<[u8; 4]>,
    message: u8,
    server: Option<[u8; 4]>,
    class: &'a [u8],
}

/// DHCP (RFC 2131 section 2): a client's name, maker and hardware address, the address that it is given, and who gives it.
///
/// ```text
///  0    1       2     3      4    8       12       16       20       24      28        236     240
/// +----+-------+-----+------+----+-------+--------+--------+--------+-------+---------+-------+---------
/// | op | htype | len | hops | id | times | client | yours  | server | relay | MAC …   | magic | options
/// +----+-------+-----+------+----+-------+--------+--------+--------+-------+---------+-------+---------
/// ```
pub fn dhcp(rows: &mut Rows, ts: Nanos, frame: Frame, vlan: u16, datagram: &[u8]) {
    let read = || {
        let mut at = Reader(datagram);
        let (op, hardware, length) = (at.u8()?, at.u8()?, at.u8()?);
        at.take(9)?;
        let (client, yours) = (at.array::<4>()?, at.array::<4>()?);
        at.take(8)?;
        let mac = at.array::<6>()?;
        at.take(202)?;
        let known = hardware == 1 && length == 6 && at.u32()? == 0x6382_5363;
        known.then_some((op, client, yours, mac, options(at)))
    };
    let Some((op, client, yours, mac, options)) = read() else { return };
    let some = |ip: [u8; 4]| Some(ip).filter(|ip| *ip != [0; 4]);
    // A declined address (message 4) is somebody else's.
    let wanted = some(client).or(options.requested).filter(|_| options.message != 4);
    let mut host = Host { ts, frame, vlan, source: "dhcp", ip: wanted.map_or(NO_IP, mapped), mac: Some(mac) };
    match (op, options.message) {
        (1, _) => {
            host.says_bytes(rows, "hostname", options.hostname);
            host.says_bytes(rows, "vendor", options.class);
        }
        // An acknowledgement (message 5) makes the address the client's.
        (2, 5) => {
            if let Some(ip) = some(yours) {
                host.ip = mapped(ip);
                host.says(rows, "address", "ack");
                host.says_bytes(rows, "hostname", options.hostname);
            }
            server(rows, host, &options);
        }
        (2, 2 | 6) => server(rows, host, &options),
        _ => {}
    }
}

fn server(rows: &mut Rows, host: Host<'_>, options: &Options<'_>) {
    if let Some(ip) = options.server {
        Host { ip: mapped(ip), mac: None, ..host }.says(rows, "role", "dhcp_server");
    }
}

fn options<'a>(mut at: Reader<'a>) -> Options<'a> {
    let mut out = Options::default();
    while let Some(code) = at.u8().filter(|&c| c != 255) {
        if code == 0 {
            continue;
        }
        let Some(Reader(value)) = at.block8() else { break };
        match (code, value) {
            (12, _) => out.hostname = value,
            (50, _) => out.requested = value.try_into().ok(),
            (53, &[message]) => out.message = message,
            (54, _) => out.server = value.try_into().ok(),
            (60, _) => out.class = value,
            _ => {}
        }
    }
    out
}
