//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, and the Internet checksum (RFC 1071).

/// Headers behind an IPv6 header that are walked through before its payload; RFC 8200 knows eight, each once but one.
const EXTENSIONS: usize = 16;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// A stretch of a packet: offsets of its start and of its end as captured, and of its end on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub at: usize,
    pub end: usize,
    pub wire: usize,
}

impl Span {
    /// The captured bytes.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.at..self.end).unwrap_or_default()
    }
    /// The same without its first `n` bytes.
    #[inline]
    pub fn skip(self, n: usize) -> Self {
        Self { at: self.at + n, ..self }
    }
    /// Cut so that it has at most `length` bytes on the wire.
    #[inline]
    pub fn cut(self, length: usize) -> Self {
        let wire = self.wire.min(self.at + length);
        Self { at: self.at, end: self.end.min(wire), wire }
    }
    /// Bytes on the wire.
    #[inline]
    pub fn length(self) -> usize {
        self.wire.saturating_sub(self.at)
    }
    /// Bytes of it that were not captured.
    #[inline]
    pub fn missing(self) -> u32 {
        u32::try_from(self.wire.saturating_sub(self.end.max(self.at))).unwrap_or(u32::MAX)
    }
}

/// What an IP header says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Header {
    pub src: [u8; 16],
    pub dst: [u8; 16],
    pub v4: bool,
    /// The payload's protocol: moves on as extension headers are taken off.
    pub protocol: u8,
    /// IPv4: identification; IPv6: flow label.
    pub id: u32,
    pub ttl: u8,
    /// Length of header and payload on the wire.
    pub ip_bytes: u32,
    /// The header's checksum is wrong (IPv6 has none).
    pub unsound: bool,
}

/// A fragment's place in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Bytes before it.
    pub offset: u32,
    /// Whether others follow.
    pub more: bool,
    /// What its datagram is called.
    pub id: u32,
}

/// What follows a header, and what is odd about it.
pub(crate) struct Parsed {
    pub payload: Span,
    pub piece: Option<Piece>,
    /// The length in the header exceeds the packet: this is the header's.
    pub too_long: Option<usize>,
}

#[inline]
pub(crate) fn mapped(v4: &[u8]) -> [u8; 16] {
    let address = v4.first_chunk::<4>().map_or(0, |a| u32::from_be_bytes(*a));
    (0xffff_0000_0000 | u128::from(address)).to_be_bytes()
}

/// ```text
///  0 version, header length | 1 service | 2 total length
///  4 identification         | 6 flags, fragment offset / 8
///  8 time to live | 9 protocol | 10 checksum | 12 source | 16 destination | 20 options
/// ```
#[inline]
pub(crate) fn v4(bytes: &[u8], span: Span, header: &mut Header) -> Result<Parsed, &'static str> {
    let Some(head) = bytes.get(span.at..span.end).and_then(|b| b.first_chunk::<20>()) else {
        return Err("ipv4 header cut");
    };
    let [first, _, l0, l1, i0, i1, f0, f1, ttl, protocol, ..] = *head;
    let header_bytes = usize::from(first & 15) * 4;
    if first >> 4 != 4 {
        return Err("not version 4");
    }
    let total = usize::from(u16::from_be_bytes([l0, l1]));
    // Segmentation offload leaves 0 where the total length exceeds 16 bits: then the packet's own length holds.
    let total = if total == 0 { span.length() } else { total };
    if header_bytes < 20 || total < header_bytes {
        return Err("ipv4 header length");
    }
    if span.at + header_bytes > span.end {
        return Err("ipv4 options cut");
    }
    let flags = u16::from_be_bytes([f0, f1]);
    let id = u32::from(u16::from_be_bytes([i0, i1]));
    let (offset, more) = (u32::from(flags & 0x1fff) * 8, flags & 0x2000 != 0);
    *header = Header {
        src: mapped(head.get(12..16).unwrap_or_default()),
        dst: mapped(head.get(16..20).unwrap_or_default()),
        v4: true,
        protocol,
        id,
        ttl,
        ip_bytes: u32::try_from(total).unwrap_or(u32::MAX),
        unsound: !right(bytes.get(span.at..span.at + header_bytes).unwrap_or_default()),
    };
    let too_long = (total > span.length()).then_some(total);
    let piece = (offset != 0 || more).then_some(Piece { offset, more, id });
    Ok(Parsed { payload: span.cut(total).skip(header_bytes), piece, too_long })
}

