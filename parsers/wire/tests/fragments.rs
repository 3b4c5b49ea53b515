//! Datagrams from fragments: any order, overlaps, attacks, limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod packets;

use common::Dice;
use packets::*;
use wire::anomaly::Kind;
use wire::limits::Limits;

fn body(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 256) as u8).collect()
}

/// A fragment: identification, offset, whether more follow, bytes.
fn piece4(id: u16, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    ip4_with(17, id, (offset / 8) as u16 + if more { 0x2000 } else { 0 }, 64, &[], data)
}

fn piece6(id: u32, next: u8, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let place = (offset as u16) | u16::from(more);
    ip6(44, &[&[next, 0][..], &place.to_be_bytes(), &id.to_be_bytes(), data].concat())
}

fn bench() -> Bench {
    Bench::new(&Limits::default())
}

fn payload(got: Got) -> Vec<u8> {
    match got {
        Got::Ip(d) => d.payload,
        other => panic!("no datagram: {other:?}"),
    }
}

#[test]
fn in_any_order() {
    let whole = body(100);
    let cut = [(0, 24), (24, 48), (48, 96), (96, 100)];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        for six in [false, true] {
            let mut bench = bench();
            let mut last = Got::Held;
            for (step, &n) in order.iter().enumerate() {
                let (from, to) = cut[n];
                let data = &whole[from..to];
                let more = to < whole.len();
                let packet = if six { piece6(9, 17, from, more, data) } else { piece4(9, from, more, data) };
                last = bench.feed(101, &packet);
                assert_eq!(last == Got::Held, step < 3);
            }
            let Got::Ip(d) = last else { panic!() };
            assert_eq!(d.payload, whole);
            assert_eq!((d.protocol, d.id, d.missing), (17, 9, 0));
            assert_eq!(d.ip_bytes, if six { 140 } else { 120 });
            assert_eq!(bench.anomalies, []);
            assert_eq!((bench.decoder.waiting(), bench.decoder.fragments().reassembled), ((0, 0), 1));
        }
    }
}

#[test]
fn datagrams_are_told_apart() {
    let (one, two) = (body(40), vec![0xee; 40]);
    let mut bench = bench();
    let tcp = |offset: u16, more: bool, data: &[u8]| {
        ip4_with(6, 1, offset / 8 + if more { 0x2000 } else { 0 }, 64, &[], data)
    };
    assert_eq!(bench.feed(101, &piece4(1, 0, true, &one[..24])), Got::Held);
    assert_eq!(bench.feed(101, &piece4(2, 0, true, &two[..24])), Got::Held);
    assert_eq!(bench.feed(101, &tcp(0, true, &two[..24])), Got::Held);
    assert_eq!(bench.feed(101, &piece6(1, 17, 0, true, &two[..24])), Got::Held);
    assert_eq!(payload(bench.feed(101, &piece4(1, 24, false, &one[24..]))), one);
    assert_eq!(payload(bench.feed(101, &piece4(2, 24, false, &two[24..]))), two);
    assert_eq!(payload(bench.feed(101, &tcp(24, false, &two[24..]))), two);
    assert_eq!(payload(bench.feed(101, &piece6(1, 17, 24, false, &two[24..]))), two);
}

#[test]
fn the_first_ipv6_fragment_names_the_protocol() {
    let mut bench = bench();
    bench.feed(101, &piece6(1, 99, 8, false, &[1; 8]));
    let Got::Ip(d) = bench.feed(101, &piece6(1, 58, 0, true, &[0; 8])) else { panic!() };
    assert_eq!(d.protocol, 58);
    // Destination options inside the fragmentable part are taken off once it is whole.
    let inner = [&[17, 0, 1, 4, 0, 0, 0, 0][..], b"datagram"].concat();
    bench.feed(101, &piece6(2, 60, 0, true, &inner[..8]));
    let Got::Ip(d) = bench.feed(101, &piece6(2, 60, 8, false, &inner[8..])) else { panic!() };
    assert_eq!((d.protocol, &d.payload[..]), (17, &b"datagram"[..]));
}

#[test]
fn an_atomic_fragment_is_whole() {
    assert_eq!(datagram(101, &piece6(5, 17, 0, false, b"all")).payload, b"all");
}

