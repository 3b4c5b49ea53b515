//! Columns in ClickHouse's format Native: blocks of whole columns, as its tables take them with the least work.
//!
//! ```text
//! block:  columns, rows (varints), then each column: name, type (texts: varint of the length, bytes), data
//! number, time, address   its bytes, little-endian (addresses: as they stand in a packet)
//! Nullable(T)             a byte a row, 1 for none; then T
//! String                  texts, as above
//! Array(T)                the end of each list, 64 bits; then T of all items
//! LowCardinality(String)  version; then width of the keys and flags, number of texts, texts, number of rows, keys
//! ```
//! The versions of all texts in lists stand in front of the column's data. Native knows no end: blocks are joined as
//! they are.

use std::fmt;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, UInt16Type};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use wire::columns::Column;

/// LowCardinality: a dictionary with its own texts in every block.
const VERSION: u64 = 1;
const OWN_TEXTS: u64 = 1 << 9 | 1 << 10;

/// How a column is written, and as what type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Values of one width, end to end.
    Plain(&'static str),
    /// The same with a flag each.
    Nullable(Box<Kind>),
    /// Texts or bytes.
    Text,
    /// Texts of low cardinality.
    Words,
    /// Lists.
    List(Box<Kind>),
}

impl Kind {
    /// The kind of a column.
    pub fn of(column: &Column) -> Self {
        Self::Plain(match column {
            Column::U8(_) => "UInt8",
            Column::U16(_) => "UInt16",
            Column::U32(_) => "UInt32",
            Column::U64(_) | Column::Frame(_) => "UInt64",
            Column::I64(_) => "Int64",
            Column::F64(_) => "Float64",
            Column::Time(_) => "DateTime64(9, 'UTC')",
            Column::Ip(_) => "IPv6",
            Column::Nullable(values, _) => return Self::Nullable(Box::new(Self::of(values))),
            Column::Text { .. } => return Self::Text,
            Column::Dictionary { .. } => return Self::Words,
            Column::List { items, .. } => return Self::List(Box::new(Self::of(items))),
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Nullable(of) => write!(f, "Nullable({of})"),
            Self::Text => f.write_str("String"),
            Self::Words => f.write_str("LowCardinality(String)"),
            Self::List(of) => write!(f, "Array({of})"),
        }
    }
}

/// A block under construction.
#[derive(Debug, Default)]
pub struct Block(pub Vec<u8>);

impl Block {
    /// Begins a block of so many columns and rows.
    pub fn begin(&mut self, columns: usize, rows: usize) {
        self.varint(columns);
        self.varint(rows);
    }

    /// Begins a column whose data follow.
    pub fn head(&mut self, name: &str, kind: &Kind) {
        self.text(name.as_bytes());
        self.text(kind.to_string().as_bytes());
        self.versions(kind);
    }

    /// Writes a column.
    pub fn column(&mut self, name: &str, kind: &Kind, array: &ArrayRef) {
        self.head(name, kind);
        self.data(kind, array.as_ref());
    }

    /// Writes a column of values, whose bytes are given for each row.
    pub fn values<const N: usize>(
        &mut self,
        name: &str,
        kind: &'static str,
        rows: impl ExactSizeIterator<Item = [u8; N]>,
    ) {
        self.head(name, &Kind::Plain(kind));
        self.chunks(rows);
    }

    /// Writes a column of texts of low cardinality: the texts, and which of them each row has.
    pub fn words<'a>(
        &mut self,
        name: &str,
        texts: impl ExactSizeIterator<Item = &'a [u8]>,
        keys: impl ExactSizeIterator<Item = u32>,
    ) {
        self.head(name, &Kind::Words);
        self.dictionary(texts, keys);
    }

    fn versions(&mut self, kind: &Kind) {
        match kind {
            Kind::Words => self.number(VERSION),
            Kind::List(of) => self.versions(of),
            Kind::Plain(_) | Kind::Nullable(_) | Kind::Text => {}
        }
    }

