//! Columns: what dissectors append to and what crosses the border to Python without a copy.
//!
//! A table is a struct of columns made by [`table!`]; a dissector pushes one row struct, the binding
//! takes the vectors as they are and hands them out as Arrow buffers.

pub use crate::words::{Name, Words};

/// A finished column. Vectors are handed over as they are: Arrow takes them without copying.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Unsigned 8-bit values (also used for booleans, 0 or 1).
    U8(Vec<u8>),
    /// Unsigned 16-bit values.
    U16(Vec<u16>),
    /// Unsigned 32-bit values.
    U32(Vec<u32>),
    /// Unsigned 64-bit values.
    U64(Vec<u64>),
    /// Signed 64-bit values.
    I64(Vec<i64>),
    /// Floating point values.
    F64(Vec<f64>),
    /// Nanoseconds since the epoch, UTC.
    Time(Vec<i64>),
    /// IPv6 addresses, IPv4 mapped.
    Ip(Vec<[u8; 16]>),
    /// Packed frame references (see [`crate::dissect::Frame`]); unpacked to frame numbers on export.
    Frame(Vec<u64>),
    /// Values with a validity flag each (true: present).
    Nullable(Box<Column>, Vec<bool>),
    /// UTF-8 texts, end to end; `offsets` has one more entry than there are rows.
    Text {
        /// Start of each text; the last entry is the length of `bytes`.
        offsets: Vec<i32>,
        /// The texts, end to end.
        bytes: Vec<u8>,
        /// Whether the bytes are UTF-8 (Arrow Utf8) or arbitrary (Arrow Binary).
        utf8: bool,
    },
    /// Texts of low cardinality: `keys` point into `values`.
    Dictionary {
        /// Row to value.
        keys: Vec<i32>,
        /// A `Text` column of the distinct values.
        values: Box<Column>,
    },
    /// Lists: `offsets` has one more entry than there are rows.
    List {
        /// Start of each list in `items`.
        offsets: Vec<i32>,
        /// The items, end to end.
        items: Box<Column>,
    },
}

impl Column {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::U32(v) => v.len(),
            Self::U64(v) | Self::Frame(v) => v.len(),
            Self::I64(v) | Self::Time(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::Ip(v) => v.len(),
            Self::Nullable(_, valid) => valid.len(),
            Self::Text { offsets, .. } | Self::List { offsets, .. } => offsets.len().saturating_sub(1),
            Self::Dictionary { keys, .. } => keys.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row `row` as text: the canonical form that tests compare. Empty beyond the end.
    #[must_use]
    pub fn show(&self, row: usize) -> String {
        fn at<T: ToString>(values: &[T], row: usize) -> String {
            values.get(row).map(ToString::to_string).unwrap_or_default()
        }
        fn span(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
            let edge = |i: usize| offsets.get(i).map_or(0, |&o| usize::try_from(o).unwrap_or(0));
            edge(row)..edge(row + 1)
        }
        match self {
            Self::U8(v) => at(v, row),
            Self::U16(v) => at(v, row),
            Self::U32(v) => at(v, row),
            Self::U64(v) | Self::Frame(v) => at(v, row),
            Self::I64(v) | Self::Time(v) => at(v, row),
            Self::F64(v) => at(v, row),
            Self::Ip(v) => v.get(row).map(|a| std::net::Ipv6Addr::from(*a).to_string()).unwrap_or_default(),
            Self::Nullable(values, valid) => {
                if valid.get(row) == Some(&true) {
                    values.show(row)
                } else {
                    "null".into()
                }
            }
            Self::Text { offsets, bytes, utf8 } => {
                let text = bytes.get(span(offsets, row)).unwrap_or_default();
                if *utf8 { String::from_utf8_lossy(text).into_owned() } else { format!("{}", text.escape_ascii()) }
            }
            Self::Dictionary { keys, values } => {
                keys.get(row).and_then(|&k| usize::try_from(k).ok()).map(|k| values.show(k)).unwrap_or_default()
            }
            Self::List { offsets, items } => {
                let shown: Vec<String> = span(offsets, row).map(|i| items.show(i)).collect();
                format!("[{}]", shown.join(" "))
            }
        }
    }
}

/// A column that is being filled.
pub trait Builder: Default {
    /// What one row of it takes.
    type In<'a>;
    /// Appends one row.
    fn push(&mut self, value: Self::In<'_>);
    /// Takes the finished column and leaves an empty builder.
    fn take(&mut self) -> Column;
    /// Bytes held, for the limit on a window's size.
    fn bytes(&self) -> usize;
    /// Whole rows held.
    fn rows(&self) -> usize;
    /// Takes away what stands behind the first `rows` rows, a begun one too.
    fn cut(&mut self, rows: usize);
}

/// Takes finished values out. Windows are much alike: room for as many rows and a few more spares the next one
/// most of the growing, which copies what is there. Room that stays unused is no memory, only addresses.
pub fn handed<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len() + values.len() / 4);
    std::mem::replace(values, room)
}