#[test]
fn repeated_fragments_are_silent_and_overlaps_are_not() {
    let whole = body(48);
    let mut b = bench();
    for _ in 0..3 {
        b.feed(101, &piece4(1, 0, true, &whole[..24]));
    }
    assert_eq!(payload(b.feed(101, &piece4(1, 24, false, &whole[24..]))), whole);
    assert_eq!(b.anomalies, []);

    // Same place, other bytes: the first stay.
    let mut b = bench();
    b.feed(101, &piece4(1, 0, true, &whole[..24]));
    b.feed(101, &piece4(1, 0, true, &[0xff; 24]));
    assert_eq!(payload(b.feed(101, &piece4(1, 24, false, &whole[24..]))), whole);
    assert_eq!((b.kinds(), b.decoder.fragments().overlaps), (vec![Kind::FragmentOverlap], 1));

    // Across holes: only the holes are filled.
    let mut b = bench();
    b.feed(101, &piece4(1, 8, true, &whole[8..16]));
    b.feed(101, &piece4(1, 24, true, &whole[24..32]));
    assert_eq!(b.feed(101, &piece4(1, 0, true, &[0xff; 40])), Got::Held);
    let mut expected = [0xff; 48];
    for held in [8..16, 24..32, 40..48] {
        expected[held.clone()].copy_from_slice(&whole[held]);
    }
    assert_eq!(payload(b.feed(101, &piece4(1, 40, false, &whole[40..]))), expected);
    assert_eq!(b.kinds(), [Kind::FragmentOverlap]);
}

#[test]
fn the_mirrors_copies_of_fragments_do_not_wait_in_vain() {
    let whole = body(48);
    let (one, two) = (piece4(1, 0, true, &whole[..24]), piece4(1, 24, false, &whole[24..]));
    let mut b = bench();
    let got: Vec<Got> = [&one, &one, &two, &two, &one].iter().map(|p| b.feed(101, p)).collect();
    assert_eq!(got.iter().filter(|g| **g != Got::Held).count(), 1);
    assert_eq!((b.decoder.waiting(), b.decoder.fragments().copies), ((0, 0), 2));
    // Beyond the window it is another datagram of that identification.
    b.now += 3_000_000;
    b.feed(101, &one);
    assert_eq!(payload(b.feed(101, &two)), whole);
}

#[test]
fn teardrop_and_contradicting_ends() {
    // Teardrop: the second fragment lies within the first.
    let mut b = bench();
    b.feed(101, &piece4(242, 0, true, &[1; 40]));
    assert_eq!(payload(b.feed(101, &piece4(242, 24, false, &[2; 4]))), [1; 28]);
    assert_eq!(b.kinds(), [Kind::FragmentOverlap]);
    // Two ends: the first one seen holds.
    let mut b = bench();
    b.feed(101, &piece4(1, 16, false, &[2; 8]));
    b.feed(101, &piece4(1, 32, false, &[3; 8]));
    b.feed(101, &piece4(1, 24, true, &[3; 8]));
    assert_eq!(payload(b.feed(101, &piece4(1, 0, true, &[1; 16]))), [[1; 8], [1; 8], [2; 8]].concat());
    assert_eq!(b.kinds(), [Kind::FragmentOverlap; 2]);
}

#[test]
fn ping_of_death_and_nonsense() {
    let mut b = bench();
    assert_eq!(b.feed(101, &piece4(1, 65_528, false, &[0; 100])), Got::Bad("fragment beyond 65,535 bytes"));
    assert_eq!(b.kinds(), [Kind::BadLength]);
    assert_eq!(b.feed(101, &piece4(1, 0, true, &[0; 13])), Got::Bad("fragment length"));
    assert_eq!(b.feed(101, &piece4(1, 8, true, &[])), Got::Bad("fragment length"));
    assert_eq!(b.decoder.waiting(), (0, 0));
    // The largest datagram there is.
    let whole = body(65_535);
    for (n, chunk) in whole.chunks(1_480).enumerate() {
        let last = (n + 1) * 1_480 >= whole.len();
        let got = b.feed(101, &piece4(2, n * 1_480, !last, chunk));
        if last {
            assert_eq!(payload(got), whole);
        }
    }
}

#[test]
fn fragments_inside_a_tunnel_and_of_one() {
    let inner = ip4_with(17, 5, 0, 64, &[], &body(64));
    // The tunnel's datagram in fragments.
    let mut b = bench();
    let fragment = |offset: usize, more: bool, data: &[u8]| {
        ip4_with(4, 9, (offset / 8) as u16 + if more { 0x2000 } else { 0 }, 64, &[], data)
    };
    assert_eq!(b.feed(101, &fragment(40, false, &inner[40..])), Got::Held);
    let Got::Ip(d) = b.feed(101, &fragment(0, true, &inner[..40])) else { panic!() };
    assert_eq!((d.payload, d.tunnel, d.id), (body(64), "ipip", 5));
    // Fragments in the tunnel, and both at once.
    let (one, two) = (piece4(6, 0, true, &body(64)[..24]), piece4(6, 24, false, &body(64)[24..]));
    assert_eq!(b.feed(101, &ip4(4, &one)), Got::Held);
    assert_eq!(payload(b.feed(101, &ip4(4, &two))), body(64));
    b.now += SECOND;
    for (n, packet) in [one, two].iter().enumerate() {
        b.feed(101, &ip4_with(4, 70 + n as u16, 0x2000, 64, &[], &packet[..16]));
        let got = b.feed(101, &ip4_with(4, 70 + n as u16, 2, 64, &[], &packet[16..]));
        assert_eq!(got == Got::Held, n == 0);
    }
    assert_eq!(b.anomalies, []);
}

