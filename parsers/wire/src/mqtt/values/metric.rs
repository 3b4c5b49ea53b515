//! A Sparkplug metric: its fields, its number, its text.
//!
//! ```text
//!  1 name  2 alias  3 timestamp  4 datatype  5 is_historical  6 is_transient  7 is_null  9 properties
//!  10 int  11 long  12 float  13 double  14 boolean  15 string  16 bytes  17 data set  18 template
//! ```

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::protobuf::{Field, Fields};

/// A metric; its value as it is on the wire.
#[derive(Debug, Clone, Copy, Default)]
pub struct Metric<'a> {
    /// Name; empty where the alias stands for it.
    pub name: &'a [u8],
    /// Alias.
    pub alias: Option<u64>,
    /// Data type; 0: left out.
    pub datatype: u32,
    historical: bool,
    null: bool,
    quality: Option<u64>,
    value: Option<(u64, Field<'a>)>,
}

impl<'a> Metric<'a> {
    /// Reads a metric; `None`: the bytes are no protocol buffer.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut metric = Self::default();
        for field in Fields(bytes) {
            let (number, value) = field.ok()?;
            match number {
                1 => metric.name = value.bytes(),
                2 => metric.alias = Some(value.number()),
                4 => metric.datatype = u32::try_from(value.number()).unwrap_or(0),
                5 => metric.historical = value.number() != 0,
                7 => metric.null = value.number() != 0,
                9 => metric.quality = quality(value.bytes()),
                10..=18 => metric.value = Some((number, value)),
                _ => {}
            }
        }
        Some(metric)
    }

    /// A hash of all that a row shows besides the name.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let seed = self.quality.unwrap_or(GOOD) << 2 | u64::from(self.null) << 1 | u64::from(self.historical);
        match self.value {
            None => seed,
            Some((_, Field::Varint(n) | Field::Eight(n))) => xxh3_64_with_seed(&n.to_le_bytes(), seed),
            Some((_, Field::Four(n))) => xxh3_64_with_seed(&n.to_le_bytes(), seed),
            Some((_, Field::Bytes(bytes))) => xxh3_64_with_seed(bytes, seed),
        }
    }

    /// Quality by the property of that name; a null value is none.
    #[must_use]
    pub fn quality(&self) -> &'static str {
        match self.quality.unwrap_or(GOOD) {
            _ if self.null => "bad null",
            GOOD if self.historical => "good historical",
            GOOD => "good",
            STALE => "uncertain stale",
            _ => "bad",
        }
    }
}

const GOOD: u64 = 192;
const STALE: u64 = 500;

/// The property `Quality` of a property set: `1 keys, repeated  2 values, repeated`.
fn quality(set: &[u8]) -> Option<u64> {
    let of = |want: u64| Fields(set).filter_map(move |f| f.ok().filter(|f| f.0 == want).map(|f| f.1.bytes()));
    let at = of(1).position(|key| key.eq_ignore_ascii_case(b"quality"))?;
    let value = of(2).nth(at)?;
    Fields(value).find_map(|f| f.ok().filter(|f| matches!(f.0, 3 | 4)).map(|f| f.1.number()))
}

/// The number of a metric: integers by the sign and size of their type.
#[must_use]
pub fn number(metric: &Metric<'_>) -> Option<f64> {
    if metric.null {
        return None;
    }
    match metric.value? {
        (10 | 11, Field::Varint(n)) => Some(match metric.datatype {
            1 => f64::from(n as u8 as i8),
            2 => f64::from(n as u16 as i16),
            3 => f64::from(n as u32 as i32),
            4 => n as i64 as f64,
            _ => n as f64,
        }),
        (12, Field::Four(n)) => Some(f64::from(f32::from_bits(n))),
        (13, Field::Eight(n)) => Some(f64::from_bits(n)),
        (14, Field::Varint(n)) => Some(f64::from(u8::from(n != 0))),
        _ => None,
    }
}

/// The text of a metric that is no number, at most about `limit` bytes.
pub fn render(metric: &Metric<'_>, out: &mut String, limit: usize, depth: u64) {
    match metric.value {
        _ if metric.null => out.push_str("null"),
        Some((15, Field::Bytes(text))) => out.push_str(&String::from_utf8_lossy(text)),
        Some((16, Field::Bytes(bytes))) => {
            let _ = write!(out, "{} bytes", bytes.len());
        }
        Some((17, Field::Bytes(set))) => data_set(set, out, limit),
        Some((18, Field::Bytes(template))) => self::template(template, out, limit, depth),
        _ => {}
    }
}

