//! Members of a ZIP archive as they pass (APPNOTE 4.3.7): what is deflated is inflated for those who look for imports.
//!
//! Members that are stored without a length in front of them (PyTorch writes some so) are looked at as they stand, and
//! so is all that follows them.

use flate2::{Decompress, FlushDecompress, Status};

use super::pickle::Scan;

/// Octets of a local header.
const HEADER: usize = 30;
const PIECE: usize = 16_384;
/// Octets that the members of one archive may inflate to; beyond it they are looked at as they stand.
const MOST: u64 = 1 << 30;

#[derive(Debug, Default)]
enum State {
    /// Between members: so much of the next header is there.
    #[default]
    Header,
    Stored(u64),
    Deflated(Box<Decompress>),
    /// Nobody knows where members begin.
    Raw,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Unzip {
    state: State,
    header: Vec<u8>,
    out: u64,
}

impl Unzip {
    /// The next bytes of the archive.
    pub fn bytes(&mut self, mut bytes: &[u8], scan: &mut Scan) {
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::Raw => {
                    scan.bytes(bytes);
                    return;
                }
                State::Stored(left) => {
                    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    scan.bytes(bytes.get(..n).unwrap_or_default());
                    *left -= n as u64;
                    if *left == 0 {
                        self.state = State::Header;
                    }
                    n
                }
                State::Deflated(_) => self.inflate(bytes, scan),
                State::Header => self.header(bytes),
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Takes one byte of a header or of what stands in front of it (data descriptors), or as many as it lacks.
    fn header(&mut self, bytes: &[u8]) -> usize {
        let word =
            |at: usize| self.header.get(at..at + 2).and_then(<[u8]>::first_chunk).map(|b| u16::from_le_bytes(*b));
        let names = word(26).zip(word(28)).map(|(name, extra)| usize::from(name) + usize::from(extra));
        let wanted = HEADER + names.unwrap_or(0);
        if self.header.len() < 4 {
            let first = bytes.first().copied().unwrap_or_default();
            self.header.push(first);
            if !b"PK\x03\x04".starts_with(&self.header) {
                self.header.clear();
                if first == b'P' {
                    self.header.push(first);
                }
            }
            return 1;
        }
        let n = (wanted - self.header.len()).min(bytes.len());
        self.header.extend_from_slice(bytes.get(..n).unwrap_or_default());
        if self.header.len() >= HEADER {
            self.member();
        }
        n
    }

    /// The header's fixed part is there: once its names are too, the member begins.
    fn member(&mut self) {
        let Some(header) = self.header.first_chunk::<HEADER>() else { return };
        let word = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let size = u32::from_le_bytes([header[18], header[19], header[20], header[21]]);
        if self.header.len() < HEADER + usize::from(word(26)) + usize::from(word(28)) {
            return;
        }
        let behind = word(6) & 8 != 0;
        self.state = match (word(8), size) {
            (8, _) => State::Deflated(Box::new(Decompress::new(false))),
            (_, 0) if !behind => State::Header,
            (_, 0 | u32::MAX) => State::Raw,
            (_, size) => State::Stored(size.into()),
        };
        self.header.clear();
    }

    fn inflate(&mut self, bytes: &[u8], scan: &mut Scan) -> usize {
        let State::Deflated(inflate) = &mut self.state else { return bytes.len() };
        let mut buffer = [0; PIECE];
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let done = inflate.decompress(bytes, &mut buffer, FlushDecompress::None);
        let taken = usize::try_from(inflate.total_in() - read).unwrap_or(0);
        let made = usize::try_from(inflate.total_out() - written).unwrap_or(0);
        scan.bytes(buffer.get(..made).unwrap_or_default());
        self.out += made as u64;
        match done {
            Ok(Status::StreamEnd) => self.state = State::Header,
            Ok(_) if self.out <= MOST && (taken > 0 || made > 0) => {}
            _ => self.state = State::Raw,
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A member whose content is deflated in one stored block of deflate, its sizes in front or behind.
    fn member(name: &str, content: &[u8], behind: bool) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap_or(0);
        let mut deflated = vec![1];
        deflated.extend(length.to_le_bytes());
        deflated.extend((!length).to_le_bytes());
        deflated.extend(content);
        let size = if behind { 0 } else { u32::from(length) + 5 };
        let mut out = b"PK\x03\x04\x14\0".to_vec();
        out.extend([if behind { 8 } else { 0 }, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend(size.to_le_bytes());
        out.extend(size.to_le_bytes());
        out.extend([u8::try_from(name.len()).unwrap_or(0), 0, 0, 0]);
        out.extend(name.as_bytes());
        out.extend(deflated);
        if behind {
            out.extend(b"PK\x07\x08\0\0\0\0\0\0\0\0\0\0\0\0");
        }
        out
    }

    #[test]
    fn imports_in_deflated_members_are_found_however_the_bytes_come() {
        let load = b"\x80\x02cposix\nsystem\nq\x00.";
        for behind in [false, true] {
            let archive = [member("a", b"readme", behind), member("data.pkl", load, behind)].concat();
            for cut in [1, 5, 1_000] {
                let (mut unzip, mut scan) = (Unzip::default(), Scan::default());
                archive.chunks(cut).for_each(|piece| unzip.bytes(piece, &mut scan));
                assert_eq!(scan.found(), ["posix.system"], "cut {cut}, behind {behind}");
            }
        }
    }

    #[test]
    fn broken_members_are_looked_at_as_they_stand() {
        let mut broken = member("a", b"x", false);
        broken.truncate(31);
        broken.extend(b"\xff\xff\xff\x80\x02cposix\nsystem\n.");
        let (mut unzip, mut scan) = (Unzip::default(), Scan::default());
        unzip.bytes(&broken, &mut scan);
        assert_eq!(scan.found(), ["posix.system"]);
    }
}
