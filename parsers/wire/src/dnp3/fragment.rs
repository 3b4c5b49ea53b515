//! Application fragments (IEEE 1815-2012 clause 4.2): header, internal indications, object headers, points.

use super::codes;
use super::header::{ObjectHeader, Prefix, Problem, Range, push_indexes, push_object, push_range, qualified};
use super::objects::{CONTROL, NO_STATUS, Shape, shape};
use super::points::{Point, Points};
use super::reader::{Reader, push_number, unsigned};
use super::texts;
use crate::anomaly::Kind;
use crate::limits::Limits;

/// Object headers whose buffer is kept for the next fragment.
const KEPT: usize = 256;

/// One decoded fragment. Its buffers are kept for the next one.
#[derive(Debug, Default)]
pub struct Fragment {
    /// Application control: FIR, FIN, CON, UNS, sequence.
    pub control: u8,
    /// Function code.
    pub function: u8,
    /// Internal indications, first octet high.
    pub iin: Option<u16>,
    /// Group and variation of each object header.
    pub objects: Vec<(u8, u8)>,
    /// What the objects say.
    pub points: Points,
    /// What a request is about: `60:2 60:3`, `12:1[3]`.
    pub key: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// The last common time of occurrence (group 51), nanoseconds; 0: none.
    base: i64,
    /// The key's limit.
    most_text: usize,
    /// Variation, start and end of each file object (group 70) in the fragment.
    pub files: Vec<(u8, usize, usize)>,
    /// Whether an unknown object was told.
    unknown: bool,
    /// Whether a wrong size prefix was reported.
    missized: bool,
    /// Whether objects were left out for the limit `items`.
    cut: bool,
}

impl Fragment {
    pub fn sequence(&self) -> u8 {
        self.control & 0x0F
    }
    pub fn is_first(&self) -> bool {
        self.control & 0x80 != 0
    }
    pub fn is_final(&self) -> bool {
        self.control & 0x40 != 0
    }
    pub fn asks_confirmation(&self) -> bool {
        self.control & 0x20 != 0
    }
    pub fn is_unsolicited(&self) -> bool {
        self.control & 0x10 != 0
    }
    /// Whether the outstation refuses: by its internal indications or by the status of a command.
    pub fn refuses(&self) -> bool {
        let refused = |status: &u8| *status != 0 && *status != NO_STATUS;
        self.iin.is_some_and(|iin| iin & codes::REFUSED != 0) || self.points.status.iter().any(refused)
    }

    /// Decodes a fragment; false when it is too short for a function code.
    ///
    /// ```text
    /// +---------+----------+-------------------+--------+---------+--------+-- ...
    /// | control | function | IIN1, IIN2        | object | objects | object |
    /// |         |          | in responses only | header |         | header |
    /// +---------+----------+-------------------+--------+---------+--------+-- ...
    ///  FIR FIN CON UNS | sequence, 4 bits
    /// ```
    pub fn decode(&mut self, octets: &[u8], limits: &Limits) -> bool {
        self.clear();
        let mut reader = Reader::new(octets);
        let (Some(control), Some(function)) = (reader.u8(), reader.u8()) else {
            self.problem(Kind::Malformed, format!("a fragment of {} octets has no function code", octets.len()));
            return false;
        };
        (self.control, self.function) = (control, function);
        if codes::function_name(function) == codes::UNKNOWN {
            self.key.push_str("function ");
            push_number(&mut self.key, u32::from(function));
            self.problem(Kind::UnknownCode, format!("application function {function}"));
        }
        if codes::is_response(function) {
            self.iin = reader.u16().map(u16::swap_bytes);
            if self.iin.is_none() {
                self.problem(Kind::Malformed, "a response without internal indications".into());
                return true;
            }
        }
        let most = usize::try_from(limits.items).unwrap_or(usize::MAX);
        self.most_text = usize::try_from(limits.text_bytes).unwrap_or(usize::MAX);
        while !reader.rest().is_empty() {
            if self.objects.len() >= most {
                self.cut = true;
                break;
            }
            let at = reader.at();
            if let Err(Problem { kind, detail }) = self.object(&mut reader, limits, most) {
                self.problem(kind, format!("{detail} (offset {at})"));
                break;
            }
        }
        if self.cut {
            self.problem(Kind::TooManyItems, format!("more than {most} objects in a fragment"));
        }
        true
    }

