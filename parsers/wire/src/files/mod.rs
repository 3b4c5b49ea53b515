//! Objects carried over the network: followed byte by byte, hashed as they pass, never kept.
//!
//! A follower stands beside a flow of a protocol that carries files (HTTP, FTP, SMB, NFS); the OT dissectors hand over what
//! their messages carry (MQTT payloads, file records, file objects, file transfers of OPC UA).

mod archive;
mod content;
mod expected;
mod extent;
mod format;
mod ftp;
mod head;
mod http;
mod multipart;
mod names;
mod nfs;
mod nfs_messages;
mod object;
mod pickle;
mod placed;
mod protobuf;
mod series;
mod smb;
mod smb_messages;
mod told;
mod unzip;

pub use expected::{Expected, Transfer};
pub use object::{About, Object};
pub use series::Series;

use crate::columns::{Flag, Frames, Name, Num, Text, Time};
use crate::dissect::{Cx, Dir, Nanos};

/// Follows the bytes of one flow for the files in it.
pub trait Follow: Send {
    /// The next bytes of a direction, in order.
    fn bytes(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]);
    /// So many bytes of a direction were never captured; 0: nobody knows how many.
    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64);
    /// Whether something waits for [`tick`](Self::tick).
    fn waits(&self) -> bool {
        false
    }
    /// Packet time has come to `now` (called at each window's end).
    fn tick(&mut self, _cx: &mut Cx<'_>, _now: Nanos) {}
    /// The flow is over.
    fn end(&mut self, cx: &mut Cx<'_>);
}

/// The follower that a protocol has.
#[must_use]
pub fn follower(app: &str) -> Option<Box<dyn Follow>> {
    match app {
        "http" => Some(Box::<http::Http>::default()),
        "ftp" => Some(Box::<ftp::Control>::default()),
        "smb" => Some(Box::<smb::Smb>::default()),
        "rpc" => Some(Box::<nfs::Nfs>::default()),
        _ => None,
    }
}

/// The follower of a connection that another one announced.
#[must_use]
pub fn transferred(transfer: Transfer) -> Box<dyn Follow> {
    Box::new(ftp::Data::new(transfer))
}

crate::table! {
    /// One row an object that passed, whole or in part.
    FileRows / FileRow "files" flow {
        /// The packet with its last byte.
        frame: Frames,
        /// The packet with its first byte.
        first_frame: Frames,
        /// Time of its first byte.
        first_ts: Time,
        /// SHA-256 of the content, encodings of the transfer taken off; empty: not all of it was seen.
        sha256: Text,
        /// Bytes of content that were seen.
        size: Num<u64>,
        /// Bytes that were not captured.
        missing: Num<u64>,
        /// File name, the last part of its path.
        name: Text,
        /// Where it lay or went: host and path, topic, node id.
        path: Text,
        /// Type by content.
        mime: Name,
        /// Format of a model or of what holds one; empty: none that is known.
        model_format: Name,
        /// How it came: `http ftp smb nfs mqtt opcua modbus dnp3`.
        carrier: Name,
        /// From the client to the server.
        upload: Flag,
        /// What is odd about it: `imports os.system`, `name says text/csv`, `cut`; empty: nothing.
        warnings: Text,
    }
}
