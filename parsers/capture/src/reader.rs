//! One capture, whatever its format.

use std::path::Path;

use wire::dissect::{Frame, Nanos};

use crate::error::Error;
use crate::pcap::{FILE_HEADER, Pcap};
use crate::pcapng::Pcapng;
use crate::source::{Opened, Source};

/// Bytes of a block: large enough that a read call costs nothing a packet, small enough to stay in the second-level
/// cache beside flows and tables.
pub(crate) const BLOCK: usize = 128 * 1024;
/// Bytes of a block when only a file's first packet is wanted.
pub(crate) const PEEK: usize = 16 * 1024;

/// A packet, borrowed from the block it was read in.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Nanoseconds since the epoch, UTC.
    pub ts: Nanos,
    /// Capture and frame number, counted as Wireshark counts.
    pub frame: Frame,
    /// LINKTYPE_ value of tcpdump.org.
    pub link: u16,
    /// Bytes on the wire.
    pub orig_len: u32,
    /// Bytes captured.
    pub data: &'a [u8],
    /// Where its record begins in the (decompressed) content.
    pub offset: u64,
}

/// Where reading begins in the middle of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// Where a packet's record begins; 0: at the start of the file, whatever frame that is.
    pub offset: u64,
    /// That packet's frame number.
    pub frame: u64,
    /// Of pcapng: where the blocks begin that describe it, in the order of the file.
    pub prelude: Vec<u64>,
}

/// What is known of a capture so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The file as it was named; `-` is stdin.
    pub path: String,
    /// XXH3-128 of the file as it is (stdin and pipes: of their first 64 KiB), 32 hexadecimal digits.
    pub id: String,
    /// `pcap`, `pcap ns`, `pcap modified`, `pcapng`; empty before the file was opened.
    pub format: &'static str,
    /// `gzip`, `zstd`, or empty.
    pub compression: &'static str,
    /// Bytes of the (decompressed) content read so far.
    pub bytes: u64,
    /// Packets so far.
    pub packets: u64,
    /// Bytes of the packets captured so far.
    pub packet_bytes: u64,
    /// Time of the first packet in the file; 0 while there is none.
    pub first_ts: Nanos,
    /// Earliest time of a packet so far.
    pub least_ts: Nanos,
    /// Latest time of a packet so far.
    pub last_ts: Nanos,
    /// Packets of which not all bytes were captured.
    pub truncated_packets: u64,
    /// pcapng blocks that were skipped: unknown, too long or damaged.
    pub skipped_blocks: u64,
    /// Records without a packet (custom and journal blocks) that Wireshark numbers as frames.
    pub other_frames: u64,
    /// Packets that the capturing machine says it lost (pcapng interface statistics).
    pub dropped: u64,
    /// Nanoseconds added to the times of its packets.
    pub shift: Nanos,
    /// Link types of its packets, in the order of first sight.
    pub links: Vec<u16>,
}

/// Link types told of one capture; who writes more plays games.
const LINKS: usize = 32;

/// A record's place in the block.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub ts: Nanos,
    pub link: u16,
    pub orig_len: u32,
    pub at: usize,
    pub len: usize,
    pub start: u64,
}

/// What a format's reader found next.
pub(crate) enum Next {
    Packet(Record),
    /// The content ends where a record may.
    End,
    /// The content ends, or cannot be followed, within a record.
    Broken(String),
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// One capture.
pub struct Reader {
    source: Source,
    format: Format,
    facts: Facts,
    capture: u16,
    done: bool,
    warning: Option<String>,
    link: Option<u16>,
}

impl Reader {
    /// Opens a capture; `capture` is the index that its frames carry. `-` is stdin.
    ///
    /// # Errors
    /// When the file cannot be read or is no capture.
    pub fn open(path: &Path, capture: u16) -> Result<Self, Error> {
        Self::open_known(path, capture, None, BLOCK)
    }

    pub(crate) fn open_known(path: &Path, capture: u16, id: Option<String>, block: usize) -> Result<Self, Error> {
        let Opened { mut source, id, compression } = Source::open(path, id, block)?;
        let name = path.display().to_string();
        source.ensure(FILE_HEADER.max(28));
        let head = source.bytes();
        let (format, shown) = if let Some((pcap, shown)) = Pcap::open(head) {
            if head.len() < FILE_HEADER {
                return Err(Error::HeaderCut { path: name, bytes: head.len() });
            }
            source.take(FILE_HEADER);
            (Format::Pcap(pcap), shown)
        } else if head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            if head.len() < 28 {
                return Err(Error::HeaderCut { path: name, bytes: head.len() });
            }
            (Format::Pcapng(Pcapng::default()), "pcapng")
        } else {
            let found = looks_like(head, compression, source.fault());
            return Err(Error::NoCapture { path: name, found });
        };
        let facts = Facts { path: name, id, format: shown, compression, ..Facts::default() };
        Ok(Self { source, format, facts, capture, done: false, warning: None, link: None })
    }

