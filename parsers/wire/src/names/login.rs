//! Protocols in which a person logs in, line by line or key by key.

use super::start::holds;
use super::talk::Facts;
use crate::defaults::{LONGEST, shipped};
use crate::dissect::Dir;

/// Bytes kept of a line whose end has not come; what is beyond is dropped.
const LINE: usize = 1024;

/// The next whole line, its start perhaps from earlier pieces, and what stands behind it. `None`: its end is not
/// there; `partial` holds what is.
pub(super) fn line<'a>(partial: &mut Vec<u8>, bytes: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
    let keep = |partial: &mut Vec<u8>, more: &[u8]| {
        let room = LINE.saturating_sub(partial.len()).min(more.len());
        partial.extend_from_slice(more.get(..room).unwrap_or_default());
    };
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        keep(partial, bytes);
        return None;
    };
    let mut whole = std::mem::take(partial);
    keep(&mut whole, bytes.get(..end).unwrap_or_default());
    if whole.last() == Some(&b'\r') {
        whole.pop();
    }
    Some((whole, bytes.get(end + 1..).unwrap_or_default()))
}

/// A session of FTP, SMTP, POP3 or IMAP.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: [Vec<u8>; 2],
    greeted: bool,
    /// The client asked to turn to TLS.
    asked: bool,
    /// The name of FTP's USER, until its PASS.
    name: Vec<u8>,
}

impl Lines {
    pub fn look(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((whole, tail)) = line(&mut self.partial[dir.index()], rest) {
            rest = tail;
            match dir {
                Dir::ToServer => self.command(facts, &whole),
                Dir::ToClient => self.reply(facts, &whole),
            }
            if facts.done {
                return;
            }
        }
    }

    fn command(&mut self, facts: &mut Facts, line: &[u8]) {
        let mut words = line.split(|&b| b == b' ');
        if facts.app == "imap" {
            words.next();
        }
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let word = words.next().unwrap_or_default();
        let plain = word.eq_ignore_ascii_case(b"plain") || word.eq_ignore_ascii_case(b"login");
        let anonymous = word.eq_ignore_ascii_case(b"anonymous") || word.eq_ignore_ascii_case(b"ftp");
        match (facts.app, verb.as_slice()) {
            ("ftp", b"USER") if !anonymous => {
                if facts.credentials.is_empty() {
                    facts.credentials = "ftp_user";
                }
                self.name = word.get(..word.len().min(LONGEST + 1)).unwrap_or_default().to_vec();
            }
            ("ftp", b"PASS") => {
                let name = std::mem::take(&mut self.name);
                if !name.is_empty() && shipped(&name, line.get(5..).unwrap_or_default()) {
                    facts.credentials = "ftp_default";
                }
            }
            ("pop3", b"USER" | b"PASS") => facts.credentials = "pop3_user",
            ("imap", b"LOGIN") => facts.credentials = "imap_login",
            ("smtp", b"AUTH") if plain => facts.credentials = "smtp_auth",
            ("pop3", b"AUTH") if plain => facts.credentials = "pop3_user",
            ("imap", b"AUTHENTICATE") if plain => facts.credentials = "imap_login",
            ("ftp", b"AUTH") | ("smtp" | "imap", b"STARTTLS") | ("pop3", b"STLS") => self.asked = true,
            // What follows is a message's text, not a dialogue.
            ("smtp", b"DATA" | b"BDAT") => facts.done = true,
            _ => {}
        }
    }

    fn reply(&mut self, facts: &mut Facts, line: &[u8]) {
        if !std::mem::replace(&mut self.greeted, true) {
            let text = line.split_first_chunk::<4>().map_or(line, |(_, text)| text);
            facts.tell(text.trim_ascii());
        }
        if !std::mem::take(&mut self.asked) {
            return;
        }
        let agreed = match facts.app {
            "ftp" => line.starts_with(b"234"),
            "smtp" => line.starts_with(b"220"),
            "pop3" => line.starts_with(b"+OK"),
            _ => line.split(|&b| b == b' ').nth(1) == Some(b"OK"),
        };
        if agreed {
            facts.turns_to_tls();
        }
    }
}

