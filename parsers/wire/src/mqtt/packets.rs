//! The control packets other than PUBLISH, each whole.

use super::codes;
use super::properties;
use super::publish::{blank, hex, sha256};
use super::read::{Fixed, Malformed, Read, Reader};
use super::resync;
use super::session::{Layout, Question, Session, key, odd, text};
use crate::anomaly::Kind;
use crate::behaviour::Access;
use crate::defaults::shipped;
use crate::dissect::{Cx, Dir};
use crate::mqtt::rows::MqttRow;

/// Reads a packet's body and writes its row.
///
/// # Errors
/// When it contradicts the standard so that no row can be written.
pub fn read(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, body: &[u8]) -> Read<()> {
    let mut r = Reader::new(body);
    match fixed.kind {
        codes::CONNECT => connect(session, cx, dir, fixed, &mut r)?,
        codes::CONNACK => connack(session, cx, dir, fixed, &mut r)?,
        codes::PUBACK | codes::PUBREC | codes::PUBREL | codes::PUBCOMP => acknowledge(session, cx, dir, fixed, &mut r)?,
        codes::SUBSCRIBE | codes::UNSUBSCRIBE => subscribe(session, cx, dir, fixed, body, &mut r)?,
        codes::SUBACK | codes::UNSUBACK => suback(session, cx, dir, fixed, body, &mut r)?,
        codes::PINGREQ | codes::PINGRESP => ping(session, cx, dir, fixed),
        codes::DISCONNECT | codes::AUTH => goodbye(session, cx, dir, fixed, &mut r)?,
        _ => {
            cx.rows.mqtt.push(blank(session, cx, fixed.kind));
            r.rest();
        }
    }
    if r.left() > 0 {
        let what = Malformed { field: "body", at: r.at(), reason: "goes on behind the last field" };
        odd(cx, Kind::TrailingBytes, fixed, what);
    }
    Ok(())
}

/// The properties of a packet; with `needed` false a packet that ends here has none.
fn section<'a>(
    cx: &mut Cx<'_>,
    fixed: Fixed,
    kind: u8,
    r: &mut Reader<'a>,
    needed: bool,
) -> Read<(&'a [u8], properties::Known<'a>)> {
    if r.left() == 0 && !needed {
        return Ok((&[], properties::Known::default()));
    }
    let bytes = properties::section(r)?;
    let base = r.at() - bytes.len();
    let known = properties::read(bytes, kind).map_err(|e| Malformed { at: e.at + base, ..e })?;
    if let Some(field) = known.stray {
        odd(cx, Kind::Malformed, fixed, Malformed { field, at: base, reason: "does not belong here, or comes twice" });
    }
    Ok((bytes, known))
}

fn show(session: &mut Session, cx: &mut Cx<'_>, section: &[u8]) {
    if !section.is_empty() {
        let items = usize::try_from(cx.limits.items).unwrap_or(usize::MAX);
        properties::show(section, &mut session.scratch, &mut cx.rows.mqtt.properties, items);
    }
}

/// What CONNECT says; user name and password are looked at, and go no further.
struct Connect<'a> {
    name: &'a [u8],
    level: u8,
    flags: u8,
    keep_alive: u16,
    properties: &'a [u8],
    client_id: &'a [u8],
    will_topic: &'a [u8],
    will: &'a [u8],
    username: Option<&'a [u8]>,
    password: Option<&'a [u8]>,
}

