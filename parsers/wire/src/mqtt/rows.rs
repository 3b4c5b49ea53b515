//! The `mqtt` table.

use crate::columns::{Bytes, Flag, Frames, Name, Num, Opt, Text, Texts};

crate::table! {
    /// One row a control packet.
    MqttRows / MqttRow "mqtt" flow {
        /// Packet that completed it.
        frame: Frames,
        /// Control packet type, 1 to 15; 0: the reserved type was seen.
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
        /// Keep alive of CONNECT, seconds.
        keep_alive: Num<u16>,
        /// Clean session (clean start) of CONNECT; session present of CONNACK.
        session_flag: Flag,
        /// Topic of PUBLISH (aliases resolved), will topic of CONNECT.
        topic: Name,
        /// Quality of service of PUBLISH, of the will of CONNECT, the largest asked for by SUBSCRIBE.
        qos: Num<u8>,
        /// Retain flag of PUBLISH or of the will.
        retain: Flag,
        /// Duplicate flag.
        dup: Flag,
        /// Packet identifier; 0: none.
        packet_id: Num<u16>,
        /// Bytes of the payload (of the will's in CONNECT).
        payload_size: Num<u64>,
        /// SHA-256 of the whole payload, hexadecimal; empty: no payload, or part of it was not captured.
        payload_sha256: Text,
        /// The payload's start, up to the limit `payload_bytes`.
        payload: Bytes,
        /// Whether `payload` is cut.
        payload_cut: Flag,
        /// Reason or return code (of several the first refusal); absent: none.
        reason_code: Opt<u8>,
        /// Its name; empty: none, or not of the standard.
        reason: Name,
        /// Topic filters of SUBSCRIBE and UNSUBSCRIBE.
        filters: Texts,
        /// MQTT 5 properties as `name=value`; of user properties, authentication and correlation data only
        /// what is no secret.
        properties: Texts,
    }
}
