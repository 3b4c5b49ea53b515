//! Forms with files (RFC 7578): parts that have a file name are objects; the others may hold passwords and are passed over.

use memchr::memmem;

use super::object::{About, Object};
use crate::dissect::Cx;

/// Longest head of a part.
const HEAD: usize = 4_096;

/// A form on its way.
#[derive(Debug)]
pub struct Multipart {
    /// `\r\n--boundary`.
    delimiter: Vec<u8>,
    carry: Vec<u8>,
    inside: Inside,
    about: About,
}

#[derive(Debug)]
enum Inside {
    Before,
    Head,
    Field,
    File(Box<Object>),
    Behind,
}

impl Multipart {
    /// By the value of Content-Type; `None`: it is no form.
    #[must_use]
    pub fn of(kind: &[u8], about: About) -> Option<Self> {
        let text = std::str::from_utf8(kind).ok()?;
        if !text.get(..10)?.eq_ignore_ascii_case("multipart/") {
            return None;
        }
        let (_, boundary) = text.split_once("boundary=")?;
        let boundary = boundary.split(';').next()?.trim().trim_matches('"');
        if boundary.is_empty() || boundary.len() > 70 {
            return None;
        }
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first delimiter stands at the very start: as if a line's end were in front of it.
        Some(Self { delimiter, carry: b"\r\n".to_vec(), inside: Inside::Before, about })
    }

    /// The next bytes of the body.
    pub fn bytes(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.carry);
        all.extend_from_slice(bytes);
        let mut rest = &all[..];
        loop {
            match &mut self.inside {
                Inside::Behind => return,
                Inside::Head => {
                    let Some(end) = memmem::find(rest, b"\r\n\r\n") else {
                        if rest.len() > HEAD {
                            self.inside = Inside::Field;
                            continue;
                        }
                        break;
                    };
                    let (head, behind) = rest.split_at(end);
                    if head.starts_with(b"--") {
                        self.inside = Inside::Behind;
                        return;
                    }
                    self.inside = file_name(head).map_or(Inside::Field, |name| {
                        Inside::File(Box::new(Object::new(cx, About { name, ..self.about.clone() })))
                    });
                    rest = behind.get(4..).unwrap_or_default();
                }
                inside => {
                    let found = memmem::find(rest, &self.delimiter);
                    let keep = self.delimiter.len() - 1;
                    let end = found.unwrap_or_else(|| rest.len().saturating_sub(keep));
                    if let Inside::File(object) = inside {
                        object.bytes(rest.get(..end).unwrap_or_default());
                    }
                    rest = rest.get(end..).unwrap_or_default();
                    if found.is_none() {
                        break;
                    }
                    rest = rest.get(self.delimiter.len()..).unwrap_or_default();
                    if let Inside::File(object) = std::mem::replace(&mut self.inside, Inside::Head) {
                        object.finish(cx);
                    }
                    if rest.starts_with(b"--") {
                        self.inside = Inside::Behind;
                        return;
                    }
                }
            }
        }
        self.carry = rest.to_vec();
    }

    /// Bytes are missing.
    pub fn lose(&mut self, missing: u64) {
        if let Inside::File(object) = &mut self.inside {
            object.lose(missing);
        }
    }

    /// The body is over, perhaps too early.
    pub fn end(self, cx: &mut Cx<'_>) {
        if let Inside::File(mut object) = self.inside {
            object.cut();
            object.finish(cx);
        }
    }
}

/// The file name in a part's Content-Disposition.
pub fn file_name(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let (_, rest) = text.split_once("filename=")?;
    let name = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split([';', '\r', ' ']).next()?,
    };
    let last = name.rsplit(['/', '\\']).next()?;
    (!last.is_empty()).then(|| last.to_owned())
}
