//! Protocols told by name: each sample is its own protocol's and nobody else's; what is learnt of a flow; garbage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Dice;
use wire::dissect::Dir::{self, ToClient, ToServer};
use wire::dissect::Probe::{self, Client, Either, Server};
use wire::names::{Named, Talk, identify, service};

/// First bytes of a direction of a protocol.
struct Sample {
    app: &'static str,
    sender: Probe,
    /// The server's port and whether the sample is on it; a sample that needs none has 1.
    port: u16,
    datagram: bool,
    bytes: Vec<u8>,
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

fn tcp(app: &'static str, sender: Probe, port: u16, bytes: impl Into<Vec<u8>>) -> Sample {
    Sample { app, sender, port, datagram: false, bytes: bytes.into() }
}
fn udp(app: &'static str, sender: Probe, port: u16, bytes: impl Into<Vec<u8>>) -> Sample {
    Sample { app, sender, port, datagram: true, bytes: bytes.into() }
}

const DNS_QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";
const HTTP: &[u8] = b"GET /plc?token=secret HTTP/1.1\r\nHost: 10.0.0.7\r\n\r\n";
const S7_CONNECT: &[u8] = &[3, 0, 0, 22, 17, 0xE0, 0, 0, 0, 1, 0, 0xC1, 2, 1, 0, 0xC2, 2, 1, 2, 0xC0, 1, 10];
const S7_SETUP: &[u8] = &[3, 0, 0, 25, 2, 0xF0, 0x80, 0x32, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0xF0, 0, 0, 1, 0, 1, 1, 0xE0];

fn snmp(version: u8, pdu: u8) -> Vec<u8> {
    let rest = [&[2, 1, version, 4, 6][..], b"public", &[pdu, 11, 2, 1, 1, 2, 1, 0, 2, 1, 0, 0x30, 0]].concat();
    [&[0x30, u8::try_from(rest.len()).unwrap()], &rest[..]].concat()
}
fn snmp3(flags: u8) -> Vec<u8> {
    let rest =
        [&[2, 1, 3, 0x30, 13, 2, 1, 9, 2, 2, 5, 0xDC, 4, 1, flags, 2, 1, 3][..], &[4, 2, 0x30, 0, 4, 0]].concat();
    [&[0x30, u8::try_from(rest.len()).unwrap()], &rest[..]].concat()
}
fn dhcp_discover() -> Vec<u8> {
    [&[1, 1, 6, 0][..], &[0; 232], &[0x63, 0x82, 0x53, 0x63, 0x35, 1, 1, 0xFF]].concat()
}
fn enip(command: u16, session: u32, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&command.to_le_bytes()[..], &length.to_le_bytes(), &session.to_le_bytes(), &[0; 16], data].concat()
}
fn ntp(first: u8) -> Vec<u8> {
    [&[first, 2][..], &[0; 46]].concat()
}
fn smb2(flags: u8, command: u8, body: &[u8]) -> Vec<u8> {
    let mut header = [&[0xFE, b'S', b'M', b'B', 64, 0][..], &[0; 58]].concat();
    (header[12], header[16]) = (command, flags);
    let length = u32::try_from(header.len() + body.len()).unwrap();
    [&length.to_be_bytes()[..], &header, body].concat()
}
fn rpc_profinet() -> Vec<u8> {
    let interface = unhex("0100a0de 976c d111 8271 00a02442df7d");
    [&[4, 0, 0x20, 0, 0x10, 0, 0, 0][..], &[0; 16], &interface, &[0; 40]].concat()
}
fn ams() -> Vec<u8> {
    let header = [&[0; 16][..], &[2, 0, 4, 0, 12, 0, 0, 0], &[0; 8], &[0; 12]].concat();
    [&[0, 0, 44, 0, 0, 0][..], &header].concat()
}
fn mysql() -> Vec<u8> {
    let body = [b"\x0a8.0.36\0".as_slice(), &[7; 60]].concat();
    [&[u8::try_from(body.len()).unwrap(), 0, 0, 0][..], &body].concat()
}
fn mms_connect() -> Vec<u8> {
    let session =
        [&[0x0D, 0x20, 5, 6, 0x13, 1, 0, 0x16, 1, 2][..], &[0x14, 2, 0, 2, 6, 5, 0x28, 0xCA, 0x22, 2, 1], &[0; 11]]
            .concat();
    let length = u8::try_from(session.len() + 7).unwrap();
    [&[3, 0, 0, length, 2, 0xF0, 0x80][..], &session].concat()
}
fn postgres() -> Vec<u8> {
    let body = b"\x00\x03\x00\x00user\x00historian\x00database\x00plant\x00\x00";
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], body].concat()
}
fn oracle() -> Vec<u8> {
    let text = b"(DESCRIPTION=(CONNECT_DATA=(SID=plant)))";
    let length = u8::try_from(text.len() + 8).unwrap();
    [&[0, length, 0, 0, 1, 0, 0, 0][..], text].concat()
}

