//! Polls repeat themselves: the same Read request comes again and again. What its node ids look like as
//! text is kept, so that only the first poll pays for it.

use xxhash_rust::xxh3::xxh3_64;

use super::items::{Item, Items};
use crate::limits::Limits;

#[derive(Debug, Default)]
struct Template {
    bytes: Vec<u8>,
    text: String,
    list: Vec<Item>,
}

/// Requests of a flow by the hash of their bytes, `read_templates` places; who comes later takes the place.
#[derive(Debug, Default)]
pub struct Templates {
    places: Vec<Template>,
}

/// Longer requests are read anew each time.
const LONGEST: usize = 2_048;

impl Templates {
    fn place(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.len() > LONGEST {
            return None;
        }
        let places = self.places.len() as u64;
        usize::try_from(xxh3_64(bytes).checked_rem(places)?).ok()
    }

    /// Fills `items` when the same bytes were read before; gives the place for [`hint`](Self::hint).
    #[must_use]
    pub fn recall(&self, bytes: &[u8], items: &mut Items) -> Option<usize> {
        let place = self.place(bytes)?;
        let template = self.places.get(place).filter(|t| t.bytes == bytes)?;
        items.text.push_str(&template.text);
        items.list.extend_from_slice(&template.list);
        Some(place)
    }

    /// Keeps what was read from `bytes`.
    pub fn keep(&mut self, bytes: &[u8], items: &Items, limits: &Limits) {
        if self.places.is_empty() {
            self.places.resize_with(usize::try_from(limits.read_templates).unwrap_or(0), Template::default);
        }
        if items.beyond > 0 || items.text.len() > 4 * LONGEST {
            return;
        }
        let Some(template) = self.place(bytes).and_then(|at| self.places.get_mut(at)) else { return };
        bytes.clone_into(&mut template.bytes);
        items.text.clone_into(&mut template.text);
        items.list.clone_into(&mut template.list);
    }

    /// Takes over where the values of the nodes are remembered; a wrong hint costs a look-up, no more.
    pub fn hint(&mut self, place: usize, items: &Items) {
        let Some(template) = self.places.get_mut(place) else { return };
        for (kept, item) in template.list.iter_mut().zip(&items.list) {
            kept.tag = item.tag;
        }
    }
}
