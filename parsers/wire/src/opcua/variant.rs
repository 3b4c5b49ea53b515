//! Variants and data values (Part 6 §5.2.2.16, §5.2.2.17) as text and, where they are one, as number.

use super::nodes::{extension_object, localized_text, node_id, qualified_name, skip_diagnostic, write_guid};
use super::read::{Read, Reader, Reason};
use super::text::{Out, nanos};

/// A value's number, where it is one.
pub type Number = Option<f64>;

/// What a DataValue says besides its value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DataValue {
    /// The value as number.
    pub number: Number,
    /// Status code; 0 (Good) when left out.
    pub status: u32,
    /// Source time stamp, nanoseconds since the epoch; 0: none.
    pub source_time: i64,
    /// Whether there is a value at all.
    pub present: bool,
}

/// Bytes of a ByteString or structure that are shown.
const SHOWN: usize = 16;

/// ```text
/// mask u8 | Value (1) | Status u32 (2) | SourceTimestamp i64 (4) | SourcePicoseconds u16 (0x10)
///         | ServerTimestamp i64 (8) | ServerPicoseconds u16 (0x20)
/// ```
#[inline]
pub fn data_value(r: &mut Reader<'_>, out: &mut Out<'_>) -> Read<DataValue> {
    r.enter("data value")?;
    let mask = r.u8()?;
    let mut value = DataValue { present: mask & 1 != 0, ..DataValue::default() };
    if value.present {
        value.number = variant(r, out)?;
    }
    stamps(r, mask, &mut value)?;
    Ok(value)
}

/// Status and time stamps behind the value.
#[inline]
fn stamps(r: &mut Reader<'_>, mask: u8, value: &mut DataValue) -> Read<()> {
    if mask & 2 != 0 {
        value.status = r.u32()?;
    }
    if mask & 4 != 0 {
        value.source_time = nanos(r.i64()?);
    }
    if mask & 0x10 != 0 {
        r.u16()?;
    }
    if mask & 8 != 0 {
        r.i64()?;
    }
    if mask & 0x20 != 0 {
        r.u16()?;
    }
    r.leave();
    Ok(())
}

/// A scalar as it was on the wire and as it looks: values that stay the same need not be written again.
#[derive(Debug, Default)]
pub struct Rendered {
    raw: [u8; 9],
    length: usize,
    text: String,
    number: Number,
}

impl Rendered {
    /// Keeps a scalar of a built-in type with a fixed size; anything else is not kept.
    fn keep(&mut self, raw: &[u8], text: &str, number: Number) {
        self.length = 0;
        if let (Some(place), Some(1..=11)) = (self.raw.get_mut(..raw.len()), raw.first()) {
            place.copy_from_slice(raw);
            self.length = raw.len();
            self.number = number;
            text.clone_into(&mut self.text);
        }
    }
}

/// A DataValue whose value may be the one that was `last` there.
#[inline]
pub fn data_value_again(r: &mut Reader<'_>, out: &mut Out<'_>, last: &mut Rendered) -> Read<DataValue> {
    r.enter("data value")?;
    let mask = r.u8()?;
    let mut value = DataValue { present: mask & 1 != 0, ..DataValue::default() };
    if value.present {
        let rest = r.rest();
        let known = last.raw.get(..last.length).unwrap_or_default();
        if !known.is_empty() && rest.starts_with(known) {
            r.take(known.len(), "value")?;
            out.str(&last.text);
            value.number = last.number;
        } else {
            let start = out.written();
            value.number = variant(r, out)?;
            let raw = rest.get(..rest.len() - r.left()).unwrap_or_default();
            last.keep(raw, out.since(start), value.number);
        }
    }
    stamps(r, mask, &mut value)?;
    Ok(value)
}

/// Encoding byte: built-in type (0x3F), array dimensions (0x40), array (0x80).
#[inline]
pub fn variant(r: &mut Reader<'_>, out: &mut Out<'_>) -> Read<Number> {
    let encoding = r.u8()?;
    let kind = encoding & 0x3F;
    if encoding & 0x80 == 0 {
        return scalar(r, kind, out);
    }
    array(r, kind, out)?;
    if encoding & 0x40 != 0 {
        let dimensions = r.count(4, "array dimensions")?;
        r.take(dimensions * 4, "array dimensions")?;
    }
    Ok(None)
}

