//! The DNP3 object library as a table (IEEE 1815-2012 Annex A): what the octets of each object are.

/// What an object's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// None.
    None,
    /// Bit 7 of the flags.
    State,
    /// Bits 6 and 7 of the flags: intermediate, off, on, indeterminate.
    DoubleState,
    /// Unsigned numbers of so many octets.
    Unsigned(u8),
    /// Signed numbers of so many octets.
    Signed(u8),
    /// Binary coded decimals of so many octets.
    Decimal(u8),
    /// IEEE 754, single.
    Single,
    /// IEEE 754, double.
    Double,
}

/// Where an object's time stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// Nowhere.
    None,
    /// 48 bits since 1970, at this offset.
    Absolute(u8),
    /// 16 bits since the last common time of occurrence (group 51), at this offset.
    Relative(u8),
}

/// Where an object's flags stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flags {
    /// It has none and means none: commands, times.
    None,
    /// It has none because it is ONLINE and nothing else (Annex A: "flags are implied").
    Online,
    /// The first octet.
    First,
}

/// An object of fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub size: u8,
    pub flags: Flags,
    pub value: Value,
    /// Offset of the value.
    pub at: u8,
    pub stamp: Stamp,
    /// Offset of the control status.
    pub status: Option<u8>,
}

/// How an object of some group and variation is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Packed values of so many bits (1 or 2), no octet of its own.
    Packed(u8),
    /// A fixed layout.
    Fixed(Layout),
    /// Control relay output block or pattern control block: 11 octets.
    Control,
    /// As many octets of text as the variation says.
    Octets,
    /// A device attribute: data type, length, data.
    Attribute,
    /// Without a size of its own: readable only behind a size prefix.
    Sized,
    /// Nothing: the header is all (class data, variation 0).
    Nothing,
    /// Not in the library.
    Unknown,
}

/// Octets of a control relay output block.
pub const CONTROL: usize = 11;

const fn width(value: Value) -> u8 {
    match value {
        Value::None | Value::State | Value::DoubleState => 0,
        Value::Unsigned(n) | Value::Signed(n) | Value::Decimal(n) => n,
        Value::Single => 4,
        Value::Double => 8,
    }
}

/// A value alone; ONLINE is implied.
const fn plain(value: Value) -> Shape {
    Shape::Fixed(Layout { size: width(value), flags: Flags::Online, value, at: 0, stamp: Stamp::None, status: None })
}

/// Flags, value.
const fn flagged(value: Value) -> Shape {
    Shape::Fixed(Layout { size: 1 + width(value), flags: Flags::First, value, at: 1, stamp: Stamp::None, status: None })
}

/// Flags, value, time.
const fn timed(value: Value) -> Shape {
    let at = 1 + width(value);
    Shape::Fixed(Layout { size: at + 6, flags: Flags::First, value, at: 1, stamp: Stamp::Absolute(at), status: None })
}

/// Flags, 16-bit time since the common time of occurrence.
const fn relative(value: Value) -> Shape {
    Shape::Fixed(Layout { size: 3, flags: Flags::First, value, at: 1, stamp: Stamp::Relative(1), status: None })
}

/// A commanded value, then its status.
const fn command(value: Value) -> Shape {
    let at = width(value);
    Shape::Fixed(Layout { size: at + 1, flags: Flags::None, value, at: 0, stamp: Stamp::None, status: Some(at) })
}

/// Status of a command, the commanded value; time.
const fn commanded(value: Value, stamped: bool) -> Shape {
    let at = 1 + width(value);
    let (size, stamp) = if stamped { (at + 6, Stamp::Absolute(at)) } else { (at, Stamp::None) };
    Shape::Fixed(Layout { size, flags: Flags::None, value, at: 1, stamp, status: Some(0) })
}

/// A value that is no measurement: it has no quality.
const fn bare(value: Value) -> Shape {
    Shape::Fixed(Layout { size: width(value), flags: Flags::None, value, at: 0, stamp: Stamp::None, status: None })
}

/// An absolute time, then a number.
const fn clock(value: Value, size: u8) -> Shape {
    let at = if matches!(value, Value::None) { 0 } else { 6 };
    Shape::Fixed(Layout { size, flags: Flags::None, value, at, stamp: Stamp::Absolute(0), status: None })
}

const U8: Value = Value::Unsigned(1);
const U16: Value = Value::Unsigned(2);
const U32: Value = Value::Unsigned(4);
const I16: Value = Value::Signed(2);
const I32: Value = Value::Signed(4);
const F32: Value = Value::Single;
const F64: Value = Value::Double;

