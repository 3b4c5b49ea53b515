//! Link types, IP headers and tunnels: a frame in, one datagram out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod packets;

use common::Dice;
use packets::*;
use wire::anomaly::Kind;
use wire::decode::LLC;
use wire::limits::Limits;

const BODY: &[u8] = b"transport header and data";

/// The datagram that carries `BODY` over IPv4 from one raw packet.
fn plain(protocol: u8) -> Owned {
    Owned {
        src: mapped(A4),
        dst: mapped(B4),
        v4: true,
        protocol,
        id: 0x1234,
        ttl: 64,
        ip_bytes: 20 + BODY.len() as u32,
        payload: BODY.to_vec(),
        missing: 0,
        tunnel: "",
        vlan: 0,
        macs: None,
    }
}

fn plain6(protocol: u8) -> Owned {
    let ip_bytes = 40 + BODY.len() as u32;
    Owned { src: a6(), dst: b6(), v4: false, id: 0x21234 & 0xfffff, ttl: 63, ip_bytes, ..plain(protocol) }
}

fn with_mac(d: Owned) -> Owned {
    Owned { macs: Some((SRC_MAC, DST_MAC)), ..d }
}

#[test]
fn ethernet_with_padding() {
    let mut frame = ethernet(0x0800, &ip4(6, BODY));
    frame.resize(60, 0);
    assert_eq!(datagram(1, &frame), with_mac(plain(6)));
    let mut frame = ethernet(0x86dd, &ip6(17, BODY));
    frame.extend([0; 9]);
    let expected = Owned { id: 0x1234, ..with_mac(plain6(17)) };
    assert_eq!(datagram(1, &frame), expected);
}

#[test]
fn vlan_tags_count_from_the_inside_and_priority_tags_not() {
    let tagged = |tags: &[(u16, u16)]| {
        let mut kinds: Vec<u16> = tags.iter().map(|t| t.0).collect();
        kinds.push(0x0800);
        let mut body = Vec::new();
        for (place, tag) in tags.iter().enumerate() {
            body.extend(tag.1.to_be_bytes());
            body.extend(kinds[place + 1].to_be_bytes());
        }
        body.extend(ip4(6, BODY));
        ethernet(kinds[0], &body)
    };
    for (tags, vlan) in [
        (&[(0x8100, 100)][..], 100),
        (&[(0x8100, 0xe064)], 100),
        (&[(0x88a8, 7), (0x8100, 100)], 100),
        (&[(0x9100, 7), (0x8100, 0xe000)], 7),
        (&[(0x8100, 0x2000)], 0),
    ] {
        assert_eq!(datagram(1, &tagged(tags)), Owned { vlan, ..with_mac(plain(6)) }, "{tags:?}");
    }
    assert_eq!(decode(1, &tagged(&[(0x8100, 1); 20])), Got::Bad("too many vlan tags"));
}

#[test]
fn what_is_not_ip() {
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &[7; 20]].concat();
    assert_eq!(decode(1, &ethernet(0x0806, &arp)), Got::Arp(0, arp.clone()));
    let tagged = [&[0, 5, 0x08, 0x06][..], &arp].concat();
    assert_eq!(decode(1, &ethernet(0x8100, &tagged)), Got::Arp(5, arp));
    for kind in [0x88cc, 0x8892, 0x88b8] {
        assert_eq!(decode(1, &ethernet(kind, BODY)), Got::Other(0, kind, BODY.to_vec()));
    }
    // Spanning tree: LLC, cut at its length field.
    let stp = [&[0x42, 0x42, 3][..], &[0; 35]].concat();
    let mut frame = ethernet(38, &stp);
    frame.resize(60, 0xee);
    assert_eq!(decode(1, &frame), Got::Other(0, LLC, stp));
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip4(6, BODY)].concat();
    assert_eq!(datagram(1, &ethernet(snap.len() as u16, &snap)), with_mac(plain(6)));
}

