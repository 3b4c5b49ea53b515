//! The `mqtt` table.

use crate::columns::{Bytes, Flag, Frames, Name, Num, Opt, Text, Texts};

crate::table! {
    /// One row a control packet.
    MqttRows / MqttRow "mqtt" flow {
        /// Packet that completed it.
        frame: Frames,
        /// Control packet type, 1 to 15.
        packet_type: Num<u8>,
        /// Its name.
        packet: Name,
        /// Protocol level: 3, 4 or 5; 0: not known (session picked up in the middle).
        version: Num<u8>,
        /// Client identifier of the session; empty: not known.
        client_id: Name,
        /// Whether a user name was seen in CONNECT.
        username_seen: Flag,
        /// Whether a password was seen in CONNECT.
        password_seen: Flag,
        /// Topic of PUBLISH (aliases resolved), will topic of CONNECT.
        topic: Name,
        /// Quality of service.
        qos: Num<u8>,
        /// Retain flag.
        retain: Flag,
        /// Duplicate flag.
        dup: Flag,
        /// Packet identifier; 0: none.
        packet_id: Num<u16>,
        /// Bytes of the payload.
        payload_size: Num<u64>,
        /// SHA-256 of the whole payload, hexadecimal; empty: no payload.
        payload_sha256: Text,
        /// The payload's start, up to the limit `payload_bytes`.
        payload: Bytes,
        /// Whether `payload` is cut.
        payload_cut: Flag,
        /// Reason or return code; absent: none.
        reason_code: Opt<u8>,
        /// Topic filters of SUBSCRIBE and UNSUBSCRIBE.
        filters: Texts,
    }
}
