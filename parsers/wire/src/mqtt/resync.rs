//! Is this the start of a control packet? Used after a hole, and to recognise a session picked up in the middle.

use super::codes;
use super::properties;
use super::read::{Fixed, Reader, Varint, fixed};
use super::session::Layout;
use crate::dissect::Dir;

/// Topics longer than this are not believed while there is no other evidence: bounds the work a byte.
const TOPIC: usize = 256;
/// Packets other than PUBLISH longer than this are not believed.
const BODY: u32 = 512;

/// What some bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// No control packet.
    No,
    /// Could be one; this many bytes are needed to say.
    More(usize),
    /// A packet of that many bytes that a few random bytes may look like: acknowledgements, pings.
    Weak(u64),
    /// A packet of that many bytes with a topic or name that makes sense.
    Strong(u64),
}

/// What is known about the flow.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Direction of the bytes; `None`: not known.
    pub dir: Option<Dir>,
    /// Layout of the packets.
    pub layout: Layout,
}

/// Looks at one packet.
#[must_use]
pub fn look(bytes: &[u8], known: Known) -> Look {
    let Some(&first) = bytes.first() else { return Look::More(1) };
    let packet = codes::of(first >> 4);
    let sent = match known.dir {
        Some(Dir::ToServer) => packet.client,
        Some(Dir::ToClient) => packet.server,
        None => packet.client || packet.server,
    };
    let head = Fixed { kind: first >> 4, flags: first & 15, remaining: 0, length: 1 };
    if !sent || !head.flags_valid(3) {
        return Look::No;
    }
    let head = match fixed(bytes) {
        Ok(head) => head,
        Err(Varint::Short) => return Look::More(bytes.len() + 1),
        Err(_) => return Look::No,
    };
    if !head.minimal() || head.remaining < packet.least {
        return Look::No;
    }
    if head.kind == codes::PUBLISH {
        return publish(head, bytes.get(head.length..).unwrap_or_default(), known.layout);
    }
    if head.kind == codes::CONNECT {
        return connect(head, bytes.get(head.length..).unwrap_or_default());
    }
    if head.remaining > most(head.kind, known.layout) {
        return Look::No;
    }
    let end = head.length + usize::try_from(head.remaining).unwrap_or(0);
    match bytes.get(head.length..end) {
        Some(body) => control(head, body, known.layout),
        None if end_plausible(head, bytes.get(head.length..).unwrap_or_default()) => Look::More(end),
        None => Look::No,
    }
}

/// CONNECT by its protocol's name, whatever follows: passwords may be long. `MQTT`, `MQIsdp`, or an attempt at them.
fn connect(head: Fixed, body: &[u8]) -> Look {
    match body {
        [0, 4 | 6, b'M', b'Q', ..] => Look::Strong(head.total()),
        [] | [0] | [0, 4 | 6] | [0, 4 | 6, b'M'] => Look::More(head.length + 4),
        _ => Look::No,
    }
}

/// The longest body that is believed: before MQTT 5 most packets have a fixed one.
fn most(kind: u8, layout: Layout) -> u32 {
    match kind {
        codes::PINGREQ | codes::PINGRESP => 0,
        codes::SUBSCRIBE | codes::SUBACK | codes::UNSUBSCRIBE => BODY,
        codes::DISCONNECT | codes::AUTH if layout == Layout::Older => 0,
        _ if layout == Layout::Older => 2,
        _ => BODY,
    }
}

/// Whether the part of a body that is there does not rule it out.
fn end_plausible(head: Fixed, body: &[u8]) -> bool {
    match (head.kind, body) {
        (codes::CONNACK, [flags, ..]) => *flags <= 1,
        (codes::DISCONNECT | codes::AUTH, [code, ..]) => codes::reason(head.kind, *code, 5).is_some(),
        (codes::PUBACK | codes::PUBREC | codes::PUBREL | codes::PUBCOMP, [a, b, code, ..]) => {
            (*a, *b) != (0, 0) && codes::reason(head.kind, *code, 5).is_some()
        }
        (_, [a, b, ..]) => (*a, *b) != (0, 0),
        _ => true,
    }
}