#[test]
fn raw_and_loopback() {
    for link in [101, 12, 14, 228] {
        assert_eq!(datagram(link, &ip4(6, BODY)), plain(6), "link type {link}");
    }
    for link in [101, 12, 14, 229] {
        assert_eq!(datagram(link, &ip6(6, BODY)), Owned { id: 0x1234, ..plain6(6) }, "link type {link}");
    }
    assert_eq!(decode(101, &[0x50; 40]), Got::Bad("raw packet of no IP version"));
    for link in [0, 108] {
        for (family, packet) in [
            (2_u32, ip4(6, BODY)),
            (10, ip6(6, BODY)),
            (23, ip6(6, BODY)),
            (24, ip6(6, BODY)),
            (28, ip6(6, BODY)),
            (30, ip6(6, BODY)),
        ] {
            for head in [family.to_le_bytes(), family.to_be_bytes()] {
                assert_eq!(datagram(link, &[&head[..], &packet].concat()).payload, BODY, "family {head:?}");
            }
        }
        assert_eq!(decode(link, &[7, 0, 0, 0, 0x45]), Got::Bad("address family of the loopback header"));
    }
    assert_eq!(decode(195, BODY), Got::UnknownLink);
}

#[test]
fn linux_cooked() {
    let sll = |kind: u16, body: &[u8]| [&[0, 4, 0, 1, 0, 6][..], &SRC_MAC, &[0, 0], &kind.to_be_bytes(), body].concat();
    let sll2 = |kind: u16, body: &[u8]| {
        [&kind.to_be_bytes()[..], &[0, 0, 0, 0, 0, 3, 0, 1, 4, 6], &SRC_MAC, &[0, 0], body].concat()
    };
    let expected = Owned { macs: Some((SRC_MAC, [0; 6])), ..plain(6) };
    assert_eq!(datagram(113, &sll(0x0800, &ip4(6, BODY))), expected);
    assert_eq!(datagram(276, &sll2(0x0800, &ip4(6, BODY))), expected);
    let tagged = [&[0, 9, 0x86, 0xdd][..], &ip6(6, BODY)].concat();
    assert_eq!(datagram(113, &sll(0x8100, &tagged)).vlan, 9);
    assert!(!datagram(276, &sll2(0x8100, &tagged)).v4);
    assert_eq!(decode(113, &sll(0x0806, BODY)), Got::Arp(0, BODY.to_vec()));
    assert_eq!(decode(276, &sll2(4, &[0x42, 0x42, 3])), Got::Other(0, LLC, vec![0x42, 0x42, 3]));
    // The loopback interface: an address of zeros is nobody's.
    let mut lo = sll(0x0800, &ip4(6, BODY));
    lo[6..12].fill(0);
    assert_eq!(datagram(113, &lo).macs, None);
}

#[test]
fn point_to_point() {
    for head in [&[0xff, 3, 0, 0x21][..], &[0, 0x21], &[0x21]] {
        assert_eq!(datagram(9, &[head, &ip4(6, BODY)].concat()), plain(6), "{head:?}");
    }
    assert!(!datagram(9, &[&[0, 0x57][..], &ip6(6, BODY)].concat()).v4);
    assert_eq!(decode(9, &[0xc0, 0x21, 1]), Got::Other(0, 0x880b, vec![1]));
    assert_eq!(datagram(50, &[&[0xff, 3, 0, 0x21][..], &ip4(6, BODY)].concat()), plain(6));
    assert_eq!(datagram(104, &[&[0x0f, 0, 8, 0][..], &ip4(6, BODY)].concat()), plain(6));
    let packet = ip4(6, BODY);
    let session = [&[0x11, 0, 0, 1][..], &(packet.len() as u16 + 2).to_be_bytes(), &[0, 0x21], &packet].concat();
    assert_eq!(datagram(1, &ethernet(0x8864, &session)), Owned { tunnel: "pppoe", ..with_mac(plain(6)) });
    assert_eq!(datagram(51, &session), Owned { tunnel: "pppoe", ..plain(6) });
}

