//! Points of one fragment, column by column: each header's objects are read a column at a time, so that
//! the kind of value is decided once a header and not once a point.

use super::objects::{Flags, Layout, NO_STATUS, Stamp, Value};
use super::reader::{push_number, time, unsigned};

/// Bit 0 of the flags of any point.
pub const ONLINE: u8 = 0x01;

/// Points, and octets of text, whose buffers are kept for the next fragment.
const KEPT: usize = 2_048;

/// The columns. All but `texts` have an entry a point.
#[derive(Debug, Default)]
pub struct Points {
    pub group: Vec<u8>,
    pub variation: Vec<u8>,
    pub index: Vec<u32>,
    pub value: Vec<f64>,
    pub flags: Vec<u8>,
    pub time: Vec<i64>,
    pub status: Vec<u8>,
    /// End of each point's text in `texts`.
    pub text_end: Vec<usize>,
    pub texts: String,
}

/// One point that is pushed by itself.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub group: u8,
    pub variation: u8,
    pub index: u32,
    pub value: f64,
    pub time: i64,
    pub status: u8,
}

impl Point {
    /// A point without value, time and status.
    pub fn new(group: u8, variation: u8, index: u32) -> Self {
        Self { group, variation, index, value: f64::NAN, time: 0, status: NO_STATUS }
    }
}

impl Points {
    /// Empties the columns for the next fragment; those of an unusually large one are given back.
    pub fn clear(&mut self) {
        if self.index.capacity() > KEPT || self.texts.capacity() > KEPT {
            *self = Self::default();
            return;
        }
        self.group.clear();
        self.variation.clear();
        self.index.clear();
        self.value.clear();
        self.flags.clear();
        self.time.clear();
        self.status.clear();
        self.text_end.clear();
        self.texts.clear();
    }

    pub fn len(&self) -> usize {
        self.group.len()
    }

    /// The text of a point; empty where it has none.
    pub fn text(&self, point: usize) -> &str {
        let start = point.checked_sub(1).and_then(|before| self.text_end.get(before)).copied().unwrap_or(0);
        let end = self.text_end.get(point).copied().unwrap_or(start);
        self.texts.get(start..end).unwrap_or_default()
    }

    /// Appends one point, whose text was appended to `texts` just before.
    pub fn push(&mut self, p: Point) {
        self.index.push(p.index);
        self.value.push(p.value);
        self.flags.push(0);
        self.time.push(p.time);
        self.status.push(p.status);
        self.rest(p.group, p.variation);
    }

    /// Fills the columns that are the same for all points of a header, up to the length of `index`.
    fn rest(&mut self, group: u8, variation: u8) {
        let n = self.index.len();
        self.group.resize(n, group);
        self.variation.resize(n, variation);
        self.flags.resize(n, 0);
        self.time.resize(n, 0);
        self.status.resize(n, NO_STATUS);
        self.text_end.resize(n, self.texts.len());
    }

    /// Indexes of `count` points from `first` on, or those that stand before each object of `stride` octets.
    pub fn indexes(&mut self, first: u32, prefix: usize, stride: usize, octets: &[u8], count: usize) {
        if prefix == 0 || stride == 0 {
            let last = first.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            self.index.extend(first..last);
            self.index.resize(self.value.len() + count, u32::MAX);
        } else {
            let read = |o: &[u8]| unsigned(o.get(..prefix).unwrap_or_default()) as u32;
            self.index.extend(octets.chunks_exact(stride).take(count).map(read));
        }
    }

    /// Appends the packed bits of `count` points; their indexes are there already.
    pub fn packed(&mut self, (group, variation): (u8, u8), bits: u8, octets: &[u8], count: usize) {
        let per_octet = usize::from(8 / bits.max(1)).max(1);
        let mask = (1_u8 << bits) - 1;
        self.value.extend((0..count).map(|i| {
            let octet = octets.get(i / per_octet).copied().unwrap_or(0);
            f64::from(octet >> (bits * (i % per_octet) as u8) & mask)
        }));
        let implied = if matches!(group, 12 | 80) { 0 } else { ONLINE };
        self.flags.resize(self.index.len(), implied);
        self.rest(group, variation);
    }

