//! Protocols whose first messages tell what there is to know.

use super::lan;
use super::ot;
use super::reader::Reader;
use super::start::{Start, holds};
use super::talk::Facts;
use crate::dissect::Dir;

/// Pieces of a flow that are looked at.
const PIECES: u32 = 64;
/// Bytes kept of a direction's start.
const START: usize = 512;

/// Reads one piece of a flow.
type Read = fn(&mut Session, &mut Facts, Dir, &[u8]);

/// A flow followed piece by piece.
#[derive(Debug)]
pub(super) struct Session {
    read: Read,
    pieces: u32,
    /// The start of each direction, where the reader keeps it.
    starts: [Vec<u8>; 2],
    asked: bool,
}

/// The reader of a protocol that has one here.
pub(super) fn reader(app: &str) -> Option<Session> {
    let read: Read = match app {
        "ssh" => Session::ssh,
        "vnc" => Session::vnc,
        "snmp" => Session::snmp,
        "ldap" => Session::ldap,
        "dns" | "mdns" | "llmnr" | "nbns" => Session::dns,
        "quic" => Session::quic,
        "tftp" => Session::tftp,
        "smb" => Session::smb,
        "rdp" => Session::rdp,
        "cotp" => Session::cotp,
        "postgres" => Session::postgres,
        "mysql" => Session::mysql,
        "mssql" => Session::mssql,
        "redis" => Session::redis,
        "amqp" => Session::amqp,
        _ => return None,
    };
    Some(Session { read, pieces: PIECES, starts: [Vec::new(), Vec::new()], asked: false })
}

impl Session {
    pub fn look(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        (self.read)(self, facts, dir, bytes);
        self.pieces -= 1;
        facts.done |= self.pieces == 0;
    }

    /// Keeps the start of a direction, which may come in pieces.
    fn keep(&mut self, dir: Dir, bytes: &[u8]) -> &[u8] {
        let start = &mut self.starts[dir.index()];
        let room = START.saturating_sub(start.len()).min(bytes.len());
        start.extend_from_slice(bytes.get(..room).unwrap_or_default());
        start
    }

    /// The version lines of both ends, the client's first.
    fn ssh(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        self.keep(dir, bytes);
        let line = |start: &[u8]| memchr::memchr(b'\n', start).and_then(|end| start.get(..end).map(<[u8]>::to_vec));
        let lines: Vec<Vec<u8>> = self.starts.iter().filter_map(|s| line(s)).collect();
        facts.info.clear();
        for (i, line) in lines.iter().enumerate() {
            facts.add(if i > 0 { b" " } else { b"" });
            facts.add(line.trim_ascii());
        }
        facts.done = lines.len() == 2;
    }

    /// RFC 6143 section 7.1: versions, then the server's security types, then the client's choice.
    fn vnc(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        self.keep(dir, bytes);
        let [client, server] = &self.starts;
        let Some((banner, offer)) = server.split_first_chunk::<12>() else { return };
        let old = banner.starts_with(b"RFB 003.003");
        let chosen = if old { offer.get(3) } else { client.get(12) };
        facts.tell(banner.trim_ascii());
        let Some(&kind) = chosen else { return };
        let (name, encrypted) = match kind {
            1 => ("none", Some(false)),
            2 => ("vnc_auth", Some(false)),
            5 | 6 => ("ra2", Some(kind == 5)),
            16 => ("tight", None),
            18 => ("tls", Some(true)),
            19 => ("vencrypt", Some(true)),
            30 => ("apple", Some(false)),
            _ => ("other", None),
        };
        facts.add(b" ");
        facts.add(name.as_bytes());
        facts.encrypted = encrypted;
        facts.done = true;
    }

    /// A community (versions 1 and 2c) is a password in clear; version 3 says whether it encrypts.
    fn snmp(&mut self, facts: &mut Facts, _dir: Dir, bytes: &[u8]) {
        let Some(message) = lan::snmp_message(bytes) else { return };
        match message.version {
            0 | 1 => {
                facts.credentials = "snmp_community";
                facts.tell(if message.version == 0 { b"v1" } else { b"v2c" });
                facts.done = true;
            }
            _ => {
                facts.tell(b"v3");
                let private = message.flags & 2 != 0;
                facts.encrypted = Some(private);
                facts.done = private;
            }
        }
    }

