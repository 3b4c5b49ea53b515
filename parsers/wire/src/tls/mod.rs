//! TLS 1.0 to 1.3 and SSL over TCP: handshakes are read, encrypted records are passed over by their headers.

mod certificate;
mod codes;
mod dtls;
mod fingerprint;
mod hello;
mod record;
pub mod rows;
mod shake;
mod sslv2;

use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Nanos, Probe, Step};
use codes::content;
pub use dtls::{Dtls, probe_datagram};
use record::{Found, HEADER, Header, Messages};
use shake::Shake;

/// Bytes of a handshake record that tell a hello in clear from an encrypted message.
const HELLO: usize = 6;

/// Whether the first bytes of a direction are TLS, and whose.
#[must_use]
pub fn probe(bytes: &[u8], _from: u16, _to: u16) -> Probe {
    if sslv2::client_hello(bytes).is_some() {
        return Probe::Client;
    }
    let mut rest = bytes;
    let mut hello = [0; HELLO];
    let mut known = 0;
    // A hello may be cut into records of a byte each.
    while known < HELLO {
        let Some(header) = Header::read(rest) else { return short(rest) };
        let whole = rest.get(HEADER + header.length..);
        if !header.starts() || whole.and_then(Header::read).is_some_and(|next| !next.plausible()) {
            return Probe::No;
        }
        if header.kind != content::HANDSHAKE {
            return Probe::Either;
        }
        let fragment = rest.iter().skip(HEADER).take(header.length);
        for (to, from) in hello.iter_mut().skip(known).zip(fragment) {
            *to = *from;
            known += 1;
        }
        match whole {
            Some(next) => rest = next,
            None if known < HELLO => return Probe::Unsure,
            None => {}
        }
    }
    match record::hello(&hello) {
        Some(codes::handshake::CLIENT_HELLO) => Probe::Client,
        Some(_) => Probe::Server,
        None => Probe::Either,
    }
}