    /// Begins in the middle of a capture, of which nothing but the packets from there on is known then. `shift`:
    /// nanoseconds to add to their times. `None`: there is no such place in it.
    ///
    /// # Errors
    /// When the file cannot be read or is no capture.
    pub fn open_at(path: &Path, capture: u16, start: &Start, shift: Nanos) -> Result<Option<Self>, Error> {
        let mut reader = Self::open_known(path, capture, Some(String::new()), BLOCK)?;
        reader.facts.shift = shift;
        if start.offset == 0 {
            return Ok(Some(reader));
        }
        let fail = |source| Error::Unreadable { path: path.display().to_string(), source };
        if let Format::Pcapng(pcapng) = &mut reader.format {
            for &at in &start.prelude {
                if !reader.source.go_to(at).map_err(fail)?
                    || !pcapng.read_prelude(&mut reader.source, &mut reader.facts)
                {
                    return Ok(None);
                }
            }
        }
        reader.facts.packets = start.frame.saturating_sub(1);
        Ok(reader.source.go_to(start.offset).map_err(fail)?.then_some(reader))
    }

    /// Adds so much to the times of all packets. It is another capture then: its identity tells.
    pub(crate) fn shift(&mut self, shift: Nanos) {
        self.facts.shift = shift;
        self.facts.id = crate::source::shifted(&self.facts.id, shift);
    }

    /// Shifts as it was when the same file was opened before, whose identity stays.
    pub(crate) fn shifted_as(&mut self, before: &Facts) {
        self.facts.shift = before.shift;
    }

    /// See [`Start::prelude`]; `None`: reading can only begin at the start of the file.
    #[must_use]
    pub fn prelude(&self) -> Option<&[u64]> {
        match &self.format {
            Format::Pcap(_) => Some(&[]),
            Format::Pcapng(pcapng) => pcapng.prelude(),
        }
    }

    /// Bytes read of the file, compressed as it is.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.source.taken()
    }

    /// The next packet; `None` at the end, after which [`warning`](Self::warning) says whether the file was whole.
    #[inline]
    #[allow(clippy::should_implement_trait)] // an iterator's items cannot borrow from the iterator
    pub fn next(&mut self) -> Option<Packet<'_>> {
        let record = self.advance()?;
        Some(self.packet(record))
    }

    /// Reads the next record and stays at it.
    #[inline]
    pub(crate) fn advance(&mut self) -> Option<Record> {
        if self.done {
            return None;
        }
        let next = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.source),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.source, &mut self.facts, &mut self.warning),
        };
        self.facts.bytes = self.source.offset();
        let Next::Packet(mut record) = next else {
            self.end(next);
            return None;
        };
        let facts = &mut self.facts;
        record.ts = record.ts.saturating_add(facts.shift);
        if facts.packets == 0 {
            facts.first_ts = record.ts;
            facts.least_ts = record.ts;
            facts.last_ts = record.ts;
        }
        if self.link != Some(record.link) {
            self.link = Some(record.link);
            if facts.links.len() < LINKS && !facts.links.contains(&record.link) {
                facts.links.push(record.link);
            }
        }
        facts.packets += 1;
        facts.packet_bytes += record.len as u64;
        facts.least_ts = facts.least_ts.min(record.ts);
        facts.last_ts = facts.last_ts.max(record.ts);
        facts.truncated_packets += u64::from((record.len as u64) < u64::from(record.orig_len));
        Some(record)
    }

    /// The packet of the record that [`advance`](Self::advance) gave last.
    #[inline]
    pub(crate) fn packet(&self, record: Record) -> Packet<'_> {
        Packet {
            ts: record.ts,
            frame: Frame::new(self.capture, self.facts.packets + self.facts.other_frames),
            link: record.link,
            orig_len: record.orig_len,
            data: self.source.at(record.at, record.len),
            offset: record.start,
        }
    }

    #[cold]
    fn end(&mut self, next: Next) {
        self.done = true;
        let cause =
            self.source.fault().map(|fault| format!(" ({} of the file: {fault})", self.compression_or("reading")));
        let what = match (next, &cause) {
            (Next::Broken(what), _) => what,
            (_, Some(_)) => "the rest cannot be read".to_owned(),
            _ => return,
        };
        let text = format!(
            "{}: breaks off at byte {} of its content: {what}{}; the {} packets before it were read",
            self.facts.path,
            self.source.offset(),
            cause.unwrap_or_default(),
            self.facts.packets
        );
        self.warning = Some(match self.warning.take() {
            Some(before) => format!("{before}; {text}"),
            None => text,
        });
    }

    fn compression_or(&self, plain: &'static str) -> &'static str {
        if self.facts.compression.is_empty() { plain } else { self.facts.compression }
    }

    /// What was wrong with the file, once that is known.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// What is known of the capture so far.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// What a file that is no capture looks like, in a few words.
fn looks_like(head: &[u8], compression: &str, fault: Option<&str>) -> String {
    if let Some(fault) = fault.filter(|_| head.is_empty()) {
        return format!("its {compression} compression is damaged: {fault}");
    }
    let known: [(&[u8], &str); 9] = [
        (b"snoop\0\0\0", "a snoop file"),
        (b"GMBU", "a Microsoft Network Monitor file"),
        (b"RTSS", "a Microsoft Network Monitor file"),
        (b"PK\x03\x04", "a zip archive: unpack it first"),
        (b"BZh", "compressed with bzip2: unpack it first"),
        (b"\xfd7zXZ", "compressed with xz: unpack it first"),
        (b"\x04\x22\x4d\x18", "compressed with lz4: unpack it first"),
        (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
        (b"version https://git-lfs", "a Git LFS pointer: fetch the file itself"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_owned();
    }
    let start: Vec<String> = head.iter().take(4).map(|b| format!("{b:02x}")).collect();
    match start.is_empty() {
        true => "there is nothing in it".to_owned(),
        false => format!("it starts with {}", start.join(" ")),
    }
}
