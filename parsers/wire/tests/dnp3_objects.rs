//! DNP3 objects: every qualifier, and what the octets of each object of the library say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod dnp3_build;

use dnp3_build::*;
use wire::dissect::Dir;

// Points read: group variation index value flags time status text.

#[test]
fn packed_bits() {
    assert_eq!(
        points(&[1, 1, 0, 6, 15, 0b0100_0001, 0b0000_0010]),
        [
            "1 1 6 1 1 0 255",
            "1 1 7 0 1 0 255",
            "1 1 8 0 1 0 255",
            "1 1 9 0 1 0 255",
            "1 1 10 0 1 0 255",
            "1 1 11 0 1 0 255",
            "1 1 12 1 1 0 255",
            "1 1 13 0 1 0 255",
            "1 1 14 0 1 0 255",
            "1 1 15 1 1 0 255",
        ]
    );
    assert_eq!(
        points(&[3, 1, 0, 0, 4, 0b1110_0100, 0b10]),
        ["3 1 0 0 1 0 255", "3 1 1 1 1 0 255", "3 1 2 2 1 0 255", "3 1 3 3 1 0 255", "3 1 4 2 1 0 255"]
    );
    assert_eq!(points(&[10, 1, 0, 2, 3, 0b01]), ["10 1 2 1 1 0 255", "10 1 3 0 1 0 255"]);
    // internal indications have no quality
    assert_eq!(points(&[80, 1, 0, 7, 7, 1]), ["80 1 7 1 0 0 255"]);
}

#[test]
fn binaries() {
    assert_eq!(points(&[1, 2, 0, 0, 1, 0x81, 0x04]), ["1 2 0 1 129 0 255", "1 2 1 0 4 0 255"]);
    assert_eq!(points(&[2, 1, 0x17, 1, 9, 0x81]), ["2 1 9 1 129 0 255"]);
    assert_eq!(points(&[2, 2, 0x28, 1, 0, 9, 1, 0x01, 0x10, 0x27, 0, 0, 0, 0]), ["2 2 265 0 1 10000000000 255"]);
    assert_eq!(points(&[3, 2, 0, 5, 5, 0xC1]), ["3 2 5 3 193 0 255"]);
    assert_eq!(points(&[4, 1, 0x17, 1, 5, 0x41]), ["4 1 5 1 65 0 255"]);
    assert_eq!(points(&[4, 2, 0x17, 1, 5, 0x81, 1, 0, 0, 0, 0, 0]), ["4 2 5 2 129 1000000 255"]);
    assert_eq!(points(&[10, 2, 0, 1, 1, 0x81]), ["10 2 1 1 129 0 255"]);
    assert_eq!(points(&[11, 1, 0x17, 1, 5, 0x81]), ["11 1 5 1 129 0 255"]);
    assert_eq!(points(&[11, 2, 0x17, 1, 5, 0x01, 1, 0, 0, 0, 0, 0]), ["11 2 5 0 1 1000000 255"]);
    // a command event: the state stands above the status of seven bits
    assert_eq!(points(&[13, 1, 0x17, 1, 5, 0x84]), ["13 1 5 1 0 0 4"]);
    assert_eq!(points(&[13, 2, 0x17, 1, 5, 0x03, 1, 0, 0, 0, 0, 0]), ["13 2 5 0 0 1000000 3"]);
}

