//! Secure channel and session services (Part 4 §5.6, §5.7). No secret is kept.

use super::discovery::{application, endpoint_list};
use super::{Into, skip_array, skip_diagnostics, skip_strings};
use crate::defaults::shipped;
use crate::opcua::codes::{Mode, USER_NAME_TOKEN, identity_token};
use crate::opcua::nodes::{extension_object, node_id};
use crate::opcua::read::{Read, Reader};

/// `clientProtocolVersion u32 | requestType u32 | securityMode u32 | clientNonce ByteString | lifetime u32`
pub fn open_channel(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    r.u32()?;
    let renew = r.u32()? == 1;
    to.call.mode = Mode::from_wire(r.u32()?);
    r.string("client nonce")?;
    let lifetime = r.u32()?;
    to.call.say("", if renew { b"renew" } else { b"issue" }, to.limits);
    to.call.say_number("lifetime_ms", f64::from(lifetime), to.limits);
    Ok(())
}

/// `serverProtocolVersion u32 | channelId u32 | tokenId u32 | createdAt | revisedLifetime u32 | serverNonce`
pub fn channel_opened(r: &mut Reader<'_>) -> Read<()> {
    r.take(24, "security token")?;
    r.string("server nonce")?;
    Ok(())
}

/// `clientDescription | serverUri | endpointUrl | sessionName | clientNonce | clientCertificate
/// | requestedSessionTimeout f64 | maxResponseMessageSize u32`
pub fn create(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
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

/// `sessionId NodeId | authenticationToken NodeId | revisedSessionTimeout f64 | serverNonce | serverCertificate
/// | serverEndpoints[] | software certificates[] | serverSignature | maxRequestMessageSize u32`
pub fn created(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    node_id(r)?;
    node_id(r)?;
    r.f64()?;
    r.string("server nonce")?;
    r.string("server certificate")?;
    endpoint_list(r, to)?;
    software_certificates(r)?;
    signature(r)?;
    r.u32()?;
    Ok(())
}

fn software_certificates(r: &mut Reader<'_>) -> Read<()> {
    for _ in 0..r.count(8, "software certificates")? {
        r.string("certificate")?;
        r.string("certificate signature")?;
    }
    Ok(())
}

/// `clientSignature {String, ByteString} | software certificates {ByteString, ByteString}[] | localeIds String[]
/// | userIdentityToken ExtensionObject | userTokenSignature {String, ByteString}`
pub fn activate(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    signature(r)?;
    software_certificates(r)?;
    skip_strings(r)?;
    let (kind, token) = extension_object(r)?;
    to.call.identity = identity_token(kind.standard());
    if kind.standard() == USER_NAME_TOKEN {
        user_name(token, to)?;
    }
    signature(r)
}

/// `serverNonce | results StatusCode[] | diagnosticInfos[]`
pub fn activated(r: &mut Reader<'_>) -> Read<()> {
    r.string("server nonce")?;
    skip_array(r, 4, "results")?;
    skip_diagnostics(r)
}

/// SignatureData (Part 4 §7.37).
fn signature(r: &mut Reader<'_>) -> Read<()> {
    r.string("signature algorithm")?;
    r.string("signature")?;
    Ok(())
}

/// UserNameIdentityToken (Part 4 §7.41.3): `policyId | userName | password ByteString | encryptionAlgorithm`.
/// Neither name nor password is kept: only that they were seen, and whether the password was in clear.
fn user_name(token: &[u8], to: &mut Into<'_>) -> Read<()> {
    let mut r = Reader::new(token, to.limits.nesting);
    r.string("policy id")?;
    let name = r.string("user name")?;
    let secret = r.string("password")?;
    let clear = r.string("encryption algorithm")?.is_empty();
    let (named, password) = (!name.is_empty(), !secret.is_empty());
    if named {
        to.call.say("", b"user_name_seen", to.limits);
    }
    if password {
        to.call.say("", if clear { b"password_in_clear" } else { b"password_encrypted" }, to.limits);
    }
    if clear && named && shipped(name, secret) {
        to.call.say("", b"password_default", to.limits);
    }
    Ok(())
}
