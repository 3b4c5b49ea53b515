//! A file that is read or written piece by piece, at places: put in order, as far as a bounded stash goes.

use std::collections::BTreeMap;

use super::object::{About, Object};
use crate::dissect::Cx;

/// Bytes of pieces that came out of order.
const STASH: usize = 8 << 20;

/// See the module's head.
#[derive(Debug, Default)]
pub struct Placed {
    /// Where it lies, as the client named it.
    pub path: String,
    /// Its length, where the server says it; 0: not known.
    pub length: u64,
    object: Option<Object>,
    stash: BTreeMap<u64, Vec<u8>>,
    stashed: usize,
}

impl Placed {
    /// A file of this path and length.
    #[must_use]
    pub fn new(path: String, length: u64) -> Self {
        Self { path, length, ..Self::default() }
    }

    /// A piece at its place.
    pub fn bytes(&mut self, cx: &Cx<'_>, carrier: &'static str, upload: bool, at: u64, bytes: &[u8]) {
        let path = &self.path;
        let about = || About { path: path.clone(), name: String::new(), carrier, upload };
        let object = self.object.get_or_insert_with(|| Object::new(cx, about()));
        if at > object.at() {
            if self.stashed + bytes.len() <= STASH {
                self.stashed += bytes.len();
                self.stash.entry(at).or_default().extend_from_slice(bytes);
                return;
            }
            object.lose(at - object.at());
        }
        add(object, at, bytes);
        while let Some(first) = self.stash.first_entry().filter(|e| *e.key() <= object.at()) {
            let (at, bytes) = first.remove_entry();
            self.stashed = self.stashed.saturating_sub(bytes.len());
            add(object, at, &bytes);
        }
    }

    /// Where the next byte is expected.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.object.as_ref().map_or(0, Object::at)
    }

    /// Its last byte will not be waited for.
    pub fn cut(&mut self) {
        if let Some(object) = &mut self.object {
            object.cut();
        }
    }

    /// It is over: what is stashed is added, with the holes in front of it.
    pub fn finish(self, cx: &mut Cx<'_>) {
        let Some(mut object) = self.object else { return };
        for (at, bytes) in self.stash {
            let hole = at.saturating_sub(object.at());
            object.lose(hole);
            add(&mut object, at, &bytes);
        }
        if !object.about.upload && object.at() < self.length {
            object.cut();
        }
        object.finish(cx);
    }
}

/// Adds what of these bytes is new.
fn add(object: &mut Object, at: u64, bytes: &[u8]) {
    let known = usize::try_from(object.at().saturating_sub(at)).unwrap_or(usize::MAX);
    object.bytes(bytes.get(known.min(bytes.len())..).unwrap_or_default());
}
