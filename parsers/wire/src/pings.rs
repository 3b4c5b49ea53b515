//! ICMP as behaviours: which messages, and how large an echo is. A ping has a size that its maker chose, the same
//! each time; what is carried in echoes has many, and large ones.

use crate::behaviour::{Access, Behaviour, Key};
use crate::dissect::Cx;

/// Octets in front of an echo's data: type, code, checksum, identifier, sequence (RFC 792, RFC 4443 section 4).
const HEADER: usize = 8;

/// Names of messages (IANA ICMP and ICMPv6 parameters).
fn operation(v6: bool, kind: u8) -> &'static str {
    match (v6, kind) {
        (false, 8) | (true, 128) => "echo_request",
        (false, 0) | (true, 129) => "echo_reply",
        (false, 3) | (true, 1) => "destination_unreachable",
        (false, 5) | (true, 137) => "redirect",
        (false, 11) | (true, 3) => "time_exceeded",
        (false, 13) => "timestamp_request",
        (false, 14) => "timestamp_reply",
        (false, 17) => "address_mask_request",
        (false, 18) => "address_mask_reply",
        (true, 2) => "packet_too_big",
        (true, 133) => "router_solicitation",
        (true, 134) => "router_advertisement",
        (true, 135) => "neighbour_solicitation",
        (true, 136) => "neighbour_advertisement",
        _ => "other",
    }
}

/// Counts one message; `bytes`: of the whole packet, of which `length` are ICMP's. Echoes are told apart by the size of
/// their data, between powers of two.
pub fn count(cx: &mut Cx<'_>, v6: bool, kind: u8, length: usize, bytes: u32) {
    let operation = operation(v6, kind);
    let data = u32::try_from(length.saturating_sub(HEADER)).unwrap_or(u32::MAX);
    let object = if operation.starts_with("echo") {
        let first = data.checked_ilog2().map_or(0, |n| 1 << n);
        Key::Range("payload", first, first.saturating_mul(2).saturating_sub(1))
    } else {
        Key::None
    };
    cx.behaviour(&Behaviour {
        protocol: if v6 { "icmp6" } else { "icmp" },
        unit: Key::None,
        operation,
        access: Access::Session,
        object,
        bytes: u64::from(bytes),
        latency_us: None,
        error: false,
    });
}
