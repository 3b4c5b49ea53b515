//! Files over SMB 2 and 3 that are not encrypted: reads and writes of a handle, put in order, until it is closed.

use hashbrown::HashMap;

use super::Follow;
use super::placed::Placed;
use super::smb_messages::{self as messages, CLOSE, CREATE, FileId, HEADER, Header, READ, WRITE};
use crate::dissect::{Cx, Dir};

/// Octets of a message that are kept: enough for a header and a name, not for data, which pass by.
const KEPT: usize = HEADER + 4_096;
/// Handles and requests of a connection that are remembered.
const MOST: usize = 1_024;

type Map<K, V> = HashMap<K, V, crate::seed::Seeded>;

/// One direction: a message after its length (RFC 1002: type 0, length in 24 bits).
#[derive(Debug, Default)]
struct Side {
    prefix: Vec<u8>,
    left: u64,
    kept: Vec<u8>,
    data: Option<Passing>,
    lost: bool,
}

/// Data of a read or write that pass by.
#[derive(Debug)]
struct Passing {
    file: FileId,
    at: u64,
    /// Octets of the message in front of the data.
    skip: u64,
    left: u64,
    upload: bool,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Smb {
    sides: [Side; 2],
    creating: Map<u64, String>,
    reading: Map<u64, (FileId, u64)>,
    files: Map<FileId, Placed>,
    over: bool,
}

impl Follow for Smb {
    fn bytes(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.over {
            rest = self.step(cx, dir, rest);
        }
    }

    fn gap(&mut self, _cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        let side = &mut self.sides[dir.index()];
        // A hole within data that pass by is a hole in the file; the message's end is still known.
        match &mut side.data {
            Some(data) if missing > 0 && data.skip == 0 && missing <= data.left && missing <= side.left => {
                data.left -= missing;
                data.at += missing;
                side.left -= missing;
            }
            _ => *side = Side { lost: true, ..Side::default() },
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        let mut files: Vec<(FileId, Placed)> = self.files.drain().collect();
        files.sort_by_key(|(id, _)| *id);
        for (_, file) in files {
            file.finish(cx);
        }
    }
}

impl Smb {
    fn step<'a>(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &'a [u8]) -> &'a [u8] {
        let side = &mut self.sides[dir.index()];
        if side.lost {
            // Messages begin where segments do often enough.
            if !matches!(bytes, [0, _, _, _, 0xFE, b'S', b'M', b'B', ..]) {
                return &[];
            }
            side.lost = false;
        }
        if side.left == 0 {
            let wanted = 4 - side.prefix.len();
            let (mine, rest) = bytes.split_at(wanted.min(bytes.len()));
            side.prefix.extend_from_slice(mine);
            if let &[kind, a, b, c] = side.prefix.as_slice() {
                side.prefix.clear();
                side.kept.clear();
                side.data = None;
                side.left = if kind == 0 { u64::from(u32::from_be_bytes([0, a, b, c])) } else { 0 };
                side.lost = !matches!(kind, 0 | 0x85);
            }
            return rest;
        }
        let n = usize::try_from(side.left).unwrap_or(usize::MAX).min(bytes.len());
        let (mine, rest) = bytes.split_at(n);
        side.left -= n as u64;
        if side.data.is_some() {
            self.pass(cx, dir, mine);
        } else {
            self.keep(cx, dir, mine);
        }
        rest
    }

    /// Collects a message's start; when data follow that need not be kept, they pass by.
    fn keep(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        let side = &mut self.sides[dir.index()];
        side.kept.extend_from_slice(bytes);
        let whole = side.left == 0;
        if !whole && side.kept.len() < KEPT {
            return;
        }
        let message = std::mem::take(&mut side.kept);
        if message.starts_with(b"\xfdSMB") {
            self.over = true; // encrypted from here on
            return;
        }
        let mut at = 0;
        while let Some(part) = message.get(at..)
            && let Some(header) = messages::header(part)
        {
            let end = if header.next == 0 { part.len() } else { header.next.min(part.len()) };
            let one = part.get(..end).unwrap_or_default();
            self.message(cx, dir, header, one, header.next == 0 && !whole);
            if header.next < HEADER {
                break;
            }
            at += header.next;
        }
    }

    fn message(&mut self, cx: &mut Cx<'_>, dir: Dir, header: Header, bytes: &[u8], goes_on: bool) {
        let failed = header.status & 0xC000_0000 == 0xC000_0000;
        match (header.command, header.response) {
            (CREATE, false) => {
                if let Some(name) = messages::created_name(bytes).filter(|_| self.creating.len() < MOST) {
                    self.creating.insert(header.message, name);
                }
            }
            (CREATE, true) => {
                let path = self.creating.remove(&header.message).unwrap_or_default();
                if let Some(id) = messages::created_id(bytes).filter(|_| !failed) {
                    if self.files.len() >= MOST {
                        cx.rows.files_cut += 1;
                        return;
                    }
                    let length = messages::created_length(bytes).unwrap_or(0);
                    self.files.insert(id, Placed::new(path, length));
                }
            }
            (CLOSE, false) => {
                if let Some(file) = messages::closed_id(bytes).and_then(|id| self.files.remove(&id)) {
                    file.finish(cx);
                }
            }
            (READ, false) => {
                if let Some(read) = messages::read_of(bytes).filter(|_| self.reading.len() < MOST) {
                    self.reading.insert(header.message, read);
                }
            }
            (READ, true) => {
                let Some((file, at)) = self.reading.remove(&header.message).filter(|_| !failed) else { return };
                if let Some((start, length)) = messages::read_data(bytes) {
                    self.begin(
                        cx,
                        dir,
                        Passing { file, at, skip: 0, left: length, upload: false },
                        start,
                        bytes,
                        goes_on,
                    );
                }
            }
            (WRITE, false) => {
                if let Some((file, at, start, length)) = messages::written(bytes) {
                    self.begin(
                        cx,
                        dir,
                        Passing { file, at, skip: 0, left: length, upload: true },
                        start,
                        bytes,
                        goes_on,
                    );
                }
            }
            _ => {}
        }
    }

    /// Data begin at `start` of the message, of which `bytes` are there.
    fn begin(&mut self, cx: &mut Cx<'_>, dir: Dir, mut data: Passing, start: usize, bytes: &[u8], goes_on: bool) {
        if start < HEADER {
            return;
        }
        let there = bytes.get(start.min(bytes.len())..).unwrap_or_default();
        data.skip = start.saturating_sub(bytes.len()) as u64;
        let side = &mut self.sides[dir.index()];
        side.data = Some(data);
        self.pass(cx, dir, there);
        if !goes_on {
            self.sides[dir.index()].data = None;
        }
    }

    fn pass(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        let Some(data) = &mut self.sides[dir.index()].data else { return };
        let skipped = usize::try_from(data.skip).unwrap_or(usize::MAX).min(bytes.len());
        data.skip -= skipped as u64;
        let rest = bytes.get(skipped..).unwrap_or_default();
        let n = usize::try_from(data.left).unwrap_or(usize::MAX).min(rest.len());
        let (mine, at, upload) = (rest.get(..n).unwrap_or_default(), data.at, data.upload);
        data.left -= n as u64;
        data.at += n as u64;
        let Some(file) = self.files.get_mut(&data.file) else { return };
        file.bytes(cx, "smb", upload, at, mine);
    }
}
