//! Discovery services (Part 4 §5.5) and what servers say of themselves.

use super::{Into, skip_diagnostics, skip_strings};
use crate::opcua::codes::{Mode, policy_name};
use crate::opcua::items::Item;
use crate::opcua::nodes::{extension_object, localized_text};
use crate::opcua::read::{Read, Reader};
use crate::opcua::services as ids;

/// What an ApplicationDescription says (Part 4 §7.2).
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    /// Its URI.
    pub uri: &'a [u8],
    /// URI of the product.
    pub product: &'a [u8],
    /// Its name.
    pub name: &'a [u8],
    /// The first of its discovery URLs.
    pub url: &'a [u8],
}

/// `applicationUri | productUri | applicationName LocalizedText | applicationType u32
/// | gatewayServerUri | discoveryProfileUri | discoveryUrls String[]`
pub fn application<'a>(r: &mut Reader<'a>) -> Read<Application<'a>> {
    let (uri, product) = (r.string("application uri")?, r.string("product uri")?);
    let name = localized_text(r)?;
    r.u32()?;
    r.string("gateway uri")?;
    r.string("discovery profile uri")?;
    let mut url: &[u8] = &[];
    for index in 0..r.count(4, "discovery urls")? {
        let next = r.string("discovery url")?;
        if index == 0 {
            url = next;
        }
    }
    Ok(Application { uri, product, name, url })
}

/// FindServers and GetEndpoints: `endpointUrl | localeIds String[] | serverUris or profileUris String[]`
pub fn ask(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    let url = r.string("endpoint url")?;
    to.call.say("endpoint", url, to.limits);
    skip_strings(r)?;
    skip_strings(r)
}

/// `servers ApplicationDescription[]`: an item each, the discovery URL with the application's URI.
pub fn servers(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    let count = r.count(25, "servers")?;
    for _ in 0..count {
        let server = application(r)?;
        to.call.say("server_uri", server.uri, to.limits);
        to.call.say("server_name", server.name, to.limits);
        to.call.say("url", server.url, to.limits);
        // A discovery server lists others: only one that stands alone is the one that answers.
        if count == 1 {
            describe(&server, to);
        }
    }
    Ok(())
}

/// FindServersOnNetwork: `startingRecordId u32 | maxRecordsToReturn u32 | serverCapabilityFilter String[]`
pub fn ask_network(r: &mut Reader<'_>) -> Read<()> {
    r.take(8, "records")?;
    skip_strings(r)
}

/// `lastCounterResetTime | servers ServerOnNetwork[]`, each `recordId u32 | serverName | discoveryUrl
/// | serverCapabilities String[]`
pub fn network(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    r.take(8, "counter reset time")?;
    for _ in 0..r.count(16, "servers")? {
        r.u32()?;
        let (name, url) = (r.string("server name")?, r.string("discovery url")?);
        to.call.say("server_name", name, to.limits);
        to.call.say("url", url, to.limits);
        skip_strings(r)?;
    }
    Ok(())
}

fn describe(server: &Application<'_>, to: &mut Into<'_>) {
    to.call.fact("vendor", server.product, to.limits);
    to.call.fact("model", server.name, to.limits);
}

/// `endpoints EndpointDescription[]`
pub fn endpoints(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    endpoint_list(r, to)
}

/// EndpointDescription[] (Part 4 §7.14), each `endpointUrl | server ApplicationDescription | serverCertificate
/// | securityMode u32 | securityPolicyUri | userIdentityTokens[] | transportProfileUri | securityLevel u8`.
/// An item each: the value is `url policy mode tokens`.
pub fn endpoint_list(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(40, "endpoints")? {
        let url = r.string("endpoint url")?;
        let server = application(r)?;
        r.string("server certificate")?;
        let mode = Mode::from_wire(r.u32()?);
        let policy = policy_name(r.string("security policy")?);
        let tokens = token_types(r)?;
        r.string("transport profile")?;
        r.u8()?;
        if index == 0 {
            to.call.say("server_uri", server.uri, to.limits);
            to.call.say("server_name", server.name, to.limits);
            describe(&server, to);
        }
        let (value, ()) = to.call.items.write(to.limits, |out| {
            out.utf8(url);
            out.str(" ");
            out.utf8(policy);
            out.str(" ");
            out.str(mode.name());
            for (bit, name) in ["anonymous", "username", "certificate", "issued"].iter().enumerate() {
                if tokens & (1 << bit) != 0 {
                    out.str(" ");
                    out.str(name);
                }
            }
        });
        to.call.items.push(Item { value, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// UserTokenPolicy[] (Part 4 §7.42), each `policyId | tokenType u32 | issuedTokenType | issuerEndpointUrl
/// | securityPolicyUri`; gives the token types as bits.
fn token_types(r: &mut Reader<'_>) -> Read<u32> {
    let mut bits = 0;
    for _ in 0..r.count(20, "user token policies")? {
        r.string("policy id")?;
        bits |= 1 << r.u32()?.min(31);
        for _ in 0..3 {
            r.string("token policy")?;
        }
    }
    Ok(bits)
}

/// RegisterServer: RegisteredServer (Part 4 §7.32) `serverUri | productUri | serverNames LocalizedText[]
/// | serverType u32 | gatewayServerUri | discoveryUrls String[] | semaphoreFilePath | isOnline u8`;
/// RegisterServer2 goes on with `discoveryConfiguration ExtensionObject[]`.
pub fn register(r: &mut Reader<'_>, id: u32, to: &mut Into<'_>) -> Read<()> {
    let uri = r.string("server uri")?;
    let product = r.string("product uri")?;
    to.call.say("server_uri", uri, to.limits);
    to.call.say("product_uri", product, to.limits);
    for _ in 0..r.count(1, "server names")? {
        let name = localized_text(r)?;
        to.call.say("server_name", name, to.limits);
    }
    r.u32()?;
    r.string("gateway uri")?;
    for _ in 0..r.count(4, "discovery urls")? {
        let url = r.string("discovery url")?;
        to.call.say("url", url, to.limits);
    }
    r.string("semaphore file")?;
    let online = r.u8()? != 0;
    to.call.say("", if online { b"online" } else { b"offline" }, to.limits);
    if id == ids::RegisterServer2 {
        for _ in 0..r.count(3, "discovery configuration")? {
            extension_object(r)?;
        }
    }
    Ok(())
}

/// RegisterServer2: `configurationResults StatusCode[] | diagnosticInfos[]`
pub fn registered(r: &mut Reader<'_>) -> Read<()> {
    super::skip_array(r, 4, "configuration results")?;
    skip_diagnostics(r)
}
