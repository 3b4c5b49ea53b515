//! MQTT's tables: control packets, properties and reason codes. Numbers and names only.

/// CONNECT.
pub const CONNECT: u8 = 1;
/// CONNACK.
pub const CONNACK: u8 = 2;
/// PUBLISH.
pub const PUBLISH: u8 = 3;
/// PUBACK.
pub const PUBACK: u8 = 4;
/// PUBREC.
pub const PUBREC: u8 = 5;
/// PUBREL.
pub const PUBREL: u8 = 6;
/// PUBCOMP.
pub const PUBCOMP: u8 = 7;
/// SUBSCRIBE.
pub const SUBSCRIBE: u8 = 8;
/// SUBACK.
pub const SUBACK: u8 = 9;
/// UNSUBSCRIBE.
pub const UNSUBSCRIBE: u8 = 10;
/// UNSUBACK.
pub const UNSUBACK: u8 = 11;
/// PINGREQ.
pub const PINGREQ: u8 = 12;
/// PINGRESP.
pub const PINGRESP: u8 = 13;
/// DISCONNECT.
pub const DISCONNECT: u8 = 14;
/// AUTH.
pub const AUTH: u8 = 15;

/// A control packet type (MQTT 5, table 2-1).
#[derive(Debug)]
pub struct Packet {
    /// The standard's name.
    pub name: &'static str,
    /// The name of the operation in behaviours.
    pub operation: &'static str,
    /// The flags that the standard demands (table 2-2); PUBLISH uses its own.
    pub flags: u8,
    /// Whether a client may send it.
    pub client: bool,
    /// Whether a server may send it.
    pub server: bool,
    /// Smallest remaining length in any version.
    pub least: u32,
}

const fn packet(
    name: &'static str,
    operation: &'static str,
    flags: u8,
    client: bool,
    server: bool,
    least: u32,
) -> Packet {
    Packet { name, operation, flags, client, server, least }
}

/// The control packets by type; type 0 is reserved.
pub static PACKETS: [Packet; 16] = [
    packet("RESERVED", "reserved", 0, false, false, 0),
    packet("CONNECT", "connect", 0, true, false, 12),
    packet("CONNACK", "connack", 0, false, true, 2),
    packet("PUBLISH", "publish", 0, true, true, 2),
    packet("PUBACK", "puback", 0, true, true, 2),
    packet("PUBREC", "pubrec", 0, true, true, 2),
    packet("PUBREL", "pubrel", 2, true, true, 2),
    packet("PUBCOMP", "pubcomp", 0, true, true, 2),
    packet("SUBSCRIBE", "subscribe", 2, true, false, 6),
    packet("SUBACK", "suback", 0, false, true, 3),
    packet("UNSUBSCRIBE", "unsubscribe", 2, true, false, 5),
    packet("UNSUBACK", "unsuback", 0, false, true, 2),
    packet("PINGREQ", "pingreq", 0, true, false, 0),
    packet("PINGRESP", "pingresp", 0, false, true, 0),
    packet("DISCONNECT", "disconnect", 0, true, true, 0),
    packet("AUTH", "auth", 0, true, true, 0),
];

/// The packet of a type (the low four bits count).
#[must_use]
pub fn of(kind: u8) -> &'static Packet {
    let [reserved, ..] = &PACKETS;
    PACKETS.get(usize::from(kind & 15)).unwrap_or(reserved)
}

/// How a property's value is written (MQTT 5, 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One byte.
    Byte,
    /// Two bytes.
    Two,
    /// Four bytes.
    Four,
    /// Variable byte integer.
    Varint,
    /// UTF-8 string.
    Text,
    /// Binary data.
    Binary,
    /// Two UTF-8 strings.
    Pair,
}

/// A property (MQTT 5, table 2-4).
#[derive(Debug)]
pub struct Property {
    /// Identifier.
    pub id: u8,
    /// Name.
    pub name: &'static str,
    /// Layout of its value.
    pub shape: Shape,
    /// Packets that may carry it: bit n for type n, bit 0 for the will.
    pub packets: u16,
}

