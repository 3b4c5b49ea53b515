//! Bytes of a capture, decompressed, in large blocks that records are parsed in.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::error::{Error, reason};

/// Bytes of a stream that name it; a file is named by all its bytes.
const STREAM_ID_BYTES: usize = 64 * 1024;
/// Bytes of a file that are hashed, and of compressed input that is read, at once: they stay in the second-level cache.
const INPUT_BYTES: usize = 256 * 1024;

type Input = Box<dyn Read + Send>;

/// A block of the capture's content and where it comes from.
pub(crate) struct Source {
    input: Input,
    block: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `block[0]` in the (decompressed) content.
    base: u64,
    ended: bool,
    fault: Option<String>,
    /// A file that is not compressed: any place of it can be gone to.
    plain: Option<PathBuf>,
    taken: Arc<AtomicU64>,
}

/// A file, and how many of its bytes were read.
struct Counted(File, Arc<AtomicU64>);

impl Read for Counted {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(room)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// What opening a capture gives.
pub(crate) struct Opened {
    pub source: Source,
    pub id: String,
    pub compression: &'static str,
}

/// The identity of a file: the XXH3-128 of its content, compressed as it is, as 32 hexadecimal digits.
///
/// # Errors
/// When the file cannot be opened or read. A pipe or device is not read: its bytes come only once.
pub fn identity(path: &Path) -> Result<String, Error> {
    let name = path.display().to_string();
    let fail = |source| Error::Unreadable { path: name.clone(), source };
    let mut file = File::open(path).map_err(fail)?;
    let kind = file.metadata().map_err(fail)?;
    if kind.is_dir() {
        return Err(Error::Directory { path: name });
    }
    if !kind.is_file() {
        return Err(fail(io::Error::new(io::ErrorKind::Unsupported, "a pipe has no identity before it is read")));
    }
    let mut hash = Xxh3::new();
    let mut block = vec![0; INPUT_BYTES];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hex(hash.digest128())),
            Ok(n) => hash.update(block.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(fail(e)),
        }
    }
}

/// Whether a path names bytes that come only once: stdin, a pipe, a device.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-" || path.metadata().is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// The identity of a capture whose times are shifted.
pub(crate) fn shifted(id: &str, shift: i64) -> String {
    if shift == 0 { id.to_owned() } else { hex(xxh3_128(format!("{id}{shift:+}").as_bytes())) }
}

fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}

impl Source {
    /// Opens a file, pipe or stdin. `known` is the identity where it was computed before.
    pub fn open(path: &Path, known: Option<String>, block_bytes: usize) -> Result<Opened, Error> {
        let name = path.display().to_string();
        let fail = |source| Error::Unreadable { path: name.clone(), source };
        let stream = is_stream(path);
        let taken = Arc::<AtomicU64>::default();
        let mut input: Input = if path.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            let file = File::open(path).map_err(fail)?;
            if file.metadata().map_err(fail)?.is_dir() {
                return Err(Error::Directory { path: name });
            }
            Box::new(Counted(file, Arc::clone(&taken)))
        };
        let mut head = Vec::new();
        let head_bytes = if stream { STREAM_ID_BYTES } else { 16 };
        input.by_ref().take(head_bytes as u64).read_to_end(&mut head).map_err(fail)?;
        if head.is_empty() {
            return Err(Error::Empty { path: name });
        }
        let id = match known {
            Some(id) => id,
            None if stream => hex(xxh3_128(&head)),
            None => identity(path)?,
        };
        let (input, compression) = decompressed(head, input).map_err(fail)?;
        let block = vec![0; block_bytes];
        let plain = (!stream && compression.is_empty()).then(|| path.to_owned());
        Ok(Opened {
            source: Self { input, block, start: 0, end: 0, base: 0, ended: false, fault: None, plain, taken },
            id,
            compression,
        })
    }

    /// Whether at least `n` bytes are there, after reading as many blocks as that takes.
    #[inline]
    pub fn ensure(&mut self, n: usize) -> bool {
        self.end - self.start >= n || self.fill(n)
    }

    #[cold]
    fn fill(&mut self, n: usize) -> bool {
        self.block.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.block.len() < n {
            self.block.resize(n, 0);
        }
        while self.end < n && !self.ended {
            let Some(room) = self.block.get_mut(self.end..) else { break };
            match self.input.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.ended = true;
                    self.fault = Some(reason(&e));
                }
            }
        }
        self.end >= n
    }

    /// The bytes that are there and not yet taken.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.block.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes `n` bytes (of those that are there) and gives their place in the block: it holds until the next `ensure`.
    #[inline]
    pub fn take(&mut self, n: usize) -> usize {
        let at = self.start;
        self.start = (self.start + n).min(self.end);
        at
    }

    /// Bytes at a place of the block.
    #[inline]
    pub fn at(&self, place: usize, n: usize) -> &[u8] {
        self.block.get(place..place.saturating_add(n)).unwrap_or_default()
    }

    /// Skips `n` bytes without keeping them; false when the content ends before.
    pub fn skip(&mut self, mut n: u64) -> bool {
        loop {
            let have = (self.end - self.start) as u64;
            if n <= have {
                self.take(usize::try_from(n).unwrap_or(0));
                return true;
            }
            n -= have;
            self.start = self.end;
            if !self.ensure(1) {
                return false;
            }
        }
    }

    /// Goes to a place of the content; of a compressed one only forward, through everything before it. False: it ends
    /// before.
    pub fn go_to(&mut self, offset: u64) -> io::Result<bool> {
        let Some(path) = &self.plain else {
            return Ok(offset >= self.offset() && self.skip(offset - self.offset()));
        };
        let mut file = File::open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(offset))?;
        self.input = Box::new(Counted(file, Arc::clone(&self.taken)));
        (self.start, self.end, self.base, self.ended, self.fault) = (0, 0, offset, false, None);
        Ok(offset <= length)
    }

    /// Bytes read of the file, compressed as it is.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Offset of the next byte in the content.
    pub fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Why the content ended, when it was not by its end: a damaged or cut compression, a failing disk.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

/// Chooses the decompression by the first bytes, whatever the file is called.
fn decompressed(head: Vec<u8>, input: Input) -> io::Result<(Input, &'static str)> {
    let magic = head.get(..4).map_or([0; 4], |m| [m[0], m[1], m[2], m[3]]);
    let raw = Cursor::new(head).chain(input);
    Ok(match magic {
        // RFC 1952, 2.3.1; several members end to end are one content (2.2).
        [0x1f, 0x8b, ..] => {
            (Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(INPUT_BYTES, raw))), "gzip")
        }
        // RFC 8878, 3.1: a Zstandard frame, or a skippable frame before it.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            (Box::new(zstd::stream::read::Decoder::new(raw)?), "zstd")
        }
        _ => (Box::new(raw), ""),
    })
}
