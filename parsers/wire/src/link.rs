//! Link layers: what stands before the IP header. Each is reduced to an Ethertype and the bytes behind it.
//!
//! Link types are numbered as on tcpdump.org ("LINKTYPE_"); a few numbers are the DLT_ values that some systems write.

use crate::ip::Span;

/// VLAN tags of one frame; 802.1ad has two, more is provider nesting.
const TAGS: usize = 8;

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV6: u16 = 0x86dd;
pub(crate) const MPLS: u16 = 0x8847;
pub(crate) const MPLS_MULTICAST: u16 = 0x8848;
pub(crate) const PPPOE_SESSION: u16 = 0x8864;
pub(crate) const PPP: u16 = 0x880b;
pub(crate) const TRANSPARENT_ETHERNET: u16 = 0x6558;
/// An 802.2 LLC frame that is not SNAP (spanning tree, IS-IS); the number Linux uses for it.
pub const LLC: u16 = 0x0004;
/// What an Ethertype must be at least; below it the field is a length (IEEE 802.3, 3.2.6).
const ETHERTYPE_MIN: u16 = 0x0600;

/// Who spoke on the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// The sender's address.
    pub src_mac: [u8; 6],
    /// The receiver's address; zero where the capture does not have it (Linux "any").
    pub dst_mac: [u8; 6],
    /// VLAN id of the inner-most tag, 0: untagged. The inner tag is the site's own network, which zones are defined
    /// on; an outer one (802.1ad) is the transport provider's. Priority tags (id 0) say nothing.
    pub vlan: u16,
    /// Whether the addresses are those of this packet's own link: false for raw IP and inside IP tunnels.
    pub has_mac: bool,
}

#[inline]
fn number(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
}

#[inline]
pub(crate) fn mac(bytes: &[u8], at: usize) -> [u8; 6] {
    bytes.get(at..).and_then(|b| b.first_chunk()).copied().unwrap_or_default()
}

/// Reads the link header of a captured frame: the Ethertype of what follows. `Ok(None)`: a link type not known.
#[inline]
pub(crate) fn first(kind: u16, bytes: &[u8], span: &mut Span, link: &mut Link) -> Result<Option<u16>, &'static str> {
    match kind {
        1 => ethernet(bytes, span, link).map(Some),
        0 | 108 => null(bytes, span).map(Some),
        // 12 and 14 are DLT_RAW of different systems.
        101 | 12 | 14 => raw(bytes, *span).map(Some),
        228 => Ok(Some(IPV4)),
        229 => Ok(Some(IPV6)),
        113 => sll(bytes, span, link).map(Some),
        276 => sll2(bytes, span, link).map(Some),
        9 => ppp(bytes, span).map(Some),
        // PPP in HDLC framing, and Cisco's HDLC.
        50 | 104 => hdlc(bytes, span).map(Some),
        51 => Ok(Some(PPPOE_SESSION)),
        105 => crate::radio::frame(bytes, span, link).map(Some),
        127 => crate::radio::radiotap(bytes, span, link).map(Some),
        239 => nflog(bytes, span).map(Some),
        // Hilscher netANALYZER: 4 bytes before each Ethernet frame, and 8 more of preamble in transparent mode.
        240 => ethernet_behind(4, bytes, span, link).map(Some),
        241 => ethernet_behind(12, bytes, span, link).map(Some),
        _ => Ok(None),
    }
}

/// Who spoke, where nothing else could be made of the frame.
#[cold]
pub(crate) fn of(kind: u16, bytes: &[u8]) -> Link {
    let (mut span, mut link) = (Span { at: 0, end: bytes.len(), wire: bytes.len() }, Link::default());
    let _ = first(kind, bytes, &mut span, &mut link); // what is broken behind the addresses is counted elsewhere
    link
}

/// ```text
///  0 destination | 6 source | 12 Ethertype, or length of an 802.3 frame
/// ```
#[inline]
pub(crate) fn ethernet(bytes: &[u8], span: &mut Span, link: &mut Link) -> Result<u16, &'static str> {
    let Some(head) = span.of(bytes).first_chunk::<14>() else { return Err("ethernet header cut") };
    link.dst_mac = mac(head, 0);
    link.src_mac = mac(head, 6);
    link.has_mac = true;
    let kind = u16::from_be_bytes([head[12], head[13]]);
    *span = span.skip(14);
    tags(kind, bytes, span, link)
}

/// Takes off VLAN tags (`tag control | Ethertype`) and the LLC and SNAP headers of 802.3 frames.
#[inline]
pub(crate) fn tags(mut kind: u16, bytes: &[u8], span: &mut Span, link: &mut Link) -> Result<u16, &'static str> {
    for _ in 0..=TAGS {
        match kind {
            IPV4 | IPV6 | ARP => return Ok(kind),
            // 802.1Q, 802.1ad, and the two that were used before it was standardised.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                let rest = span.of(bytes);
                let (Some(control), Some(next)) = (number(rest, 0), number(rest, 2)) else {
                    return Err("vlan tag cut");
                };
                if control & 0x0fff != 0 {
                    link.vlan = control & 0x0fff;
                }
                *span = span.skip(4);
                kind = next;
            }
            0..ETHERTYPE_MIN => {
                *span = span.cut(usize::from(kind));
                return llc(bytes, span);
            }
            _ => return Ok(kind),
        }
    }
    Err("too many vlan tags")
}

/// ```text
///  0 destination SAP | 1 source SAP | 2 control    SNAP (aa aa 03): 3 organisation | 6 Ethertype
/// ```
pub(crate) fn llc(bytes: &[u8], span: &mut Span) -> Result<u16, &'static str> {
    match span.of(bytes) {
        // Organisation 0 is RFC 1042's, 0000f8 the one of bridges (802.1H).
        [0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, high, low, ..] => {
            *span = span.skip(8);
            Ok(u16::from_be_bytes([*high, *low]))
        }
        [_, _, _, ..] => Ok(LLC),
        _ => Err("llc header cut"),
    }
}