/// Reads CONNECT (3.1).
///
/// ```text
///  protocol name (text) | level (1) | flags (1) | keep alive (2) | properties (MQTT 5)
///  client identifier (text)
///  will properties (MQTT 5) | will topic (text) | will payload (binary)   flag 2
///  user name (text)                                                       flag 7
///  password (binary)                                                      flag 6
/// ```
fn read_connect<'a>(cx: &mut Cx<'_>, fixed: Fixed, r: &mut Reader<'a>) -> Read<Connect<'a>> {
    let name = r.binary("protocol name")?;
    // A level that no standard defines is laid out as before MQTT 5: servers answer it so.
    let level = r.byte("protocol level")? & 0x7F; // bit 7 marks a bridge between brokers
    let flags = r.byte("connect flags")?;
    let keep_alive = r.two("keep alive")?;
    let properties = if level == 5 { section(cx, fixed, codes::CONNECT, r, true)?.0 } else { &[] };
    let client_id = r.binary("client identifier")?;
    let (mut will_topic, mut will): (&[u8], &[u8]) = (&[], &[]);
    if flags & 4 != 0 {
        if level == 5 {
            section(cx, fixed, codes::WILL, r, true)?;
        }
        will_topic = r.binary("will topic")?;
        will = r.binary("will payload")?;
    }
    // MQTT 3.1: the remaining length takes precedence over the user name flag.
    let mut credential = |flag: u8, field| -> Read<Option<&'a [u8]>> {
        let there = flags & flag != 0 && !(level == 3 && r.left() == 0);
        if there { r.binary(field).map(Some) } else { Ok(None) }
    };
    let username = credential(0x80, "user name")?;
    let password = credential(0x40, "password")?;
    Ok(Connect { name, level, flags, keep_alive, properties, client_id, will_topic, will, username, password })
}

/// CONNECT: the session begins.
fn connect(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, r: &mut Reader<'_>) -> Read<()> {
    let c = read_connect(cx, fixed, r)?;
    if c.name != b"MQTT" && c.name != b"MQIsdp" {
        odd(cx, Kind::Malformed, fixed, Malformed { field: "protocol name", at: 0, reason: "is none of MQTT" });
    }
    if c.flags & 1 != 0 {
        let at = 2 + c.name.len() + 1;
        odd(cx, Kind::Malformed, fixed, Malformed { field: "connect flags", at, reason: "have the reserved bit set" });
    }
    let client_id = text(cx, fixed, "client identifier", c.client_id);
    if session.open(c.level, &client_id) {
        cx.anomaly("mqtt", Kind::SecondConnect, "CONNECT inside a session");
    }
    if c.username.is_some_and(|name| shipped(name, c.password.unwrap_or_default())) {
        cx.anomaly("mqtt", Kind::DefaultCredentials, "user name and password of CONNECT are a vendor's");
    }
    let topic = text(cx, fixed, "will topic", c.will_topic);
    show(session, cx, c.properties);
    let digest = hex(&if c.will.is_empty() { [0; 32] } else { sha256(c.will) });
    let kept = usize::try_from(cx.limits.payload_bytes).unwrap_or(usize::MAX).min(c.will.len());
    let row = MqttRow {
        username_seen: c.username.is_some(),
        password_seen: c.password.is_some(),
        keep_alive: c.keep_alive,
        session_flag: c.flags & 2 != 0,
        topic: &topic,
        qos: c.flags >> 3 & 3,
        retain: c.flags & 0x20 != 0,
        payload_size: c.will.len() as u64,
        payload_sha256: if c.will.is_empty() { "" } else { std::str::from_utf8(&digest).unwrap_or_default() },
        payload: c.will.get(..kept).unwrap_or_default(),
        payload_cut: kept < c.will.len(),
        ..blank(session, cx, codes::CONNECT)
    };
    cx.rows.mqtt.push(row);
    ask(session, cx, dir, fixed, 0, None, Access::Session);
    Ok(())
}

/// Puts a packet's behaviour to wait for its answer.
fn ask(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, id: u16, object: Option<&str>, access: Access) {
    let question = Question { operation: codes::of(fixed.kind).operation, access, object, bytes: fixed.total() };
    session.pending.put(cx, &session.client_id, key(dir, fixed.kind, id), &question);
}

/// The question to an answer, sent by the other side.
fn answer(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, kind: u8, id: u16, error: bool) -> bool {
    session.pending.answer(cx, &session.client_id, key(dir.other(), kind, id), error)
}