/// The shape of an object.
pub const fn shape(group: u8, variation: u8) -> Shape {
    match (group, variation) {
        (0, 1..) => Shape::Attribute,
        (_, 0) => Shape::Nothing,
        (1..=4 | 10..=13, _) => binary(group, variation),
        (20..=23, _) => counter(group, variation),
        (30..=34, _) => analog_input(group, variation),
        (40..=43, _) => analog_output(group, variation),
        (50, 1 | 3) => clock(Value::None, 6),
        (50, 2) => clock(U32, 10),
        (50, 4) => clock(U32, 11), // the eleventh octet: the interval's unit
        (51, 1 | 2) => clock(Value::None, 6),
        (52, 1 | 2) => bare(U16),
        (60, 1..=4) => Shape::Nothing,
        (86, 2) => bare(U8), // what a data set may be used for, bit by bit
        (70, 1..=8) | (82, 1) | (83, 1 | 2) | (85..=88, _) | (90 | 91, 1) | (114 | 115, _) => Shape::Sized,
        (80, 1) => Shape::Packed(1),
        (81, 1) => Shape::Fixed(Layout {
            size: 3, // fill level in percent, then group and variation of what fills the buffer
            flags: Flags::None,
            value: U8,
            at: 0,
            stamp: Stamp::None,
            status: None,
        }),
        (100, 1) => plain(F32), // of the standard's first edition
        (100, 2) => plain(F64),
        (101, 1) => plain(Value::Decimal(2)),
        (101, 2) => plain(Value::Decimal(4)),
        (101, 3) => plain(Value::Decimal(8)),
        (102, 1) => plain(U8),
        (110..=113, _) => Shape::Octets,
        (120, 3) => opaque(6), // challenge sequence number, user number
        (120, 4) => bare(U16), // user number
        (120, 1 | 2 | 5..=15) => Shape::Sized,
        (121, 1) => statistic(Stamp::None, 7),
        (122, 1) => statistic(Stamp::None, 7),
        (122, 2) => statistic(Stamp::Absolute(7), 13),
        _ => Shape::Unknown,
    }
}

const fn binary(group: u8, variation: u8) -> Shape {
    match (group, variation) {
        (1 | 10, 1) => Shape::Packed(1),
        (3, 1) => Shape::Packed(2),
        (1 | 10, 2) | (2 | 11, 1) => flagged(Value::State),
        (2 | 11, 2) => timed(Value::State),
        (2, 3) => relative(Value::State),
        (3, 2) | (4, 1) => flagged(Value::DoubleState),
        (4, 2) => timed(Value::DoubleState),
        (4, 3) => relative(Value::DoubleState),
        (12, 1 | 2) => Shape::Control,
        (12, 3) => Shape::Packed(1),
        (13, 1) => commanded(Value::State, false),
        (13, 2) => commanded(Value::State, true),
        _ => Shape::Unknown,
    }
}

const fn counter(group: u8, variation: u8) -> Shape {
    match (group, variation) {
        (20..=23, 1 | 3) => flagged(U32),
        (20..=23, 2 | 4) => flagged(U16),
        (20, 5 | 7) | (21, 9 | 11) => plain(U32),
        (20, 6 | 8) | (21, 10 | 12) => plain(U16),
        (21..=23, 5 | 7) => timed(U32),
        (21..=23, 6 | 8) => timed(U16),
        _ => Shape::Unknown,
    }
}

const fn analog_input(group: u8, variation: u8) -> Shape {
    match (group, variation) {
        (30..=33, 1) => flagged(I32),
        (30..=33, 2) => flagged(I16),
        (30, 3) | (31, 5) => plain(I32),
        (30, 4) | (31, 6) => plain(I16),
        (31..=33, 3) => timed(I32),
        (31..=33, 4) => timed(I16),
        (30 | 32 | 33, 5) | (31, 7) => flagged(F32),
        (30 | 32 | 33, 6) | (31, 8) => flagged(F64),
        (32 | 33, 7) => timed(F32),
        (32 | 33, 8) => timed(F64),
        (34, 1) => bare(U16),
        (34, 2) => bare(U32),
        (34, 3) => bare(F32),
        _ => Shape::Unknown,
    }
}

