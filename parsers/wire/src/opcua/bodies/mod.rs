//! Bodies of requests and responses (Part 4 §5, in the encoding of Part 6 §5.2.6): fields in their order, no tags.

mod attributes;
mod discovery;
mod manage;
mod methods;
mod queries;
mod sessions;
mod subscriptions;
mod views;

use super::calls::Call;
use super::codes::{UNANSWERED, is_bad};
use super::items::Item;
use super::monitored::Monitored;
use super::nodes::{extension_object, node_id, skip_diagnostic, skip_diagnostics, skip_strings};
use super::read::{Read, Reader};
use super::services as ids;
use super::tags::Tags;
use super::templates::Templates;
use super::text::Out;
use super::variant::variant;
use crate::limits::Limits;

/// What a body is read into.
#[derive(Debug)]
pub struct Into<'c> {
    /// The call.
    pub call: &'c mut Call,
    /// Client handles of the flow.
    pub monitored: &'c mut Monitored,
    /// Requests that were read before.
    pub templates: &'c mut Templates,
    /// Values that were seen before.
    pub tags: &'c mut Tags,
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
pub fn request_header(r: &mut Reader<'_>) -> Read<()> {
    node_id(r)?;
    r.take(16, "request header")?;
    r.string("audit entry id")?;
    r.u32()?;
    extension_object(r)?;
    Ok(())
}

/// ResponseHeader (Part 4 §7.34); gives the service result.
/// ```text
/// timestamp | requestHandle u32 | serviceResult u32 | serviceDiagnostics DiagnosticInfo
/// | stringTable String[] | additionalHeader ExtensionObject
/// ```
pub fn response_header(r: &mut Reader<'_>) -> Read<u32> {
    r.take(12, "response header")?;
    let result = r.u32()?;
    skip_diagnostic(r)?;
    skip_strings(r)?;
    extension_object(r)?;
    Ok(result)
}

