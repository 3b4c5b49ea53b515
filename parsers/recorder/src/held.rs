//! The ring: the side that captures, and what both sides share.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use wire::decode::Decoder;
use wire::dissect::{Frame, Nanos};
use wire::limits::Limits;

use crate::chunk::{Chunk, Record, Span, Summary, records};
use crate::disk::{Stored, write};
use crate::select::{Found, Selector, Wanted};
use crate::{CHUNK, HOLES, WAITING};

/// How much is kept.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Bytes in memory.
    pub memory: usize,
    /// Where older ones go; `None`: nowhere.
    pub folder: Option<PathBuf>,
    /// Bytes there.
    pub disk: u64,
    /// Nanoseconds of packet time after which a packet is let go whatever room there is; 0: never.
    pub age: Nanos,
}

/// What was counted since the beginning, and what is held now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets taken in.
    pub packets: u64,
    /// Bytes held in memory, those that wait for the disk among them.
    pub memory: u64,
    /// Bytes held on disk.
    pub disk: u64,
    /// Packets let go because the rings were full, or they were too old.
    pub expired: u64,
    /// Packets let go out of turn: the disk could not keep up, or took nothing.
    pub lost: u64,
    /// Writes to the disk that failed.
    pub failures: u64,
}

/// The side that captures.
pub struct Recorder {
    current: Chunk,
    held: Arc<Held>,
    writer: Option<JoinHandle<()>>,
}

/// What is held; any thread may ask.
pub struct Held {
    pub(crate) settings: Settings,
    pub(crate) state: Mutex<State>,
    pub(crate) wake: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    pub memory: VecDeque<Arc<Chunk>>,
    pub memory_bytes: usize,
    /// Left memory; the writer takes the first when it is on disk.
    pub waiting: VecDeque<Arc<Chunk>>,
    pub waiting_bytes: usize,
    pub disk: VecDeque<Arc<Stored>>,
    pub disk_bytes: u64,
    pub newest: Nanos,
    pub holes: VecDeque<(Nanos, Nanos)>,
    pub counters: Counters,
    pub fault: Option<String>,
    pub over: bool,
}

impl Recorder {
    /// One that holds nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let held = Arc::new(Held { settings, state: Mutex::default(), wake: Condvar::new() });
        Self { current: Chunk::with_capacity(CHUNK), held, writer: None }
    }

    /// What other threads ask.
    #[must_use]
    pub fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held)
    }

    /// Keeps a packet.
    #[inline]
    pub fn push(&mut self, ts: Nanos, frame: Frame, link: u16, orig_len: u32, data: &[u8]) {
        if !self.current.room(data) {
            self.seal();
        }
        self.current.push(&Record { ts, frame, link, orig_len, data });
    }

    /// Lets others see what was kept so far.
    pub fn seal(&mut self) {
        if self.current.bytes.is_empty() {
            return;
        }
        let chunk = std::mem::replace(&mut self.current, Chunk::with_capacity(CHUNK));
        self.held.lock().add(chunk, &self.held.settings);
        if self.writer.is_none() && self.held.settings.folder.is_some() {
            self.begin();
        }
        self.held.wake.notify_one();
    }

    /// The thread that writes is begun by the one that captures, which has given up its privileges by then.
    #[cold]
    fn begin(&mut self) {
        let held = Arc::clone(&self.held);
        match std::thread::Builder::new().name("evidence".into()).spawn(move || write(&held)) {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => self.held.lock().fault = Some(format!("packets cannot be kept on disk: {error}")),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.held.lock().over = true;
        self.held.wake.notify_one();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join(); // its panic was told on stderr, and there is nothing to end but it
        }
    }
}

impl State {
    fn add(&mut self, mut chunk: Chunk, settings: &Settings) {
        self.counters.packets += chunk.span.packets;
        self.newest = self.newest.max(chunk.span.last);
        self.memory_bytes += chunk.bytes.len();
        // Windows end long before a chunk is full where little happens: such pieces are put together.
        match self.memory.back_mut().and_then(Arc::get_mut) {
            Some(last) if last.bytes.len() + chunk.bytes.len() <= CHUNK => last.append(&chunk),
            _ => {
                if chunk.bytes.len() < CHUNK / 2 {
                    chunk.bytes.shrink_to_fit();
                }
                self.memory.push_back(Arc::new(chunk));
            }
        }
        let horizon = settings.horizon(self.newest);
        while self.memory_bytes > settings.memory || self.memory.front().is_some_and(|c| c.span.last < horizon) {
            let Some(oldest) = self.memory.pop_front() else { break };
            self.memory_bytes -= oldest.bytes.len();
            let old = oldest.span.last < horizon;
            if settings.folder.is_none() || old {
                self.counters.expired += oldest.span.packets;
            } else {
                self.waiting_bytes += oldest.bytes.len();
                self.waiting.push_back(oldest);
            }
        }
        while self.waiting_bytes > WAITING {
            let Some(oldest) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= oldest.bytes.len();
            self.lose(&oldest.span);
        }
    }

    /// Out of turn: what is older is still held.
    pub fn lose(&mut self, span: &Span) {
        self.counters.lost += span.packets;
        self.holes.push_back((span.first, span.last));
        if self.holes.len() > HOLES {
            self.holes.pop_front();
        }
    }

    pub fn counted(&self) -> Counters {
        let memory = (self.memory_bytes + self.waiting_bytes) as u64;
        Counters { memory, disk: self.disk_bytes, ..self.counters }
    }
}

impl Settings {
    /// Packets before this are too old.
    pub fn horizon(&self, newest: Nanos) -> Nanos {
        if self.age > 0 { newest.saturating_sub(self.age) } else { Nanos::MIN }
    }
}