/// The bit of the will's properties in [`Property::packets`].
pub const WILL: u8 = 0;
/// Topic Alias.
pub const TOPIC_ALIAS: u8 = 0x23;
/// Assigned Client Identifier.
pub const ASSIGNED_CLIENT_ID: u8 = 0x12;
/// Authentication Data: a secret.
pub const AUTHENTICATION_DATA: u8 = 0x16;

const W: u16 = 1 << WILL;
const PUB: u16 = 1 << PUBLISH;
const CON: u16 = 1 << CONNECT;
const ACK: u16 = 1 << CONNACK;
const DIS: u16 = 1 << DISCONNECT;
const AUT: u16 = 1 << AUTH;
const SUB: u16 = 1 << SUBSCRIBE;
const ANSWERS: u16 = 1 << PUBACK | 1 << PUBREC | 1 << PUBREL | 1 << PUBCOMP | 1 << SUBACK | 1 << UNSUBACK;

macro_rules! properties {
    ($($id:literal $name:literal $shape:ident $packets:expr;)*) => {
        /// The properties, by identifier.
        pub static PROPERTIES: &[Property] =
            &[$(Property { id: $id, name: $name, shape: Shape::$shape, packets: $packets },)*];

        /// The property of an identifier.
        #[must_use]
        pub fn property(id: u8) -> Option<&'static Property> {
            const TABLE: [u8; 256] = {
                let mut table = [u8::MAX; 256];
                let ids = [$($id),*];
                let mut at = 0;
                while at < ids.len() {
                    table[ids[at] as usize] = at as u8;
                    at += 1;
                }
                table
            };
            PROPERTIES.get(usize::from(*TABLE.get(usize::from(id))?))
        }
    };
}

properties! {
    0x01 "payload_format_indicator" Byte PUB | W;
    0x02 "message_expiry_interval" Four PUB | W;
    0x03 "content_type" Text PUB | W;
    0x08 "response_topic" Text PUB | W;
    0x09 "correlation_data" Binary PUB | W;
    0x0B "subscription_identifier" Varint PUB | SUB;
    0x11 "session_expiry_interval" Four CON | ACK | DIS;
    0x12 "assigned_client_identifier" Text ACK;
    0x13 "server_keep_alive" Two ACK;
    0x15 "authentication_method" Text CON | ACK | AUT;
    0x16 "authentication_data" Binary CON | ACK | AUT;
    0x17 "request_problem_information" Byte CON;
    0x18 "will_delay_interval" Four W;
    0x19 "request_response_information" Byte CON;
    0x1A "response_information" Text ACK;
    0x1C "server_reference" Text ACK | DIS;
    0x1F "reason_string" Text ACK | ANSWERS | DIS | AUT;
    0x21 "receive_maximum" Two CON | ACK;
    0x22 "topic_alias_maximum" Two CON | ACK;
    0x23 "topic_alias" Two PUB;
    0x24 "maximum_qos" Byte ACK;
    0x25 "retain_available" Byte ACK;
    0x26 "user_property" Pair CON | ACK | PUB | W | ANSWERS | SUB | 1 << UNSUBSCRIBE | DIS | AUT;
    0x27 "maximum_packet_size" Four CON | ACK;
    0x28 "wildcard_subscription_available" Byte ACK;
    0x29 "subscription_identifier_available" Byte ACK;
    0x2A "shared_subscription_available" Byte ACK;
}

