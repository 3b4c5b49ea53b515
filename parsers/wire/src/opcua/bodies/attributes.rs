//! Attribute services: Read, Write, HistoryRead, HistoryUpdate (Part 4 §5.11).

use super::{Into, skip_diagnostics};
use crate::opcua::codes::{HISTORY_DATA, HISTORY_MODIFIED, UPDATE_DATA, VALUE};
use crate::opcua::items::{Item, Span};
use crate::opcua::nodes::{NodeId, extension_object, localized_text, node_id, qualified_name};
use crate::opcua::read::{Read, Reader};
use crate::opcua::text::Out;
use crate::opcua::transfers::{note, range_start};
use crate::opcua::variant::{data_value, data_value_again};

/// `maxAge f64 | timestampsToReturn u32 | nodesToRead ReadValueId[]`
pub fn read(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    r.take(12, "read parameters")?;
    let nodes = r.rest();
    to.call.template = to.templates.recall(nodes, &mut to.call.items);
    if to.call.template.is_some() {
        r.take(nodes.len(), "nodes to read")?;
        return Ok(());
    }
    for _ in 0..r.count(16, "nodes to read")? {
        let asked = read_value_id(r, to)?;
        to.call.items.push(asked, to.limits);
    }
    if r.left() == 0 {
        to.templates.keep(nodes, &to.call.items, to.limits);
    }
    Ok(())
}

/// ReadValueId (Part 4 §7.29): `nodeId | attributeId u32 | indexRange String | dataEncoding QualifiedName`
#[inline]
pub fn read_value_id(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<Item> {
    let node = node_id(r)?;
    let attribute = r.u32()?;
    let range = r.string("index range")?;
    qualified_name(r)?;
    let (node, from) = (ranged(&node, range, to), range_start(range));
    Ok(Item { node, attribute, from, ..Item::default() })
}

/// A node id, and the part of its array that is meant: `ns=2;s=Levels[0:3]`.
#[inline]
fn ranged(node: &NodeId<'_>, range: &[u8], to: &mut Into<'_>) -> Span {
    if range.is_empty() {
        return to.call.items.node(node, to.limits);
    }
    let write = |out: &mut Out<'_>| {
        node.write(out);
        out.str("[");
        out.utf8(range);
        out.str("]");
    };
    to.call.items.write(to.limits, write).0
}

