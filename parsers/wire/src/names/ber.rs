//! Basic encoding rules (X.690) as far as SNMP and LDAP need them.

use super::reader::Reader;

/// Tags used here.
pub(super) mod tag {
    pub const INTEGER: u8 = 0x02;
    pub const OCTETS: u8 = 0x04;
    pub const SEQUENCE: u8 = 0x30;
}

impl<'a> Reader<'a> {
    /// Tag and length of the next element (X.690 section 8.1, definite forms). The length may exceed what is at hand.
    pub(super) fn tag_length(&mut self) -> Option<(u8, usize)> {
        let tag = self.u8()?;
        let length = match self.u8()? {
            short @ 0..=0x7F => usize::from(short),
            0x81 => usize::from(self.u8()?),
            0x82 => usize::from(self.u16()?),
            0x83 => self.u24()?,
            0x84 => usize::try_from(self.u32()?).ok()?,
            _ => return None,
        };
        Some((tag, length))
    }

    /// Tag and contents of the next element, whole.
    pub(super) fn element(&mut self) -> Option<(u8, Reader<'a>)> {
        let (tag, length) = self.tag_length()?;
        Some((tag, Reader(self.take(length)?)))
    }

    /// Contents of the next element, which has this tag.
    pub(super) fn tagged(&mut self, tag: u8) -> Option<Reader<'a>> {
        let (found, contents) = self.element()?;
        (found == tag).then_some(contents)
    }

    /// An integer of at most four bytes, taken as not negative.
    pub(super) fn integer(&mut self) -> Option<u32> {
        let Reader(bytes) = self.tagged(tag::INTEGER)?;
        matches!(bytes.len(), 1..=4).then(|| bytes.iter().fold(0, |n, &b| n << 8 | u32::from(b)))
    }
}

/// The contents of an outer sequence and whether it is whole; what stands behind it in the stream is cut.
pub(super) fn sequence(bytes: &[u8]) -> Option<(Reader<'_>, bool)> {
    let mut at = Reader(bytes);
    let (tag, length) = at.tag_length()?;
    let whole = at.len() >= length;
    (tag == tag::SEQUENCE && length >= 4).then(|| (Reader(at.0.get(..length).unwrap_or(at.0)), whole))
}
