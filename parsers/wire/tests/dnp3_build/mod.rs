//! Builders of DNP3 frames and readers of rows for tests.
#![allow(dead_code)]

use wire::dissect::{Dir, Dissector};
use wire::dnp3::Dnp3;

use super::common::{Piece, Run};

pub const MASTER: u16 = 1;
pub const OUTSTATION: u16 = 1024;

pub fn make() -> Box<dyn Dissector> {
    Box::new(Dnp3::new())
}

/// The CRC bit by bit, so that the tests do not lean on the code under test.
pub fn crc(block: &[u8]) -> [u8; 2] {
    let sum = block.iter().fold(0_u16, |mut sum, &octet| {
        sum ^= u16::from(octet);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xA6BC } else { sum >> 1 };
        }
        sum
    });
    (!sum).to_le_bytes()
}

/// A link frame.
pub fn link(control: u8, src: u16, dst: u16, user: &[u8]) -> Vec<u8> {
    let mut out = vec![0x05, 0x64, user.len() as u8 + 5, control];
    out.extend(dst.to_le_bytes());
    out.extend(src.to_le_bytes());
    let sum = crc(&out);
    out.extend(sum);
    for block in user.chunks(16) {
        out.extend(block);
        out.extend(crc(block));
    }
    out
}

/// A fragment from the master in one frame; `fragment` from the application control octet on.
pub fn ask(fragment: &[u8]) -> Vec<u8> {
    link(0xC4, MASTER, OUTSTATION, &[&[0xC0], fragment].concat())
}

/// A fragment from the outstation in one frame.
pub fn tell(fragment: &[u8]) -> Vec<u8> {
    link(0x44, OUTSTATION, MASTER, &[&[0xC0], fragment].concat())
}

/// The objects of a response with clear internal indications.
pub fn response(objects: &[u8]) -> Vec<u8> {
    tell(&[&[0xC0, 129, 0, 0], objects].concat())
}

/// Fragment cut into frames of `size` octets of user data, transport sequence from `seq` on.
pub fn segments(control: u8, src: u16, dst: u16, fragment: &[u8], size: usize, seq: u8) -> Vec<Vec<u8>> {
    let chunks: Vec<&[u8]> = fragment.chunks(size).collect();
    let last = chunks.len() - 1;
    let octet = |i: usize| (u8::from(i == last) << 7) | (u8::from(i == 0) << 6) | (seq.wrapping_add(i as u8) & 0x3F);
    chunks.iter().enumerate().map(|(i, c)| link(control, src, dst, &[&[octet(i)], *c].concat())).collect()
}

pub fn run(script: &[Piece]) -> Run {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run
}

/// Rows of a table as `a|b|c`.
pub fn table(run: &mut Run, table: &str, columns: &[&str]) -> Vec<String> {
    let rows = if table == "behaviours" {
        run.behaviours.take()
    } else {
        run.tables().into_iter().find(|t| t.name == table).unwrap()
    };
    let column = |name: &&str| rows.columns.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name}"));
    let columns: Vec<_> = columns.iter().map(column).collect();
    (0..rows.len()).map(|row| columns.iter().map(|(_, c)| c.show(row)).collect::<Vec<_>>().join("|")).collect()
}

pub const POINTS: [&str; 8] = [
    "points.group",
    "points.variation",
    "points.index",
    "points.value",
    "points.flags",
    "points.time",
    "points.status",
    "points.text",
];

/// The points of a response with these objects, a line each: group, variation, index, value, flags, time,
/// status, text.
pub fn points_of(script: &[Piece]) -> Vec<String> {
    let mut run = run(script);
    let rows = run.tables().into_iter().find(|t| t.name == "dnp3").unwrap();
    let lists: Vec<Vec<String>> = POINTS
        .iter()
        .map(|name| {
            let column = &rows.columns.iter().find(|(n, _)| n == name).unwrap().1;
            let wire::columns::Column::List { items, .. } = column else { panic!("{name} is no list") };
            (0..items.len()).map(|i| items.show(i)).collect()
        })
        .collect();
    let n = lists[0].len();
    assert!(lists.iter().all(|l| l.len() == n), "columns of different lengths");
    (0..n).map(|i| lists.iter().map(|l| l[i].clone()).collect::<Vec<_>>().join(" ").trim_end().to_owned()).collect()
}

pub fn points(objects: &[u8]) -> Vec<String> {
    points_of(&[(Dir::ToClient, response(objects))])
}

/// Kinds and details of the anomalies.
pub fn anomalies(run: &mut Run) -> Vec<String> {
    table(run, "anomalies", &["kind", "detail"])
}

/// How many rows have points; the columns of points must be of one length in each row.
pub fn fragments_with_points(run: &mut Run) -> usize {
    let rows = run.tables().into_iter().find(|t| t.name == "dnp3").unwrap();
    let offsets: Vec<&Vec<i32>> = POINTS
        .iter()
        .map(|name| match &rows.columns.iter().find(|(n, _)| n == name).unwrap().1 {
            wire::columns::Column::List { offsets, .. } => offsets,
            _ => panic!("{name} is no list"),
        })
        .collect();
    assert!(offsets.iter().all(|o| *o == offsets[0]), "columns of different lengths");
    offsets[0].windows(2).filter(|w| w[0] != w[1]).count()
}