/// The same of offsets, which begin with a 0.
fn handed_offsets(offsets: &mut Vec<i32>) -> Vec<i32> {
    let done = handed(offsets);
    offsets.push(0);
    done
}

/// Takes away rows of lists; gives how many items are left.
fn cut_offsets(offsets: &mut Vec<i32>, rows: usize) -> usize {
    offsets.truncate(rows + 1);
    offsets.last().map_or(0, |&end| usize::try_from(end).unwrap_or(0))
}

/// Plain numbers.
#[derive(Debug, Default)]
pub struct Num<T>(pub Vec<T>);

/// Numbers that may be absent.
#[derive(Debug, Default)]
pub struct Opt<T> {
    values: Vec<T>,
    valid: Vec<bool>,
}

impl<T> Opt<T> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.valid.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.valid.is_empty()
    }

    /// Adds rows that all have a value.
    pub fn extend(&mut self, values: impl ExactSizeIterator<Item = T>) {
        self.valid.resize(self.valid.len() + values.len(), true);
        self.values.extend(values);
    }
}

/// Lists of numbers.
#[derive(Debug)]
pub struct List<T> {
    offsets: Vec<i32>,
    items: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { offsets: vec![0], items: Vec::new() }
    }
}

macro_rules! numbers {
    ($($t:ty => $variant:ident),*) => {$(
        impl Builder for Num<$t> {
            type In<'a> = $t;
            fn push(&mut self, value: $t) { self.0.push(value); }
            fn take(&mut self) -> Column { Column::$variant(handed(&mut self.0)) }
            fn bytes(&self) -> usize { size_of::<$t>() * self.0.len() }
            fn rows(&self) -> usize { self.0.len() }
            fn cut(&mut self, rows: usize) { self.0.truncate(rows); }
        }
        impl Builder for Opt<$t> {
            type In<'a> = Option<$t>;
            fn push(&mut self, value: Option<$t>) {
                self.values.push(value.unwrap_or_default());
                self.valid.push(value.is_some());
            }
            fn take(&mut self) -> Column {
                let values = Column::$variant(handed(&mut self.values));
                Column::Nullable(Box::new(values), handed(&mut self.valid))
            }
            fn bytes(&self) -> usize { (size_of::<$t>() + 1) * self.values.len() }
            fn rows(&self) -> usize { self.values.len().min(self.valid.len()) }
            fn cut(&mut self, rows: usize) {
                self.values.truncate(rows);
                self.valid.truncate(rows);
            }
        }
        impl Builder for List<$t> {
            type In<'a> = &'a [$t];
            fn push(&mut self, value: &[$t]) {
                self.items.extend_from_slice(value);
                self.offsets.push(offset(self.items.len()));
            }
            fn take(&mut self) -> Column {
                let offsets = handed_offsets(&mut self.offsets);
                Column::List { offsets, items: Box::new(Column::$variant(handed(&mut self.items))) }
            }
            fn bytes(&self) -> usize { 4 * self.offsets.len() + size_of::<$t>() * self.items.len() }
            fn rows(&self) -> usize { self.offsets.len() - 1 }
            fn cut(&mut self, rows: usize) { self.items.truncate(cut_offsets(&mut self.offsets, rows)); }
        }
    )*};
}
numbers!(u8 => U8, u16 => U16, u32 => U32, u64 => U64, i64 => I64, f64 => F64);