/// PUBLISH by its topic (3.3.2): UTF-8 without control characters and wildcards, and within the packet.
fn publish(head: Fixed, body: &[u8], layout: Layout) -> Look {
    let [a, b, rest @ ..] = body else { return Look::More(head.length + 2) };
    let length = usize::from(u16::from_be_bytes([*a, *b]));
    let fields = 2 + length + if head.has_id() { 2 } else { 0 };
    let properties = usize::from(layout == Layout::Five);
    if length > TOPIC || (fields + properties) as u64 > u64::from(head.remaining) {
        return Look::No;
    }
    if length == 0 && (layout == Layout::Older || head.remaining < 6) {
        return Look::No;
    }
    let there = rest.get(..length.min(rest.len())).unwrap_or_default();
    if !topic_like(there) && there.len() == length || !topic_start(there) {
        return Look::No;
    }
    let mut r = Reader::new(rest);
    let Ok(topic) = r.take(length, "") else { return Look::More(head.length + fields) };
    if head.has_id() {
        match r.two("") {
            Ok(0) => return Look::No,
            Ok(_) => {}
            Err(_) => return Look::More(head.length + fields),
        }
    }
    if length == 0 {
        // Only MQTT 5 with a topic alias leaves the topic empty, and the property comes right behind.
        let alias = properties::section(&mut r).ok().and_then(|s| properties::read(s, codes::PUBLISH).ok());
        return if alias.is_some_and(|k| k.alias.is_some() && k.stray.is_none()) {
            Look::Strong(head.total())
        } else {
            Look::No
        };
    }
    if topic.len() >= 3 { Look::Strong(head.total()) } else { Look::Weak(head.total()) }
}

/// No wildcard, no control character.
fn topic_start(topic: &[u8]) -> bool {
    topic.iter().all(|&b| b >= 0x20 && !matches!(b, b'#' | b'+' | 0x7F))
}

/// Text that a topic may be.
fn topic_like(topic: &[u8]) -> bool {
    topic_start(topic) && std::str::from_utf8(topic).is_ok()
}

/// A filter may have wildcards.
fn filter_like(filter: &[u8]) -> bool {
    !filter.is_empty() && filter.iter().all(|&b| b >= 0x20) && std::str::from_utf8(filter).is_ok()
}

/// Any other packet, whole.
fn control(head: Fixed, body: &[u8], layout: Layout) -> Look {
    let total = head.total();
    let older = layout != Layout::Five;
    let newer = layout != Layout::Older;
    let fits = match head.kind {
        codes::SUBSCRIBE | codes::UNSUBSCRIBE => {
            let options = head.kind == codes::SUBSCRIBE;
            let fits = (older && filters(body, options, false)) || (newer && filters(body, options, true));
            return if fits { Look::Strong(total) } else { Look::No };
        }
        codes::CONNACK => connack(body, older, newer),
        codes::PUBACK | codes::PUBREC | codes::PUBREL | codes::PUBCOMP => {
            has_id(body) && reason_and_properties(head.kind, body.get(2..).unwrap_or_default(), newer)
        }
        codes::SUBACK => has_id(body) && suback(body, older, newer),
        codes::UNSUBACK => has_id(body) && ((older && body.len() == 2) || (newer && suback(body, false, true))),
        codes::PINGREQ | codes::PINGRESP => body.is_empty(),
        codes::DISCONNECT => reason_and_properties(head.kind, body, newer),
        codes::AUTH => newer && reason_and_properties(head.kind, body, true),
        _ => false,
    };
    if fits { Look::Weak(total) } else { Look::No }
}

fn has_id(body: &[u8]) -> bool {
    matches!(body, [a, b, ..] if (*a, *b) != (0, 0))
}

