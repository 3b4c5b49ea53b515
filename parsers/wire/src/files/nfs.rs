//! Files over NFS version 3 on TCP: reads and writes of a handle, put in order. Version 4 and sealed sessions
//! (RPCSEC_GSS with privacy) are not read.
//!
//! A record is a message of ONC RPC, in fragments that begin with a mark (RFC 5531 section 11): a bit that says the
//! last one, and its length in 31 bits.
//!
//! NFS closes no file: a read ends with the file's last octet, anything else when nothing came for a while.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::Follow;
use super::nfs_messages::{Asked, Handle, Told, call, head, plausible, reply};
use super::placed::Placed;
use crate::dissect::{Cx, Dir, Nanos};

/// Octets of a record that are kept: credentials, a handle and a name; data pass by.
const KEPT: usize = 1_024;
/// Calls that wait, names of handles, and files of a connection; beyond it the oldest is forgotten, a file written
/// as cut.
const MOST: usize = 1_024;
/// A file of which nothing came for so long is over.
const PATIENCE: Nanos = 30_000_000_000;

type Map<K, V> = HashMap<K, V, crate::seed::Seeded>;

/// One direction: a fragment after its mark.
#[derive(Debug, Default)]
struct Side {
    mark: Vec<u8>,
    left: u64,
    /// Whether the fragment at hand is the record's last.
    last: bool,
    kept: Vec<u8>,
    /// Whether the record's head was read.
    read: bool,
    data: Option<Passing>,
    lost: bool,
}

/// Data of a read or write that pass by.
#[derive(Debug)]
struct Passing {
    file: (Handle, bool),
    at: u64,
    left: u64,
    /// The file ends with them.
    last: bool,
}

#[derive(Debug, Default)]
struct Open {
    file: Placed,
    touched: Nanos,
    /// Where it ends, once a read has come to that.
    ends: Option<u64>,
}

/// A map that forgets what it learnt first.
#[derive(Debug)]
struct Bounded<K, V> {
    map: Map<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self { map: Map::default(), order: VecDeque::new() }
    }
}

impl<K: std::hash::Hash + Eq + Clone, V> Bounded<K, V> {
    fn insert(&mut self, key: K, value: V) {
        // What was taken out since stands in the order still.
        while self.order.len() >= MOST {
            self.order.pop_front().and_then(|oldest| self.map.remove(&oldest));
        }
        if self.map.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
    }
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Nfs {
    sides: [Side; 2],
    asked: Bounded<u32, (u32, Asked)>,
    paths: Bounded<Handle, String>,
    files: Map<(Handle, bool), Open>,
}

impl Follow for Nfs {
    fn bytes(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.step(cx, dir, rest);
        }
    }

    fn gap(&mut self, _cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        let side = &mut self.sides[dir.index()];
        match &mut side.data {
            // A hole within data that pass by is a hole in the file; the record's end is still known.
            Some(data) if missing > 0 && missing <= data.left && missing <= side.left => {
                data.left -= missing;
                data.at += missing;
                side.left -= missing;
                side.settle();
            }
            _ => *side = Side { lost: true, ..Side::default() },
        }
    }

    fn waits(&self) -> bool {
        !self.files.is_empty()
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.finish(cx, |open| now.saturating_sub(open.touched) > PATIENCE);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.finish(cx, |_| true);
    }
}

impl Side {
    /// A fragment that is over: the record goes on with another, or is over too.
    fn settle(&mut self) {
        if self.left == 0 && self.last {
            self.kept.clear();
            self.read = false;
            self.data = None;
        }
    }
}

