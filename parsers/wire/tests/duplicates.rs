//! What the mirror shows twice, and what the network repeats itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod packets;

use packets::*;
use wire::decode::{Decoder, Outcome};
use wire::dissect::Frame;
use wire::duplicates::Duplicates;
use wire::limits::Limits;

const MICROSECOND: i64 = 1_000;

/// Whether each packet (microseconds, link type, bytes) is a copy.
fn copies(limits: &Limits, packets: &[(i64, u16, Vec<u8>)]) -> Vec<bool> {
    let (mut decoder, mut duplicates) = (Decoder::new(limits), Duplicates::new(limits));
    let mut seen = |ts: i64, link: u16, data: &[u8]| match decoder.decode(
        ts,
        Frame::new(0, 1),
        link,
        data.len() as u32,
        data,
        &mut |_, _| {},
    ) {
        Outcome::Ip(d) => duplicates.seen(ts, &d),
        other => panic!("{other:?}"),
    };
    packets.iter().map(|(us, link, data)| seen(SECOND + us * MICROSECOND, *link, data)).collect()
}

fn packet(id: u16, ttl: u8, body: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ip4_with(17, id, 0, ttl, &[], &udp(1, 2, body)))
}

#[test]
fn copies_of_both_sides_of_a_switch_or_router() {
    let first = packet(7, 64, b"poll");
    let mut routed = packet(7, 63, b"poll");
    routed[0..12].copy_from_slice(&[9; 12]);
    let mut tagged = packet(7, 64, b"poll");
    tagged.splice(12..12, [0x81, 0, 0, 5]);
    let packets = [(0, 1, first.clone()), (3, 1, first.clone()), (40, 1, routed), (90, 1, tagged), (2_000, 1, first)];
    assert_eq!(copies(&Limits::default(), &packets), [false, true, true, true, true]);
}

#[test]
fn a_copy_inside_a_tunnel_is_one() {
    let plain = ip4_with(17, 7, 0, 64, &[], &udp(1, 2, b"poll"));
    let packets = [(0, 101, plain.clone()), (5, 101, ip4(4, &plain))];
    assert_eq!(copies(&Limits::default(), &packets), [false, true]);
}

#[test]
fn the_window_is_of_both_directions_and_starts_at_the_first() {
    let p = packet(7, 64, b"poll");
    assert_eq!(
        copies(&Limits::default(), &[(0, 1, p.clone()), (-1_500, 1, p.clone()), (2_001, 1, p.clone())]),
        [false, true, false]
    );
    // A steady repetition is not suppressed for good: each window starts anew.
    let steady: Vec<_> = (0..9).map(|n| (n * 900, 1, p.clone())).collect();
    assert_eq!(copies(&Limits::default(), &steady), [false, true, true, false, true, true, false, true, true]);
    let off = Limits { duplicate_microseconds: 0, ..Limits::default() };
    assert_eq!(copies(&off, &[(0, 1, p.clone()), (0, 1, p)]), [false, false]);
}

#[test]
fn repetitions_of_the_network_are_kept() {
    // Each poll and each retransmission has an identification of its own.
    let packets: Vec<_> = (0..5).map(|n| (i64::from(n) * 10, 1, packet(n, 64, b"poll"))).collect();
    assert_eq!(copies(&Limits::default(), &packets), [false; 5]);
    for (one, other) in [
        (packet(7, 64, b"poll"), packet(7, 64, b"pull")),
        (packet(7, 64, b"poll"), packet(7, 64, b"polls")),
        (packet(7, 64, &[1; 900]), packet(7, 64, &[&[1; 899][..], &[2]].concat())),
    ] {
        assert_eq!(copies(&Limits::default(), &[(0, 1, one), (1, 1, other)]), [false, false]);
    }
    let reversed = {
        let mut p = packet(7, 64, b"poll");
        p[26..34].rotate_left(4);
        p
    };
    assert_eq!(copies(&Limits::default(), &[(0, 1, packet(7, 64, b"poll")), (1, 1, reversed)]), [false, false]);
}

#[test]
fn copies_among_much_traffic_are_found() {
    // 100,000 packets a second, each a second time 200 microseconds later.
    let body = |n: u32| n.to_be_bytes().repeat(10);
    let mut packets = Vec::new();
    for n in 0..20_000_u32 {
        packets.push((i64::from(n) * 10, 1, packet(n as u16, 64, &body(n))));
        if n >= 20 {
            packets.push((i64::from(n) * 10, 1, packet((n - 20) as u16, 64, &body(n - 20))));
        }
    }
    let found = copies(&Limits::default(), &packets);
    let wrong =
        packets.iter().zip(&found).enumerate().filter(|(i, (_, copy))| **copy && (*i < 20 || i % 2 == 0)).count();
    assert_eq!(wrong, 0, "an original was taken for a copy");
    let all = found.iter().filter(|c| **c).count();
    assert!(all > 19_980 * 99 / 100, "{all} of 19,980 copies were found");
}