/// The name of a reason code; one that the standard does not know is reported.
pub(super) fn reason(session: &Session, cx: &mut Cx<'_>, fixed: Fixed, code: u8) -> &'static str {
    let version = if session.layout == Layout::Five { 5 } else { 4 };
    codes::reason(fixed.kind, code, version).unwrap_or_else(|| {
        let detail = format!("{}: reason code {code}", codes::of(fixed.kind).name);
        cx.anomaly("mqtt", Kind::UnknownCode, &detail);
        ""
    })
}

/// CONNACK (3.2): flags (1) | return or reason code (1) | properties (MQTT 5).
fn connack(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, r: &mut Reader<'_>) -> Read<()> {
    let flags = r.byte("acknowledge flags")?;
    let code = r.byte("return code")?;
    session.learn(if r.left() > 0 { Layout::Five } else { Layout::Older });
    let mut known = properties::Known::default();
    if session.layout == Layout::Five {
        let bytes;
        (bytes, known) = section(cx, fixed, codes::CONNACK, r, false)?;
        show(session, cx, bytes);
    }
    if let Some(id) = known.client_id {
        let id = text(cx, fixed, "assigned client identifier", id);
        session.rename(&id);
    }
    let reason = reason(session, cx, fixed, code);
    let row =
        MqttRow { session_flag: flags & 1 != 0, reason_code: Some(code), reason, ..blank(session, cx, fixed.kind) };
    cx.rows.mqtt.push(row);
    answer(session, cx, dir, codes::CONNECT, 0, code != 0);
    Ok(())
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7): packet identifier (2) | reason code, properties (MQTT 5, may be left out).
fn acknowledge(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, r: &mut Reader<'_>) -> Read<()> {
    let id = r.two("packet identifier")?;
    if r.left() > 0 && session.layout == Layout::Unknown {
        session.learn(Layout::Five);
    }
    let code = trailer(session, cx, fixed, r)?;
    let reason = code.map_or("", |code| reason(session, cx, fixed, code));
    cx.rows.mqtt.push(MqttRow { packet_id: id, reason_code: code, reason, ..blank(session, cx, fixed.kind) });
    let error = code.is_some_and(|code| code >= 0x80);
    if matches!(fixed.kind, codes::PUBACK | codes::PUBREC) {
        answer(session, cx, dir, codes::PUBLISH, id, error);
    }
    Ok(())
}

/// The optional reason code and properties that end a MQTT 5 packet; left out, the reason is success.
fn trailer(session: &mut Session, cx: &mut Cx<'_>, fixed: Fixed, r: &mut Reader<'_>) -> Read<Option<u8>> {
    if session.layout != Layout::Five {
        return Ok(None);
    }
    let code = if r.left() > 0 { r.byte("reason code")? } else { 0 };
    let (bytes, _) = section(cx, fixed, fixed.kind, r, false)?;
    show(session, cx, bytes);
    Ok(Some(code))
}

/// SUBSCRIBE and UNSUBSCRIBE (3.8, 3.10).
///
/// ```text
///  packet identifier (2) | properties (MQTT 5)
///  topic filter (text) | options (1, only SUBSCRIBE)     once or more
/// ```
fn subscribe(
    session: &mut Session,
    cx: &mut Cx<'_>,
    dir: Dir,
    fixed: Fixed,
    body: &[u8],
    r: &mut Reader<'_>,
) -> Read<()> {
    let options = fixed.kind == codes::SUBSCRIBE;
    if session.layout == Layout::Unknown {
        let five = !resync::filters(body, options, false) && resync::filters(body, options, true);
        session.learn(if five { Layout::Five } else { Layout::Older });
    }
    let id = r.two("packet identifier")?;
    let bytes = if session.layout == Layout::Five { section(cx, fixed, fixed.kind, r, true)?.0 } else { &[] };
    let (count, qos) = count_filters(*r, options)?;
    if count == 0 {
        odd(cx, Kind::Malformed, fixed, Malformed { field: "topic filter", at: r.at(), reason: "is missing" });
    }
    if count as u64 > cx.limits.items {
        let detail = format!("{}: {count} topic filters", codes::of(fixed.kind).name);
        cx.anomaly("mqtt", Kind::TooManyItems, &detail);
    }
    show(session, cx, bytes);
    write_filters(session, cx, dir, fixed, id, count, r)?;
    cx.rows.mqtt.push(MqttRow { packet_id: id, qos, dup: fixed.flags & 8 != 0, ..blank(session, cx, fixed.kind) });
    Ok(())
}

/// The filters of the row under construction, and a behaviour each; a lone one waits for its answer.
fn write_filters(
    session: &mut Session,
    cx: &mut Cx<'_>,
    dir: Dir,
    fixed: Fixed,
    id: u16,
    count: usize,
    r: &mut Reader<'_>,
) -> Read<()> {
    let options = fixed.kind == codes::SUBSCRIBE;
    let access = if options { Access::Read } else { Access::Session };
    for at in 0..count {
        let filter = r.binary("topic filter")?;
        if options {
            r.byte("subscription options")?;
        }
        if at as u64 >= cx.limits.items {
            continue;
        }
        let filter = text(cx, fixed, "topic filter", filter);
        cx.rows.mqtt.filters.item(&filter);
        let object = Some(&*filter);
        if count == 1 {
            ask(session, cx, dir, fixed, id, object, access);
        } else {
            let bytes = if at == 0 { fixed.total() } else { 0 };
            Question { operation: codes::of(fixed.kind).operation, access, object, bytes }.count(
                cx,
                &session.client_id,
                false,
            );
        }
    }
    Ok(())
}

/// How many filters there are, and the largest quality of service; all of them are whole.
fn count_filters(mut r: Reader<'_>, options: bool) -> Read<(usize, u8)> {
    let (mut count, mut qos) = (0, 0);
    while r.left() > 0 {
        r.binary("topic filter")?;
        if options {
            qos = qos.max(r.byte("subscription options")? & 3);
        }
        count += 1;
    }
    Ok((count, qos))
}

/// SUBACK and UNSUBACK (3.9, 3.11): packet identifier (2) | properties (MQTT 5) | a code a filter (UNSUBACK: MQTT 5 only).
fn suback(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, body: &[u8], r: &mut Reader<'_>) -> Read<()> {
    let id = r.two("packet identifier")?;
    if session.layout == Layout::Unknown {
        match (fixed.kind, body.len()) {
            (codes::SUBACK, 3) | (codes::UNSUBACK, 2) => session.learn(Layout::Older),
            (codes::UNSUBACK, _) => session.learn(Layout::Five),
            _ => {}
        }
    }
    if session.layout == Layout::Five {
        let (bytes, _) = section(cx, fixed, fixed.kind, r, true)?;
        show(session, cx, bytes);
    }
    let codes = if fixed.kind == codes::SUBACK || session.layout == Layout::Five { r.rest() } else { &[] };
    let code = codes.iter().find(|&&c| c >= 0x80).or(codes.first()).copied();
    let reason = code.map_or("", |code| reason(session, cx, fixed, code));
    cx.rows.mqtt.push(MqttRow { packet_id: id, reason_code: code, reason, ..blank(session, cx, fixed.kind) });
    answer(session, cx, dir, fixed.kind - 1, id, code.is_some_and(|c| c >= 0x80));
    Ok(())
}

/// PINGREQ and PINGRESP (3.12, 3.13): no body.
fn ping(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed) {
    cx.rows.mqtt.push(blank(session, cx, fixed.kind));
    if fixed.kind == codes::PINGREQ {
        ask(session, cx, dir, fixed, 0, None, Access::Session);
    } else {
        answer(session, cx, dir, codes::PINGREQ, 0, false);
    }
}

/// DISCONNECT and AUTH (3.14, 3.15): reason code, properties (MQTT 5, may be left out).
fn goodbye(session: &mut Session, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, r: &mut Reader<'_>) -> Read<()> {
    if r.left() > 0 || fixed.kind == codes::AUTH || dir == Dir::ToClient {
        session.learn(Layout::Five);
    }
    let code = trailer(session, cx, fixed, r)?;
    let reason = code.map_or("", |code| reason(session, cx, fixed, code));
    cx.rows.mqtt.push(MqttRow { reason_code: code, reason, ..blank(session, cx, fixed.kind) });
    let operation = codes::of(fixed.kind).operation;
    let question = Question { operation, access: Access::Session, object: None, bytes: fixed.total() };
    question.count(cx, &session.client_id, code.is_some_and(|code| code >= 0x80));
    Ok(())
}
