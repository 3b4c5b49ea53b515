//! Monitored items and subscriptions (Part 4 §5.13, §5.14), and the notifications that come of them.

use super::attributes::read_value_id;
use super::{Into, arguments, skip_array, skip_diagnostics};
use crate::limits::Limits;
use crate::opcua::codes::{DATA_CHANGE, EVENT_NOTIFIER, EVENTS, STATUS_CHANGE, VALUE, is_bad};
use crate::opcua::items::{Item, Items, Span};
use crate::opcua::nodes::{extension_object, skip_diagnostic};
use crate::opcua::read::{Read, Reader};
use crate::opcua::services as ids;
use crate::opcua::transfers::note;
use crate::opcua::variant::data_value;

/// MonitoringParameters (Part 4 §7.21): `clientHandle u32 | samplingInterval f64 | filter ExtensionObject
/// | queueSize u32 | discardOldest u8`. Gives handle and interval.
fn parameters(r: &mut Reader<'_>) -> Read<(u32, f64)> {
    let (handle, interval) = (r.u32()?, r.f64()?);
    extension_object(r)?;
    r.take(5, "monitoring parameters")?;
    Ok((handle, interval))
}

fn show_parameters(to: &mut Into<'_>, handle: u32, interval: f64) -> Span {
    let write = |out: &mut crate::opcua::text::Out<'_>| {
        out.str("handle:");
        out.unsigned(u64::from(handle));
        out.str(" sampling_ms:");
        out.double(interval);
    };
    to.call.items.write(to.limits, write).0
}

fn subscription(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    to.call.subscription = r.u32()?;
    to.call.say_number("subscription", f64::from(to.call.subscription), to.limits);
    Ok(())
}

