//! Object headers (IEEE 1815-2012 clause 4.2.2.7) and the text that names what a request is about.

use super::reader::{Reader, push_number};
use crate::anomaly::Kind;

/// Runs of indexes that a request's text names; what follows is a `+`.
const RUNS: usize = 16;

/// What is wrong with a fragment, and where.
#[derive(Debug)]
pub struct Problem {
    pub kind: Kind,
    pub detail: String,
}

impl Problem {
    pub fn malformed(detail: String) -> Self {
        Self { kind: Kind::Malformed, detail }
    }
}

/// The range field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// From the first to the last index, or virtual address, both included.
    Span(u32, u32),
    /// So many objects.
    Count(u32),
    /// All of them: no range field.
    All,
}

/// What stands before each object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Nothing.
    None,
    /// Its index in so many octets.
    Index(usize),
    /// Its size in so many octets.
    Size(usize),
}

/// An object header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectHeader {
    pub group: u8,
    pub variation: u8,
    pub prefix: Prefix,
    pub range: Range,
}

impl ObjectHeader {
    /// Number of objects; 0 for "all".
    pub fn count(&self) -> u64 {
        match self.range {
            Range::Span(first, last) => u64::from(last - first.min(last)) + 1,
            Range::Count(n) => u64::from(n),
            Range::All => 0,
        }
    }

    /// Index of the first object, where no prefix gives it.
    pub fn first(&self) -> u32 {
        match self.range {
            Range::Span(first, _) => first,
            Range::Count(_) | Range::All => 0,
        }
    }

    /// Octets before each object.
    pub fn prefix_width(&self) -> usize {
        match self.prefix {
            Prefix::None => 0,
            Prefix::Index(n) | Prefix::Size(n) => n,
        }
    }
}

/// Reads the qualifier and the range behind group and variation.
///
/// ```text
/// | group | variation | qualifier | range: 0 to 8 octets |
///                      \ 0 | prefix code, 3 bits | range specifier code, 4 bits /
/// ```
///
/// # Errors
/// A reserved code, or the fragment's end, or a last index before the first.
#[inline]
pub fn qualified(group: u8, variation: u8, reader: &mut Reader<'_>) -> Result<ObjectHeader, Problem> {
    let short = || Problem::malformed(format!("object header {group}:{variation} is cut"));
    let qualifier = reader.u8().ok_or_else(short)?;
    let reserved = || Problem {
        kind: Kind::UnknownCode,
        detail: format!("object header {group}:{variation} with reserved qualifier 0x{qualifier:02x}"),
    };
    let prefix = match qualifier >> 4 {
        0 => Prefix::None,
        1 => Prefix::Index(1),
        2 => Prefix::Index(2),
        3 => Prefix::Index(4),
        4 => Prefix::Size(1),
        5 => Prefix::Size(2),
        6 => Prefix::Size(4),
        _ => return Err(reserved()),
    };
    let span = |first: Option<u32>, last: Option<u32>| Some(Range::Span(first?, last?));
    let range = match qualifier & 0x0F {
        0 | 3 => span(reader.number(1), reader.number(1)),
        1 | 4 => span(reader.number(2), reader.number(2)),
        2 | 5 => span(reader.number(4), reader.number(4)),
        6 => Some(Range::All),
        7 | 0xB => reader.number(1).map(Range::Count),
        8 => reader.number(2).map(Range::Count),
        9 => reader.number(4).map(Range::Count),
        _ => return Err(reserved()),
    };
    let range = range.ok_or_else(short)?;
    if let Range::Span(first, last) = range
        && last < first
    {
        let detail = format!("object header {group}:{variation} ends at index {last} before it starts at {first}");
        return Err(Problem::malformed(detail));
    }
    Ok(ObjectHeader { group, variation, prefix, range })
}

/// Appends `group:variation`.
pub fn push_object(out: &mut String, group: u8, variation: u8) {
    push_number(out, u32::from(group));
    out.push(':');
    push_number(out, u32::from(variation));
}

