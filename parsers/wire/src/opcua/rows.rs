//! The `opcua` table.

use crate::columns::{Frames, List, Name, Num, Opt, Text, Texts, Times};

crate::table! {
    /// One row a service call (request and response) or a transport message.
    OpcuaRows / OpcuaRow "opcua" flow {
        /// Packet that completed the request; none: not seen.
        request_frame: Frames,
        /// Packet that completed the response; none: not seen.
        response_frame: Frames,
        /// Numeric node id of the request body; 0: unseen.
        request_type_id: Num<u32>,
        /// Numeric node id of the response body; 0: unseen.
        response_type_id: Num<u32>,
        /// `HEL ACK ERR OPN CLO MSG RHE`.
        message_type: Name,
        /// Secure channel id.
        channel_id: Num<u32>,
        /// Request id.
        request_id: Num<u32>,
        /// Numeric id of the service (that of the request's body where known).
        service_id: Num<u32>,
        /// Service name.
        service: Name,
        /// Last part of the security policy URI: `None Basic256Sha256 …`.
        security_policy: Name,
        /// `none sign sign_and_encrypt`; empty: not known.
        security_mode: Name,
        /// Type of the identity token: `anonymous username certificate issued`; empty: none in this row.
        identity_token: Name,
        /// Status code of the response.
        status: Opt<u32>,
        /// Node ids of the items.
        items_node_id: Texts as "items.node_id",
        /// Attributes of the items.
        items_attribute: Texts as "items.attribute",
        /// Values of the items, as text.
        items_value: Texts as "items.value",
        /// Status codes of the items.
        items_status: List<u32> as "items.status",
        /// Source time stamps of the items; 0: none.
        items_source_time: Times as "items.source_time",
        /// Endpoint URL, application URI, error reason: what the message says in one line.
        info: Text,
        /// Microseconds from request to response.
        latency_us: Opt<u32>,
    }
}
