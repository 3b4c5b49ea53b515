//! ClientHello and ServerHello: what a row and the fingerprints need of them.

use tls_parser::nom;

use super::codes::{self, extension};
use crate::names::reader::Reader;

/// Why a message could not be read, and at which of its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub offset: usize,
    pub reason: &'static str,
}

/// What a client offers. Lists keep the order of the wire and their GREASE values.
#[derive(Debug, Default)]
pub(super) struct ClientHello {
    pub version: u16,
    pub session_id: Vec<u8>,
    pub ciphers: Vec<u16>,
    pub extensions: Vec<u16>,
    pub versions: Vec<u16>,
    pub groups: Vec<u16>,
    pub formats: Vec<u8>,
    pub signatures: Vec<u16>,
    pub sni: Option<String>,
    pub alpn: Vec<Vec<u8>>,
}

/// What a server chose.
#[derive(Debug, Default)]
pub(super) struct ServerHello {
    pub version: u16,
    pub session_id: Vec<u8>,
    pub cipher: u16,
    pub extensions: Vec<u16>,
    pub alpn: Option<Vec<u8>>,
    pub psk: bool,
    pub retry: bool,
}

/// RFC 8446 section 4.1.3: the random value that makes a ServerHello a HelloRetryRequest, SHA-256 of "HelloRetryRequest".
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11,
    0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

impl ClientHello {
    /// The newest version offered, GREASE aside.
    pub fn newest(&self) -> u16 {
        let offered = self.versions.iter().copied().filter(|&v| !codes::grease(v));
        offered.max_by_key(|&v| codes::age(v)).unwrap_or(self.version)
    }

    /// Reads the body of a ClientHello of DTLS, which has a cookie behind the session id (RFC 6347 section 4.2.1).
    pub fn read_datagram(body: &[u8], flaws: &mut Vec<Flaw>) -> Result<Self, Flaw> {
        let cookie = || {
            let mut at = Reader(body);
            at.take(34)?;
            at.block8()?;
            let before = body.len() - at.len();
            at.block8()?;
            Some((body.get(..before)?, at.0))
        };
        let (before, behind) = cookie().ok_or(Flaw { offset: body.len(), reason: "the message ends early" })?;
        Self::read(&[before, behind].concat(), flaws)
    }

    /// Reads the body of a ClientHello (RFC 8446 section 4.1.2). A flaw inside an extension leaves the rest readable.
    pub fn read(body: &[u8], flaws: &mut Vec<Flaw>) -> Result<Self, Flaw> {
        let (rest, hello) = tls_parser::parse_tls_handshake_client_hello(body).map_err(|e| flaw(body, &e))?;
        let mut out = Self {
            version: hello.version.0,
            session_id: hello.session_id.unwrap_or_default().to_vec(),
            ciphers: hello.ciphers.iter().map(|c| c.0).collect(),
            ..Self::default()
        };
        let extensions = block(body, rest, hello.ext, flaws);
        each(body, extensions, flaws, |kind, data| {
            out.extensions.push(kind);
            out.extension(kind, data)
        });
        Ok(out)
    }

    fn extension(&mut self, kind: u16, mut data: Reader<'_>) -> Option<()> {
        match kind {
            extension::SERVER_NAME => {
                // An empty one offers to read a name later; servers also echo it empty.
                let mut names = data.block16().unwrap_or(Reader(&[]));
                while !names.is_empty() {
                    let (name_type, name) = (names.u8()?, names.block16()?);
                    if name_type == 0 && self.sni.is_none() {
                        self.sni = Some(String::from_utf8_lossy(name.0).into_owned());
                    }
                }
            }
            extension::SUPPORTED_GROUPS => numbers(data.block16()?, &mut self.groups)?,
            extension::EC_POINT_FORMATS => self.formats.extend_from_slice(data.block8()?.0),
            extension::SIGNATURE_ALGORITHMS => numbers(data.block16()?, &mut self.signatures)?,
            extension::SUPPORTED_VERSIONS => numbers(data.block8()?, &mut self.versions)?,
            extension::ALPN => {
                let mut names = data.block16()?;
                while !names.is_empty() {
                    self.alpn.push(names.block8()?.0.to_vec());
                }
            }
            _ => {}
        }
        Some(())
    }
}

/// What stands behind a server's hello, its fixed fields, and its extensions.
type Fixed<'a> = (&'a [u8], ServerHello, Option<&'a [u8]>);

