//! DTLS: fragments in any order, repetitions, cookies, the unified header of 1.3.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Dice, Piece, Run};
use wire::dissect::Dir::{ToClient, ToServer};
use wire::dissect::Probe;
use wire::tls::{Dtls, probe_datagram};

const V12: u16 = 0xFEFD;

fn block8(body: &[u8]) -> Vec<u8> {
    [&[u8::try_from(body.len()).unwrap()], body].concat()
}
fn block16(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}
fn three(n: usize) -> Vec<u8> {
    u32::try_from(n).unwrap().to_be_bytes()[1..].to_vec()
}
fn record(kind: u8, epoch: u16, body: &[u8]) -> Vec<u8> {
    [&[kind], &V12.to_be_bytes()[..], &epoch.to_be_bytes(), &[0; 6], &block16(body)].concat()
}
fn fragment(kind: u8, number: u16, body: &[u8], from: usize, to: usize) -> Vec<u8> {
    let head = [&[kind][..], &three(body.len()), &number.to_be_bytes(), &three(from), &three(to - from)].concat();
    record(22, 0, &[&head, &body[from..to]].concat())
}
fn message(kind: u8, number: u16, body: &[u8]) -> Vec<u8> {
    fragment(kind, number, body, 0, body.len())
}

fn client_hello(cookie: &[u8], versions: &[u16]) -> Vec<u8> {
    let name = block16(&[&[0], &block16(b"meter.example")[..]].concat());
    let mut extensions = [&[0, 0][..], &block16(&name)].concat();
    if !versions.is_empty() {
        let list: Vec<u8> = versions.iter().flat_map(|v| v.to_be_bytes()).collect();
        extensions.extend([&[0, 43][..], &block16(&block8(&list))].concat());
    }
    let fixed = [&V12.to_be_bytes()[..], &[7; 32], &[0], &block8(cookie)].concat();
    [fixed, block16(&[0xC0, 0x2B, 0xC0, 0xAE]), vec![1, 0], block16(&extensions)].concat()
}
fn server_hello(cipher: u16, version13: bool) -> Vec<u8> {
    let extensions: &[u8] = if version13 { &[0, 43, 0, 2, 0xFE, 0xFC] } else { &[] };
    let fixed = [&V12.to_be_bytes()[..], &[8; 32], &[0], &cipher.to_be_bytes(), &[0]].concat();
    [fixed, block16(extensions)].concat()
}

fn handshake() -> Vec<Piece> {
    let verify = [&[0xFE, 0xFF][..], &block8(b"cookie")].concat();
    vec![
        (ToServer, message(1, 0, &client_hello(b"", &[]))),
        (ToClient, message(3, 0, &verify)),
        (ToServer, message(1, 1, &client_hello(b"cookie", &[]))),
        (ToClient, [message(2, 1, &server_hello(0xC0AE, false)), message(14, 2, &[])].concat()),
        (ToServer, [message(16, 2, &[4; 33]), record(20, 0, &[1]), record(22, 1, &[0xEE; 40])].concat()),
        (ToServer, record(23, 1, &[9; 80])),
    ]
}

fn rows(script: &[Piece]) -> (Vec<String>, Vec<String>) {
    let mut run = Run::new(Box::new(Dtls::new()));
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.datagram(packet, *dir, bytes);
    }
    run.end(script.len());
    assert!(run.mine);
    let lines = run.lines(&[
        "ts",
        "flow",
        "ja3",
        "server_cert_subject",
        "issuer",
        "not_before",
        "not_after",
        "self_signed",
        "server_cert_sha256",
        "server_cert_serial",
        "server_cert_names",
        "server_cert_key",
        "server_cert_signature",
    ]);
    let of = |table: &str| lines.iter().filter_map(|l| l.strip_prefix(table).map(str::to_owned)).collect();
    (of("tls "), of("anomalies "))
}

const ROW: &str = concat!(
    "frame=4 version=DTLSv1.2 version_number=65277 cipher=TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 sni=meter.example alpn= ",
    "ja4=dd2d020100_d45d8db8fc79_000000000000 ja4s=dd20000_c0ae_000000000000 client_cert_subject= resumed=0"
);

#[test]
fn a_handshake_with_a_cookie() {
    assert_eq!(rows(&handshake()), (vec![ROW.to_owned()], vec![]));
}

#[test]
fn fragments_in_any_order_and_twice() {
    let hello = client_hello(b"", &[]);
    let n = hello.len();
    let mut script = handshake();
    let pieces = [(40, n), (0, 10), (5, 30), (0, 10), (25, 50)];
    let fragments: Vec<Piece> = pieces.iter().map(|&(a, b)| (ToServer, fragment(1, 0, &hello, a, b))).collect();
    script.splice(0..1, fragments);
    let want = ROW.replace("frame=4", "frame=8");
    assert_eq!(rows(&script), (vec![want], vec![]));
}

