//! Bodies of responses (Part 4 §5): results stand in the order of the request's items.

use super::calls::Call;
use super::codes::{DATA_CHANGE, VALUE};
use super::monitored::Monitored;
use super::nodes::{
    extension_object, localized_text, node_id, qualified_name, skip_diagnostic, skip_diagnostics, skip_strings,
};
use super::read::{Read, Reader};
use super::requests::{Whole, application, arguments, signature};
use super::services as ids;
use super::text::Out;
use super::variant::data_value;
use crate::limits::Limits;

/// What a response is read into.
#[derive(Debug)]
pub struct Into<'c> {
    /// The call.
    pub call: &'c mut Call,
    /// Client handles of the flow.
    pub monitored: &'c Monitored,
    /// The limits in force.
    pub limits: &'c Limits,
}

/// ResponseHeader (Part 4 §7.34); gives the service result.
/// ```text
/// timestamp | requestHandle u32 | serviceResult u32 | serviceDiagnostics DiagnosticInfo
/// | stringTable String[] | additionalHeader ExtensionObject
/// ```
pub fn header(r: &mut Reader<'_>) -> Read<u32> {
    r.take(12, "response header")?;
    let result = r.u32()?;
    skip_diagnostic(r)?;
    skip_strings(r)?;
    extension_object(r)?;
    Ok(result)
}

/// Reads the body of a response behind its type id; `id` is that of the request.
pub fn read(id: u32, r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<Whole> {
    to.call.status = Some(header(r)?);
    match id {
        ids::Read => values(r, to)?,
        ids::Write => statuses(r, to)?,
        ids::Publish => publish(r, to)?,
        ids::Call => call_methods(r, to)?,
        ids::Browse => browse(r, to)?,
        ids::CreateMonitoredItems => create_monitored_items(r, to)?,
        ids::CreateSession => create_session(r, to)?,
        ids::ActivateSession => activate_session(r)?,
        // serverProtocolVersion u32 | channelId u32 | tokenId u32 | createdAt | lifetime u32 | serverNonce
        ids::OpenSecureChannel => {
            r.take(24, "security token")?;
            r.string("server nonce")?;
        }
        ids::CloseSecureChannel | ids::CloseSession => {}
        _ => return Ok(false),
    }
    Ok(true)
}

/// `results DataValue[] | diagnosticInfos[]`
fn values(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(1, "results")? {
        let (value, data) = to.call.items.write(to.limits, |out| data_value(r, out));
        to.call.items.answer(index, value, &data?, to.limits);
    }
    skip_diagnostics(r)
}

/// `results StatusCode[] | diagnosticInfos[]`
fn statuses(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(4, "results")? {
        let status = r.u32()?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
        }
    }
    skip_diagnostics(r)
}

/// `results CallMethodResult[]`, each `statusCode | inputArgumentResults StatusCode[]
/// | inputArgumentDiagnosticInfos[] | outputArguments Variant[]`; outputs follow the inputs as `[in] -> [out]`.
fn call_methods(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(16, "results")? {
        let status = r.u32()?;
        let results = r.count(4, "argument results")?;
        r.take(4 * results, "argument results")?;
        skip_diagnostics(r)?;
        let inputs = to.call.items.list.get(index).map(|item| item.value).unwrap_or_default();
        let (value, read) = to.call.items.write_after(inputs, to.limits, |out| arguments(r, out));
        read?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
            item.value = value;
        }
    }
    skip_diagnostics(r)
}

/// `results BrowseResult[]`, each `statusCode | continuationPoint ByteString | references[]`
fn browse(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(12, "results")? {
        let status = r.u32()?;
        r.string("continuation point")?;
        let (value, read) = to.call.items.write(to.limits, |out| references(r, out));
        read?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
            item.value = value;
        }
    }
    skip_diagnostics(r)
}

/// ReferenceDescription[] (Part 4 §7.30), each `referenceTypeId | isForward u8 | nodeId ExpandedNodeId
/// | browseName | displayName | nodeClass u32 | typeDefinition`; node ids and names are shown.
fn references(r: &mut Reader<'_>, out: &mut Out<'_>) -> Read<()> {
    out.str("[");
    for index in 0..r.count(18, "references")? {
        node_id(r)?;
        r.u8()?;
        let node = node_id(r)?;
        let (_, name) = qualified_name(r)?;
        localized_text(r)?;
        r.u32()?;
        node_id(r)?;
        if index > 0 {
            out.str(",");
        }
        node.write(out);
        out.str(" ");
        out.utf8(name);
    }
    out.str("]");
    Ok(())
}

