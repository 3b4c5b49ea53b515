//! Bodies of requests (Part 4 §5, in the encoding of Part 6 §5.2.6): fields in their order, no tags.

use super::calls::{Call, Item};
use super::codes::{METHOD, Mode, USER_NAME_TOKEN, identity_token};
use super::monitored::Monitored;
use super::nodes::{extension_object, localized_text, node_id, qualified_name, skip_strings};
use super::read::{Read, Reader};
use super::services as ids;
use super::variant::{data_value, variant};
use crate::limits::Limits;

/// What a request is read into.
#[derive(Debug)]
pub struct Into<'c> {
    /// The call.
    pub call: &'c mut Call,
    /// Client handles of the flow.
    pub monitored: &'c mut Monitored,
    /// The limits in force.
    pub limits: &'c Limits,
}

/// Whether a body was read to its end; services without a reader here are not.
pub type Whole = bool;

/// RequestHeader (Part 4 §7.33). The authentication token is a secret of the session: it is stepped over.
/// ```text
/// authenticationToken NodeId | timestamp | requestHandle u32 | returnDiagnostics u32
/// | auditEntryId String | timeoutHint u32 | additionalHeader ExtensionObject
/// ```
fn header(r: &mut Reader<'_>) -> Read<()> {
    node_id(r)?;
    r.take(16, "request header")?;
    r.string("audit entry id")?;
    r.u32()?;
    extension_object(r)?;
    Ok(())
}

