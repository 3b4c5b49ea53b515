//! Names that are asked for, as behaviours: what a detector of tunnels over DNS needs, without a row a query.
//!
//! A behaviour is the kind of record and the domain below which the name lies: many names below one domain are one
//! behaviour, whose count and bytes grow. Of the names themselves a flow's summary keeps the longest.

use super::lan;
use super::reader::Reader;
use crate::behaviour::{Access, Behaviour, Key};
use crate::dissect::{Cx, Dir};

/// Names of record types (IANA DNS parameters): those in use, and those that tunnels carry data in.
fn operation(kind: u16, response: bool) -> &'static str {
    match (kind, response) {
        (1, false) => "query_a",
        (1, true) => "answer_a",
        (5, false) => "query_cname",
        (5, true) => "answer_cname",
        (10, false) => "query_null",
        (10, true) => "answer_null",
        (12, false) => "query_ptr",
        (12, true) => "answer_ptr",
        (15, false) => "query_mx",
        (15, true) => "answer_mx",
        (16, false) => "query_txt",
        (16, true) => "answer_txt",
        (28, false) => "query_aaaa",
        (28, true) => "answer_aaaa",
        (33, false) => "query_srv",
        (33, true) => "answer_srv",
        (65_399, false) => "query_private",
        (65_399, true) => "answer_private",
        (255, false) => "query_any",
        (255, true) => "answer_any",
        (_, false) => "query_other",
        (_, true) => "answer_other",
    }
}

/// Whether flows of this protocol ask for names.
pub(super) fn asks(app: &str) -> bool {
    matches!(app, "dns" | "mdns" | "llmnr")
}

/// Counts the message at the start of `bytes`. Names under a NetBIOS name service are hosts' own and not counted.
#[cold]
pub(super) fn count(cx: &mut Cx<'_>, app: &'static str, dir: Dir, bytes: &[u8]) {
    // Over TCP the message's length stands before it (RFC 1035 section 4.2.2).
    let Some(message) = [bytes, bytes.get(2..).unwrap_or_default()].into_iter().find(|m| lan::question(m).is_some())
    else {
        return;
    };
    let Some(question) = lan::question(message) else { return };
    let mut domain = [0; 128];
    let object = below(question.name, &mut domain);
    let kind =
        message.get(12 + question.name.len()..).and_then(<[u8]>::first_chunk).map_or(0, |k| u16::from_be_bytes(*k));
    let refused = question.response && message.get(3).is_some_and(|flags| flags & 0x0F != 0);
    // A client that answers (multicast) is told from one that asks by the message alone.
    let access = if dir == Dir::ToClient && !question.response { Access::Report } else { Access::Session };
    cx.behaviour(&Behaviour {
        protocol: app,
        unit: Key::None,
        operation: operation(kind, question.response),
        access,
        object: Key::Text(object),
        bytes: message.len() as u64,
        latency_us: None,
        error: refused,
    });
}

/// The domain that a name lies below, in lower case: its last two labels, or three where the last two are a country's
/// and a short one (`co.uk`). Bytes that are no letters, digits, `-` or `_` become `?`.
fn below<'a>(name: &[u8], out: &'a mut [u8; 128]) -> &'a str {
    let mut labels: [&[u8]; 3] = [&[]; 3];
    let mut at = Reader(name);
    while let Some(label) = at.block8().filter(|label| !label.is_empty()) {
        labels.rotate_left(1);
        labels[2] = label.0;
    }
    let [_, second, top] = labels;
    let wanted = if top.len() == 2 && (1..=3).contains(&second.len()) { &labels[..] } else { &labels[1..] };
    let mut length = 0;
    for label in wanted.iter().filter(|label| !label.is_empty()) {
        let dot = (length > 0).then_some(&b'.');
        for &byte in dot.into_iter().chain(label.iter()) {
            let Some(place) = out.get_mut(length) else { break };
            let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            *place = if plain { byte.to_ascii_lowercase() } else { b'?' };
            length += 1;
        }
    }
    std::str::from_utf8(out.get(..length).unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        let mut out = [0; 128];
        for (name, want) in [
            (&b"\x04dnsx\x03abc\x07example\x03com\0"[..], "example.com"),
            (b"\x03www\x07EXAMPLE\x02co\x02uk\0", "example.co.uk"),
            (b"\x07printer\x05local\0", "printer.local"),
            (b"\x04host\0", "host"),
            (b"\0", ""),
            (b"\x03a\xFF.\x02de\0", "a?..de"),
        ] {
            assert_eq!(below(name, &mut out), want);
        }
        let long = [&[63; 1][..], &[b'x'; 63], &[63], &[b'y'; 63], &[63], &[b'z'; 63], &[0]].concat();
        assert_eq!(below(&long, &mut out).len(), 127);
    }
}
