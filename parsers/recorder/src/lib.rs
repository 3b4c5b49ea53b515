//! Raw packets kept for evidence, live: a bounded ring in memory, and behind it one on disk.
//!
//! The thread that captures only copies bytes ([`Recorder::push`]) and hands over whole chunks; a thread of its own
//! writes those that leave memory to segment files, so that a disk never holds up a packet. When it cannot keep up,
//! what waits for it is bounded, and what is let go is counted. [`select`](Held::select) finds the packets of some
//! hosts in a stretch of time; [`Selector`] is the same over packets from anywhere else.
#![forbid(unsafe_code)]

mod chunk;
mod disk;
mod ends;
mod held;
mod select;

pub use chunk::Record;
pub use ends::{Ends, ends};
pub use held::{Counters, Held, Recorder, Settings};
pub use select::{Found, Kept, Selector, Wanted};

/// Bytes of a chunk, the unit that is handed over, written and let go.
pub const CHUNK: usize = 1 << 20;
/// Bytes of a segment file.
pub const SEGMENT: u64 = 16 << 20;
/// Bytes of chunks that may wait for the disk; beyond it the oldest is let go.
pub const WAITING: usize = 8 << 20;
/// Packets, and bytes of them, kept of a connection's beginning where that lies before the stretch that is wanted.
pub const OPENING: usize = 32;
/// See [`OPENING`].
pub const OPENING_BYTES: usize = 64 << 10;
/// Connections of one question whose beginning is remembered; beyond it the oldest is forgotten.
pub const OPENINGS: usize = 1024;
/// Stretches that were let go out of turn and are remembered as holes; beyond it the oldest is forgotten.
pub const HOLES: usize = 64;
