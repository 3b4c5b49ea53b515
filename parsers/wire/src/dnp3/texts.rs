//! Objects that hold texts: octet strings, device attributes, files, authentication (Annex A.1, A.27 to A.31).
//! Passwords, keys and what is typed into a virtual terminal are never kept.

use super::fragment::bare;
use super::points::{Point, Points};
use super::reader::{Reader, push_number, unsigned};
use crate::limits::Limits;

/// Appends octets as text, what is no UTF-8 replaced, padding at the end left out.
fn push_text(out: &mut String, octets: &[u8], limits: &Limits) {
    let most = usize::try_from(limits.text_bytes).unwrap_or(usize::MAX);
    let cut = octets.get(..octets.len().min(most)).unwrap_or_default();
    let end = cut.iter().rposition(|&o| o != 0).map_or(0, |last| last + 1);
    for chunk in cut.get(..end).unwrap_or_default().utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

fn push_field(out: &mut String, name: &str, number: u32) {
    out.push_str(name);
    push_number(out, number);
}

/// An octet string (groups 110, 111) with its text, or the length of virtual terminal data (112, 113),
/// where passwords are typed.
pub fn octet_string(points: &mut Points, id: (u8, u8), index: u32, object: &[u8], limits: &Limits) {
    let mut point = bare(id, index);
    if matches!(id.0, 112 | 113) {
        point.value = object.len() as f64;
    } else {
        push_text(&mut points.texts, object, limits);
    }
    points.push(point);
}

/// A device attribute (A.1): its data type decides whether it is a number, a time or a text.
///
/// ```text
/// | data type | length | data |
/// ```
pub fn attribute(points: &mut Points, variation: u8, index: u32, kind: u8, data: &[u8], limits: &Limits) {
    let mut point = bare((0, variation), index);
    match (kind, data.len()) {
        (1, _) => push_text(&mut points.texts, data, limits), // VSTR
        (2, 1..=8) => point.value = unsigned(data) as f64,    // UINT
        (3, 1..=8) => {
            let unused = 64 - 8 * data.len() as u32;
            point.value = ((unsigned(data) << unused) as i64 >> unused) as f64; // INT
        }
        (4, 4) => point.value = f64::from(f32::from_bits(unsigned(data) as u32)), // FLT
        (4, 8) => point.value = f64::from_bits(unsigned(data)),
        (7, 6) => point.time = super::reader::time(data),  // DNP3TIME
        _ => push_octets(&mut points.texts, data, limits), // OSTR, BSTR, lists, anything else
    }
    points.push(point);
}

/// Appends octets in hexadecimal.
fn push_octets(out: &mut String, octets: &[u8], limits: &Limits) {
    for octet in octets.iter().take(usize::try_from(limits.text_bytes / 2).unwrap_or(usize::MAX)) {
        for digit in [octet >> 4, octet & 0x0F] {
            out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
}

/// An object that stands behind its size.
pub fn sized(points: &mut Points, id: (u8, u8), index: u32, object: &[u8], limits: &Limits) {
    let mut text = std::mem::take(&mut points.texts);
    let before = text.len();
    let mut point = bare(id, index);
    let read = match id {
        (70, _) => file(&mut text, &mut point, object, limits),
        (120, _) => authentication(&mut text, &mut point, object),
        (110 | 111 | 114 | 115, _) => {
            push_text(&mut text, object, limits);
            Some(())
        }
        (90, 1) => {
            text.push_str("application=");
            push_text(&mut text, object, limits);
            Some(())
        }
        (112 | 113, _) => {
            point.value = object.len() as f64;
            Some(())
        }
        (91, 1) => requested(&mut text, &mut point, object),
        _ => {
            push_octets(&mut text, object, limits);
            Some(())
        }
    };
    if read.is_none() {
        text.truncate(before);
        text.push_str("cut");
    }
    points.texts = text;
    points.push(point);
}

/// Status of a requested operation (A.35): what was asked for of which object, and how it went.
fn requested(out: &mut String, point: &mut Point, object: &[u8]) -> Option<()> {
    let mut r = Reader::new(object);
    let (group, variation, qualifier) = (r.u8()?, r.u8()?, r.u8()?);
    push_field(out, "object=", u32::from(group));
    push_field(out, ":", u32::from(variation));
    push_field(out, " qualifier=", u32::from(qualifier));
    point.status = r.rest().last().copied()?;
    Some(())
}

/// File objects (A.27). The layouts, all numbers little-endian, octets in parentheses:
///
/// ```text
/// v2 authentication  user offset (2) size (2) password offset (2) size (2) key (4) texts
/// v3 command         name offset (2) size (2) created (6) permissions (2) key (4) file size (4)
///                    mode (2) largest block (2) request id (2) name
/// v4 command status  handle (4) file size (4) largest block (2) request id (2) status (1) text
/// v5 transport       handle (4) block number, bit 31: the last (4) data
/// v6 transport status  handle (4) block number (4) status (1) text
/// v7 descriptor      name offset (2) size (2) type (2) file size (4) created (6) permissions (2)
///                    request id (2) name
/// v8 specification   name
/// ```
fn file(out: &mut String, point: &mut Point, object: &[u8], limits: &Limits) -> Option<()> {
    let mut r = Reader::new(object);
    match point.variation {
        2 => out.push_str("credentials"),
        3 => file_command(out, point, r, limits)?,
        4 => {
            point.index = r.u32()?;
            let size = r.u32()?;
            let (block, request) = (r.u16()?, r.u16()?);
            (point.value, point.status) = (f64::from(size), r.u8()?);
            push_field(out, "request=", u32::from(request));
            push_field(out, " block=", u32::from(block));
        }
        5 => {
            point.index = r.u32()?;
            let block = r.u32()?;
            point.value = f64::from(block & 0x7FFF_FFFF);
            push_field(out, "octets=", u32::try_from(r.rest().len()).unwrap_or(u32::MAX));
            out.push_str(if block >> 31 == 1 { " last" } else { "" });
        }
        6 => {
            point.index = r.u32()?;
            point.value = f64::from(r.u32()? & 0x7FFF_FFFF);
            point.status = r.u8()?;
        }
        7 => file_descriptor(out, point, r, limits)?,
        8 => push_name(out, r, u16::try_from(object.len()).unwrap_or(u16::MAX), limits),
        _ => {}
    }
    Some(())
}

fn file_command(out: &mut String, point: &mut Point, mut r: Reader<'_>, limits: &Limits) -> Option<()> {
    r.u16()?;
    let name_size = r.u16()?;
    point.time = r.time()?;
    let (permissions, _key) = (r.u16()?, r.u32()?);
    point.value = f64::from(r.u32()?);
    let mode = ["mode=none", "mode=read", "mode=write", "mode=append"].get(usize::from(r.u16()?)).copied();
    let (block, request) = (r.u16()?, r.u16()?);
    point.index = u32::from(request);
    out.push_str(mode.unwrap_or("mode=unknown"));
    push_field(out, " permissions=", u32::from(permissions));
    push_field(out, " block=", u32::from(block));
    out.push(' ');
    push_name(out, r, name_size, limits);
    Some(())
}

fn file_descriptor(out: &mut String, point: &mut Point, mut r: Reader<'_>, limits: &Limits) -> Option<()> {
    r.u16()?;
    let name_size = r.u16()?;
    let kind = r.u16()?;
    point.value = f64::from(r.u32()?);
    point.time = r.time()?;
    r.u16()?;
    point.index = u32::from(r.u16()?);
    out.push_str(if kind == 0 { "directory " } else { "file " });
    push_name(out, r, name_size, limits);
    Some(())
}

/// Appends the file name that follows; last, so that nothing in it can pass for another field.
fn push_name(out: &mut String, mut r: Reader<'_>, size: u16, limits: &Limits) {
    let size = usize::from(size).min(r.rest().len());
    out.push_str(NAME);
    push_text(out, r.take(size).unwrap_or_default(), limits);
}

const NAME: &str = "name=";

/// The file name within the text of a group 70 point.
pub fn file_name(text: &str) -> Option<&str> {
    text.split_once(NAME).map(|(_, name)| name).filter(|name| !name.is_empty())
}

/// Secure authentication objects (A.45): who, and which error; never keys, challenges or codes.
fn authentication(out: &mut String, point: &mut Point, object: &[u8]) -> Option<()> {
    let mut r = Reader::new(object);
    match point.variation {
        1 | 2 | 5 | 6 | 7 => {
            point.value = f64::from(r.u32()?);
            let user = r.u16()?;
            push_field(out, "user=", u32::from(user));
            point.index = u32::from(user);
            if point.variation == 7 {
                r.u16()?;
                point.status = r.u8()?;
            }
        }
        _ => {}
    }
    Some(())
}
