//! The data link layer (IEEE 1815-2012 clause 9): frames, their CRCs, and the next frame after a loss.

use super::reader::Reader;

/// Start octets of a frame (9.2.4.1.1).
pub const START: [u8; 2] = [0x05, 0x64];
/// Octets of the header block with its CRC.
pub const HEADER: usize = 10;
/// User data octets in a full block.
const BLOCK: usize = 16;
/// The smallest value of the length octet: control, destination and source without user data.
const SMALLEST: u8 = 5;

/// The header block of a frame whose CRC is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The length octet: control, addresses and user data, CRCs not counted.
    pub length: u8,
    /// The control octet.
    pub control: u8,
    /// Destination address.
    pub dst: u16,
    /// Source address.
    pub src: u16,
}

impl Header {
    /// The DIR bit: set by the master (9.2.4.1.3.1).
    pub fn is_from_master(self) -> bool {
        self.control & 0x80 != 0
    }
    /// The PRM bit: the frame initiates a transaction, its function code is one of the primary ones.
    pub fn primary(self) -> bool {
        self.control & 0x40 != 0
    }
    /// The link function code.
    pub fn function(self) -> u8 {
        self.control & 0x0F
    }
    /// Whether the function carries user data: confirmed (3) or unconfirmed (4).
    pub fn carries_data(self) -> bool {
        self.primary() && matches!(self.function(), 3 | 4)
    }
    /// Octets of user data.
    pub fn user(self) -> usize {
        usize::from(self.length.saturating_sub(SMALLEST))
    }
    /// Octets of the whole frame with all CRCs, at most 292.
    pub fn total(self) -> usize {
        HEADER + self.user() + 2 * self.user().div_ceil(BLOCK)
    }
    /// Addresses of the master and the outstation, told by the DIR bit.
    pub fn ends(self) -> (u16, u16) {
        if self.is_from_master() { (self.src, self.dst) } else { (self.dst, self.src) }
    }
}

/// What stands at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A header block with its right CRC.
    Header(Header),
    /// What could be a header block once there are [`HEADER`] octets.
    Short,
    /// No start octets.
    NoStart,
    /// Start octets, but the header's CRC is wrong or its length impossible.
    BadHeader,
}

/// Reads a header block (9.2.4.1).
///
/// ```text
///  0     1     2        3         4    5    6    7    8    9
/// +-----+-----+--------+---------+----+----+----+----+----+----+
/// | 05  | 64  | length | control | dst, LE | src, LE | CRC, LE |
/// +-----+-----+--------+---------+---------+---------+---------+
///               counts everything behind it but CRCs: 5..=255
/// ```
pub fn header(bytes: &[u8]) -> Found {
    let Some(block) = bytes.first_chunk::<HEADER>() else {
        let start = bytes.get(..2).unwrap_or(bytes);
        return if START.starts_with(start) { Found::Short } else { Found::NoStart };
    };
    let [a, b, length, control, dst0, dst1, src0, src1, crc0, crc1] = *block;
    if [a, b] != START {
        return Found::NoStart;
    }
    let sum = crc(&[a, b, length, control, dst0, dst1, src0, src1]);
    if length < SMALLEST || sum != u16::from_le_bytes([crc0, crc1]) {
        return Found::BadHeader;
    }
    Found::Header(Header {
        length,
        control,
        dst: u16::from_le_bytes([dst0, dst1]),
        src: u16::from_le_bytes([src0, src1]),
    })
}

/// Offset of the next header block at or after `from`: a whole one with its right CRC, or what may become
/// one at the very end. The length of `bytes` when there is none.
pub fn next_start(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = bytes.get(at..) {
        let Some(hit) = memchr::memchr(START[0], rest) else { break };
        at += hit;
        match header(bytes.get(at..).unwrap_or_default()) {
            Found::Header(_) | Found::Short => return at,
            Found::NoStart | Found::BadHeader => at += 1,
        }
    }
    bytes.len()
}

/// Strips the CRCs off the data blocks behind a header (9.2.4.2) and appends the user data to `out`.
///
/// ```text
/// +--------------------+-----+--------------------+-----+-- ... --+-----+
/// | 16 octets of data  | CRC | 16 octets of data  | CRC | 1 to 16 | CRC |
/// +--------------------+-----+--------------------+-----+-- ... --+-----+
/// ```
///
/// # Errors
/// The number, from 1, of the first block whose CRC is wrong.
pub fn unblock(header: Header, blocks: &[u8], out: &mut Vec<u8>) -> Result<(), usize> {
    let mut reader = Reader::new(blocks);
    let mut left = header.user();
    let mut number = 0;
    while left > 0 {
        number += 1;
        let size = left.min(BLOCK);
        let (Some(data), Some(sum)) = (reader.take(size), reader.u16()) else { return Err(number) };
        if crc(data) != sum {
            return Err(number);
        }
        out.extend_from_slice(data);
        left -= size;
    }
    Ok(())
}