fn samples() -> Vec<Sample> {
    let mut all = streams();
    all.extend(datagrams());
    all
}

fn streams() -> Vec<Sample> {
    vec![
        tcp("http", Client, 1, HTTP),
        tcp("http", Server, 1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        tcp("http", Client, 1, "CONNECT host.example:443 HTTP/1.1\r\n\r\n"),
        tcp("http2", Client, 1, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        tcp("rtsp", Client, 1, "DESCRIBE rtsp://10.0.0.9/stream RTSP/1.0\r\nCSeq: 2\r\n\r\n"),
        tcp("rtsp", Server, 1, "RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n"),
        tcp("sip", Client, 1, "INVITE sip:bob@example.com SIP/2.0\r\nVia: x\r\n\r\n"),
        tcp("ssh", Either, 1, "SSH-2.0-OpenSSH_9.6\r\n"),
        tcp("ssh", Server, 22, "SSH-2.0-dropbear\r\n"),
        tcp("vnc", Server, 5900, "RFB 003.008\n"),
        tcp("ftp", Server, 21, "220 Welcome\r\n"),
        tcp("ftp", Server, 1, "220 ProFTPD 1.3 Server ready.\r\n"),
        tcp("ftp", Client, 21, "USER operator\r\n"),
        tcp("smtp", Server, 25, "220 Welcome\r\n"),
        tcp("smtp", Server, 1, "220 mail.example ESMTP Postfix\r\n"),
        tcp("smtp", Client, 1, "EHLO plc.example\r\n"),
        tcp("pop3", Server, 110, "+OK ready\r\n"),
        tcp("imap", Server, 143, "* OK [CAPABILITY IMAP4rev1] ready\r\n"),
        tcp("imap", Client, 143, "a1 LOGIN bob secret\r\n"),
        tcp("telnet", Either, 1, [0xFF, 0xFD, 1, 0xFF, 0xFB, 3]),
        tcp("telnet", Server, 23, [0xFF, 0xFD, 24]),
        tcp("redis", Client, 1, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"),
        tcp("amqp", Client, 1, *b"AMQP\0\0\x09\x01"),
        tcp(
            "rdp",
            Client,
            1,
            unhex("0300002b26e00000000000")
                .into_iter()
                .chain(*b"Cookie: mstshash=bob\r\n\x01\0\x08\0\x0b\0\0\0")
                .collect::<Vec<_>>(),
        ),
        tcp("rdp", Client, 1, unhex("030000130ee000000000000100080003000000")),
        tcp("rdp", Server, 1, unhex("030000130ed000001234000200080002000000")),
        tcp("cotp", Client, 1, S7_CONNECT),
        tcp("s7comm", Client, 1, S7_SETUP),
        tcp("s7comm_plus", Client, 102, unhex("0300002002f08072010011310000")),
        tcp("mms", Client, 1, mms_connect()),
        tcp("smb", Client, 1, [&[0, 0, 0, 47, 0xFF, b'S', b'M', b'B', 0x72][..], &[0; 42]].concat()),
        tcp("smb", Client, 1, smb2(0, 0, &[36, 0])),
        tcp("smb", Server, 1, smb2(1, 0, &[65, 0])),
        tcp("smb", Client, 445, [&[0, 0, 0, 90, 0xFD, b'S', b'M', b'B'][..], &[0; 86]].concat()),
        tcp("smb", Client, 1, [&[0x81, 0, 0, 68, 32][..], &[b'C'; 67]].concat()),
        tcp("ldap", Client, 1, unhex("300c020101600702010304008000")),
        tcp("ldap", Server, 389, unhex("300c02010161070a010004000400")),
        tcp("dcerpc", Client, 1, unhex("05000b0310000000480000000100000000000000")),
        tcp("dns", Client, 53, [&[0, u8::try_from(DNS_QUERY.len()).unwrap()], DNS_QUERY].concat()),
        tcp("rpc", Client, 1, unhex("8000002800000007000000000000000200 0186a0000000020000000300000000")),
        tcp("kerberos", Client, 1, unhex("0000010d6a82010930820105a103020105a20302010a")),
        tcp("bgp", Server, 179, [&[0xFF; 16][..], &[0, 29, 1, 4], &[0; 9]].concat()),
        tcp("c1222", Client, 1153, unhex("606da20a06082b06010401828563a406020413e81421a611")),
        tcp("knx", Client, 3671, unhex("06100205001a0801c0a8000a 0e570801c0a8000a0e5704040200")),
        tcp("enip", Client, 1, enip(0x65, 0, &[1, 0, 0, 0])),
        tcp("enip", Server, 1, enip(0x65, 0x1234, &[1, 0, 0, 0])),
        tcp("enip", Client, 44_818, enip(0x6F, 0x1234, &[0; 16])),
        tcp("iec104", Client, 1, [0x68, 4, 7, 0, 0, 0]),
        tcp("iec104", Server, 1, [0x68, 4, 0x0B, 0, 0, 0]),
        tcp("iec104", Server, 2404, unhex("680e0000000064010600010000000014")),
        tcp("omron_fins", Client, 1, unhex("46494e530000000c000000000000000000000000")),
        tcp("hart_ip", Client, 5094, unhex("0100000000010 00d0100007530")),
        tcp("ads", Client, 1, ams()),
        tcp("melsec", Client, 1, unhex("500000ffff03000c00100001040000640000a80a00")),
        tcp("codesys", Client, 11_740, unhex("000117e81c000000c56b00")),
        tcp("ge_srtp", Client, 18_245, vec![0; 56]),
        tcp("postgres", Client, 1, postgres()),
        tcp("postgres", Client, 1, unhex("0000000804d2162f")),
        tcp("mysql", Server, 1, mysql()),
        tcp(
            "mssql",
            Client,
            1,
            unhex("1201001a0000010000000b000601001100010 2001200 01ff0f000000000000")[..26].to_vec(),
        ),
        tcp("oracle", Client, 1, oracle()),
        tcp("kafka", Client, 1, b"\x00\x00\x00\x11\x00\x12\x00\x00\x00\x00\x00\x01\x00\x07console".to_vec()),
        tcp("x11", Client, 6000, [b'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        tcp("teamviewer", Client, 5938, [0x17, 0x24, 0x0A, 0x20, 0]),
        tcp("syslog", Client, 1, "<134>Oct 11 22:14:15 plc su: failed"),
        tcp("syslog", Client, 1, "<134> 2021-04-18 15:12:3 host"),
        tcp("syslog", Client, 1, "31 <34>1 2026-10-11T22:14:15Z plc su"),
    ]
}

fn datagrams() -> Vec<Sample> {
    vec![
        udp("ssdp", Client, 1, "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n"),
        udp("sip", Client, 1, "REGISTER sip:example.com SIP/2.0\r\n\r\n"),
        udp("syslog", Client, 1, "<13>1 2026-01-01T00:00:00Z host app - - -"),
        udp("dhcp", Client, 1, dhcp_discover()),
        udp("dhcpv6", Client, 547, unhex("01 123456 0001 000a 00030001 020000000007")),
        udp("mdns", Either, 5353, DNS_QUERY),
        udp("llmnr", Client, 5355, DNS_QUERY),
        udp(
            "nbns",
            Client,
            137,
            [&unhex("123401100001000000000000")[..], &[32], b"EACACACACACACACACACACACACACACACA", &[0, 0, 32, 0, 1]]
                .concat(),
        ),
        udp("dns", Client, 53, DNS_QUERY),
        udp("netbios_datagram", Either, 138, [&unhex("11020001 0a000007 008a 00bb 0000")[..], &[32; 60]].concat()),
        udp("snmp", Client, 1, snmp(0, 0xA0)),
        udp("snmp", Server, 1, snmp(1, 0xA2)),
        udp("snmp", Client, 161, snmp3(4)),
        udp("ldap", Client, 1, unhex("300c020101600702010304008000")),
        udp("tftp", Client, 1, *b"\x00\x01firmware.bin\x00octet\x00"),
        udp("bacnet", Client, 1, unhex("810a001101040005010c0c023fffff194b")),
        udp("bacnet", Either, 1, unhex("810b000c0120ffff00ff1008")),
        udp("knx", Client, 3671, unhex("06100201000e0801c0a8000aabcd")),
        udp("rpc", Client, 1, unhex("5fb5525800000000000000020001 86a00000000200000003")),
        udp("kerberos", Server, 1, unhex("6b8201093082 0105a003020105a10302010b")),
        udp("enip", Client, 1, enip(0x63, 0, &[])),
        udp("enip", Server, 1, enip(0x63, 0, &[1, 0, 0x0C, 0, 0, 0])),
        udp("cip_io", Either, 1, unhex("0200028008001234567801000000b1000600010000000000")),
        udp("hart_ip", Client, 5094, unhex("01 00 00 00 0001 000d 01 00007530")),
        udp("omron_fins", Client, 9600, unhex("800002000100000200000501")),
        udp("melsec", Server, 1, unhex("d00000ffff030004000000d204")),
        udp("profinet_cm", Client, 1, rpc_profinet()),
        udp("ads", Client, 48_899, unhex("036614710000000006000000")),
        udp("codesys", Either, 1740, unhex("c56b40400030000a00010002000300")),
        udp("stun", Client, 1, unhex("000100002112a442000102030405060708090a0b")),
        udp("quic", Client, 443, [&unhex("c300000001080001020304050607 00")[..], &[9; 60]].concat()),
        udp("isakmp", Client, 500, unhex("0102030405060708 0000000000000000 21202208 00000000 0000001c")),
        udp("wireguard", Client, 1, [&[1, 0, 0, 0][..], &[7; 144]].concat()),
        udp("radius", Client, 1812, [&[1, 7, 0, 20][..], &[3; 16]].concat()),
        udp("coap", Client, 5683, unhex("42017d34abcdb474656d70")),
        udp("ptp", Either, 319, [&[0, 2, 0, 44][..], &[0; 40]].concat()),
        udp("ntp", Client, 123, ntp(0x23)),
        udp("ntp", Server, 123, ntp(0x24)),
    ]
}

/// Asks with the ports that a sample has, its sender being client or server.
fn ask(sample: &Sample, port: u16) -> Option<Named> {
    let both = sample.sender == Either && port != 1;
    let (from, to) = match sample.sender {
        _ if both => (port, port),
        Server => (port, 40_000),
        _ => (40_000, port),
    };
    identify(&sample.bytes, from, to, sample.datagram)
}

#[test]
fn each_sample_is_its_own_protocols() {
    for sample in samples() {
        let found = ask(&sample, sample.port);
        let shown = String::from_utf8_lossy(&sample.bytes).into_owned();
        let want = if sample.app == "mdns" { Client } else { sample.sender };
        assert_eq!(found, Some(Named { app: sample.app, sender: want }), "{} {shown}", sample.app);
    }
}

/// On each other protocol's port a sample is still its own protocol's, or nobody's.
#[test]
fn no_sample_is_taken_for_another() {
    let ports: Vec<(&str, u16)> = samples().iter().map(|s| (s.app, s.port)).filter(|(_, p)| *p != 1).collect();
    let same = |a: &str, b: &str| {
        let dns = ["dns", "mdns", "llmnr", "nbns"];
        let greeting = ["ftp", "smtp", "pop3"];
        a == b || (dns.contains(&a) && dns.contains(&b)) || (greeting.contains(&a) && greeting.contains(&b))
    };
    for sample in samples() {
        for (other, port) in ports.iter().chain(&[("", 1), ("", 80), ("", 502), ("", 20_000), ("", 4840), ("", 1883)]) {
            if let Some(found) = ask(&sample, *port) {
                assert!(same(found.app, sample.app), "{} on the port of {other} is {}", sample.app, found.app);
            }
        }
    }
}

/// What other dissectors read must not be named here, whatever the port.
#[test]
fn flows_of_the_dissected_protocols_are_left_alone() {
    let others = [
        "000100000006010300000 00a",
        "0001000000050103020000",
        "00000000000b0110000a0002040001 0002",
        "0564 05 c0 0100 0004 e921",
        "0564 14 f3 0100 0004 0a3b c0c301 3c02063c03063c0406 3c0106 75a1",
        "48454c46 39000000 00000000 ffff0000 ffff0000 00000000 00000000 19000000 6f70632e7463703a2f2f",
        "100c00044d515454 0402003c0000",
        "20020000",
        "160301002e0100002a0303",
        "1703030030",
        "803e0103010015000000 10",
    ];
    for hex in others {
        for port in [
            1, 21, 23, 25, 53, 80, 102, 123, 137, 161, 389, 445, 502, 1883, 2404, 3389, 4840, 5094, 9600, 20_000,
            44_818,
        ] {
            for datagram in [false, true] {
                assert_eq!(identify(&unhex(hex), 40_000, port, datagram), None, "{hex} to {port}");
                assert_eq!(identify(&unhex(hex), port, 40_000, datagram), None, "{hex} from {port}");
            }
        }
    }
}

/// Random bytes have no name; nor do samples cut short panic.
#[test]
fn garbage_has_no_name() {
    let mut dice = Dice(5);
    let samples = samples();
    let mut named = 0;
    for input in 0..100_000 {
        let n = dice.below(64);
        let bytes = dice.bytes(n);
        let (from, to) = (dice.next() as u16, dice.next() as u16);
        named += usize::from(identify(&bytes, from, to, input % 2 == 0).is_some());
        let sample = &samples[dice.below(samples.len())];
        let mut bytes = sample.bytes[..dice.below(sample.bytes.len() + 1)].to_vec();
        for _ in 0..dice.below(4) {
            let at = dice.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = dice.next() as u8;
            }
        }
        let named = identify(&bytes, 40_000, sample.port, sample.datagram);
        let mut talk = Talk::new(named.map_or(sample.app, |n| n.app));
        let cut = dice.below(bytes.len() + 1);
        for (i, piece) in [&bytes[..cut], &bytes[cut..], &sample.bytes].into_iter().enumerate() {
            talk.look(if (i + input) % 2 == 0 { ToServer } else { ToClient }, piece);
        }
        assert!(talk.info().len() <= 256);
    }
    assert!(named <= 2, "{named} of 100000 random inputs were named");
}

/// Follows a dialogue.
fn talk(app: &'static str, pieces: &[(Dir, &[u8])]) -> Talk {
    let mut talk = Talk::new(app);
    for (dir, piece) in pieces {
        talk.look(*dir, piece);
    }
    talk
}

fn facts(t: &Talk) -> (&str, &str, &str, Option<bool>) {
    (t.app(), t.info(), t.credentials(), t.encrypted())
}

#[test]
fn http_tells_request_status_and_scheme_but_no_secret() {
    let t = talk("http", &[(ToServer, HTTP), (ToClient, b"HTTP/1.1 404 Not Found\r\n\r\n")]);
    assert_eq!(facts(&t), ("http", "GET 10.0.0.7/plc 404", "", Some(false)));
    for (value, want) in [
        ("Basic b3BlcmF0b3I6c2VjcmV0", "http_basic"),
        ("Basic YWRtaW46YWRtaW4=", "http_basic_default"),
        ("Basic not*base64", "http_basic"),
        ("bearer abc", "http_bearer"),
        ("Digest username=\"bob\"", "http_digest"),
        ("NTLM TlRM", "http_ntlm"),
        ("Other x", "http_other"),
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: h\r\nauthorization: {value}\r\n\r\nbody");
        // Cut anywhere, the same is learnt.
        for cut in 0..request.len() {
            let (a, b) = request.as_bytes().split_at(cut.max(8));
            let t = talk("http", &[(ToServer, a), (ToServer, b)]);
            assert_eq!(facts(&t), ("http", "POST h/", want, Some(false)), "{cut}");
        }
    }
}

#[test]
fn http_credentials_of_a_later_request() {
    let t = talk(
        "http",
        &[
            (ToServer, HTTP),
            (ToClient, b"HTTP/1.1 401 Unauthorized\r\n\r\n<html>"),
            (ToClient, b"more of the body, HTTP/1.1 in it"),
            (ToServer, b"GET /plc HTTP/1.1\r\nHost: 10.0.0.7\r\nAuthorization: Digest x\r\n\r\n"),
            (ToClient, b"HTTP/1.1 200 OK\r\n\r\n"),
        ],
    );
    assert_eq!(facts(&t), ("http", "GET 10.0.0.7/plc 401", "http_digest", Some(false)));
}

#[test]
fn http_targets_lose_what_may_be_secret() {
    let t = talk("http", &[(ToServer, b"GET http://bob:secret@h.example/a?b=c HTTP/1.1\r\nHost: x\r\n\r\n")]);
    assert_eq!(t.info(), "GET h.example/a");
    let form =
        b"POST /login HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\r\n";
    let t = talk("http", &[(ToServer, form), (ToServer, b"user=bob&Password=secret")]);
    assert_eq!(facts(&t), ("http", "POST h/login", "http_form", Some(false)));
    let t = talk("http", &[(ToServer, form), (ToServer, b"a=b&passage=secret")]);
    assert_eq!(t.credentials(), "");
}

#[test]
fn http_becomes_winrm_or_a_websocket() {
    let t = talk("http", &[(ToServer, b"POST /wsman HTTP/1.1\r\nHost: h:5985\r\nAuthorization: Negotiate x\r\n\r\n")]);
    assert_eq!(facts(&t), ("winrm", "POST h:5985/wsman", "http_negotiate", Some(false)));
    let t = talk(
        "http",
        &[
            (ToServer, b"GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n"),
            (ToClient, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        ],
    );
    assert_eq!(facts(&t), ("websocket", "GET h/mqtt 101", "", Some(false)));
}

#[test]
fn a_long_header_is_cut_not_kept() {
    let long =
        [b"GET /".as_slice(), &[b'a'; 100_000], b" HTTP/1.1\r\nHost: h\r\nAuthorization: Basic x\r\n\r\n"].concat();
    let t = talk("http", &[(ToServer, &long[..50_000]), (ToServer, &long[50_000..])]);
    assert!(t.info().len() <= 256 && t.info().starts_with("GET h/aaa"), "{}", t.info());
    assert_eq!(t.credentials(), "http_basic");
}

#[test]
fn line_protocols_tell_greeting_login_and_encryption() {
    let login: &[(Dir, &[u8])] =
        &[(ToClient, b"220 vxWorks FTP\r\n"), (ToServer, b"USER ope"), (ToServer, b"rator\r\nPASS secret\r\n")];
    assert_eq!(facts(&talk("ftp", login)), ("ftp", "vxWorks FTP", "ftp_user", Some(false)));
    assert_eq!(talk("ftp", &[(ToServer, b"USER anonymous\r\nPASS a@b\r\n")]).credentials(), "");
    let shipped = b"USER SYSDIAG\r\nPASS factorycast@schneider\r\nUSER operator\r\nPASS other\r\n";
    assert_eq!(talk("ftp", &[(ToServer, shipped)]).credentials(), "ftp_default", "and it stays so");
    assert_eq!(talk("ftp", &[(ToServer, b"PASS admin\r\n")]).credentials(), "", "whose, is not known");
    let tls = talk("ftp", &[(ToServer, b"AUTH TLS\r\n"), (ToClient, b"234 go\r\n"), (ToServer, b"USER x\r\n")]);
    assert_eq!(facts(&tls), ("ftp", "go", "", Some(true)));
    assert!(tls.turns_to_tls());
    let refused =
        talk("smtp", &[(ToServer, b"STARTTLS\r\n"), (ToClient, b"454 no\r\n"), (ToServer, b"AUTH PLAIN AGI=\r\n")]);
    assert_eq!((refused.credentials(), refused.encrypted()), ("smtp_auth", Some(false)));
    assert!(!refused.turns_to_tls());
    assert_eq!(talk("pop3", &[(ToServer, b"USER bob\r\n")]).credentials(), "pop3_user");
    assert_eq!(talk("imap", &[(ToServer, b"a1 login bob secret\r\n")]).credentials(), "imap_login");
    assert_eq!(talk("imap", &[(ToServer, b"a STARTTLS\r\n"), (ToClient, b"a OK go\r\n")]).encrypted(), Some(true));
}

#[test]
fn telnet_sees_a_login_by_its_prompt() {
    let options = [0xFF, 0xFD, 0x18, 0xFF, 0xFA, 0x18, b':', 0xFF, 0xF0];
    let t = talk(
        "telnet",
        &[(ToClient, &options), (ToClient, b"\r\nPLC-7 console\r\nlogin: "), (ToServer, &options), (ToServer, b"b")],
    );
    assert_eq!(facts(&t), ("telnet", "PLC-7 console", "telnet_login", Some(false)));
    let t = talk("telnet", &[(ToClient, b"Press a key: "), (ToServer, b"b")]);
    assert_eq!(t.credentials(), "");
    let t = talk("telnet", &[(ToClient, b"Password:"), (ToServer, b"\r\n")]);
    assert_eq!(t.credentials(), "", "an empty line is no password");
}

#[test]
fn telnet_knows_accounts_that_are_shipped() {
    let login = |name: &'static [u8], password: &'static [u8]| {
        let echo: &[u8] = name;
        let pieces: [(Dir, &[u8]); 6] = [
            (ToClient, b"\r\nlogin: "),
            (ToServer, name),
            (ToClient, echo),
            (ToServer, b"\r\n"),
            (ToClient, b"\r\nPassword: "),
            (ToServer, password),
        ];
        let mut single = Vec::new();
        for (dir, piece) in &pieces {
            single.extend(piece.chunks(1).map(|one| (*dir, one)));
        }
        let (whole, keys) = (talk("telnet", &pieces), talk("telnet", &single));
        assert_eq!(whole.credentials(), keys.credentials(), "key by key the same");
        keys.credentials()
    };
    assert_eq!(login(b"root", b"root\r\n"), "telnet_default");
    assert_eq!(login(b"adnin\x08\x08\x08min", b"admin\r\n"), "telnet_default", "typed with corrections");
    assert_eq!(login(b"guest", b"\r\n"), "telnet_default", "no password at all");
    assert_eq!(login(b"root", b"better-one\r\n"), "telnet_login");
    assert_eq!(login(b"root", &[b'r'; 5000]), "telnet_login", "an endless password");
    let relay: [(Dir, &[u8]); 3] = [(ToServer, b"ACC\r\n"), (ToClient, b"Password: ? "), (ToServer, b"OTTER\r\n")];
    assert_eq!(talk("telnet", &relay).credentials(), "telnet_default", "a relay asks for no name");
}

#[test]
fn banners() {
    let t =
        talk("ssh", &[(ToClient, b"SSH-2.0-dropbear\r\n"), (ToServer, b"SSH-2.0-Open"), (ToServer, b"SSH_9\r\nxx")]);
    assert_eq!(facts(&t), ("ssh", "SSH-2.0-OpenSSH_9 SSH-2.0-dropbear", "", Some(true)));
    let hello = b"RFB 003.008\n".as_slice();
    let t = talk("vnc", &[(ToClient, hello), (ToServer, hello), (ToClient, &[2, 1, 2]), (ToServer, &[2])]);
    assert_eq!(facts(&t), ("vnc", "RFB 003.008 vnc_auth", "", Some(false)));
    let t = talk("vnc", &[(ToClient, b"RFB 003.003\n"), (ToServer, b"RFB 003.003\n"), (ToClient, &[0, 0, 0, 1])]);
    assert_eq!(facts(&t), ("vnc", "RFB 003.003 none", "", Some(false)));
}

#[test]
fn management_and_directories() {
    assert_eq!(facts(&talk("snmp", &[(ToServer, &snmp(0, 0xA0))])), ("snmp", "v1", "snmp_community", Some(false)));
    assert_eq!(facts(&talk("snmp", &[(ToServer, &snmp(1, 0xA5))])), ("snmp", "v2c", "snmp_community", Some(false)));
    assert_eq!(facts(&talk("snmp", &[(ToServer, &snmp3(4)), (ToServer, &snmp3(7))])), ("snmp", "v3", "", Some(true)));
    let bind = unhex("30120201016 00d020103040 362 6f62 8003707764".replace(' ', "").as_str());
    assert_eq!(talk("ldap", &[(ToServer, &bind)]).credentials(), "ldap_simple");
    let anonymous = unhex("300c020101600702010304008000");
    assert_eq!(talk("ldap", &[(ToServer, &anonymous)]).credentials(), "");
    let start = [&unhex("301d02010177188016")[..], b"1.3.6.1.4.1.1466.20037"].concat();
    let granted = unhex("300c02010178070a010004000400");
    assert_eq!(talk("ldap", &[(ToServer, &start), (ToClient, &granted)]).encrypted(), Some(true));
}

#[test]
fn names_asked_for() {
    assert_eq!(talk("dns", &[(ToServer, DNS_QUERY)]).info(), "example.com");
    assert_eq!(talk("quic", &[(ToServer, &[0xC3, 0, 0, 0, 1, 8])]).info(), "version 1");
    assert_eq!(
        talk("quic", &[(ToClient, &[0x80, 0, 0, 0, 0]), (ToServer, &[0xC0, 0xFF, 0, 0, 29])]).info(),
        "draft 29"
    );
    let nbns = [&unhex("123401100001000000000000")[..], &[32], b"FAEMEDDHCACACACACACACACACACACAAA", &[0, 0, 32, 0, 1]]
        .concat();
    assert_eq!(talk("nbns", &[(ToServer, &nbns)]).info(), "PLC7");
    assert_eq!(talk("tftp", &[(ToServer, b"\x00\x02fw.bin\x00octet\x00")]).info(), "write fw.bin");
}

#[test]
fn windows_services() {
    let answer = |dialect: u16| smb2(1, 0, &[&[65, 0, 1, 0][..], &dialect.to_le_bytes(), &[0; 58]].concat());
    let t = talk("smb", &[(ToServer, &smb2(0, 0, &[36, 0])), (ToClient, &answer(0x0302))]);
    assert_eq!(facts(&t), ("smb", "SMB 3.0.2", "", Some(false)));
    let transform = [&[0, 0, 0, 90, 0xFD, b'S', b'M', b'B'][..], &[0; 86]].concat();
    let t = talk("smb", &[(ToClient, &answer(0x0311)), (ToServer, &transform)]);
    assert_eq!(facts(&t), ("smb", "SMB 3.1.1", "", Some(true)));
    let confirm = unhex("030000130ed000001234000200080002000000");
    assert_eq!(facts(&talk("rdp", &[(ToClient, &confirm)])), ("rdp", "credssp", "", Some(true)));
    let plain = unhex("0300000b06d00000123400");
    assert_eq!(facts(&talk("rdp", &[(ToClient, &plain)])), ("rdp", "standard", "", None));
}

#[test]
fn iso_transport_becomes_what_it_carries() {
    let t = talk("cotp", &[(ToServer, S7_CONNECT), (ToServer, S7_SETUP)]);
    assert_eq!(facts(&t), ("s7comm", "rack 0 slot 2", "", Some(false)));
    let t = talk("cotp", &[(ToServer, S7_CONNECT), (ToServer, &mms_connect())]);
    assert_eq!(facts(&t), ("mms", "", "", Some(false)));
    let plus = unhex("0300002002f08072010011310000");
    let t = talk("cotp", &[(ToServer, S7_CONNECT), (ToServer, &plus)]);
    assert_eq!((t.app(), t.encrypted()), ("s7comm_plus", None));
}

#[test]
fn databases() {
    let ask = unhex("0000000804d2162f");
    assert_eq!(talk("postgres", &[(ToServer, &ask), (ToClient, b"S")]).encrypted(), Some(true));
    let clear = unhex("520000000800000003");
    let t = talk(
        "postgres",
        &[
            (ToServer, &ask),
            (ToClient, b"N"),
            (ToServer, &postgres()),
            (ToClient, &clear),
            (ToServer, b"p\0\0\0\x08pw\0"),
        ],
    );
    assert_eq!((t.credentials(), t.encrypted()), ("postgres_password", Some(false)));
    let t = talk("mysql", &[(ToClient, &mysql()), (ToServer, &[32, 0, 0, 1, 0x85, 0xAE, 0, 0])]);
    assert_eq!((t.info(), t.encrypted(), t.turns_to_tls()), ("8.0.36", Some(true), true));
    assert_eq!(talk("redis", &[(ToServer, b"*2\r\n$4\r\nauth\r\n$1\r\nx\r\n")]).credentials(), "redis_auth");
}

#[test]
fn ports_speak_where_content_is_silent() {
    assert_eq!(
        [service(502, false), service(47_808, true), service(9, false), service(443, true)],
        ["modbus", "bacnet", "", "quic"]
    );
}
