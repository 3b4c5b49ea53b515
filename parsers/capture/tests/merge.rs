//! Several captures as one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::PathBuf;

use capture::{Error, Merge};
use common::{Dice, Dir, Order, merge, pcap};

const LITTLE: Order = Order(false);

fn file(dir: &Dir, name: &str, seconds: &[u32]) -> PathBuf {
    let records: Vec<_> = seconds.iter().map(|s| (*s, 0, 4, &b"data"[..])).collect();
    dir.write(name, &pcap(0xa1b2_c3d4, LITTLE, 1, &records))
}

fn order(paths: &[PathBuf]) -> Vec<(i64, u16, u64)> {
    merge(paths).0.iter().map(|p| (p.0 / 1_000_000_000, p.1, p.2)).collect()
}

#[test]
fn by_time_then_by_the_order_of_the_captures() {
    let dir = Dir::new();
    let paths =
        [file(&dir, "a", &[5, 6, 9]), file(&dir, "b", &[1, 5, 9, 9, 12]), file(&dir, "c", &[]), file(&dir, "d", &[20])];
    assert_eq!(
        order(&paths),
        [(1, 1, 1), (5, 0, 1), (5, 1, 2), (6, 0, 2), (9, 0, 3), (9, 1, 3), (9, 1, 4), (12, 1, 5), (20, 3, 1)]
    );
}

#[test]
fn a_capture_out_of_order_keeps_its_own_order() {
    let dir = Dir::new();
    let one = [file(&dir, "a", &[5, 3, 9])];
    assert_eq!(order(&one), [(5, 0, 1), (3, 0, 2), (9, 0, 3)]);
    let two = [one[0].clone(), file(&dir, "b", &[4, 6])];
    assert_eq!(order(&two), [(4, 1, 1), (5, 0, 1), (3, 0, 2), (6, 1, 2), (9, 0, 3)]);
}

#[test]
fn random_captures_come_as_a_stable_sort_would_have_them() {
    let dir = Dir::new();
    let mut dice = Dice(7);
    for round in 0..50 {
        let mut all = Vec::new();
        let mut paths = Vec::new();
        for index in 0..2 + dice.below(6) {
            let mut times: Vec<u32> = (0..dice.below(40)).map(|_| dice.below(60) as u32).collect();
            times.sort_unstable();
            all.extend(times.iter().enumerate().map(|(n, t)| (i64::from(*t), index as u16, n as u64 + 1)));
            paths.push(file(&dir, &format!("{round}-{index}"), &times));
        }
        all.sort_unstable();
        assert_eq!(order(&paths), all);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn rotated_captures_are_not_open_all_at_once() {
    let dir = Dir::new();
    let mut paths: Vec<PathBuf> =
        (0..1_500_u32).map(|n| file(&dir, &format!("r{n}.pcap"), &[n * 10, n * 10 + 9, n * 10 + 10])).collect();
    paths.reverse();
    let mut merge = Merge::open(&paths).unwrap();
    let ours = |fd: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_link(fd.unwrap().path()).is_ok_and(|target| target.starts_with(dir.path()))
    };
    let (mut last, mut packets, mut most) = (i64::MIN, 0, 0);
    while let Some(packet) = merge.next() {
        assert!(packet.ts >= last);
        last = packet.ts;
        packets += 1;
        if packets % 100 == 0 {
            most =
                most.max(std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| ours(fd).then_some(())).count());
        }
    }
    assert_eq!(packets, 4_500);
    assert!((1..=3).contains(&most), "{most} of them were open");
    assert!(merge.facts().iter().all(|f| f.packets == 3 && f.id.len() == 32));
}

#[test]
fn warnings_and_errors_name_their_file() {
    let dir = Dir::new();
    let whole = file(&dir, "whole", &[1, 2]);
    let bytes = std::fs::read(file(&dir, "x", &[1, 3])).unwrap();
    let cut = dir.write("cut", &bytes[..bytes.len() - 1]);
    let (packets, facts, warnings) = merge(&[whole.clone(), cut.clone()]);
    assert_eq!((packets.len(), warnings.len()), (3, 1));
    assert!(
        warnings[0].starts_with(&cut.display().to_string()) && warnings[0].contains("3 of 4 bytes"),
        "{warnings:?}"
    );
    assert_eq!(facts.iter().map(|f| f.packets).collect::<Vec<_>>(), [2, 1]);

    let gone = file(&dir, "gone", &[50]);
    let mut removed = Merge::open(&[whole.clone(), gone.clone()]).unwrap();
    std::fs::remove_file(&gone).unwrap();
    while removed.next().is_some() {}
    assert!(removed.warnings()[0].contains("none of its packets were read"));

    assert!(matches!(Merge::open(&[whole, dir.path().join("no")]).err().unwrap(), Error::Unreadable { .. }));
    assert!(matches!(Merge::open(&vec![PathBuf::new(); 65_537]).err().unwrap(), Error::TooMany { captures: 65_537 }));
}