    /// Appends the objects of a fixed layout, each `prefix` octets into its `stride`; their indexes are
    /// there already. `base`: the common time of occurrence.
    pub fn fixed(&mut self, (group, variation): (u8, u8), l: &Layout, prefix: usize, octets: &[u8], base: i64) {
        let stride = prefix + usize::from(l.size);
        if stride == 0 {
            return;
        }
        let objects = octets.chunks_exact(stride);
        self.values(l.value, prefix, prefix + usize::from(l.at), objects.clone());
        match l.flags {
            Flags::First => self.flags.extend(objects.clone().map(|o| octet(o, prefix))),
            Flags::Online => self.flags.resize(self.index.len(), ONLINE),
            Flags::None => {}
        }
        match l.stamp {
            Stamp::None => {}
            Stamp::Absolute(at) => {
                let at = prefix + usize::from(at);
                self.time.extend(objects.clone().map(|o| time(field(o, at, 6))));
            }
            Stamp::Relative(at) => {
                let at = prefix + usize::from(at);
                self.time.extend(objects.clone().map(|o| {
                    let later = i64::from(u16::from_le_bytes(fixed(o, at))) * 1_000_000;
                    if base == 0 { 0 } else { base.saturating_add(later) }
                }));
            }
        }
        if let Some(at) = l.status {
            // the state of a commanded event shares its octet with the status (A.7.1)
            let mask = if l.value == Value::State { 0x7F } else { 0xFF };
            let at = prefix + usize::from(at);
            self.status.extend(objects.map(|o| octet(o, at) & mask));
        }
        self.rest(group, variation);
    }

    /// Appends values that stand at `at`, or in the flags at `flags`.
    fn values<'a>(&mut self, value: Value, flags: usize, at: usize, objects: impl Iterator<Item = &'a [u8]>) {
        let out = &mut self.value;
        match value {
            Value::None => out.extend(objects.map(|_| f64::NAN)),
            Value::State => out.extend(objects.map(|o| f64::from(octet(o, flags) >> 7))),
            Value::DoubleState => out.extend(objects.map(|o| f64::from(octet(o, flags) >> 6))),
            Value::Unsigned(4) => out.extend(objects.map(|o| f64::from(u32::from_le_bytes(fixed(o, at))))),
            Value::Unsigned(2) => out.extend(objects.map(|o| f64::from(u16::from_le_bytes(fixed(o, at))))),
            Value::Unsigned(n) => out.extend(objects.map(|o| unsigned(field(o, at, n.into())) as f64)),
            Value::Signed(4) => out.extend(objects.map(|o| f64::from(i32::from_le_bytes(fixed(o, at))))),
            Value::Signed(_) => out.extend(objects.map(|o| f64::from(i16::from_le_bytes(fixed(o, at))))),
            Value::Single => out.extend(objects.map(|o| f64::from(f32::from_le_bytes(fixed(o, at))))),
            Value::Double => out.extend(objects.map(|o| f64::from_le_bytes(fixed(o, at)))),
            Value::Decimal(n) => out.extend(objects.map(|o| decimal(field(o, at, n.into())))),
        }
    }

    /// Appends a control relay output block (A.8.1), a pattern control block likewise.
    ///
    /// ```text
    /// | control code | count | on-time, ms | off-time, ms | status |
    ///       1            1         4              4           1
    /// ```
    pub fn control(&mut self, (group, variation): (u8, u8), index: u32, object: &[u8]) {
        let code = octet(object, 0);
        let out = &mut self.texts;
        out.push_str(match code & 0x0F {
            0 => "nul",
            1 => "pulse_on",
            2 => "pulse_off",
            3 => "latch_on",
            4 => "latch_off",
            _ => "reserved",
        });
        out.push_str(match code >> 6 {
            1 => " close",
            2 => " trip",
            3 => " reserved",
            _ => "",
        });
        if code & 0x20 != 0 {
            out.push_str(" clear");
        }
        if code & 0x10 != 0 {
            out.push_str(" queue");
        }
        for (name, at, width) in [(" count=", 1, 1), (" on=", 2, 4), (" off=", 6, 4)] {
            out.push_str(name);
            push_number(out, unsigned(field(object, at, width)) as u32);
        }
        let status = octet(object, 10) & 0x7F;
        self.push(Point { value: f64::from(code), status, ..Point::new(group, variation, index) });
    }
}

fn octet(object: &[u8], at: usize) -> u8 {
    object.get(at).copied().unwrap_or(0)
}

fn field(object: &[u8], at: usize, width: usize) -> &[u8] {
    object.get(at..).and_then(|o| o.get(..width)).unwrap_or_default()
}

fn fixed<const N: usize>(object: &[u8], at: usize) -> [u8; N] {
    object.get(at..).and_then(|o| o.first_chunk()).copied().unwrap_or([0; N])
}

/// Binary coded decimal, four bits a digit, the lowest first; a digit above 9 is none.
fn decimal(octets: &[u8]) -> f64 {
    let digits = octets.iter().rev().flat_map(|o| [o >> 4, o & 0x0F]);
    digits.fold(0.0, |sum, digit| if digit > 9 { f64::NAN } else { sum * 10.0 + f64::from(digit) })
}