/// Where a direction of Telnet stands in a command (RFC 854).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Data,
    Command,
    Option,
    Inside,
    InsideCommand,
}

/// A session of Telnet: a prompt for a name or a password, and input behind it.
#[derive(Debug, Default)]
pub(super) struct Telnet {
    places: [Place; 2],
    /// The end of what the server wrote last.
    prompt: Vec<u8>,
    /// What the client types in answer to a prompt.
    typing: Typing,
    /// The name it typed, until its password; and what it types now.
    name: Vec<u8>,
    typed: Vec<u8>,
}

/// What the line is that a client types.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Typing {
    #[default]
    Nothing,
    Name,
    Password,
}

/// Bytes kept of a prompt.
const PROMPT: usize = 80;

impl Telnet {
    pub fn look(&mut self, facts: &mut Facts, dir: Dir, bytes: &[u8]) {
        for &byte in bytes {
            let place = &mut self.places[dir.index()];
            let text;
            (*place, text) = match (*place, byte) {
                (Place::Data, 0xFF) => (Place::Command, false),
                (Place::Data, _) => (Place::Data, true),
                (Place::Command, 0xFB..=0xFE) => (Place::Option, false),
                (Place::Command, 0xFA) => (Place::Inside, false),
                (Place::Inside, 0xFF) => (Place::InsideCommand, false),
                (Place::InsideCommand, 0xF0) | (Place::Command | Place::Option, _) => (Place::Data, false),
                (Place::Inside | Place::InsideCommand, _) => (Place::Inside, false),
            };
            if text {
                self.text(facts, dir, byte);
            }
            if facts.done {
                return;
            }
        }
    }

    fn text(&mut self, facts: &mut Facts, dir: Dir, byte: u8) {
        match (dir, byte) {
            (Dir::ToServer, b'\r' | b'\n') => self.entered(facts),
            (Dir::ToServer, 0x08 | 0x7F) => drop(self.typed.pop()),
            (Dir::ToServer, 0x21..=0x7E) => {
                if self.typing == Typing::Nothing {
                    self.typing = self.asks();
                }
                if self.typing != Typing::Nothing {
                    if facts.credentials.is_empty() {
                        facts.credentials = "telnet_login";
                    }
                    if self.typed.len() <= LONGEST {
                        self.typed.push(byte);
                    }
                }
            }
            (Dir::ToServer, _) => {}
            (Dir::ToClient, b'\r' | b'\n') => {
                if facts.info.is_empty() {
                    facts.tell(self.prompt.trim_ascii());
                }
                self.prompt.clear();
            }
            (Dir::ToClient, _) if self.prompt.len() < PROMPT => self.prompt.push(byte),
            (Dir::ToClient, _) => {}
        }
    }

    /// A line is whole: a name is kept for the password that follows, which ends the dialogue.
    fn entered(&mut self, facts: &mut Facts) {
        let typed = std::mem::take(&mut self.typed);
        match std::mem::take(&mut self.typing) {
            Typing::Name => self.name = typed,
            // A device may have a name without a password: an empty line answers the prompt.
            Typing::Nothing if self.name.is_empty() || self.asks() != Typing::Password => {}
            Typing::Password | Typing::Nothing => {
                if shipped(&self.name, &typed) {
                    facts.credentials = "telnet_default";
                }
                self.name = Vec::new();
                facts.done = true;
            }
        }
    }

    fn asks(&self) -> Typing {
        let prompt = self.prompt.trim_ascii_end();
        let any = |words: &[&[u8]]| words.iter().any(|w| holds(prompt, w));
        if !matches!(prompt.last(), Some(b':' | b'>' | b'?')) {
            Typing::Nothing
        } else if any(&[b"password", b"passcode"]) {
            Typing::Password
        } else if any(&[b"login", b"user", b"account"]) {
            Typing::Name
        } else {
            Typing::Nothing
        }
    }
}
