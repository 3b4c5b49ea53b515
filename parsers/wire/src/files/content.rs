//! Content codings (RFC 9110 section 8.4): taken off, so that the hash is the file's own.

use flate2::{Decompress, FlushDecompress, Status};

/// Bytes that one object may inflate to; beyond it the rest is not looked at.
const MOST: u64 = 4 << 30;
const PIECE: usize = 16_384;

/// How a body is coded.
#[derive(Debug)]
pub enum Content {
    /// As it is.
    Plain,
    /// gzip or zlib.
    Inflate(Box<Inflate>),
    /// A coding that is not read here (br, zstd): the coded bytes are what is hashed.
    Other,
    /// The coded bytes made no sense: the rest is passed over.
    Over,
}

/// A deflated body on its way.
#[derive(Debug)]
pub struct Inflate {
    /// `None` until it is known from the first bytes whether zlib's header stands there.
    state: Option<Decompress>,
    gzip: Option<Header>,
    /// The first byte, where it came alone.
    first: Option<u8>,
    out: u64,
    over: bool,
}

/// The part of gzip's header (RFC 1952) that has not come yet.
#[derive(Debug, Default)]
struct Header {
    bytes: Vec<u8>,
}

impl Content {
    /// By the value of Content-Encoding.
    #[must_use]
    pub fn of(coding: &[u8]) -> Self {
        let coding = coding.trim_ascii();
        let is = |name: &[u8]| coding.eq_ignore_ascii_case(name);
        if coding.is_empty() || is(b"identity") {
            return Self::Plain;
        }
        if is(b"gzip") || is(b"x-gzip") || is(b"deflate") {
            let gzip = (!is(b"deflate")).then(Header::default);
            return Self::Inflate(Box::new(Inflate { state: None, gzip, first: None, out: 0, over: false }));
        }
        Self::Other
    }

    /// Whether a deflated body has come to its own end; others have none.
    #[must_use]
    pub fn ended(&self) -> bool {
        matches!(self, Self::Inflate(inflate) if inflate.over)
    }

    /// Takes the coding off; false when the coded bytes make no sense or grow past the limit.
    pub fn read(&mut self, bytes: &[u8], mut out: impl FnMut(&[u8])) -> bool {
        match self {
            Self::Plain | Self::Other => {
                out(bytes);
                true
            }
            Self::Over => true,
            Self::Inflate(inflate) => inflate.read(bytes, &mut out),
        }
    }
}

impl Inflate {
    fn read(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> bool {
        let joined;
        let mut rest = bytes;
        if let Some(header) = &mut self.gzip {
            header.bytes.extend_from_slice(bytes);
            match header_length(&header.bytes) {
                Some(Some(length)) => {
                    joined = header.bytes.split_off(length.min(header.bytes.len()));
                    self.gzip = None;
                    self.state = Some(Decompress::new(false));
                    rest = &joined;
                }
                Some(None) => return header.bytes.len() <= 65_536,
                None => return false,
            }
        }
        let whole;
        if self.state.is_none() {
            if let (None, &[first]) = (self.first, rest) {
                self.first = Some(first);
                return true;
            }
            if let Some(first) = self.first.take() {
                whole = [&[first], rest].concat();
                rest = &whole;
            }
        }
        let state = self.state.get_or_insert_with(|| {
            // "deflate" is zlib by the standard and bare by habit of some servers.
            let zlib =
                matches!(rest, [a, b, ..] if a & 0x0F == 8 && (u16::from(*a) << 8 | u16::from(*b)).is_multiple_of(31));
            Decompress::new(zlib)
        });
        let mut buffer = [0; PIECE];
        while !self.over && !rest.is_empty() {
            let (read, written) = (state.total_in(), state.total_out());
            let Ok(status) = state.decompress(rest, &mut buffer, FlushDecompress::None) else { return false };
            let taken = usize::try_from(state.total_in() - read).unwrap_or(0);
            let made = usize::try_from(state.total_out() - written).unwrap_or(0);
            out(buffer.get(..made).unwrap_or_default());
            self.out += made as u64;
            rest = rest.get(taken..).unwrap_or_default();
            if self.out > MOST {
                return false;
            }
            match status {
                Status::StreamEnd => self.over = true,
                _ if taken == 0 && made == 0 => break,
                _ => {}
            }
        }
        true
    }
}

/// Length of a gzip header; `Some(None)`: it is not whole; `None`: it is none.
fn header_length(bytes: &[u8]) -> Option<Option<usize>> {
    let Some(&[magic, code, method, flags, ..]) = bytes.first_chunk::<10>() else {
        return b"\x1f\x8b\x08".starts_with(bytes.get(..bytes.len().min(3))?).then_some(None);
    };
    if (magic, code, method) != (0x1F, 0x8B, 8) {
        return None;
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { return Some(None) };
        at += 2 + usize::from(u16::from_le_bytes(*length));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let Some(end) = bytes.get(at..).and_then(|rest| memchr::memchr(0, rest)) else { return Some(None) };
            at += end + 1;
        }
    }
    at += if flags & 2 != 0 { 2 } else { 0 };
    Some((bytes.len() >= at).then_some(at))
}
