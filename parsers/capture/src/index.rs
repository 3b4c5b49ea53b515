//! Where the frames of captures stand: what a few of a packet's thousands are found again by, without reading all.
//!
//! One row a stretch of [`FRAMES`] frames of a capture: where it begins in the content, between which times, and which
//! hosts have a part in it. A question reads the stretches that may hold an answer, and asks every packet in them.

use wire::columns::{Finished, Frames, List, Num, Time};
use wire::dissect::{FlowRef, Frame, Nanos};
use wire::pipeline::Between;

/// Frames of a stretch: read in a fraction of a millisecond, described in some hundred bytes.
pub const FRAMES: u32 = 512;
/// Hosts of a stretch; of one with more it is not known who has a part in it.
const HOSTS: usize = 256;
/// Captures that are read side by side whose stretch goes on; beyond it short ones are told.
const OPEN: usize = 256;
/// In place of a host: any may have a part in it.
pub const ANYBODY: u64 = 0;

wire::table! {
    /// One row a stretch of frames.
    FrameIndexRows / FrameIndexRow "frame_index" standalone {
        /// Its first frame.
        frame: Frames,
        /// The latest time in it; `ts` is the earliest.
        last_ts: Time,
        /// Frames in it.
        frames: Num<u32>,
        /// Where the first one's record begins; 0: it is only found from the start of the file.
        offset: Num<u64>,
        /// Of pcapng: where the blocks begin that describe it.
        prelude: List<u64>,
        /// A number for each host that has a part in it; 0: any may have.
        hosts: List<u64>,
    }
}

/// A packet's place.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its time.
    pub ts: Nanos,
    /// Its frame.
    pub frame: Frame,
    /// Where its record begins.
    pub offset: u64,
}

/// See the module's head.
#[derive(Default)]
pub struct Index {
    rows: FrameIndexRows,
    /// One a capture that goes on, and the place of the one that was asked for last.
    open: Vec<Stretch>,
    last: usize,
}

struct Stretch {
    frame: Frame,
    first_ts: Nanos,
    last_ts: Nanos,
    frames: u32,
    offset: u64,
    prelude: Vec<u64>,
    hosts: Vec<u64>,
    last: (u64, u64),
}

/// The number of a host: the lower half of its address, into which the upper one is mixed; of IPv4 it tells all.
#[must_use]
pub fn number(host: [u8; 16]) -> u64 {
    let whole = u128::from_be_bytes(host);
    ((whole >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ whole as u64
}

impl Index {
    /// Takes the next packet of a capture; `prelude` as the capture's reader gives it.
    #[inline]
    pub fn take(&mut self, p: Place, between: Between, prelude: impl FnOnce() -> Option<Vec<u64>>) {
        let capture = p.frame.capture();
        if self.open.get(self.last).is_none_or(|s| s.frame.capture() != capture) {
            self.find(capture, p, prelude);
        }
        let Some(stretch) = self.open.get_mut(self.last) else { return };
        stretch.take(p.ts, between);
        if stretch.frames >= FRAMES {
            let done = self.open.swap_remove(self.last);
            self.tell(&done);
        }
    }

    #[cold]
    fn find(&mut self, capture: u16, p: Place, prelude: impl FnOnce() -> Option<Vec<u64>>) {
        if let Some(place) = self.open.iter().position(|s| s.frame.capture() == capture) {
            self.last = place;
            return;
        }
        if self.open.len() >= OPEN {
            self.finish();
        }
        self.open.push(Stretch::new(p, prelude()));
        self.last = self.open.len() - 1;
    }

    /// Nothing more comes: what goes on is told as it is.
    pub fn finish(&mut self) {
        let mut rest = std::mem::take(&mut self.open);
        rest.sort_by_key(|stretch| stretch.frame);
        rest.iter().for_each(|stretch| self.tell(stretch));
    }

    fn tell(&mut self, s: &Stretch) {
        self.rows.push(FrameIndexRow {
            ts: s.first_ts,
            flow: FlowRef::NONE,
            borrow: std::marker::PhantomData,
            frame: s.frame,
            last_ts: s.last_ts,
            frames: s.frames,
            offset: s.offset,
            prelude: &s.prelude,
            hosts: &s.hosts,
        });
    }

    /// The rows since this was asked last.
    pub fn rows(&mut self) -> Finished {
        self.rows.take()
    }
}

impl Stretch {
    #[cold]
    fn new(p: Place, prelude: Option<Vec<u64>>) -> Self {
        Self {
            frame: p.frame,
            first_ts: p.ts,
            last_ts: p.ts,
            frames: 0,
            offset: if prelude.is_some() { p.offset } else { 0 },
            prelude: prelude.unwrap_or_default(),
            hosts: Vec::new(),
            last: (0, 0),
        }
    }

    #[inline]
    fn take(&mut self, ts: Nanos, between: Between) {
        self.frames += 1;
        self.first_ts = self.first_ts.min(ts);
        self.last_ts = self.last_ts.max(ts);
        match between {
            Between::Nobody => {}
            Between::Unknown => self.add(ANYBODY),
            Between::Hosts(a, b) => {
                let pair = (number(a), number(b));
                if pair != self.last {
                    self.last = pair;
                    self.add(pair.0);
                    self.add(pair.1);
                }
            }
        }
    }

    fn add(&mut self, host: u64) {
        if self.hosts.contains(&host) || self.hosts.first() == Some(&ANYBODY) {
            return;
        }
        if host == ANYBODY || self.hosts.len() >= HOSTS {
            self.hosts.clear();
            self.hosts.push(ANYBODY);
            return;
        }
        self.hosts.push(host);
    }
}
