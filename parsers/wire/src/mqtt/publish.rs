//! PUBLISH (3.3): the header is read, the payload passes by.

use std::fmt::Write as _;

use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use super::codes;
use super::properties;
use super::read::{Fixed, Malformed, Reader, Varint, varint};
use super::session::{Layout, Question, Session, key, odd};
use crate::anomaly::Kind;
use crate::behaviour::Access;
use crate::dissect::{Cx, Dir, FlowRef};
use crate::mqtt::rows::MqttRow;

/// The variable header.
///
/// ```text
///  topic length (2) | topic | packet identifier (2, only with QoS 1 and 2)
///  property length (1 to 4) | properties           only MQTT 5
///  payload: the rest of the packet
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Topic, empty where a topic alias stands for it.
    pub topic: &'a [u8],
    /// Packet identifier; 0: none.
    pub packet_id: u16,
    /// MQTT 5 properties, without their length.
    pub properties: &'a [u8],
    /// What the dissector needs of them.
    pub known: properties::Known<'a>,
    /// Bytes in front of the payload.
    pub length: usize,
    /// The layout by which it was read.
    pub layout: Layout,
    /// Whether that is evidence of the flow's layout, or only the likelier reading.
    pub certain: bool,
}

impl<'a> Header<'a> {
    /// A header without properties.
    #[must_use]
    pub fn bare(topic: &'a [u8], packet_id: u16, fixed: Fixed) -> Self {
        Self {
            topic,
            packet_id,
            properties: &[],
            known: properties::Known::default(),
            length: 2 + topic.len() + if fixed.has_id() { 2 } else { 0 },
            layout: Layout::Older,
            certain: true,
        }
    }
}

/// What became of reading the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head<'a> {
    /// It is whole.
    Is(Header<'a>),
    /// It is whole with so many bytes of the body.
    Need(usize),
    /// It contradicts the standard.
    Bad(Malformed),
    /// Its properties do; what stands before them is readable.
    Half(Header<'a>, Malformed),
    /// It is longer than the limit.
    TooLong(u64),
}

/// Reads the header from the part of the body that is there.
#[must_use]
pub fn header(fixed: Fixed, body: &[u8], layout: Layout, limit: u64) -> Head<'_> {
    let bad = |field, at| Head::Bad(Malformed { field, at, reason: "passes the end of the packet" });
    if fixed.remaining < 2 {
        return bad("topic", 0);
    }
    let [a, b, ..] = body else { return Head::Need(2) };
    let topic_end = 2 + usize::from(u16::from_be_bytes([*a, *b]));
    let fields = topic_end + if fixed.has_id() { 2 } else { 0 };
    if fields as u64 > u64::from(fixed.remaining) {
        return bad(if topic_end as u64 > u64::from(fixed.remaining) { "topic" } else { "packet identifier" }, 0);
    }
    let mut r = Reader::new(body);
    let (Ok(topic), Ok(id)) = (r.binary("topic"), if fixed.has_id() { r.two("packet identifier") } else { Ok(0) })
    else {
        return Head::Need(fields);
    };
    let older = Header::bare(topic, id, fixed);
    let rest = r.rest();
    match layout {
        Layout::Older => Head::Is(older),
        Layout::Five => five(fixed, older, rest, limit),
        Layout::Unknown => guess(fixed, older, rest, limit),
    }
}

/// The property section behind the fields; `rest` is what is there of it and of the payload.
fn five<'a>(fixed: Fixed, older: Header<'a>, rest: &'a [u8], limit: u64) -> Head<'a> {
    let fields = older.length;
    let half = |reason| Head::Half(older, Malformed { field: "property length", at: fields, reason });
    let (length, bytes) = match varint(rest) {
        Varint::Is(length, bytes) => (length, bytes),
        Varint::Short if ((fields + rest.len()) as u64) < u64::from(fixed.remaining) => {
            return Head::Need(fields + rest.len() + 1);
        }
        Varint::Short => return half("passes the end of the packet"),
        Varint::TooLong => return half("is longer than four bytes"),
    };
    let total = (fields + bytes) as u64 + u64::from(length);
    if total > u64::from(fixed.remaining) {
        return half("passes the end of the packet");
    }
    let Some(total) = usize::try_from(total).ok().filter(|&n| n as u64 <= limit) else { return Head::TooLong(total) };
    let Some(section) = rest.get(bytes..total - fields) else { return Head::Need(total) };
    match properties::read(section, codes::PUBLISH) {
        Ok(known) => Head::Is(Header {
            properties: section,
            known,
            length: total,
            layout: Layout::Five,
            certain: length > 0,
            ..older
        }),
        Err(e) => Head::Half(older, Malformed { at: e.at + fields + bytes, ..e }),
    }
}