    /// RFC 4511 section 4.2: a bind with a simple password; section 4.14: StartTLS.
    fn ldap(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        let Some((operation, mut body)) = lan::ldap_operation(bytes) else { return };
        match (operation, dir) {
            (0x60, Dir::ToServer) => {
                let bind = body.integer().and_then(|_| body.element()).and_then(|_| body.tag_length());
                // An empty password is an anonymous bind (RFC 4513 section 5.1.1).
                if matches!(bind, Some((0x80, 1..))) {
                    facts.credentials = "ldap_simple";
                    facts.done = true;
                }
            }
            (0x77, Dir::ToServer) => self.asked = holds(body.0, b"1.3.6.1.4.1.1466.20037"),
            (0x78, Dir::ToClient) if self.asked && body.0.starts_with(&[0x0A, 1, 0]) => facts.turns_to_tls(),
            _ => {}
        }
    }

    fn dns(&mut self, facts: &mut Facts, _dir: Dir, bytes: &[u8]) {
        // Over TCP the length stands first; a query whose id is its length is not worth a thought.
        let plain = lan::question(bytes);
        let Some(question) = plain.or_else(|| lan::question(bytes.get(2..)?)) else { return };
        let mut at = Reader(question.name);
        let mut name = Vec::new();
        while let Some(label) = at.block8().filter(|l| !l.is_empty()) {
            if !name.is_empty() {
                name.push(b'.');
            }
            match netbios(label.0).filter(|_| facts.app == "nbns") {
                Some(decoded) => name.extend_from_slice(decoded.trim_ascii()),
                None => name.extend_from_slice(label.0),
            }
        }
        // The longest name: what is carried in names makes them long.
        if name.len() > facts.info.len() {
            facts.tell(&name);
        }
    }

    /// A long header of QUIC (RFC 9000 section 17.2) names the version.
    fn quic(&mut self, facts: &mut Facts, _dir: Dir, bytes: &[u8]) {
        let Some(&[first, a, b, c, d]) = bytes.first_chunk() else { return };
        let version = u32::from_be_bytes([a, b, c, d]);
        if first & 0x80 == 0 || version == 0 {
            return;
        }
        match version {
            1 => facts.tell(b"version 1"),
            0x6B33_43CF => facts.tell(b"version 2"),
            draft @ 0xFF00_0000..=0xFF00_00FF => facts.tell(format!("draft {}", draft & 0xFF).as_bytes()),
            other => facts.tell(format!("version {other:#x}").as_bytes()),
        }
        facts.done = true;
    }

    fn tftp(&mut self, facts: &mut Facts, _dir: Dir, bytes: &[u8]) {
        if let Some((name, _)) = lan::tftp_request(bytes) {
            facts.tell(if bytes.get(1) == Some(&1) { b"read " } else { b"write " });
            facts.add(name);
        }
        facts.done = true;
    }

    /// The dialect that a negotiate response chooses (MS-SMB2 section 2.2.4), and the transform header that encrypts.
    fn smb(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        let Some(message) = bytes.get(4..) else { return };
        match message {
            [0xFD, b'S', b'M', b'B', ..] => facts.encrypts(),
            [0xFF, b'S', b'M', b'B', ..] if facts.info.is_empty() => {
                facts.tell(b"SMB 1");
                facts.encrypted = Some(false);
            }
            [0xFE, b'S', b'M', b'B', ..] if dir == Dir::ToClient && message.get(12..14) == Some(&[0, 0]) => {
                facts.encrypted = Some(false);
                let dialect = message.get(68..).and_then(<[u8]>::first_chunk).map(|d| u16::from_le_bytes(*d));
                facts.tell(match dialect {
                    Some(0x0202) => b"SMB 2.0.2",
                    Some(0x0210) => b"SMB 2.1",
                    Some(0x0300) => b"SMB 3.0",
                    Some(0x0302) => b"SMB 3.0.2",
                    Some(0x0311) => b"SMB 3.1.1",
                    _ => b"SMB 2",
                });
            }
            _ => {}
        }
    }

    /// MS-RDPBCGR section 2.2.1.2.1: the protocol that the server selects.
    fn rdp(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        let Some(tpkt) = ot::transport(bytes).filter(|t| dir == Dir::ToClient && t.code == 0xD0) else { return };
        let (name, encrypted) = match tpkt.rest {
            [2, _, 8, 0, 0, ..] | [] => ("standard", None),
            [2, _, 8, 0, 1, ..] => ("tls", Some(true)),
            [2, _, 8, 0, 2 | 8, ..] => ("credssp", Some(true)),
            [3, ..] => ("refused", None),
            _ => ("other", None),
        };
        facts.tell(name.as_bytes());
        facts.encrypted = encrypted;
        facts.tls = encrypted == Some(true);
        facts.done = true;
    }

