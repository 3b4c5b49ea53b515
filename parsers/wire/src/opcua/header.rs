//! The message header of UA-TCP (Part 6 §7.1.2.2) and what the first bytes of a stream tell.

use super::read::Reader;
use super::services::{Side, lookup};
use super::{codes, nodes};
use crate::dissect::Probe;

/// Message types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Hello, the client's first message.
    Hel,
    /// Acknowledge, the answer to Hello.
    Ack,
    /// Error, before the connection is closed.
    Err,
    /// ReverseHello, the first message of a server that calls its client.
    Rhe,
    /// OpenSecureChannel.
    Opn,
    /// CloseSecureChannel.
    Clo,
    /// Any other service.
    Msg,
}

impl Type {
    /// The three letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hel => "HEL",
            Self::Ack => "ACK",
            Self::Err => "ERR",
            Self::Rhe => "RHE",
            Self::Opn => "OPN",
            Self::Clo => "CLO",
            Self::Msg => "MSG",
        }
    }

    fn of(letters: [u8; 3]) -> Option<Self> {
        Some(match &letters {
            b"HEL" => Self::Hel,
            b"ACK" => Self::Ack,
            b"ERR" => Self::Err,
            b"RHE" => Self::Rhe,
            b"OPN" => Self::Opn,
            b"CLO" => Self::Clo,
            b"MSG" => Self::Msg,
            _ => return None,
        })
    }

    /// Whether the message belongs to a secure channel.
    #[must_use]
    pub fn secure(self) -> bool {
        matches!(self, Self::Opn | Self::Clo | Self::Msg)
    }

    /// The least size of a whole message: 8 bytes of header and the fixed fields behind it.
    #[must_use]
    pub fn least(self) -> usize {
        match self {
            Self::Hel => 32,
            Self::Ack => 28,
            Self::Err | Self::Rhe => 16,
            Self::Opn => 24,
            Self::Clo | Self::Msg => 16,
        }
    }
}

/// Chunk flags (§6.7.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    /// The message's last, or only, chunk.
    Final,
    /// A chunk with more to come.
    More,
    /// The sender gave the message up.
    Abort,
}

/// A message's header.
/// ```text
/// type 3 letters | F, C or A | size u32 (with the header) | secure channel id u32 (OPN, CLO, MSG)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Message type.
    pub kind: Type,
    /// Chunk flag.
    pub chunk: Chunk,
    /// Size with the header.
    pub size: usize,
}

/// Bytes of a header without the channel id.
pub const HEADER: usize = 8;
/// The largest size that a probe takes for plausible; sizes seen are some 64 KiB.
const PLAUSIBLE: usize = 1 << 24;

impl Header {
    /// Reads a header; `None`: no header starts here.
    #[must_use]
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, flag, s0, s1, s2, s3] = bytes.first_chunk::<HEADER>()?;
        let kind = Type::of([a, b, c])?;
        let chunk = match flag {
            b'F' => Chunk::Final,
            b'C' if kind == Type::Msg => Chunk::More,
            b'A' if kind == Type::Msg => Chunk::Abort,
            _ => return None,
        };
        let size = usize::try_from(u32::from_le_bytes([s0, s1, s2, s3])).ok()?;
        (size >= HEADER).then_some(Self { kind, chunk, size })
    }

    /// Whether fewer bytes than a header have could still become one.
    #[must_use]
    pub fn begins(bytes: &[u8]) -> bool {
        let starts = [b"HELF", b"ACKF", b"ERRF", b"RHEF", b"OPNF", b"CLOF", b"MSGF", b"MSGC", b"MSGA"];
        bytes.len() < HEADER && starts.iter().any(|s| bytes.iter().zip(s.iter()).all(|(a, b)| a == b))
    }
}

/// Looks at the first bytes of a direction. Ports say nothing here: OPC UA is heard on any.
#[must_use]
pub fn probe(bytes: &[u8], _from: u16, _to: u16) -> Probe {
    if bytes.len() < HEADER {
        return if Header::begins(bytes) { Probe::Unsure } else { Probe::No };
    }
    let Some(header) = Header::read(bytes) else { return Probe::No };
    if header.size < header.kind.least() || header.size > PLAUSIBLE {
        return Probe::No;
    }
    match header.kind {
        Type::Hel => Probe::Client,
        Type::Ack | Type::Err | Type::Rhe => Probe::Server,
        Type::Opn | Type::Clo | Type::Msg => match body_side(header.kind, bytes) {
            Some(Side::Request(_)) => Probe::Client,
            Some(Side::Response(_) | Side::Fault) => Probe::Server,
            None => Probe::Either,
        },
    }
}

/// What the type id of a chunk's body says, where it can be read.
fn body_side(kind: Type, bytes: &[u8]) -> Option<Side> {
    let mut r = Reader::new(bytes, 1);
    r.take(HEADER + 4, "header").ok()?;
    if kind == Type::Opn {
        let uri = r.string("security policy").ok()?;
        if codes::policy_name(uri) != b"None" {
            return None;
        }
        r.string("certificate").ok()?;
        r.string("thumbprint").ok()?;
    } else {
        r.u32().ok()?;
    }
    r.take(8, "sequence header").ok()?;
    lookup(nodes::node_id(&mut r).ok()?.standard())
}
