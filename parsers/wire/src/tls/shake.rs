//! One handshake: what its messages say, and the row that comes of it.

use super::certificate::Certificate;
use super::codes::{self, handshake};
use super::fingerprint;
use super::hello::{ClientHello, Flaw, ServerHello};
use super::rows::TlsRow;
use crate::anomaly::Kind;
use crate::behaviour::{Access, Behaviour, Key};
use crate::dissect::{Cx, Dir, Frame, Nanos};

/// What of the client's hello outlives it.
#[derive(Debug, Default)]
struct Client {
    ts: Nanos,
    version: u16,
    session_id: Vec<u8>,
    sni: String,
    alpn: String,
    ja3: String,
    ja4: String,
}

/// What of the server's hello outlives it.
#[derive(Debug, Default)]
struct Server {
    ts: Nanos,
    version: u16,
    cipher: u16,
    session_id: Vec<u8>,
    alpn: String,
    ja4s: String,
    psk: bool,
}

/// A handshake whose row is not yet written.
#[derive(Debug, Default)]
struct Open {
    ts: Nanos,
    frame: Frame,
    bytes: u64,
    client: Option<Client>,
    server: Option<Server>,
    certificate: Option<Certificate>,
    client_certificate: Option<Certificate>,
    /// The server sent more than a hello and a ticket: a full handshake.
    full: bool,
    gap: bool,
    /// The server asked for another hello.
    retry: bool,
    resumed: bool,
    failed: bool,
}

/// The handshakes of a flow, one after the other.
#[derive(Debug, Default)]
pub(super) struct Shake {
    open: Option<Open>,
    /// The last cipher suite chosen encrypts nothing (Modbus/TCP Security allows those).
    pub null_cipher: bool,
    /// `tls` over TCP, `dtls` over UDP.
    protocol: &'static str,
    flaws: Vec<Flaw>,
}

impl Shake {
    pub fn new(protocol: &'static str) -> Self {
        Self { protocol, ..Self::default() }
    }

    /// The letter by which JA4 tells the transport.
    fn transport(&self) -> char {
        if self.protocol == "dtls" { 'd' } else { 't' }
    }

    /// A whole handshake message in clear.
    pub fn message(&mut self, cx: &mut Cx<'_>, dir: Dir, kind: u8, body: &[u8]) {
        match kind {
            handshake::CLIENT_HELLO => self.client_hello(cx, body),
            handshake::SERVER_HELLO => self.server_hello(cx, body),
            handshake::CERTIFICATE => self.certificate(cx, dir, body),
            _ => {}
        }
    }

    /// A handshake message in clear that is not read began.
    pub fn passed(&mut self, dir: Dir, kind: u8) {
        let aside = matches!(kind, handshake::NEW_SESSION_TICKET | handshake::HELLO_RETRY_REQUEST);
        if let Some(open) = self.open.as_mut().filter(|o| dir == Dir::ToClient && o.server.is_some() && !aside) {
            open.full = true;
        }
    }

    /// The hello of a client. After a HelloRetryRequest it comes once more and belongs to the same handshake.
    fn client_hello(&mut self, cx: &mut Cx<'_>, body: &[u8]) {
        let read = if self.protocol == "dtls" { ClientHello::read_datagram } else { ClientHello::read };
        let hello = match read(body, &mut self.flaws) {
            Ok(hello) => hello,
            Err(flaw) => return malformed(cx, self.protocol, "client hello", &flaw),
        };
        self.report(cx, "client hello");
        let client = Client {
            ts: cx.ts,
            version: hello.newest(),
            sni: cut(hello.sni.clone().unwrap_or_default(), cx.limits.text_bytes),
            alpn: cut(offered(&hello), cx.limits.text_bytes),
            ja3: fingerprint::ja3(&hello),
            ja4: fingerprint::ja4(&hello, self.transport()),
            session_id: hello.session_id,
        };
        self.offer(cx, client, body.len());
    }

    /// An SSL 2.0 hello: it offers a version, and has no fields that fingerprints are made of.
    pub fn old_client_hello(&mut self, cx: &mut Cx<'_>, version: u16, length: usize) {
        self.offer(cx, Client { ts: cx.ts, version, ..Client::default() }, length);
    }

    fn offer(&mut self, cx: &mut Cx<'_>, client: Client, length: usize) {
        if self.open.as_ref().is_some_and(|o| !o.retry && (o.client.is_some() || o.server.is_some())) {
            self.write(cx);
        }
        let open = self.touch(cx, length);
        open.retry = false;
        open.client.get_or_insert(client);
    }

