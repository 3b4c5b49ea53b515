//! Files that group 70 objects transfer (IEEE 1815 clause 6.5, Annex A.27), put together by handle.

use hashbrown::HashMap;

use super::reader::Reader;
use crate::dissect::{Cx, Dir, Nanos};
use crate::files::{About, Series};

/// Names and handles remembered of a flow.
const MOST: usize = 64;
/// Bit 31 of a block number: it is the last.
const LAST: u32 = 1 << 31;

/// The transfers of a flow.
#[derive(Debug, Default)]
pub struct Transfers {
    /// File names by request id.
    asked: HashMap<u16, String, crate::seed::Seeded>,
    /// File names by handle.
    names: HashMap<u32, String, crate::seed::Seeded>,
    series: Series,
}

impl Transfers {
    /// File objects of a fragment: variation, start and end of each.
    pub fn objects(&mut self, cx: &mut Cx<'_>, dir: Dir, octets: &[u8], found: &[(u8, usize, usize)]) {
        for &(variation, start, end) in found {
            let object = octets.get(start..end).unwrap_or_default();
            // A cut object says nothing: the fragment's own reader has reported it.
            let _ = self.object(cx, dir, variation, object);
        }
    }

    /// The layouts stand in `texts`.
    fn object(&mut self, cx: &mut Cx<'_>, dir: Dir, variation: u8, object: &[u8]) -> Option<()> {
        let mut r = Reader::new(object);
        match variation {
            3 => {
                r.u16()?;
                let length = usize::from(r.u16()?);
                r.take(20)?; // created, permissions, key, size, mode, largest block: 6 + 2 + 4 + 4 + 2 + 2
                let request = r.u16()?;
                let name = String::from_utf8_lossy(r.take(length.min(r.rest().len()))?).into_owned();
                if self.asked.len() < MOST {
                    self.asked.insert(request, name);
                }
            }
            4 => {
                let handle = r.u32()?;
                r.take(6)?; // size, largest block
                let request = r.u16()?;
                match self.asked.remove(&request) {
                    Some(name) if handle != 0 && self.names.len() < MOST => {
                        self.names.insert(handle, name);
                    }
                    Some(_) => {}
                    // The answer to a close has no name of its own.
                    None => {
                        self.series.finish(cx, &handle.to_string());
                        self.names.remove(&handle);
                    }
                }
            }
            5 => {
                let (handle, block) = (r.u32()?, r.u32()?);
                let key = handle.to_string();
                let place = if block & !LAST == 0 { 0 } else { self.series.place(&key) };
                let name = self.names.get(&handle).cloned().unwrap_or_default();
                let upload = dir == Dir::ToServer;
                let about = || About { path: name.replace('\\', "/"), name: String::new(), carrier: "dnp3", upload };
                self.series.append(cx, &key, place, about, r.rest());
                if block & LAST != 0 {
                    self.series.finish(cx, &key);
                }
            }
            _ => {}
        }
        Some(())
    }

    pub fn waits(&self) -> bool {
        self.series.waits()
    }

    pub fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.series.tick(cx, now);
    }

    pub fn end(&mut self, cx: &mut Cx<'_>) {
        self.series.end(cx);
    }
}