/// Reason codes (MQTT 5, table 2-6): code, name, packets that may carry it.
pub static REASONS: &[(u8, &str, u16)] = &[
    (0x00, "success", ACK | ANSWERS | DIS | AUT),
    (0x01, "granted_qos_1", 1 << SUBACK),
    (0x02, "granted_qos_2", 1 << SUBACK),
    (0x04, "disconnect_with_will_message", DIS),
    (0x10, "no_matching_subscribers", 1 << PUBACK | 1 << PUBREC),
    (0x11, "no_subscription_existed", 1 << UNSUBACK),
    (0x18, "continue_authentication", AUT),
    (0x19, "re_authenticate", AUT),
    (0x80, "unspecified_error", ACK | ANSWERS | DIS),
    (0x81, "malformed_packet", ACK | DIS),
    (0x82, "protocol_error", ACK | DIS),
    (0x83, "implementation_specific_error", ACK | ANSWERS | DIS),
    (0x84, "unsupported_protocol_version", ACK),
    (0x85, "client_identifier_not_valid", ACK),
    (0x86, "bad_user_name_or_password", ACK),
    (0x87, "not_authorized", ACK | ANSWERS | DIS),
    (0x88, "server_unavailable", ACK),
    (0x89, "server_busy", ACK | DIS),
    (0x8A, "banned", ACK),
    (0x8B, "server_shutting_down", DIS),
    (0x8C, "bad_authentication_method", ACK | DIS),
    (0x8D, "keep_alive_timeout", DIS),
    (0x8E, "session_taken_over", DIS),
    (0x8F, "topic_filter_invalid", 1 << SUBACK | 1 << UNSUBACK | DIS),
    (0x90, "topic_name_invalid", ACK | 1 << PUBACK | 1 << PUBREC | DIS),
    (0x91, "packet_identifier_in_use", ANSWERS),
    (0x92, "packet_identifier_not_found", 1 << PUBREL | 1 << PUBCOMP),
    (0x93, "receive_maximum_exceeded", DIS),
    (0x94, "topic_alias_invalid", DIS),
    (0x95, "packet_too_large", ACK | DIS),
    (0x96, "message_rate_too_high", DIS),
    (0x97, "quota_exceeded", ACK | 1 << PUBACK | 1 << PUBREC | 1 << SUBACK | DIS),
    (0x98, "administrative_action", DIS),
    (0x99, "payload_format_invalid", ACK | 1 << PUBACK | 1 << PUBREC | DIS),
    (0x9A, "retain_not_supported", ACK | DIS),
    (0x9B, "qos_not_supported", ACK | DIS),
    (0x9C, "use_another_server", ACK | DIS),
    (0x9D, "server_moved", ACK | DIS),
    (0x9E, "shared_subscriptions_not_supported", 1 << SUBACK | DIS),
    (0x9F, "connection_rate_exceeded", ACK | DIS),
    (0xA0, "maximum_connect_time", DIS),
    (0xA1, "subscription_identifiers_not_supported", 1 << SUBACK | DIS),
    (0xA2, "wildcard_subscriptions_not_supported", 1 << SUBACK | DIS),
];

/// Return codes of CONNACK before MQTT 5 (MQTT 3.1.1, table 3.1).
static RETURNS: [&str; 6] = [
    "success",
    "unsupported_protocol_version",
    "client_identifier_not_valid",
    "server_unavailable",
    "bad_user_name_or_password",
    "not_authorized",
];

/// Name of a reason code in a packet; `None`: the standard does not allow it there. Before MQTT 5
/// only CONNACK and SUBACK have codes, and CONNACK's are numbers of their own.
#[must_use]
pub fn reason(kind: u8, code: u8, version: u8) -> Option<&'static str> {
    if kind == CONNACK && version < 5 {
        return RETURNS.get(usize::from(code)).copied();
    }
    let found = REASONS.binary_search_by_key(&code, |r| r.0).ok().and_then(|at| REASONS.get(at));
    found.filter(|r| r.2 & (1 << (kind & 15)) != 0).map(|r| r.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_found() {
        assert!(REASONS.windows(2).all(|w| w[0].0 < w[1].0));
        assert!(PROPERTIES.windows(2).all(|w| w[0].id < w[1].id));
        for p in PROPERTIES {
            assert_eq!(property(p.id).map(|q| q.name), Some(p.name));
        }
        assert_eq!(PROPERTIES.len(), 27);
        assert_eq!(REASONS.len(), 43);
        assert!((0..=255).filter(|&id| property(id).is_some()).count() == 27);
    }

    #[test]
    fn a_reason_belongs_to_its_packets() {
        assert_eq!(reason(CONNACK, 5, 4), Some("not_authorized"));
        assert_eq!(reason(CONNACK, 6, 4), None);
        assert_eq!(reason(CONNACK, 0x87, 5), Some("not_authorized"));
        assert_eq!(reason(PUBACK, 0x8E, 5), None);
        assert_eq!(reason(SUBACK, 2, 4), Some("granted_qos_2"));
        assert_eq!(of(0x3F).name, "AUTH");
    }
}