/// Reads the body of a request behind its type id.
pub fn read(id: u32, r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<Whole> {
    header(r)?;
    match id {
        ids::Read => read_values(r, to)?,
        ids::Write => write_values(r, to)?,
        ids::Publish => acknowledge(r)?,
        ids::Call => call_methods(r, to)?,
        ids::Browse => browse(r, to)?,
        ids::CreateMonitoredItems => create_monitored_items(r, to)?,
        ids::OpenSecureChannel => open_channel(r, to)?,
        ids::CreateSession => create_session(r, to)?,
        ids::ActivateSession => activate_session(r, to)?,
        ids::CloseSecureChannel => {}
        ids::CloseSession => {
            r.u8()?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// `maxAge f64 | timestampsToReturn u32 | nodesToRead ReadValueId[]`
fn read_values(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    r.take(12, "read parameters")?;
    for _ in 0..r.count(16, "nodes to read")? {
        let (node, attribute) = read_value_id(r, to)?;
        to.call.items.push(Item { node, attribute, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// ReadValueId (Part 4 §7.29): `nodeId | attributeId u32 | indexRange String | dataEncoding QualifiedName`
#[inline]
pub fn read_value_id(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<(super::calls::Span, u32)> {
    let node = node_id(r)?;
    let attribute = r.u32()?;
    r.string("index range")?;
    qualified_name(r)?;
    Ok((to.call.items.node(&node, to.limits), attribute))
}

/// `nodesToWrite WriteValue[]`, each `nodeId | attributeId u32 | indexRange String | value DataValue`
fn write_values(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(11, "nodes to write")? {
        let node = node_id(r)?;
        let attribute = r.u32()?;
        r.string("index range")?;
        let node = to.call.items.node(&node, to.limits);
        let (value, data) = to.call.items.write(to.limits, |out| data_value(r, out));
        let data = data?;
        let source_time = data.source_time;
        to.call
            .items
            .push(Item { node, attribute, value, number: data.number, source_time, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `subscriptionAcknowledgements[]`, each `subscriptionId u32 | sequenceNumber u32`
fn acknowledge(r: &mut Reader<'_>) -> Read<()> {
    let count = r.count(8, "acknowledgements")?;
    r.take(8 * count, "acknowledgements")?;
    Ok(())
}

/// `methodsToCall CallMethodRequest[]`, each `objectId | methodId | inputArguments Variant[]`. The item's node
/// is `object/method`; what the behaviour is done to is the method alone.
fn call_methods(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(8, "methods to call")? {
        let (object, method) = (node_id(r)?, node_id(r)?);
        let (node, ()) = to.call.items.write(to.limits, |out| {
            object.write(out);
            out.str("/");
            method.write(out);
        });
        if index == 0 {
            to.call.object = to.call.items.node(&method, to.limits);
        }
        let (value, read) = to.call.items.write(to.limits, |out| arguments(r, out));
        read?;
        to.call.items.push(Item { node, attribute: METHOD, value, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// An array of Variant as `[1,2.5,on]`.
pub fn arguments(r: &mut Reader<'_>, out: &mut super::text::Out<'_>) -> Read<()> {
    out.str("[");
    for index in 0..r.count(1, "arguments")? {
        if index > 0 {
            out.str(",");
        }
        variant(r, out)?;
    }
    out.str("]");
    Ok(())
}

/// `view {NodeId, timestamp, version u32} | maxReferences u32 | nodesToBrowse BrowseDescription[]`, each
/// `nodeId | direction u32 | referenceTypeId | includeSubtypes u8 | nodeClassMask u32 | resultMask u32`
fn browse(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    node_id(r)?;
    r.take(16, "view")?;
    for _ in 0..r.count(17, "nodes to browse")? {
        let node = node_id(r)?;
        r.u32()?;
        node_id(r)?;
        r.take(9, "browse description")?;
        let node = to.call.items.node(&node, to.limits);
        to.call.items.push(Item { node, attribute: METHOD, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `subscriptionId u32 | timestampsToReturn u32 | itemsToCreate[]`, each `ReadValueId | monitoringMode u32
/// | clientHandle u32 | samplingInterval f64 | filter ExtensionObject | queueSize u32 | discardOldest u8`
fn create_monitored_items(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    let subscription = r.u32()?;
    to.call.subscription = subscription;
    r.u32()?;
    for _ in 0..r.count(40, "items to create")? {
        let (node, attribute) = read_value_id(r, to)?;
        r.u32()?;
        let (handle, interval) = (r.u32()?, r.f64()?);
        extension_object(r)?;
        r.take(5, "monitoring parameters")?;
        to.monitored.learn((subscription, handle), node.of(&to.call.items.text), to.limits.monitored_items);
        let (value, ()) = to.call.items.write(to.limits, |out| {
            out.str("handle:");
            out.unsigned(u64::from(handle));
            out.str(" sampling_ms:");
            out.double(interval);
        });
        to.call.items.push(Item { node, attribute, value, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `clientProtocolVersion u32 | requestType u32 | securityMode u32 | clientNonce ByteString | lifetime u32`
fn open_channel(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    r.u32()?;
    let renew = r.u32()? == 1;
    to.call.mode = Mode::from_wire(r.u32()?);
    r.string("client nonce")?;
    let lifetime = r.u32()?;
    to.call.say("", if renew { b"renew" } else { b"issue" }, to.limits);
    to.call.say_number("lifetime_ms", f64::from(lifetime), to.limits);
    Ok(())
}

/// What an ApplicationDescription says (Part 4 §7.2).
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    /// Its URI.
    pub uri: &'a [u8],
    #[allow(dead_code)] // read by the discovery services
    /// URI of the product.
    pub product: &'a [u8],
    /// Its name.
    pub name: &'a [u8],
}

/// `applicationUri | productUri | applicationName LocalizedText | applicationType u32
/// | gatewayServerUri | discoveryProfileUri | discoveryUrls String[]`
pub fn application<'a>(r: &mut Reader<'a>) -> Read<Application<'a>> {
    let (uri, product) = (r.string("application uri")?, r.string("product uri")?);
    let name = localized_text(r)?;
    r.u32()?;
    r.string("gateway uri")?;
    r.string("discovery profile uri")?;
    skip_strings(r)?;
    Ok(Application { uri, product, name })
}

/// `clientDescription | serverUri | endpointUrl | sessionName | clientNonce | clientCertificate
/// | requestedSessionTimeout f64 | maxResponseMessageSize u32`
fn create_session(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    let client = application(r)?;
    r.string("server uri")?;
    let endpoint = r.string("endpoint url")?;
    let session = r.string("session name")?;
    r.string("client nonce")?;
    r.string("client certificate")?;
    r.take(12, "session parameters")?;
    to.call.say("endpoint", endpoint, to.limits);
    to.call.say("client_uri", client.uri, to.limits);
    to.call.say("client_name", client.name, to.limits);
    to.call.say("session", session, to.limits);
    Ok(())
}

/// `clientSignature {String, ByteString} | software certificates {ByteString, ByteString}[] | localeIds String[]
/// | userIdentityToken ExtensionObject | userTokenSignature {String, ByteString}`
fn activate_session(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    signature(r)?;
    for _ in 0..r.count(8, "software certificates")? {
        r.string("certificate")?;
        r.string("certificate signature")?;
    }
    skip_strings(r)?;
    let (kind, token) = extension_object(r)?;
    to.call.identity = identity_token(kind.standard());
    if kind.standard() == USER_NAME_TOKEN {
        user_name(token, to)?;
    }
    signature(r)
}

/// SignatureData (Part 4 §7.37).
pub fn signature(r: &mut Reader<'_>) -> Read<()> {
    r.string("signature algorithm")?;
    r.string("signature")?;
    Ok(())
}

/// UserNameIdentityToken (Part 4 §7.41.3): `policyId | userName | password ByteString | encryptionAlgorithm`.
/// Neither name nor password is kept: only that they were seen, and whether the password was in clear.
fn user_name(token: &[u8], to: &mut Into<'_>) -> Read<()> {
    let mut r = Reader::new(token, to.limits.nesting);
    r.string("policy id")?;
    let named = !r.string("user name")?.is_empty();
    let password = !r.string("password")?.is_empty();
    let clear = r.string("encryption algorithm")?.is_empty();
    if named {
        to.call.say("", b"user_name_seen", to.limits);
    }
    if password {
        to.call.say("", if clear { b"password_in_clear" } else { b"password_encrypted" }, to.limits);
    }
    Ok(())
}