#[test]
fn relative_times_count_from_the_common_time_of_occurrence() {
    let base = [51, 1, 0x07, 1, 0x00, 0x10, 0, 0, 0, 0]; // 4096 ms
    let events = [2, 3, 0x17, 2, 1, 0x81, 10, 0, 2, 0x01, 0, 1];
    assert_eq!(
        points(&[&base[..], &events].concat()),
        ["51 1 0 NaN 0 4096000000 255", "2 3 1 1 129 4106000000 255", "2 3 2 0 1 4352000000 255"]
    );
    let later = [51, 2, 0x07, 1, 0x00, 0x20, 0, 0, 0, 0]; // 8192 ms, clock not synchronised
    let double = [4, 3, 0x17, 1, 7, 0x41, 1, 0];
    assert_eq!(
        points(&[&base[..], &events, &later, &double].concat())[3..],
        ["51 2 0 NaN 0 8192000000 255", "4 3 7 1 65 8193000000 255"]
    );
    // without a base the time is unknown, not 1970
    assert_eq!(points(&double), ["4 3 7 1 65 0 255"]);
}

#[test]
fn counters() {
    assert_eq!(points(&[20, 1, 0, 0, 0, 1, 4, 3, 2, 1]), ["20 1 0 16909060 1 0 255"]);
    assert_eq!(points(&[20, 2, 0, 0, 0, 1, 4, 3]), ["20 2 0 772 1 0 255"]);
    assert_eq!(
        points(&[20, 5, 0, 0, 1, 255, 255, 255, 255, 1, 0, 0, 0]),
        ["20 5 0 4294967295 1 0 255", "20 5 1 1 1 0 255"]
    );
    assert_eq!(points(&[20, 6, 0, 0, 0, 4, 3]), ["20 6 0 772 1 0 255"]);
    assert_eq!(points(&[21, 1, 0, 0, 0, 1, 4, 0, 0, 0]), ["21 1 0 4 1 0 255"]);
    assert_eq!(points(&[21, 5, 0, 0, 0, 1, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0]), ["21 5 0 4 1 2000000 255"]);
    assert_eq!(points(&[21, 6, 0, 0, 0, 1, 4, 0, 2, 0, 0, 0, 0, 0]), ["21 6 0 4 1 2000000 255"]);
    assert_eq!(points(&[21, 9, 0, 0, 0, 4, 0, 0, 0]), ["21 9 0 4 1 0 255"]);
    assert_eq!(points(&[21, 10, 0, 0, 0, 4, 0]), ["21 10 0 4 1 0 255"]);
    assert_eq!(points(&[22, 1, 0x17, 1, 3, 1, 4, 0, 0, 0]), ["22 1 3 4 1 0 255"]);
    assert_eq!(points(&[22, 2, 0x17, 1, 3, 1, 4, 0]), ["22 2 3 4 1 0 255"]);
    assert_eq!(points(&[22, 5, 0x17, 1, 3, 1, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0]), ["22 5 3 4 1 2000000 255"]);
    assert_eq!(points(&[22, 6, 0x17, 1, 3, 1, 4, 0, 2, 0, 0, 0, 0, 0]), ["22 6 3 4 1 2000000 255"]);
    assert_eq!(points(&[23, 5, 0x17, 1, 3, 1, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0]), ["23 5 3 4 1 2000000 255"]);
}

