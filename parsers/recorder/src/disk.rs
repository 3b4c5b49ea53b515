//! Segment files: chunks one behind the other, the oldest file let go first. They are of this run only: nothing reads
//! them after it, and the next one removes what a kill left.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::chunk::{Chunk, Span, Summary};
use crate::held::{Held, Settings, State};
use crate::{CHUNK, SEGMENT};

const SUFFIX: &str = "ring";
/// After a failure nothing is written for so long.
const PAUSE: Duration = Duration::from_secs(10);

/// One file, removed when nobody holds it any more.
#[derive(Debug)]
pub struct Segment {
    file: File,
    path: PathBuf,
}

/// A chunk on disk.
#[derive(Debug)]
pub struct Stored {
    pub segment: Arc<Segment>,
    pub at: u64,
    pub len: usize,
    pub span: Span,
    /// Made by the first search that comes past: to decode every packet costs a fifth of all that capture does.
    pub summary: OnceLock<Summary>,
}

impl Segment {
    fn create(folder: &Path, number: u64) -> io::Result<Self> {
        let path = folder.join(format!("{number:08}.{SUFFIX}"));
        // Packets hold whatever was on the wire: they are for the owner alone.
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { file, path })
    }

    pub fn read(&self, at: u64, len: usize, buffer: &mut Vec<u8>) -> bool {
        buffer.resize(len, 0);
        self.file.read_exact_at(buffer, at).is_ok()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path); // what stays is removed by the next run
    }
}

/// The thread that writes: takes what left memory, until capture is over.
pub fn write(held: &Held) {
    let Some(folder) = held.settings.folder.clone() else { return };
    let most = (held.settings.disk / 8).clamp(CHUNK as u64, SEGMENT);
    let mut writer = Writer { folder, number: 0, current: None, at: 0, most, cleared: false };
    writer.cleared = clear(&writer.folder).is_ok(); // else it is tried again, and told, when something is written
    let mut paused: Option<Instant> = None;
    while let Some(chunk) = next(held) {
        let written = match paused {
            Some(since) if since.elapsed() < PAUSE => None,
            _ => match writer.append(&chunk) {
                Ok(place) => {
                    paused = None;
                    Some(place)
                }
                Err(error) => {
                    let fresh = paused.is_none();
                    paused = Some(Instant::now());
                    writer.current = None; // whatever half of a chunk is at its end is not looked at
                    failed(held, &writer.folder, &error, fresh);
                    None
                }
            },
        };
        let stored = written.map(|(segment, at)| {
            let (len, span) = (chunk.bytes.len(), chunk.span);
            Arc::new(Stored { segment, at, len, span, summary: OnceLock::new() })
        });
        done(held, &chunk, stored);
    }
}

/// The oldest chunk that waits, which stays where it can be found until it is on disk.
fn next(held: &Held) -> Option<Arc<Chunk>> {
    let mut state = held.lock();
    loop {
        if state.over {
            return None;
        }
        if let Some(chunk) = state.waiting.front() {
            return Some(Arc::clone(chunk));
        }
        state = held.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

fn done(held: &Held, chunk: &Arc<Chunk>, stored: Option<Arc<Stored>>) {
    let gone: VecDeque<Arc<Stored>>; // files are removed when the lock is given back
    {
        let mut state = held.lock();
        // It may have been let go meanwhile, because too much waited: then it is counted as lost already.
        let still = state.waiting.front().is_some_and(|front| Arc::ptr_eq(front, chunk));
        if still {
            state.waiting.pop_front();
            state.waiting_bytes -= chunk.bytes.len();
            match stored {
                Some(stored) => {
                    state.disk_bytes += stored.len as u64;
                    state.disk.push_back(stored);
                }
                None => state.lose(&chunk.span),
            }
        }
        gone = expire(&mut state, &held.settings);
    }
    drop(gone);
}

/// Lets go whole files, the oldest first, while there are too many bytes or they are too old.
fn expire(state: &mut State, settings: &Settings) -> VecDeque<Arc<Stored>> {
    let horizon = settings.horizon(state.newest);
    let mut gone = VecDeque::new();
    while let Some(first) = state.disk.front() {
        let segment = Arc::clone(&first.segment);
        let of_it = state.disk.iter().take_while(|s| Arc::ptr_eq(&s.segment, &segment)).count();
        let old = state.disk.iter().take(of_it).all(|s| s.span.last < horizon);
        if state.disk_bytes <= settings.disk && !old {
            break;
        }
        for stored in state.disk.drain(..of_it) {
            state.disk_bytes -= stored.len as u64;
            state.counters.expired += stored.span.packets;
            gone.push_back(stored);
        }
    }
    gone
}

fn failed(held: &Held, folder: &Path, error: &io::Error, fresh: bool) {
    let mut state = held.lock();
    state.counters.failures += 1;
    if fresh {
        let why = error.to_string();
        let why = why.split(" (os error").next().unwrap_or_default();
        state.fault =
            Some(format!("{}: packets cannot be kept on disk: {why}; memory keeps the latest", folder.display()));
    }
}

struct Writer {
    folder: PathBuf,
    number: u64,
    current: Option<Arc<Segment>>,
    at: u64,
    /// Bytes after which another file begins: some are there, so that not everything is let go with one.
    most: u64,
    cleared: bool,
}

impl Writer {
    /// Where the chunk was written.
    fn append(&mut self, chunk: &Chunk) -> io::Result<(Arc<Segment>, u64)> {
        if !self.cleared {
            clear(&self.folder)?;
            self.cleared = true;
        }
        if self.at >= self.most {
            self.current = None;
        }
        let segment = match &self.current {
            Some(segment) => Arc::clone(segment),
            None => {
                self.number += 1;
                self.at = 0;
                let made = Arc::new(Segment::create(&self.folder, self.number)?);
                self.current = Some(Arc::clone(&made));
                made
            }
        };
        (&segment.file).write_all(&chunk.bytes)?;
        let at = self.at;
        self.at += chunk.bytes.len() as u64;
        Ok((segment, at))
    }
}

/// Removes segments of a run that was killed.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|suffix| suffix == SUFFIX) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