/// `2 columns, repeated  4 rows, repeated { 1 elements, repeated }` as `a,b: 1,2; 3,4`.
fn data_set(set: &[u8], out: &mut String, limit: usize) {
    let (mut columns, mut rows) = (0, 0);
    for (number, field) in Fields(set).map_while(Result::ok) {
        if out.len() > limit {
            return;
        }
        match number {
            2 => {
                out.push_str(if columns > 0 { "," } else { "" });
                out.push_str(&String::from_utf8_lossy(field.bytes()));
                columns += 1;
            }
            4 => {
                out.push_str(if rows > 0 { "; " } else { ": " });
                rows += 1;
                row(field.bytes(), out, limit);
            }
            _ => {}
        }
    }
}

/// The elements of a data set's row: `1 int  2 long  3 float  4 double  5 boolean  6 string`.
fn row(row: &[u8], out: &mut String, limit: usize) {
    for (at, element) in Fields(row).map_while(Result::ok).filter(|f| f.0 == 1).enumerate() {
        if out.len() > limit {
            return;
        }
        out.push_str(if at > 0 { "," } else { "" });
        let _ = match Fields(element.1.bytes()).next() {
            Some(Ok((3, Field::Four(n)))) => write!(out, "{}", f32::from_bits(n)),
            Some(Ok((4, Field::Eight(n)))) => write!(out, "{}", f64::from_bits(n)),
            Some(Ok((5, Field::Varint(n)))) => write!(out, "{}", n != 0),
            Some(Ok((_, Field::Varint(n)))) => write!(out, "{n}"),
            Some(Ok((_, Field::Bytes(text)))) => write!(out, "{}", String::from_utf8_lossy(text)),
            _ => Ok(()),
        };
    }
}

/// `2 metrics, repeated  4 reference` as `reference{name=value, name=value}`.
fn template(template: &[u8], out: &mut String, limit: usize, depth: u64) {
    let fields = || Fields(template).map_while(Result::ok);
    if let Some((_, reference)) = fields().find(|f| f.0 == 4) {
        out.push_str(&String::from_utf8_lossy(reference.bytes()));
    }
    out.push('{');
    for (at, (_, field)) in fields().filter(|f| f.0 == 2).enumerate() {
        if out.len() > limit || depth == 0 {
            break;
        }
        let Some(member) = Metric::read(field.bytes()) else { continue };
        let name = String::from_utf8_lossy(member.name);
        let _ = write!(out, "{}{name}=", if at > 0 { ", " } else { "" });
        match number(&member) {
            _ if super::secret::hides(&name, 0) => out.push_str("not kept"),
            Some(n) => {
                let _ = write!(out, "{n}");
            }
            None => render(&member, out, limit, depth - 1),
        }
    }
    out.push('}');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn value(bytes: &[u8]) -> (Option<f64>, String, &'static str) {
        let metric = Metric::read(bytes).unwrap();
        let mut text = String::new();
        render(&metric, &mut text, 1_000, 8);
        (number(&metric), text, metric.quality())
    }

    #[test]
    fn numbers_by_type() {
        assert_eq!(value(&[0x20, 1, 0x50, 0xFF, 0x01]).0, Some(-1.0), "Int8 as one byte");
        assert_eq!(value(&[0x20, 3, 0x50, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F]).0, Some(-2.0), "Int32");
        assert_eq!(value(&[0x20, 7, 0x50, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F]).0, Some(4_294_967_294.0), "UInt32");
        assert_eq!(value(&[0x20, 9, 0x65, 0, 0, 0xC0, 0x3F]).0, Some(1.5));
        assert_eq!(value(&[0x20, 10, 0x69, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F]).0, Some(1.5));
        assert_eq!(value(&[0x20, 11, 0x70, 1]).0, Some(1.0));
        assert_eq!(value(&[0x20, 11, 0x38, 1]), (None, "null".into(), "bad null"));
    }

    #[test]
    fn texts_sets_and_templates() {
        assert_eq!(value(b"\x20\x0c\x7a\x02hi").1, "hi");
        assert_eq!(value(b"\x20\x11\x82\x01\x03abc").1, "3 bytes");
        let set =
            b"\x08\x02\x12\x01a\x12\x01b\x22\x08\x0a\x02\x08\x01\x0a\x02\x28\x01\x22\x07\x0a\x02\x08\x03\x0a\x01\x32";
        let metric = [&[0x20, 16, 0x8A, 0x01, set.len() as u8][..], set].concat();
        assert_eq!(value(&metric).1, "a,b: 1,true; 3,");
        let inner = b"\x12\x07\x0a\x01x\x20\x07\x50\x05\x22\x03ref";
        let metric = [&[0x20, 19, 0x92, 0x01, inner.len() as u8][..], inner].concat();
        assert_eq!(value(&metric).1, "ref{x=5}");
    }

    #[test]
    fn quality_is_a_property() {
        let set = b"\x0a\x07Quality\x12\x05\x08\x03\x18\xF4\x03";
        let metric = [&[0x4A, set.len() as u8][..], set, &[0x50, 1]].concat();
        assert_eq!(value(&metric).2, "uncertain stale");
    }
}