#[test]
fn analogs() {
    assert_eq!(points(&[30, 1, 0, 0, 0, 0x21, 254, 255, 255, 255]), ["30 1 0 -2 33 0 255"]);
    assert_eq!(points(&[30, 2, 1, 0, 1, 0, 1, 0x01, 0, 128]), ["30 2 256 -32768 1 0 255"]);
    assert_eq!(points(&[30, 3, 0, 0, 0, 254, 255, 255, 255]), ["30 3 0 -2 1 0 255"]);
    assert_eq!(points(&[30, 4, 0, 0, 1, 254, 255, 7, 0]), ["30 4 0 -2 1 0 255", "30 4 1 7 1 0 255"]);
    let single = 1.5_f32.to_le_bytes();
    let double = (-2.25_f64).to_le_bytes();
    let time = [2, 0, 0, 0, 0, 0];
    assert_eq!(points(&[&[30, 5, 0, 0, 0, 1][..], &single].concat()), ["30 5 0 1.5 1 0 255"]);
    assert_eq!(points(&[&[30, 6, 0, 0, 0, 1][..], &double].concat()), ["30 6 0 -2.25 1 0 255"]);
    assert_eq!(points(&[31, 3, 0, 0, 0, 1, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0]), ["31 3 0 9 1 2000000 255"]);
    assert_eq!(points(&[31, 6, 0, 0, 0, 9, 0]), ["31 6 0 9 1 0 255"]);
    assert_eq!(points(&[&[31, 8, 0, 0, 0, 1][..], &double].concat()), ["31 8 0 -2.25 1 0 255"]);
    assert_eq!(points(&[32, 1, 0x17, 1, 4, 1, 9, 0, 0, 0]), ["32 1 4 9 1 0 255"]);
    assert_eq!(points(&[32, 2, 0x17, 1, 4, 1, 9, 0]), ["32 2 4 9 1 0 255"]);
    assert_eq!(points(&[32, 3, 0x17, 1, 4, 1, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0]), ["32 3 4 9 1 2000000 255"]);
    assert_eq!(points(&[32, 4, 0x17, 1, 4, 1, 9, 0, 2, 0, 0, 0, 0, 0]), ["32 4 4 9 1 2000000 255"]);
    assert_eq!(points(&[&[32, 7, 0x17, 1, 4, 1][..], &single, &time].concat()), ["32 7 4 1.5 1 2000000 255"]);
    assert_eq!(points(&[&[32, 8, 0x17, 1, 4, 1][..], &double, &time].concat()), ["32 8 4 -2.25 1 2000000 255"]);
    assert_eq!(points(&[33, 2, 0x17, 1, 4, 1, 9, 0]), ["33 2 4 9 1 0 255"]);
    assert_eq!(points(&[34, 1, 0, 0, 0, 9, 0]), ["34 1 0 9 0 0 255"]);
    assert_eq!(points(&[&[34, 3, 0, 0, 0][..], &single].concat()), ["34 3 0 1.5 0 0 255"]);
    assert_eq!(points(&[40, 1, 0, 0, 0, 1, 9, 0, 0, 0]), ["40 1 0 9 1 0 255"]);
    assert_eq!(points(&[40, 2, 0, 0, 0, 1, 255, 255]), ["40 2 0 -1 1 0 255"]);
    assert_eq!(points(&[&[40, 4, 0, 0, 0, 1][..], &double].concat()), ["40 4 0 -2.25 1 0 255"]);
    assert_eq!(points(&[42, 4, 0x17, 1, 4, 1, 9, 0, 2, 0, 0, 0, 0, 0]), ["42 4 4 9 1 2000000 255"]);
    assert_eq!(points(&[43, 1, 0x17, 1, 4, 2, 9, 0, 0, 0]), ["43 1 4 9 0 0 2"]);
    assert_eq!(points(&[&[43, 7, 0x17, 1, 4, 2][..], &single, &time].concat()), ["43 7 4 1.5 0 2000000 2"]);
}

#[test]
fn commands() {
    let crob = [0x41, 2, 100, 0, 0, 0, 0xC8, 0, 0, 0, 4];
    assert_eq!(
        points(&[&[12, 1, 0x28, 1, 0, 3, 0][..], &crob].concat()),
        ["12 1 3 65 0 0 4 pulse_on close count=2 on=100 off=200"]
    );
    let trip = [0xB4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80];
    assert_eq!(
        points(&[&[12, 1, 0x17, 2, 0][..], &trip, &[1], &crob].concat()),
        [
            "12 1 0 180 0 0 0 latch_off trip clear queue count=1 on=0 off=0",
            "12 1 1 65 0 0 4 pulse_on close count=2 on=100 off=200",
        ]
    );
    // a pattern: the block, then which points
    assert_eq!(
        points(&[&[12, 2, 0x07, 1][..], &crob, &[12, 3, 0, 5, 6, 0b10]].concat()),
        ["12 2 0 65 0 0 4 pulse_on close count=2 on=100 off=200", "12 3 5 0 0 0 255", "12 3 6 1 0 0 255"]
    );
    assert_eq!(points(&[41, 1, 0x28, 1, 0, 3, 0, 9, 0, 0, 0, 2]), ["41 1 3 9 0 0 2"]);
    assert_eq!(points(&[41, 2, 0x17, 1, 3, 255, 255, 0]), ["41 2 3 -1 0 0 0"]);
    assert_eq!(points(&[&[41, 3, 0x17, 1, 3][..], &1.5_f32.to_le_bytes(), &[1]].concat()), ["41 3 3 1.5 0 0 1"]);
    assert_eq!(points(&[&[41, 4, 0x17, 1, 3][..], &1.5_f64.to_le_bytes(), &[0]].concat()), ["41 4 3 1.5 0 0 0"]);
}