#[test]
fn wireless_nflog_netanalyzer() {
    let llc = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip4(6, BODY)].concat();
    let to_ds = [&[0x08, 1, 0, 0][..], &[9; 6], &SRC_MAC, &DST_MAC, &[0, 0], &llc].concat();
    assert_eq!(datagram(105, &to_ds), with_mac(plain(6)));
    let from_ds_qos = [&[0x88, 2, 0, 0][..], &DST_MAC, &[9; 6], &SRC_MAC, &[0, 0, 0, 0], &llc].concat();
    assert_eq!(datagram(105, &from_ds_qos), with_mac(plain(6)));
    let radiotap = [&[0, 0, 9, 0, 0, 0, 0, 0, 0][..], &to_ds].concat();
    assert_eq!(datagram(127, &radiotap), with_mac(plain(6)));
    let mut protected = to_ds.clone();
    protected[1] |= 0x40;
    assert!(matches!(decode(105, &protected), Got::Other(0, 0, _)));
    let attribute = |kind: u16, value: &[u8]| {
        let mut out = [&(4 + value.len() as u16).to_le_bytes()[..], &kind.to_le_bytes(), value].concat();
        out.resize(out.len().next_multiple_of(4), 0);
        out
    };
    let nflog = [&[2, 0, 0, 0][..], &attribute(1, &[1, 2, 3]), &attribute(9, &ip4(6, BODY))].concat();
    assert_eq!(datagram(239, &nflog), plain(6));
    assert_eq!(decode(239, &[2, 0, 0, 0, 0, 0, 9, 0]), Got::Bad("nflog record without packet"));
    let frame = ethernet(0x0800, &ip4(6, BODY));
    assert_eq!(datagram(240, &[&[0; 4][..], &frame].concat()), with_mac(plain(6)));
    assert_eq!(datagram(241, &[&[0; 12][..], &frame].concat()), with_mac(plain(6)));
}

#[test]
fn ipv4_options_offload_snap_and_lies() {
    let options = ip4_with(6, 0x1234, 0, 64, &[0x94, 4, 0, 0], BODY);
    assert_eq!(datagram(101, &options), Owned { ip_bytes: 24 + BODY.len() as u32, ..plain(6) });
    let mut offloaded = ip4(6, BODY);
    offloaded[2..4].fill(0);
    assert_eq!(datagram(101, &offloaded), plain(6));

    let mut bench = Bench::new(&Limits::default());
    let packet = ip4(6, BODY);
    let cut = Owned { payload: BODY[..5].to_vec(), missing: BODY.len() as u32 - 5, ..plain(6) };
    assert_eq!(bench.cut(101, packet.len() as u32, &packet[..25]), Got::Ip(Box::new(cut.clone())));
    assert_eq!((bench.anomalies.len(), bench.decoder.counters.snapped), (0, 1));
    // The same length without a cut is a lie.
    let lie = bench.feed(101, &packet[..25]);
    assert_eq!(lie, Got::Ip(Box::new(Owned { missing: 0, ..cut })));
    assert_eq!(bench.kinds(), [Kind::BadLength]);

    for (at, value, reason) in [
        (0, 0x44, "ipv4 header length"),
        (0, 0x4f, "ipv4 options cut"),
        (3, 19, "ipv4 header length"),
        (0, 0x55, "not version 4"),
    ] {
        let mut packet = ip4(6, b"x");
        packet[at] = value;
        // A header length beyond the total length is the total's fault: give that room.
        if value == 0x4f {
            packet[3] = 80;
        }
        assert_eq!(Bench::new(&Limits::default()).feed(228, &packet), Got::Bad(reason), "byte {at} = {value:#x}");
    }
}

#[test]
fn bad_frames_are_counted_by_reason() {
    let mut bench = Bench::new(&Limits::default());
    for _ in 0..3 {
        bench.feed(228, &[0x45; 12]);
    }
    bench.feed(1, &[0; 13]);
    bench.feed(999, &[0; 13]);
    assert_eq!(bench.decoder.bad(), [("ipv4 header cut", 3), ("ethernet header cut", 1)]);
    assert_eq!((bench.decoder.counters.frames, bench.decoder.counters.unknown_link), (5, 1));
}