    fn clear(&mut self) {
        self.objects.clear();
        self.objects.shrink_to(KEPT);
        self.points.clear();
        self.key.clear();
        self.problems.clear();
        self.files.clear();
        (self.iin, self.base, self.cut) = (None, 0, false);
        (self.unknown, self.missized) = (false, false);
    }

    pub(super) fn problem(&mut self, kind: Kind, detail: String) {
        self.problems.push(Problem { kind, detail });
    }

    /// Reads an object header and the objects behind it.
    fn object(&mut self, reader: &mut Reader<'_>, limits: &Limits, most: usize) -> Result<(), Problem> {
        let (Some(group), Some(variation)) = (reader.u8(), reader.u8()) else {
            return Err(Problem::malformed("one octet is no object header".into()));
        };
        self.objects.push((group, variation));
        let header = qualified(group, variation, reader)?;
        let before = self.points.len();
        let names_only = codes::only_names_points(self.function) || (matches!(self.function, 11 | 12) && group != 50);
        let shape = shape(group, variation);
        let sized = matches!(header.prefix, Prefix::Size(_));
        let done = if header.range == Range::All {
            Ok(())
        } else if sized {
            self.sized(&header, shape, reader, limits, most)
        } else if shape == Shape::Nothing || (names_only && group != 120) {
            return self.named(&header, reader);
        } else {
            self.data(&header, shape, reader, limits, most)
        };
        self.name(&header, before);
        done
    }

    /// Objects with data and without a size of their own before each.
    fn data(
        &mut self,
        h: &ObjectHeader,
        shape: Shape,
        reader: &mut Reader<'_>,
        limits: &Limits,
        most: usize,
    ) -> Result<(), Problem> {
        let prefix = h.prefix_width();
        match shape {
            Shape::Packed(bits) if prefix == 0 => return self.packed(h, bits, reader, most),
            Shape::Attribute if prefix == 0 => return self.attributes(h, reader, limits, most),
            _ => {}
        }
        let Some(size) = size(h, shape)? else { return Ok(()) };
        let stride = prefix + size;
        let fit = reader.rest().len() / stride.max(1);
        let count = usize::try_from(h.count()).unwrap_or(usize::MAX).min(fit);
        let kept = self.keep(count, most);
        let octets = reader.take(count * stride).unwrap_or_default();
        let octets = octets.get(..kept * stride).unwrap_or_default();
        let id = (h.group, h.variation);
        match shape {
            Shape::Fixed(layout) => {
                self.points.indexes(h.first(), prefix, stride, octets, kept);
                self.points.fixed(id, &layout, prefix, octets, self.base);
                if h.group == 51 {
                    self.base = self.points.time.last().copied().unwrap_or(0);
                }
            }
            _ => self.singly(h, shape, stride, octets, limits),
        }
        missing(h, count)
    }

    /// Objects of the same size that are read one by one.
    fn singly(&mut self, h: &ObjectHeader, shape: Shape, stride: usize, octets: &[u8], limits: &Limits) {
        let prefix = h.prefix_width();
        for (i, object) in octets.chunks_exact(stride).enumerate() {
            let (index, object) = object.split_at(prefix);
            let index = match h.prefix {
                Prefix::Index(_) => unsigned(index) as u32,
                _ => h.first().saturating_add(u32::try_from(i).unwrap_or(u32::MAX)),
            };
            if shape == Shape::Control {
                self.points.control((h.group, h.variation), index, object);
            } else {
                texts::octet_string(&mut self.points, (h.group, h.variation), index, object, limits);
            }
        }
    }

