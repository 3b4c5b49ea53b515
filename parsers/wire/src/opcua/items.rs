//! The nodes that a call is about, in buffers that are used again.

use super::nodes::NodeId;
use super::text::Out;
use super::variant::{DataValue, Number};
use crate::dissect::Nanos;
use crate::limits::Limits;

/// A stretch of a call's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Its start and end.
    #[must_use]
    #[inline]
    pub fn edges(self) -> (usize, usize) {
        (self.start as usize, self.end as usize)
    }

    /// Its bytes.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it is empty.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The stretch itself.
    #[must_use]
    #[inline]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// One node that a call is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Item {
    /// Its node id.
    pub node: Span,
    /// Attribute; 0: the item is of another kind.
    pub attribute: u32,
    /// Where the index range begins that was named of its value.
    pub from: Option<u32>,
    /// Its value as text.
    pub value: Span,
    /// Its value as number.
    pub number: Number,
    /// Its status.
    pub status: u32,
    /// Source time stamp, nanoseconds since the epoch; 0: none.
    pub source_time: Nanos,
    /// Whether value and status came from the server.
    pub answered: bool,
    /// Client handle of a monitored item.
    pub handle: u32,
    /// Where its last value is remembered, counted from 1; 0: not known.
    pub tag: u32,
}

/// The items of a call, their texts end to end in one buffer.
#[derive(Debug, Default)]
pub struct Items {
    /// All texts.
    pub text: String,
    /// The items.
    pub list: Vec<Item>,
    /// Items beyond the limit `items`.
    pub beyond: u64,
}

impl Items {
    /// Empties the buffers; they stay.
    pub fn clear(&mut self) {
        self.text.clear();
        self.list.clear();
        self.beyond = 0;
    }

    /// Writes a text of at most `text_bytes` bytes.
    #[inline]
    pub fn write<R>(&mut self, limits: &Limits, write: impl FnOnce(&mut Out<'_>) -> R) -> (Span, R) {
        let start = span_edge(self.text.len());
        let done = write(&mut Out::new(&mut self.text, limits.text_bytes));
        (Span { start, end: span_edge(self.text.len()) }, done)
    }

    /// Writes `before -> ` and what comes now, `before` being a stretch written earlier.
    pub fn write_after<R>(
        &mut self,
        before: Span,
        limits: &Limits,
        write: impl FnOnce(&mut Out<'_>) -> R,
    ) -> (Span, R) {
        let start = self.text.len();
        let inputs = before.of(&self.text).to_owned();
        self.text.push_str(&inputs);
        let mut out = Out::new(&mut self.text, limits.text_bytes);
        if before != Span::default() {
            out.str(" -> ");
        }
        let done = write(&mut out);
        (Span { start: span_edge(start), end: span_edge(self.text.len()) }, done)
    }

    /// Writes a node id.
    #[inline]
    pub fn node(&mut self, node: &NodeId<'_>, limits: &Limits) -> Span {
        self.write(limits, |out| node.write(out)).0
    }

    /// Whether there are `items` already: what names further ones need not be written.
    #[must_use]
    #[inline]
    pub fn full(&self, limits: &Limits) -> bool {
        self.list.len() as u64 >= limits.items
    }

    /// Adds an item, or counts it when there are `items` already.
    #[inline]
    pub fn push(&mut self, item: Item, limits: &Limits) {
        if self.full(limits) {
            self.beyond += 1;
        } else {
            self.list.push(item);
        }
    }

    /// The item at `index`, made when the request was not seen.
    #[inline]
    pub fn at(&mut self, index: usize, limits: &Limits) -> Option<&mut Item> {
        if index >= self.list.len() {
            if self.full(limits) {
                self.beyond += 1;
                return None;
            }
            self.list.resize(index + 1, Item::default());
        }
        self.list.get_mut(index)
    }

    /// Puts a response's value into the item at `index`.
    #[inline]
    pub fn answer(&mut self, index: usize, value: Span, data: &DataValue, limits: &Limits) {
        if let Some(item) = self.at(index, limits) {
            item.value = value;
            item.number = data.number;
            item.status = data.status;
            item.source_time = data.source_time;
            item.answered = true;
        }
    }

    /// Bytes that the buffers take.
    #[must_use]
    pub fn held(&self) -> usize {
        self.text.capacity() + self.list.capacity() * size_of::<Item>()
    }

    /// Bytes that are in them.
    #[must_use]
    pub fn used(&self) -> usize {
        self.text.len() + self.list.len() * size_of::<Item>()
    }
}

fn span_edge(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
