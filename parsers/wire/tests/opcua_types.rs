//! Every built-in type of Part 6 §5.2 as text, and what happens at its edges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use wire::opcua::nodes::{extension_object, localized_text, node_id, skip_diagnostic};
use wire::opcua::read::{Malformed, Reader, Reason};
use wire::opcua::text::{Out, nanos};
use wire::opcua::variant::{DataValue, data_value, variant};

const NESTING: u64 = 8;

fn text(write: impl FnOnce(&mut Out<'_>)) -> String {
    let mut text = String::new();
    write(&mut Out::new(&mut text, 1_000));
    text
}

fn node(bytes: &[u8]) -> Result<String, Malformed> {
    let mut r = Reader::new(bytes, NESTING);
    let node = node_id(&mut r)?;
    assert_eq!(r.left(), 0, "not read to the end");
    Ok(text(|out| node.write(out)))
}

fn value(bytes: &[u8]) -> Result<(String, Option<f64>), Malformed> {
    let (mut text, mut r) = (String::new(), Reader::new(bytes, NESTING));
    let number = variant(&mut r, &mut Out::new(&mut text, 60))?;
    assert_eq!(r.left(), 0, "not read to the end");
    Ok((text, number))
}

fn shown(bytes: &[u8]) -> String {
    value(bytes).unwrap().0
}

fn put(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn node_ids() {
    assert_eq!(node(&[0, 85]).unwrap(), "i=85");
    assert_eq!(node(&[1, 2, 0xD2, 4]).unwrap(), "ns=2;i=1234");
    assert_eq!(node(&[1, 0, 0xD2, 8]).unwrap(), "i=2258");
    assert_eq!(node(&[2, 3, 0, 1, 0, 1, 0]).unwrap(), "ns=3;i=65537");
    assert_eq!(node(b"\x03\x02\0\x04\0\0\0Temp").unwrap(), "ns=2;s=Temp");
    assert_eq!(node(b"\x03\x02\0\xFF\xFF\xFF\xFF").unwrap(), "ns=2;s=");
    let guid = [0x78, 0x56, 0x34, 0x12, 0xBC, 0x9A, 0xF0, 0xDE, 1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(node(&put(&[&[4, 1, 0], &guid])).unwrap(), "ns=1;g=12345678-9abc-def0-0102-030405060708");
    assert_eq!(node(b"\x05\x01\0\x03\0\0\0\x0A\x0B\xFF").unwrap(), "ns=1;b=0a0bff");
    assert_eq!(node(b"\x80\x07\x05\0\0\0urn:x").unwrap(), "nsu=urn:x;i=7");
    assert_eq!(node(b"\x41\x02\x07\0\x09\0\0\0").unwrap(), "svr=9;ns=2;i=7");
    assert_eq!(node(&[6, 0]).unwrap_err().reason, Reason::Code);
    assert_eq!(node(&[3, 0, 0, 5, 0, 0, 0, b'x']).unwrap_err().reason, Reason::Length);
    for length in 0..7 {
        assert_eq!(node(&[2, 3, 0, 1, 0, 1, 0][..length]).unwrap_err().reason, Reason::Short, "{length}");
    }
}

#[test]
fn numbers() {
    let cases: [(&[u8], &str, f64); 16] = [
        (&[1, 1], "true", 1.0),
        (&[1, 0], "false", 0.0),
        (&[2, 0xFE], "-2", -2.0),
        (&[3, 0xFE], "254", 254.0),
        (&[4, 0, 0x80], "-32768", -32768.0),
        (&[5, 0, 0x80], "32768", 32768.0),
        (&[6, 0xFF, 0xFF, 0xFF, 0xFF], "-1", -1.0),
        (&[7, 0xFF, 0xFF, 0xFF, 0xFF], "4294967295", 4294967295.0),
        (&[8, 0, 0, 0, 0, 0, 0, 0, 0x80], "-9223372036854775808", i64::MIN as f64),
        (&[9, 255, 255, 255, 255, 255, 255, 255, 255], "18446744073709551615", u64::MAX as f64),
        (&put(&[&[10], &21.3_f32.to_le_bytes()]), "21.3", f64::from(21.3_f32)),
        (&put(&[&[11], &0.1_f64.to_le_bytes()]), "0.1", 0.1),
        (&put(&[&[11], &20.0_f64.to_le_bytes()]), "20", 20.0),
        (&put(&[&[11], &(-1e300_f64).to_le_bytes()]), "-1e+300", -1e300),
        (&put(&[&[11], &f64::INFINITY.to_le_bytes()]), "inf", f64::INFINITY),
        (&put(&[&[10], &f32::NEG_INFINITY.to_le_bytes()]), "-inf", f64::NEG_INFINITY),
    ];
    for (bytes, text, number) in cases {
        assert_eq!(value(bytes).unwrap(), (text.to_owned(), Some(number)), "{bytes:?}");
        for length in 1..bytes.len() {
            assert_eq!(value(&bytes[..length]).unwrap_err().reason, Reason::Short);
        }
    }
    assert_eq!(shown(&put(&[&[11], &f64::NAN.to_le_bytes()])), "NaN");
}

#[test]
fn texts_and_bytes() {
    assert_eq!(value(&[0]).unwrap(), (String::new(), None));
    assert_eq!(shown(b"\x0C\x03\0\0\0on!"), "on!");
    assert_eq!(shown(b"\x0C\xFF\xFF\xFF\xFF"), "");
    assert_eq!(shown(b"\x0C\x03\0\0\0o\xFFn"), "o\u{FFFD}n");
    assert_eq!(shown(b"\x10\x04\0\0\0<a/>"), "<a/>");
    assert_eq!(shown(b"\x0F\x03\0\0\0\x01\x02\xFF"), "bytes:3 0102ff");
    assert_eq!(shown(b"\x0F\xFF\xFF\xFF\xFF"), "bytes:0");
    assert_eq!(shown(&put(&[&[15, 32, 0, 0, 0], &[7; 32]])), format!("bytes:32 {}", "07".repeat(16)));
    // Ids that the standard keeps for itself are byte strings.
    assert_eq!(shown(b"\x1A\x01\0\0\0\x09"), "bytes:1 09");
    assert_eq!(shown(&[19, 0, 0, 0x34, 0x80]), "0x80340000");
    assert_eq!(shown(b"\x14\x02\0\x04\0\0\0Temp"), "2:Temp");
    assert_eq!(shown(b"\x14\0\0\x04\0\0\0Temp"), "Temp");
    assert_eq!(shown(b"\x15\x03\x02\0\0\0en\x04\0\0\0Temp"), "Temp");
    assert_eq!(shown(b"\x15\x01\x02\0\0\0en"), "");
    assert_eq!(shown(b"\x11\x01\x02\x07\0"), "ns=2;i=7");
    assert_eq!(shown(b"\x12\x80\x07\x05\0\0\0urn:x"), "nsu=urn:x;i=7");
    let guid = [0x78, 0x56, 0x34, 0x12, 0xBC, 0x9A, 0xF0, 0xDE, 1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(shown(&put(&[&[14], &guid])), "12345678-9abc-def0-0102-030405060708");
    assert_eq!(value(&[0x3F]).unwrap_err().reason, Reason::Code);
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let long = "ä".repeat(100);
    let cut = shown(&put(&[&[12], &200_u32.to_le_bytes(), long.as_bytes()]));
    assert_eq!(cut, format!("{}…", "ä".repeat(30)));
}

#[test]
fn times() {
    let time = |ticks: i64| shown(&put(&[&[13], &ticks.to_le_bytes()]));
    assert_eq!(time(116_444_736_000_000_000), "1970-01-01T00:00:00Z");
    assert_eq!(time(116_444_736_000_000_001), "1970-01-01T00:00:00.0000001Z");
    assert_eq!(time(0), "1601-01-01T00:00:00Z");
    assert_eq!(time(116_444_736_000_000_000 + 1_709_164_800 * 10_000_000), "2024-02-29T00:00:00Z");
    assert_eq!(time(116_444_736_000_000_000 + 1_767_225_599 * 10_000_000), "2025-12-31T23:59:59Z");
    time(i64::MIN);
    time(i64::MAX);
    assert_eq!(nanos(0), 0);
    assert_eq!(nanos(116_444_736_000_000_001), 100);
    assert_eq!(nanos(i64::MAX), 0, "never");
}

#[test]
fn arrays() {
    assert_eq!(shown(&[0x86, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255]), "[1,2,-1]");
    assert_eq!(value(&[0x81, 2, 0, 0, 0, 1, 0]).unwrap(), ("[true,false]".to_owned(), None));
    assert_eq!(shown(b"\x8C\x02\0\0\0\x01\0\0\0a\x01\0\0\0b"), "[\"a\",\"b\"]");
    assert_eq!(shown(&[0x86, 255, 255, 255, 255]), "[]");
    // Two by two with its dimensions behind it.
    let dimensions = [2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0];
    assert_eq!(shown(&put(&[&[0xC3, 4, 0, 0, 0, 1, 2, 3, 4], &dimensions])), "[1,2,3,4]");
    // What does not fit is stepped over.
    let cut = shown(&put(&[&[0x83, 0, 1, 0, 0], &[9; 256]]));
    assert!(cut.len() < 70 && cut.starts_with("[9,9,") && cut.ends_with('…'), "{cut}");
    for huge in [257_u32, 0x7FFF_FFFF, 0x8000_0000 - 1] {
        let bytes = put(&[&[0x83], &huge.to_le_bytes(), &[9; 256]]);
        assert_eq!(value(&bytes).unwrap_err().reason, Reason::Length);
    }
    // Nothing takes no bytes at all: its count is held against the bytes left all the same.
    assert_eq!(value(&put(&[&[0x80], &1_000_000_u32.to_le_bytes()])).unwrap_err().reason, Reason::Length);
}

#[test]
fn nested_values_end_at_the_limit() {
    // An array of one Variant that is an array of one Variant …
    let nested = |levels: usize| put(&[&[0x98, 1, 0, 0, 0].repeat(levels), &[3, 7]]);
    assert_eq!(shown(&nested(1)), "[7]");
    assert_eq!(shown(&nested(4)), "[[[[7]]]]");
    assert_eq!(value(&nested(50_000)).unwrap_err().reason, Reason::Depth);
    // A DataValue with a Variant with a DataValue …
    let values = put(&[&[0x01, 23].repeat(50_000), &[0]]);
    assert_eq!(value(&put(&[&[23], &values])).unwrap_err().reason, Reason::Depth);
    // DiagnosticInfo in DiagnosticInfo.
    let mut deep = vec![0x40; 50_000];
    deep.push(0);
    assert_eq!(skip_diagnostic(&mut Reader::new(&deep, NESTING)).unwrap_err().reason, Reason::Depth);
    let mut shallow = vec![0x40; 5];
    shallow.push(0);
    skip_diagnostic(&mut Reader::new(&shallow, NESTING)).unwrap();
}

#[test]
fn diagnostics_are_stepped_over() {
    let all = b"\x7F\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x02\0\0\0no\0\0\x01\x80\0";
    let mut r = Reader::new(all, NESTING);
    skip_diagnostic(&mut r).unwrap();
    assert_eq!(r.left(), 0);
    assert_eq!(shown(&put(&[&[25], all])), "diagnostic");
}

#[test]
fn extension_objects_keep_type_and_bytes() {
    assert_eq!(shown(b"\x16\x01\0\x29\x01\x01\x02\0\0\0\x0A\x0B"), "i=297 bytes:2 0a0b");
    assert_eq!(shown(b"\x16\x01\x02\x29\x01\0"), "ns=2;i=297 bytes:0");
    assert_eq!(shown(b"\x16\0\x07\x02\x04\0\0\0<a/>"), "i=7 bytes:4 3c612f3e");
    assert_eq!(extension_object(&mut Reader::new(&[0, 7, 3], 1)).unwrap_err().reason, Reason::Code);
    assert_eq!(localized_text(&mut Reader::new(&[2, 9, 0, 0, 0], 1)).unwrap_err().reason, Reason::Length);
}

#[test]
fn data_values() {
    let read = |bytes: &[u8]| {
        let (mut text, mut r) = (String::new(), Reader::new(bytes, NESTING));
        let data = data_value(&mut r, &mut Out::new(&mut text, 60)).unwrap();
        assert_eq!(r.left(), 0);
        (text, data)
    };
    assert_eq!(read(&[0]), (String::new(), DataValue::default()));
    let ticks = 116_444_736_000_000_010_i64.to_le_bytes();
    let all = put(&[&[0x3F, 3, 7], &[0, 0, 0x95, 0x40], &ticks, &[1, 0], &ticks, &[2, 0]]);
    let want = DataValue { number: Some(7.0), status: 0x4095_0000, source_time: 1_000, present: true };
    assert_eq!(read(&all), ("7".to_owned(), want));
    for length in 0..all.len() {
        let mut text = String::new();
        data_value(&mut Reader::new(&all[..length], NESTING), &mut Out::new(&mut text, 60)).unwrap_err();
    }
}
