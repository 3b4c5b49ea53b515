//! Columns of texts that repeat: each distinct text is kept once, rows are keys into these.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::columns::{Builder, Column, Text, handed, offset};

/// Texts of low cardinality (names of functions, states, topics): each distinct one is kept once.
#[derive(Debug, Default)]
pub struct Name {
    keys: Vec<i32>,
    values: Text,
    index: HashTable<i32>,
    hasher: crate::seed::Seeded,
    recent: [Recent; RECENT],
}

/// Texts that are found again without a hash: a column has few that come in turns (functions, states, topics).
const RECENT: usize = 32;
/// Texts up to this length are told apart by [`edges`] alone.
const SHORT: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Recent {
    edges: (u64, u64),
    length: usize,
    key: i32,
}

impl Default for Recent {
    fn default() -> Self {
        Self { edges: (0, 0), length: usize::MAX, key: 0 }
    }
}

/// The first and the last eight bytes. They overlap in texts shorter than sixteen bytes, so that length and edges
/// say all of them: three comparisons of integers instead of a call for a few bytes.
#[inline]
fn edges(text: &[u8]) -> (u64, u64) {
    if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
        return (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
    }
    if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
        return (u32::from_le_bytes(*head).into(), u32::from_le_bytes(*tail).into());
    }
    (text.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)), 0)
}

impl Name {
    /// The text's key, which holds until the column is taken.
    #[inline]
    pub fn key(&mut self, text: &str) -> i32 {
        let text = text.as_bytes();
        let edges = edges(text);
        let place = Self::place(edges);
        if let Some(recent) = self.recent.get(place)
            && recent.edges == edges
            && recent.length == text.len()
            && (text.len() <= SHORT || self.value(recent.key) == text)
        {
            return recent.key;
        }
        self.other(text)
    }

    /// Where a text stands among the recent ones.
    #[inline]
    fn place((head, tail): (u64, u64)) -> usize {
        ((head ^ tail.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 59) as usize
    }

    /// The key of a text that is not among the recent ones, which it then is.
    #[inline(never)]
    fn other(&mut self, text: &[u8]) -> i32 {
        let key = self.look_up(text);
        let edges = edges(text);
        if let Some(recent) = self.recent.get_mut(Self::place(edges)) {
            *recent = Recent { edges, length: text.len(), key };
        }
        key
    }

    fn look_up(&mut self, text: &[u8]) -> i32 {
        let hash = self.hasher.hash_one(text);
        let found = self.index.find(hash, |&key| self.value(key) == text).copied();
        found.unwrap_or_else(|| {
            let Self { values, index, hasher, .. } = self;
            let key = offset(values.rows());
            values.add(text);
            index.insert_unique(hash, key, |&key| hasher.hash_one(values.get(usize::try_from(key).unwrap_or(0))));
            key
        })
    }

    #[inline]
    fn value(&self, key: i32) -> &[u8] {
        self.values.get(usize::try_from(key).unwrap_or(0))
    }
}

impl Name {
    /// Adds a row of a text whose key is known.
    #[inline]
    pub fn add_key(&mut self, key: i32) {
        self.keys.push(key);
    }
}

impl Builder for Name {
    type In<'a> = &'a str;
    #[inline]
    fn push(&mut self, value: &str) {
        let key = self.key(value);
        self.keys.push(key);
    }
    fn take(&mut self) -> Column {
        self.index.clear();
        self.recent = Default::default();
        Column::Dictionary { keys: handed(&mut self.keys), values: Box::new(self.values.take()) }
    }
    fn bytes(&self) -> usize {
        4 * self.keys.len() + Builder::bytes(&self.values)
    }
    fn rows(&self) -> usize {
        self.keys.len()
    }
    fn cut(&mut self, rows: usize) {
        self.keys.truncate(rows);
    }
}

/// Texts whose pusher remembers what it has pushed: tags, which are many, long, and the same for a flow's life.
#[derive(Debug, Default)]
pub struct Words {
    names: Name,
    taken: u32,
}

/// A row of a [`Words`] column.
#[derive(Debug, Clone, Copy)]
pub enum Word<'a> {
    /// A text.
    Text(&'a str),
    /// The key that [`Words::word`] gave for it.
    Key(i32),
}

impl<'a> From<&'a str> for Word<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

/// A text's key and the round it is of, kept beside what the text names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    round: u32,
    key: i32,
}

impl Words {
    /// Adds rows of texts whose keys are known.
    pub fn extend(&mut self, keys: impl ExactSizeIterator<Item = i32>) {
        self.names.keys.extend(keys);
    }

    /// The text's key in this round, looked up only where `known` is of another.
    #[inline]
    pub fn key<'t>(&mut self, known: &mut Known, text: impl FnOnce() -> &'t str) -> i32 {
        if known.round != self.round() {
            *known = Known { round: self.round(), key: self.names.key(text()) };
        }
        known.key
    }

    /// In what round of keys the column is, never 0: each [`Builder::take`] begins another.
    #[inline]
    fn round(&self) -> u32 {
        self.taken.wrapping_add(1).max(1)
    }

    /// The row of a text whose key may be known from before.
    #[inline]
    pub fn word<'t>(&mut self, known: &mut Known, text: impl FnOnce() -> &'t str) -> Word<'static> {
        Word::Key(self.key(known, text))
    }
}

impl Builder for Words {
    type In<'a> = Word<'a>;
    #[inline]
    fn push(&mut self, value: Word<'_>) {
        match value {
            Word::Text(text) => self.names.push(text),
            Word::Key(key) => self.names.keys.push(key),
        }
    }
    fn take(&mut self) -> Column {
        self.taken = self.taken.wrapping_add(1);
        self.names.take()
    }
    fn bytes(&self) -> usize {
        self.names.bytes()
    }
    fn rows(&self) -> usize {
        self.names.rows()
    }
    fn cut(&mut self, rows: usize) {
        self.names.cut(rows);
    }
}

#[cfg(test)]
#[allow(clippy::panic)] // a test fails by panicking
mod tests {
    use super::*;

    fn shown(column: &Column) -> Vec<String> {
        (0..column.len()).map(|row| column.show(row)).collect()
    }

    #[test]
    fn texts_of_every_length_are_told_apart() {
        let base = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop";
        let mut texts: Vec<String> = (0..=base.len()).map(|n| base[..n].to_owned()).collect();
        // The same edges and the same length, and zeros, which edges of short texts are padded with.
        texts.extend(["abcdefgh-ijklmnop", "abcdefgh+ijklmnop", "\0", "\0\0", "\0a", "a\0"].map(str::to_owned));
        let mut column = Name::default();
        for text in texts.iter().chain(texts.iter().rev()) {
            column.push(text);
        }
        let column = column.take();
        let expected: Vec<String> = texts.iter().chain(texts.iter().rev()).cloned().collect();
        assert_eq!(shown(&column), expected);
        let Column::Dictionary { values, .. } = column else { panic!("a dictionary") };
        assert_eq!(values.len(), texts.len());
    }

    #[test]
    fn a_key_holds_for_one_round() {
        let mut column = Words::default();
        let mut known = Known::default();
        for round in ["first", "second"] {
            column.push(round.into());
            for _ in 0..2 {
                let word = column.word(&mut known, || "u1/coil/7");
                column.push(word);
            }
            assert_eq!(shown(&column.take()), [round, "u1/coil/7", "u1/coil/7"]);
        }
    }
}