/// `results[]`, each `statusCode | monitoredItemId u32 | revisedSamplingInterval f64 | revisedQueueSize u32
/// | filterResult ExtensionObject`
fn create_monitored_items(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(23, "results")? {
        let status = r.u32()?;
        r.take(16, "revised parameters")?;
        extension_object(r)?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
        }
    }
    skip_diagnostics(r)
}

/// `subscriptionId u32 | availableSequenceNumbers u32[] | moreNotifications u8 | sequenceNumber u32
/// | publishTime | notificationData ExtensionObject[] | results StatusCode[] | diagnosticInfos[]`
fn publish(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    to.call.subscription = r.u32()?;
    let available = r.count(4, "sequence numbers")?;
    r.take(4 * available, "sequence numbers")?;
    r.u8()?;
    let sequence = r.u32()?;
    r.i64()?;
    to.call.say_number("subscription", f64::from(to.call.subscription), to.limits);
    to.call.say_number("sequence", f64::from(sequence), to.limits);
    for _ in 0..r.count(3, "notifications")? {
        let (kind, body) = extension_object(r)?;
        if kind.standard() == DATA_CHANGE {
            data_change(&mut Reader::new(body, r.levels()), to)?;
        }
    }
    let results = r.count(4, "acknowledge results")?;
    r.take(4 * results, "acknowledge results")?;
    skip_diagnostics(r)
}

/// DataChangeNotification (Part 4 §7.25.2): `monitoredItems[] | diagnosticInfos[]`, each `clientHandle u32
/// | value DataValue`. The node is what the handle stood for when the item was created.
fn data_change(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(5, "monitored items")? {
        let handle = r.u32()?;
        let known = to.monitored.node((to.call.subscription, handle));
        let (node, ()) = to.call.items.write(to.limits, |out| match known {
            Some(node) => out.str(node),
            None => {
                out.str("handle:");
                out.unsigned(u64::from(handle));
            }
        });
        let (value, data) = to.call.items.write(to.limits, |out| data_value(r, out));
        let data = data?;
        let (number, status, source_time) = (data.number, data.status, data.source_time);
        let item = super::calls::Item { node, attribute: VALUE, value, number, status, source_time };
        to.call.items.push(item, to.limits);
    }
    skip_diagnostics(r)
}

/// `sessionId NodeId | authenticationToken NodeId | revisedSessionTimeout f64 | serverNonce | serverCertificate
/// | serverEndpoints[] | software certificates[] | serverSignature | maxRequestMessageSize u32`
fn create_session(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    node_id(r)?;
    node_id(r)?;
    r.f64()?;
    r.string("server nonce")?;
    r.string("server certificate")?;
    endpoints(r, to)?;
    for _ in 0..r.count(8, "software certificates")? {
        r.string("certificate")?;
        r.string("certificate signature")?;
    }
    signature(r)?;
    r.u32()?;
    Ok(())
}

/// EndpointDescription[] (Part 4 §7.14), each `endpointUrl | server ApplicationDescription | serverCertificate
/// | securityMode u32 | securityPolicyUri | userIdentityTokens[] | transportProfileUri | securityLevel u8`
fn endpoints(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(40, "endpoints")? {
        r.string("endpoint url")?;
        let server = application(r)?;
        r.string("server certificate")?;
        r.u32()?;
        r.string("security policy")?;
        for _ in 0..r.count(20, "user token policies")? {
            r.string("policy id")?;
            r.u32()?;
            for _ in 0..3 {
                r.string("token policy")?;
            }
        }
        r.string("transport profile")?;
        r.u8()?;
        if index == 0 {
            to.call.say("server_uri", server.uri, to.limits);
            to.call.say("server_name", server.name, to.limits);
        }
    }
    Ok(())
}

/// `serverNonce | results StatusCode[] | diagnosticInfos[]`
fn activate_session(r: &mut Reader<'_>) -> Read<()> {
    r.string("server nonce")?;
    let results = r.count(4, "results")?;
    r.take(4 * results, "results")?;
    skip_diagnostics(r)
}
