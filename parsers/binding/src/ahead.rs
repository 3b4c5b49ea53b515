//! A thread of its own empties the rings of interfaces: whatever Python does with a window, it does not hold up the next
//! packet. Windows wait here for Python, in bounded memory; beyond it packets wait in the rings, and beyond those the
//! kernel counts what it drops.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::{Inner, Ready, parts};

/// How long a call waits for a window before the caller gets a chance to look after signals.
const TURN: Duration = Duration::from_millis(100);

/// An engine that runs by itself, from the first question on.
pub struct Ahead {
    stage: Mutex<Stage>,
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
}

enum Stage {
    Before(Option<Box<Inner>>),
    Running(Option<JoinHandle<Box<Inner>>>),
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct State {
    windows: VecDeque<(PyResult<Ready>, usize)>,
    bytes: usize,
    facts: Vec<mirror::Facts>,
    told: Vec<String>,
    over: bool,
    failed: bool,
    /// Nobody will ask any more.
    alone: bool,
}

impl Ahead {
    pub fn new(mut inner: Inner, stop: Arc<AtomicBool>) -> Self {
        let shared = Arc::new(Shared::default());
        shared.lock().facts = inner.source.interfaces().map(|live| live.facts()).unwrap_or_default();
        Self { stage: Mutex::new(Stage::Before(Some(Box::new(inner)))), shared, stop }
    }

    /// The next window; that there is none yet; or that there will be none any more.
    pub fn next(&self) -> PyResult<Option<Option<Ready>>> {
        self.begin()?;
        let mut state = self.shared.lock();
        if state.windows.is_empty() && !state.over {
            state = self.shared.filled.wait_timeout(state, TURN).unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some((window, bytes)) = state.windows.pop_front() {
            state.bytes -= bytes;
            drop(state);
            self.shared.emptied.notify_one();
            return window.map(|window| Some(Some(window)));
        }
        match (state.failed, state.over) {
            (true, _) => Err(PyRuntimeError::new_err("the engine failed before and cannot go on")),
            (false, over) => Ok((!over).then_some(None)),
        }
    }

    /// The thread is begun by the first who asks, and not before it has given up its privileges: it has no more than they.
    fn begin(&self) -> PyResult<()> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let Stage::Before(inner) = &mut *stage else { return Ok(()) };
        let Some(inner) = inner.take() else { return Ok(()) };
        let (shared, stop) = (Arc::clone(&self.shared), Arc::clone(&self.stop));
        let thread = std::thread::Builder::new().name("capture".into()).spawn(move || run(inner, &shared, &stop))?;
        *stage = Stage::Running(Some(thread));
        Ok(())
    }

    /// What is known of the interfaces.
    pub fn facts(&self) -> Vec<mirror::Facts> {
        self.shared.lock().facts.clone()
    }

    /// What they have to say since this was asked last.
    pub fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().told)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.shared.lock().alone = true;
        self.shared.emptied.notify_one();
        if let Stage::Running(thread) = self.stage.get_mut().unwrap_or_else(PoisonError::into_inner)
            && let Some(thread) = thread.take()
        {
            let _ = thread.join(); // its panic was told on stderr
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // plain data, whole after every statement
    }

    fn tell(&self, live: &mut mirror::Live) {
        let (facts, told) = (live.facts(), live.told());
        let mut state = self.lock();
        state.facts = facts;
        state.told.extend(told);
    }

    /// Adds a window when there is room; gives how long that took. A window larger than all room has it for itself.
    fn put(&self, window: PyResult<Ready>, bytes: usize, most: usize) -> Duration {
        let begun = Instant::now();
        let mut state = self.lock();
        let mut held_up = Duration::ZERO;
        while !state.alone && !state.windows.is_empty() && state.bytes + bytes > most {
            state = self.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
            held_up = begun.elapsed();
        }
        state.windows.push_back((window, bytes));
        state.bytes += bytes;
        drop(state);
        self.filled.notify_one();
        held_up
    }
}

/// Tells whoever waits that nothing more comes, however the thread ended.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.over = true;
        state.failed |= std::thread::panicking();
        drop(state);
        self.0.filled.notify_all();
    }
}

/// What was captured is kept for evidence as long as the engine is: the thread gives it back.
fn run(mut inner: Box<Inner>, shared: &Shared, stop: &Arc<AtomicBool>) -> Box<Inner> {
    let ending = Ending(shared);
    let most = usize::try_from(inner.pipeline.limits().waiting_bytes).unwrap_or(usize::MAX);
    let mut held_up = Duration::ZERO;
    loop {
        let found = inner.next(stop);
        if let Some(live) = inner.source.interfaces() {
            shared.tell(live);
        }
        match found {
            Ok(None) => break,
            Ok(Some(None)) => {}
            Ok(Some(Some((mut window, tables)))) => {
                window.counters.held_up_ms += u64::try_from(held_up.as_millis()).unwrap_or(u64::MAX);
                let bytes = parts(&tables).map(crate::part::Part::bytes).sum();
                held_up = shared.put(Ok((window, tables)), bytes, most);
            }
            Err(error) => {
                shared.put(Err(error), 0, most);
                break;
            }
        }
        if shared.lock().alone {
            break;
        }
    }
    drop(ending);
    inner
}
