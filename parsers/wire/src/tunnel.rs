//! Headers that carry a whole packet of another link or network.
//!
//! A header that is not plausibly a tunnel's gives `None`: then the packet that carries it is what was seen.

use crate::ip::Span;
use crate::link::{self, IPV4, IPV6, MPLS, MPLS_MULTICAST, PPPOE_SESSION, TRANSPARENT_ETHERNET};

const IP_IN_IP: u8 = 4;
const UDP: u8 = 17;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;

/// VXLAN's port (RFC 7348), and the one that Linux used before.
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;
const GTP_USER_PORT: u16 = 2152;

const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
const PPP_IN_GRE: u16 = 0x880b;

/// Labels of one MPLS stack.
const LABELS: usize = 16;
/// What pseudowires carry: IP, ARP, VLAN, MPLS, PPPoE, PROFINET, GOOSE, sampled values, LLDP, PTP.
const TRAFFIC: [u16; 13] = [
    IPV4,
    IPV6,
    link::ARP,
    0x8100,
    0x88a8,
    MPLS,
    MPLS_MULTICAST,
    PPPOE_SESSION,
    0x8892,
    0x88b8,
    0x88ba,
    0x88cc,
    0x88f7,
];
/// Extension headers of one GTP packet.
const GTP_EXTENSIONS: usize = 8;

/// What comes inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// An Ethernet frame.
    Ethernet,
    /// What this Ethertype says.
    Type(u16),
}

/// A tunnel's inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inner {
    pub name: &'static str,
    pub span: Span,
    pub next: Step,
    /// VLAN that the tunnel says the frame was on.
    pub vlan: u16,
    /// The tunnel's own Ethertype, for tunnels straight on the link.
    pub ethertype: u16,
}

fn inner(name: &'static str, span: Span, next: Step) -> Inner {
    Inner { name, span, next, vlan: 0, ethertype: 0 }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
}

/// A version nibble as a step.
fn by_version(bytes: &[u8], span: Span) -> Option<Step> {
    link::raw(bytes, span).ok().map(Step::Type)
}

/// Tunnels straight on the link.
#[inline]
pub(crate) fn by_type(kind: u16, bytes: &[u8], span: Span) -> Option<Inner> {
    let found = match kind {
        MPLS | MPLS_MULTICAST => mpls(bytes, span),
        PPPOE_SESSION => pppoe(bytes, span),
        _ => None,
    };
    found.map(|inner| Inner { ethertype: kind, ..inner })
}

/// Tunnels inside IP.
#[inline]
pub(crate) fn by_protocol(protocol: u8, bytes: &[u8], span: Span) -> Option<Inner> {
    match protocol {
        UDP => udp(bytes, span),
        IP_IN_IP => Some(inner("ipip", span, Step::Type(IPV4))),
        IPV6_IN_IP => Some(inner("6in4", span, Step::Type(IPV6))),
        GRE => gre(bytes, span),
        _ => None,
    }
}

#[inline]
fn udp(bytes: &[u8], span: Span) -> Option<Inner> {
    let head = span.of(bytes);
    let port = number(head, 2)?;
    if !VXLAN_PORTS.contains(&port) && port != GENEVE_PORT && port != GTP_USER_PORT {
        return None;
    }
    let payload = span.cut(usize::from(number(head, 4)?).max(8)).skip(8);
    match port {
        GENEVE_PORT => geneve(bytes, payload),
        GTP_USER_PORT => gtp(bytes, payload),
        _ => vxlan(bytes, payload),
    }
}

/// ```text
///  0 flags: .... I...  | 1 reserved (3) | 4 network id (3) | 7 reserved (0)
/// ```
/// The group policy extension uses the first flag and two of the reserved bytes.
fn vxlan(bytes: &[u8], span: Span) -> Option<Inner> {
    match span.of(bytes) {
        [0x08, 0, 0, 0, _, _, _, 0, _, ..] | [0x88, _, _, _, _, _, _, 0, _, ..] => {
            Some(inner("vxlan", span.skip(8), Step::Ethernet))
        }
        _ => None,
    }
}

/// ```text
///  0 version (2), length of options / 4 (6) | 1 flags | 2 Ethertype | 4 network id (3) | 7 reserved
/// ```
fn geneve(bytes: &[u8], span: Span) -> Option<Inner> {
    let head = span.of(bytes).first_chunk::<8>()?;
    if head[0] >> 6 != 0 {
        return None;
    }
    let payload = span.skip(8 + usize::from(head[0] & 0x3f) * 4);
    match u16::from_be_bytes([head[2], head[3]]) {
        TRANSPARENT_ETHERNET => Some(inner("geneve", payload, Step::Ethernet)),
        kind @ (IPV4 | IPV6) => Some(inner("geneve", payload, Step::Type(kind))),
        _ => None,
    }
}

/// ```text
///  0 version (3) = 1, type = 1, reserved, E, S, PN | 1 message | 2 length | 4 tunnel id
///  any of E, S, PN: 8 sequence (2) | 10 N-PDU number | 11 next extension
///  extension: length / 4 | content | next extension
/// ```
/// 3GPP TS 29.281, 5.1; message 255 carries a packet.
fn gtp(bytes: &[u8], span: Span) -> Option<Inner> {
    let head = span.of(bytes);
    let &[flags, message, ..] = head.first_chunk::<8>()?;
    if flags & 0xf0 != 0x30 || message != 255 {
        return None;
    }
    let mut at = 8;
    if flags & 7 != 0 {
        let mut next = *head.get(11)?;
        at = 12;
        for _ in 0..GTP_EXTENSIONS {
            if next == 0 || flags & 4 == 0 {
                break;
            }
            let length = usize::from(*head.get(at)?).max(1) * 4;
            next = *head.get(at + length - 1)?;
            at += length;
        }
    }
    let payload = span.skip(at);
    Some(inner("gtp", payload, by_version(bytes, payload)?))
}

