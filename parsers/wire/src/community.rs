//! Community id v1: the flow key that Zeek, Suricata and others share.

use base64::Engine as _;
use sha1::{Digest as _, Sha1};

use crate::dissect::Ends;

const V4_MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];

/// ICMP and ICMPv6 types that come in pairs: for them the flow is two-way and both ends give one id.
const ICMP_PAIRS: &[(u16, u16)] = &[(8, 0), (13, 14), (15, 16), (17, 18), (10, 9)];
const ICMP6_PAIRS: &[(u16, u16)] = &[(128, 129), (133, 134), (135, 136), (130, 131), (144, 145), (139, 140)];

/// For ICMP the specification puts the type in place of the source port and the matching type (or the
/// code, for one-way messages) in place of the destination port. The flag says whether it is two-way.
#[must_use]
pub fn icmp_ports(v6: bool, kind: u8, code: u8) -> (u16, u16, bool) {
    let kind = u16::from(kind);
    let pairs = if v6 { ICMP6_PAIRS } else { ICMP_PAIRS };
    for &(a, b) in pairs {
        if kind == a {
            return (a, b, true);
        }
        if kind == b {
            return (b, a, true);
        }
    }
    (kind, u16::from(code), false)
}

/// The id of a flow, `1:` and the base64 of SHA-1 over seed 0, ordered addresses, protocol and ports.
#[must_use]
pub fn community_id(ends: &Ends, protocol: u8, one_way: bool) -> String {
    let from = (&ends.client, ends.client_port);
    let to = (&ends.server, ends.server_port);
    let (first, second) = if one_way || from <= to { (from, to) } else { (to, from) };
    let mut sha = Sha1::new();
    sha.update([0, 0]);
    for (address, _) in [first, second] {
        sha.update(address.strip_prefix(&V4_MAPPED).unwrap_or(&address[..]));
    }
    sha.update([protocol, 0]);
    for (_, port) in [first, second] {
        sha.update(port.to_be_bytes());
    }
    format!("1:{}", base64::engine::general_purpose::STANDARD.encode(sha.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(a: u8, b: u8, c: u8, d: u8) -> [u8; 16] {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d]
    }

    #[test]
    fn the_specification_s_own_example() {
        let mut ends =
            Ends { client: v4(128, 232, 110, 120), server: v4(66, 35, 250, 204), client_port: 34855, server_port: 80 };
        assert_eq!(community_id(&ends, 6, false), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        std::mem::swap(&mut ends.client, &mut ends.server);
        std::mem::swap(&mut ends.client_port, &mut ends.server_port);
        assert_eq!(community_id(&ends, 6, false), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    }
}
