//! Where packets come from: captures, or interfaces.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ::capture::{Index, Merge, Place};
use mirror::{Live, Step};
use recorder::Recorder;
use wire::columns::Finished;
use wire::pipeline::{Between, Packet, Pipeline, Window};

use crate::selection::Choice;

/// How long a call may last before the caller gets a chance to look after signals.
const TURN: Duration = Duration::from_millis(100);
/// Packets between two looks at the clock.
const LOOK: u32 = 4096;

/// What a turn ended with.
pub enum Turn {
    /// A window, or a part of one.
    Window(Box<Window>),
    /// Neither: come again.
    Nothing,
    /// The source is at its end.
    Over,
}

impl Turn {
    fn map(self, change: impl FnOnce(Window) -> Window) -> Self {
        match self {
            Self::Window(window) => Self::Window(Box::new(change(*window))),
            other => other,
        }
    }
}

/// Captures in time order.
pub struct Captures {
    /// The captures.
    pub merge: Merge,
    /// Remembers where frames stand.
    pub index: Option<Index>,
    /// Which packets are wanted.
    pub choice: Option<Choice>,
}

/// Captures or interfaces.
pub enum Source {
    /// Captures in time order.
    Captures(Box<Captures>),
    /// Interfaces, until `stop`.
    Interfaces(Live),
}

impl Source {
    /// Lets the pipeline take packets until a window is done, the source is at its end, or a while has passed.
    /// `recorder`: keeps the packets.
    pub fn turn(&mut self, pipeline: &mut Pipeline, stop: &Arc<AtomicBool>, recorder: &mut Option<Recorder>) -> Turn {
        let turn = match self {
            Self::Captures(all) => captures(all, pipeline, stop, recorder),
            Self::Interfaces(live) => interfaces(live, pipeline, recorder).map(|window| counted(live, window)),
        };
        if let (Some(recorder), Turn::Window(_) | Turn::Over) = (recorder, &turn) {
            recorder.seal();
        }
        turn
    }

    /// The captures.
    pub fn captures(&mut self) -> Option<&mut Merge> {
        match self {
            Self::Captures(all) => Some(&mut all.merge),
            Self::Interfaces(_) => None,
        }
    }

    /// Packets that were not chosen, and those of them whose link type the filter does not know.
    pub fn passed_over(&self) -> (u64, u64) {
        match self {
            Self::Captures(all) => all.choice.as_ref().map_or((0, 0), |choice| choice.passed_over),
            Self::Interfaces(_) => (0, 0),
        }
    }

    /// Where frames stand that came since this was asked last; `over`: all of them.
    pub fn stretches(&mut self, over: bool) -> Option<Finished> {
        let Self::Captures(all) = self else { return None };
        let index = all.index.as_mut()?;
        if over {
            index.finish();
        }
        Some(index.rows())
    }

    /// The interfaces.
    pub fn interfaces(&mut self) -> Option<&mut Live> {
        match self {
            Self::Captures(_) => None,
            Self::Interfaces(live) => Some(live),
        }
    }

    /// Adds to the last window what the kernel lost.
    pub fn counted(&mut self, mut window: Window) -> Window {
        match self {
            Self::Captures(all) => {
                for (place, facts) in (0u16..).zip(all.merge.facts()).filter(|(_, facts)| facts.dropped > 0) {
                    if let Some(of) = window.of(place) {
                        of.dropped += facts.dropped;
                    }
                }
                window
            }
            Self::Interfaces(live) => counted(live, window),
        }
    }
}

fn captures(all: &mut Captures, pipeline: &mut Pipeline, stop: &AtomicBool, recorder: &mut Option<Recorder>) -> Turn {
    let Captures { merge, index, choice } = all;
    let mut begun = None;
    let mut over = 0;
    loop {
        let Some(p) = merge.next() else { return Turn::Over };
        let wanted = choice.as_mut().is_none_or(|choice| choice.takes(&p));
        let packet = Packet { ts: p.ts, frame: p.frame, link: p.link, orig_len: p.orig_len, data: p.data };
        let mut window = None;
        if wanted {
            keep(recorder, &packet);
            window = pipeline.push(&packet);
        }
        if let Some(index) = index {
            let between = if wanted { pipeline.between() } else { Between::Unknown };
            let (place, capture) = (Place { ts: p.ts, frame: p.frame, offset: p.offset }, p.frame.capture());
            index.take(place, between, || merge.prelude(capture).map(<[u64]>::to_vec));
        }
        if let Some(window) = window {
            return Turn::Window(Box::new(window));
        }
        if stop.load(Ordering::Relaxed) {
            return Turn::Over;
        }
        // Where nothing is chosen for long no window ends, and nobody looks after signals.
        over += u32::from(!wanted);
        if over >= LOOK {
            over = 0;
            if begun.get_or_insert_with(Instant::now).elapsed() >= TURN {
                return Turn::Nothing;
            }
        }
    }
}

fn interfaces(live: &mut Live, pipeline: &mut Pipeline, recorder: &mut Option<Recorder>) -> Turn {
    let begun = Instant::now();
    let mut since = 0;
    let window = loop {
        match live.next() {
            Step::Packet(frame, p) => {
                let packet = Packet { ts: p.ts, frame, link: p.link, orig_len: p.orig_len, data: p.data };
                keep(recorder, &packet);
                if let Some(window) = pipeline.push(&packet) {
                    break window;
                }
                since += 1;
                if since < LOOK {
                    continue;
                }
                since = 0;
            }
            Step::Idle(now) => {
                if let Some(window) = pipeline.idle(now) {
                    break window;
                }
            }
            Step::Stopped => return Turn::Over,
        }
        if begun.elapsed() >= TURN {
            return Turn::Nothing;
        }
    };
    Turn::Window(Box::new(window))
}

#[inline]
fn keep(recorder: &mut Option<Recorder>, p: &Packet<'_>) {
    if let Some(recorder) = recorder {
        recorder.push(p.ts, p.frame, p.link, p.orig_len, p.data);
    }
}

/// Adds what the kernel counted, and how far the clock was set, to the window's counts: of each interface, also of those
/// that showed no packet.
fn counted(live: &mut Live, mut window: Window) -> Window {
    let found = live.statistics();
    window.counters.dropped_damaged += found.damaged;
    window.counters.kernel_received += found.received;
    window.counters.kernel_freezes += found.freezes;
    let step = live.clock_step();
    for (place, lost) in (0u16..).zip(live.lost()) {
        window.counters.dropped_kernel += lost;
        if let Some(of) = window.of(place) {
            of.dropped += lost;
            of.clock_step_ns = step;
        }
    }
    window
}