/// ```text
///  0 C R K S s recursion (3) | 1 A flags (4) version (3) | 2 protocol
///  C or R: checksum, offset (4) | K: key (4) | S: sequence (4) | version 1, A: acknowledgement (4)
/// ```
/// RFC 2784, RFC 2890; version 1 is RFC 2637.
fn gre(bytes: &[u8], span: Span) -> Option<Inner> {
    let &[flags, version, p0, p1] = span.of(bytes).first_chunk::<4>()?;
    let protocol = u16::from_be_bytes([p0, p1]);
    // Source routes (R) are of RFC 1701 and deprecated since.
    if flags & 0x40 != 0 {
        return None;
    }
    let field = |bit: u8, of: u8| usize::from(of & bit != 0) * 4;
    let sequence = flags & 0x10 != 0;
    let at = 4 + field(0x80, flags) + field(0x20, flags) + field(0x10, flags);
    match (version & 7, protocol) {
        (0, IPV4 | IPV6 | MPLS | MPLS_MULTICAST) => Some(inner("gre", span.skip(at), Step::Type(protocol))),
        (0, TRANSPARENT_ETHERNET) => Some(inner("gre", span.skip(at), Step::Ethernet)),
        (0, ERSPAN) => erspan(bytes, span.skip(at), sequence),
        (0, ERSPAN_III) => erspan_iii(bytes, span.skip(at)),
        (1, PPP_IN_GRE) => {
            let mut payload = span.skip(at + field(0x80, version));
            let kind = link::ppp(bytes, &mut payload).ok()?;
            Some(inner("pptp", payload, Step::Type(kind)))
        }
        _ => None,
    }
}

/// Type I has no header and no GRE sequence number, type II has both:
///
/// ```text
///  0 version (4) = 1, VLAN (12) | 2 class, encapsulation, truncated, session (10) | 4 reserved, port index (20)
/// ```
fn erspan(bytes: &[u8], span: Span, sequence: bool) -> Option<Inner> {
    if !sequence {
        return Some(inner("erspan", span, Step::Ethernet));
    }
    let &[v0, v1, ..] = span.of(bytes).first_chunk::<8>()?;
    if v0 >> 4 != 1 {
        return None;
    }
    let vlan = u16::from_be_bytes([v0 & 15, v1]);
    Some(Inner { vlan, ..inner("erspan", span.skip(8), Step::Ethernet) })
}

/// ```text
///  0 version (4) = 2, VLAN (12) | 2 class, ..., session | 4 time | 8 security group
/// 10 P, frame type (5), hardware id (6), D, granularity (2), O | O: 12 platform's own (8)
/// ```
fn erspan_iii(bytes: &[u8], span: Span) -> Option<Inner> {
    let head = span.of(bytes).first_chunk::<12>()?;
    if head[0] >> 4 != 2 {
        return None;
    }
    let vlan = u16::from_be_bytes([head[0] & 15, head[1]]);
    let payload = span.skip(if head[11] & 1 == 0 { 12 } else { 20 });
    let next = match head[10] >> 2 & 31 {
        0 => Step::Ethernet,
        2 => by_version(bytes, payload)?,
        _ => return None,
    };
    Some(Inner { vlan, ..inner("erspan", payload, next) })
}

/// ```text
///  label (20) | class (3) | bottom of stack (1) | time to live (8)
/// ```
/// Nothing says what is below the stack (RFC 4928): an IP packet by its version, when its length agrees; a pseudowire's
/// control word starts with 0 (RFC 4385); all else is taken for Ethernet.
fn mpls(bytes: &[u8], span: Span) -> Option<Inner> {
    let stack = span.of(bytes);
    let bottom = stack.chunks_exact(4).take(LABELS).position(|label| label.get(2).is_some_and(|b| b & 1 == 1))?;
    let payload = span.skip((bottom + 1) * 4);
    let below = payload.of(bytes);
    let fits = |length: usize| length <= payload.length();
    let (payload, next) = match below.first()? {
        0x45..=0x4f if fits(usize::from(number(below, 2)?)) => (payload, Step::Type(IPV4)),
        0x60..=0x6f if fits(40 + usize::from(number(below, 4)?)) => (payload, Step::Type(IPV6)),
        0x00..=0x0f if !starts_with_ethernet(below) => (payload.skip(4), Step::Ethernet),
        // The control channel of a pseudowire carries no traffic (RFC 5586).
        0x10..=0x1f if below.starts_with(&[0x10, 0]) => return None,
        _ => (payload, Step::Ethernet),
    };
    Some(inner("mpls", payload, next))
}

/// Hardware addresses too may start with 0: then an Ethertype of traffic stands where an Ethernet header has it, and
/// none where it would be behind a control word.
fn starts_with_ethernet(bytes: &[u8]) -> bool {
    let traffic = |at| number(bytes, at).is_some_and(|kind| TRAFFIC.contains(&kind));
    traffic(12) && !traffic(16)
}

/// ```text
///  0 version, type = 11 | 1 code | 2 session | 4 length | 6 PPP protocol
/// ```
/// RFC 2516; code 0 is the session's traffic.
fn pppoe(bytes: &[u8], span: Span) -> Option<Inner> {
    let &[0x11, 0, _, _, l0, l1] = span.of(bytes).first_chunk::<6>()? else { return None };
    let mut payload = span.skip(6).cut(usize::from(u16::from_be_bytes([l0, l1])));
    let kind = link::ppp(bytes, &mut payload).ok()?;
    Some(inner("pppoe", payload, Step::Type(kind)))
}