#[test]
fn repeated_flights_are_one_handshake() {
    let script: Vec<Piece> = handshake().into_iter().flat_map(|p| [p.clone(), p]).collect();
    assert_eq!(rows(&script).0.len(), 1);
    let mut twice = handshake();
    let mut again = handshake();
    // Another random value: another association on the same ports.
    for (_, bytes) in [0, 2].map(|i| again[i].clone()) {
        assert_eq!(bytes[13 + 12 + 2], 7);
    }
    for i in [0, 2] {
        again[i].1[13 + 12 + 2] = 6;
    }
    twice.extend(again);
    assert_eq!(rows(&twice).0.len(), 2);
}

#[test]
fn version_1_3_and_its_unified_header() {
    let script = vec![
        (ToServer, message(1, 0, &client_hello(b"", &[0xFEFC, 0xFEFD]))),
        (ToClient, [message(2, 0, &server_hello(0x1301, true)), vec![0x2E, 0, 1, 0, 20], vec![9; 20]].concat()),
        (ToServer, [vec![0x2E, 0, 1, 0, 20], vec![9; 20]].concat()),
    ];
    let (found, anomalies) = rows(&script);
    assert_eq!(anomalies, [] as [String; 0]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("frame=2 version=DTLSv1.3 version_number=65276 cipher=TLS_AES_128_GCM_SHA256"),
        "{found:?}"
    );
    assert!(found[0].contains("ja4=dd3d020200_"), "{found:?}");
}

#[test]
fn probes() {
    let script = handshake();
    let want = [Probe::Client, Probe::Server, Probe::Client, Probe::Server, Probe::Either, Probe::Either];
    for ((_, bytes), want) in script.iter().zip(want) {
        assert_eq!(probe_datagram(bytes, 1, 2), want);
        assert_eq!(probe_datagram(&bytes[..bytes.len() - 1], 1, 2), Probe::No, "cut short");
        assert_eq!(probe_datagram(&[&bytes[..], b"x"].concat(), 1, 2), Probe::No, "with something behind");
    }
    assert_eq!(probe_datagram(b"\x16\x03\x03\x00\x05hello", 1, 2), Probe::No);
}

#[test]
fn what_is_malformed_is_told_and_the_rest_is_read() {
    let mut script = handshake();
    let mut bad = message(1, 0, &client_hello(b"", &[]));
    bad[13 + 11] = 0xFF;
    script.insert(0, (ToServer, bad));
    script.insert(1, (ToServer, record(22, 0, &[99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
    script.insert(2, (ToServer, record(22, 0, &[11, 0xFF, 0xFF, 0xFF, 0, 9, 0, 0, 0, 0, 0, 1, 7])));
    let (found, anomalies) = rows(&script);
    assert_eq!(found.len(), 1);
    let kinds: Vec<&str> =
        anomalies.iter().map(|a| a.split("kind=").nth(1).unwrap().split(' ').next().unwrap()).collect();
    assert_eq!(kinds, ["malformed", "unknown_code", "message_too_long"]);
}

#[test]
fn unfinished_messages_are_bounded() {
    let mut run = Run::new(Box::new(Dtls::new()));
    let body = vec![0; 900_000];
    for number in 0..200 {
        let head = fragment(11, number, &body, 0, 100);
        run.datagram(0, ToClient, &head);
        // Single bytes that never join.
        run.datagram(
            0,
            ToClient,
            &fragment(11, 300, &body[..5_000], usize::from(number) * 3 + 1, usize::from(number) * 3 + 2),
        );
    }
    run.end(1);
    assert!(run.mine);
}

#[test]
fn garbage() {
    let mut dice = Dice(21);
    let script = handshake();
    let mut run = Run::new(Box::new(Dtls::new()));
    for input in 0..100_000 {
        if input % 64 == 0 || !run.mine {
            run.end(input);
            run = Run::new(Box::new(Dtls::new()));
        }
        let mut bytes = script[dice.below(script.len())].1.clone();
        for _ in 0..dice.below(6) {
            let at = dice.below(bytes.len());
            bytes[at] = dice.next() as u8;
        }
        let cut = dice.below(bytes.len() * 4);
        bytes.truncate(cut.max(1));
        let dir = if dice.next() & 1 == 0 { ToServer } else { ToClient };
        let _ = probe_datagram(&bytes, 1, 2);
        run.datagram(input, dir, &bytes);
    }
}
