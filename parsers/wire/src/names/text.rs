//! Protocols that start with words.

use super::start::{Start, holds, printable};
use crate::dissect::Probe;

/// Methods of RFC 9110 section 9 and of WebDAV (RFC 4918).
const METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
];
/// Methods of RFC 2326 section 10.
const RTSP: &[&[u8]] = &[
    b"OPTIONS",
    b"DESCRIBE",
    b"ANNOUNCE",
    b"SETUP",
    b"PLAY",
    b"PAUSE",
    b"TEARDOWN",
    b"GET_PARAMETER",
    b"SET_PARAMETER",
    b"RECORD",
    b"REDIRECT",
];
/// Methods of RFC 3261 and its extensions.
const SIP: &[&[u8]] = &[
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"REGISTER",
    b"OPTIONS",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"MESSAGE",
    b"INFO",
    b"REFER",
    b"UPDATE",
    b"PRACK",
    b"PUBLISH",
];

/// Target of a request line whose method is one of `methods` and whose version, where it is at hand, starts so.
fn target<'a>(line: &'a [u8], methods: &[&[u8]], version: &[u8]) -> Option<&'a [u8]> {
    let (line, whole) = match memchr::memchr(b'\n', line) {
        Some(end) => (line.get(..end)?, true),
        None => (line, false),
    };
    let mut words = line.split(|&b| b == b' ');
    let (method, target) = (words.next()?, words.next()?);
    let fits = match words.next() {
        Some(last) if whole => last.starts_with(version) && words.next().is_none(),
        Some(last) => last.starts_with(version) || version.starts_with(last),
        None => !whole,
    };
    (fits && !target.is_empty() && methods.contains(&method)).then_some(target)
}

/// Whether bytes start an HTTP/1.x request line (RFC 9112 section 3).
pub(super) fn http_request(bytes: &[u8]) -> bool {
    let Some(target) = target(bytes, METHODS, b"HTTP/1.") else { return false };
    let authority = bytes.starts_with(b"CONNECT ") && memchr::memchr(b':', target).is_some();
    matches!(target, [b'/' | b'*', ..]) || target.starts_with(b"http") || authority
}

pub(super) fn http(start: &Start<'_>) -> Option<Probe> {
    if start.starts(b"HTTP/1.") {
        return Some(Probe::Server);
    }
    http_request(start.bytes).then_some(Probe::Client)
}

/// The connection preface of RFC 9113 section 3.4.
pub(super) fn http2(start: &Start<'_>) -> Option<Probe> {
    start.starts(b"PRI * HTTP/2.0\r\n\r\nSM").then_some(Probe::Client)
}

/// Whether bytes start a request of RTSP (RFC 7826 section 7).
pub(super) fn rtsp_request(bytes: &[u8]) -> bool {
    let whole = memchr::memchr(b'\n', bytes).is_some();
    target(bytes, RTSP, b"RTSP/").is_some_and(|t| t.starts_with(b"rtsp://") || (t == b"*" && whole))
}

pub(super) fn rtsp(start: &Start<'_>) -> Option<Probe> {
    if start.starts(b"RTSP/1.0 ") || start.starts(b"RTSP/2.0 ") {
        return Some(Probe::Server);
    }
    rtsp_request(start.bytes).then_some(Probe::Client)
}

/// Whether bytes start a request of SIP (RFC 3261 section 7.1).
pub(super) fn sip_request(bytes: &[u8]) -> bool {
    target(bytes, SIP, b"SIP/2.0").is_some_and(|t| t.starts_with(b"sip:") || t.starts_with(b"sips:"))
}

pub(super) fn sip(start: &Start<'_>) -> Option<Probe> {
    if start.starts(b"SIP/2.0 ") {
        return Some(Probe::Server);
    }
    sip_request(start.bytes).then_some(Probe::Client)
}

/// Discovery of UPnP: HTTP's first lines in datagrams.
pub(super) fn ssdp(start: &Start<'_>) -> Option<Probe> {
    if start.starts(b"HTTP/1.1 200 ") && start.on(1900) {
        return Some(Probe::Server);
    }
    (start.starts(b"M-SEARCH * HTTP/1.1\r\n") || start.starts(b"NOTIFY * HTTP/1.1\r\n")).then_some(Probe::Client)
}

/// RFC 4253 section 4.2: both ends send `SSH-2.0-software`.
pub(super) fn ssh(start: &Start<'_>) -> Option<Probe> {
    let version = start.bytes.strip_prefix(b"SSH-")?;
    (version.starts_with(b"2.0-") || version.starts_with(b"1.")).then(|| start.part(22))
}

/// RFC 6143 section 7.1.1: both ends send `RFB 003.008`.
pub(super) fn vnc(start: &Start<'_>) -> Option<Probe> {
    let &[b'R', b'F', b'B', b' ', a, b, c, b'.', d, e, f, b'\n'] = start.bytes.first_chunk()? else { return None };
    if ![a, b, c, d, e, f].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let desk = |port: u16| (5900..6000).contains(&port);
    Some(match (desk(start.from), desk(start.to)) {
        (true, false) => Probe::Server,
        (false, true) => Probe::Client,
        _ => Probe::Either,
    })
}

/// A greeting `220 text`, which FTP (RFC 959) and SMTP (RFC 5321) share.
fn greeting<'a>(start: &Start<'a>) -> Option<&'a [u8]> {
    let text = start.bytes.strip_prefix(b"220")?;
    matches!(text, [b' ' | b'-', ..]).then(|| start.line().unwrap_or(start.bytes))
}

