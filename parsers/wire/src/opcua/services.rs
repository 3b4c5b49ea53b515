//! The services of Part 4 by the ids of their binary encodings (Part 6 annex A.3).

use crate::behaviour::Access;

/// A service: its name, the encoding ids of request and response, and what it does to the server.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Name without `Request`.
    pub name: &'static str,
    /// Encoding id of the request.
    pub request: u32,
    /// Encoding id of the response.
    pub response: u32,
    /// What it does to the server.
    pub access: Access,
}

/// What a type id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A request of the service.
    Request(&'static Service),
    /// A response of the service.
    Response(&'static Service),
    /// A ServiceFault: the response to a request that failed as a whole.
    Fault,
}

/// ServiceFault (Part 4 §7.34).
pub const FAULT: u32 = 397;

macro_rules! services {
    ($($name:ident $request:literal $response:literal $access:ident),* $(,)?) => {
        /// Every service, in the order of request ids.
        pub static SERVICES: &[Service] = &[$(Service {
            name: stringify!($name), request: $request, response: $response, access: Access::$access,
        }),*];
        $(#[doc = concat!("Encoding id of ", stringify!($name), "Request.")]
        #[allow(non_upper_case_globals)]
        pub const $name: u32 = $request;)*
    };
}

services! {
    TestStack 410 413 Session,
    TestStackEx 416 419 Session,
    // Discovery service set, Part 4 §5.5
    FindServers 422 425 Read,
    GetEndpoints 428 431 Read,
    RegisterServer 437 440 Session,
    // Secure channel and session service sets, §5.6, §5.7
    OpenSecureChannel 446 449 Session,
    CloseSecureChannel 452 455 Session,
    CreateSession 461 464 Session,
    ActivateSession 467 470 Session,
    CloseSession 473 476 Session,
    Cancel 479 482 Session,
    // Node management, §5.8
    AddNodes 488 491 Control,
    AddReferences 494 497 Control,
    DeleteNodes 500 503 Control,
    DeleteReferences 506 509 Control,
    // View, §5.9
    Browse 527 530 Read,
    BrowseNext 533 536 Read,
    TranslateBrowsePathsToNodeIds 554 557 Read,
    RegisterNodes 560 563 Read,
    UnregisterNodes 566 569 Read,
    // Query, §5.10
    QueryFirst 615 618 Read,
    QueryNext 621 624 Read,
    // Attributes, §5.11
    Read 631 634 Read,
    HistoryRead 664 667 Read,
    Write 673 676 Write,
    HistoryUpdate 700 703 Write,
    // Methods, §5.12
    Call 712 715 Control,
    // Monitored items, §5.13
    CreateMonitoredItems 751 754 Read,
    ModifyMonitoredItems 763 766 Read,
    SetMonitoringMode 769 772 Read,
    SetTriggering 775 778 Read,
    DeleteMonitoredItems 781 784 Read,
    // Subscriptions, §5.14
    CreateSubscription 787 790 Read,
    ModifySubscription 793 796 Read,
    SetPublishingMode 799 802 Read,
    Publish 826 829 Report,
    Republish 832 835 Report,
    TransferSubscriptions 841 844 Read,
    DeleteSubscriptions 847 850 Read,
    // Later editions
    FindServersOnNetwork 12208 12209 Read,
    RegisterServer2 12211 12212 Session,
    SessionlessInvoke 15903 21001 Session,
}

/// Ids below this have their place in a table; the few above are looked for one by one.
const DENSE: usize = 1024;

/// For each id 0, or 1 + 2 × index of the service + (1 for a response).
static PLACES: [u8; DENSE] = places();

const fn places() -> [u8; DENSE] {
    let mut table = [0_u8; DENSE];
    let mut index = 0;
    while index < SERVICES.len() {
        let service = &SERVICES[index];
        let place = 1 + 2 * index as u8;
        if (service.request as usize) < DENSE {
            table[service.request as usize] = place;
        }
        if (service.response as usize) < DENSE {
            table[service.response as usize] = place + 1;
        }
        index += 1;
    }
    table
}

/// What the encoding id of a body stands for; `None`: none of the standard's services.
#[must_use]
#[inline]
pub fn lookup(id: u32) -> Option<Side> {
    if id == FAULT {
        return Some(Side::Fault);
    }
    let at = usize::try_from(id).ok()?;
    if let Some(&place) = PLACES.get(at) {
        let index = usize::from(place.checked_sub(1)?);
        let service = SERVICES.get(index / 2)?;
        return Some(if index % 2 == 0 { Side::Request(service) } else { Side::Response(service) });
    }
    SERVICES.iter().find_map(|s| match id {
        _ if id == s.request => Some(Side::Request(s)),
        _ if id == s.response => Some(Side::Response(s)),
        _ => None,
    })
}
