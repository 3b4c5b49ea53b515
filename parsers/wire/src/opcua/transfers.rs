//! Files that the methods of a FileType object move (Part 20 §4.2): recognised by the shape of their arguments, because
//! every instance has method ids of its own.
//!
//! ```text
//! Read   (fileHandle UInt32, length Int32)    -> (data ByteString)
//! Write  (fileHandle UInt32, data ByteString) -> ()
//! Close  (fileHandle UInt32)                  -> ()
//! ```

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

    /// A handle may be closed: it is, if data came for it.
    pub fn close(&mut self, cx: &mut Cx<'_>, node: &str, handle: u32) {
        let key = format!("{node} {handle}");
        self.written.finish(cx, &key);
        self.read.finish(cx, &key);
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
