//! Readers of MQTT's data types (MQTT 5, 1.5) and of the fixed header (2.1).

use super::codes;

/// Where and why a packet contradicts the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The field.
    pub field: &'static str,
    /// Its offset from the end of the fixed header.
    pub at: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// A value, or where the packet contradicts the standard.
pub type Read<T> = Result<T, Malformed>;

/// Reads fields one after the other; never beyond the packet.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader of a packet's body.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset of the next field.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes that are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// All bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.bytes.len();
        rest
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize, field: &'static str) -> Read<&'a [u8]> {
        let end = self.at.checked_add(n);
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(bytes) => {
                self.at += n;
                Ok(bytes)
            }
            None => Err(Malformed { field, at: self.at, reason: "passes the end of the packet" }),
        }
    }

    /// One byte.
    pub fn byte(&mut self, field: &'static str) -> Read<u8> {
        Ok(self.take(1, field)?.first().copied().unwrap_or_default())
    }

    /// Two byte integer, big-endian.
    pub fn two(&mut self, field: &'static str) -> Read<u16> {
        Ok(self.take(2, field)?.iter().fold(0, |n, &b| n << 8 | u16::from(b)))
    }

    /// Four byte integer, big-endian.
    pub fn four(&mut self, field: &'static str) -> Read<u32> {
        Ok(self.take(4, field)?.iter().fold(0, |n, &b| n << 8 | u32::from(b)))
    }

    /// Variable byte integer.
    pub fn varint(&mut self, field: &'static str) -> Read<u32> {
        let (at, rest) = (self.at, self.bytes.get(self.at..).unwrap_or_default());
        match varint(rest) {
            Varint::Is(value, length) => {
                self.at += length;
                Ok(value)
            }
            Varint::Short => Err(Malformed { field, at, reason: "passes the end of the packet" }),
            Varint::TooLong => Err(Malformed { field, at, reason: "is longer than four bytes" }),
        }
    }

    /// Binary data, or the bytes of a UTF-8 string: two bytes of length, then that many.
    pub fn binary(&mut self, field: &'static str) -> Read<&'a [u8]> {
        let start = self.at;
        let length = self.two(field)?;
        self.take(usize::from(length), field).map_err(|e| Malformed { at: start, ..e })
    }
}

/// A variable byte integer at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Varint {
    /// Its value and its length.
    Is(u32, usize),
    /// The bytes end before it does.
    Short,
    /// "The maximum number of bytes in the Variable Byte Integer field is four" (1.5.5).
    TooLong,
}

/// Reads a variable byte integer: seven bits a byte, least significant first, bit 7 says "goes on".
#[must_use]
pub fn varint(bytes: &[u8]) -> Varint {
    let mut value = 0;
    for (at, &byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Varint::Is(value, at + 1);
        }
    }
    if bytes.len() < 4 { Varint::Short } else { Varint::TooLong }
}

/// The fixed header (2.1).
///
/// ```text
///  7   6   5   4 | 3   2   1   0
///  packet type   | flags            byte 1
///  remaining length                 bytes 2 to 5 at most
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    /// Control packet type, 0 to 15.
    pub kind: u8,
    /// The flags.
    pub flags: u8,
    /// Bytes behind the fixed header.
    pub remaining: u32,
    /// Bytes of the fixed header.
    pub length: usize,
}

/// The fixed header, or why there is none.
pub type Header = Result<Fixed, Varint>;

/// Reads the fixed header.
///
/// # Errors
/// [`Varint::Short`] or [`Varint::TooLong`].
pub fn fixed(bytes: &[u8]) -> Header {
    let Some((&first, rest)) = bytes.split_first() else { return Err(Varint::Short) };
    match varint(rest) {
        Varint::Is(remaining, n) => Ok(Fixed { kind: first >> 4, flags: first & 15, remaining, length: 1 + n }),
        other => Err(other),
    }
}

impl Fixed {
    /// Quality of service of PUBLISH.
    #[must_use]
    pub fn qos(&self) -> u8 {
        self.flags >> 1 & 3
    }

    /// Whether a packet identifier follows PUBLISH's topic.
    #[must_use]
    pub fn has_id(&self) -> bool {
        matches!(self.qos(), 1 | 2)
    }

    /// Whether the flags are what the standard demands. MQTT 3.1 also sets DUP in PUBREL, SUBSCRIBE
    /// and UNSUBSCRIBE, and PUBLISH must not have quality of service 3.
    #[must_use]
    pub fn flags_valid(&self, version: u8) -> bool {
        if self.kind == codes::PUBLISH {
            return self.qos() != 3 && (self.qos() != 0 || self.flags & 8 == 0 || version == 3);
        }
        let want = codes::of(self.kind).flags;
        self.flags == want || (version == 3 && want == 2 && self.flags == 10)
    }

    /// "The encoded value MUST use the minimum number of bytes" (MQTT 5, 1.5.5).
    #[must_use]
    pub fn minimal(&self) -> bool {
        self.length == 2 || self.remaining >> (7 * self.length.saturating_sub(2)) != 0
    }

    /// All bytes of the packet.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.length as u64 + u64::from(self.remaining)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn variable_byte_integers() {
        for (bytes, want) in [
            (&[0x00][..], Varint::Is(0, 1)),
            (&[0x7F, 9], Varint::Is(127, 1)),
            (&[0x80, 0x01], Varint::Is(128, 2)),
            (&[0xFF, 0xFF, 0xFF, 0x7F], Varint::Is(268_435_455, 4)),
            (&[0x80, 0x80, 0x80, 0x80], Varint::TooLong),
            (&[0xFF, 0xFF, 0xFF], Varint::Short),
            (&[], Varint::Short),
        ] {
            assert_eq!(varint(bytes), want, "{bytes:02x?}");
        }
    }

    #[test]
    fn a_field_never_passes_the_end() {
        let mut r = Reader::new(&[0, 3, b'a', b'b']);
        let e = r.binary("topic").unwrap_err();
        assert_eq!((e.field, e.at), ("topic", 0));
        assert_eq!(Reader::new(&[1, 2, 3, 4, 5]).four("x"), Ok(0x0102_0304));
        assert!(Reader::new(&[1]).two("x").is_err());
        assert_eq!(Reader::new(&[0x80, 1]).varint("x"), Ok(128));
    }

    #[test]
    fn flags() {
        let flags = |byte: u8, version| fixed(&[byte, 0]).unwrap().flags_valid(version);
        assert!(flags(0x82, 4) && !flags(0x80, 4) && flags(0x8A, 3) && !flags(0x8A, 5));
        assert!(flags(0x3D, 4) && !flags(0x36, 4) && !flags(0x38, 4) && flags(0x38, 3));
    }
}
