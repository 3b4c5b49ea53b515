//! Calls as rows and behaviours.

use super::calls::Call;
use super::channels::Channel;
use super::codes::{UNANSWERED, attribute, is_bad};
use super::header::Type;
use super::items::{Item, Items, Span};
use super::rows::OpcuaRow;
use super::services::Service;
use super::text::Out;
use crate::behaviour::{Access, Behaviour, Key};
use crate::columns::Texts;
use crate::dissect::{Cx, Frame};
use crate::rows::SightingRow;

/// Buffers of the writer, used again for each row.
#[derive(Debug, Default)]
pub struct Scratch {
    statuses: Vec<u32>,
    times: Vec<i64>,
    object: String,
    /// What was told of the server already: a sighting is news once a flow.
    told: Vec<(&'static str, String)>,
}

/// A call that is over: one row and one behaviour.
pub fn call(cx: &mut Cx<'_>, scratch: &mut Scratch, call: &Call, channel: Option<&Channel>) {
    let answered = call.response_frame != Frame::NONE;
    let latency = latency(cx, call);
    items(cx, scratch, &call.items, call.status.is_some());
    let service = call.service;
    let publish = service.is_some_and(|s| s.access == Access::Report);
    cx.rows.opcua.push(OpcuaRow {
        // Notifications happen when they are sent, not when the client offered to take them.
        ts: if publish && answered { cx.ts } else { call.ts },
        flow: cx.flow,
        borrow: std::marker::PhantomData,
        request_frame: call.request_frame,
        response_frame: call.response_frame,
        request_type_id: call.request_type,
        response_type_id: call.response_type,
        message_type: call.kind.unwrap_or(Type::Msg).name(),
        channel_id: call.channel,
        request_id: call.request_id,
        service_id: service.map_or(0, |s| s.request),
        service: service_name(call),
        security_policy: channel.map_or("", |c| &c.policy),
        security_mode: channel.map_or("", |c| c.mode.name()),
        identity_token: call.identity,
        status: call.status,
        items_node_id: &[],
        items_attribute: &[],
        items_value: &[],
        items_status: &scratch.statuses,
        items_source_time: &scratch.times,
        info: call.info.trim_end(),
        latency_us: latency,
    });
    let latency = latency.filter(|_| !publish);
    behaviour(cx, &mut scratch.object, call, latency);
}

/// Notifications are done to the client: they have no object, and what they waited for is no latency.
fn behaviour(cx: &mut Cx<'_>, buffer: &mut String, call: &Call, latency_us: Option<u32>) {
    let access = call.service.map_or(Access::Session, |s| s.access);
    let object = if access == Access::Report { Key::None } else { object(buffer, call) };
    cx.behaviour(&Behaviour {
        protocol: "opcua",
        unit: Key::None,
        operation: service_name(call),
        access,
        object,
        bytes: call.bytes,
        latency_us,
        error: failed(call),
    });
}

/// The service failed, or each of its operations did: a refused Write is Good as a service.
fn failed(call: &Call) -> bool {
    let items = &call.items.list;
    call.status.is_some_and(|s| is_bad(s) || (!items.is_empty() && items.iter().all(|item| is_bad(item.status))))
}

fn service_name(call: &Call) -> &'static str {
    match call.service {
        Some(Service { name, .. }) => name,
        None if call.response_type == super::services::FAULT => "ServiceFault",
        None => "",
    }
}

fn latency(cx: &Cx<'_>, call: &Call) -> Option<u32> {
    if call.request_frame == Frame::NONE || call.response_frame == Frame::NONE {
        return None;
    }
    u32::try_from(cx.ts.saturating_sub(call.ts) / 1_000).ok()
}

/// Fills the list columns. An item of a request that was never answered has no status: it shows BadTimeout,
/// as the client's own stack will say, because 0 would read as Good.
fn items(cx: &mut Cx<'_>, scratch: &mut Scratch, items: &Items, answered: bool) {
    scratch.statuses.clear();
    scratch.times.clear();
    let rows = &mut cx.rows.opcua;
    texts(&mut rows.items_node_id, items, |item| item.node);
    texts(&mut rows.items_value, items, |item| item.value);
    for item in &items.list {
        rows.items_attribute.item(attribute(item.attribute));
    }
    scratch.statuses.extend(items.list.iter().map(|item| if answered { item.status } else { UNANSWERED }));
    scratch.times.extend(items.list.iter().map(|item| item.source_time));
}