#[test]
fn times() {
    assert_eq!(points(&[50, 1, 0x07, 1, 2, 0, 0, 0, 0, 0]), ["50 1 0 NaN 0 2000000 255"]);
    assert_eq!(points(&[50, 2, 0x07, 1, 2, 0, 0, 0, 0, 0, 60, 0, 0, 0]), ["50 2 0 60 0 2000000 255"]);
    assert_eq!(points(&[50, 3, 0x07, 1, 2, 0, 0, 0, 0, 0]), ["50 3 0 NaN 0 2000000 255"]);
    // the one that a well-known dissector takes for malformed
    assert_eq!(points(&[50, 4, 0x28, 1, 0, 3, 0, 2, 0, 0, 0, 0, 0, 60, 0, 0, 0, 5]), ["50 4 3 60 0 2000000 255"]);
    assert_eq!(points(&[52, 1, 0x07, 1, 0x10, 0x27]), ["52 1 0 10000 0 0 255"]);
    assert_eq!(points(&[52, 2, 0x07, 1, 5, 0]), ["52 2 0 5 0 0 255"]);
}

#[test]
fn texts_and_rare_objects() {
    assert_eq!(points(&[110, 5, 0, 2, 2, b'h', b'e', b'l', b'l', b'o']), ["110 5 2 NaN 0 0 255 hello"]);
    assert_eq!(
        points(&[111, 3, 0x17, 2, 7, b'a', 0xFF, 0, 8, b'x', b'y', b'z']),
        ["111 3 7 NaN 0 0 255 a\u{FFFD}", "111 3 8 NaN 0 0 255 xyz"]
    );
    // what is typed into a virtual terminal may be a password: only how much
    assert_eq!(points(&[113, 4, 0x17, 1, 1, b'p', b'a', b's', b's']), ["113 4 1 4 0 0 255"]);
    assert_eq!(points(&[114, 1, 0x5B, 1, 3, 0, b'a', b'b', b'c']), ["114 1 0 NaN 0 0 255 abc"]);
    assert_eq!(points(&[101, 1, 0, 0, 0, 0x34, 0x12]), ["101 1 0 1234 1 0 255"]);
    assert_eq!(points(&[102, 1, 0, 0, 0, 200]), ["102 1 0 200 1 0 255"]);
    assert_eq!(points(&[81, 1, 0x07, 1, 90, 32, 1]), ["81 1 0 90 0 0 255"]);
    assert_eq!(points(&[121, 1, 0, 0, 0, 1, 9, 0, 7, 0, 0, 0]), ["121 1 0 7 1 0 255"]);
    assert_eq!(points(&[122, 2, 0x17, 1, 4, 1, 9, 0, 7, 0, 0, 0, 2, 0, 0, 0, 0, 0]), ["122 2 4 7 1 2000000 255"]);
    // data sets stand behind their size
    assert_eq!(points(&[87, 1, 0x5B, 1, 4, 0, 1, 2, 3, 4, 30, 4, 0, 0, 0, 9, 0])[1], "30 4 0 9 1 0 255");
    // authentication: who asks, never what
    assert_eq!(points(&[120, 1, 0x5B, 1, 12, 0, 5, 0, 0, 0, 2, 0, 4, 1, 9, 9, 9, 9]), ["120 1 2 5 0 0 255 user=2"]);
    assert_eq!(
        points(&[120, 7, 0x5B, 1, 15, 0, 5, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0]),
        ["120 7 2 5 0 0 3 user=2"]
    );
}

