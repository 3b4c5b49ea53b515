//! Files that the methods of a FileType object move (Part 20 §4.2): recognised by the shape of their arguments, because
//! every instance has method ids of its own.
//!
//! ```text
//! Read   (fileHandle UInt32, length Int32)    -> (data ByteString)
//! Write  (fileHandle UInt32, data ByteString) -> ()
//! Close  (fileHandle UInt32)                  -> ()
//! ```
//!
//! Models also come as the value of a node, a ByteString that is read, written or published: whole, in several writes
//! one behind the other, or by index range, whose start is the piece's place. Those of messages too long to be kept pass by in
//! `passing`.

use super::items::Span;
use super::read::Reader;
use crate::dissect::{Cx, Nanos};
use crate::files::{About, Series};

/// What a call of a method may be to a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Act {
    /// Nothing of these.
    #[default]
    None,
    /// Asks for data of a handle.
    Read(u32),
    /// Brings data: where they stand in the body.
    Write(u32, Place),
    /// Ends a handle.
    Close(u32),
}

/// Start and length in the body.
pub type Place = (usize, usize);

/// What the arguments of a request that stand next make it.
#[must_use]
pub fn request(r: &Reader<'_>) -> Act {
    let mut r = r.clone();
    arguments(&mut r).unwrap_or_default()
}

fn arguments(r: &mut Reader<'_>) -> Option<Act> {
    let count = r.i32().ok()?;
    if r.u8().ok()? != 7 {
        return None;
    }
    let handle = r.u32().ok()?;
    if count == 1 {
        return Some(Act::Close(handle));
    }
    match (count, r.u8().ok()?) {
        (2, 6) => Some(Act::Read(handle)),
        (2, 15) => Some(Act::Write(handle, bytes(r)?)),
        _ => None,
    }
}

/// The data among the arguments of a response that stand next, if they are nothing else.
#[must_use]
pub fn response(r: &Reader<'_>) -> Option<Place> {
    let mut r = r.clone();
    let one = r.i32().ok()? == 1 && r.u8().ok()? == 15;
    if one { bytes(&mut r) } else { None }
}

fn bytes(r: &mut Reader<'_>) -> Option<Place> {
    let length = r.string("data").ok()?.len();
    Some((r.at() - length, length))
}

/// ByteStrings of one call that are looked at.
const BLOBS: usize = 64;

/// A ByteString that is the value of a node.
#[derive(Debug, Clone, Copy)]
pub struct Blob {
    /// The node, with the index range behind it where one was named.
    pub node: Span,
    /// Where it begins in the node's value, where an index range says so.
    pub from: Option<u32>,
    /// Where it stands in the body.
    pub place: Place,
}

/// Notes the value that stands next, a DataValue, if it is a ByteString. `base`: where the reader's bytes begin in the
/// body.
#[inline]
pub fn note(blobs: &mut Vec<Blob>, r: &Reader<'_>, base: usize, node: Span, from: Option<u32>) {
    if let [mask, 15, ..] = r.rest()
        && mask & 1 == 1
        && blobs.len() < BLOBS
    {
        let mut r = r.clone();
        if let (Ok(_), Some((at, length))) = (r.take(2, "encoding"), bytes(&mut r)) {
            blobs.push(Blob { node, from, place: (base + at, length) });
        }
    }
}

/// Where an index range of one dimension begins: `3`, `0:99`.
#[must_use]
pub fn range_start(range: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(range).ok()?;
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    last.parse::<u32>().ok()?;
    first.parse().ok()
}

/// The transfers of a flow.
#[derive(Debug, Default)]
pub struct Transfers {
    written: Series,
    read: Series,
}

impl Transfers {
    /// Data of a handle of an object.
    pub fn data(&mut self, cx: &mut Cx<'_>, node: &str, handle: u32, upload: bool, bytes: &[u8]) {
        let series = if upload { &mut self.written } else { &mut self.read };
        let key = format!("{node} {handle}");
        let place = series.place(&key);
        let about = || About { path: node.to_owned(), name: String::new(), carrier: "opcua", upload };
        series.append(cx, &key, place, about, bytes);
    }

    /// The value of a node.
    pub fn value(&mut self, cx: &mut Cx<'_>, node: &str, from: Option<u32>, upload: bool, bytes: &[u8]) {
        let series = if upload { &mut self.written } else { &mut self.read };
        let node = if from.is_some() { node.rsplit_once('[').map_or(node, |(node, _)| node) } else { node };
        let about = || About { path: node.to_owned(), name: String::new(), carrier: "opcua", upload };
        match from {
            Some(place) => series.part(cx, node, place.into(), about, bytes),
            None if series.wants(node, bytes) => series.message(cx, node, about(), bytes),
            None => {}
        }
    }

    /// A handle may be closed: it is, if data came for it.
    pub fn close(&mut self, cx: &mut Cx<'_>, node: &str, handle: u32) {
        let key = format!("{node} {handle}");
        self.written.finish(cx, &key);
        self.read.finish(cx, &key);
    }

    pub fn waits(&self) -> bool {
        self.written.waits() || self.read.waits()
    }

    pub fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.written.tick(cx, now);
        self.read.tick(cx, now);
    }

    pub fn end(&mut self, cx: &mut Cx<'_>) {
        self.written.end(cx);
        self.read.end(cx);
    }
}