    fn packed(&mut self, h: &ObjectHeader, bits: u8, reader: &mut Reader<'_>, most: usize) -> Result<(), Problem> {
        let per_octet = u64::from(8 / bits);
        let fit = reader.rest().len() as u64 * per_octet;
        let count = h.count().min(fit);
        let octets = reader.take(usize::try_from(count.div_ceil(per_octet)).unwrap_or(0)).unwrap_or_default();
        let count = usize::try_from(count).unwrap_or(0);
        let kept = self.keep(count, most);
        self.points.indexes(h.first(), 0, 0, octets, kept);
        self.points.packed((h.group, h.variation), bits, octets, kept);
        missing(h, count)
    }

    fn attributes(
        &mut self,
        h: &ObjectHeader,
        reader: &mut Reader<'_>,
        limits: &Limits,
        most: usize,
    ) -> Result<(), Problem> {
        for i in 0..h.count() {
            let short = || Problem::malformed(format!("device attribute {}:{} is cut", h.group, h.variation));
            let kind = reader.u8().ok_or_else(short)?;
            let size = reader.u8().ok_or_else(short)?;
            let data = reader.take(usize::from(size)).ok_or_else(short)?;
            if self.keep(1, most) == 1 {
                let index = h.first().saturating_add(u32::try_from(i).unwrap_or(u32::MAX));
                texts::attribute(&mut self.points, h.variation, index, kind, data, limits);
            }
        }
        Ok(())
    }

    /// Objects with their size before each.
    fn sized(
        &mut self,
        h: &ObjectHeader,
        shape: Shape,
        reader: &mut Reader<'_>,
        limits: &Limits,
        most: usize,
    ) -> Result<(), Problem> {
        for i in 0..h.count() {
            let short = || Problem::malformed(format!("object {}:{} is cut", h.group, h.variation));
            let size = reader.number(h.prefix_width()).ok_or_else(short)?;
            let object = reader.take(usize::try_from(size).unwrap_or(usize::MAX)).ok_or_else(short)?;
            if h.group == 70 && self.files.len() < most {
                let end = reader.at();
                self.files.push((h.variation, end - object.len(), end));
            }
            if self.keep(1, most) == 0 {
                continue;
            }
            let index = h.first().saturating_add(u32::try_from(i).unwrap_or(u32::MAX));
            let id = (h.group, h.variation);
            let natural = match shape {
                Shape::Fixed(layout) => Some(usize::from(layout.size)),
                Shape::Control => Some(CONTROL),
                _ => None,
            };
            if let Some(natural) = natural.filter(|&n| n != object.len()) {
                self.missized(h, natural, object.len());
            }
            match (shape, natural.map_or(Some(object), |n| object.get(..n))) {
                (Shape::Fixed(layout), Some(object)) => {
                    self.points.indexes(index, 0, 0, object, 1);
                    self.points.fixed(id, &layout, 0, object, self.base);
                }
                (Shape::Control, Some(object)) => self.points.control(id, index, object),
                // Shorter than the object is, unknown, or a text: the octets themselves.
                _ => texts::sized(&mut self.points, id, index, object, limits),
            }
        }
        if shape == Shape::Unknown && !std::mem::replace(&mut self.unknown, true) {
            let detail = format!("object {}:{} is not in the library", h.group, h.variation);
            self.problem(Kind::UnknownCode, detail);
        }
        Ok(())
    }

    /// An object whose size prefix is not its size. Once a fragment; the next object is found all the same.
    fn missized(&mut self, h: &ObjectHeader, natural: usize, said: usize) {
        if !std::mem::replace(&mut self.missized, true) {
            let kind = if said > natural { Kind::TrailingBytes } else { Kind::Malformed };
            let detail =
                format!("object {}:{} has {natural} octets, its size prefix says {said}", h.group, h.variation);
            self.problem(kind, detail);
        }
    }

