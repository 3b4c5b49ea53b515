//! Values that changed: `tag_changes` has a row a message, with lists of its tags and their values, because a message
//! brings many changes at once and everything but tag and value is the same for all of them. The store's view
//! `tag_values` has a row a change.

use crate::columns::{Builder as _, Column, Finished, Frames, Name, Opt, Text, Time, Words, handed, offset};
use crate::dissect::{FlowRef, Frame};
use crate::words::Word;

/// One change of a value.
#[derive(Debug)]
pub struct TagValueRow<'a> {
    /// Time of the change, nanoseconds since the epoch.
    pub ts: i64,
    /// Its flow.
    pub flow: FlowRef,
    /// Ties the row to the buffers it borrows from.
    pub borrow: std::marker::PhantomData<&'a ()>,
    /// The packet.
    pub frame: Frame,
    /// `modbus dnp3 opcua mqtt http`.
    pub source: &'static str,
    /// Name of the tag: unit and register, point, node id, topic and JSON path, path of a URL and JSON path (behind the
    /// method where a request brought it).
    pub tag: Word<'a>,
    /// The value as a number; absent where it is none.
    pub value: Option<f64>,
    /// The value as text, where it is no number.
    pub text: &'a str,
    /// `good bad uncertain` and what the protocol says besides.
    pub quality: &'a str,
}

/// What all changes of a row have in common, to tell whether a change goes on with it.
#[derive(Debug, Clone, Copy)]
struct Place {
    ts: i64,
    flow: u32,
    frame: u64,
    source: &'static str,
}

impl Place {
    /// Whether a change belongs to the same row. Sources are constants: mostly their place in memory says
    /// enough.
    #[inline]
    fn goes_on(&self, other: &Self) -> bool {
        let (a, b) = (self.source, other.source);
        let source = std::ptr::eq(a, b) || a == b;
        source && self.ts == other.ts && self.flow == other.flow && self.frame == other.frame
    }
}

/// Changes of values, folded: those of one packet, flow and quality that come one after the other share a row.
#[derive(Debug, Default)]
pub struct TagValueRows {
    /// What the row under construction has in common; none: there is no row.
    last: Option<Place>,
    /// Its quality.
    last_quality: String,
    /// Where its values begin.
    begun: usize,
    /// Whether one of its values said something in text.
    texts: bool,
    ts: Time,
    flow: Vec<u32>,
    frame: Frames,
    source: Name,
    quality: Name,
    /// Where each row's tags and values end.
    ends: Vec<i32>,
    /// The tags, whose keys dissectors keep beside their values.
    pub tag: Words,
    value: Opt<f64>,
    /// Where each row's texts end: it has as many as tags where one of them says something, else none.
    text_ends: Vec<i32>,
    text: Text,
}

impl TagValueRows {
    /// Name in the store.
    pub const NAME: &'static str = "tag_changes";

    /// Adds a change.
    #[inline]
    pub fn push(&mut self, change: TagValueRow<'_>) {
        let place = Place { ts: change.ts, flow: change.flow.0, frame: change.frame.0, source: change.source };
        let same = self.last.as_ref().is_some_and(|last| last.goes_on(&place)) && self.last_quality == change.quality;
        if !same {
            self.begin(place, change.quality);
        }
        self.tag.push(change.tag);
        self.value.push(change.value);
        if self.texts || !change.text.is_empty() {
            self.said(change.text);
        }
    }

    /// Begins another row.
    fn begin(&mut self, place: Place, quality: &str) {
        self.end();
        self.ts.push(place.ts);
        self.flow.push(place.flow);
        self.frame.push(Frame(place.frame));
        self.source.push(place.source);
        self.quality.push(quality);
        self.last = Some(place);
        self.last_quality.clear();
        self.last_quality.push_str(quality);
        (self.begun, self.texts) = (self.value.len(), false);
    }