/// ```text
///  0 version, class, flow label | 4 payload length | 6 next header | 7 hop limit | 8 source | 24 destination
/// ```
/// Extension headers are left to [`extensions`].
#[inline]
pub(crate) fn v6(bytes: &[u8], span: Span, header: &mut Header) -> Result<Parsed, &'static str> {
    let Some(head) = bytes.get(span.at..span.end).and_then(|b| b.first_chunk::<40>()) else {
        return Err("ipv6 header cut");
    };
    let [first, l1, l2, l3, p0, p1, next, hops, ..] = *head;
    if first >> 4 != 6 {
        return Err("not version 6");
    }
    let payload = usize::from(u16::from_be_bytes([p0, p1]));
    // 0: a jumbogram (RFC 2675), or segmentation offload; then the packet's own length holds.
    let total = if payload == 0 { span.length() } else { 40 + payload };
    let address = |at: usize| head.get(at..).and_then(|a| a.first_chunk::<16>()).copied().unwrap_or_default();
    *header = Header {
        src: address(8),
        dst: address(24),
        v4: false,
        protocol: next,
        id: u32::from_be_bytes([0, l1 & 15, l2, l3]),
        ttl: hops,
        ip_bytes: u32::try_from(total).unwrap_or(u32::MAX),
        unsound: false,
    };
    let too_long = (total > span.length()).then_some(total);
    Ok(Parsed { payload: span.cut(total).skip(40), piece: None, too_long })
}

/// Takes off what stands between the IP header and the payload: IPv6 extension headers, and for both versions the
/// authentication header. Ends at a fragment header with its place.
///
/// ```text
///  0 next header | 1 length, in 8 bytes and not counting the first 8 (AH: in 4, not counting the first 8)
///  fragment: 0 next header | 2 offset / 8, reserved, more | 4 identification
/// ```
#[inline]
pub(crate) fn extensions(bytes: &[u8], header: &mut Header, span: &mut Span) -> Result<Option<Piece>, &'static str> {
    for _ in 0..EXTENSIONS {
        match header.protocol {
            AUTHENTICATION => {}
            HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION | MOBILITY | HIP | SHIM6 if !header.v4 => {}
            _ => return Ok(None),
        }
        let rest = span.of(bytes);
        let Some(&[next, length, o0, o1, i0, i1, i2, i3]) = rest.first_chunk::<8>() else {
            return Err("ipv6 extension header cut");
        };
        if header.protocol == FRAGMENT {
            let place = u16::from_be_bytes([o0, o1]);
            let piece = Piece {
                offset: u32::from(place & 0xfff8),
                more: place & 1 != 0,
                id: u32::from_be_bytes([i0, i1, i2, i3]),
            };
            header.protocol = next;
            *span = span.skip(8);
            // RFC 6946: a fragment header on a whole datagram means nothing.
            if piece.offset == 0 && !piece.more {
                continue;
            }
            return Ok(Some(piece));
        }
        let bytes_of = if header.protocol == AUTHENTICATION {
            (usize::from(length) + 2) * 4
        } else {
            (usize::from(length) + 1) * 8
        };
        if bytes_of > rest.len() {
            return Err("ipv6 extension header cut");
        }
        header.protocol = next;
        *span = span.skip(bytes_of);
    }
    Err("too many ipv6 extension headers")
}

/// The Internet checksum's sum of bytes, not inverted; sums may be added.
#[must_use]
pub fn sum(bytes: &[u8]) -> u64 {
    u64::from(u16::from_be(folded(native(bytes))))
}

/// The sum of words as they lie in memory: bytes are changed once at the end, if at all (RFC 1071, 2 (B)).
#[inline]
fn native(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut total = 0;
    for word in words {
        let word = u64::from_ne_bytes(*word);
        total += (word & 0xffff_ffff) + (word >> 32);
    }
    let (words, rest) = rest.as_chunks::<4>();
    if let [word] = words {
        total += u64::from(u32::from_ne_bytes(*word));
    }
    let last = match *rest {
        [a] => [a, 0, 0, 0],
        [a, b] => [a, b, 0, 0],
        [a, b, c] => [a, b, c, 0],
        _ => return total,
    };
    total + u64::from(u32::from_ne_bytes(last))
}