/// A session picked up in the middle: what reads as MQTT 5 properties of PUBLISH is taken for them. An empty
/// section (one zero byte) is the likelier reading, yet no evidence: a binary payload may begin so.
fn guess<'a>(fixed: Fixed, older: Header<'a>, rest: &'a [u8], limit: u64) -> Head<'a> {
    // What cannot become a PUBLISH's section is told by the first identifier, without waiting for the rest.
    if let Varint::Is(1.., bytes) = varint(rest) {
        match rest.get(bytes).map(|&id| codes::property(id)) {
            None if ((older.length + rest.len()) as u64) < u64::from(fixed.remaining) => {
                return Head::Need(older.length + rest.len() + 1);
            }
            Some(Some(property)) if property.packets & (1 << codes::PUBLISH) != 0 => {}
            _ => return Head::Is(older),
        }
    }
    match five(fixed, older, rest, limit) {
        Head::Is(header) if header.known.stray.is_none() => Head::Is(header),
        Head::Need(n) => Head::Need(n),
        _ => Head::Is(older),
    }
}

/// Topics by alias, of one direction (3.3.2.3.4).
pub type Aliases = HashMap<u16, String, crate::seed::Seeded>;

/// A PUBLISH as its row shows it.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The fixed header.
    pub fixed: Fixed,
    /// Topic, alias resolved.
    pub topic: &'a str,
    /// Packet identifier.
    pub packet_id: u16,
    /// Properties' bytes.
    pub properties: &'a [u8],
    /// Bytes of the payload, as the header says.
    pub size: u64,
    /// The start of the payload.
    pub payload: &'a [u8],
    /// SHA-256 of the payload; `None`: not all of it was seen.
    pub sha256: Option<[u8; 32]>,
    /// Whether the packet was cut before its payload: its size may be unknown then (0).
    pub cut: bool,
}

/// Writes the row and counts the behaviour.
pub fn write(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, facts: &Facts<'_>) {
    // Neither a secret nor the hash of a text that may be nothing else is kept.
    let secret = session.values.read(cx, dir, facts);
    let room = if secret { 0 } else { usize::try_from(cx.limits.payload_bytes).unwrap_or(usize::MAX) };
    let kept = room.min(facts.payload.len());
    let hexadecimal = hex(&facts.sha256.unwrap_or_default());
    let hashed = facts.sha256.is_some() && facts.size > 0 && !secret;
    if !facts.properties.is_empty() {
        let items = usize::try_from(cx.limits.items).unwrap_or(usize::MAX);
        properties::show(facts.properties, &mut session.scratch, &mut cx.rows.mqtt.properties, items);
    }
    let row = MqttRow {
        topic: facts.topic,
        qos: facts.fixed.qos(),
        retain: facts.fixed.flags & 1 != 0,
        dup: facts.fixed.flags & 8 != 0,
        packet_id: facts.packet_id,
        payload_size: facts.size,
        payload_sha256: if hashed { std::str::from_utf8(&hexadecimal).unwrap_or_default() } else { "" },
        payload: facts.payload.get(..kept).unwrap_or_default(),
        payload_cut: facts.cut || facts.size > kept as u64,
        ..blank(session, cx, codes::PUBLISH)
    };
    cx.rows.mqtt.push(row);
    let operation = if dir == Dir::ToServer { "publish" } else { "deliver" };
    let bytes = facts.fixed.total();
    let question = Question { operation, access: Access::Report, object: Some(facts.topic), bytes };
    if facts.packet_id == 0 {
        question.count(cx, &session.client_id, false);
    } else {
        session.pending.put(cx, &session.client_id, key(dir, codes::PUBLISH, facts.packet_id), &question);
    }
}

