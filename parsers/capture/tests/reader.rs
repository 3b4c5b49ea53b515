//! One capture in every format, whole, cut, damaged and not a capture at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::Write;

use capture::{Error, PACKET_BYTES, Reader, identity};
use common::{Dice, Dir, Order, Seen, pcap, read};

const LITTLE: Order = Order(false);
const BIG: Order = Order(true);

/// Two packets, the second cut by the snap length.
fn two(unit: u32) -> Vec<(u32, u32, u32, &'static [u8])> {
    vec![(1_700_000_000, 123_456 * unit, 5, b"hello"), (1_700_000_001, 0, 99, b"world!!")]
}

fn expected(link: u16) -> Vec<Seen> {
    vec![
        (1_700_000_000_123_456_000, 0, 1, link, 5, b"hello".to_vec()),
        (1_700_000_001_000_000_000, 0, 2, link, 99, b"world!!".to_vec()),
    ]
}

/// A pcapng file with the same two packets.
fn pcapng(order: Order) -> Vec<u8> {
    [
        order.section(),
        order.interface(113, 0, &[]),
        order.packet(0, 1_700_000_000_123_456, 5, b"hello"),
        order.packet(0, 1_700_000_001_000_000, 99, b"world!!"),
    ]
    .concat()
}

#[test]
fn every_pcap_variant_gives_the_same_packets() {
    let dir = Dir::new();
    for (magic, unit, name) in
        [(0xa1b2_c3d4, 1, "pcap"), (0xa1b2_3c4d, 1_000, "pcap ns"), (0xa1b2_cd34, 1, "pcap modified")]
    {
        for order in [LITTLE, BIG] {
            let path = dir.write("a.pcap", &pcap(magic, order, 113, &two(unit)));
            let (packets, facts, warning) = read(&path);
            assert_eq!(packets, expected(113), "{name}");
            assert_eq!((facts.format, facts.packets, facts.truncated_packets), (name, 2, 1));
            assert_eq!((facts.first_ts, facts.last_ts), (packets[0].0, packets[1].0));
            assert_eq!(facts.bytes, std::fs::metadata(&path).unwrap().len());
            assert_eq!(warning, None);
        }
    }
}

#[test]
fn the_upper_half_of_the_link_type_is_the_check_sequence() {
    let dir = Dir::new();
    let path = dir.write("fcs.pcap", &pcap(0xa1b2_c3d4, LITTLE, 0x4400_0001, &two(1)));
    assert_eq!(read(&path).0, expected(1));
}

#[test]
fn before_version_2_3_the_lengths_stood_the_other_way_round() {
    let dir = Dir::new();
    let mut file = pcap(0xa1b2_c3d4, LITTLE, 1, &[(1, 0, 5, b"hello")]);
    for minor in [2, 3] {
        file[6] = minor;
        file[24 + 8..24 + 16].copy_from_slice(&LITTLE.words(&[60, 5]));
        let (packets, ..) = read(&dir.write("old.pcap", &file));
        assert_eq!((packets[0].4, &packets[0].5[..]), (60, &b"hello"[..]), "version 2.{minor}");
    }
}

#[test]
fn pcapng_in_either_byte_order() {
    let dir = Dir::new();
    for order in [LITTLE, BIG] {
        let (packets, facts, warning) = read(&dir.write("a.pcapng", &pcapng(order)));
        assert_eq!(packets, expected(113));
        assert_eq!((facts.format, facts.truncated_packets, facts.skipped_blocks, warning), ("pcapng", 1, 0, None));
    }
}

