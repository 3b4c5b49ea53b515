//! Calls and replies of NFS version 3 (RFC 1813) in ONC RPC (RFC 5531) as far as files need them. All numbers are
//! big-endian, texts and opaque data stand behind their length and are filled up to four octets (XDR, RFC 4506).

pub const LOOKUP: u32 = 3;
pub const READ: u32 = 6;
pub const WRITE: u32 = 7;
pub const CREATE: u32 = 8;
const NFS: u32 = 100_003;

/// A file handle: 64 octets at most.
pub type Handle = Vec<u8>;

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// LOOKUP and CREATE: a name in a directory.
    Name(Handle, String),
    /// READ: from this place on.
    Read(Handle, u64),
    /// WRITE: at this place so many octets, which begin so far behind the message's start.
    Write(Handle, u64, u64, usize),
    /// Something else.
    Other,
}

/// What a reply gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A handle for the name that was asked for.
    Handle(Handle),
    /// Octets: how many, where they begin, whether the file ends with them, and its length (0: not said).
    Data { length: u64, start: usize, last: bool, size: u64 },
}

struct Xdr<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Xdr<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(n)?)?;
        self.at += n;
        Some(taken)
    }

    fn word(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|b| u32::from_be_bytes(*b))
    }

    fn long(&mut self) -> Option<u64> {
        self.take(8)?.first_chunk().map(|b| u64::from_be_bytes(*b))
    }

    fn opaque(&mut self, most: usize) -> Option<&'a [u8]> {
        let length = usize::try_from(self.word()?).ok().filter(|&n| n <= most)?;
        self.take(length.next_multiple_of(4))?.get(..length)
    }

    /// Attributes that may follow (`post_op_attr`, RFC 1813 section 2.6); gives the file's length.
    fn attributes(&mut self) -> Option<u64> {
        if self.word()? == 0 {
            return Some(0);
        }
        self.take(84)?.get(20..)?.first_chunk().map(|b| u64::from_be_bytes(*b))
    }
}

/// Transaction id, and whether it is a reply.
pub fn head(message: &[u8]) -> Option<(u32, bool)> {
    let mut r = Xdr { bytes: message, at: 0 };
    let (id, kind) = (r.word()?, r.word()?);
    (kind < 2).then_some((id, kind == 1))
}

/// Whether this may be the start of a message of NFS: what one goes on with after a hole.
pub fn plausible(message: &[u8]) -> bool {
    let mut r = Xdr { bytes: message, at: 4 };
    match (r.word(), r.word(), r.word()) {
        (Some(0), Some(2), Some(NFS)) => true,
        (Some(1), Some(0), Some(flavor)) => flavor < 8,
        _ => false,
    }
}

/// A call of NFS version 3: `xid | 0 | rpc version 2 | program | version | procedure | credential | verifier | arguments`.
pub fn call(message: &[u8]) -> Option<(u32, Asked)> {
    let mut r = Xdr { bytes: message, at: 8 };
    let (rpc, program, version, procedure) = (r.word()?, r.word()?, r.word()?, r.word()?);
    if (rpc, program, version) != (2, NFS, 3) {
        return None;
    }
    for _ in 0..2 {
        r.word()?;
        r.opaque(400)?;
    }
    let asked = match procedure {
        LOOKUP | CREATE => Asked::Name(r.opaque(64)?.to_vec(), String::from_utf8_lossy(r.opaque(255)?).into_owned()),
        READ => Asked::Read(r.opaque(64)?.to_vec(), r.long()?),
        WRITE => {
            let (handle, at) = (r.opaque(64)?.to_vec(), r.long()?);
            r.take(8)?; // count, stable
            let length = r.word()?.into();
            Asked::Write(handle, at, length, r.at)
        }
        _ => Asked::Other,
    };
    Some((procedure, asked))
}

/// A reply that was accepted and succeeded: `xid | 1 | 0 | verifier | 0 | status 0 | results`.
pub fn reply(message: &[u8], procedure: u32) -> Option<Told> {
    let mut r = Xdr { bytes: message, at: 8 };
    if r.word()? != 0 {
        return None;
    }
    r.word()?;
    r.opaque(400)?;
    if (r.word()?, r.word()?) != (0, 0) {
        return None;
    }
    match procedure {
        LOOKUP => Some(Told::Handle(r.opaque(64)?.to_vec())),
        // The handle may be left out.
        CREATE if r.word()? == 1 => Some(Told::Handle(r.opaque(64)?.to_vec())),
        READ => {
            let size = r.attributes()?;
            r.word()?;
            let last = r.word()? == 1;
            let length = r.word()?.into();
            Some(Told::Data { length, start: r.at, last, size })
        }
        _ => None,
    }
}
