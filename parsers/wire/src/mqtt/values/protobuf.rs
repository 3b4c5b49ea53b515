//! The wire format of protocol buffers: fields one after the other.

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// Variable length integer.
    Varint(u64),
    /// Eight bytes, little-endian.
    Eight(u64),
    /// Length and bytes: text, bytes, a message, packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes, little-endian.
    Four(u32),
}

impl<'a> Field<'a> {
    /// The bytes of a text or message; empty for anything else.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }

    /// The integer; 0 for anything else.
    #[must_use]
    pub fn number(self) -> u64 {
        if let Self::Varint(n) = self { n } else { 0 }
    }
}

/// Reads a message field by field: number and value. `Err(())`: the bytes are no such message.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), ()>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(()))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Eight(self.take(8)?.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b))),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Four(self.take(4)?.iter().rev().fold(0, |n, &b| n << 8 | u32::from(b))),
            _ => return None, // groups are not used
        };
        (tag >> 3 != 0).then_some((tag >> 3, value))
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (at, &byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                self.0 = self.0.get(at + 1..)?;
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wire_type() {
        let bytes = [0x08, 0xAC, 0x02, 0x12, 2, b'h', b'i', 0x1D, 0, 0, 0x80, 0x3F, 0x21, 1, 0, 0, 0, 0, 0, 0, 0];
        let fields: Vec<_> = Fields(&bytes).collect();
        let want = [
            Ok((1, Field::Varint(300))),
            Ok((2, Field::Bytes(b"hi"))),
            Ok((3, Field::Four(0x3F80_0000))),
            Ok((4, Field::Eight(1))),
        ];
        assert_eq!(fields, want);
        for n in [1, 2, 4, 6, 8, 13, 20] {
            assert_eq!(Fields(&bytes[..n]).last(), Some(Err(())), "{n}");
        }
        assert_eq!(Fields(&[0x0B]).last(), Some(Err(())), "a group");
        assert_eq!(Fields(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]).last(), Some(Err(())));
    }
}