#[test]
fn pcapng_resolutions_and_offsets() {
    let dir = Dir::new();
    let second = 1_700_000_000_u64;
    let cases: [(&[u8], u64, i64); 7] = [
        (&[6], second * 1_000_000 + 5, 1_700_000_000_000_005_000),
        (&[9], second * 1_000_000_000 + 7, 1_700_000_000_000_000_007),
        (&[3], second * 1_000 + 9, 1_700_000_000_009_000_000),
        (&[0], second, 1_700_000_000_000_000_000),
        (&[10], second * 10_000_000_000 + 19, 1_700_000_000_000_000_001),
        (&[0x80 | 20], (second << 20) + (1 << 19), 1_700_000_000_500_000_000),
        // Beyond the 64 bits of nanoseconds, the year 2262, time stands still.
        (&[0], u64::MAX, i64::MAX),
    ];
    for (resolution, ticks, ts) in cases {
        let options = LITTLE.option(9, resolution);
        let file = [LITTLE.section(), LITTLE.interface(1, 0, &options), LITTLE.packet(0, ticks, 1, b"x")].concat();
        assert_eq!(read(&dir.write("r.pcapng", &file)).0[0].0, ts, "if_tsresol {resolution:?}");
    }
    for (seconds, ts) in
        [(3600_i64, 3_601_000_000_000), (-1, 0), (i64::MAX, i64::MAX), (i64::MIN, i64::MIN + 1_000_000_000)]
    {
        let options = BIG.option(14, &seconds.to_be_bytes());
        let file = [BIG.section(), BIG.interface(1, 0, &options), BIG.packet(0, 1_000_000, 1, b"x")].concat();
        assert_eq!(read(&dir.write("o.pcapng", &file)).0[0].0, ts, "if_tsoffset {seconds}");
    }
    // Shifts and powers beyond 64 bits leave nothing.
    for resolution in [0xff, 0x7f, 0x80 | 64, 28, 29] {
        let options = LITTLE.option(9, &[resolution]);
        let file = [LITTLE.section(), LITTLE.interface(1, 0, &options), LITTLE.packet(0, 77, 1, b"x")].concat();
        assert_eq!(read(&dir.write("r.pcapng", &file)).0[0].0, 0, "if_tsresol {resolution:#x}");
    }
}

#[test]
fn pcapng_sections_interfaces_and_old_blocks() {
    let dir = Dir::new();
    let obsolete = [&LITTLE.u16(1)[..], &LITTLE.u16(7), &LITTLE.words(&[0, 2_000_000, 3, 3]), b"old"].concat();
    let simple = [&LITTLE.u32(9)[..], b"simp"].concat();
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, 4, &[]),
        LITTLE.interface(101, 0, &LITTLE.option(9, &[9])),
        LITTLE.packet(1, 1_000_000_000, 2, b"ns"),
        LITTLE.block(4, b"names of hosts"),
        LITTLE.block(0x0bad, b"\0\0\x12\x34custom"),
        LITTLE.block(0x7777_0001, b"nobody knows"),
        LITTLE.block(2, &[&LITTLE.u16(0)[..], &obsolete[2..]].concat()),
        LITTLE.block(3, &simple),
        BIG.section(),
        BIG.interface(276, 0, &[]),
        BIG.packet(0, 3_000_000, 3, b"big"),
        BIG.packet(1, 3_000_000, 3, b"of an interface of the section before"),
    ]
    .concat();
    let (packets, facts, warning) = read(&dir.write("s.pcapng", &file));
    let shown: Vec<_> = packets.iter().map(|p| (p.0, p.2, p.3, p.4, &p.5[..])).collect();
    assert_eq!(
        shown,
        [
            (1_000_000_000, 1, 101, 2, &b"ns"[..]),
            // Wireshark numbers the custom block as frame 2.
            (2_000_000_000, 3, 1, 3, b"old"),
            (2_000_000_000, 4, 1, 9, b"simp"),
            (3_000_000_000, 5, 276, 3, b"big"),
        ]
    );
    assert_eq!(facts.skipped_blocks, 3);
    assert!(warning.unwrap().contains("an interface that is not described"));
}

