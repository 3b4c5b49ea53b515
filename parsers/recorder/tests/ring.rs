//! The ring under everything that fills it: floods, a slow or full disk, age; and what is found in it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use recorder::{CHUNK, Found, Held, OPENING, Recorder, SEGMENT, Selector, Settings, WAITING, Wanted};
use wire::dissect::{Frame, Nanos};

const SECOND: Nanos = 1_000_000_000;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

fn host(last: u8) -> [u8; 16] {
    let mut address = [0u8; 16];
    address[10..12].fill(0xff);
    address[12..].copy_from_slice(&[10, 0, 0, last]);
    address
}

/// Ethernet, IPv4, TCP with `size` bytes.
fn packet(from: (u8, u16), to: (u8, u16), flags: u8, size: usize) -> Vec<u8> {
    let total = u16::try_from(40 + size).unwrap();
    let mut made = vec![0x02; 12];
    made.extend([0x08, 0x00, 0x45, 0]);
    made.extend(total.to_be_bytes());
    made.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, from.0, 10, 0, 0, to.0]);
    made.extend(from.1.to_be_bytes());
    made.extend(to.1.to_be_bytes());
    made.extend([0; 8]);
    made.extend([0x50, flags, 0, 0, 0, 0, 0, 0]);
    made.resize(made.len() + size, 7);
    made
}

fn arp(sender: u8, target: u8) -> Vec<u8> {
    let mut made = vec![0xff; 12];
    made.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    made.extend([2; 6]);
    made.extend([10, 0, 0, sender]);
    made.extend([0; 6]);
    made.extend([10, 0, 0, target]);
    made
}

fn wanted(pairs: &[(u8, u8)], from: Nanos, at: Nanos, to: Nanos) -> Wanted {
    let other = |last| if last == 0 { [0; 16] } else { host(last) };
    let pairs = pairs.iter().map(|&(a, b)| (other(a), other(b))).collect();
    Wanted { pairs, frames: Vec::new(), from, at, to, packets: 1000, bytes: 1 << 20 }
}

fn asked(held: &Held, question: Wanted) -> Found {
    held.select(vec![question]).pop().unwrap()
}

fn numbers(found: &Found) -> Vec<u64> {
    found.packets.iter().map(|p| p.frame.number()).collect()
}

fn until(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < end, "it does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Packets of hosts 1 and 2, a microsecond apart.
fn flood(recorder: &mut Recorder, count: u64, data: &[u8]) {
    for number in 1..=count {
        recorder.push(number.cast_signed() * 1000, Frame::new(0, number), 1, 1000, data);
    }
    recorder.seal();
}

fn files(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().map_or(0, |m| m.len())).sum()
}

#[test]
fn memory_is_bounded_under_a_flood() {
    let mut recorder = Recorder::new(Settings { memory: 4 << 20, ..Settings::default() });
    let held = recorder.held();
    flood(&mut recorder, 20_000, &packet((1, 40_000), (2, 502), ACK, 946));
    let counters = held.counters();
    assert!(counters.memory <= 4 << 20, "{counters:?}");
    assert_eq!(counters.packets, 20_000);
    let found = asked(&held, Wanted { packets: 100_000, bytes: 1 << 30, ..wanted(&[(1, 2)], 0, 0, SECOND) });
    assert_eq!(found.packets.len() as u64, counters.packets - counters.expired);
    assert!(found.overrun, "what was let go is said");
    assert_eq!(numbers(&found).last(), Some(&20_000));
}