/// A row with the session's columns filled.
#[must_use]
pub fn blank<'a>(session: &'a Session, cx: &Cx<'_>, kind: u8) -> MqttRow<'a> {
    MqttRow {
        ts: cx.ts,
        flow: FlowRef(cx.flow.0),
        borrow: std::marker::PhantomData,
        frame: cx.frame,
        packet_type: kind,
        packet: codes::of(kind).name,
        version: session.version(),
        client_id: &session.client_id,
        username_seen: false,
        password_seen: false,
        keep_alive: 0,
        session_flag: false,
        topic: "",
        qos: 0,
        retain: false,
        dup: false,
        packet_id: 0,
        payload_size: 0,
        payload_sha256: "",
        payload: &[],
        payload_cut: false,
        reason_code: None,
        reason: "",
        filters: &[],
        properties: &[],
    }
}

/// The two digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Lower case hexadecimal.
#[must_use]
pub fn hex(digest: &[u8; 32]) -> [u8; 64] {
    let mut out = [0; 64];
    for (pair, &byte) in out.chunks_exact_mut(2).zip(digest) {
        pair.copy_from_slice(PAIRS.get(usize::from(byte)).unwrap_or(&[b'0'; 2]));
    }
    out
}

/// SHA-256 in one go.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A buffer larger than this is not kept for the next payload.
const KEPT: usize = 16_384;

/// A PUBLISH whose payload passes by in pieces. Its buffers are kept for the next one.
#[derive(Debug, Default)]
pub struct Open {
    fixed: Option<Fixed>,
    topic: String,
    packet_id: u16,
    properties: Vec<u8>,
    size: u64,
    /// Bytes of the payload that are still to come.
    pub left: u64,
    /// Bytes of the payload that were never captured.
    lost: u64,
    hasher: Sha256,
    payload: Vec<u8>,
}

impl Open {
    /// Begins with the header; `topic` has its alias resolved.
    pub fn begin(&mut self, fixed: Fixed, header: &Header<'_>, topic: &str) {
        self.fixed = Some(fixed);
        self.topic.clear();
        self.topic.push_str(topic);
        self.packet_id = header.packet_id;
        self.properties.clear();
        self.properties.extend_from_slice(header.properties);
        self.size = u64::from(fixed.remaining).saturating_sub(header.length as u64);
        self.left = self.size;
        self.lost = 0;
        self.hasher = Sha256::new();
        self.payload.clear();
    }

    /// The next bytes of the payload; returns how many belong to it.
    pub fn take(&mut self, bytes: &[u8], keep: u64) -> usize {
        let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let piece = bytes.get(..n).unwrap_or_default();
        if self.lost == 0 {
            self.hasher.update(piece);
            let room = usize::try_from(keep).unwrap_or(usize::MAX).saturating_sub(self.payload.len());
            self.payload.extend_from_slice(piece.get(..room.min(n)).unwrap_or_default());
        }
        self.left -= n as u64;
        n
    }

    /// `missing` of the next bytes were never captured: what follows them is not kept, the hash is void.
    pub fn lose(&mut self, cx: &mut Cx<'_>, missing: u64) {
        let Some(fixed) = self.fixed else { return };
        let at = u64::from(fixed.remaining).saturating_sub(self.left);
        if self.lost == 0 {
            let mut detail = String::new();
            let _ =
                write!(detail, "PUBLISH: payload at offset {at} of {} has a hole of {missing} bytes", fixed.remaining);
            cx.anomaly("mqtt", Kind::Gap, &detail);
        }
        self.lost += missing;
        self.left = self.left.saturating_sub(missing);
    }

    /// Whether a payload is under way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.fixed.is_some()
    }

    /// The last byte has come, or will not come any more: writes the row.
    pub fn finish(&mut self, session: &mut Session, cx: &mut Cx<'_>, dir: Dir) {
        let Some(fixed) = self.fixed.take() else { return };
        let whole = self.lost == 0 && self.left == 0;
        let facts = Facts {
            fixed,
            topic: &self.topic,
            packet_id: self.packet_id,
            properties: &self.properties,
            size: self.size,
            payload: &self.payload,
            sha256: whole.then(|| self.hasher.finalize_reset().into()),
            cut: false,
        };
        write(session, cx, dir, &facts);
        if self.payload.capacity() > KEPT {
            self.payload = Vec::new();
        }
        if self.left > 0 {
            let what =
                Malformed { field: "payload", at: fixed.remaining as usize, reason: "was cut by the end of the flow" };
            odd(cx, Kind::Truncated, fixed, what);
        }
        self.left = 0;
    }
}
