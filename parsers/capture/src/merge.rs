//! Several captures as one, in time order.
//!
//! Rotated captures come in thousands: at the start each is opened only for its first packet's time and closed again,
//! and it is opened for good when the merge comes to that time. So as many files are open as overlap in time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::PathBuf;

use crate::error::Error;
use crate::reader::{BLOCK, Facts, PEEK, Packet, Reader, Record};
use crate::source::is_stream;

/// Files open at once above which blocks are smaller, so that memory stays bounded by files times a small block.
const MANY: usize = 16;
const SMALL_BLOCK: usize = 64 * 1024;

/// Several captures in time order: by time, then by the captures' order. Within a capture the order is the file's.
pub struct Merge {
    captures: Vec<Capture>,
    /// Captures not yet open, by time of their first packet, then index.
    pending: VecDeque<(i64, usize)>,
    /// Open captures that stand at a record, but for `current`.
    waiting: BinaryHeap<Reverse<(i64, usize)>>,
    /// The capture whose packet was handed out last.
    current: Option<usize>,
    open: usize,
}

struct Capture {
    path: PathBuf,
    reader: Option<Reader>,
    record: Option<Record>,
    facts: Facts,
    warning: Option<String>,
    /// Bytes read of the file, once it was closed.
    taken: u64,
}

impl Merge {
    /// Opens captures; their indices are their places in `paths`.
    ///
    /// # Errors
    /// When one of them cannot be read or is no capture.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Error> {
        Self::open_shifted(paths, &[])
    }

    /// The same, with nanoseconds to add to the times of each; where there are none, nothing is added.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub fn open_shifted(paths: &[PathBuf], shifts: &[i64]) -> Result<Self, Error> {
        if paths.len() > usize::from(u16::MAX) + 1 {
            return Err(Error::TooMany { captures: paths.len() });
        }
        let mut merge = Self {
            captures: Vec::with_capacity(paths.len()),
            pending: VecDeque::new(),
            waiting: BinaryHeap::new(),
            current: None,
            open: 0,
        };
        let mut pending = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            // A stream cannot be opened twice; a single file need not be.
            let keep = paths.len() == 1 || is_stream(path);
            let mut reader = Reader::open_known(path, number(index), None, if keep { BLOCK } else { PEEK })?;
            reader.shift(shifts.get(index).copied().unwrap_or(0));
            let facts = reader.facts().clone();
            let mut capture =
                Capture { path: path.clone(), reader: None, record: None, facts, warning: None, taken: 0 };
            if paths.len() == 1 {
                capture.reader = Some(reader);
            } else {
                let record = reader.advance();
                pending.push((record.map_or(i64::MIN, |r| r.ts), index));
                if keep {
                    (capture.reader, capture.record) = (Some(reader), record);
                }
            }
            merge.captures.push(capture);
        }
        pending.sort_unstable();
        merge.pending = pending.into();
        Ok(merge)
    }

    /// The next packet in time.
    #[inline]
    #[allow(clippy::should_implement_trait)] // an iterator's items cannot borrow from the iterator
    pub fn next(&mut self) -> Option<Packet<'_>> {
        if self.captures.len() == 1 {
            return self.captures.first_mut()?.reader.as_mut()?.next();
        }
        let index = self.choose()?;
        self.current = Some(index);
        let capture = self.captures.get(index)?;
        Some(capture.reader.as_ref()?.packet(capture.record?))
    }

    /// The capture whose record is the earliest.
    fn choose(&mut self) -> Option<usize> {
        let mut best = self.current.take().and_then(|index| self.advance(index));
        loop {
            let head = best.into_iter().chain(self.waiting.peek().map(|r| r.0)).min();
            if self.pending.front().is_none_or(|first| head.is_some_and(|head| head < *first)) {
                break;
            }
            if let Some(place) = self.pending.pop_front().and_then(|(_, index)| self.start(index)) {
                self.waiting.push(Reverse(place));
            }
        }
        match (best, self.waiting.peek()) {
            (Some(place), Some(Reverse(other))) if *other < place => {
                let Reverse(first) = self.waiting.pop()?;
                self.waiting.push(Reverse(place));
                best = Some(first);
            }
            (None, _) => best = self.waiting.pop().map(|r| r.0),
            _ => {}
        }
        best.map(|(_, index)| index)
    }

    /// Reads on in an open capture, or closes it at its end.
    #[inline]
    fn advance(&mut self, index: usize) -> Option<(i64, usize)> {
        let capture = self.captures.get_mut(index)?;
        capture.record = capture.reader.as_mut()?.advance();
        match capture.record {
            Some(record) => Some((record.ts, index)),
            None => {
                capture.close();
                self.open = self.open.saturating_sub(1);
                None
            }
        }
    }

    /// Opens a capture for good and stands at its first record.
    #[cold]
    fn start(&mut self, index: usize) -> Option<(i64, usize)> {
        let block = if self.open < MANY { BLOCK } else { SMALL_BLOCK };
        let capture = self.captures.get_mut(index)?;
        self.open += 1;
        if capture.reader.is_some() {
            return match capture.record {
                Some(record) => Some((record.ts, index)),
                None => self.advance(index),
            };
        }
        match Reader::open_known(&capture.path, number(index), Some(capture.facts.id.clone()), block) {
            Ok(mut reader) => {
                reader.shifted_as(&capture.facts);
                capture.reader = Some(reader);
                self.advance(index)
            }
            Err(error) => {
                // It could be read a moment ago: removed since, or too many files open.
                self.open -= 1;
                capture.warning = Some(format!("{error}; none of its packets were read"));
                None
            }
        }
    }

    /// See [`Start::prelude`](crate::Start::prelude): of the capture at hand.
    #[must_use]
    pub fn prelude(&self, capture: u16) -> Option<&[u64]> {
        self.captures.get(usize::from(capture))?.reader.as_ref()?.prelude()
    }

    /// Bytes read of all files so far, compressed as they are.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.captures.iter().map(|c| c.reader.as_ref().map_or(c.taken, Reader::taken)).sum()
    }

    /// What is known of each capture so far, in the order of their indices.
    #[must_use]
    pub fn facts(&self) -> Vec<Facts> {
        self.captures.iter().map(|c| c.reader.as_ref().map_or(&c.facts, Reader::facts).clone()).collect()
    }

    /// What was wrong with the captures so far, in the order of their indices.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let of =
            |c: &Capture| c.reader.as_ref().and_then(|r| r.warning().map(str::to_owned)).or_else(|| c.warning.clone());
        self.captures.iter().filter_map(of).collect()
    }
}

impl Capture {
    fn close(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.facts = reader.facts().clone();
            self.taken = reader.taken();
            self.warning = reader.warning().map(str::to_owned);
        }
    }
}

fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