#[test]
fn what_leaves_memory_is_found_on_disk_within_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let disk = 32 << 20;
    let settings = Settings { memory: 2 << 20, folder: Some(folder.path().into()), disk, age: 0 };
    let mut recorder = Recorder::new(settings);
    let held = recorder.held();
    let data = packet((1, 40_000), (2, 502), ACK, 946);
    for round in 0..60u64 {
        for number in 1..=1000 {
            let number = round * 1000 + number;
            recorder.push(number.cast_signed() * 1000, Frame::new(0, number), 1, 1000, &data);
        }
        recorder.seal();
        until(|| held.counters().memory <= (2 << 20));
        assert!(files(folder.path()) <= disk + SEGMENT);
    }
    let counters = held.counters();
    assert_eq!(counters.lost, 0);
    assert!(counters.disk <= disk && counters.expired > 0, "{counters:?}");
    let first = counters.expired + 1;
    let time = |number: u64| number.cast_signed() * 1000;
    let found = asked(&held, wanted(&[(2, 1)], time(first), time(first), time(first + 99)));
    assert_eq!(numbers(&found), (first..first + 100).collect::<Vec<_>>());
    assert_eq!(found.packets[0].data, data);
    assert!(!found.overrun);
    assert!(asked(&held, wanted(&[(1, 2)], 0, 1, time(first))).overrun);
    drop(recorder);
    held.clear();
    assert_eq!(files(folder.path()), 0, "the ring is of one run only");
}

#[test]
fn a_disk_that_takes_nothing_holds_nothing_up_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    let settings = Settings { memory: 1 << 20, folder: Some(gone), disk: 1 << 30, age: 0 };
    let mut recorder = Recorder::new(settings);
    let held = recorder.held();
    flood(&mut recorder, 30_000, &packet((1, 40_000), (2, 502), ACK, 946));
    until(|| held.counters().memory <= 1 << 20);
    let counters = held.counters();
    assert!(counters.failures >= 1);
    assert_eq!(counters.disk, 0);
    let told = held.told().unwrap();
    assert!(told.contains("cannot be kept on disk: No such file or directory"), "{told}");
    assert_eq!(held.told(), None, "it is said once");
    let found = asked(&held, Wanted { packets: 100_000, bytes: 1 << 30, ..wanted(&[(1, 2)], 0, 0, SECOND) });
    assert_eq!(found.packets.len() as u64 + counters.lost, 30_000);
    assert!(found.overrun);
}

#[test]
fn what_waits_for_the_disk_is_bounded_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { memory: CHUNK, folder: Some(folder.path().into()), disk: 1 << 30, age: 0 };
    let mut recorder = Recorder::new(settings);
    let held = recorder.held();
    let data = packet((1, 40_000), (2, 502), ACK, 946);
    for round in 0..200u64 {
        for number in 1..=1000 {
            recorder.push((round * 1000 + number).cast_signed(), Frame::new(0, round * 1000 + number), 1, 1000, &data);
        }
        assert!(held.counters().memory <= (WAITING + 2 * CHUNK) as u64);
    }
    recorder.seal();
    until(|| held.counters().memory <= CHUNK as u64);
    let counters = held.counters();
    assert_eq!(counters.packets, 200_000);
    assert!(counters.disk + counters.memory > 0);
}

#[test]
fn packets_grow_too_old() {
    let mut recorder = Recorder::new(Settings { memory: 1 << 30, age: 10 * SECOND, ..Settings::default() });
    let held = recorder.held();
    for number in 1..=60u64 {
        // Large ones, so that pieces are not put together.
        let data = packet((1, 40_000), (2, 502), ACK, 60_000);
        for _ in 0..18 {
            recorder.push(number.cast_signed() * SECOND, Frame::new(0, number), 1, 1000, &data);
        }
        recorder.seal();
    }
    let found = asked(&held, Wanted { bytes: 1 << 30, ..wanted(&[(1, 2)], 0, 0, 100 * SECOND) });
    assert!(found.since >= 49 * SECOND && found.since <= 51 * SECOND, "{}", found.since);
    assert!(found.overrun);
}

#[test]
fn a_window_that_is_not_full_is_seen_and_many_take_little_room() {
    let mut recorder = Recorder::new(Settings { memory: 1 << 20, ..Settings::default() });
    let held = recorder.held();
    for number in 1..=2000u64 {
        recorder.push(number.cast_signed(), Frame::new(0, number), 1, 60, &packet((1, 40_000), (2, 502), ACK, 6));
        recorder.seal();
    }
    let found = asked(&held, Wanted { packets: 9999, ..wanted(&[(1, 2)], 0, 0, SECOND) });
    assert_eq!(found.packets.len(), 2000);
    assert_eq!(held.counters().expired, 0);
}