/// `subscriptionId u32 | timestampsToReturn u32 | itemsToCreate[]`, each `ReadValueId | monitoringMode u32
/// | MonitoringParameters`
pub fn create_items(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    subscription(r, to)?;
    r.u32()?;
    for _ in 0..r.count(40, "items to create")? {
        let Item { node, attribute, .. } = read_value_id(r, to)?;
        r.u32()?;
        let (handle, interval) = parameters(r)?;
        // Learnt from the request: when the response is lost, the notifications still have their names.
        let key = (to.call.subscription, handle);
        to.monitored.learn(key, node.of(&to.call.items.text), to.limits.monitored_items);
        let value = show_parameters(to, handle, interval);
        to.call.items.push(Item { node, attribute, value, handle, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `results[] | diagnosticInfos[]`, each `statusCode | monitoredItemId u32 | revisedSamplingInterval f64
/// | revisedQueueSize u32 | filterResult ExtensionObject`
pub fn items_created(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(23, "results")? {
        let (status, id) = (r.u32()?, r.u32()?);
        r.take(12, "revised parameters")?;
        extension_object(r)?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
            if !is_bad(status) {
                to.monitored.identify((to.call.subscription, item.handle), id);
            }
        }
    }
    skip_diagnostics(r)
}

/// `subscriptionId u32 | timestampsToReturn u32 | itemsToModify[]`, each `monitoredItemId u32
/// | MonitoringParameters`: an item may get another handle.
pub fn modify_items(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    subscription(r, to)?;
    r.u32()?;
    for _ in 0..r.count(24, "items to modify")? {
        let id = r.u32()?;
        let (handle, interval) = parameters(r)?;
        let subscription = to.call.subscription;
        to.monitored.rename((subscription, id), handle);
        let node = named(to, handle);
        let value = show_parameters(to, handle, interval);
        to.call.items.push(Item { node, attribute: VALUE, value, handle, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `results[] | diagnosticInfos[]`, each `statusCode | revisedSamplingInterval f64 | revisedQueueSize u32
/// | filterResult ExtensionObject`
pub fn items_modified(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(19, "results")? {
        let status = r.u32()?;
        r.take(12, "revised parameters")?;
        extension_object(r)?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
        }
    }
    skip_diagnostics(r)
}

/// Items named by the ids that the server gave them: `u32[]`.
fn item_ids(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(4, "monitored item ids")? {
        let id = r.u32()?;
        let known = to.monitored.identified((to.call.subscription, id));
        let node = remembered(&mut to.call.items, known, "item:", id, to.limits);
        to.call.items.push(Item { node, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `subscriptionId u32 | monitoringMode u32 | monitoredItemIds u32[]`
pub fn set_monitoring(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    subscription(r, to)?;
    let mode: &[u8] = match r.u32()? {
        0 => b"disabled",
        1 => b"sampling",
        2 => b"reporting",
        _ => b"unknown",
    };
    to.call.say("mode", mode, to.limits);
    item_ids(r, to)
}

/// `subscriptionId u32 | triggeringItemId u32 | linksToAdd u32[] | linksToRemove u32[]`
pub fn set_triggering(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    subscription(r, to)?;
    r.u32()?;
    skip_array(r, 4, "links to add")?;
    skip_array(r, 4, "links to remove")
}

/// `addResults StatusCode[] | addDiagnosticInfos[] | removeResults StatusCode[] | removeDiagnosticInfos[]`
pub fn triggering_set(r: &mut Reader<'_>) -> Read<()> {
    for _ in 0..2 {
        skip_array(r, 4, "results")?;
        skip_diagnostics(r)?;
    }
    Ok(())
}

/// `subscriptionId u32 | monitoredItemIds u32[]`
pub fn delete_items(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    subscription(r, to)?;
    item_ids(r, to)
}

/// CreateSubscription: `publishingInterval f64 | lifetimeCount u32 | maxKeepAliveCount u32 | maxNotifications u32
/// | publishingEnabled u8 | priority u8`; ModifySubscription: the same with `subscriptionId u32` before, without
/// `publishingEnabled`.
pub fn create(r: &mut Reader<'_>, id: u32, to: &mut Into<'_>) -> Read<()> {
    if id == ids::ModifySubscription {
        subscription(r, to)?;
    }
    let interval = r.f64()?;
    to.call.say_number("publishing_ms", interval, to.limits);
    r.take(12, "subscription parameters")?;
    if id == ids::CreateSubscription && r.u8()? == 0 {
        to.call.say("", b"disabled", to.limits);
    }
    r.u8()?;
    Ok(())
}

/// `subscriptionId u32` (CreateSubscription only) `| revisedPublishingInterval f64 | u32 | u32`
pub fn created(r: &mut Reader<'_>, id: u32, to: &mut Into<'_>) -> Read<()> {
    if id == ids::CreateSubscription {
        subscription(r, to)?;
    }
    r.take(16, "revised parameters")?;
    Ok(())
}

/// `publishingEnabled u8 | subscriptionIds u32[]`
pub fn set_publishing(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    let enabled = r.u8()? != 0;
    to.call.say("", if enabled { b"enabled" } else { b"disabled" }, to.limits);
    list(r, to)
}

/// `subscriptionIds u32[]`, an item each.
pub fn list(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(4, "subscription ids")? {
        let id = r.u32()?;
        let (value, ()) = to.call.items.write(to.limits, |out| {
            out.str("subscription:");
            out.unsigned(u64::from(id));
        });
        to.call.items.push(Item { value, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `subscriptionIds u32[] | sendInitialValues u8`
pub fn transfer(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    list(r, to)?;
    r.u8()?;
    Ok(())
}

/// `results[] | diagnosticInfos[]`, each `statusCode | availableSequenceNumbers u32[]`
pub fn transferred(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(8, "results")? {
        let status = r.u32()?;
        skip_array(r, 4, "sequence numbers")?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
        }
    }
    skip_diagnostics(r)
}

/// `subscriptionAcknowledgements[]`, each `subscriptionId u32 | sequenceNumber u32`
pub fn acknowledge(r: &mut Reader<'_>) -> Read<()> {
    skip_array(r, 8, "acknowledgements")
}

/// `subscriptionId u32 | retransmitSequenceNumber u32`
pub fn republish(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    to.call.subscription = r.u32()?;
    r.u32()?;
    Ok(())
}

/// `subscriptionId u32 | availableSequenceNumbers u32[] | moreNotifications u8 | notificationMessage
/// | results StatusCode[] | diagnosticInfos[]`
pub fn published(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    to.call.subscription = r.u32()?;
    skip_array(r, 4, "sequence numbers")?;
    r.u8()?;
    notification(r, to)?;
    // The results belong to the acknowledgements of the request, not to the items.
    skip_array(r, 4, "results")?;
    skip_diagnostics(r)
}

/// NotificationMessage (Part 4 §7.26): `sequenceNumber u32 | publishTime | notificationData ExtensionObject[]`
pub fn notification(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    let sequence = r.u32()?;
    r.i64()?;
    to.call.say_number("subscription", f64::from(to.call.subscription), to.limits);
    to.call.say_number("sequence", f64::from(sequence), to.limits);
    for _ in 0..r.count(3, "notifications")? {
        let (kind, body) = extension_object(r)?;
        let mut inner = Reader::new(body, r.levels());
        match kind.standard() {
            DATA_CHANGE => data_change(&mut inner, r.at() - body.len(), to)?,
            EVENTS => events(&mut inner, to)?,
            STATUS_CHANGE => status_change(&mut inner, to)?,
            _ => {}
        }
    }
    Ok(())
}

/// The node that a client handle stands for, `handle:103` when its creation was not seen.
#[inline]
fn named(to: &mut Into<'_>, handle: u32) -> Span {
    let known = to.monitored.node((to.call.subscription, handle));
    remembered(&mut to.call.items, known, "handle:", handle, to.limits)
}

/// A remembered node id is longer than the number that stands for it: beyond the limit `items` it is not
/// written, or a small message could fill the memory.
#[inline]
fn remembered(items: &mut Items, known: Option<&str>, kind: &str, number: u32, limits: &Limits) -> Span {
    if items.full(limits) {
        return Span::default();
    }
    let write = |out: &mut crate::opcua::text::Out<'_>| match known {
        Some(node) => out.str(node),
        None => {
            out.str(kind);
            out.unsigned(u64::from(number));
        }
    };
    items.write(limits, write).0
}

/// DataChangeNotification (Part 4 §7.25.2): `monitoredItems[] | diagnosticInfos[]`, each `clientHandle u32
/// | value DataValue`. `base`: where they begin in the message's body.
fn data_change(r: &mut Reader<'_>, base: usize, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(5, "monitored items")? {
        let handle = r.u32()?;
        let node = named(to, handle);
        note(&mut to.call.blobs, r, base, node, None);
        let (value, data) = to.call.items.write(to.limits, |out| data_value(r, out));
        let data = data?;
        let (number, status, source_time) = (data.number, data.status, data.source_time);
        let (attribute, answered) = (VALUE, true);
        let item = Item { node, attribute, value, number, status, source_time, handle, answered, ..Item::default() };
        to.call.items.push(item, to.limits);
    }
    skip_diagnostics(r)
}

/// EventNotificationList (Part 4 §7.25.3): `events[]`, each `clientHandle u32 | eventFields Variant[]`
fn events(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(8, "events")? {
        let handle = r.u32()?;
        let node = named(to, handle);
        let (value, read) = to.call.items.write(to.limits, |out| arguments(r, out));
        read?;
        to.call.items.push(Item { node, attribute: EVENT_NOTIFIER, value, handle, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// StatusChangeNotification (Part 4 §7.25.4): `status StatusCode | diagnosticInfo`
fn status_change(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    let status = r.u32()?;
    skip_diagnostic(r)?;
    let (value, ()) = to.call.items.write(to.limits, |out| out.str("subscription status"));
    to.call.items.push(Item { value, status, ..Item::default() }, to.limits);
    Ok(())
}