    /// Writes an array that is whole: no slice of another.
    fn data(&mut self, kind: &Kind, array: &dyn Array) {
        match kind {
            Kind::Plain(_) => {
                if let Some(values) = array.to_data().buffers().first() {
                    self.0.extend_from_slice(values.as_slice());
                }
            }
            Kind::Nullable(of) => {
                match array.nulls() {
                    Some(nulls) => self.absent(nulls),
                    None => self.0.resize(self.0.len() + array.len(), 0),
                }
                self.data(of, array);
            }
            Kind::Text => {
                self.0.reserve(array.get_buffer_memory_size());
                texts(array).for_each(|text| self.text(text));
            }
            Kind::Words => {
                if let Some(words) = array.as_dictionary_opt::<Int32Type>() {
                    let keys = words.keys().values();
                    self.dictionary(texts(words.values().as_ref()), keys.iter().map(|&key| key.cast_unsigned()));
                } else if let Some(words) = array.as_dictionary_opt::<UInt16Type>() {
                    let keys = words.keys().values();
                    self.dictionary(texts(words.values().as_ref()), keys.iter().map(|&key| key.into()));
                }
            }
            Kind::List(of) => {
                let Some(lists) = array.as_list_opt::<i32>() else { return };
                let ends = lists.value_offsets().get(1..).unwrap_or_default().iter();
                self.chunks(ends.map(|&end| u64::from(end.cast_unsigned()).to_le_bytes()));
                if !lists.values().is_empty() {
                    self.data(of, lists.values().as_ref());
                }
            }
        }
    }

    fn dictionary<'a>(
        &mut self,
        texts: impl ExactSizeIterator<Item = &'a [u8]>,
        keys: impl ExactSizeIterator<Item = u32>,
    ) {
        let (count, rows) = (texts.len() as u64, keys.len() as u64);
        let width = match count {
            0..=0x100 => 0,
            0x101..=0x1_0000 => 1,
            _ => 2,
        };
        self.number(OWN_TEXTS | width);
        self.number(count);
        texts.for_each(|text| self.text(text));
        self.number(rows);
        match width {
            0 => self.0.extend(keys.map(|key| key.to_le_bytes()[0])),
            1 => self.chunks(keys.map(|key| [key.to_le_bytes()[0], key.to_le_bytes()[1]])),
            _ => self.chunks(keys.map(u32::to_le_bytes)),
        }
    }

    /// Writes values of one width: room is made once, not value by value.
    #[inline]
    fn chunks<const N: usize>(&mut self, values: impl ExactSizeIterator<Item = [u8; N]>) {
        let start = self.0.len();
        self.0.resize(start + N * values.len(), 0);
        let (room, _) = self.0.get_mut(start..).unwrap_or_default().as_chunks_mut::<N>();
        room.iter_mut().zip(values).for_each(|(place, value)| *place = value);
    }

    /// Writes a byte a row, 1 for none.
    fn absent(&mut self, there: &NullBuffer) {
        let start = self.0.len();
        self.0.resize(start + there.len(), 0);
        let bits = there.inner().bit_chunks();
        let room = self.0.get_mut(start..).unwrap_or_default();
        for (rows, bits) in room.chunks_mut(64).zip(bits.iter_padded()) {
            for (row, place) in rows.iter_mut().enumerate() {
                *place = u8::from(bits >> row & 1 == 0);
            }
        }
    }

    fn number(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.varint(text.len());
        self.0.extend_from_slice(text);
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    #[inline]
    fn varint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

/// The texts of an array of texts or bytes.
fn texts(array: &dyn Array) -> impl ExactSizeIterator<Item = &[u8]> {
    let (offsets, bytes) = match (array.as_string_opt::<i32>(), array.as_binary_opt::<i32>()) {
        (Some(texts), _) => (texts.value_offsets(), texts.value_data()),
        (_, Some(texts)) => (texts.value_offsets(), texts.value_data()),
        _ => (&[][..], &[][..]),
    };
    let edge = |at: i32| usize::try_from(at).unwrap_or(0);
    let ends = offsets.get(1..).unwrap_or_default();
    offsets.iter().zip(ends).map(move |(&start, &end)| bytes.get(edge(start)..edge(end)).unwrap_or_default())
}
