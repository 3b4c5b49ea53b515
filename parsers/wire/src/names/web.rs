//! HTTP/1.x and its relatives: request and status lines, host, the scheme of an authorization, never its value.

use memchr::memchr;

use super::login::line;
use super::talk::Facts;
use super::text;
use crate::defaults::shipped_basic;
use crate::dissect::Dir;

/// Requests of a connection that are looked at.
const REQUESTS: u32 = 256;

/// One direction's place in a message.
#[derive(Debug, Default)]
struct Side {
    head: bool,
    first: bool,
    partial: Vec<u8>,
}

/// A connection of HTTP, RTSP or SIP.
#[derive(Debug, Default)]
pub(super) struct Web {
    sides: [Side; 2],
    requests: u32,
    method: Vec<u8>,
    target: Vec<u8>,
    host: Vec<u8>,
    form: bool,
    told: bool,
    answered: bool,
    upgrade: bool,
}

impl Web {
    pub fn look(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        let side = &mut self.sides[dir.index()];
        if !side.head {
            // A message starts where a segment does: bodies are not measured, their bytes are not looked at.
            if !starts(facts.app, dir, bytes) {
                if dir == Dir::ToServer && std::mem::take(&mut self.form) {
                    form(facts, bytes);
                }
                return;
            }
            (side.head, side.first) = (true, true);
            side.partial.clear();
            self.form = false;
        }
        let mut rest = bytes;
        while self.sides[dir.index()].head {
            let mut partial = std::mem::take(&mut self.sides[dir.index()].partial);
            let Some((whole, tail)) = line(&mut partial, rest) else {
                self.sides[dir.index()].partial = partial;
                return;
            };
            rest = tail;
            self.line(facts, dir, &whole);
        }
        if dir == Dir::ToServer && self.form && !rest.is_empty() {
            self.form = false;
            form(facts, rest);
        }
    }

    fn line(&mut self, facts: &mut Facts, dir: Dir, line: &[u8]) {
        let side = &mut self.sides[dir.index()];
        let first = std::mem::take(&mut side.first);
        if line.is_empty() {
            side.head = false;
            return self.head_ends(facts, dir);
        }
        match (first, dir) {
            (true, Dir::ToServer) => {
                let mut words = line.split(|&b| b == b' ');
                self.method = words.next().unwrap_or_default().to_vec();
                self.target = words.next().unwrap_or_default().to_vec();
                self.host.clear();
            }
            (true, Dir::ToClient) => self.status(facts, line),
            (false, Dir::ToServer) => self.header(facts, line),
            (false, Dir::ToClient) => {}
        }
    }

    fn header(&mut self, facts: &mut Facts, line: &[u8]) {
        let Some(colon) = memchr(b':', line) else { return };
        let (name, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case(b"host") {
            self.host = value.to_vec();
        } else if name.eq_ignore_ascii_case(b"authorization") || name.eq_ignore_ascii_case(b"proxy-authorization") {
            let mut words = value.split(|&b| b == b' ');
            credentials(facts, words.next().unwrap_or_default(), words.next().unwrap_or_default());
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade = value.eq_ignore_ascii_case(b"websocket");
        } else if name.eq_ignore_ascii_case(b"content-type") {
            self.form = starts_with_ignoring_case(value, b"application/x-www-form-urlencoded");
        }
    }

    fn head_ends(&mut self, facts: &mut Facts, dir: Dir) {
        if dir == Dir::ToClient {
            return;
        }
        self.requests += 1;
        facts.done |= self.requests >= REQUESTS;
        let path = cut(&self.target);
        if path.starts_with(b"/wsman") {
            facts.app = "winrm";
        }
        if self.told {
            return;
        }
        self.told = true;
        facts.tell(&self.method);
        facts.add(b" ");
        if path.starts_with(b"/") {
            facts.add(&self.host);
        }
        facts.add(path);
    }

    /// `HTTP/1.1 200 OK`: the first one completes the summary.
    fn status(&mut self, facts: &mut Facts, line: &[u8]) {
        let Some(code) = line.split(|&b| b == b' ').nth(1) else { return };
        let switched = code == b"101";
        if switched && self.upgrade {
            facts.app = "websocket";
            facts.done = true;
        }
        if self.answered || (code.starts_with(b"1") && !switched) {
            return;
        }
        self.answered = true;
        if self.told {
            facts.add(b" ");
        }
        facts.add(code.get(..code.len().min(3)).unwrap_or_default());
    }
}

/// Whether a message's head starts here.
fn starts(app: &str, dir: Dir, bytes: &[u8]) -> bool {
    match (app, dir) {
        ("http" | "winrm" | "ssdp", Dir::ToServer) => {
            text::http_request(bytes) || bytes.starts_with(b"M-SEARCH * HTTP")
        }
        ("http" | "winrm" | "ssdp", Dir::ToClient) => bytes.starts_with(b"HTTP/1."),
        ("rtsp", Dir::ToServer) => text::rtsp_request(bytes),
        ("sip", Dir::ToServer) => text::sip_request(bytes),
        (_, Dir::ToServer) => false,
        (_, Dir::ToClient) => bytes.starts_with(b"RTSP/") || bytes.starts_with(b"SIP/2.0 "),
    }
}

/// A target without what may be secret in it: the query, and user and password before the host.
fn cut(target: &[u8]) -> &[u8] {
    let end = target.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(target.len());
    let path = target.get(..end).unwrap_or_default();
    let Some(at) = path.windows(3).position(|w| w == b"://") else { return path };
    let rest = path.get(at + 3..).unwrap_or_default();
    let authority = memchr(b'/', rest).unwrap_or(rest.len());
    match rest.get(..authority).unwrap_or_default().iter().rposition(|&b| b == b'@') {
        Some(user) => rest.get(user + 1..).unwrap_or_default(),
        None => rest,
    }
}

/// The scheme of an authorization (RFC 9110 section 11.4), and whether its account is one that is shipped.
fn credentials(facts: &mut Facts, scheme: &[u8], token: &[u8]) {
    let names: [(&[u8], &str); 5] = [
        (b"basic", "http_basic"),
        (b"bearer", "http_bearer"),
        (b"digest", "http_digest"),
        (b"ntlm", "http_ntlm"),
        (b"negotiate", "http_negotiate"),
    ];
    let known = names.iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name));
    if facts.credentials.is_empty() || facts.credentials == "http_form" {
        facts.credentials = known.map_or("http_other", |(_, text)| text);
    }
    if scheme.eq_ignore_ascii_case(b"basic") && shipped_basic(token) {
        facts.credentials = "http_basic_default";
    }
}

/// A form with a field that is named like a password.
fn form(facts: &mut Facts, body: &[u8]) {
    let named = |field: &[u8]| {
        let name = field.split(|&b| b == b'=').next().unwrap_or_default();
        [&b"password"[..], b"passwd", b"pwd", b"pass", b"passphrase"].iter().any(|n| name.eq_ignore_ascii_case(n))
    };
    if facts.credentials.is_empty() && body.split(|&b| b == b'&').any(named) {
        facts.credentials = "http_form";
    }
}

fn starts_with_ignoring_case(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}
