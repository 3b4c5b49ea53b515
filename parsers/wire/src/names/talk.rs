//! What a flow of a named protocol says beyond its name: a line of summary, credentials in clear, encryption.

use super::login::{Lines, Telnet};
use super::resolve;
use super::session::{self, Session};
use super::web::Web;
use crate::dissect::{Cx, Dir};

/// Bytes kept of a summary.
const INFO: usize = 256;
/// Bytes of a flow that are looked at; logins stand at its start.
const BUDGET: usize = 1 << 16;

/// What is known of a flow so far.
#[derive(Debug)]
pub(super) struct Facts {
    pub app: &'static str,
    pub info: String,
    pub credentials: &'static str,
    pub encrypted: Option<bool>,
    /// What follows is TLS.
    pub tls: bool,
    /// Nothing more is to be learned.
    pub done: bool,
}

impl Facts {
    /// Sets the summary, cut and made readable.
    pub fn tell(&mut self, text: &[u8]) {
        self.info.clear();
        self.add(text);
    }

    /// Lengthens the summary; control characters become blanks.
    pub fn add(&mut self, text: &[u8]) {
        for c in String::from_utf8_lossy(text.get(..text.len().min(INFO)).unwrap_or_default()).chars() {
            if self.info.len() + c.len_utf8() > INFO {
                return;
            }
            self.info.push(if c.is_control() { ' ' } else { c });
        }
    }

    /// The flow turns to encryption: nothing behind this is in clear.
    pub fn encrypts(&mut self) {
        self.encrypted = Some(true);
        self.done = true;
    }

    /// Both ends agreed to go on with TLS.
    pub fn turns_to_tls(&mut self) {
        self.encrypts();
        self.tls = true;
    }
}

/// The reader that a protocol has.
#[derive(Debug)]
enum Reader {
    Web(Box<Web>),
    Lines(Box<Lines>),
    Telnet(Box<Telnet>),
    Session(Session),
    Nothing,
}

/// Follows one flow of a named protocol.
#[derive(Debug)]
pub struct Talk {
    facts: Facts,
    reader: Reader,
    budget: usize,
    /// Whether each message is a name asked for.
    resolves: bool,
}

impl Talk {
    /// Starts to follow a flow of this protocol.
    #[must_use]
    pub fn new(app: &'static str) -> Self {
        let reader = match app {
            "http" | "rtsp" | "sip" | "ssdp" => Reader::Web(Box::default()),
            "ftp" | "smtp" | "pop3" | "imap" => Reader::Lines(Box::default()),
            "telnet" => Reader::Telnet(Box::default()),
            _ => session::reader(app).map_or(Reader::Nothing, Reader::Session),
        };
        let done = matches!(reader, Reader::Nothing);
        let facts = Facts { app, info: String::new(), credentials: "", encrypted: encrypted(app), tls: false, done };
        Self { facts, reader, budget: BUDGET, resolves: resolve::asks(app) }
    }

    /// Counts what each message does, where that is worth a behaviour.
    #[inline]
    pub fn count(&self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        if self.resolves {
            resolve::count(cx, self.facts.app, dir, bytes);
        }
    }

    /// Takes the next piece of the flow, in order; cheap once it is known what there is to know.
    pub fn look(&mut self, dir: Dir, bytes: &[u8]) {
        if self.facts.done || bytes.is_empty() {
            return;
        }
        match &mut self.reader {
            Reader::Web(web) => web.look(&mut self.facts, dir, bytes),
            Reader::Lines(lines) => lines.look(&mut self.facts, dir, bytes),
            Reader::Telnet(telnet) => telnet.look(&mut self.facts, dir, bytes),
            Reader::Session(session) => session.look(&mut self.facts, dir, bytes),
            Reader::Nothing => {}
        }
        // HTTP asks for credentials at any time; bodies cost it nothing.
        if !matches!(self.reader, Reader::Web(_)) {
            self.budget = self.budget.saturating_sub(bytes.len());
            self.facts.done |= self.budget == 0;
        }
        if self.facts.done {
            self.reader = Reader::Nothing;
        }
    }

    /// The summary: `GET host/path 200`, banners, the name asked for.
    #[must_use]
    pub fn info(&self) -> &str {
        &self.facts.info
    }

    /// Which credentials passed in clear, never the credentials; empty: none seen.
    #[must_use]
    pub fn credentials(&self) -> &'static str {
        self.facts.credentials
    }

    /// Whether the payload is encrypted; `None`: cannot be told.
    #[must_use]
    pub fn encrypted(&self) -> Option<bool> {
        self.facts.encrypted
    }

    /// Whether both ends agreed to go on with TLS (STARTTLS and its like): the pieces behind this one are TLS's.
    #[must_use]
    pub fn turns_to_tls(&self) -> bool {
        self.facts.tls
    }

    /// The protocol, which may have become more exact: `cotp` to `s7comm`, `http` to `winrm` or `websocket`.
    #[must_use]
    pub fn app(&self) -> &'static str {
        self.facts.app
    }
}

/// What a protocol's name alone says of its encryption.
fn encrypted(app: &str) -> Option<bool> {
    match app {
        "ssh" | "quic" | "wireguard" | "teamviewer" => Some(true),
        // These may sign and seal, or turn to TLS, where only their messages tell.
        "s7comm_plus" | "cotp" | "codesys" | "smb" | "rdp" | "dcerpc" | "rpc" | "kerberos" | "c1222" | "vnc"
        | "postgres" | "mysql" | "mssql" | "oracle" | "isakmp" | "stun" | "ge_srtp" | "hart_ip" | "profinet_cm" => None,
        _ => Some(false),
    }
}
