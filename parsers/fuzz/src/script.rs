//! A conversation described by bytes: what each side sends, how it is cut, what is lost, how time passes.
//!
//! ```text
//!  0 what: 0x80 from the server, 0x40 a datagram, low 3 bits: 5 byte by byte, 6 a hole, 7 time passes, else at once
//!  1 length, little endian (of a hole: bytes lost; of time: seconds) | 3 the bytes
//! ```

use wire::dissect::Dir;
use wire::limits::Limits;

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    Feed { dir: Dir, bytes: &'a [u8], bytewise: bool, datagram: bool },
    Gap { dir: Dir, missing: u64 },
    Wait { seconds: i64 },
}

/// Reads the next step off the input.
pub fn next<'a>(input: &mut &'a [u8]) -> Option<Step<'a>> {
    let (&[what, low, high], rest) = input.split_first_chunk::<3>()?;
    *input = rest;
    let length = u16::from_le_bytes([low, high]);
    let dir = if what & 0x80 == 0 { Dir::ToServer } else { Dir::ToClient };
    Some(match what & 7 {
        6 => Step::Gap { dir, missing: length.into() },
        7 => Step::Wait { seconds: length.into() },
        how => {
            let (bytes, rest) = input.split_at(usize::from(length).min(input.len()));
            *input = rest;
            Step::Feed { dir, bytes, bytewise: how == 5, datagram: what & 0x40 != 0 }
        }
    })
}

/// Writes a step that [`next`] reads back, for seeds.
pub fn write(out: &mut Vec<u8>, from_server: bool, datagram: bool, bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
    out.push(u8::from(from_server) << 7 | u8::from(datagram) << 6);
    out.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend(bytes);
}

/// Limits low enough to be reached by an input.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        flows: 64,
        reassembly_flow_bytes: 16_384,
        reassembly_flow_segments: 64,
        reassembly_bytes: 65_536,
        late_holes: 4,
        fragment_datagrams: 32,
        fragment_bytes: 65_536,
        message_bytes: 32_768,
        pending_requests: 32,
        items: 256,
        payload_bytes: 1_024,
        topic_aliases: 32,
        value_bytes: 16_384,
        tags_per_flow: 256,
        link_pairs: 16,
        pending_bytes: 65_536,
        channels: 4,
        chunked_messages: 8,
        chunks: 64,
        read_templates: 8,
        monitored_items: 256,
        http_json_bytes: 16_384,
        http_values: 64,
        http_tags: 256,
        behaviours: 1_024,
        window_rows: 4_096,
        window_bytes: 1 << 20,
        ..Limits::default()
    }
}