/// Whether fewer bytes than a header can be the start of one.
fn short(bytes: &[u8]) -> Probe {
    let mut filled = [content::HANDSHAKE, 3, 1, 0, 64];
    filled.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    // A change of cipher has a length of its own.
    if bytes.first() == Some(&content::CHANGE_CIPHER_SPEC) && bytes.len() < HEADER {
        filled[4] = 1;
    }
    if Header::read(&filled).is_some_and(Header::starts) { Probe::Unsure } else { Probe::No }
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Side {
    /// Bytes of the current record's body still to come.
    left: usize,
    /// Whether that body is handshake messages in clear.
    clear: bool,
    /// Whether this side turned to encryption.
    opaque: bool,
    messages: Messages,
    /// While a record's header is sought: the bytes passed over.
    seeking: Option<u64>,
    /// The last header was found by seeking, so many bytes on, and no header behind it confirmed it yet.
    doubt: Option<u64>,
    /// Something of this side was seen, or missed.
    begun: bool,
    /// Bytes of this side are missing.
    gap: bool,
}

/// The dissector of one connection.
#[derive(Debug)]
pub struct Tls {
    sides: [Side; 2],
    shake: Shake,
    /// A record was seen, or a hole: the flow is this protocol's from now on.
    started: bool,
    /// The connection speaks SSL 2.0, whose records have no type: nothing behind its hellos can be read.
    old: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

impl Tls {
    /// A dissector for one connection.
    #[must_use]
    pub fn new() -> Self {
        Self { sides: [Side::default(), Side::default()], shake: Shake::new("tls"), started: false, old: false }
    }

    /// The start of a record.
    fn header(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        if let Some(step) = self.old_hello(cx, dir, bytes) {
            return step;
        }
        let Some(header) = Header::read(bytes) else {
            return if self.started || could_start(bytes) { Step::Need(HEADER) } else { Step::NotMine };
        };
        if !header.plausible() {
            return self.lost(cx, dir, header);
        }
        let fragment = bytes.get(HEADER..).unwrap_or_default();
        let peek = match header.kind {
            content::HANDSHAKE => HELLO,
            content::ALERT | content::CHANGE_CIPHER_SPEC => 2,
            content::HEARTBEAT => 3,
            _ => 0,
        };
        if fragment.len() < peek.min(header.length) {
            return Step::Need(HEADER + peek.min(header.length));
        }
        self.started = true;
        self.sides[dir.index()].begun = true;
        self.confirm(cx, dir);
        self.begin(cx, dir, header, fragment);
        Step::Took(HEADER)
    }

    /// A record begins: what its type and first bytes mean for the connection.
    fn begin(&mut self, cx: &mut Cx<'_>, dir: Dir, header: Header, fragment: &[u8]) {
        let side = &mut self.sides[dir.index()];
        side.left = header.length;
        side.clear = false;
        match header.kind {
            content::HANDSHAKE => {
                if (side.opaque || side.gap) && record::hello(fragment).is_some() {
                    // In clear again: after a HelloRetryRequest, or a connection that reuses the ports.
                    side.opaque = false;
                    side.messages.clear();
                }
                side.clear = !side.opaque;
            }
            content::CHANGE_CIPHER_SPEC => {
                if header.length != 1 || fragment.first() != Some(&1) {
                    let detail =
                        format!("change cipher spec of {} bytes, the first {:?}", header.length, fragment.first());
                    cx.anomaly("tls", Kind::Malformed, &detail);
                }
                self.encrypted_from(cx, dir);
            }
            content::ALERT => self.alert(cx, dir, header, fragment),
            content::APPLICATION_DATA => self.encrypted_from(cx, dir),
            _ => self.heartbeat(cx, dir, header, fragment),
        }
    }

    fn encrypted_from(&mut self, cx: &mut Cx<'_>, dir: Dir) {
        let side = &mut self.sides[dir.index()];
        side.opaque = true;
        side.messages.clear();
        self.shake.encrypted_from(cx, dir);
    }

    /// An alert (RFC 8446 section 6): level and description, two bytes, in clear only before ChangeCipherSpec.
    fn alert(&mut self, cx: &mut Cx<'_>, dir: Dir, header: Header, fragment: &[u8]) {
        let opaque = self.sides[dir.index()].opaque;
        match (fragment, header.length) {
            (&[level @ 1..=2, ..], 2) if !opaque => self.shake.alert(cx, level == 2),
            (_, 2) if !opaque => cx.anomaly("tls", Kind::Malformed, "alert: byte 0: a level that is neither 1 nor 2"),
            (_, 0..16) if !opaque => {
                cx.anomaly("tls", Kind::Malformed, &format!("alert of {} bytes", header.length));
            }
            _ => {}
        }
    }

    /// A heartbeat in clear (RFC 6520 section 4): type, payload length, payload and at least 16 bytes of padding.
    /// A payload length beyond the message asks for memory of the other side (CVE-2014-0160).
    fn heartbeat(&mut self, cx: &mut Cx<'_>, dir: Dir, header: Header, fragment: &[u8]) {
        let opaque = self.sides[dir.index()].opaque;
        let Some(&[kind @ 1..=2, high, low]) = fragment.first_chunk().filter(|_| !opaque) else { return };
        let payload = usize::from(u16::from_be_bytes([high, low]));
        if 1 + 2 + payload + 16 > header.length {
            let detail = format!("heartbeat {kind}: a payload of {payload} bytes in a message of {}", header.length);
            cx.anomaly("tls", Kind::Malformed, &detail);
        }
    }

    /// More of the current record's body.
    fn body(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let side = &mut self.sides[dir.index()];
        let n = side.left.min(bytes.len());
        side.left -= n;
        if side.clear {
            self.messages(cx, dir, bytes.get(..n).unwrap_or_default());
        }
        Step::Took(n)
    }

    fn messages(&mut self, cx: &mut Cx<'_>, dir: Dir, mut bytes: &[u8]) {
        let Self { sides, shake, .. } = self;
        let side = &mut sides[dir.index()];
        while !bytes.is_empty() {
            let (used, found) = side.messages.push(bytes, cx.limits.message_bytes);
            bytes = bytes.get(used..).unwrap_or_default();
            match found {
                Found::More => {}
                Found::Whole => {
                    let (kind, body) = side.messages.message();
                    shake.message(cx, dir, kind, body);
                    side.messages.clear();
                }
                Found::Passed(kind) => shake.passed(dir, kind),
                Found::TooLong(length) if !side.gap => {
                    cx.anomaly("tls", Kind::MessageTooLong, &format!("a handshake message of {length} bytes"));
                }
                Found::Unknown(kind) if !side.gap => {
                    cx.anomaly("tls", Kind::UnknownCode, &format!("handshake type {kind}"));
                    side.clear = false;
                    return;
                }
                // Behind a hole this side may have turned to encryption unseen.
                Found::TooLong(_) | Found::Unknown(_) => {
                    side.messages.clear();
                    side.clear = false;
                    side.opaque = true;
                    return;
                }
            }
        }
    }

    /// No header where one must be.
    fn lost(&mut self, cx: &mut Cx<'_>, dir: Dir, header: Header) -> Step {
        if !self.started {
            return Step::NotMine;
        }
        let side = &mut self.sides[dir.index()];
        side.messages.clear();
        if side.doubt.is_none() {
            let Header { kind, version, length } = header;
            let detail = format!("record header: type {kind}, version 0x{version:04x}, length {length}");
            cx.anomaly("tls", Kind::Malformed, &detail);
        }
        side.gap = true;
        side.seeking = Some(side.doubt.take().unwrap_or(0) + 1);
        Step::Took(1)
    }

    /// Passes over bytes until a convincing header.
    fn seek(&mut self, dir: Dir, passed: u64, bytes: &[u8]) -> Option<Step> {
        let side = &mut self.sides[dir.index()];
        match record::seek(bytes) {
            Ok(0) => {
                side.seeking = None;
                side.doubt = Some(passed);
                None
            }
            Err(0) => Some(Step::Need(HEADER)),
            Ok(n) | Err(n) => {
                side.seeking = Some(passed + n as u64);
                Some(Step::Took(n))
            }
        }
    }

    /// A header followed the one that seeking found: it was one.
    fn confirm(&mut self, cx: &mut Cx<'_>, dir: Dir) {
        let side = &mut self.sides[dir.index()];
        if let Some(passed) = side.doubt.take().filter(|&n| n > 0) {
            cx.anomaly("tls", Kind::Resynchronised, &format!("{passed} bytes passed over to the next record"));
        }
    }
}

impl Dissector for Tls {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let side = &self.sides[dir.index()];
        if side.left > 0 {
            return self.body(cx, dir, bytes);
        }
        if self.old {
            return Step::Took(bytes.len());
        }
        if let Some(step) = side.seeking.and_then(|passed| self.seek(dir, passed, bytes)) {
            return step;
        }
        self.header(cx, dir, bytes)
    }

    fn gap(&mut self, _cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        self.started = true;
        self.shake.gap();
        let side = &mut self.sides[dir.index()];
        (side.begun, side.gap, side.clear) = (true, true, false);
        side.messages.clear();
        match usize::try_from(missing) {
            // The hole lies inside one record: its header says where the next one is.
            Ok(missing @ 1..) if missing <= side.left => side.left -= missing,
            _ => {
                side.left = 0;
                let passed = side.doubt.take().unwrap_or(0);
                side.seeking.get_or_insert(passed);
            }
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        let patience = cx.limits.response_seconds.saturating_mul(1_000_000_000);
        self.shake.stale(cx, now.saturating_sub_unsigned(patience));
    }

    fn waits(&self) -> bool {
        self.shake.waits()
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.shake.write(cx);
    }

    fn protocol(&self) -> &'static str {
        "tls"
    }

    fn encrypted(&self) -> bool {
        !self.shake.null_cipher
    }
}

/// Whether fewer bytes than a header can be the start of a connection.
fn could_start(bytes: &[u8]) -> bool {
    short(bytes) != Probe::No || sslv2::could_start(bytes)
}