impl Nfs {
    fn step<'a>(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &'a [u8]) -> &'a [u8] {
        let side = &mut self.sides[dir.index()];
        if side.lost {
            // Records begin where segments do often enough.
            if !bytes.get(4..).is_some_and(plausible) {
                return &[];
            }
            side.lost = false;
        }
        if side.left == 0 {
            let (mine, rest) = bytes.split_at((4 - side.mark.len()).min(bytes.len()));
            side.mark.extend_from_slice(mine);
            if let Some(mark) = side.mark.first_chunk().map(|b| u32::from_be_bytes(*b)) {
                side.mark.clear();
                side.last = mark >> 31 == 1;
                side.left = u64::from(mark & 0x7FFF_FFFF);
                side.settle();
            }
            return rest;
        }
        let n = usize::try_from(side.left).unwrap_or(usize::MAX).min(bytes.len());
        let (mine, rest) = bytes.split_at(n);
        side.left -= n as u64;
        let whole = side.left == 0 && side.last;
        if side.read {
            self.pass(cx, dir, mine);
        } else {
            side.kept.extend_from_slice(mine);
            if whole || side.kept.len() >= KEPT {
                side.read = true;
                let record = std::mem::take(&mut side.kept);
                self.record(cx, dir, &record);
            }
        }
        if whole {
            self.sides[dir.index()].settle();
        }
        rest
    }

    /// The start of a record, or all of it.
    fn record(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Option<()> {
        let (id, answers) = head(bytes)?;
        let start = match (dir, answers) {
            (Dir::ToServer, false) => {
                let (procedure, asked) = call(bytes)?;
                let start = match &asked {
                    Asked::Write(handle, at, length, start) => {
                        let (file, at, left) = ((handle.clone(), true), *at, *length);
                        self.sides[dir.index()].data = Some(Passing { file, at, left, last: false });
                        Some(*start)
                    }
                    _ => None,
                };
                if !matches!(asked, Asked::Other | Asked::Write(..)) {
                    self.asked.insert(id, (procedure, asked));
                }
                start?
            }
            (Dir::ToClient, true) => {
                let (procedure, asked) = self.asked.map.remove(&id)?;
                match (reply(bytes, procedure)?, asked) {
                    (Told::Handle(handle), Asked::Name(folder, name)) => {
                        let path =
                            self.paths.map.get(&folder).map_or(name.clone(), |folder| format!("{folder}/{name}"));
                        self.paths.insert(handle, path);
                        return None;
                    }
                    (Told::Data { length, start, last, size }, Asked::Read(handle, at)) => {
                        let file = (handle, false);
                        self.open(cx, &file, size);
                        self.sides[dir.index()].data = Some(Passing { file, at, left: length, last });
                        start
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        self.pass(cx, dir, bytes.get(start.min(bytes.len())..).unwrap_or_default());
        Some(())
    }

    fn open(&mut self, cx: &mut Cx<'_>, file: &(Handle, bool), length: u64) {
        if !self.files.contains_key(file) {
            if self.files.len() >= MOST
                && let Some(oldest) = self.files.values().map(|open| open.touched).min()
            {
                for open in self.files.values_mut().filter(|open| open.touched <= oldest) {
                    open.file.cut();
                    cx.rows.files_cut += 1;
                }
                self.finish(cx, |open| open.touched <= oldest);
            }
            let path = self.paths.map.get(&file.0).cloned().unwrap_or_default();
            self.files.insert(file.clone(), Open { file: Placed::new(path, length), touched: cx.ts, ends: None });
        }
    }

    fn pass(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        let Some(mut data) = self.sides[dir.index()].data.take() else { return };
        let n = usize::try_from(data.left).unwrap_or(usize::MAX).min(bytes.len());
        self.open(cx, &data.file, 0);
        let Some(open) = self.files.get_mut(&data.file) else { return };
        open.touched = cx.ts;
        open.file.bytes(cx, "nfs", data.file.1, data.at, bytes.get(..n).unwrap_or_default());
        data.left -= n as u64;
        data.at += n as u64;
        if data.left == 0 && data.last {
            open.ends = Some(data.at);
        }
        // Read from its start to its last octet, in whatever order.
        let over = open.ends.is_some_and(|end| open.file.at() >= end);
        if let Some(open) = Some(&data.file).filter(|_| over).and_then(|file| self.files.remove(file)) {
            open.file.finish(cx);
        }
        if data.left > 0 {
            self.sides[dir.index()].data = Some(data);
        }
    }

    /// Writes the files that are over, in the order of their handles.
    fn finish(&mut self, cx: &mut Cx<'_>, over: impl Fn(&Open) -> bool) {
        let mut done: Vec<_> = self.files.extract_if(|_, open| over(open)).collect();
        done.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (_, open) in done {
            open.file.finish(cx);
        }
    }
}