/// Reads the body of a request behind its type id.
pub fn request(id: u32, r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<Whole> {
    request_header(r)?;
    match id {
        ids::Read => attributes::read(r, to)?,
        ids::Write => attributes::write(r, to)?,
        ids::HistoryRead => attributes::history_read(r, to)?,
        ids::HistoryUpdate => attributes::history_update(r, to)?,
        ids::Call => methods::call(r, to)?,
        ids::Browse => views::browse(r, to)?,
        ids::BrowseNext => views::browse_next(r)?,
        ids::QueryFirst => queries::first(r, to)?,
        ids::QueryNext => queries::next(r)?,
        ids::TranslateBrowsePathsToNodeIds => views::translate(r, to)?,
        ids::RegisterNodes | ids::UnregisterNodes => views::register(r, to)?,
        ids::CreateMonitoredItems => subscriptions::create_items(r, to)?,
        ids::ModifyMonitoredItems => subscriptions::modify_items(r, to)?,
        ids::SetMonitoringMode => subscriptions::set_monitoring(r, to)?,
        ids::SetTriggering => subscriptions::set_triggering(r, to)?,
        ids::DeleteMonitoredItems => subscriptions::delete_items(r, to)?,
        ids::CreateSubscription | ids::ModifySubscription => subscriptions::create(r, id, to)?,
        ids::SetPublishingMode => subscriptions::set_publishing(r, to)?,
        ids::DeleteSubscriptions => subscriptions::list(r, to)?,
        ids::TransferSubscriptions => subscriptions::transfer(r, to)?,
        ids::Publish => subscriptions::acknowledge(r)?,
        ids::Republish => subscriptions::republish(r, to)?,
        ids::AddNodes => manage::add_nodes(r, to)?,
        ids::AddReferences => manage::add_references(r, to)?,
        ids::DeleteNodes => manage::delete_nodes(r, to)?,
        ids::DeleteReferences => manage::delete_references(r, to)?,
        ids::FindServers | ids::GetEndpoints => discovery::ask(r, to)?,
        ids::FindServersOnNetwork => discovery::ask_network(r)?,
        ids::RegisterServer | ids::RegisterServer2 => discovery::register(r, id, to)?,
        ids::OpenSecureChannel => sessions::open_channel(r, to)?,
        ids::CreateSession => sessions::create(r, to)?,
        ids::ActivateSession => sessions::activate(r, to)?,
        ids::CloseSecureChannel => {}
        ids::CloseSession => drop(r.u8()?),
        ids::Cancel => drop(r.u32()?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Reads the body of a response behind its type id; `id` is that of the request.
pub fn response(id: u32, r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<Whole> {
    let status = response_header(r)?;
    to.call.status = Some(status);
    // Until its own status is read, an item has that of a service that failed, or none that was seen.
    let unseen = match id {
        _ if is_bad(status) => status,
        ids::UnregisterNodes => status,
        _ => UNANSWERED,
    };
    to.call.items.list.iter_mut().for_each(|item| item.status = unseen);
    results(id, r, to)
}

fn results(id: u32, r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<Whole> {
    match id {
        ids::Read => attributes::values(r, to)?,
        ids::HistoryRead => attributes::histories(r, to)?,
        ids::HistoryUpdate => attributes::history_results(r, to)?,
        ids::Write
        | ids::SetMonitoringMode
        | ids::DeleteMonitoredItems
        | ids::SetPublishingMode
        | ids::DeleteSubscriptions
        | ids::AddReferences
        | ids::DeleteNodes
        | ids::DeleteReferences => statuses(r, to)?,
        ids::Call => methods::results(r, to)?,
        ids::Browse | ids::BrowseNext => views::browsed(r, to)?,
        ids::QueryFirst => queries::found(r, to)?,
        ids::QueryNext => queries::further(r, to)?,
        ids::TranslateBrowsePathsToNodeIds => views::translated(r, to)?,
        ids::RegisterNodes => views::registered(r, to)?,
        ids::CreateMonitoredItems => subscriptions::items_created(r, to)?,
        ids::ModifyMonitoredItems => subscriptions::items_modified(r, to)?,
        ids::SetTriggering => subscriptions::triggering_set(r)?,
        ids::CreateSubscription | ids::ModifySubscription => subscriptions::created(r, id, to)?,
        ids::TransferSubscriptions => subscriptions::transferred(r, to)?,
        ids::Publish => subscriptions::published(r, to)?,
        ids::Republish => subscriptions::notification(r, to)?,
        ids::AddNodes => manage::nodes_added(r, to)?,
        ids::FindServers => discovery::servers(r, to)?,
        ids::FindServersOnNetwork => discovery::network(r, to)?,
        ids::GetEndpoints => discovery::endpoints(r, to)?,
        ids::RegisterServer2 => discovery::registered(r)?,
        ids::CreateSession => sessions::created(r, to)?,
        ids::ActivateSession => sessions::activated(r)?,
        ids::OpenSecureChannel => sessions::channel_opened(r)?,
        ids::CloseSecureChannel | ids::CloseSession | ids::UnregisterNodes | ids::RegisterServer => {}
        ids::Cancel => drop(r.u32()?),
        _ => return Ok(false),
    }
    Ok(true)
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

/// Reads over an array whose elements have a fixed size.
fn skip_array(r: &mut Reader<'_>, size: usize, field: &'static str) -> Read<()> {
    let count = r.count(size, field)?;
    r.take(count * size, field)?;
    Ok(())
}

/// An array of Variant as `[1,2.5,on]`.
fn arguments(r: &mut Reader<'_>, out: &mut Out<'_>) -> Read<()> {
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

/// Adds an item that is a node id and nothing else.
fn node_item(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    let node = node_id(r)?;
    let node = to.call.items.node(&node, to.limits);
    to.call.items.push(Item { node, ..Item::default() }, to.limits);
    Ok(())
}

/// Puts a status and a text, written behind what the request left as value, into an item.
fn result(to: &mut Into<'_>, index: usize, status: u32, write: impl FnOnce(&mut Out<'_>) -> Read<()>) -> Read<()> {
    let before = to.call.items.list.get(index).map(|item| item.value).unwrap_or_default();
    let (value, read) = to.call.items.write_after(before, to.limits, write);
    read?;
    if let Some(item) = to.call.items.at(index, to.limits) {
        item.status = status;
        item.value = value;
    }
    Ok(())
}