#[test]
fn files() {
    let name = b"/logs/a b.txt";
    let command =
        [&[26, 0, name.len() as u8, 0, 2, 0, 0, 0, 0, 0, 0xB6, 1, 1, 2, 3, 4, 0, 1, 0, 0, 1, 0, 0, 4, 7, 0][..], name]
            .concat();
    let object = [&[70, 3, 0x5B, 1, command.len() as u8, 0][..], &command].concat();
    let script = [(Dir::ToServer, ask(&[&[0xC1, 25][..], &object].concat()))];
    assert_eq!(
        points_of(&script),
        ["70 3 7 256 0 2000000 255 mode=read permissions=438 block=1024 name=/logs/a b.txt"]
    );
    let mut run = run(&script);
    run.end(1);
    assert_eq!(
        table(&mut run, "behaviours", &["operation", "access", "object"]),
        ["open_file|write|70:3 /logs/a b.txt"]
    );
    assert_eq!(
        points(&[70, 4, 0x5B, 1, 13, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 4, 7, 0, 3]),
        ["70 4 1 256 0 0 3 request=7 block=1024"]
    );
    assert_eq!(
        points(&[70, 5, 0x5B, 1, 11, 0, 1, 0, 0, 0, 2, 0, 0, 0x80, b'a', b'b', b'c']),
        ["70 5 1 2 0 0 255 octets=3 last"]
    );
    assert_eq!(points(&[70, 6, 0x5B, 1, 9, 0, 1, 0, 0, 0, 2, 0, 0, 0x80, 16]), ["70 6 1 2 0 0 16"]);
    let descriptor = [20, 0, 1, 0, 1, 0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0xFF, 1, 7, 0, b'x'];
    assert_eq!(points(&[&[70, 7, 0x5B, 1, 21, 0][..], &descriptor].concat()), ["70 7 7 9 0 2000000 255 file name=x"]);
    // user and password
    let secret = [&[70, 2, 0x5B, 1, 18, 0, 12, 0, 3, 0, 15, 0, 3, 0, 0, 0, 0, 0][..], b"bobxyz"].concat();
    assert_eq!(points(&secret), ["70 2 0 NaN 0 0 255 credentials"]);
    assert_eq!(points(&[70, 4, 0x5B, 1, 3, 0, 1, 0, 0]), ["70 4 0 NaN 0 0 255 cut"]);
    // a block is read by a request that carries an object
    let read = ask(&[0xC2, 1, 70, 5, 0x5B, 1, 8, 0, 1, 0, 0, 0, 3, 0, 0, 0]);
    assert_eq!(points_of(&[(Dir::ToServer, read)]), ["70 5 1 3 0 0 255 octets=0"]);
}