    fn server_hello(&mut self, cx: &mut Cx<'_>, body: &[u8]) {
        let hello = match ServerHello::read(body, &mut self.flaws) {
            Ok(hello) => hello,
            Err(flaw) => return malformed(cx, self.protocol, "server hello", &flaw),
        };
        self.report(cx, "server hello");
        if hello.retry {
            self.retry(cx, body.len());
            return;
        }
        let server = Server {
            ts: cx.ts,
            version: hello.version,
            cipher: hello.cipher,
            alpn: cut(hello.alpn.as_deref().map(text).unwrap_or_default(), cx.limits.text_bytes),
            ja4s: fingerprint::ja4s(&hello, self.transport()),
            psk: hello.psk,
            session_id: hello.session_id,
        };
        self.choose(cx, server, body.len());
    }

    /// The server asks for another hello: the next one belongs to this handshake.
    pub fn retry(&mut self, cx: &mut Cx<'_>, length: usize) {
        self.touch(cx, length).retry = true;
    }

    /// An SSL 2.0 server's hello and certificate; its cipher suites have three bytes and no name here.
    pub fn old_server_hello(&mut self, cx: &mut Cx<'_>, certificate: &[u8], length: usize) {
        self.choose(cx, Server { ts: cx.ts, version: codes::SSL2, ..Server::default() }, length);
        if !certificate.is_empty() {
            self.leaf(cx, Dir::ToClient, certificate);
        }
        self.write(cx);
    }

    fn choose(&mut self, cx: &mut Cx<'_>, server: Server, length: usize) {
        if self.open.as_ref().is_some_and(|o| o.server.is_some()) {
            self.write(cx);
        }
        self.null_cipher = encrypts_nothing(server.cipher) && server.version != codes::SSL2;
        let complete = codes::is_13(server.version);
        self.touch(cx, length).server = Some(server);
        // All that follows in TLS 1.3 is encrypted: nothing more of this handshake can be read.
        if complete {
            self.write(cx);
        }
    }

    /// Certificate (RFC 5246 section 7.4.2): a list of certificates, the sender's own first.
    fn certificate(&mut self, cx: &mut Cx<'_>, dir: Dir, body: &[u8]) {
        let Ok((_, tls_parser::TlsMessageHandshake::Certificate(list))) =
            tls_parser::parse_tls_handshake_msg_certificate(body)
        else {
            let flaw = Flaw { offset: 0, reason: "a length does not fit the message" };
            return malformed(cx, self.protocol, "certificate list", &flaw);
        };
        self.touch(cx, body.len()).full = true;
        if let Some(leaf) = list.cert_chain.first() {
            self.leaf(cx, dir, leaf.data);
        }
    }

    fn leaf(&mut self, cx: &mut Cx<'_>, dir: Dir, der: &[u8]) {
        let certificate = match Certificate::read(der, cx.limits.text_bytes) {
            Ok(certificate) => certificate,
            Err(reason) => return cx.anomaly(self.protocol, Kind::Malformed, &format!("certificate: {reason}")),
        };
        let open = self.open.get_or_insert_default();
        let place = if dir == Dir::ToClient { &mut open.certificate } else { &mut open.client_certificate };
        place.get_or_insert(certificate);
    }

    /// A side turned to encryption: nothing more of the handshake comes in clear from it.
    pub fn encrypted_from(&mut self, cx: &mut Cx<'_>, dir: Dir) {
        let Some(open) = self.open.as_mut() else { return };
        let Some(server) = &open.server else {
            // Early data and the compatibility ChangeCipherSpec of TLS 1.3 come before the server's hello.
            return;
        };
        // RFC 5077 section 3.4: a server that resumes goes from its hello straight to ChangeCipherSpec.
        let same = |c: &Client| !c.session_id.is_empty() && c.session_id == server.session_id;
        open.resumed = !open.full && (open.client.as_ref().is_some_and(same) || (dir == Dir::ToClient && !open.gap));
        self.write(cx);
    }

    /// An alert in clear. A fatal one ends the handshake.
    pub fn alert(&mut self, cx: &mut Cx<'_>, fatal: bool) {
        if let Some(open) = self.open.as_mut().filter(|_| fatal) {
            open.failed = true;
            self.write(cx);
        }
    }

    /// Bytes of the server's flight may be missing.
    pub fn gap(&mut self) {
        if let Some(open) = &mut self.open {
            open.gap = true;
        }
    }

    /// Writes the handshake that nobody went on with since `before`.
    pub fn stale(&mut self, cx: &mut Cx<'_>, before: Nanos) {
        if self.open.as_ref().is_some_and(|o| o.ts <= before) {
            self.write(cx);
        }
    }