    /// The first data message tells who uses the transport; the request before it which module is called.
    fn cotp(&mut self, facts: &mut Facts, _dir: Dir, bytes: &[u8]) {
        let Some(tpkt) = ot::transport(bytes) else { return };
        if tpkt.code == 0xE0 {
            module(facts, tpkt.rest);
        }
        let start = Start { bytes, from: 0, to: 0 };
        let found = [("s7comm", ot::s7comm as fn(&Start<'_>) -> _), ("s7comm_plus", ot::s7comm_plus), ("mms", ot::mms)];
        if let Some((app, _)) = found.iter().find(|(_, recognise)| recognise(&start).is_some()) {
            facts.app = app;
            facts.encrypted = if *app == "s7comm_plus" { None } else { Some(false) };
            if *app == "mms" {
                facts.info.clear();
            }
            facts.done = true;
        }
    }

    fn postgres(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        match (dir, bytes) {
            (Dir::ToServer, [0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F | 0x30]) => self.asked = true,
            (Dir::ToClient, [answer @ (b'S' | b'G' | b'N')]) if std::mem::take(&mut self.asked) => match answer {
                b'N' => facts.encrypted = Some(false),
                b'S' => facts.turns_to_tls(),
                _ => facts.encrypts(),
            },
            // AuthenticationCleartextPassword, then the client's password message.
            (Dir::ToClient, [b'R', 0, 0, 0, 8, 0, 0, 0, 3, ..]) => {
                (self.asked, facts.encrypted) = (true, Some(false));
            }
            (Dir::ToServer, [b'p', ..]) if self.asked => {
                facts.credentials = "postgres_password";
                facts.done = true;
            }
            (Dir::ToServer, _) => facts.encrypted = Some(false),
            (Dir::ToClient, _) => {}
        }
    }

    /// The server's version; the client's capability to turn to TLS, alone in a short packet.
    fn mysql(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        match dir {
            Dir::ToClient if facts.info.is_empty() => {
                let version = bytes.get(5..).and_then(|v| v.split(|&b| b == 0).next()).unwrap_or_default();
                facts.tell(version);
            }
            Dir::ToClient => {}
            Dir::ToServer => {
                facts.tls = matches!(bytes, [32, 0, 0, _, _, capabilities, ..] if capabilities & 8 != 0);
                facts.encrypted = Some(facts.tls);
                facts.done = true;
            }
        }
    }

    /// MS-TDS section 2.2.6.5: the option 1 of the pre-login answer: 1 and 3 encrypt all, 0 the login only.
    fn mssql(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        if dir == Dir::ToServer {
            return;
        }
        let mut options = Reader(bytes.get(8..).unwrap_or_default());
        while let Some((kind, at)) = options.u8().filter(|&k| k != 0xFF).zip(options.u16()) {
            options.u16();
            if kind == 1 {
                facts.encrypted = bytes.get(8 + usize::from(at)).map(|e| matches!(e, 1 | 3));
            }
        }
        facts.done = true;
    }

    fn redis(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        let word = bytes.splitn(4, |&b| b == b'\n').nth(2).unwrap_or_default();
        if dir == Dir::ToServer && word.trim_ascii().eq_ignore_ascii_case(b"auth") {
            facts.credentials = "redis_auth";
            facts.done = true;
        }
    }

    /// The client's choice of mechanism: a short string (0-9-1) or a symbol (1.0).
    fn amqp(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        let head = bytes.get(..bytes.len().min(START)).unwrap_or_default();
        if dir == Dir::ToServer && head.windows(6).any(|w| w == b"\x05PLAIN") {
            facts.credentials = "amqp_plain";
            facts.done = true;
        }
    }
}

/// The rack and slot that the called transport address (option 0xC2) of an S7 connection names.
fn module(facts: &mut Facts, options: &[u8]) {
    let mut at = Reader(options);
    while let Some((kind, value)) = at.u8().zip(at.block8()) {
        if let (0xC2, &[_, place]) = (kind, value.0) {
            facts.tell(format!("rack {} slot {}", place >> 5, place & 0x1F).as_bytes());
        }
    }
}

/// First-level encoding of NetBIOS names (RFC 1001 section 14.1): two letters a byte, the last byte a suffix.
pub(super) fn netbios(label: &[u8]) -> Option<Vec<u8>> {
    let nibble = |b: u8| b.checked_sub(b'A').filter(|&n| n < 16);
    let pairs = label.chunks_exact(2).take(15);
    if label.len() != 32 {
        return None;
    }
    pairs.map(|p| Some(nibble(*p.first()?)? << 4 | nibble(*p.get(1)?)?)).collect()
}
