//! The `tls` table.

use crate::columns::{Flag, Frames, Name, Num, Text, Time};

crate::table! {
    /// One row a handshake.
    TlsRows / TlsRow "tls" flow {
        /// Packet that completed the last message read of it.
        frame: Frames,
        /// Negotiated version: `TLSv1.2`, `TLSv1.3` …; the client's offer where no answer was seen.
        version: Name,
        /// Negotiated version's number (0x0303 …).
        version_number: Num<u16>,
        /// Name of the negotiated cipher suite.
        cipher: Name,
        /// Server name indication.
        sni: Name,
        /// Application protocol chosen; where the choice is encrypted (TLS 1.3) or unseen, those offered, `,` between.
        alpn: Name,
        /// JA3 of the client hello, hexadecimal MD5.
        ja3: Name,
        /// JA4 of the client hello.
        ja4: Name,
        /// JA4S of the server hello.
        ja4s: Name,
        /// Subject of the server's certificate; empty: not visible.
        server_cert_subject: Text,
        /// Its issuer.
        issuer: Text,
        /// Start of its validity, nanoseconds since the epoch; 0: not known.
        not_before: Time,
        /// End of its validity.
        not_after: Time,
        /// Whether subject and issuer are the same.
        self_signed: Flag,
        /// SHA-256 of the server's certificate, hexadecimal.
        server_cert_sha256: Text,
        /// Its serial number, hexadecimal.
        server_cert_serial: Text,
        /// Names and addresses it is for besides its subject, `,` between.
        server_cert_names: Text,
        /// Its public key: `RSA 2048`, `EC 256`.
        server_cert_key: Name,
        /// Its signature algorithm.
        server_cert_signature: Name,
        /// Subject of the client's certificate; empty: none visible.
        client_cert_subject: Text,
        /// Whether the session was resumed.
        resumed: Flag,
    }
}