/// A piece to look through.
enum Piece {
    Memory(Arc<Chunk>),
    Disk(Arc<Stored>),
}

impl Held {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // plain data, whole after every statement
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.lock().counted()
    }

    /// What went wrong with the disk since this was asked last, in a sentence.
    pub fn told(&self) -> Option<String> {
        self.lock().fault.take()
    }

    /// Lets go of everything, the files on disk among it.
    pub fn clear(&self) {
        let mut state = self.lock();
        let gone =
            (std::mem::take(&mut state.disk), std::mem::take(&mut state.memory), std::mem::take(&mut state.waiting));
        (state.disk_bytes, state.memory_bytes, state.waiting_bytes) = (0, 0, 0);
        drop(state);
        drop(gone);
    }

    /// Answers questions from what is held. Takes no lock while it reads.
    #[must_use]
    pub fn select(&self, wanted: Vec<Wanted>) -> Vec<Found> {
        let stretches: Vec<_> = wanted.iter().map(|w| (w.from, w.to)).collect();
        let mut selector = Selector::new(wanted);
        let (pieces, since, expired, holes) = self.pieces();
        let mut decoder = Decoder::new(&Limits::default());
        let mut buffer = Vec::new();
        let mut follows = 0; // the beginning of a connection may go on in the next pieces
        for piece in &pieces {
            let bytes = match piece {
                Piece::Memory(chunk) => &chunk.bytes,
                Piece::Disk(stored) => {
                    let mut filled = false;
                    if !stored.concerns(&selector, &mut follows, &mut decoder, &mut buffer, &mut filled)
                        || !(filled || stored.read(&mut buffer))
                    {
                        continue;
                    }
                    &buffer
                }
            };
            for r in records(bytes) {
                selector.take(r.ts, r.frame, r.link, r.orig_len, r.data);
            }
        }
        let mut found = selector.finish();
        for (found, (from, to)) in found.iter_mut().zip(stretches) {
            found.since = since;
            found.overrun = (expired && since > from) || holes.iter().any(|h| h.0 <= to && h.1 >= from);
        }
        found
    }

    /// Everything held, oldest first, the oldest time, and what was let go.
    fn pieces(&self) -> (Vec<Piece>, Nanos, bool, Vec<(Nanos, Nanos)>) {
        let state = self.lock();
        let disk = state.disk.iter().map(|stored| (stored.span.first, Piece::Disk(Arc::clone(stored))));
        let memory = state.waiting.iter().chain(&state.memory);
        let memory = memory.map(|chunk| (chunk.span.first, Piece::Memory(Arc::clone(chunk))));
        let (times, pieces): (Vec<Nanos>, Vec<Piece>) = disk.chain(memory).unzip();
        let since = times.into_iter().min().unwrap_or(Nanos::MAX);
        (pieces, since, state.counters.expired > 0, state.holes.iter().copied().collect())
    }
}

impl Stored {
    /// Whether a search has to look through it; `filled`: it is in the buffer already.
    fn concerns(
        &self,
        selector: &Selector,
        follows: &mut i32,
        decoder: &mut Decoder,
        buffer: &mut Vec<u8>,
        filled: &mut bool,
    ) -> bool {
        if !selector.reaches(&self.span) {
            return false;
        }
        let summary = match self.summary.get() {
            Some(summary) => summary,
            None if self.read(buffer) => {
                *filled = true;
                self.summary.get_or_init(|| Summary::of(buffer, &self.span, decoder))
            }
            None => return false,
        };
        let opens = selector.wants_openings(&self.span, summary);
        let wanted = opens || *follows > 0 || selector.wants(&self.span, summary);
        *follows = if opens { 2 } else { (*follows - 1).max(0) };
        wanted
    }

    fn read(&self, buffer: &mut Vec<u8>) -> bool {
        self.segment.read(self.at, self.len, buffer)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The thread that writes, on a disk whose first write never comes back.
    fn stalled(held: &Held) {
        let mut state = held.lock();
        let mut mine = None;
        while !state.over {
            mine = mine.or_else(|| state.waiting.front().cloned());
            state = held.wake.wait(state).unwrap();
        }
        assert!(mine.is_some());
    }

    #[test]
    fn what_waits_for_a_disk_that_stalls_is_bounded_and_counted() {
        let settings = Settings { memory: CHUNK, folder: Some(PathBuf::from("never written")), disk: 1 << 30, age: 0 };
        let mut recorder = Recorder::new(settings);
        let held = recorder.held();
        let stuck = recorder.held();
        recorder.writer = Some(std::thread::spawn(move || stalled(&stuck)));
        let begun = std::time::Instant::now();
        for number in 1..=200_000u64 {
            recorder.push(number.cast_signed(), Frame::new(0, number), 1, 1000, &[7; 1000]);
            if number % 1000 == 0 {
                assert!(held.counters().memory <= (WAITING + 2 * CHUNK) as u64);
            }
        }
        recorder.seal();
        assert!(begun.elapsed().as_secs() < 20, "capture does not wait for it");
        let counters = held.counters();
        let mut kept = 0;
        let state = held.lock();
        state.memory.iter().chain(&state.waiting).for_each(|chunk| kept += chunk.span.packets);
        drop(state);
        assert_eq!((counters.packets, counters.disk, counters.expired), (200_000, 0, 0));
        assert_eq!(counters.lost, 200_000 - kept);
        assert!(kept * 1028 >= (WAITING - CHUNK) as u64);
        let hole = Wanted { from: 0, at: 0, to: 200_000, packets: 10, bytes: 1 << 20, ..Wanted::default() };
        assert!(held.select(vec![hole]).pop().unwrap().overrun);
    }
}
