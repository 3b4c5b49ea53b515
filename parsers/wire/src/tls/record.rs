//! The record layer: headers, and the handshake messages that records carry in pieces.

use super::codes::{content, handshake};

/// Bytes of a record's header.
pub(super) const HEADER: usize = 5;
/// A record's body: 2^14 bytes and what encryption may add (RFC 5246 section 6.2.3; RFC 8446 allows less).
const LONGEST: usize = (1 << 14) + 2048;
/// Bytes of a handshake message's header.
const MESSAGE_HEADER: usize = 4;

/// A record's header (RFC 8446 section 5.1):
///
/// ```text
///  0       1       2       3       4
/// +-------+-------+-------+-------+-------+----------
/// | type  | version 03 0x | length        | fragment…
/// +-------+-------+-------+-------+-------+----------
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: u8,
    pub version: u16,
    pub length: usize,
}

impl Header {
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[kind, major, minor, high, low] = bytes.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        Some(Self { kind, version: u16::from_be_bytes([major, minor]), length })
    }

    /// Whether it can be a record's header at all.
    pub fn plausible(self) -> bool {
        matches!(self.kind, content::CHANGE_CIPHER_SPEC..=content::HEARTBEAT)
            && matches!(self.version, 0x0300..=0x0304)
            && self.length <= LONGEST
    }

    /// Whether a direction can start with it: lengths that the types have.
    pub fn starts(self) -> bool {
        self.convincing() || (self.plausible() && self.kind == content::HANDSHAKE && self.length > 0)
    }

    /// Whether it is one by a stricter measure, for bytes that may be anything.
    pub fn convincing(self) -> bool {
        self.plausible()
            && match self.kind {
                content::CHANGE_CIPHER_SPEC => self.length == 1,
                content::ALERT => self.length == 2 || self.length >= 16,
                content::HANDSHAKE => self.length >= MESSAGE_HEADER,
                content::APPLICATION_DATA => self.length >= 16,
                _ => self.length >= 3,
            }
    }
}

/// Where in `bytes` a convincing header starts; `Err`: nowhere before that place.
pub(super) fn seek(bytes: &[u8]) -> Result<usize, usize> {
    let last = bytes.len().saturating_sub(HEADER - 1);
    // The major version is the rarest byte of a header that is always the same.
    for at in memchr::memchr_iter(3, bytes.get(1..).unwrap_or_default()) {
        if at >= last {
            return Err(at.min(last));
        }
        if bytes.get(at..).and_then(Header::read).is_some_and(Header::convincing) {
            return Ok(at);
        }
    }
    Err(last)
}

/// Whether a handshake record starts with a hello in clear: type, length and version agree.
///
/// ```text
///  0       1                       4               6
/// +-------+-------+-------+-------+-------+-------+----------
/// | type  | length                | version 03 0x | random…
/// +-------+-------+-------+-------+-------+-------+----------
/// ```
pub(super) fn hello(fragment: &[u8]) -> Option<u8> {
    let &[kind, high, _, _, major, minor] = fragment.first_chunk()?;
    let kinds = matches!(kind, handshake::CLIENT_HELLO | handshake::SERVER_HELLO);
    let versions = (major == 3 && minor <= 4) || (major == 0x7F && minor <= 0x1C);
    (kinds && high == 0 && versions).then_some(kind)
}

/// Handshake messages put together over records, at most `limit` bytes each.
#[derive(Debug, Default)]
pub(super) struct Messages {
    buffer: Vec<u8>,
    /// Bytes of the current message that are not wanted.
    skip: usize,
}

/// What [`Messages::push`] came upon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet.
    More,
    /// A whole message that is wanted: type and body stand in [`Messages::message`].
    Whole,
    /// A message that nobody wants began; its type.
    Passed(u8),
    /// A wanted message longer than the limit began: it is passed over.
    TooLong(usize),
    /// A type that does not exist: this is no handshake message.
    Unknown(u8),
}

impl Messages {
    /// Takes bytes in; returns how many and what they brought.
    ///
    /// ```text
    ///  0       1                       4
    /// +-------+-------+-------+-------+----------
    /// | type  | length of the body    | body…
    /// +-------+-------+-------+-------+----------
    /// ```
    pub fn push(&mut self, bytes: &[u8], limit: u64) -> (usize, Found) {
        if self.skip > 0 {
            let n = self.skip.min(bytes.len());
            self.skip -= n;
            return (n, Found::More);
        }
        let had_header = self.buffer.len() >= MESSAGE_HEADER;
        let whole = if had_header { MESSAGE_HEADER + self.length() } else { MESSAGE_HEADER };
        let n = whole.saturating_sub(self.buffer.len()).min(bytes.len());
        self.buffer.extend_from_slice(bytes.get(..n).unwrap_or_default());
        if self.buffer.len() < whole {
            return (n, Found::More);
        }
        (n, if had_header { Found::Whole } else { self.begin(limit) })
    }

    fn begin(&mut self, limit: u64) -> Found {
        let (kind, length) = (self.kind(), self.length());
        let wanted = matches!(kind, handshake::CLIENT_HELLO | handshake::SERVER_HELLO | handshake::CERTIFICATE);
        if !handshake::assigned(kind) {
            self.clear();
            return Found::Unknown(kind);
        }
        if wanted && length as u64 <= limit {
            return if length == 0 { Found::Whole } else { Found::More };
        }
        self.clear();
        self.skip = length;
        if wanted { Found::TooLong(length) } else { Found::Passed(kind) }
    }

    fn kind(&self) -> u8 {
        self.buffer.first().copied().unwrap_or_default()
    }

    fn length(&self) -> usize {
        match self.buffer.get(1..MESSAGE_HEADER) {
            Some(&[a, b, c]) => usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c),
            _ => 0,
        }
    }

    /// Type and body of the whole message.
    pub fn message(&self) -> (u8, &[u8]) {
        (self.kind(), self.buffer.get(MESSAGE_HEADER..).unwrap_or_default())
    }

    /// The next byte starts a message.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.skip = 0;
    }
}