/// The least bytes that a value of a built-in type takes.
fn least(kind: u8) -> usize {
    match kind {
        4 | 5 => 2,
        6 | 7 | 10 | 12 | 15 | 16 | 19 => 4,
        8 | 9 | 11 | 13 => 8,
        14 => 16,
        17 | 18 => 2,
        20 => 6,
        22 => 3,
        26..=31 => 4,
        _ => 1,
    }
}

fn array(r: &mut Reader<'_>, kind: u8, out: &mut Out<'_>) -> Read<()> {
    r.enter("variant")?;
    let count = r.count(least(kind), "array")?;
    out.str("[");
    for index in 0..count {
        if index > 0 {
            out.str(",");
        }
        // What no longer shows is not rendered: numbers are then stepped over at once.
        if out.full() && matches!(kind, 1..=11 | 13 | 14 | 19) {
            r.take((count - index) * least(kind), "array")?;
            break;
        }
        if matches!(kind, 12 | 13 | 16 | 20 | 21) {
            out.str("\"");
            scalar(r, kind, out)?;
            out.str("\"");
        } else {
            scalar(r, kind, out)?;
        }
    }
    out.str("]");
    r.leave();
    Ok(())
}

/// One value of a built-in type (Part 6 §5.1.2, table 1).
#[inline]
fn scalar(r: &mut Reader<'_>, kind: u8, out: &mut Out<'_>) -> Read<Number> {
    match kind {
        11 => {
            let value = r.f64()?;
            out.double(value);
            return Ok(Some(value));
        }
        10 => {
            let value = r.f32()?;
            out.float(value);
            return Ok(Some(f64::from(value)));
        }
        1..=9 => return integer(r, kind, out),
        _ => other(r, kind, out)?,
    }
    Ok(None)
}

#[inline]
fn integer(r: &mut Reader<'_>, kind: u8, out: &mut Out<'_>) -> Read<Number> {
    let value = match kind {
        1 => {
            let truth = r.u8()? != 0;
            out.str(if truth { "true" } else { "false" });
            return Ok(Some(f64::from(u8::from(truth))));
        }
        2 => i64::from(r.i8()?),
        3 => i64::from(r.u8()?),
        4 => i64::from(r.i16()?),
        5 => i64::from(r.u16()?),
        6 => i64::from(r.i32()?),
        7 => i64::from(r.u32()?),
        8 => r.i64()?,
        _ => {
            let value = r.u64()?;
            out.unsigned(value);
            return Ok(Some(value as f64));
        }
    };
    out.signed(value);
    Ok(Some(value as f64))
}

fn other(r: &mut Reader<'_>, kind: u8, out: &mut Out<'_>) -> Read<()> {
    match kind {
        0 => {}
        12 | 16 => out.utf8(r.string("string")?),
        13 => {
            let ticks = r.i64()?;
            out.time(ticks);
        }
        14 => write_guid(r.take(16, "guid")?, out),
        // "Decoders shall assume a ByteString" for the ids that the standard keeps for itself.
        15 | 26..=31 => write_bytes(r.string("byte string")?, out),
        17 | 18 => node_id(r)?.write(out),
        19 => out.code(r.u32()?),
        20 => write_name(r, out)?,
        21 => out.utf8(localized_text(r)?),
        22..=25 => nested(r, kind, out)?,
        _ => return Err(r.wrong("variant", Reason::Code)),
    }
    Ok(())
}

fn nested(r: &mut Reader<'_>, kind: u8, out: &mut Out<'_>) -> Read<()> {
    match kind {
        22 => {
            let (kind, body) = extension_object(r)?;
            kind.write(out);
            out.str(" ");
            write_bytes(body, out);
        }
        23 => drop(data_value(r, out)?),
        24 => {
            r.enter("variant")?;
            variant(r, out)?;
            r.leave();
        }
        _ => {
            skip_diagnostic(r)?;
            out.str("diagnostic");
        }
    }
    Ok(())
}

/// A QualifiedName as `2:Temp`.
pub fn write_name(r: &mut Reader<'_>, out: &mut Out<'_>) -> Read<()> {
    let (namespace, name) = qualified_name(r)?;
    if namespace != 0 {
        out.unsigned(u64::from(namespace));
        out.str(":");
    }
    out.utf8(name);
    Ok(())
}

fn write_bytes(bytes: &[u8], out: &mut Out<'_>) {
    out.str("bytes:");
    out.unsigned(bytes.len() as u64);
    if !bytes.is_empty() {
        out.str(" ");
        out.hex(bytes.get(..SHOWN).unwrap_or(bytes));
    }
}