fn mail(text: &[u8]) -> bool {
    holds(text, b"smtp") || holds(text, b"mail")
}

pub(super) fn ftp(start: &Start<'_>) -> Option<Probe> {
    if let Some(text) = greeting(start) {
        return (start.from == 21 || (holds(text, b"ftp") && !mail(text))).then_some(Probe::Server);
    }
    let line = start.line()?;
    let command = [&b"USER "[..], b"AUTH TLS", b"AUTH SSL", b"FEAT", b"SYST"].iter().any(|c| line.starts_with(c));
    (start.to == 21 && command).then_some(Probe::Client)
}

pub(super) fn smtp(start: &Start<'_>) -> Option<Probe> {
    let port = |port: u16| matches!(port, 25 | 587 | 2525);
    if let Some(text) = greeting(start) {
        return (port(start.from) || mail(text)).then_some(Probe::Server);
    }
    let line = start.line()?;
    let hello = |word: &[u8]| line.get(..5).is_some_and(|l| l.eq_ignore_ascii_case(word)) && printable(line);
    (hello(b"ehlo ") || hello(b"helo ")).then_some(Probe::Client)
}

pub(super) fn pop3(start: &Start<'_>) -> Option<Probe> {
    let line = start.line()?;
    if line.starts_with(b"+OK") {
        return (start.from == 110 || holds(line, b"pop3")).then_some(Probe::Server);
    }
    let command = [&b"USER "[..], b"APOP ", b"CAPA", b"STLS", b"AUTH"].iter().any(|c| line.starts_with(c));
    (start.to == 110 && command).then_some(Probe::Client)
}

pub(super) fn imap(start: &Start<'_>) -> Option<Probe> {
    let line = start.line()?;
    let greeting = line.starts_with(b"* OK") || line.starts_with(b"* PREAUTH");
    let known = start.from == 143 || holds(line, b"imap");
    if greeting && known {
        return Some(Probe::Server);
    }
    let verb = line.split(|&b| b == b' ').nth(1)?;
    let known = [&b"capability"[..], b"login", b"starttls", b"authenticate", b"id"];
    (start.to == 143 && known.iter().any(|k| verb.eq_ignore_ascii_case(k))).then_some(Probe::Client)
}

/// RFC 854: negotiations `IAC WILL|WONT|DO|DONT option`, one behind the other.
pub(super) fn telnet(start: &Start<'_>) -> Option<Probe> {
    let mut rest = start.bytes;
    let mut seen = 0;
    while let [0xFF, tail @ ..] = rest {
        rest = match tail {
            // Options are numbered up to 49, 138 to 140 and 255 (IANA "TELNET Options").
            [0xFB..=0xFE, 0..=49 | 138..=140 | 255, tail @ ..] => tail,
            [0xF0..=0xF9, tail @ ..] if seen > 0 => tail,
            [0xFA, ..] if seen > 0 => break,
            _ => return None,
        };
        seen += 1;
    }
    // One negotiation is three bytes of anything: then the port has to agree.
    (seen >= 2 || (seen == 1 && start.on(23))).then(|| start.part(23))
}

/// A command as an array of bulk strings: `*2 $4 AUTH …`, each with its length before it.
pub(super) fn redis(start: &Start<'_>) -> Option<Probe> {
    let digits = |text: &[u8]| {
        let n = text.iter().take_while(|b| b.is_ascii_digit()).count();
        (matches!(n, 1..=6)).then_some(n)
    };
    let count = start.bytes.strip_prefix(b"*")?;
    let rest = count.get(digits(count)?..)?.strip_prefix(b"\r\n$")?;
    let word = rest.get(digits(rest)?..)?.strip_prefix(b"\r\n")?;
    word.first().is_some_and(u8::is_ascii_alphabetic).then_some(Probe::Client)
}

/// The protocol header of AMQP 0-9-1 (section 4.2.2) and 1.0 (section 2.2).
pub(super) fn amqp(start: &Start<'_>) -> Option<Probe> {
    let &[b'A', b'M', b'Q', b'P', id, major, minor, _] = start.bytes.first_chunk()? else { return None };
    let old = id == 0 && major == 0 && minor == 9;
    let older = id == 1 && major == 1;
    let new = matches!(id, 0 | 2 | 3) && major == 1 && minor == 0;
    (old || older || new).then_some(if start.from == 5672 { Probe::Server } else { Probe::Client })
}

/// RFC 5424 section 6.2.1 and RFC 3164: a priority of at most 191 in angle brackets; over TCP perhaps the
/// length before it (RFC 6587 section 3.4.1).
pub(super) fn syslog(start: &Start<'_>) -> Option<Probe> {
    let digits = start.bytes.iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    let text = match digits {
        0 => start.bytes,
        n => start.bytes.get(n..)?.strip_prefix(b" ")?,
    };
    let end = text.iter().take(5).position(|&b| b == b'>')?;
    let number = std::str::from_utf8(text.get(1..end)?).ok()?;
    let sane = text.first() == Some(&b'<') && number.bytes().all(|b| b.is_ascii_digit());
    let priority: u16 = number.parse().ok()?;
    let body = text.get(end + 1..)?;
    let body = body.get(..body.len().min(16))?;
    let first = body.trim_ascii_start().first();
    let letters = body.len() >= 3 && first.is_some_and(u8::is_ascii_alphanumeric) && printable(body);
    (sane && priority <= 191 && letters).then_some(Probe::Client)
}