#[test]
fn losses_of_the_capturing_machine_are_counted_once() {
    let dir = Dir::new();
    let lost = |n: u64| LITTLE.block(5, &[LITTLE.words(&[0, 0, 0]), LITTLE.option(5, &LITTLE.u64(n))].concat());
    let file = [LITTLE.section(), LITTLE.interface(1, 0, &[]), lost(3), lost(10)].concat();
    assert_eq!(read(&dir.write("d.pcapng", &file)).1.dropped, 10);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn compressed_by_content_not_by_name_also_in_members() {
    let dir = Dir::new();
    let plain = pcap(0xa1b2_c3d4, LITTLE, 113, &two(1));
    let zst = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let (first, second) = plain.split_at(31);
    for (file, compression) in [
        (gzip(&plain), "gzip"),
        ([gzip(first), gzip(second)].concat(), "gzip"),
        (zst(&plain), "zstd"),
        ([zst(first), zst(second)].concat(), "zstd"),
        ([&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zst(&plain)].concat(), "zstd"),
    ] {
        let (packets, facts, warning) = read(&dir.write("capture.bin", &file));
        assert_eq!(packets, expected(113), "{compression}");
        assert_eq!((facts.compression, facts.bytes, warning), (compression, plain.len() as u64, None));
    }
}

#[test]
fn a_cut_compressed_file_gives_what_it_had() {
    let dir = Dir::new();
    let records: Vec<_> = (0..5_000).map(|n| (n, 0, 64, &[0x5a; 64][..])).collect();
    let mut plain = pcap(0xa1b2_c3d4, LITTLE, 1, &records);
    let mut dice = Dice(9);
    plain[24..].chunks_mut(80).for_each(|r| r[16..].iter_mut().for_each(|b| *b = dice.next() as u8));
    for whole in [gzip(&plain), zstd::encode_all(&plain[..], 1).unwrap()] {
        let (packets, facts, warning) = read(&dir.write("cut", &whole[..whole.len() / 2]));
        assert!(packets.len() > 500 && packets.len() < 5_000, "{} packets", packets.len());
        let warning = warning.unwrap();
        assert!(warning.contains("breaks off at byte") && warning.contains(facts.compression), "{warning}");
    }
}

#[test]
fn cut_at_each_offset_gives_the_packets_before_and_one_warning() {
    let dir = Dir::new();
    let classic = pcap(0xa1b2_c3d4, LITTLE, 113, &two(1));
    let next = pcapng(LITTLE);
    // Ends of the headers, then of each packet.
    let edges: [(&[u8], usize, Vec<usize>); 2] =
        [(&classic, 24, vec![24, 24 + 21, 24 + 21 + 23]), (&next, 28, vec![28, 48, 48 + 40, 48 + 40 + 40])];
    for (file, head, ends) in edges {
        assert_eq!(file.len(), *ends.last().unwrap());
        for length in 1..=file.len() {
            let path = dir.write("cut", &file[..length]);
            if length < head {
                let text = Reader::open(&path, 0).err().unwrap().to_string();
                assert!(length < 4 || text.contains(&format!("after {length} bytes")), "{text}");
                continue;
            }
            let (packets, _, warning) = read(&path);
            let skip = ends.len() - 3;
            assert_eq!(packets.len(), ends.iter().skip(1 + skip).filter(|end| **end <= length).count(), "{length}");
            assert_eq!(warning.is_none(), ends.contains(&length), "{length}: {warning:?}");
        }
    }
}

#[test]
fn errors_are_one_sentence_with_file_and_mend() {
    let dir = Dir::new();
    let fail = |path: &std::path::Path| Reader::open(path, 0).err().unwrap();
    let empty = dir.write("empty.pcap", b"");
    let text = dir.write("notes.pcap", b"These are notes, not packets.");
    let zip = dir.write("zip.pcap", b"PK\x03\x04zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
    let broken = dir.write("b.pcap.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\xffgarbage");
    assert!(matches!(fail(&empty), Error::Empty { .. }));
    assert!(matches!(fail(dir.path()), Error::Directory { .. }));
    assert!(matches!(fail(&dir.path().join("none")), Error::Unreadable { .. }));
    assert!(matches!(fail(&text), Error::NoCapture { .. }));
    for (path, mend) in [
        (empty.as_path(), "capture or copy it again"),
        (dir.path(), "name the captures in it"),
        (&dir.path().join("none"), "check the path"),
        (&text, "editcap"),
        (&zip, "unpack it"),
        (&broken, "damaged"),
    ] {
        let shown = fail(path).to_string();
        assert!(shown.starts_with(&path.display().to_string()) && shown.contains(mend), "{shown}");
        assert!(!shown.contains('\n') && !shown.contains("os error"), "{shown}");
    }
}

#[test]
fn absurd_lengths_end_a_pcap_and_are_stepped_over_in_pcapng() {
    let dir = Dir::new();
    let mut file = pcap(0xa1b2_c3d4, LITTLE, 113, &two(1));
    file[24 + 21 + 8..24 + 21 + 12].copy_from_slice(&LITTLE.u32(PACKET_BYTES as u32 + 1));
    let (packets, _, warning) = read(&dir.write("a.pcap", &file));
    assert_eq!(packets, expected(113)[..1]);
    assert!(warning.unwrap().contains("damage"));

    let mut file = pcapng(LITTLE);
    let long = LITTLE.packet(0, 1, 3_000_000, &vec![7; 3_000_000]);
    let lying = LITTLE.block(6, &LITTLE.words(&[0, 0, 0, 400, 400]));
    file.splice(48..48, [long, lying, LITTLE.block(1, b"odd")].concat());
    let (packets, facts, warning) = read(&dir.write("a.pcapng", &file));
    assert_eq!(packets, expected(113));
    assert_eq!(facts.skipped_blocks, 3);
    assert!(warning.unwrap().contains("was skipped"));

    // A block that claims more than the file has.
    let mut file = pcapng(LITTLE);
    file[52..56].copy_from_slice(&LITTLE.u32(4_000_000_000));
    let (packets, _, warning) = read(&dir.write("a.pcapng", &file));
    assert!(packets.is_empty() && warning.unwrap().contains("is cut"));
}

#[test]
fn a_packet_of_the_largest_length_is_read() {
    let dir = Dir::new();
    let data = vec![0xab; PACKET_BYTES];
    let large = (1, 0, PACKET_BYTES as u32, &data[..]);
    let (packets, ..) = read(&dir.write("l.pcap", &pcap(0xa1b2_c3d4, LITTLE, 1, &[large, large, large])));
    assert_eq!(packets.iter().map(|p| p.5 == data).collect::<Vec<_>>(), [true; 3]);
}

#[test]
fn identity_is_of_the_file_as_it_is() {
    let dir = Dir::new();
    let bytes = pcap(0xa1b2_c3d4, LITTLE, 1, &two(1));
    let path = dir.write("i.pcap", &bytes);
    let id = identity(&path).unwrap();
    assert_eq!(id, format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes)));
    assert_eq!(read(&path).1.id, id);
    assert_ne!(identity(&dir.write("i.pcap.gz", &gzip(&bytes))).unwrap(), id);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_and_named_by_its_start() {
    let dir = Dir::new();
    let bytes = pcap(0xa1b2_c3d4, LITTLE, 113, &two(1));
    let path = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (to, content) = (path.clone(), bytes.clone());
    let writer = std::thread::spawn(move || std::fs::write(to, content).unwrap());
    let (packets, facts, warning) = read(&path);
    writer.join().unwrap();
    assert_eq!((packets, warning), (expected(113), None));
    assert_eq!(facts.id, format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes)));
}

#[test]
fn changed_bytes_never_panic_nor_take_memory() {
    let dir = Dir::new();
    let files = [pcap(0xa1b2_c3d4, LITTLE, 1, &two(1)), pcapng(LITTLE), pcapng(BIG)];
    let mut dice = Dice(4);
    let path = dir.path().join("fuzz");
    for _ in 0..2_000 {
        let mut file = files[dice.below(files.len())].clone();
        for _ in 0..=dice.below(6) {
            let at = dice.below(file.len());
            file[at] = dice.next() as u8;
        }
        std::fs::write(&path, &file).unwrap();
        if let Ok(mut reader) = Reader::open(&path, 0) {
            let mut bytes = 0;
            while let Some(packet) = reader.next() {
                bytes += packet.data.len();
            }
            assert!(bytes <= file.len());
        }
    }
}