/// The answers over some packets: (time, bytes), numbered from 1.
fn chosen(packets: &[(Nanos, Vec<u8>)], question: Wanted) -> Found {
    let mut selector = Selector::new(vec![question]);
    for (number, (ts, data)) in (1u64..).zip(packets) {
        selector.take(*ts, Frame::new(0, number), 1, u32::try_from(data.len()).unwrap(), data);
    }
    selector.finish().pop().unwrap()
}

#[test]
fn hosts_and_time_choose() {
    let made = vec![
        (1, packet((1, 40_000), (2, 502), ACK, 0)),
        (2, packet((2, 502), (1, 40_000), ACK, 0)),
        (3, packet((1, 40_001), (3, 502), ACK, 0)),
        (4, arp(9, 2)),
        (5, arp(8, 9)),
        (6, packet((2, 502), (1, 40_000), ACK, 0)),
    ];
    assert_eq!(numbers(&chosen(&made, wanted(&[(1, 2)], 1, 1, 5))), [1, 2, 4]);
    assert_eq!(numbers(&chosen(&made, wanted(&[(1, 0)], 2, 2, 9))), [2, 3, 6]);
    assert_eq!(numbers(&chosen(&made, wanted(&[(0, 0)], 2, 2, 9))), [4, 5]);
    let named = Wanted { frames: vec![Frame::new(0, 5)], ..wanted(&[(1, 3)], 0, 0, 9) };
    assert_eq!(numbers(&chosen(&made, named)), [3, 5]);
    assert_eq!(chosen(&made, wanted(&[(1, 7)], 0, 0, 9)).packets, []);
}

#[test]
fn the_beginning_of_a_connection_that_is_open_is_given_too() {
    let (client, server) = ((1, 40_000), (2, 4840));
    let mut made = vec![
        (1, packet((1, 39_999), server, SYN, 0)), // another one, which is over
        (2, packet(client, server, SYN, 0)),
        (3, packet(server, client, SYN | ACK, 0)),
        (4, packet(client, server, ACK, 100)),
    ];
    for ts in 5..200 {
        made.push((ts, packet(server, client, ACK, 10)));
    }
    let found = chosen(&made, wanted(&[(1, 2)], 150, 150, 160));
    let beginning = 2..2 + OPENING as u64;
    assert_eq!(numbers(&found), beginning.chain(150..=160).collect::<Vec<_>>());
}

#[test]
fn what_is_farthest_is_cut_and_counted() {
    let made: Vec<_> = (1..=100).map(|ts| (ts, packet((1, 40_000), (2, 502), ACK, 0))).collect();
    let question = Wanted { packets: 20, frames: vec![Frame::new(0, 3)], ..wanted(&[(1, 2)], 1, 50, 100) };
    let found = chosen(&made, question);
    assert_eq!(numbers(&found), std::iter::once(3).chain(40..60).collect::<Vec<_>>());
    assert_eq!(found.cut, (38, 41));
    let tight = Wanted { bytes: 54 * 6, ..wanted(&[(1, 2)], 1, 50, 100) };
    assert_eq!(numbers(&chosen(&made, tight)), (47..53).collect::<Vec<_>>());
}

#[test]
fn garbage_is_no_host_and_no_panic() {
    let mut state = 1u64;
    let made: Vec<_> = (0..20_000)
        .map(|ts| {
            let bytes = (0..ts % 90).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                u8::try_from(state >> 56).unwrap()
            });
            let mut data = arp(1, 2);
            data.truncate(14);
            data.extend(bytes);
            (ts, data)
        })
        .collect();
    assert!(chosen(&made, wanted(&[(1, 2)], 0, 0, Nanos::MAX)).packets.len() < 100);
}
