//! MQTT 5 properties (2.2.2): read strictly, shown as text.

use std::fmt::Write as _;

use super::codes::{self, Property, Shape};
use super::read::{Malformed, Read, Reader};
use crate::columns::Texts;

/// A property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Byte, two or four byte integer, variable byte integer.
    Number(u32),
    /// UTF-8 string.
    Text(&'a [u8]),
    /// Binary data.
    Binary(&'a [u8]),
    /// Name and value.
    Pair(&'a [u8], &'a [u8]),
}

/// What the dissector needs of a packet's properties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known<'a> {
    /// Topic alias of PUBLISH.
    pub alias: Option<u16>,
    /// Assigned client identifier of CONNACK.
    pub client_id: Option<&'a [u8]>,
    /// A property that does not belong into this packet, or comes twice.
    pub stray: Option<&'static str>,
}

/// Takes the section `property length, properties` and gives the properties' bytes.
///
/// # Errors
/// When the section passes the packet's end.
pub fn section<'a>(r: &mut Reader<'a>) -> Read<&'a [u8]> {
    let at = r.at();
    let length = r.varint("property length")?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    r.take(length, "property length").map_err(|e| Malformed { at, ..e })
}

/// Reads one property.
///
/// # Errors
/// When its identifier is not known (its length then is not either) or it passes the section's end.
fn next<'a>(r: &mut Reader<'a>) -> Read<(&'static Property, Value<'a>)> {
    let at = r.at();
    let unknown = Malformed { field: "property", at, reason: "has an unknown identifier" };
    let property = codes::property(r.byte("property")?).ok_or(unknown)?;
    let name = property.name;
    let value = match property.shape {
        Shape::Byte => Value::Number(u32::from(r.byte(name)?)),
        Shape::Two => Value::Number(u32::from(r.two(name)?)),
        Shape::Four => Value::Number(r.four(name)?),
        Shape::Varint => Value::Number(r.varint(name)?),
        Shape::Text => Value::Text(r.binary(name)?),
        Shape::Binary => Value::Binary(r.binary(name)?),
        Shape::Pair => Value::Pair(r.binary(name)?, r.binary(name)?),
    };
    Ok((property, value))
}

/// Reads a section's properties; `kind` is the packet's type, 0 for the will.
///
/// # Errors
/// When one cannot be read.
pub fn read(section: &[u8], kind: u8) -> Read<Known<'_>> {
    let mut known = Known::default();
    let mut seen = 0_u64;
    let mut r = Reader::new(section);
    while r.left() > 0 {
        let (property, value) = next(&mut r)?;
        let bit = 1_u64 << (property.id & 63);
        // User properties may repeat, and a PUBLISH may match several subscriptions (3.3.2.3.8).
        let repeats = property.shape == Shape::Pair || (property.shape == Shape::Varint && kind == codes::PUBLISH);
        if property.packets & (1 << (kind & 15)) == 0 || (seen & bit != 0 && !repeats) {
            known.stray = Some(property.name);
        }
        seen |= bit;
        match (property.id, value) {
            (codes::TOPIC_ALIAS, Value::Number(n)) => known.alias = u16::try_from(n).ok(),
            (codes::ASSIGNED_CLIENT_ID, Value::Text(id)) => known.client_id = Some(id),
            _ => {}
        }
    }
    Ok(known)
}

/// Appends a section's properties as `name=value`, up to `items` of them. Authentication data is a secret, and
/// the values of user properties and correlation data often are: of these only name or size is shown.
pub fn show(section: &[u8], scratch: &mut String, out: &mut Texts, items: usize) {
    let mut r = Reader::new(section);
    for _ in 0..items {
        if r.left() == 0 {
            return;
        }
        let Ok((property, value)) = next(&mut r) else { return };
        scratch.clear();
        scratch.push_str(property.name);
        scratch.push('=');
        match value {
            Value::Number(n) => {
                let _ = write!(scratch, "{n}");
            }
            Value::Text(text) | Value::Pair(text, _) => scratch.push_str(&String::from_utf8_lossy(text)),
            Value::Binary(_) if property.id == codes::AUTHENTICATION_DATA => scratch.push_str("seen"),
            Value::Binary(data) => {
                let _ = write!(scratch, "{} bytes", data.len());
            }
        }
        out.item(scratch);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::columns::Builder as _;

    #[test]
    fn each_shape_is_read_and_no_secret_is_shown() {
        let section = [
            &[0x23, 0, 7][..],
            &[0x02, 0, 0, 1, 0],
            &[0x0B, 0x80, 0x01],
            &[0x03, 0, 2, b'o', b'k'],
            &[0x16, 0, 3, b'p', b'w', b'd'],
            &[0x26, 0, 1, b'k', 0, 6, b's', b'e', b'c', b'r', b'e', b't'],
        ]
        .concat();
        assert_eq!(read(&section, codes::PUBLISH).unwrap().alias, Some(7));
        assert_eq!(read(&section, codes::PUBLISH).unwrap().stray, Some("authentication_data"));
        let mut out = Texts::default();
        show(&section, &mut String::new(), &mut out, 100);
        out.push(&[]);
        assert_eq!(
            out.take().show(0),
            "[topic_alias=7 message_expiry_interval=256 subscription_identifier=128 content_type=ok \
             authentication_data=seen user_property=k]"
        );
        show(&section, &mut String::new(), &mut out, 1);
        out.push(&[]);
        assert_eq!(out.take().show(0), "[topic_alias=7]");
    }

    #[test]
    fn every_cut_is_an_error() {
        let section = [0x26, 0, 1, b'k', 0, 1, b'v'];
        for n in 1..section.len() {
            assert!(read(&section[..n], codes::PUBLISH).is_err(), "{n}");
        }
        assert_eq!(read(&[0x7E], 3).unwrap_err().reason, "has an unknown identifier");
        assert_eq!(read(&[0x23, 0, 1, 0x23, 0, 2], 3).unwrap().stray, Some("topic_alias"));
    }
}
