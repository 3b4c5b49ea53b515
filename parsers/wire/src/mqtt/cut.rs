//! A packet whose end was never captured (snap length, a hole): what is there of it is read.

use super::codes;
use super::packets;
use super::publish::{self, Facts, blank};
use super::read::{Fixed, Read, Reader};
use super::session::{self, Session};
use super::{Mqtt, Side};
use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir};
use crate::mqtt::rows::MqttRow;

impl Mqtt {
    /// `bytes` begin with a fixed header; the packet's row tells the fields that are whole.
    pub(super) fn cut_short(&mut self, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, bytes: &[u8]) {
        let name = codes::of(fixed.kind).name;
        cx.anomaly(
            "mqtt",
            Kind::Gap,
            &format!("{name} of {} bytes: only {} were captured", fixed.total(), bytes.len()),
        );
        self.manners(cx, dir, fixed);
        let body = bytes.get(fixed.length..).unwrap_or_default();
        let Self { session, to_server, to_client } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        match fixed.kind {
            codes::CONNECT => connect(session, cx, body),
            codes::PUBLISH => published(session, side, cx, dir, fixed, body),
            _ => other(session, cx, fixed, body),
        }
        self.session.started = true;
    }
}

/// CONNECT up to where it is cut. Without protocol name and level nobody knows what follows.
fn connect(session: &mut Session, cx: &mut Cx<'_>, body: &[u8]) {
    let mut r = Reader::new(body);
    let level = r.binary("").and_then(|_| r.byte("")).map(|level| level & 0x7F);
    let flags = r.byte("").unwrap_or(0);
    let keep_alive = r.two("").unwrap_or(0);
    let client_id = match level {
        Ok(5) => super::properties::section(&mut r).and_then(|_| r.binary("")),
        _ => r.binary(""),
    };
    let client_id = std::str::from_utf8(client_id.unwrap_or_default()).unwrap_or_default();
    let limit = usize::try_from(cx.limits.text_bytes).unwrap_or(usize::MAX);
    if let Ok(level) = level
        && session.open(level, crate::values::cut(client_id, limit))
    {
        cx.anomaly("mqtt", Kind::SecondConnect, "CONNECT inside a session");
    }
    let row = MqttRow {
        username_seen: flags & 0x80 != 0,
        password_seen: flags & 0x40 != 0,
        keep_alive,
        session_flag: flags & 2 != 0,
        qos: flags >> 3 & 3,
        retain: flags & 0x20 != 0,
        payload_cut: flags & 4 != 0,
        ..blank(session, cx, codes::CONNECT)
    };
    cx.rows.mqtt.push(row);
}

/// PUBLISH cut in its header. A topic that is cut is none: the row has the flags alone.
fn published(session: &mut Session, side: &mut Side, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, body: &[u8]) {
    let mut r = Reader::new(body);
    let Ok(topic) = r.binary("") else {
        let row = MqttRow {
            qos: fixed.qos(),
            retain: fixed.flags & 1 != 0,
            dup: fixed.flags & 8 != 0,
            payload_cut: true,
            ..blank(session, cx, codes::PUBLISH)
        };
        cx.rows.mqtt.push(row);
        return;
    };
    let packet_id = if fixed.has_id() { r.two("").unwrap_or(0) } else { 0 };
    let header = publish::Header::bare(topic, packet_id, fixed);
    // Where MQTT 5's properties are cut, the payload begins nobody knows where.
    let known = session.layout == session::Layout::Older;
    let size = if known { u64::from(fixed.remaining).saturating_sub(header.length as u64) } else { 0 };
    let topic = super::stream::topic(&mut side.aliases, cx, fixed, &header);
    let facts = Facts { fixed, topic: &topic, packet_id, properties: &[], size, payload: &[], sha256: None, cut: true };
    publish::write(session, cx, dir, &facts);
}

/// Any other packet: identifier, codes and the filters that are whole.
fn other(session: &mut Session, cx: &mut Cx<'_>, fixed: Fixed, body: &[u8]) {
    let mut r = Reader::new(body);
    let identified = (codes::PUBACK..=codes::UNSUBACK).contains(&fixed.kind);
    let packet_id = if identified { r.two("").unwrap_or(0) } else { 0 };
    let (mut qos, mut session_flag, mut reason_code) = (0, false, None);
    match fixed.kind {
        codes::SUBSCRIBE | codes::UNSUBSCRIBE => qos = filters(session, cx, fixed, &mut r).unwrap_or(0),
        codes::CONNACK => {
            session_flag = r.byte("").is_ok_and(|flags| flags & 1 != 0);
            reason_code = r.byte("").ok();
        }
        codes::PUBACK..=codes::PUBCOMP if session.layout == session::Layout::Five => reason_code = r.byte("").ok(),
        _ => {}
    }
    let reason = reason_code.map_or("", |code| packets::reason(session, cx, fixed, code));
    let dup = fixed.flags & 8 != 0;
    cx.rows.mqtt.push(MqttRow {
        packet_id,
        qos,
        dup,
        session_flag,
        reason_code,
        reason,
        ..blank(session, cx, fixed.kind)
    });
}

/// The filters before the cut, into the row under construction; returns the largest quality of service.
fn filters(session: &Session, cx: &mut Cx<'_>, fixed: Fixed, r: &mut Reader<'_>) -> Read<u8> {
    let mut qos = 0;
    if session.layout == session::Layout::Five {
        super::properties::section(r)?;
    }
    let mut room = cx.limits.items;
    while let (Ok(filter), 1..) = (r.binary(""), room) {
        room -= 1;
        let filter = session::text(cx, fixed, "topic filter", filter);
        cx.rows.mqtt.filters.item(&filter);
        if fixed.kind == codes::SUBSCRIBE {
            qos = qos.max(r.byte("").unwrap_or(0) & 3);
        }
    }
    Ok(qos)
}