#[test]
fn ipv6_extension_headers() {
    let pad = |next: u8| vec![next, 0, 1, 4, 0, 0, 0, 0];
    let auth = |next: u8| vec![next, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    let chain = [pad(43), pad(60), pad(51), auth(135), pad(44), vec![6, 0, 0, 0, 0, 0, 0, 7], BODY.to_vec()].concat();
    let got = datagram(101, &ip6(0, &chain));
    assert_eq!((got.protocol, &got.payload[..]), (6, BODY));
    assert_eq!(datagram(101, &ip4(51, &[auth(6), BODY.to_vec()].concat())).payload, BODY);
    // Encrypted payload and "no next header" are what they are.
    assert_eq!(datagram(101, &ip6(50, BODY)).protocol, 50);
    assert_eq!(datagram(101, &ip6(59, &[])).protocol, 59);
    assert_eq!(decode(101, &ip6(0, &pad(0).repeat(40))), Got::Bad("too many ipv6 extension headers"));
    assert_eq!(decode(101, &ip6(0, &[6, 9, 0, 0, 0, 0, 0, 0])), Got::Bad("ipv6 extension header cut"));
    // Jumbogram or offload: length 0.
    let mut jumbo = ip6(6, BODY);
    jumbo[4..6].fill(0);
    assert_eq!(datagram(101, &jumbo).payload, BODY);
}

fn gre(flags: u16, kind: u16, fields: &[u8], body: &[u8]) -> Vec<u8> {
    ip4(47, &[&flags.to_be_bytes()[..], &kind.to_be_bytes(), fields, body].concat())
}

#[test]
fn generic_routing_encapsulation() {
    let packet = ip4(6, BODY);
    for (flags, fields) in [(0, 0), (0x8000, 4), (0x2000, 4), (0x1000, 4), (0xb000, 12)] {
        let carried = gre(flags, 0x0800, &[0xab; 12][..fields], &packet);
        assert_eq!(datagram(101, &carried), Owned { tunnel: "gre", ..plain(6) }, "flags {flags:#x}");
        assert_eq!(datagram(1, &ethernet(0x0800, &carried)).macs, None);
    }
    let bridged = gre(0x2000, 0x6558, &[0; 4], &ethernet(0x0800, &packet));
    assert_eq!(datagram(101, &bridged), Owned { tunnel: "gre", ..with_mac(plain(6)) });
    let ppp = gre(0x3081, 0x880b, &[0; 12], &[&[0xff, 3, 0, 0x21][..], &packet].concat());
    assert_eq!(datagram(101, &ppp), Owned { tunnel: "pptp", ..plain(6) });
    // Source routes and protocols that carry no packet stay GRE.
    assert_eq!(datagram(101, &gre(0x4000, 0x0800, &[], &packet)).protocol, 47);
    assert_eq!(datagram(101, &gre(0, 0x9999, &[], &packet)).protocol, 47);
}

#[test]
fn mirrored_over_ip() {
    let frame = ethernet(0x0800, &ip4(6, BODY));
    let expected = Owned { tunnel: "erspan", ..with_mac(plain(6)) };
    assert_eq!(datagram(101, &gre(0, 0x88be, &[], &frame)), expected, "type I");
    let two = [&[0, 0, 0, 9, 0x10, 0x64, 0, 1, 0, 0, 0, 2][..], &frame].concat();
    assert_eq!(datagram(101, &gre(0x1000, 0x88be, &[], &two)), Owned { vlan: 100, ..expected.clone() }, "type II");
    let three = [&[0, 0, 0, 9, 0x20, 0x64, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0][..], &frame].concat();
    assert_eq!(datagram(101, &gre(0x1000, 0x22eb, &[], &three)), Owned { vlan: 100, ..expected.clone() }, "type III");
    let mut sub = three;
    sub[15] |= 1;
    sub.splice(16..16, [0; 8]);
    assert_eq!(datagram(101, &gre(0x1000, 0x22eb, &[], &sub)), Owned { vlan: 100, ..expected }, "platform header");
    // The mirrored frame's own tag is the better witness.
    let tagged = ethernet(0x8100, &[&[0, 8, 8, 0][..], &ip4(6, BODY)].concat());
    let two = [&[0, 0, 0, 9, 0x10, 0x64, 0, 1, 0, 0, 0, 2][..], &tagged].concat();
    assert_eq!(datagram(101, &gre(0x1000, 0x88be, &[], &two)).vlan, 8);
}

#[test]
fn overlays_over_udp() {
    let frame = ethernet(0x0800, &ip4(6, BODY));
    let vxlan = [&[8, 0, 0, 0, 0, 0, 42, 0][..], &frame].concat();
    let expected = Owned { tunnel: "vxlan", ..with_mac(plain(6)) };
    for port in [4789, 8472] {
        assert_eq!(datagram(101, &ip4(17, &udp(50_000, port, &vxlan))), expected);
        assert_eq!(datagram(101, &ip6(17, &udp(50_000, port, &vxlan))), expected);
    }
    for byte in [0, 7] {
        let mut other = vxlan.clone();
        other[byte] = 1;
        let got = datagram(101, &ip4(17, &udp(50_000, 4789, &other)));
        assert_eq!((got.protocol, got.tunnel), (17, ""), "reserved bits in byte {byte}");
    }
    // An answer to a client that happens to use the port is no tunnel.
    assert_eq!(datagram(101, &ip4(17, &udp(4789, 50_000, &vxlan))).tunnel, "");
    let geneve = [&[1, 0, 0x65, 0x58, 0, 0, 1, 0, 9, 9, 9, 9][..], &frame].concat();
    assert_eq!(datagram(101, &ip4(17, &udp(1, 6081, &geneve))), Owned { tunnel: "geneve", ..with_mac(plain(6)) });
    let user = [&[0x34, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0][..], &ip4(6, BODY)].concat();
    assert_eq!(datagram(101, &ip4(17, &udp(2152, 2152, &user))), Owned { tunnel: "gtp", ..plain(6) });
}

#[test]
fn label_switched() {
    let label = |bottom: u8| [0, 0x10, bottom, 64];
    let expected = Owned { tunnel: "mpls", ..with_mac(plain(6)) };
    for kind in [0x8847, 0x8848] {
        let two = [&label(0)[..], &label(1), &ip4(6, BODY)].concat();
        assert_eq!(datagram(1, &ethernet(kind, &two)), expected);
    }
    let six = [&label(1)[..], &ip6(6, BODY)].concat();
    assert!(!datagram(1, &ethernet(0x8847, &six)).v4);
    let frame = ethernet(0x0800, &ip4(6, BODY));
    let wire = [&label(1)[..], &frame].concat();
    assert_eq!(datagram(1, &ethernet(0x8847, &wire)), expected, "pseudowire");
    let controlled = [&label(1)[..], &[0, 0, 0, 7], &frame].concat();
    assert_eq!(datagram(1, &ethernet(0x8847, &controlled)), expected, "with control word");
    let mut zero = frame.clone();
    zero[0] = 0;
    let got = datagram(1, &ethernet(0x8847, &[&label(1)[..], &zero].concat()));
    assert_eq!(got.payload, BODY, "an address that starts like a control word");
    assert_eq!(decode(1, &ethernet(0x8847, &label(0).repeat(20))), Got::Other(0, 0x8847, label(0).repeat(20)));
    assert_eq!(datagram(101, &gre(0, 0x8847, &[], &[&label(1)[..], &ip4(6, BODY)].concat())).tunnel, "mpls");
}

#[test]
fn ip_in_ip_and_its_depth() {
    assert_eq!(datagram(101, &ip4(4, &ip4(6, BODY))), Owned { tunnel: "ipip", ..plain(6) });
    assert_eq!(datagram(101, &ip6(4, &ip4(6, BODY))), Owned { tunnel: "ipip", ..plain(6) });
    assert_eq!(datagram(101, &ip4(41, &ip6(6, BODY))).tunnel, "6in4");
    let nested = |depth: usize| (0..depth).fold(ip4(6, BODY), |packet, _| ip4(4, &packet));
    let limits = Limits { tunnel_depth: 3, ..Limits::default() };
    let mut bench = Bench::new(&limits);
    assert_eq!(bench.feed(101, &nested(3)), Got::Ip(Box::new(Owned { tunnel: "ipip", ..plain(6) })));
    let Got::Ip(stopped) = bench.feed(101, &nested(4)) else { panic!() };
    assert_eq!((stopped.protocol, stopped.payload), (4, ip4(6, BODY)));
    assert_eq!((bench.decoder.counters.too_deep, bench.kinds()), (1, vec![Kind::Malformed]));
    // MPLS straight on the link counts too, however often it nests.
    let mut frame = ethernet(0x0800, &ip4(6, BODY));
    for _ in 0..10 {
        frame = ethernet(0x8847, &[&[0, 0x10, 1, 64][..], &frame].concat());
    }
    assert!(matches!(bench.feed(1, &frame), Got::Other(0, 0x8847, _)));
}

#[test]
fn what_is_no_packet_leaves_the_tunnel_itself() {
    let mut bench = Bench::new(&Limits::default());
    let Got::Ip(outer) = bench.feed(1, &ethernet(0x0800, &ip4(4, b"no packet at all, but long enough"))) else {
        panic!()
    };
    assert_eq!((outer.protocol, outer.tunnel, outer.macs.is_some()), (4, "", true));
    assert_eq!(outer.payload, b"no packet at all, but long enough");
    assert_eq!(bench.decoder.bad(), [("not version 4", 1)]);
}

#[test]
fn the_snap_length_cuts_through_tunnels() {
    let inner = ip4(6, BODY);
    let packet = gre(0, 0x0800, &[], &inner);
    let mut bench = Bench::new(&Limits::default());
    let Got::Ip(got) = bench.cut(101, packet.len() as u32, &packet[..packet.len() - 10]) else { panic!() };
    assert_eq!((got.missing, &got.payload[..]), (10, &BODY[..BODY.len() - 10]));
    assert_eq!(bench.anomalies, []);
}

#[test]
fn transport_checksums() {
    use wire::ip::Sound;
    let mut bench = wire::decode::Decoder::new(&Limits::default());
    let mut check = |packet: &[u8]| match bench.decode(
        0,
        wire::dissect::Frame::new(0, 1),
        101,
        packet.len() as u32,
        packet,
        &mut |_, _| {},
    ) {
        wire::decode::Outcome::Ip(d) => wire::ip::sound(&d),
        other => panic!("{other:?}"),
    };
    // A DNS query captured on a host: 10.0.0.1 asks 10.0.0.2, checksum by hand.
    let mut body = udp(53, 53, b"odd");
    assert_eq!(check(&ip4(17, &body)), Sound::Unknown, "left out");
    let pseudo = wire::ip::sum(&A4) + wire::ip::sum(&B4) + 17 + body.len() as u64;
    let right = wire::ip::checksum(wire::ip::sum(&body) + pseudo);
    // By hand: 0a00 0001 0a00 0002 0011 000b 0035 0035 000b 0000 6f64 6400.
    let by_hand = 0x0a00_u32 + 1 + 0x0a00 + 2 + 0x11 + 11 + 0x35 + 0x35 + 11 + 0x6f64 + 0x6400;
    assert_eq!(u32::from(right), !by_hand & 0xffff);
    body[6..8].copy_from_slice(&right.to_be_bytes());
    assert_eq!(check(&ip4(17, &body)), Sound::Right);
    body[9] ^= 1;
    assert_eq!(check(&ip4(17, &body)), Sound::Wrong);
    assert_eq!(check(&ip4(1, &body)), Sound::Unknown);
}

/// One packet of every kind there is above.
fn zoo() -> Vec<(u16, Vec<u8>)> {
    let frame = ethernet(0x0800, &ip4(6, BODY));
    let vxlan = [&[8, 0, 0, 0, 0, 0, 42, 0][..], &frame].concat();
    let two = [&[0, 0, 0, 9, 0x10, 0x64, 0, 1, 0, 0, 0, 2][..], &frame].concat();
    let three = [&[0, 0, 0, 9, 0x20, 0x64, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0; 8], &frame].concat();
    let label = [0, 0x10, 1, 64];
    let radiotap =
        [&[0, 0, 9, 0, 0, 0, 0, 0, 0, 0x88, 3][..], &[0; 32], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ip4(6, BODY)].concat();
    vec![
        (1, frame.clone()),
        (
            1,
            ethernet(
                0x8100,
                &[
                    &[0, 8, 0x86, 0xdd][..],
                    &ip6(0, &[&[44, 0, 0, 0, 0, 0, 0, 0][..], &[6, 0, 0, 1, 0, 0, 0, 1], BODY].concat()),
                ]
                .concat(),
            ),
        ),
        (1, ethernet(0x0800, &ip4_with(17, 7, 0x2000, 9, &[], &[1; 64]))),
        (1, ethernet(0x0800, &ip4_with(17, 7, 0x0008, 9, &[], &[1; 64]))),
        (101, ip6(44, &[&[17, 0, 0, 1, 0, 0, 0, 1][..], &[2; 64]].concat())),
        (101, ip6(44, &[&[17, 0, 0, 0x40, 0, 0, 0, 1][..], &[2; 64]].concat())),
        (101, gre(0xb000, 0x6558, &[0; 12], &frame)),
        (101, gre(0x1000, 0x88be, &[], &two)),
        (101, gre(0x1000, 0x22eb, &[], &three)),
        (101, ip4(17, &udp(1, 4789, &vxlan))),
        (101, ip6(17, &udp(1, 6081, &[&[0, 0, 0x65, 0x58, 0, 0, 1, 0][..], &frame].concat()))),
        (
            101,
            ip4(
                17,
                &udp(1, 2152, &[&[0x34, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0][..], &ip4(6, BODY)].concat()),
            ),
        ),
        (1, ethernet(0x8847, &[&label[..], &[0, 0, 0, 7], &frame].concat())),
        (113, [&[0, 4, 0, 1, 0, 6][..], &SRC_MAC, &[0, 0, 8, 0], &ip4(4, &ip4(41, &ip6(6, BODY)))].concat()),
        (276, [&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6][..], &SRC_MAC, &[0, 0], &ip4(6, BODY)].concat()),
        (0, [&[2, 0, 0, 0][..], &ip4(6, BODY)].concat()),
        (9, [&[0xff, 3, 0, 0x21][..], &ip4(6, BODY)].concat()),
        (127, radiotap),
        (239, [&[2, 0, 0, 0, 49, 0, 9, 0][..], &ip4(6, BODY)].concat()),
    ]
}