/// The CRC of a block (9.2.4.3): x16+x13+x12+x11+x10+x8+x6+x5+x2+1, reflected, inverted at the end.
///
/// It starts at 0 and is linear, so that each octet adds its own share, known from its distance to the
/// block's end: no octet waits for the one before it.
pub fn crc(block: &[u8]) -> u16 {
    let share = |sum, (&octet, share): (&u8, &[u16; 256])| sum ^ share[usize::from(octet)];
    !match <&[u8; BLOCK]>::try_from(block) {
        Ok(full) => full.iter().rev().zip(&SHARES).fold(0, share), // of known length: no loop is left
        Err(_) => block.iter().rev().zip(&SHARES).fold(0, share),
    }
}

/// `SHARES[n][octet]`: what an octet with `n` octets behind it adds to the CRC.
static SHARES: [[u16; 256]; BLOCK] = shares();

const fn shares() -> [[u16; 256]; BLOCK] {
    const POLYNOMIAL: u16 = 0xA6BC;
    let mut table = [[0_u16; 256]; BLOCK];
    let mut octet = 0;
    while octet < 256 {
        let mut sum = octet as u16;
        let mut distance = 0;
        while distance < BLOCK {
            let mut bit = 0;
            while bit < 8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
                bit += 1;
            }
            table[distance][octet] = sum;
            distance += 1;
        }
        octet += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// The CRC by the book, bit by bit.
    fn slow(block: &[u8]) -> u16 {
        !block.iter().fold(0_u16, |mut sum, &octet| {
            sum ^= u16::from(octet);
            for _ in 0..8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ 0xA6BC } else { sum >> 1 };
            }
            sum
        })
    }

    #[test]
    fn crc_equals_the_definition() {
        assert_eq!(crc(b"123456789"), 0xEA82); // the catalogued check value of CRC-16/DNP
        let mut octets = [0_u8; 16];
        for (i, octet) in octets.iter_mut().enumerate() {
            *octet = (i * 37 + 11) as u8;
        }
        for n in 0..=16 {
            assert_eq!(crc(&octets[..n]), slow(&octets[..n]), "{n} octets");
        }
    }

    #[test]
    fn header_of_a_real_frame() {
        // a request for link status from 1 to 1024
        let bytes = [0x05, 0x64, 0x05, 0xC9, 0x00, 0x04, 0x01, 0x00];
        let sum = crc(&bytes).to_le_bytes();
        let frame = [&bytes[..], &sum].concat();
        let Found::Header(h) = header(&frame) else { panic!("no header") };
        assert_eq!((h.src, h.dst, h.function(), h.is_from_master(), h.primary()), (1, 1024, 9, true, true));
        assert_eq!((h.user(), h.total(), h.ends()), (0, 10, (1, 1024)));
        for n in 0..10 {
            assert_eq!(header(&frame[..n]), Found::Short);
        }
        let mut bad = frame.clone();
        bad[4] ^= 1;
        assert_eq!(header(&bad), Found::BadHeader);
        assert_eq!(header(&[0x05, 0x65]), Found::NoStart);
    }

    #[test]
    fn largest_frame() {
        let h = Header { length: 255, control: 0xC4, dst: 0, src: 0 };
        assert_eq!((h.user(), h.total()), (250, 292));
        assert_eq!(Header { length: 0, ..h }.total(), 10);
    }

    #[test]
    fn next_start_skips_false_ones_and_keeps_a_half_one() {
        let mut frame = vec![0x05, 0x64, 0x05, 0xC0, 1, 0, 2, 0];
        frame.extend(crc(&frame).to_le_bytes());
        let mut bytes = vec![0x05, 0x64, 0x05, 0x64, 0x05, 9, 9, 9, 9, 9, 9, 9];
        let at = bytes.len();
        bytes.extend(&frame);
        assert_eq!(next_start(&bytes, 0), at);
        assert_eq!(next_start(&bytes[..at + 4], 0), at);
        assert_eq!(next_start(&[1, 2, 3], 0), 3);
        assert_eq!(next_start(&[1, 2, 5], 0), 2);
        assert_eq!(next_start(&[5, 5], 1), 1);
    }
}
