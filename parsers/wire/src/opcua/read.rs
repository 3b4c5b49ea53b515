//! A bounds-checked reader of OPC UA Binary (Part 6 §5.2): little endian, lengths and counts as Int32.

/// Why a body cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The bytes end inside the field.
    Short,
    /// A length or count larger than what is left.
    Length,
    /// Nested deeper than the limit `nesting`.
    Depth,
    /// An encoding byte that the standard does not know.
    Code,
}

impl Reason {
    /// The reason in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Short => "the bytes end inside it",
            Self::Length => "longer than what is left",
            Self::Depth => "nested too deep",
            Self::Code => "unknown encoding byte",
        }
    }
}

/// A body that contradicts the standard: where, which field, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Offset in the body.
    pub at: usize,
    /// Name of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: Reason,
}

/// A field, or why it cannot be read.
pub type Read<T> = Result<T, Malformed>;

/// Reads fields one after the other; never beyond the end, never deeper than `nesting`.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u64,
    nesting: u64,
}

macro_rules! numbers {
    ($($name:ident $type:ident $size:literal),*) => {$(
        #[doc = concat!("A little-endian `", stringify!($type), "`.")]
        #[inline]
        pub fn $name(&mut self) -> Read<$type> {
            let bytes = self.array::<$size>(stringify!($type))?;
            Ok($type::from_le_bytes(bytes))
        }
    )*};
}

impl<'a> Reader<'a> {
    /// A reader of a whole body.
    #[must_use]
    pub fn new(bytes: &'a [u8], nesting: u64) -> Self {
        Self { bytes, at: 0, depth: 0, nesting }
    }

    numbers! { u8 u8 1, i8 i8 1, u16 u16 2, i16 i16 2, u32 u32 4, i32 i32 4, u64 u64 8, i64 i64 8, f32 f32 4, f64 f64 8 }

    /// Where the next field starts.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes not yet read.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// All bytes not yet read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Bytes at a place that was read before.
    #[must_use]
    pub fn slice(&self, start: usize, length: usize) -> &'a [u8] {
        self.bytes.get(start..).and_then(|b| b.get(..length)).unwrap_or_default()
    }

    /// An error at the current place.
    #[must_use]
    pub fn wrong(&self, field: &'static str, reason: Reason) -> Malformed {
        Malformed { at: self.at, field, reason }
    }

    #[inline]
    fn array<const N: usize>(&mut self, field: &'static str) -> Read<[u8; N]> {
        let Some(found) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<N>) else {
            return Err(self.wrong(field, Reason::Short));
        };
        self.at += N;
        Ok(*found)
    }

    /// `n` bytes as they are.
    #[inline]
    pub fn take(&mut self, n: usize, field: &'static str) -> Read<&'a [u8]> {
        let end = self.at.checked_add(n);
        let Some(found) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(self.wrong(field, Reason::Length));
        };
        self.at += n;
        Ok(found)
    }

    /// A String or ByteString (§5.2.2.4, §5.2.2.7): Int32 length, −1 for null. Null reads as empty.
    #[inline]
    pub fn string(&mut self, field: &'static str) -> Read<&'a [u8]> {
        let length = self.i32()?;
        match usize::try_from(length) {
            Ok(n) => self.take(n, field),
            Err(_) => Ok(&[]),
        }
    }

    /// An array's count (§5.2.5), held against the bytes left at `least` bytes an element, so that no
    /// loop runs longer than the message is. Null reads as 0.
    #[inline]
    pub fn count(&mut self, least: usize, field: &'static str) -> Read<usize> {
        let count = usize::try_from(self.i32()?).unwrap_or(0);
        if count.checked_mul(least.max(1)).is_none_or(|bytes| bytes > self.left()) {
            return Err(self.wrong(field, Reason::Length));
        }
        Ok(count)
    }

    /// Goes one level down; every call has its [`leave`](Self::leave).
    #[inline]
    pub fn enter(&mut self, field: &'static str) -> Read<()> {
        self.depth += 1;
        if self.depth > self.nesting {
            return Err(self.wrong(field, Reason::Depth));
        }
        Ok(())
    }

    /// Comes back from one level down.
    #[inline]
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// The levels that are left, for loops that stand for a recursion.
    #[must_use]
    pub fn levels(&self) -> u64 {
        self.nesting.saturating_sub(self.depth)
    }
}
