//! Numbers of the TLS registries and their names.

/// Content types of records (RFC 8446 section 5.1, RFC 6520 section 3).
pub(super) mod content {
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const ALERT: u8 = 21;
    pub const HANDSHAKE: u8 = 22;
    pub const APPLICATION_DATA: u8 = 23;
    pub const HEARTBEAT: u8 = 24;
}

/// Handshake types (RFC 8446 section 4, RFC 5246 section 7.4).
pub(super) mod handshake {
    pub const CLIENT_HELLO: u8 = 1;
    pub const SERVER_HELLO: u8 = 2;
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    pub const NEW_SESSION_TICKET: u8 = 4;
    pub const HELLO_RETRY_REQUEST: u8 = 6;
    pub const CERTIFICATE: u8 = 11;

    /// Whether the IANA registry assigns the type.
    pub fn assigned(kind: u8) -> bool {
        matches!(kind, 0..=6 | 8 | 11..=17 | 20..=25 | 67 | 254)
    }
}

/// Extension types (IANA "TLS ExtensionType Values").
pub(super) mod extension {
    pub const SERVER_NAME: u16 = 0;
    pub const SUPPORTED_GROUPS: u16 = 10;
    pub const EC_POINT_FORMATS: u16 = 11;
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    pub const ALPN: u16 = 16;
    pub const PRE_SHARED_KEY: u16 = 41;
    pub const SUPPORTED_VERSIONS: u16 = 43;
}

/// SSL 2.0 as its hellos number it.
pub(super) const SSL2: u16 = 0x0002;
/// TLS 1.3.
pub(super) const TLS13: u16 = 0x0304;

/// RFC 8701: values that clients mix in so that nobody relies on knowing all of them.
pub(super) fn grease(value: u16) -> bool {
    value & 0x0F0F == 0x0A0A && value >> 8 == value & 0xFF
}

/// A version's name; empty: not known.
pub(super) fn version(number: u16) -> &'static str {
    match number {
        SSL2 => "SSLv2",
        0x0300 => "SSLv3",
        0x0301 => "TLSv1.0",
        0x0302 => "TLSv1.1",
        0x0303 => "TLSv1.2",
        TLS13 => "TLSv1.3",
        // Drafts of TLS 1.3 (RFC 8446's predecessors numbered themselves 0x7F00 + draft).
        0x7F00..=0x7F1C => "TLSv1.3-draft",
        0xFEFF | 0x0100 => "DTLSv1.0",
        0xFEFD => "DTLSv1.2",
        0xFEFC => "DTLSv1.3",
        _ => "",
    }
}

/// Whether a number is TLS 1.3, final or draft, or DTLS 1.3.
pub(super) fn is_13(number: u16) -> bool {
    matches!(number, TLS13 | 0xFEFC | 0x7F00..=0x7F1C)
}

/// How new a version is, so that the newest offered one can be chosen: DTLS counts downwards.
pub(super) fn age(number: u16) -> u16 {
    match number {
        0xFEFF => 0x0302,
        0xFEFD => 0x0303,
        0xFEFC => TLS13,
        0x7F00..=0x7F1C => 0x0303 + 1,
        SSL2 => 0x0200,
        n => n,
    }
}
