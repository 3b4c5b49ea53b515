//! The header of a WebSocket frame (RFC 6455, 5.2) and how to recognise one.

use crate::dissect::Dir;
use crate::mqtt::resync::{self, Known, Look};
use crate::mqtt::session::Layout;

/// A frame's header.
///
/// ```text
///  FIN RSV1 RSV2 RSV3 opcode(4) | MASK length(7) | length (0, 2 or 8) | masking key (4, if MASK)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Last frame of its message.
    pub fin: bool,
    /// Reserved bits; the first one says "compressed".
    pub reserved: u8,
    /// Opcode.
    pub opcode: u8,
    /// Masking key.
    pub mask: Option<[u8; 4]>,
    /// Bytes of the payload.
    pub length: u64,
    /// Bytes of the header.
    pub header: usize,
    /// Whether the length is written in the fewest bytes.
    minimal: bool,
}

/// Opcode of a frame that goes on with a message.
pub const CONTINUATION: u8 = 0;
/// Opcode of a text.
pub const TEXT: u8 = 1;
/// Opcode of binary data.
pub const BINARY: u8 = 2;

/// Reads a header; `Err`: so many bytes are needed.
///
/// # Errors
/// When the bytes end before it does.
pub fn read(bytes: &[u8]) -> Result<Frame, usize> {
    let [first, second, rest @ ..] = bytes else { return Err(2) };
    let extended = match second & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let masked = second & 0x80 != 0;
    let header = 2 + extended + if masked { 4 } else { 0 };
    let (Some(length), true) = (rest.get(..extended), bytes.len() >= header) else { return Err(header) };
    let length = match extended {
        0 => u64::from(second & 0x7F),
        _ => length.iter().fold(0, |n, &b| n << 8 | u64::from(b)),
    };
    let mask = rest.get(extended..).and_then(|key| key.first_chunk::<4>()).filter(|_| masked).copied();
    let minimal = match extended {
        2 => length > 125,
        8 => length > 0xFFFF,
        _ => true,
    };
    Ok(Frame { fin: first & 0x80 != 0, reserved: first >> 4 & 7, opcode: first & 15, mask, length, header, minimal })
}

impl Frame {
    /// Close, ping, pong.
    #[must_use]
    pub fn control(&self) -> bool {
        self.opcode & 8 != 0
    }

    /// Whether the standard allows the header: known opcode, no reserved bit but "compressed", short and whole
    /// control frames, a length below 2^63.
    #[must_use]
    pub fn valid(&self) -> bool {
        matches!(self.opcode, 0..=2 | 8..=10)
            && self.reserved & 3 == 0
            && self.length >> 63 == 0
            && (!self.control() || (self.fin && self.length <= 125 && self.reserved == 0))
    }

    /// All bytes of the frame.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.length.saturating_add(self.header as u64)
    }
}

/// What some bytes look like, while nobody knows where a frame starts. "A client MUST mask all frames, a server MUST
/// NOT" (5.1), and MQTT's packets must make sense in it.
#[must_use]
pub fn look(bytes: &[u8], dir: Dir) -> Look {
    let Some(&first) = bytes.first() else { return Look::More(1) };
    if first & 0x70 != 0 || !matches!(first & 15, 0 | 2 | 8..=10) {
        return Look::No;
    }
    if bytes.get(1).is_some_and(|second| (second & 0x80 != 0) != (dir == Dir::ToServer)) {
        return Look::No;
    }
    let frame = match read(bytes) {
        Ok(frame) => frame,
        Err(n) => return Look::More(n),
    };
    if !frame.valid() || !frame.minimal || frame.length > 1 << 28 {
        return Look::No;
    }
    if frame.opcode != BINARY || frame.length < 2 {
        return Look::Weak(frame.total());
    }
    let mut start = [0; 64];
    let inside = usize::try_from(frame.length).unwrap_or(usize::MAX).min(start.len());
    let there = bytes.get(frame.header..).unwrap_or_default();
    let there = there.get(..inside.min(there.len())).unwrap_or_default();
    let mask = frame.mask.unwrap_or_default();
    for ((out, &b), key) in start.iter_mut().zip(there).zip(mask.iter().cycle()) {
        *out = b ^ key;
    }
    let packet = start.get(..there.len()).unwrap_or_default();
    match resync::look(packet, Known { dir: Some(dir), layout: Layout::Unknown }) {
        Look::No => Look::No,
        Look::Strong(_) => Look::Strong(frame.total()),
        // A packet that fills its frame: two lengths that agree.
        Look::Weak(n) if n == frame.length => Look::Strong(frame.total()),
        Look::More(n) if there.len() < inside => Look::More(frame.header + n.min(inside)),
        Look::Weak(_) | Look::More(_) => Look::Weak(frame.total()),
    }
}