#[test]
fn the_snap_length_leaves_a_datagram_incomplete() {
    let mut b = bench();
    let packet = piece4(1, 0, true, &[1; 64]);
    assert_eq!(b.cut(101, packet.len() as u32, &packet[..40]), Got::Held);
    assert_eq!(b.feed(101, &piece4(1, 64, false, &[2; 8])), Got::Held);
    assert_eq!(b.decoder.fragments().cut, 1);
    b.now += 31 * SECOND;
    b.expire();
    assert_eq!(b.kinds(), [Kind::FragmentIncomplete]);
    assert!(b.anomalies[0].1.contains("24 of 72 bytes"), "{}", b.anomalies[0].1);
}

#[test]
fn waiting_ends_with_the_time_limit() {
    let mut b = Bench::new(&Limits { fragment_seconds: 30, ..Limits::default() });
    b.feed(101, &piece4(1, 0, true, &[1; 8]));
    b.now += 20 * SECOND;
    b.feed(101, &piece4(2, 0, true, &[1; 8]));
    b.now += 10 * SECOND;
    b.expire();
    assert_eq!(b.decoder.waiting().0, 2);
    // Noticed by the next fragment just as well as by the end of a window.
    b.now += 1;
    b.feed(101, &piece4(3, 0, true, &[1; 8]));
    assert_eq!((b.decoder.waiting().0, b.decoder.fragments().expired), (2, 1));
    b.now += 31 * SECOND;
    b.expire();
    assert_eq!((b.decoder.waiting(), b.decoder.fragments().expired), ((0, 0), 3));
    assert_eq!(b.kinds(), [Kind::FragmentIncomplete; 3]);
}

#[test]
fn the_oldest_goes_when_there_are_too_many() {
    let mut b = Bench::new(&Limits { fragment_datagrams: 10, ..Limits::default() });
    for id in 0..25 {
        b.feed(101, &piece4(id, 0, true, &[1; 8]));
        assert!(b.decoder.waiting().0 <= 10);
    }
    assert_eq!((b.decoder.waiting().0, b.decoder.fragments().evicted, b.anomalies.len()), (10, 15, 15));
    assert_eq!(payload(b.feed(101, &piece4(24, 8, false, &[2; 8]))).len(), 16);
    assert_eq!(b.feed(101, &piece4(3, 8, false, &[2; 8])), Got::Held);
}

#[test]
fn the_oldest_goes_when_there_are_too_many_bytes() {
    let mut b = Bench::new(&Limits { fragment_bytes: 10_000, ..Limits::default() });
    for id in 0..100 {
        b.feed(101, &piece4(id, 0, true, &[1; 1_000]));
        assert!(b.decoder.waiting().1 <= 10_000);
    }
    assert!(b.decoder.fragments().evicted > 88);
    // A single datagram beyond the limit does not stay either.
    for n in 0..20 {
        b.feed(101, &piece4(500, n * 1_000, true, &[1; 1_000]));
        assert!(b.decoder.waiting().1 <= 10_000);
    }
    // A lone fragment at the far end costs what it carries.
    let mut b = bench();
    for id in 0..1_000 {
        b.feed(101, &piece4(id, 65_000, true, &[1; 8]));
    }
    assert_eq!((b.decoder.waiting().0, b.decoder.fragments().evicted), (1_000, 0));
    assert!(b.decoder.waiting().1 < 100_000);
}

#[test]
fn bookkeeping_stays_small_beside_one_that_never_ends() {
    let mut b = bench();
    b.feed(101, &piece4(0, 0, true, &[1; 8]));
    for n in 0..50_000_u32 {
        let id = (n % 60_000) as u16 + 1;
        b.feed(101, &piece4(id, 0, true, &[1; 8]));
        assert_eq!(payload(b.feed(101, &piece4(id, 8, false, &[1; 8]))).len(), 16);
    }
    assert_eq!(b.decoder.waiting().0, 1);
}

#[test]
fn random_cuts_orders_and_repetitions_give_the_datagram() {
    let mut dice = Dice(11);
    let mut b = bench();
    for round in 0..2_000_u16 {
        let whole = body(9 + dice.below(700));
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < whole.len() {
            let to = (at + 8 * (1 + dice.below(12))).min(whole.len());
            pieces.push(piece4(round, at, to < whole.len(), &whole[at..to]));
            at = to;
        }
        for n in (1..pieces.len()).rev() {
            pieces.swap(n, dice.below(n + 1));
        }
        let mut got = Got::Held;
        for packet in &pieces {
            assert!(matches!(got, Got::Held));
            got = b.feed(101, packet);
            if got == Got::Held && dice.below(4) == 0 {
                assert_eq!(b.feed(101, packet), Got::Held);
            }
        }
        assert_eq!(payload(got), whole);
    }
    assert_eq!(b.anomalies, []);
}