/// Appends a range as text: `[3]`, `[0-15]`, `#10`.
pub fn push_range(out: &mut String, range: Range) {
    match range {
        Range::Span(first, last) => push_runs(out, [(first, last)].into_iter()),
        Range::Count(n) => {
            out.push('#');
            push_number(out, n);
        }
        Range::All => {}
    }
}

/// Appends indexes as text, neighbours joined: `[3,5-7]`.
pub fn push_indexes(out: &mut String, indexes: impl Iterator<Item = u32>) {
    let mut indexes = indexes.peekable();
    push_runs(
        out,
        std::iter::from_fn(|| {
            let first = indexes.next()?;
            let mut last = first;
            while let Some(next) = indexes.next_if(|&next| last.checked_add(1) == Some(next)) {
                last = next;
            }
            Some((first, last))
        }),
    );
}

fn push_runs(out: &mut String, runs: impl Iterator<Item = (u32, u32)>) {
    for (i, (first, last)) in runs.enumerate() {
        if i == RUNS {
            out.push('+');
            break;
        }
        out.push(if i == 0 { '[' } else { ',' });
        push_number(out, first);
        if last != first {
            out.push('-');
            push_number(out, last);
        }
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn read(octets: &[u8]) -> Result<ObjectHeader, Problem> {
        qualified(30, 1, &mut Reader::new(octets))
    }

    #[test]
    fn every_range_specifier() {
        let cases: &[(&[u8], Range)] = &[
            (&[0x00, 2, 5], Range::Span(2, 5)),
            (&[0x01, 2, 1, 5, 1], Range::Span(258, 261)),
            (&[0x02, 2, 0, 1, 0, 5, 0, 1, 0], Range::Span(65_538, 65_541)),
            (&[0x03, 2, 5], Range::Span(2, 5)),
            (&[0x04, 2, 1, 5, 1], Range::Span(258, 261)),
            (&[0x05, 2, 0, 1, 0, 5, 0, 1, 0], Range::Span(65_538, 65_541)),
            (&[0x06], Range::All),
            (&[0x07, 9], Range::Count(9)),
            (&[0x08, 9, 1], Range::Count(265)),
            (&[0x09, 9, 1, 0, 1], Range::Count(16_777_481)),
            (&[0x0B, 9], Range::Count(9)),
        ];
        for (octets, want) in cases {
            assert_eq!(read(octets).unwrap().range, *want);
            for n in 0..octets.len() {
                assert_eq!(read(&octets[..n]).unwrap_err().kind, Kind::Malformed);
            }
        }
        for code in [0x0A, 0x0C, 0x0D, 0x0E, 0x0F] {
            assert_eq!(read(&[code, 0, 0, 0, 0]).unwrap_err().kind, Kind::UnknownCode);
        }
    }

    #[test]
    fn every_prefix_code() {
        use Prefix::{Index, None, Size};
        for (code, want) in [None, Index(1), Index(2), Index(4), Size(1), Size(2), Size(4)].into_iter().enumerate() {
            assert_eq!(read(&[(code as u8) << 4 | 7, 1]).unwrap().prefix, want);
        }
        for qualifier in [0x70, 0x77, 0x80, 0x87, 0xFF] {
            assert_eq!(read(&[qualifier, 1, 1]).unwrap_err().kind, Kind::UnknownCode);
        }
    }

    #[test]
    fn spans() {
        assert_eq!(read(&[0x00, 5, 2]).unwrap_err().kind, Kind::Malformed);
        assert_eq!(read(&[0x02, 0, 0, 0, 0, 255, 255, 255, 255]).unwrap().count(), 1 << 32);
    }

    #[test]
    fn texts() {
        let mut out = String::new();
        push_indexes(&mut out, [3, 5, 6, 7, u32::MAX].into_iter());
        push_range(&mut out, Range::Span(4, 4));
        push_range(&mut out, Range::Count(10));
        assert_eq!(out, "[3,5-7,4294967295][4]#10");
        out.clear();
        push_indexes(&mut out, (0..100).map(|i| i * 2));
        assert_eq!(out, "[0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30+]");
    }
}