    /// Adds further changes that one message brought: numbers that differ from the change before in nothing but tag
    /// (its key) and value.
    pub fn more(&mut self, changes: &[(i32, f64)]) {
        if self.last.is_none() {
            return;
        }
        self.tag.extend(changes.iter().map(|c| c.0));
        self.value.extend(changes.iter().map(|c| c.1));
        if self.texts {
            self.text.blanks(changes.len());
        }
    }

    /// Adds the text of the last change; the first one that says something makes up for those that did not.
    fn said(&mut self, text: &str) {
        if !std::mem::replace(&mut self.texts, true) {
            self.text.blanks(self.value.len().saturating_sub(self.begun + 1));
        }
        self.text.push(text);
    }

    /// The row under construction, if there is one, goes as far as there are values.
    fn end(&mut self) {
        if self.last.take().is_some() {
            self.ends.push(offset(self.value.len()));
            self.text_ends.push(offset(self.text.rows()));
        }
    }

    /// Number of changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held by the columns.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let rows = self.ts.bytes() + self.frame.bytes() + self.source.bytes() + self.quality.bytes();
        rows + 12 * self.flow.len() + self.tag.bytes() + self.value.bytes() + self.text.bytes()
    }

    /// Takes the changes out and leaves the table empty.
    pub fn take(&mut self) -> Finished {
        self.end();
        let list = |ends: &mut Vec<i32>, items| {
            let mut offsets = Vec::with_capacity(ends.len() + 1);
            offsets.push(0);
            offsets.append(ends);
            Column::List { offsets, items: Box::new(items) }
        };
        Finished {
            name: Self::NAME,
            with_flow: true,
            flow: handed(&mut self.flow),
            columns: vec![
                ("ts", self.ts.take()),
                ("frame", self.frame.take()),
                ("source", self.source.take()),
                ("quality", self.quality.take()),
                ("tags", list(&mut self.ends.clone(), self.tag.take())),
                ("values", list(&mut self.ends, self.value.take())),
                ("texts", list(&mut self.text_ends, self.text.take())),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change<'a>(frame: u64, tag: &'a str, value: Option<f64>, text: &'a str, quality: &'a str) -> TagValueRow<'a> {
        let borrow = std::marker::PhantomData;
        let (ts, flow, frame) = (frame.cast_signed() * 10, FlowRef(0), Frame(frame));
        TagValueRow { ts, flow, borrow, frame, source: "mqtt", tag: tag.into(), value, text, quality }
    }

    #[test]
    fn changes_of_a_packet_share_a_row() {
        let mut rows = TagValueRows::default();
        for round in 0..2 {
            rows.push(change(1, "a", Some(1.0), "", "good"));
            rows.push(change(1, "b", Some(2.0), "", "good"));
            rows.push(change(2, "a", Some(3.0), "", "good"));
            rows.push(change(2, "b", None, "open", "good"));
            let key = rows.tag.key(&mut crate::words::Known::default(), || "c");
            rows.more(&[(key, 7.0)]);
            rows.push(change(2, "d", None, "x", "bad"));
            rows.push(change(3, "a", Some(4.0), "", "good"));
            assert_eq!(rows.len(), 7, "{round}");
            let folded = rows.take();
            assert_eq!(
                folded.lines(&["ts", "source"]),
                [
                    "tag_changes frame=1 quality=good tags=[a b] values=[1 2] texts=[]",
                    "tag_changes frame=2 quality=good tags=[a b c] values=[3 null 7] texts=[ open ]",
                    "tag_changes frame=2 quality=bad tags=[d] values=[null] texts=[x]",
                    "tag_changes frame=3 quality=good tags=[a] values=[4] texts=[]",
                ]
            );
        }
    }

    #[test]
    fn further_changes_need_a_first_one() {
        let mut rows = TagValueRows::default();
        rows.more(&[(0, 1.0)]);
        assert!(rows.is_empty() && rows.take().is_empty());
    }
}