/// Arrow's offsets are 32-bit. The limit on a window's bytes keeps every column far below 2 GiB, so
/// saturation is never reached; it only keeps the conversion total.
pub(crate) fn offset(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// True or false, kept as 1 or 0.
#[derive(Debug, Default)]
pub struct Flag(Vec<u8>);
impl Builder for Flag {
    type In<'a> = bool;
    fn push(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }
    fn take(&mut self) -> Column {
        Column::U8(handed(&mut self.0))
    }
    fn bytes(&self) -> usize {
        self.0.len()
    }
    fn rows(&self) -> usize {
        self.0.len()
    }
    fn cut(&mut self, rows: usize) {
        self.0.truncate(rows);
    }
}

/// Nanoseconds since the epoch.
#[derive(Debug, Default)]
pub struct Time(pub Vec<i64>);
impl Builder for Time {
    type In<'a> = i64;
    fn push(&mut self, value: i64) {
        self.0.push(value);
    }
    fn take(&mut self) -> Column {
        Column::Time(handed(&mut self.0))
    }
    fn bytes(&self) -> usize {
        8 * self.0.len()
    }
    fn rows(&self) -> usize {
        self.0.len()
    }
    fn cut(&mut self, rows: usize) {
        self.0.truncate(rows);
    }
}

/// Lists of nanoseconds since the epoch (0: none).
#[derive(Debug)]
pub struct Times(Vec<i32>, Vec<i64>);
impl Default for Times {
    fn default() -> Self {
        Self(vec![0], Vec::new())
    }
}
impl Builder for Times {
    type In<'a> = &'a [i64];
    fn push(&mut self, value: &[i64]) {
        self.1.extend_from_slice(value);
        self.0.push(offset(self.1.len()));
    }
    fn take(&mut self) -> Column {
        let offsets = handed_offsets(&mut self.0);
        Column::List { offsets, items: Box::new(Column::Time(handed(&mut self.1))) }
    }
    fn bytes(&self) -> usize {
        4 * self.0.len() + 8 * self.1.len()
    }
    fn rows(&self) -> usize {
        self.0.len() - 1
    }
    fn cut(&mut self, rows: usize) {
        self.1.truncate(cut_offsets(&mut self.0, rows));
    }
}

/// IPv6 addresses (IPv4 mapped).
#[derive(Debug, Default)]
pub struct Ip(pub Vec<[u8; 16]>);
impl Builder for Ip {
    type In<'a> = [u8; 16];
    fn push(&mut self, value: [u8; 16]) {
        self.0.push(value);
    }
    fn take(&mut self) -> Column {
        Column::Ip(handed(&mut self.0))
    }
    fn bytes(&self) -> usize {
        16 * self.0.len()
    }
    fn rows(&self) -> usize {
        self.0.len()
    }
    fn cut(&mut self, rows: usize) {
        self.0.truncate(rows);
    }
}

/// Frame references; 0: not seen.
#[derive(Debug, Default)]
pub struct Frames(pub Vec<u64>);
impl Builder for Frames {
    type In<'a> = crate::dissect::Frame;
    fn push(&mut self, value: crate::dissect::Frame) {
        self.0.push(value.0);
    }
    fn take(&mut self) -> Column {
        Column::Frame(handed(&mut self.0))
    }
    fn bytes(&self) -> usize {
        8 * self.0.len()
    }
    fn rows(&self) -> usize {
        self.0.len()
    }
    fn cut(&mut self, rows: usize) {
        self.0.truncate(rows);
    }
}

/// UTF-8 texts that rarely repeat.
#[derive(Debug)]
pub struct Text {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}
impl Default for Text {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}
impl Text {
    #[inline]
    pub(crate) fn add(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.offsets.push(offset(self.bytes.len()));
    }
    #[inline]
    pub(crate) fn get(&self, row: usize) -> &[u8] {
        let edge = |i: usize| self.offsets.get(i).map_or(0, |&o| usize::try_from(o).unwrap_or(0));
        self.bytes.get(edge(row)..edge(row + 1)).unwrap_or_default()
    }
    pub(crate) fn rows(&self) -> usize {
        self.offsets.len() - 1
    }
    /// Adds empty rows.
    pub(crate) fn blanks(&mut self, count: usize) {
        let end = offset(self.bytes.len());
        self.offsets.resize(self.offsets.len() + count, end);
    }
    fn finish(&mut self, utf8: bool) -> Column {
        let offsets = handed_offsets(&mut self.offsets);
        Column::Text { offsets, bytes: handed(&mut self.bytes), utf8 }
    }
}
impl Builder for Text {
    type In<'a> = &'a str;
    fn push(&mut self, value: &str) {
        self.add(value.as_bytes());
    }
    fn take(&mut self) -> Column {
        self.finish(true)
    }
    fn bytes(&self) -> usize {
        4 * self.offsets.len() + self.bytes.len()
    }
    fn rows(&self) -> usize {
        self.offsets.len() - 1
    }
    fn cut(&mut self, rows: usize) {
        self.bytes.truncate(cut_offsets(&mut self.offsets, rows));
    }
}

/// Arbitrary bytes.
#[derive(Debug, Default)]
pub struct Bytes(Text);
impl Builder for Bytes {
    type In<'a> = &'a [u8];
    fn push(&mut self, value: &[u8]) {
        self.0.add(value);
    }
    fn take(&mut self) -> Column {
        self.0.finish(false)
    }
    fn bytes(&self) -> usize {
        Builder::bytes(&self.0)
    }
    fn rows(&self) -> usize {
        Builder::rows(&self.0)
    }
    fn cut(&mut self, rows: usize) {
        self.0.cut(rows);
    }
}

/// Lists of UTF-8 texts.
#[derive(Debug)]
pub struct Texts {
    offsets: Vec<i32>,
    items: Text,
}
impl Default for Texts {
    fn default() -> Self {
        Self { offsets: vec![0], items: Text::default() }
    }
}
impl Texts {
    /// Adds an item to the row under construction; [`Builder::push`] with an empty slice ends the row.
    pub fn item(&mut self, value: &str) {
        self.items.add(value.as_bytes());
    }
    /// Adds so many empty items to the row under construction.
    pub fn blanks(&mut self, count: usize) {
        self.items.blanks(count);
    }

    /// Adds items that stand end to end in `text` from `start` on and end at each of `ends`: one copy for all.
    pub fn stretch(&mut self, text: &str, start: usize, ends: impl Iterator<Item = usize>) {
        let base = self.items.bytes.len();
        let mut last = start;
        for end in ends {
            last = end.max(last);
            self.items.offsets.push(offset(base + (last - start)));
        }
        let bytes = text.as_bytes().get(start..last).unwrap_or_default();
        self.items.bytes.extend_from_slice(bytes);
        // A stretch outside the text leaves its items empty, never an offset beyond the bytes.
        self.items.bytes.resize(base + (last - start), b' ');
    }
}
impl Builder for Texts {
    type In<'a> = &'a [String];
    fn push(&mut self, value: &[String]) {
        for item in value {
            self.items.add(item.as_bytes());
        }
        self.offsets.push(offset(self.items.offsets.len() - 1));
    }
    fn take(&mut self) -> Column {
        let offsets = handed_offsets(&mut self.offsets);
        Column::List { offsets, items: Box::new(self.items.take()) }
    }
    fn bytes(&self) -> usize {
        4 * self.offsets.len() + Builder::bytes(&self.items)
    }
    fn rows(&self) -> usize {
        self.offsets.len() - 1
    }
    fn cut(&mut self, rows: usize) {
        self.items.cut(cut_offsets(&mut self.offsets, rows));
    }
}

/// A finished table: its name, its time and flow columns, and the rest by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finished {
    /// Name of the table in the store.
    pub name: &'static str,
    /// Whether the rows belong to flows: the binding then adds the network columns.
    pub with_flow: bool,
    /// Index into the window's flow dictionary, a row each (`u32::MAX`: no flow).
    pub flow: Vec<u32>,
    /// The columns by name, `ts` first.
    pub columns: Vec<(&'static str, Column)>,
}

impl Finished {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flow.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flow.is_empty()
    }

    /// The rows as `name=value` lines: the canonical form for tests. `skip` names columns to leave out.
    #[must_use]
    pub fn lines(&self, skip: &[&str]) -> Vec<String> {
        (0..self.len())
            .map(|row| {
                let cells: Vec<String> = self
                    .columns
                    .iter()
                    .filter(|(name, _)| !skip.contains(name))
                    .map(|(name, column)| format!("{name}={}", column.show(row)))
                    .collect();
                format!("{} {}", self.name, cells.join(" "))
            })
            .collect()
    }
}

