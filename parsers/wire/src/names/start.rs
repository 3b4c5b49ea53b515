//! The first bytes of a direction and what recognisers ask of them.

use super::reader::Reader;
use crate::dissect::Probe;

/// First bytes of a direction, with the ports they went from and to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'a> {
    pub bytes: &'a [u8],
    pub from: u16,
    pub to: u16,
}

impl<'a> Start<'a> {
    pub fn reader(&self) -> Reader<'a> {
        Reader(self.bytes)
    }

    /// Whether either port is this one.
    pub fn on(&self, port: u16) -> bool {
        self.from == port || self.to == port
    }

    /// The sender's part, judged by the server's port.
    pub fn part(&self, server: u16) -> Probe {
        match (self.from == server, self.to == server) {
            (true, false) => Probe::Server,
            (false, true) => Probe::Client,
            _ => Probe::Either,
        }
    }

    pub fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub fn starts(&self, with: &[u8]) -> bool {
        self.bytes.starts_with(with)
    }

    /// The first line without its end; `None`: its end is not there.
    pub fn line(&self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.bytes)?;
        let line = self.bytes.get(..end)?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// The answer where a bit of the message says who sent it.
pub(super) fn request(is_request: bool) -> Option<Probe> {
    Some(if is_request { Probe::Client } else { Probe::Server })
}

/// Whether all bytes are printable ASCII (and there are any).
pub(super) fn printable(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| (0x20..0x7F).contains(b))
}

/// Whether `text` holds `word`, which is lower case, in any case. Texts are first lines: short.
pub(super) fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word))
}