#[test]
fn device_attributes() {
    let objects = [
        &[0, 252, 0, 0, 0, 1, 4][..],
        b"ACME",
        &[0, 250, 0, 0, 0, 1, 2],
        b"R2",
        &[0, 242, 0, 0, 0, 1, 3],
        b"1.2",
        &[0, 248, 0, 0, 0, 1, 2],
        b"77",
        &[0, 247, 0, 0, 0, 1, 4],
        b"bay1",
        &[0, 240, 0, 0, 0, 2, 2, 0, 8],
        &[0, 216, 0, 0, 0, 3, 1, 254],
        &[0, 255, 0, 0, 0, 254, 4, 242, 0, 250, 1],
    ]
    .concat();
    assert_eq!(
        points(&objects),
        [
            "0 252 0 NaN 0 0 255 ACME",
            "0 250 0 NaN 0 0 255 R2",
            "0 242 0 NaN 0 0 255 1.2",
            "0 248 0 NaN 0 0 255 77",
            "0 247 0 NaN 0 0 255 bay1",
            "0 240 0 2048 0 0 255",
            "0 216 0 -2 0 0 255",
            "0 255 0 NaN 0 0 255 f200fa01",
        ]
    );
    // told once, not with each reading
    let mut run = run(&[(Dir::ToClient, response(&objects)), (Dir::ToClient, response(&objects))]);
    assert_eq!(
        table(&mut run, "sightings", &["ip", "source", "field", "value"]),
        [
            "::2|dnp3|vendor|ACME",
            "::2|dnp3|model|R2",
            "::2|dnp3|firmware|1.2",
            "::2|dnp3|serial|77",
            "::2|dnp3|hostname|bay1",
        ]
    );
}

// ---------------------------------------------------------------- qualifiers

/// The same two analogs behind every qualifier that can carry them.
#[test]
fn data_behind_every_qualifier() {
    let spans: &[(&[u8], [u32; 2])] = &[
        (&[0x00, 5, 6], [5, 6]),
        (&[0x01, 5, 1, 6, 1], [261, 262]),
        (&[0x02, 5, 0, 1, 0, 6, 0, 1, 0], [65_541, 65_542]),
        (&[0x03, 5, 6], [5, 6]),
        (&[0x04, 5, 1, 6, 1], [261, 262]),
        (&[0x05, 5, 0, 1, 0, 6, 0, 1, 0], [65_541, 65_542]),
        (&[0x07, 2], [0, 1]),
        (&[0x08, 2, 0], [0, 1]),
        (&[0x09, 2, 0, 0, 0], [0, 1]),
    ];
    for (qualifier, [first, second]) in spans {
        let objects = [&[30, 4], *qualifier, &[7, 0, 9, 0]].concat();
        let want = [format!("30 4 {first} 7 1 0 255"), format!("30 4 {second} 9 1 0 255")];
        assert_eq!(points(&objects), want, "{qualifier:?}");
    }
    // an index before each object
    for (range, count) in [(7_u8, &[2][..]), (8, &[2, 0]), (9, &[2, 0, 0, 0])] {
        for (code, width) in [(1_u8, 1), (2, 2), (3, 4)] {
            let index = |i: u8| [i, 0, 0, 0][..width].to_vec();
            let objects = [&[30, 4, code << 4 | range], count, &index(200), &[7, 0], &index(3), &[9, 0]].concat();
            assert_eq!(points(&objects), ["30 4 200 7 1 0 255", "30 4 3 9 1 0 255"], "{code}{range}");
        }
    }
    // a size before each object
    for (range, count) in [(7_u8, &[2][..]), (8, &[2, 0]), (9, &[2, 0, 0, 0]), (0xB, &[2])] {
        for (code, width) in [(4_u8, 1), (5, 2), (6, 4)] {
            let size = [2, 0, 0, 0][..width].to_vec();
            let objects = [&[30, 4, code << 4 | range], count, &size, &[7, 0], &size, &[9, 0]].concat();
            assert_eq!(points(&objects), ["30 4 0 7 1 0 255", "30 4 1 9 1 0 255"], "{code}{range}");
        }
    }
    // no range: all, hence no object
    assert_eq!(points(&[30, 4, 0x06, 30, 4, 0, 0, 0, 7, 0]), ["30 4 0 7 1 0 255"]);
}

