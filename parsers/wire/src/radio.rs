//! IEEE 802.11 frames, as monitoring interfaces capture them.

use crate::ip::Span;
use crate::link::{Link, llc, mac};

/// A frame that carries no packet: management, control, without data, or encrypted.
pub(crate) const NO_PACKET: u16 = 0;

/// ```text
///  0 version | 1 pad | 2 length (little-endian) | 4 what is present ...
/// ```
pub(crate) fn radiotap(bytes: &[u8], span: &mut Span, link: &mut Link) -> Result<u16, &'static str> {
    let &[0, _, l0, l1] = span.of(bytes).first_chunk::<4>().ok_or("radiotap header cut")? else {
        return Err("radiotap version");
    };
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if length < 8 || length > span.of(bytes).len() {
        return Err("radiotap length");
    }
    *span = span.skip(length);
    frame(bytes, span, link)
}

/// ```text
///  0 subtype (4) type (2) version (2) | 1 order, protected, ..., from DS, to DS | 2 duration
///  4 address 1 | 10 address 2 | 16 address 3 | 22 sequence | both DS: 24 address 4 | QoS: 2 | QoS and order: 4 | LLC
/// ```
/// IEEE 802.11, 9.3.2.
pub(crate) fn frame(bytes: &[u8], span: &mut Span, link: &mut Link) -> Result<u16, &'static str> {
    let rest = span.of(bytes);
    let &[control, flags] = rest.first_chunk::<2>().ok_or("802.11 header cut")?;
    let (data, without, protected) = (control & 0x0c == 0x08, control & 0x40 != 0, flags & 0x40 != 0);
    if !data || without || protected {
        return Ok(NO_PACKET);
    }
    let (to_ds, from_ds, qos) = (flags & 1 != 0, flags & 2 != 0, control & 0x80 != 0);
    let mut length = if to_ds && from_ds { 30 } else { 24 };
    if qos {
        length += if flags & 0x80 != 0 { 6 } else { 2 };
    }
    if rest.len() < length {
        return Err("802.11 header cut");
    }
    // Table 9-60: destination and source among the addresses.
    let (dst, src) = match (to_ds, from_ds) {
        (false, false) => (4, 10),
        (false, true) => (4, 16),
        (true, false) => (16, 10),
        (true, true) => (16, 24),
    };
    (link.dst_mac, link.src_mac, link.has_mac) = (mac(rest, dst), mac(rest, src), true);
    *span = span.skip(length);
    llc(bytes, span)
}