fn ethernet_behind(n: usize, bytes: &[u8], span: &mut Span, link: &mut Link) -> Result<u16, &'static str> {
    *span = span.skip(n);
    ethernet(bytes, span, link)
}

/// The address family of the capturing machine, in its byte order (0) or in network order (108).
fn null(bytes: &[u8], span: &mut Span) -> Result<u16, &'static str> {
    let Some(family) = span.of(bytes).first_chunk::<4>() else { return Err("loopback header cut") };
    // Families are small numbers: the byte order is the one in which it is small.
    let family = u32::from_le_bytes(*family).min(u32::from_be_bytes(*family));
    *span = span.skip(4);
    match family {
        2 => Ok(IPV4),
        // AF_INET6 of Linux, Windows, the BSDs, FreeBSD and macOS.
        10 | 23 | 24 | 28 | 30 => Ok(IPV6),
        _ => Err("address family of the loopback header"),
    }
}

/// No header: the IP version tells.
pub(crate) fn raw(bytes: &[u8], span: Span) -> Result<u16, &'static str> {
    match span.of(bytes).first().map(|b| b >> 4) {
        Some(4) => Ok(IPV4),
        Some(6) => Ok(IPV6),
        Some(_) => Err("raw packet of no IP version"),
        None => Err("raw packet cut"),
    }
}

/// ```text
///  0 packet type | 2 ARPHRD type | 4 address length | 6 address (8) | 14 protocol
/// ```
fn sll(bytes: &[u8], span: &mut Span, link: &mut Link) -> Result<u16, &'static str> {
    let Some(head) = span.of(bytes).first_chunk::<16>() else { return Err("sll header cut") };
    let kind = u16::from_be_bytes([head[14], head[15]]);
    let address = (u16::from_be_bytes([head[4], head[5]]), mac(head, 6));
    *span = span.skip(16);
    cooked(kind, address, bytes, span, link)
}

/// ```text
///  0 protocol | 2 reserved | 4 interface | 8 ARPHRD type | 10 packet type | 11 address length | 12 address (8)
/// ```
fn sll2(bytes: &[u8], span: &mut Span, link: &mut Link) -> Result<u16, &'static str> {
    let Some(head) = span.of(bytes).first_chunk::<20>() else { return Err("sll2 header cut") };
    let kind = u16::from_be_bytes([head[0], head[1]]);
    let address = (u16::from(head[11]), mac(head, 12));
    *span = span.skip(20);
    cooked(kind, address, bytes, span, link)
}

fn cooked(
    kind: u16,
    (address_bytes, address): (u16, [u8; 6]),
    bytes: &[u8],
    span: &mut Span,
    link: &mut Link,
) -> Result<u16, &'static str> {
    if address_bytes == 6 {
        link.src_mac = address;
        // The loopback interface has an address of zeros: nobody's.
        link.has_mac = address != [0; 6];
    }
    match kind {
        // Linux: 1 is 802.3 without LLC (Novell), 4 is LLC.
        LLC => llc(bytes, span),
        1 => Ok(LLC),
        _ => tags(kind, bytes, span, link),
    }
}

/// ```text
///  [ff 03] protocol (2; 1 where it is compressed: odd)
/// ```
/// RFC 1661, 2 and 6.5; RFC 1662, 3.1.
pub(crate) fn ppp(bytes: &[u8], span: &mut Span) -> Result<u16, &'static str> {
    let mut rest = span.of(bytes);
    if rest.starts_with(&[0xff, 0x03]) {
        *span = span.skip(2);
        rest = span.of(bytes);
    }
    let (protocol, length) = match rest {
        [low, ..] if low & 1 == 1 => (u16::from(*low), 1),
        [high, low, ..] => (u16::from_be_bytes([*high, *low]), 2),
        _ => return Err("ppp header cut"),
    };
    *span = span.skip(length);
    Ok(match protocol {
        0x0021 => IPV4,
        0x0057 => IPV6,
        0x0281 => MPLS,
        0x0283 => MPLS_MULTICAST,
        _ => PPP,
    })
}

/// Cisco's framing (address 0f or 8f) has an Ethertype behind address and control.
fn hdlc(bytes: &[u8], span: &mut Span) -> Result<u16, &'static str> {
    match span.of(bytes) {
        [0x0f | 0x8f, _, high, low, ..] => {
            *span = span.skip(4);
            Ok(u16::from_be_bytes([*high, *low]))
        }
        _ => ppp(bytes, span),
    }
}

/// ```text
///  0 family | 1 version | 2 resource | 4 attributes: length, type, value padded to 4
/// ```
/// Numbers of attributes are in the capturing machine's order, practically always little-endian; the packet is
/// attribute 9 (NFULA_PAYLOAD).
fn nflog(bytes: &[u8], span: &mut Span) -> Result<u16, &'static str> {
    let &[family, ..] = span.of(bytes).first_chunk::<4>().ok_or("nflog header cut")?;
    let mut at = span.skip(4);
    while let Some(&[l0, l1, t0, t1]) = at.of(bytes).first_chunk::<4>() {
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        if length < 4 {
            break;
        }
        if u16::from_le_bytes([t0, t1]) & 0x7fff == 9 {
            *span = at.cut(length).skip(4);
            return match family {
                2 => Ok(IPV4),
                10 => Ok(IPV6),
                _ => raw(bytes, *span),
            };
        }
        at = at.skip(length.next_multiple_of(4));
    }
    Err("nflog record without packet")
}