fn connack(body: &[u8], older: bool, newer: bool) -> bool {
    match body {
        [flags, code] => *flags <= 1 && ((older && *code <= 5) || newer && codes::reason(2, *code, 5).is_some()),
        [flags, code, rest @ ..] => {
            newer && *flags <= 1 && codes::reason(2, *code, 5).is_some() && whole_section(rest, codes::CONNACK)
        }
        _ => false,
    }
}

/// An optional reason code, then optional properties.
fn reason_and_properties(kind: u8, body: &[u8], newer: bool) -> bool {
    match body {
        [] => true,
        [code] => newer && codes::reason(kind, *code, 5).is_some(),
        [code, rest @ ..] => newer && codes::reason(kind, *code, 5).is_some() && whole_section(rest, kind),
    }
}

fn whole_section(bytes: &[u8], kind: u8) -> bool {
    let mut r = Reader::new(bytes);
    let read = properties::section(&mut r).and_then(|s| properties::read(s, kind));
    r.left() == 0 && read.is_ok_and(|known| known.stray.is_none())
}

fn suback(body: &[u8], older: bool, newer: bool) -> bool {
    let granted = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(|&c| c <= 2 || c == 0x80);
    let reasons =
        |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(|&c| c <= 2 || c == 0x11 || (0x80..=0xA2).contains(&c));
    let mut r = Reader::new(body.get(2..).unwrap_or_default());
    (older && granted(body.get(2..).unwrap_or_default()))
        || (newer && properties::section(&mut r).is_ok() && reasons(r.rest()))
}

/// Packet identifier, MQTT 5's properties, then filters to the end, of SUBSCRIBE with options.
#[must_use]
pub fn filters(body: &[u8], options: bool, five: bool) -> bool {
    let mut r = Reader::new(body);
    if !r.two("").is_ok_and(|id| id != 0) || (five && properties::section(&mut r).is_err()) || r.left() == 0 {
        return false;
    }
    while r.left() > 0 {
        if !r.binary("").is_ok_and(filter_like) {
            return false;
        }
        // The upper two bits of the options are reserved (3.8.3.1), before MQTT 5 the upper six.
        if options && !r.byte("").is_ok_and(|o| o & 3 != 3 && o & if five { 0xC0 } else { 0xFC } == 0) {
            return false;
        }
    }
    true
}

/// Whether a packet starts here, to go on from after a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Start,
    /// It does not.
    Not,
    /// This many bytes are needed to say.
    More(usize),
}

/// Judges a candidate by itself and by what follows it. `fresh`: these are the first bytes of a segment behind
/// the hole, where packets mostly start: then a weak packet that ends with the segment suffices.
#[must_use]
pub fn judge(bytes: &[u8], known: Known, fresh: bool) -> Verdict {
    let (total, strong) = match look(bytes, known) {
        Look::No => return Verdict::Not,
        Look::More(n) => return Verdict::More(n),
        Look::Weak(total) => (total, fresh),
        Look::Strong(total) => (total, true),
    };
    let end = usize::try_from(total).unwrap_or(usize::MAX);
    let Some(next) = bytes.get(end..) else {
        return if strong { Verdict::Start } else { Verdict::More(end.min(bytes.len() + 1)) };
    };
    match look(next, known) {
        Look::No => Verdict::Not,
        Look::Strong(_) => Verdict::Start,
        Look::Weak(second) if strong || total + second > 4 => Verdict::Start,
        Look::More(_) if strong => Verdict::Start,
        Look::More(n) => Verdict::More(end + n),
        Look::Weak(second) => {
            let end = end + usize::try_from(second).unwrap_or(0);
            match look(bytes.get(end..).unwrap_or_default(), known) {
                Look::No => Verdict::Not,
                Look::More(n) => Verdict::More(end + n),
                _ => Verdict::Start,
            }
        }
    }
}