/// A list column of the items' texts: at once when they stand end to end, as those of a Read do.
fn texts(column: &mut Texts, items: &Items, pick: impl Fn(&Item) -> Span) {
    let edges = |item: &Item| pick(item).edges();
    let Some((start, _)) = items.list.first().map(edges) else { return };
    let mut at = start;
    let joined = items.list.iter().all(|item| {
        let (start, end) = edges(item);
        start == std::mem::replace(&mut at, end)
    });
    if joined && items.text.is_char_boundary(start) && items.text.is_char_boundary(at) {
        column.stretch(&items.text, start, items.list.iter().map(|item| edges(item).1));
    } else {
        items.list.iter().for_each(|item| column.item(pick(item).of(&items.text)));
    }
}

/// What a behaviour is done to: the first node, and `+n` for n more, so that there are few keys.
fn object<'s>(buffer: &'s mut String, call: &Call) -> Key<'s> {
    let Some(first) = call.items.list.first() else { return Key::None };
    let named = call.object.of(&call.items.text);
    buffer.clear();
    buffer.push_str(if named.is_empty() { first.node.of(&call.items.text) } else { named });
    if buffer.is_empty() {
        return Key::None;
    }
    let more = (call.items.list.len() - 1) as u64 + call.items.beyond;
    if more > 0 {
        buffer.push('+');
        Out::new(buffer, 20).unsigned(more);
    }
    Key::Text(buffer)
}

/// Facts remembered of one flow.
const TOLD: usize = 16;

/// What the server says of itself, once a flow and value.
pub fn facts(cx: &mut Cx<'_>, scratch: &mut Scratch, facts: &[(&'static str, String)]) {
    for (field, value) in facts {
        if scratch.told.iter().any(|(f, v)| f == field && v == value) {
            continue;
        }
        if scratch.told.len() < TOLD {
            scratch.told.push((field, value.clone()));
        }
        cx.rows.sightings.push(SightingRow {
            ts: cx.ts,
            flow: cx.flow,
            borrow: std::marker::PhantomData,
            frame: cx.frame,
            ip: cx.ends.server,
            mac: "",
            vlan: 0,
            source: "opcua",
            field,
            value,
        });
    }
}

/// What a message outside of any call says.
#[derive(Debug, Default)]
pub struct Plain<'a> {
    /// Operation of the behaviour; empty: none.
    pub operation: &'static str,
    /// Secure channel.
    pub channel: u32,
    /// Status code of an Error message.
    pub status: Option<u32>,
    /// The message in one line.
    pub info: &'a str,
    /// Whether the client sent it.
    pub from_client: bool,
    /// Size of the message.
    pub bytes: u64,
}

/// A transport message, or a message whose body is encrypted: a row of its own.
pub fn plain(cx: &mut Cx<'_>, kind: Type, plain: &Plain<'_>, channel: Option<&Channel>) {
    let (request_frame, response_frame) =
        if plain.from_client { (cx.frame, Frame::NONE) } else { (Frame::NONE, cx.frame) };
    let opening = kind == Type::Opn || kind == Type::Clo;
    cx.rows.opcua.push(OpcuaRow {
        ts: cx.ts,
        flow: cx.flow,
        borrow: std::marker::PhantomData,
        request_frame,
        response_frame,
        request_type_id: 0,
        response_type_id: 0,
        message_type: kind.name(),
        channel_id: plain.channel,
        request_id: 0,
        service_id: 0,
        service: if opening { plain.operation } else { "" },
        security_policy: channel.map_or("", |c| &c.policy),
        security_mode: channel.map_or("", |c| c.mode.name()),
        identity_token: "",
        status: plain.status,
        items_node_id: &[],
        items_attribute: &[],
        items_value: &[],
        items_status: &[],
        items_source_time: &[],
        info: plain.info,
        latency_us: None,
    });
    if !plain.operation.is_empty() {
        occurrence(cx, kind, plain);
    }
}

fn occurrence(cx: &mut Cx<'_>, kind: Type, plain: &Plain<'_>) {
    cx.behaviour(&Behaviour {
        protocol: "opcua",
        unit: Key::None,
        operation: plain.operation,
        access: Access::Session,
        object: Key::None,
        bytes: plain.bytes,
        latency_us: None,
        error: kind == Type::Err,
    });
}
