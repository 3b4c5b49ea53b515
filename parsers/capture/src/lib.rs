//! Capture files to packets. Packets are borrowed from the block that was read: nothing is copied a packet.
//!
//! [`Reader`] reads one capture, [`Merge`] several in time order. What is damaged ends the file (or skips the block)
//! with a warning, after everything before it was handed out; what is no capture is an [`Error`] with a sentence for
//! the user.
#![forbid(unsafe_code)]

pub mod bpf;
mod error;
mod index;
mod merge;
mod pcap;
mod pcapng;
mod reader;
mod source;

pub use error::Error;
pub use index::{FrameIndexRows, Index, Place};
pub use merge::Merge;
pub use reader::{Facts, Packet, Reader, Start};
pub use source::identity;

/// Bytes that one packet may have: libpcap's largest snap length, 256 KiB, and a margin for capture headers.
/// A larger length is damage: there is no telling where the next record starts.
pub const PACKET_BYTES: usize = (256 + 64) * 1024;
/// Bytes of a pcapng block that is read whole: a packet with its options. Larger ones are skipped.
pub const BLOCK_BYTES: usize = PACKET_BYTES + 256 * 1024;
/// Interfaces of one pcapng section; what the file describes beyond it has no packets that count.
pub const INTERFACES: usize = 65_536;