    /// A header that names points and carries none, or only their indexes.
    fn named(&mut self, h: &ObjectHeader, reader: &mut Reader<'_>) -> Result<(), Problem> {
        let width = h.prefix_width();
        let fit = reader.rest().len() / width.max(1);
        let count = if width == 0 { 0 } else { usize::try_from(h.count()).unwrap_or(usize::MAX).min(fit) };
        let octets = reader.take(count * width).unwrap_or_default();
        if self.start_name(h) {
            if width == 0 {
                push_range(&mut self.key, h.range);
            } else {
                push_indexes(&mut self.key, octets.chunks_exact(width).map(|o| unsigned(o) as u32));
            }
        }
        if width == 0 { Ok(()) } else { missing(h, count) }
    }

    /// Names the object in the key with its indexes; `before`: points there were before it.
    fn name(&mut self, h: &ObjectHeader, before: usize) {
        if !self.start_name(h) {
            return;
        }
        match (h.prefix, h.range) {
            (Prefix::Index(_), _) => {
                let indexes = self.points.index.get(before..).unwrap_or_default();
                push_indexes(&mut self.key, indexes.iter().copied());
            }
            (_, Range::Span(..)) => push_range(&mut self.key, h.range),
            _ => {}
        }
        if h.group == 70 {
            for point in before..self.points.len() {
                if let Some(name) = texts::file_name(self.points.text(point)) {
                    self.key.push(' ');
                    self.key.push_str(name);
                }
            }
        }
    }

    /// Begins an object's name; false where its indexes do not belong to the key: in what an outstation
    /// sends, they follow the process and not the one who asks.
    fn start_name(&mut self, h: &ObjectHeader) -> bool {
        let reports = codes::is_response(self.function);
        if reports && self.function != codes::function::UNSOLICITED || self.key.ends_with('…') {
            return false;
        }
        if self.key.len() >= self.most_text {
            self.key.push('…');
            return false;
        }
        let start = self.key.len();
        if start > 0 {
            self.key.push(' ');
        }
        push_object(&mut self.key, h.group, h.variation);
        if reports {
            let (before, added) = self.key.split_at(start);
            if start > 0 && before.rsplit(' ').next() == added.get(1..) {
                self.key.truncate(start);
            }
        }
        !reports
    }

    /// How many of `count` more points the limit lets in.
    fn keep(&mut self, count: usize, most: usize) -> usize {
        let kept = count.min(most.saturating_sub(self.points.len()));
        self.cut |= kept < count;
        kept
    }
}

/// Octets of each object that stands without its size before it; `None`: there is no object.
fn size(h: &ObjectHeader, shape: Shape) -> Result<Option<usize>, Problem> {
    match shape {
        Shape::Fixed(layout) => Ok(Some(usize::from(layout.size))),
        Shape::Control => Ok(Some(CONTROL)),
        Shape::Octets => Ok(Some(usize::from(h.variation))),
        _ if h.count() == 0 => Ok(None),
        Shape::Unknown => {
            let detail = format!("object {}:{} is not in the library", h.group, h.variation);
            Err(Problem { kind: Kind::UnknownCode, detail })
        }
        Shape::Packed(_) | Shape::Attribute | Shape::Sized | Shape::Nothing => {
            let detail = format!("object {}:{} cannot stand behind this qualifier", h.group, h.variation);
            Err(Problem::malformed(detail))
        }
    }
}

/// An error when fewer objects came than the header promised.
fn missing(h: &ObjectHeader, came: usize) -> Result<(), Problem> {
    if came as u64 == h.count() {
        return Ok(());
    }
    let detail =
        format!("{} objects {}:{} of {} are missing", h.count() - came as u64, h.group, h.variation, h.count());
    Err(Problem::malformed(detail))
}

/// A point without a value but with a text.
pub(super) fn bare((group, variation): (u8, u8), index: u32) -> Point {
    Point::new(group, variation, index)
}