#[test]
fn requests_name_points_and_carry_none() {
    let keys = |fragment: &[u8]| {
        let mut run = run(&[(Dir::ToServer, ask(fragment))]);
        run.end(1);
        assert!(run.rows.anomalies.is_empty());
        table(&mut run, "behaviours", &["operation", "access", "object"]).remove(0)
    };
    assert_eq!(keys(&[0xC0, 1, 30, 1, 0, 0, 15, 1, 0, 6]), "read|read|30:1[0-15] 1:0");
    assert_eq!(keys(&[0xC0, 1, 2, 0, 0x07, 10, 60, 2, 0x08, 1, 1]), "read|read|2:0#10 60:2#257");
    assert_eq!(keys(&[0xC0, 1, 30, 1, 0x17, 4, 9, 3, 4, 5, 1, 0, 0x28, 1, 0, 7, 1]), "read|read|30:1[9,3-5] 1:0[263]");
    assert_eq!(keys(&[0xC0, 20, 60, 2, 6, 60, 3, 6]), "enable_unsolicited|control|60:2 60:3");
    assert_eq!(keys(&[0xC0, 22, 60, 2, 6, 30, 0, 0, 0, 5]), "assign_class|write|60:2 30:0[0-5]");
    assert_eq!(keys(&[0xC0, 7, 20, 0, 6]), "immediate_freeze|write|20:0");
    assert_eq!(
        keys(&[0xC0, 11, 50, 2, 7, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 3]),
        "freeze_at_time|write|50:2 20:0[0-3]"
    );
    assert_eq!(keys(&[0xC0, 2, 80, 1, 0, 7, 7, 0]), "write|write|80:1[7]");
    assert_eq!(keys(&[0xC0, 2, 50, 1, 7, 1, 1, 0, 0, 0, 0, 0]), "write|write|50:1");
    assert_eq!(keys(&[0xC0, 13]), "cold_restart|control|");
    assert_eq!(
        keys(
            &[
                &[0xC0, 5, 12, 1, 0x17, 2, 3][..],
                &[0x41, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4],
                &[0x41, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            ]
            .concat()
        ),
        "direct_operate|control|12:1[3-4]"
    );
    assert_eq!(keys(&[0xC0, 5, 41, 2, 0x28, 1, 0, 9, 0, 1, 0, 0]), "direct_operate|control|41:2[9]");
    assert_eq!(keys(&[0xC0, 0]), "confirm|session|");
}

#[test]
fn what_is_wrong_is_said_and_the_row_is_written() {
    let wrong = |objects: &[u8]| {
        let mut run = run(&[(Dir::ToClient, response(objects)), (Dir::ToClient, response(&[30, 4, 0, 0, 0, 7, 0]))]);
        assert_eq!(run.rows.dnp3.len(), 2, "{objects:?}");
        anomalies(&mut run).join("; ")
    };
    assert_eq!(wrong(&[30]), "malformed|one octet is no object header (offset 4)");
    assert_eq!(wrong(&[30, 4]), "malformed|object header 30:4 is cut (offset 4)");
    assert_eq!(wrong(&[30, 4, 0, 0]), "malformed|object header 30:4 is cut (offset 4)");
    assert_eq!(wrong(&[30, 4, 0x0A, 0]), "unknown_code|object header 30:4 with reserved qualifier 0x0a (offset 4)");
    assert_eq!(wrong(&[30, 4, 0x80, 0, 0]), "unknown_code|object header 30:4 with reserved qualifier 0x80 (offset 4)");
    assert_eq!(
        wrong(&[30, 4, 0, 3, 2]),
        "malformed|object header 30:4 ends at index 2 before it starts at 3 (offset 4)"
    );
    assert_eq!(wrong(&[30, 4, 0, 0, 3, 7, 0, 9]), "malformed|3 objects 30:4 of 4 are missing (offset 4)");
    assert_eq!(wrong(&[1, 1, 0, 0, 8, 7]), "malformed|1 objects 1:1 of 9 are missing (offset 4)");
    assert_eq!(wrong(&[99, 4, 0, 0, 0, 7]), "unknown_code|object 99:4 is not in the library (offset 4)");
    assert_eq!(wrong(&[99, 4, 0x5B, 1, 1, 0, 7]), "unknown_code|object 99:4 is not in the library");
    assert_eq!(wrong(&[70, 3, 0, 0, 0, 7]), "malformed|object 70:3 cannot stand behind this qualifier (offset 4)");
    assert_eq!(wrong(&[1, 1, 0x17, 1, 7, 1]), "malformed|object 1:1 cannot stand behind this qualifier (offset 4)");
    assert_eq!(wrong(&[0, 252, 0, 0, 0, 1, 9, b'A']), "malformed|device attribute 0:252 is cut (offset 4)");
    assert_eq!(wrong(&[70, 3, 0x5B, 2, 9, 0]), "malformed|object 70:3 is cut (offset 4)");
    assert_eq!(
        wrong(&[20, 2, 0x5B, 1, 5, 0, 1, 7, 0, 9, 9]),
        "trailing_bytes|object 20:2 has 3 octets, its size prefix says 5"
    );
    assert_eq!(wrong(&[20, 2, 0x5B, 1, 2, 0, 1, 7]), "malformed|object 20:2 has 3 octets, its size prefix says 2");
    // what came before the fault stays
    assert_eq!(points(&[30, 4, 0, 0, 3, 7, 0, 9]), ["30 4 0 7 1 0 255"]);
    assert_eq!(points(&[30, 4, 0, 0, 0, 7, 0, 99, 1, 0, 0, 0]), ["30 4 0 7 1 0 255"]);
}

#[test]
fn octets_behind_a_size_prefix_are_kept() {
    // a larger size: the object is read, and the one behind it; a smaller one, or an unknown object: the octets
    assert_eq!(points(&[20, 2, 0x4B, 2, 5, 1, 7, 0, 9, 9, 3, 1, 8, 0]), ["20 2 0 7 1 0 255", "20 2 1 8 1 0 255"]);
    assert_eq!(points(&[20, 2, 0x4B, 1, 2, 1, 7]), ["20 2 0 NaN 0 0 255 0107"]);
    assert_eq!(points(&[99, 4, 0x5B, 1, 3, 0, 0xDE, 0xAD, 7]), ["99 4 0 NaN 0 0 255 dead07"]);
    assert_eq!(points(&[85, 1, 0x5B, 1, 2, 0, 0xC0, 1]), ["85 1 0 NaN 0 0 255 c001"]);
    assert_eq!(points(&[91, 1, 0x5B, 1, 5, 0, 12, 1, 0x28, 0, 4]), ["91 1 0 NaN 0 0 4 object=12:1 qualifier=40"]);
    assert_eq!(points(&[86, 2, 0, 0, 0, 3]), ["86 2 0 3 0 0 255"]);
    assert_eq!(points(&[120, 9, 0x5B, 1, 3, 0, 1, 2, 3]), ["120 9 0 NaN 0 0 255"], "no code or key is kept");
}

#[test]
fn objects_of_no_size_are_no_loop() {
    // 2^32 objects without an octet each, and as many that are not there
    for header in [
        &[110, 0, 0x02, 0, 0, 0, 0, 255, 255, 255, 255][..],
        &[60, 2, 0x09, 255, 255, 255, 255],
        &[30, 1, 0x02, 0, 0, 0, 0, 255, 255, 255, 255],
        &[1, 1, 0x02, 0, 0, 0, 0, 255, 255, 255, 255],
        &[110, 1, 0x69, 255, 255, 255, 255],
        &[0, 252, 0x09, 255, 255, 255, 255],
        &[12, 1, 0x39, 255, 255, 255, 255],
    ] {
        assert!(points(header).is_empty(), "{header:?}");
    }
    let mut repeated = Vec::new();
    for _ in 0..14 {
        repeated.extend([110, 0, 0x02, 0, 0, 0, 0, 255, 255, 255, 255]);
    }
    assert!(points(&repeated).is_empty());
}
