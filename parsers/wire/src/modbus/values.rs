//! Values out of the bytes of a PDU.

use super::pdu::Layout;

fn words(bytes: &[u8], out: &mut Vec<u16>) {
    out.extend(bytes.chunks_exact(2).map(|pair| match *pair {
        [high, low] => u16::from_be_bytes([high, low]),
        _ => 0,
    }));
}

/// Appends the values that `bytes` hold; a half word at the end is none.
pub fn append(layout: Layout, bytes: &[u8], out: &mut Vec<u16>) {
    match layout {
        Layout::None => {}
        Layout::Words => words(bytes, out),
        // The lowest bit of the first byte is the first address (clause 6.1).
        Layout::Bits(count) => out.extend(
            bytes.iter().flat_map(|&byte| (0..8).map(move |bit| u16::from(byte >> bit & 1))).take(count.into()),
        ),
        // Clause 6.5: 0xFF00 is on, 0 is off, anything else is kept as it is.
        Layout::Coil => {
            words(bytes, out);
            if let Some(value) = out.last_mut().filter(|v| **v == 0xFF00) {
                *value = 1;
            }
        }
        Layout::Bytes => out.extend(bytes.iter().map(|&b| u16::from(b))),
        Layout::Log => {
            let (head, events) = bytes.split_at(bytes.len().min(6));
            words(head, out);
            out.extend(events.iter().map(|&b| u16::from(b)));
        }
        Layout::RecordsWritten => records(bytes, out, |group| {
            let length = group.get(5..7)?.try_into().ok().map(u16::from_be_bytes)?;
            Some((7, 7 + 2 * usize::from(length)))
        }),
        Layout::RecordsRead => records(bytes, out, |group| Some((2, 1 + usize::from(*group.first()?)))),
    }
}

/// Walks groups; `extent` gives where a group's words start and where it ends (always behind its start).
fn records(bytes: &[u8], out: &mut Vec<u16>, extent: impl Fn(&[u8]) -> Option<(usize, usize)>) {
    let mut rest = bytes;
    while let Some((start, end)) = extent(rest) {
        words(rest.get(start..end.min(rest.len())).unwrap_or_default(), out);
        rest = rest.get(end..).unwrap_or_default();
    }
}