const fn analog_output(group: u8, variation: u8) -> Shape {
    match (group, variation) {
        (40 | 42, 1) => flagged(I32),
        (40 | 42, 2) => flagged(I16),
        (40, 3) | (42, 5) => flagged(F32),
        (40, 4) | (42, 6) => flagged(F64),
        (42, 3) => timed(I32),
        (42, 4) => timed(I16),
        (42, 7) => timed(F32),
        (42, 8) => timed(F64),
        (41, 1) => command(I32),
        (41, 2) => command(I16),
        (41, 3) => command(F32),
        (41, 4) => command(F64),
        (43, 1) => commanded(I32, false),
        (43, 2) => commanded(I16, false),
        (43, 3) => commanded(I32, true),
        (43, 4) => commanded(I16, true),
        (43, 5) => commanded(F32, false),
        (43, 6) => commanded(F64, false),
        (43, 7) => commanded(F32, true),
        (43, 8) => commanded(F64, true),
        _ => Shape::Unknown,
    }
}

/// So many octets without a value of their own.
const fn opaque(size: u8) -> Shape {
    Shape::Fixed(Layout { size, flags: Flags::None, value: Value::None, at: 0, stamp: Stamp::None, status: None })
}

/// A security statistic: flags, association, count, time.
const fn statistic(stamp: Stamp, size: u8) -> Shape {
    Shape::Fixed(Layout { size, flags: Flags::First, value: U32, at: 3, stamp, status: None })
}

/// Octets of the status a command object ends or begins with mean "none" in the `points.status` column.
pub const NO_STATUS: u8 = 255;

/// The type of point a group belongs to, as tags name it; empty: the group holds no points.
pub const fn point_type(group: u8) -> &'static str {
    match group {
        1 | 2 => "binary_input",
        3 | 4 => "double_bit_input",
        10 | 11 => "binary_output",
        12 | 13 => "binary_output_command",
        20 | 22 => "counter",
        21 | 23 => "frozen_counter",
        30 | 32 => "analog_input",
        31 | 33 => "frozen_analog_input",
        34 => "analog_input_deadband",
        40 | 42 => "analog_output",
        41 | 43 => "analog_output_command",
        100 => "floating_point",
        101 => "decimal",
        102 => "unsigned_integer",
        110 | 111 => "octet_string",
        112 | 113 => "virtual_terminal",
        114 | 115 => "extended_octet_string",
        121 | 122 => "security_statistic",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Sizes as Annex A gives them, one line a group.
    #[test]
    fn sizes_of_fixed_objects() {
        let sizes: &[(u8, &[u8])] = &[
            (2, &[1, 7, 3]),
            (4, &[1, 7, 3]),
            (11, &[1, 7]),
            (13, &[1, 7]),
            (20, &[5, 3, 5, 3, 4, 2, 4, 2]),
            (21, &[5, 3, 5, 3, 11, 9, 11, 9, 4, 2, 4, 2]),
            (22, &[5, 3, 5, 3, 11, 9, 11, 9]),
            (23, &[5, 3, 5, 3, 11, 9, 11, 9]),
            (30, &[5, 3, 4, 2, 5, 9]),
            (31, &[5, 3, 11, 9, 4, 2, 5, 9]),
            (32, &[5, 3, 11, 9, 5, 9, 11, 15]),
            (33, &[5, 3, 11, 9, 5, 9, 11, 15]),
            (34, &[2, 4, 4]),
            (40, &[5, 3, 5, 9]),
            (41, &[5, 3, 5, 9]),
            (42, &[5, 3, 11, 9, 5, 9, 11, 15]),
            (43, &[5, 3, 11, 9, 5, 9, 11, 15]),
            (50, &[6, 10, 6, 11]),
            (51, &[6, 6]),
            (52, &[2, 2]),
            (81, &[3]),
            (100, &[4, 8]),
            (101, &[2, 4, 8]),
            (102, &[1]),
            (121, &[7]),
            (122, &[7, 13]),
        ];
        for (group, want) in sizes {
            for (i, size) in want.iter().enumerate() {
                let Shape::Fixed(layout) = shape(*group, i as u8 + 1) else { panic!("g{group}v{}", i + 1) };
                assert_eq!(layout.size, *size, "g{group}v{}", i + 1);
            }
            assert_eq!(shape(*group, want.len() as u8 + 1), Shape::Unknown, "g{group}v{}", want.len() + 1);
        }
    }

    #[test]
    fn every_field_lies_within_its_object() {
        for group in 0..=255 {
            for variation in 0..=255 {
                let Shape::Fixed(l) = shape(group, variation) else { continue };
                let stamp = match l.stamp {
                    Stamp::None => 0,
                    Stamp::Absolute(at) => at + 6,
                    Stamp::Relative(at) => at + 2,
                };
                let ends = [l.at + width(l.value), stamp, l.status.map_or(0, |at| at + 1)];
                assert!(ends.iter().all(|&end| end <= l.size), "g{group}v{variation}");
                assert!(l.size > 0, "g{group}v{variation}");
            }
        }
    }
}