#[test]
fn every_truncation_of_every_kind() {
    for (link, packet) in zoo() {
        for length in 0..packet.len() {
            let mut bench = Bench::new(&Limits::default());
            bench.feed(link, &packet[..length]);
            bench.cut(link, packet.len() as u32, &packet[..length]);
        }
    }
}

#[test]
fn changed_bytes_never_panic_nor_grow_memory() {
    let limits = Limits { fragment_datagrams: 64, fragment_bytes: 8_192, ..Limits::default() };
    let mut bench = Bench::new(&limits);
    let zoo = zoo();
    let mut dice = Dice(5);
    for _ in 0..150_000 {
        let (link, mut packet) = zoo[dice.below(zoo.len())].clone();
        for _ in 0..dice.below(5) {
            let at = dice.below(packet.len());
            packet[at] = dice.next() as u8;
        }
        if dice.below(8) == 0 {
            packet.truncate(dice.below(packet.len()));
        }
        bench.now += dice.below(20_000_000) as i64 - 1_000_000;
        let orig_len = packet.len() as u32 + [0, 0, 0, 40][dice.below(4)];
        if let Got::Ip(d) = bench.cut(link, orig_len, &packet) {
            assert!(d.payload.len() <= 65_535);
        }
        bench.anomalies.clear();
        let (datagrams, bytes) = bench.decoder.waiting();
        assert!(datagrams <= 64 && bytes <= 8_192);
    }
    assert!(bench.decoder.fragments().reassembled > 100);
}