/// Defines a table: a row struct to push and a struct of columns that takes it.
///
/// `table! { Rows / Row "name" flow { field: Type, other: Type as "points.value", } }`; every table has
/// `ts` (nanoseconds) and `flow` (index into the window's flow dictionary, see [`crate::dissect::FlowRef`])
/// besides. Use `standalone` in place of `flow` for rows that carry their own addresses.
#[macro_export]
macro_rules! table {
    (@with flow) => { true };
    (@with standalone) => { false };
    (@label $field:ident) => { stringify!($field) };
    (@label $field:ident $label:literal) => { $label };
    ($(#[$meta:meta])* $rows:ident / $row:ident $name:literal $kind:ident {
        $($(#[$fmeta:meta])* $field:ident : $builder:ty $(as $label:literal)?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub struct $rows {
            /// Time of the row, nanoseconds since the epoch.
            pub ts: $crate::columns::Time,
            /// The row's flow in the window's flow dictionary.
            pub flow: Vec<u32>,
            $($(#[$fmeta])* pub $field: $builder,)*
        }
        /// One row to push.
        #[derive(Debug)]
        pub struct $row<'a> {
            /// Time of the row, nanoseconds since the epoch.
            pub ts: i64,
            /// The row's flow.
            pub flow: $crate::dissect::FlowRef,
            /// Ties the row to the buffers it borrows from, also where no column borrows.
            pub borrow: std::marker::PhantomData<&'a ()>,
            $($(#[$fmeta])* pub $field: <$builder as $crate::columns::Builder>::In<'a>,)*
        }
        impl $rows {
            /// Name in the store.
            pub const NAME: &'static str = $name;
            /// Appends one row.
            pub fn push(&mut self, row: $row<'_>) {
                use $crate::columns::Builder as _;
                self.ts.push(row.ts);
                self.flow.push(row.flow.0);
                $(self.$field.push(row.$field);)*
            }
            /// Number of rows.
            #[must_use]
            pub fn len(&self) -> usize { self.flow.len() }
            /// Whether there is no row.
            #[must_use]
            pub fn is_empty(&self) -> bool { self.flow.is_empty() }
            /// Bytes held by the columns.
            #[must_use]
            pub fn bytes(&self) -> usize {
                use $crate::columns::Builder as _;
                self.ts.bytes() + 4 * self.flow.len() $(+ self.$field.bytes())*
            }
            /// Takes away a row that was begun and not ended, of a dissector that failed within it.
            pub fn mend(&mut self) {
                use $crate::columns::Builder as _;
                let rows = self.ts.rows().min(self.flow.len())$(.min(self.$field.rows()))*;
                self.ts.cut(rows);
                self.flow.truncate(rows);
                $(self.$field.cut(rows);)*
            }
            /// Takes the rows out and leaves the table empty.
            pub fn take(&mut self) -> $crate::columns::Finished {
                use $crate::columns::Builder as _;
                $crate::columns::Finished {
                    name: $name,
                    with_flow: $crate::table!(@with $kind),
                    flow: $crate::columns::handed(&mut self.flow),
                    columns: vec![
                        ("ts", self.ts.take()),
                        $(($crate::table!(@label $field $($label)?), self.$field.take()),)*
                    ],
                }
            }
        }
    };
}