    /// Whether a handshake is open.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.open.is_some()
    }

    /// The open handshake, with this packet as the last one read of it.
    fn touch(&mut self, cx: &Cx<'_>, length: usize) -> &mut Open {
        let open = self.open.get_or_insert_default();
        (open.ts, open.frame) = (cx.ts, cx.frame);
        open.bytes += length as u64;
        open
    }

    /// Notes what was odd in a message that could be read.
    fn report(&mut self, cx: &mut Cx<'_>, message: &str) {
        for flaw in self.flaws.drain(..) {
            malformed(cx, self.protocol, message, &flaw);
        }
    }

    /// Writes the row and counts the behaviour.
    pub fn write(&mut self, cx: &mut Cx<'_>) {
        let Some(open) = self.open.take() else { return };
        let client = open.client.unwrap_or_default();
        let answered = open.server.is_some();
        let server = open.server.unwrap_or_default();
        let version = if answered { server.version } else { client.version };
        let psk = codes::is_13(version) && server.psk;
        let (number, suite) = (Hex::new(version), Hex::new(server.cipher));
        let mine = open.certificate.unwrap_or_default();
        cx.rows.tls.push(TlsRow {
            ts: open.ts,
            flow: cx.flow,
            borrow: std::marker::PhantomData,
            frame: open.frame,
            version: number.or(codes::version(version)),
            version_number: version,
            cipher: if answered && version != codes::SSL2 { suite.or(cipher(server.cipher)) } else { "" },
            sni: &client.sni,
            alpn: if server.alpn.is_empty() { &client.alpn } else { &server.alpn },
            ja3: &client.ja3,
            ja4: &client.ja4,
            ja4s: &server.ja4s,
            server_cert_subject: &mine.subject,
            issuer: &mine.issuer,
            not_before: mine.not_before,
            not_after: mine.not_after,
            self_signed: mine.self_signed,
            server_cert_sha256: &mine.sha256,
            server_cert_serial: &mine.serial,
            server_cert_names: &mine.names,
            server_cert_key: &mine.key,
            server_cert_signature: &mine.signature,
            client_cert_subject: open.client_certificate.as_ref().map_or("", |c| &c.subject),
            resumed: open.resumed || psk,
        });
        let latency = server.ts.checked_sub(client.ts).filter(|_| answered && client.ts != 0);
        self.count(cx, (open.ts, open.frame), &client.sni, open.bytes, latency, open.failed);
    }

    /// Counts the behaviour: a handshake for this server name.
    fn count(&self, cx: &mut Cx<'_>, at: (Nanos, Frame), sni: &str, bytes: u64, latency: Option<Nanos>, error: bool) {
        let behaviour = Behaviour {
            protocol: self.protocol,
            unit: Key::None,
            operation: "handshake",
            access: Access::Session,
            object: Key::Text(sni),
            bytes,
            latency_us: latency.and_then(|ns| u32::try_from(ns / 1_000).ok()),
            error,
        };
        cx.behaviours.add(at.0, at.1, cx.ends, &behaviour, cx.limits);
    }
}

/// The name of a cipher suite in the IANA registry; empty: it has none.
fn cipher(number: u16) -> &'static str {
    tls_parser::TlsCipherSuite::from_id(number).map_or("", |suite| suite.name)
}

fn encrypts_nothing(number: u16) -> bool {
    tls_parser::TlsCipherSuite::from_id(number).is_some_and(|suite| suite.enc == tls_parser::TlsCipherEnc::Null)
}

/// What a client offers, in its order: the server's choice is encrypted in TLS 1.3.
fn offered(hello: &ClientHello) -> String {
    let names: Vec<String> = hello.alpn.iter().filter(|a| !grease(a)).map(|a| text(a)).collect();
    names.join(",")
}

/// RFC 8701 section 3.1: clients also mix such values in among application protocols.
fn grease(alpn: &[u8]) -> bool {
    matches!(alpn, &[a, b] if codes::grease(u16::from_be_bytes([a, b])))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Cuts a text to `limit` bytes, at a character's edge.
pub(super) fn cut(mut text: String, limit: u64) -> String {
    let mut end = usize::try_from(limit).unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// A number as it is shown where it has no name.
struct Hex(String);

impl Hex {
    fn new(number: u16) -> Self {
        Self(format!("0x{number:04x}"))
    }
    fn or<'a>(&'a self, name: &'a str) -> &'a str {
        if name.is_empty() { &self.0 } else { name }
    }
}

fn malformed(cx: &mut Cx<'_>, protocol: &str, message: &str, flaw: &Flaw) {
    cx.anomaly(protocol, Kind::Malformed, &format!("{message}: byte {}: {}", flaw.offset, flaw.reason));
}