/// `nodesToWrite WriteValue[]`, each `nodeId | attributeId u32 | indexRange String | value DataValue`
pub fn write(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(11, "nodes to write")? {
        let node = node_id(r)?;
        let attribute = r.u32()?;
        let range = r.string("index range")?;
        let (node, from) = (ranged(&node, range, to), range_start(range));
        note(&mut to.call.blobs, r, 0, node, from);
        let (value, data) = to.call.items.write(to.limits, |out| data_value(r, out));
        let data = data?;
        let (number, source_time) = (data.number, data.source_time);
        to.call.items.push(Item { node, attribute, value, number, source_time, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `results DataValue[] | diagnosticInfos[]`
pub fn values(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(1, "results")? {
        let start = r.clone();
        let asked = to.call.items.list.get(index).copied().unwrap_or_default();
        let tag = asked.tag;
        note(&mut to.call.blobs, r, 0, asked.node, asked.from);
        let (value, data) = to.call.items.write(to.limits, |out| match to.tags.rendered(tag) {
            Some(last) => data_value_again(r, out, last),
            None => data_value(r, out),
        });
        to.call.items.answer(index, value, &data?, to.limits);
        about_server(index, start, to);
    }
    skip_diagnostics(r)
}

/// Values that tell what the server is: ServerStatus, its BuildInfo and the fields of that (Part 6 annex A).
#[inline]
fn about_server(index: usize, value: Reader<'_>, to: &mut Into<'_>) {
    let Some(item) = to.call.items.list.get(index).filter(|item| item.node.len() == "i=2256".len()) else { return };
    let Some(number) = item.node.of(&to.call.items.text).strip_prefix("i=22") else { return };
    let field = match number {
        "61" => "model",
        "63" => "vendor",
        "64" => "firmware",
        // What a server says of itself may be missing or of another type: then there is nothing to tell.
        "56" | "60" => return build_info(value, number == "56", to).unwrap_or(()),
        _ => return,
    };
    let text = item.value.of(&to.call.items.text).to_owned();
    to.call.fact(field, text.as_bytes(), to.limits);
}

/// BuildInfo (Part 5 §12.4) `productUri | manufacturerName | productName | softwareVersion | buildNumber | buildDate`,
/// in ServerStatusDataType (§12.10) behind `startTime | currentTime | state u32`.
fn build_info(mut r: Reader<'_>, status: bool, to: &mut Into<'_>) -> Read<()> {
    let (mask, encoding) = (r.u8()?, r.u8()?);
    if mask & 1 == 0 || encoding != 22 {
        return Ok(());
    }
    let (_, body) = extension_object(&mut r)?;
    let mut r = Reader::new(body, to.limits.nesting);
    if status {
        r.take(20, "server status")?;
    }
    r.string("product uri")?;
    for field in ["vendor", "model", "firmware"] {
        let value = r.string("build info")?;
        to.call.fact(field, value, to.limits);
    }
    r.string("build number")?;
    r.i64()?;
    if status {
        r.u32()?;
        localized_text(&mut r)?;
    }
    Ok(())
}

/// `historyReadDetails ExtensionObject | timestampsToReturn u32 | releaseContinuationPoints u8 | nodesToRead[]`,
/// each `nodeId | indexRange String | dataEncoding QualifiedName | continuationPoint ByteString`
pub fn history_read(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    extension_object(r)?;
    r.take(5, "history parameters")?;
    for _ in 0..r.count(16, "nodes to read")? {
        let node = node_id(r)?;
        let range = r.string("index range")?;
        qualified_name(r)?;
        r.string("continuation point")?;
        let node = ranged(&node, range, to);
        to.call.items.push(Item { node, attribute: VALUE, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `results HistoryReadResult[] | diagnosticInfos[]`, each `statusCode | continuationPoint | historyData
/// ExtensionObject`; the values of HistoryData are shown as a list.
pub fn histories(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(11, "results")? {
        let status = r.u32()?;
        r.string("continuation point")?;
        let (kind, body) = extension_object(r)?;
        let mut inner = Reader::new(body, r.levels());
        let raw = matches!(kind.standard(), HISTORY_DATA | HISTORY_MODIFIED);
        super::result(to, index, status, |out| if raw { value_list(&mut inner, out) } else { Ok(()) })?;
    }
    skip_diagnostics(r)
}

/// An array of DataValue as `[21.5,21.6]`.
fn value_list(r: &mut Reader<'_>, out: &mut Out<'_>) -> Read<()> {
    out.str("[");
    for index in 0..r.count(1, "history data")? {
        if index > 0 {
            out.str(",");
        }
        data_value(r, out)?;
    }
    out.str("]");
    Ok(())
}

/// `historyUpdateDetails ExtensionObject[]`; each kind of details starts with the node id, UpdateDataDetails
/// goes on with `performInsertReplace u32 | updateValues DataValue[]` (Part 11 §6.9).
pub fn history_update(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(3, "history details")? {
        let (kind, body) = extension_object(r)?;
        let mut inner = Reader::new(body, r.levels());
        let node = node_id(&mut inner)?;
        let node = to.call.items.node(&node, to.limits);
        let (value, read) = to.call.items.write(to.limits, |out| {
            if kind.standard() == UPDATE_DATA {
                inner.u32()?;
                return value_list(&mut inner, out);
            }
            Ok(())
        });
        read?;
        to.call.items.push(Item { node, attribute: VALUE, value, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `results[] | diagnosticInfos[]`, each `statusCode | operationResults StatusCode[] | diagnosticInfos[]`
pub fn history_results(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(12, "results")? {
        let status = r.u32()?;
        super::skip_array(r, 4, "operation results")?;
        skip_diagnostics(r)?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
        }
    }
    skip_diagnostics(r)
}
