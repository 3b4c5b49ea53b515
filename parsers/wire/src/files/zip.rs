//! ZIP archives as far as their start and end tell: PyTorch, Keras and NumPy keep models in them.

/// The names of the members whose local headers stand in these bytes (APPNOTE 4.3.7); a compressed size of zero with
/// a data descriptor ends the walk.
pub fn members(mut bytes: &[u8]) -> Vec<&str> {
    let mut names = Vec::new();
    while let Some(header) = bytes.strip_prefix(b"PK\x03\x04") {
        let word = |at: usize| header.get(at..at + 2).and_then(<[u8]>::first_chunk).map(|b| u16::from_le_bytes(*b));
        let (Some(length), Some(extra)) = (word(22), word(24)) else { break };
        let start = 26 + usize::from(length);
        let Some(name) = header.get(26..start).and_then(|n| std::str::from_utf8(n).ok()) else { break };
        names.push(name);
        let size = header.get(14..18).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_le_bytes(*b));
        let next = start + usize::from(extra) + usize::try_from(size).unwrap_or(usize::MAX).min(1 << 30);
        if size == 0 {
            break;
        }
        let Some(rest) = header.get(next..) else { break };
        bytes = rest;
    }
    names
}

/// Whether the end of the central directory (APPNOTE 4.3.16) stands in an archive's last bytes.
pub fn ends(tail: &[u8]) -> bool {
    memchr::memmem::rfind(tail, b"PK\x05\x06").is_some()
}
