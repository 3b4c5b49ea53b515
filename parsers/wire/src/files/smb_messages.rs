//! SMB 2 and 3 messages (MS-SMB2) as far as files need them. All numbers are little-endian.

/// The 64 octets in front of every message (section 2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub status: u32,
    pub command: u16,
    pub response: bool,
    /// Where the next message of a compound stands; 0: this is the last.
    pub next: usize,
    pub message: u64,
}

pub const CREATE: u16 = 5;
pub const CLOSE: u16 = 6;
pub const READ: u16 = 8;
pub const WRITE: u16 = 9;

/// Octets of the header.
pub const HEADER: usize = 64;

/// A handle: two numbers of 8 octets.
pub type FileId = [u8; 16];

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b))
}

fn id_at(bytes: &[u8], at: usize) -> Option<FileId> {
    bytes.get(at..)?.first_chunk().copied()
}

pub fn header(message: &[u8]) -> Option<Header> {
    let rest = message.strip_prefix(b"\xfeSMB")?;
    (u16_at(rest, 0)? == 64).then_some(())?;
    Some(Header {
        status: u32_at(message, 8)?,
        command: u16_at(message, 12)?,
        response: u32_at(message, 16)? & 1 == 1,
        next: usize::try_from(u32_at(message, 20)?).ok()?,
        message: u64_at(message, 24)?,
    })
}

/// Name in a CREATE request (section 2.2.13): offset and length of UTF-16 stand at 44 and 46 of the body.
pub fn created_name(message: &[u8]) -> Option<String> {
    let start = usize::from(u16_at(message, HEADER + 44)?);
    let length = usize::from(u16_at(message, HEADER + 46)?);
    let units = message.get(start..start + length)?.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]]));
    Some(char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).map(|c| if c == '\\' { '/' } else { c }).collect())
}

/// Handle in a CREATE response (section 2.2.14).
pub fn created_id(message: &[u8]) -> Option<FileId> {
    id_at(message, HEADER + 64)
}

/// Length of the file that a CREATE response gives.
pub fn created_length(message: &[u8]) -> Option<u64> {
    u64_at(message, HEADER + 48)
}

/// Handle in a CLOSE request (section 2.2.15).
pub fn closed_id(message: &[u8]) -> Option<FileId> {
    id_at(message, HEADER + 8)
}

/// Handle and offset in a READ request (section 2.2.19).
pub fn read_of(message: &[u8]) -> Option<(FileId, u64)> {
    Some((id_at(message, HEADER + 16)?, u64_at(message, HEADER + 8)?))
}

/// Where the data of a READ response stand in the message, and how many (section 2.2.20).
pub fn read_data(message: &[u8]) -> Option<(usize, u64)> {
    Some((usize::from(*message.get(HEADER + 2)?), u32_at(message, HEADER + 4)?.into()))
}

/// Handle and offset in a WRITE request, where its data stand, and how many (section 2.2.21).
pub fn written(message: &[u8]) -> Option<(FileId, u64, usize, u64)> {
    let data = usize::from(u16_at(message, HEADER + 2)?);
    let (length, offset) = (u32_at(message, HEADER + 4)?, u64_at(message, HEADER + 8)?);
    Some((id_at(message, HEADER + 16)?, offset, data, length.into()))
}
