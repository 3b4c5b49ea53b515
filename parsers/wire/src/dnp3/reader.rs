//! Little-endian octets, in order. Every reading may fail; nothing panics.

/// Reads from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    /// What is not yet read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Octets read.
    pub fn at(&self) -> usize {
        self.length - self.rest.len()
    }

    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(n)?;
        self.rest = tail;
        Some(head)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A number of 1, 2 or 4 octets.
    pub fn number(&mut self, width: usize) -> Option<u32> {
        match width {
            1 => self.u8().map(u32::from),
            2 => self.u16().map(u32::from),
            _ => self.u32(),
        }
    }

    /// DNP3 time (clause 11.3.4): milliseconds since 1970 in 48 bits, here nanoseconds.
    pub fn time(&mut self) -> Option<i64> {
        self.take(6).map(time)
    }
}

/// An unsigned little-endian number of up to 8 octets.
pub fn unsigned(octets: &[u8]) -> u64 {
    octets.iter().take(8).rev().fold(0, |sum, &octet| sum << 8 | u64::from(octet))
}

/// Nanoseconds since the epoch of a DNP3 time in 6 octets. The largest (year 10889) exceeds 64 bits of
/// nanoseconds and is cut to the last that fits (year 2262).
pub fn time(octets: &[u8]) -> i64 {
    i64::try_from(unsigned(octets)).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}

/// Appends a number in decimal, without the formatting machinery.
pub fn push_number(out: &mut String, number: u32) {
    if let Ok(small) = u8::try_from(number) {
        let at = 3 * usize::from(small);
        let pad = usize::from(small < 10) + usize::from(small < 100);
        out.push_str(DECIMALS.get(at + pad..at + 3).unwrap_or_default());
    } else {
        use std::fmt::Write as _;
        let _ = write!(out, "{number}"); // writing to a String never fails
    }
}

/// The numbers from 0 to 255, three digits each.
static DECIMALS: &str = match std::str::from_utf8(&DIGITS) {
    Ok(digits) => digits,
    Err(_) => "",
};
static DIGITS: [u8; 768] = {
    let mut digits = [0; 768];
    let mut n = 0;
    while n < 256 {
        digits[3 * n] = b'0' + (n / 100) as u8;
        digits[3 * n + 1] = b'0' + (n / 10 % 10) as u8;
        digits[3 * n + 2] = b'0' + (n % 10) as u8;
        n += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn numbers_and_ends() {
        let mut r = Reader::new(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((r.u8(), r.u16(), r.at()), (Some(1), Some(0x0302), 3));
        assert_eq!(r.number(4), Some(0x0706_0504));
        assert_eq!((r.u16(), r.rest(), r.number(1), r.u8()), (None, &[8_u8][..], Some(8), None));
    }

    #[test]
    fn times() {
        assert_eq!(time(&[0, 0, 0, 0, 0, 0]), 0);
        assert_eq!(time(&[0xE8, 3, 0, 0, 0, 0]), 1_000_000_000);
        assert_eq!(time(&[0xFF; 6]), i64::MAX);
    }

    #[test]
    fn decimal() {
        for n in (0..300).chain([65_535, u32::MAX]) {
            let mut out = String::new();
            push_number(&mut out, n);
            assert_eq!(out, n.to_string());
        }
    }
}