impl ServerHello {
    /// Reads the body of a ServerHello (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3).
    pub fn read(body: &[u8], flaws: &mut Vec<Flaw>) -> Result<Self, Flaw> {
        if let &[high @ (0xFE | 1), low, ..] = body {
            return Self::read_datagram(u16::from_be_bytes([high, low]), body, flaws);
        }
        // Drafts 18 to 21 of TLS 1.3 have neither session id nor compression.
        let draft = matches!(body, [0x7F, ..]);
        let (rest, mut out, ext) = if draft { Self::read_draft(body)? } else { Self::read_final(body)? };
        let extensions = block(body, rest, ext, flaws);
        each(body, extensions, flaws, |kind, data| {
            out.extensions.push(kind);
            out.extension(kind, data)
        });
        Ok(out)
    }

    /// DTLS's differs by its version's number only (RFC 6347 section 4.2.1).
    fn read_datagram(version: u16, body: &[u8], flaws: &mut Vec<Flaw>) -> Result<Self, Flaw> {
        let stream: Vec<u8> = [3, 3].iter().chain(body.iter().skip(2)).copied().collect();
        let mut out = Self::read(&stream, flaws)?;
        if out.version == 0x0303 {
            out.version = version;
        }
        Ok(out)
    }

    fn read_final(body: &[u8]) -> Result<Fixed<'_>, Flaw> {
        let (rest, hello) = tls_parser::parse_tls_handshake_server_hello(body).map_err(|e| flaw(body, &e))?;
        let out = Self {
            version: hello.version.0,
            session_id: hello.session_id.unwrap_or_default().to_vec(),
            cipher: hello.cipher.0,
            retry: hello.random == RETRY,
            ..Self::default()
        };
        Ok((rest, out, hello.ext))
    }

    fn read_draft(body: &[u8]) -> Result<Fixed<'_>, Flaw> {
        let read = || {
            let mut at = Reader(body);
            let version = at.u16()?;
            at.take(32)?;
            let cipher = at.u16()?;
            let ext = at.block16();
            Some((at.0, Self { version, cipher, ..Self::default() }, ext.map(|e| e.0)))
        };
        read().ok_or(Flaw { offset: body.len(), reason: "the message ends early" })
    }

    fn extension(&mut self, kind: u16, mut data: Reader<'_>) -> Option<()> {
        match kind {
            extension::SUPPORTED_VERSIONS => self.version = data.u16()?,
            extension::ALPN => self.alpn = Some(data.block16()?.block8()?.0.to_vec()),
            extension::PRE_SHARED_KEY => self.psk = true,
            _ => {}
        }
        Some(())
    }
}

/// The extensions' block; what stands behind a hello without a whole one is a flaw.
fn block<'a>(body: &[u8], rest: &[u8], ext: Option<&'a [u8]>, flaws: &mut Vec<Flaw>) -> &'a [u8] {
    if !rest.is_empty() {
        let reason =
            if ext.is_none() { "the extensions' length exceeds the message" } else { "bytes behind the extensions" };
        flaws.push(Flaw { offset: body.len() - rest.len().min(body.len()), reason });
    }
    ext.unwrap_or_default()
}

/// Calls `read` for each extension; one that is flawed is noted, one whose length is wrong ends the list.
fn each(body: &[u8], extensions: &[u8], flaws: &mut Vec<Flaw>, mut read: impl FnMut(u16, Reader<'_>) -> Option<()>) {
    let mut rest = Reader(extensions);
    while !rest.is_empty() {
        let offset = body.len() - rest.len().min(body.len());
        let Some((kind, data)) = rest.u16().zip(rest.block16()) else {
            flaws.push(Flaw { offset, reason: "an extension's length exceeds the list of extensions" });
            return;
        };
        if read(kind, data).is_none() {
            flaws.push(Flaw { offset, reason: "an extension's inner lengths do not fit it" });
        }
    }
}

fn numbers(mut list: Reader<'_>, out: &mut Vec<u16>) -> Option<()> {
    while !list.is_empty() {
        out.push(list.u16()?);
    }
    Some(())
}

fn flaw(body: &[u8], error: &nom::Err<nom::error::Error<&[u8]>>) -> Flaw {
    match error {
        nom::Err::Incomplete(_) => Flaw { offset: body.len(), reason: "the message ends early" },
        nom::Err::Error(e) | nom::Err::Failure(e) => Flaw {
            offset: body.len() - e.input.len().min(body.len()),
            reason: match e.code {
                nom::error::ErrorKind::Verify => "the session id is longer than 32 bytes",
                nom::error::ErrorKind::Tag => "a version that no hello has",
                _ => "a length does not fit the message",
            },
        },
    }
}