/// Of less than 2^48.
#[inline]
fn folded(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// Folds a sum to the 16 bits of a checksum field.
#[must_use]
pub fn checksum(sum: u64) -> u16 {
    !folded(sum)
}

/// Whether bytes, of which a checksum is a part, have the right one.
#[inline]
pub(crate) fn right(bytes: &[u8]) -> bool {
    folded(native(bytes)) == 0xffff
}

/// What the checksums of a datagram say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// They are right.
    Right,
    /// At least one is wrong: its receiver drops it.
    Wrong,
    /// The transport's is what a sender leaves there for its network card to complete: nothing, or the sum of the
    /// pseudo header. Its own capture shows it so; on the network it was right.
    Offloaded,
    /// That cannot be told: bytes were not captured, the sender left it out, or the protocol has none of this kind.
    Unknown,
}

/// Verifies the checksums of an IP datagram and of the TCP, UDP or ICMPv6 in it.
#[must_use]
#[inline]
pub fn sound(d: &crate::decode::Datagram<'_>) -> Sound {
    let field = match d.protocol {
        6 => 16,
        17 => 6,
        58 if !d.v4 => 2,
        _ => return Sound::Unknown,
    };
    let payload = d.payload;
    let Some(stored) = payload.get(field..field + 2).and_then(|bytes| bytes.first_chunk::<2>()) else {
        return Sound::Unknown;
    };
    let stored = u16::from_be_bytes(*stored);
    if d.missing > 0 || (d.protocol == 17 && stored == 0) {
        return Sound::Unknown;
    }
    // The pseudo header (RFC 9293, 3.1; RFC 8200, 8.1); of mapped IPv4 addresses the last four bytes.
    let own =
        |address: &[u8; 16]| if d.v4 { address.last_chunk::<4>().map_or(0, |a| native(a)) } else { native(address) };
    let addresses = own(&d.src) + own(&d.dst) + u64::from(u16::from(d.protocol).to_be());
    let pseudo = addresses + u64::from((payload.len() as u32).to_be());
    if folded(native(payload) + pseudo) == 0xffff {
        return if d.unsound { Sound::Wrong } else { Sound::Right };
    }
    let stored = stored.to_be();
    // Segmentation offload leaves the length out of the sum as well.
    let left = stored == 0 || stored == folded(pseudo) || stored == folded(addresses);
    if left { Sound::Offloaded } else { Sound::Wrong }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Datagram;
    use crate::link::Link;

    fn datagram(payload: &[u8], unsound: bool) -> Datagram<'_> {
        Datagram {
            link: Link::default(),
            src: mapped(&[10, 0, 0, 1]),
            dst: mapped(&[10, 0, 0, 2]),
            v4: true,
            protocol: 6,
            id: 0,
            ttl: 64,
            ip_bytes: 0,
            payload,
            missing: 0,
            tunnel: "",
            unsound,
            doubted: false,
            apart: false,
        }
    }

    #[test]
    fn sums_are_of_words_in_the_order_of_the_network() {
        let plain = |bytes: &[u8]| {
            let word = |pair: &[u8]| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low));
            checksum(bytes.chunks(2).map(word).sum())
        };
        let bytes: Vec<u8> = (0..97u8).map(|n| n.wrapping_mul(37)).collect();
        for length in 0..bytes.len() {
            assert_eq!(checksum(sum(&bytes[..length])), plain(&bytes[..length]), "{length} bytes");
        }
    }

    #[test]
    fn checksums_are_verified_and_offloaded_ones_known() {
        let mut segment = [7u8; 31];
        segment[16..18].copy_from_slice(&[0, 0]);
        let pseudo = sum(&[10, 0, 0, 1, 10, 0, 0, 2]) + 6;
        let right = checksum(sum(&segment) + pseudo + 31);
        let mut with = |field: u16, unsound| {
            segment[16..18].copy_from_slice(&field.to_be_bytes());
            sound(&datagram(&segment, unsound))
        };
        assert_eq!((with(right, false), with(right, true)), (Sound::Right, Sound::Wrong));
        assert_eq!(with(right ^ 1, false), Sound::Wrong);
        assert_eq!(with(0, false), Sound::Offloaded);
        assert_eq!(with(!checksum(pseudo + 31), false), Sound::Offloaded);
        assert_eq!(with(!checksum(pseudo), false), Sound::Offloaded);
        assert_eq!(sound(&Datagram { missing: 1, ..datagram(&[0; 31], false) }), Sound::Unknown);
    }
}
