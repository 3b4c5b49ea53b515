//! TLS: handshakes of every version, records in pieces, and what must not stop the reading.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Dice, Piece, Run, battery};
use wire::dissect::Dir::{self, ToClient, ToServer};
use wire::dissect::{Dissector, Probe};
use wire::tls::{Tls, probe};

/// Made with `openssl req -new -x509 -subj "/O=Driftspan Test/CN=plc-7.example"`: its own issuer.
const SELF_SIGNED: &str = "308201cd30820172a00302010202021234300a06082a8648ce3d040302303131173015060355040a0c0e44726966747370616e20\
     546573743116301406035504030c0d706c632d372e6578616d706c65301e170d3236313132333030333035395a170d3336313132\
     303030333035395a303131173015060355040a0c0e44726966747370616e20546573743116301406035504030c0d706c632d372e\
     6578616d706c653059301306072a8648ce3d020106082a8648ce3d030107034200049c2d3d71d3fabf12140755238f7e9f740054\
     5d0a2647c65d33cdf2f95086088b15de32a30fdc44db6557f0de5ce071ce7571ea37be4508e078f4b28f86c09122a37a3078301d\
     0603551d0e04160414e0c876268153e37704b568a1bae519bf0bf8c91a301f0603551d23041830168014e0c876268153e37704b5\
     68a1bae519bf0bf8c91a300f0603551d130101ff040530030101ff30250603551d11041e301c820d706c632d372e6578616d706c\
     658205706c632d3787040a000007300a06082a8648ce3d0403020349003046022100b9e784d14fec71a8ef3afc5db5fa29f597a5\
     2742a850400ed59423cd1860ae1c022100c4b0a44fe098be372b2d1833f1e1ba71c0c53aa09edf563e8b74ad1544bee169";
/// Made with `openssl x509 -req`, issued by the one above to CN=historian.
const ISSUED: &str = "3082012b3081d3020107300a06082a8648ce3d040302303131173015060355040a0c0e44726966747370616e2054657374311630\
     1406035504030c0d706c632d372e6578616d706c65301e170d3236313132333030333035395a170d323631323233303033303539\
     5a30143112301006035504030c09686973746f7269616e3059301306072a8648ce3d020106082a8648ce3d030107034200049c2d\
     3d71d3fabf12140755238f7e9f7400545d0a2647c65d33cdf2f95086088b15de32a30fdc44db6557f0de5ce071ce7571ea37be45\
     08e078f4b28f86c09122300a06082a8648ce3d040302034700304402203ab73adcf23cca34b82b0fe4d1c811d6fc7145dc5cd6b6\
     0ba313ee04562d5f9702207d7b34306a28ed431753cd7eabe47eab530ecaca397fa015ae002674d74bc2bd";

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

fn make() -> Box<dyn Dissector> {
    Box::new(Tls::new())
}

fn block8(body: &[u8]) -> Vec<u8> {
    [&[u8::try_from(body.len()).unwrap()], body].concat()
}
fn block16(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}
fn block24(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[1..], body].concat()
}
fn numbers(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}
fn record(kind: u8, version: u16, body: &[u8]) -> Vec<u8> {
    [&[kind], &version.to_be_bytes()[..], &block16(body)].concat()
}
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &block24(body)[..]].concat()
}
fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &block16(body)].concat()
}

/// What a hello of a test is made of.
#[derive(Clone)]
struct Hello {
    version: u16,
    session: Vec<u8>,
    ciphers: Vec<u16>,
    extensions: Vec<Vec<u8>>,
    random: [u8; 32],
}

fn sni(name: &str) -> Vec<u8> {
    extension(0, &block16(&[&[0], &block16(name.as_bytes())[..]].concat()))
}
fn alpn(names: &[&[u8]]) -> Vec<u8> {
    extension(16, &block16(&names.iter().flat_map(|n| block8(n)).collect::<Vec<u8>>()))
}
fn versions(list: &[u16]) -> Vec<u8> {
    extension(43, &block8(&numbers(list)))
}

fn hello12() -> Hello {
    Hello {
        version: 0x0303,
        session: vec![],
        ciphers: vec![0xC02B, 0xC02F, 0x009C, 0x00FF],
        extensions: vec![
            sni("plc-7.example"),
            extension(10, &block16(&numbers(&[29, 23]))),
            extension(11, &block8(&[0])),
            extension(13, &block16(&numbers(&[0x0403, 0x0804]))),
            alpn(&[b"h2", b"http/1.1"]),
        ],
        random: [7; 32],
    }
}

fn hello13() -> Hello {
    let mut hello = hello12();
    hello.session = vec![9; 32];
    hello.ciphers.splice(0..0, [0x2A2A, 0x1301, 0x1302]);
    hello.extensions.push(versions(&[0x3A3A, 0x0304, 0x0303]));
    hello.extensions.push(extension(0x4A4A, &[]));
    hello
}

impl Hello {
    fn client(&self) -> Vec<u8> {
        let extensions = block16(&self.extensions.concat());
        let fixed = [&self.version.to_be_bytes()[..], &self.random, &block8(&self.session)].concat();
        let body = [fixed, block16(&numbers(&self.ciphers)), block8(&[0]), extensions].concat();
        message(1, &body)
    }
    fn server(&self, cipher: u16) -> Vec<u8> {
        let fixed = [&self.version.to_be_bytes()[..], &self.random, &block8(&self.session)].concat();
        let body = [fixed, cipher.to_be_bytes().to_vec(), vec![0], block16(&self.extensions.concat())].concat();
        message(2, &body)
    }
}

fn server12(session: Vec<u8>) -> Hello {
    Hello { version: 0x0303, session, ciphers: vec![], extensions: vec![alpn(&[b"h2"])], random: [8; 32] }
}
fn server13() -> Hello {
    let extensions = vec![extension(43, &[3, 4]), extension(51, &[0, 29, 0, 1, 1])];
    Hello { version: 0x0303, session: vec![9; 32], ciphers: vec![], extensions, random: [8; 32] }
}
fn certificates(chain: &[&str]) -> Vec<u8> {
    message(11, &block24(&chain.iter().flat_map(|c| block24(&unhex(c))).collect::<Vec<u8>>()))
}
fn ccs() -> Vec<u8> {
    record(20, 0x0303, &[1])
}
fn data(n: usize) -> Vec<u8> {
    record(23, 0x0303, &Dice(n as u64).bytes(n))
}
fn finished() -> Vec<u8> {
    record(22, 0x0303, &[0xEE; 40])
}
fn shake(messages: &[Vec<u8>]) -> Vec<u8> {
    record(22, 0x0303, &messages.concat())
}

/// A full handshake of TLS 1.2.
fn full12() -> Vec<Piece> {
    vec![
        (ToServer, record(22, 0x0301, &hello12().client())),
        (ToClient, shake(&[server12(vec![5; 32]).server(0xC02B)])),
        (ToClient, shake(&[certificates(&[ISSUED, SELF_SIGNED]), message(12, &[3; 99]), message(14, &[])])),
        (ToServer, [shake(&[message(16, &[4; 65])]), ccs(), finished()].concat()),
        (ToClient, [ccs(), finished()].concat()),
        (ToServer, data(300)),
        (ToClient, data(500)),
    ]
}

/// A handshake of TLS 1.3 as middleboxes like to see it.
fn full13() -> Vec<Piece> {
    vec![
        (ToServer, record(22, 0x0301, &hello13().client())),
        (ToClient, [shake(&[server13().server(0x1301)]), ccs(), data(900)].concat()),
        (ToServer, [ccs(), data(53)].concat()),
        (ToServer, data(300)),
    ]
}

fn run(script: &[Piece]) -> Vec<String> {
    common::lines(&make, script, |_, n| n)
}

/// The rows of one table without its first columns (time and flow are the harness's).
fn table(lines: &[String], name: &str) -> Vec<String> {
    lines.iter().filter_map(|l| l.strip_prefix(&format!("{name} "))).map(str::to_owned).collect()
}

/// A row's cells by name; texts may hold blanks.
fn cell<'a>(row: &'a str, name: &str) -> &'a str {
    let start = if row.starts_with(&format!("{name}=")) { 0 } else { row.find(&format!(" {name}=")).unwrap() + 1 };
    let value = &row[start + name.len() + 1..];
    let next = value.match_indices(' ').find(|(i, _)| {
        let word = value[i + 1..].split([' ', '=']).next().unwrap();
        COLUMNS.contains(&word) && value[i + 1 + word.len()..].starts_with('=')
    });
    &value[..next.map_or(value.len(), |(i, _)| i)]
}
const COLUMNS: &[&str] = &[
    "server_cert_sha256",
    "server_cert_serial",
    "server_cert_names",
    "server_cert_key",
    "server_cert_signature",
    "frame",
    "version",
    "version_number",
    "cipher",
    "sni",
    "alpn",
    "ja3",
    "ja4",
    "ja4s",
    "server_cert_subject",
    "issuer",
    "not_before",
    "not_after",
    "self_signed",
    "client_cert_subject",
    "resumed",
    "kind",
    "detail",
    "object",
    "operation",
    "protocol",
    "count",
    "errors",
    "bytes",
    "access",
    "behaviour_id",
    "client_ip",
    "unit",
    "last_ts",
];

#[test]
fn a_full_handshake_of_1_2() {
    let lines = run(&full12());
    assert_eq!(
        table(&lines, "tls"),
        [concat!(
            "ts=1760000000002000000 frame=3 version=TLSv1.2 version_number=771 ",
            "cipher=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 sni=plc-7.example alpn=h2 ",
            "ja3=a11f7c330a0b3e78cf1563cdc42a3fcf ja4=t12d0405h2_0f82a4992d0a_876bcc86782c ja4s=t1201h2_c02b_0b08e3dcc50f ",
            "server_cert_subject=CN=historian issuer=O=Driftspan Test, CN=plc-7.example ",
            "not_before=1795393859000000000 not_after=1797985859000000000 self_signed=0 server_cert_sha256=e99fb46e44a0de201ab4daa3bfed177ab3870109f2b8352b6aa6822020bbc280 ",
            "server_cert_serial=07 server_cert_names= server_cert_key=EC 256 server_cert_signature=ecdsa-with-SHA256 client_cert_subject= resumed=0",
        )]
    );
    assert!(table(&lines, "anomalies").is_empty(), "{lines:?}");
    let behaviours = table(&lines, "behaviours");
    assert_eq!(behaviours.len(), 1);
    for (name, want) in [
        ("protocol", "tls"),
        ("operation", "handshake"),
        ("object", "plc-7.example"),
        ("access", "session"),
        ("errors", "0"),
    ] {
        assert_eq!(cell(&behaviours[0], name), want);
    }
}

#[test]
fn a_handshake_of_1_3() {
    let lines = run(&full13());
    assert_eq!(
        table(&lines, "tls"),
        [concat!(
            "ts=1760000000001000000 frame=2 version=TLSv1.3 version_number=772 cipher=TLS_AES_128_GCM_SHA256 ",
            "sni=plc-7.example alpn=h2,http/1.1 ja3=f11b081b60e111280adbf151f4ba9abe ja4=t13d0606h2_4c548d4f1d6a_fb71836bce29 ",
            "ja4s=t130200_1301_a56c5b993250 server_cert_subject= issuer= not_before=0 not_after=0 self_signed=0 server_cert_sha256= ",
            "server_cert_serial= server_cert_names= server_cert_key= server_cert_signature= ",
            "client_cert_subject= resumed=0",
        )]
    );
    assert!(table(&lines, "anomalies").is_empty(), "{lines:?}");
}

#[test]
fn every_cut_of_the_stream_reads_the_same() {
    battery(&make, &full12());
    battery(&make, &full13());
}

#[test]
fn versions_of_old() {
    for (number, name) in [(0x0301, "TLSv1.0"), (0x0302, "TLSv1.1"), (0x0300, "SSLv3")] {
        let mut client = hello12();
        client.version = number;
        let mut server = server12(vec![]);
        server.version = number;
        server.extensions.clear();
        let mut answer = server.server(0x002F);
        if number == 0x0300 {
            // SSL 3.0 knows no extensions.
            answer.truncate(answer.len() - 2);
            let length = u8::try_from(answer.len() - 4).unwrap();
            answer[3] = length;
        }
        let script = [
            (ToServer, record(22, 0x0300, &client.client())),
            (ToClient, record(22, number, &[answer, certificates(&[SELF_SIGNED]), message(14, &[])].concat())),
            (ToServer, ccs()),
        ];
        let lines = run(&script);
        let rows = table(&lines, "tls");
        assert_eq!(rows.len(), 1);
        assert_eq!(cell(&rows[0], "version"), name);
        assert_eq!(cell(&rows[0], "cipher"), "TLS_RSA_WITH_AES_128_CBC_SHA");
        assert_eq!(cell(&rows[0], "self_signed"), "1");
        assert_eq!(cell(&rows[0], "server_cert_subject"), "O=Driftspan Test, CN=plc-7.example");
        assert!(table(&lines, "anomalies").is_empty(), "{lines:?}");
    }
}

#[test]
fn resumption_by_session_id_and_by_ticket() {
    let mut client = hello12();
    client.session = vec![6; 32];
    let by_id = [
        (ToServer, shake(&[client.client()])),
        (ToClient, [shake(&[server12(vec![6; 32]).server(0xC02F)]), ccs(), finished()].concat()),
        (ToServer, [ccs(), finished()].concat()),
    ];
    let by_ticket = [
        (ToServer, shake(&[hello12().client()])),
        (ToClient, [shake(&[server12(vec![]).server(0xC02F), message(4, &[1; 80])]), ccs(), finished()].concat()),
    ];
    for script in [&by_id[..], &by_ticket] {
        let rows = table(&run(script), "tls");
        assert_eq!(rows.len(), 1);
        assert_eq!(cell(&rows[0], "resumed"), "1");
    }
}

#[test]
fn resumption_in_1_3_shows_in_the_servers_choice_of_a_key() {
    let mut server = server13();
    server.extensions.push(extension(41, &[0, 0]));
    let rows =
        table(&run(&[(ToServer, shake(&[hello13().client()])), (ToClient, shake(&[server.server(0x1302)]))]), "tls");
    assert_eq!(cell(&rows[0], "resumed"), "1");
}

#[test]
fn a_retry_is_one_handshake() {
    let mut retry = server13();
    retry.random.copy_from_slice(&unhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"));
    let mut again = hello13();
    again.extensions.remove(1);
    let script = [
        (ToServer, shake(&[hello13().client()])),
        (ToClient, [shake(&[retry.server(0x1301)]), ccs()].concat()),
        (ToServer, [ccs(), shake(&[again.client()])].concat()),
        (ToClient, [shake(&[server13().server(0x1301)]), data(64)].concat()),
    ];
    let rows = table(&run(&script), "tls");
    assert_eq!(rows.len(), 1);
    assert_eq!(cell(&rows[0], "frame"), "4");
    let once = table(&run(&full13()), "tls");
    assert_eq!(cell(&rows[0], "ja4"), cell(&once[0], "ja4"), "the first hello is the client's own");
}

#[test]
fn a_client_certificate_is_seen() {
    let script = [
        (ToServer, shake(&[hello12().client()])),
        (
            ToClient,
            shake(&[
                server12(vec![]).server(0xC02B),
                certificates(&[SELF_SIGNED]),
                message(13, &[0; 9]),
                message(14, &[]),
            ]),
        ),
        (ToServer, [shake(&[certificates(&[ISSUED]), message(16, &[1; 33])]), ccs()].concat()),
    ];
    let rows = table(&run(&script), "tls");
    assert_eq!(cell(&rows[0], "client_cert_subject"), "CN=historian");
    assert_eq!(cell(&rows[0], "server_cert_names"), "plc-7.example,plc-7,10.0.0.7");
    assert_eq!(cell(&rows[0], "server_cert_serial"), "1234");
    assert_eq!(cell(&rows[0], "server_cert_subject"), "O=Driftspan Test, CN=plc-7.example");
}

#[test]
fn a_refused_handshake_is_an_error() {
    let script = [(ToServer, shake(&[hello12().client()])), (ToClient, record(21, 0x0303, &[2, 40]))];
    let lines = run(&script);
    let rows = table(&lines, "tls");
    assert_eq!((cell(&rows[0], "version"), cell(&rows[0], "cipher")), ("TLSv1.2", ""));
    assert_eq!(cell(&table(&lines, "behaviours")[0], "errors"), "1");
}

#[test]
fn early_data_does_not_end_the_handshake() {
    let mut script = full13();
    script[0].1.extend([ccs(), data(120)].concat());
    let rows = table(&run(&script), "tls");
    assert_eq!(rows.len(), 1);
    assert_eq!(cell(&rows[0], "cipher"), "TLS_AES_128_GCM_SHA256");
}

#[test]
fn one_sided_captures_give_their_half() {
    let client: Vec<Piece> = full12().into_iter().filter(|(dir, _)| *dir == ToServer).collect();
    let server: Vec<Piece> = full12().into_iter().filter(|(dir, _)| *dir == ToClient).collect();
    let rows = table(&run(&client), "tls");
    assert_eq!(
        (cell(&rows[0], "sni"), cell(&rows[0], "cipher"), cell(&rows[0], "resumed")),
        ("plc-7.example", "", "0")
    );
    let rows = table(&run(&server), "tls");
    assert_eq!((cell(&rows[0], "sni"), cell(&rows[0], "server_cert_subject")), ("", "CN=historian"));
}

#[test]
fn an_unanswered_hello_is_written_in_time() {
    let mut run = Run::new(make());
    run.feed(0, ToServer, &shake(&[hello12().client()]));
    run.tick(1, 5);
    assert_eq!(run.rows.tls.len(), 0);
    run.tick(2, 10);
    assert_eq!(run.rows.tls.len(), 1);
    run.end(3);
    assert_eq!(run.rows.tls.len(), 1);
}

#[test]
fn messages_over_many_records() {
    let mut whole = full12();
    for (_, bytes) in &mut whole[..3] {
        let body = bytes[5..].to_vec();
        *bytes = body.chunks(7).flat_map(|piece| record(22, 0x0303, piece)).collect();
    }
    let want = table(&run(&full12()), "tls");
    assert_eq!(table(&run(&whole), "tls"), want);
}

#[test]
fn hostile_application_protocols_are_only_text() {
    for name in [&[0xFF][..], &[0, 1], b" ", "é".as_bytes(), &[0x30, 0xAB]] {
        let mut client = hello12();
        client.extensions = vec![alpn(&[name])];
        let rows = table(&run(&[(ToServer, shake(&[client.client()]))]), "tls");
        assert_eq!(rows.len(), 1);
        let ja4 = cell(&rows[0], "ja4");
        assert_eq!(ja4.len(), 36, "{ja4}");
        assert!(ja4.is_ascii(), "{ja4}");
    }
}

#[test]
fn malformed_hellos_are_anomalies_and_the_flow_goes_on() {
    let mut lengths = hello12();
    lengths.extensions.push(vec![0, 99, 0, 200, 1]);
    let mut inner = hello12();
    inner.extensions[1] = extension(10, &[0, 9, 0, 1]);
    let mut session = hello12().client();
    session[4 + 34] = 33;
    let cases = [
        (
            lengths.client(),
            "client hello: byte 115: an extension's length exceeds the list of extensions",
            "plc-7.example",
        ),
        (inner.client(), "client hello: byte 71: an extension's inner lengths do not fit it", "plc-7.example"),
        (session, "client hello: byte 34: the session id is longer than 32 bytes", ""),
    ];
    for (hello, want, name) in cases {
        let mut script = vec![(ToServer, shake(&[hello]))];
        script.extend(full12().split_off(1));
        let lines = run(&script);
        let anomalies = table(&lines, "anomalies");
        assert_eq!(anomalies.len(), 1, "{anomalies:?}");
        assert_eq!(cell(&anomalies[0], "kind"), "malformed");
        assert_eq!(cell(&anomalies[0], "detail"), want);
        let rows = table(&lines, "tls");
        assert_eq!((rows.len(), cell(&rows[0], "sni")), (1, name));
    }
}

#[test]
fn a_bad_certificate_leaves_the_rest() {
    let mut script = full12();
    script[2].1 = shake(&[certificates(&["3003020101"]), message(14, &[])]);
    let lines = run(&script);
    assert!(cell(&table(&lines, "anomalies")[0], "detail").starts_with("certificate: "), "{lines:?}");
    assert_eq!(cell(&table(&lines, "tls")[0], "sni"), "plc-7.example");
}

#[test]
fn a_message_beyond_the_limit_is_passed_over() {
    let mut run = Run::new(make());
    run.limits.set("message_bytes", 200).unwrap();
    for (packet, (dir, bytes)) in full12().iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run.end(9);
    let lines = run.lines(&[]);
    let anomalies = table(&lines, "anomalies");
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(cell(&anomalies[0], "kind"), "message_too_long");
    let rows = table(&lines, "tls");
    assert_eq!((cell(&rows[0], "sni"), cell(&rows[0], "server_cert_subject")), ("plc-7.example", ""));
}

#[test]
fn a_heartbeat_that_asks_for_too_much() {
    let mut script = full12();
    script.truncate(3);
    script.push((ToServer, record(24, 0x0302, &[1, 0x40, 0])));
    script.push((ToServer, record(24, 0x0302, &[[1, 0, 2].as_slice(), &[0; 18]].concat())));
    let anomalies = table(&run(&script), "anomalies");
    assert_eq!(anomalies.len(), 1);
    assert_eq!(cell(&anomalies[0], "detail"), "heartbeat 1: a payload of 16384 bytes in a message of 3");
}

#[test]
fn bytes_of_nothing_between_records_are_passed_over_once() {
    let mut script = full12();
    script.insert(5, (ToServer, b"GET / HTTP/1.0 and much else that is no record".to_vec()));
    script.push((ToServer, data(100)));
    let lines = run(&script);
    let kinds: Vec<String> = table(&lines, "anomalies").iter().map(|a| cell(a, "kind").to_owned()).collect();
    assert_eq!(kinds, ["malformed", "resynchronised"]);
    assert_eq!(cell(&table(&lines, "anomalies")[1], "detail"), "46 bytes passed over to the next record");
}

#[test]
fn a_hole_inside_a_record_does_not_lose_the_next() {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in full12().iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    let record = data(9_000);
    run.feed(9, ToServer, &record[..1_448]);
    run.gap(10, ToServer, 1_448);
    run.feed(11, ToServer, &record[2_896..]);
    run.feed(12, ToServer, &data(77));
    run.end(13);
    let lines = run.lines(&[]);
    assert!(table(&lines, "anomalies").is_empty(), "{lines:?}");
    assert_eq!(run.rows.tls.len(), 0);
}

#[test]
fn other_protocols_are_not_tls() {
    let others: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &[0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 10],
        &[0x05, 0x64, 5, 0xC0, 1, 0, 0, 4, 0xE9, 0x21],
        &[0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 0],
        &[3, 0, 0, 22, 17, 0xE0, 0, 0, 0, 1, 0, 0xC1, 2, 1, 0, 0xC2, 2, 1, 2, 0xC0, 1, 10],
    ];
    for bytes in others {
        assert_eq!(probe(bytes, 40_000, 443), Probe::No, "{bytes:02x?}");
        let mut run = Run::new(make());
        run.feed(0, ToServer, bytes);
        assert!(!run.mine, "{bytes:02x?}");
    }
}

#[test]
fn probes() {
    let client = record(22, 0x0301, &hello12().client());
    let server = shake(&[server12(vec![]).server(0xC02B)]);
    assert_eq!(probe(&client, 1, 2), Probe::Client);
    assert_eq!(probe(&server, 1, 2), Probe::Server);
    assert_eq!(probe(&data(400), 1, 2), Probe::Either);
    assert_eq!(probe(&[data(40), ccs()].concat(), 1, 2), Probe::Either);
    assert_eq!(probe(&[data(40), b"what".to_vec(), data(7)].concat(), 1, 2), Probe::No);
    for n in 1..11 {
        assert_eq!(probe(&client[..n], 1, 2), Probe::Unsure, "{n} bytes");
    }
    assert_eq!(probe(&[], 1, 2), Probe::Unsure);
    let crumbs: Vec<u8> = hello12().client().chunks(1).flat_map(|b| record(22, 0x0301, b)).collect();
    assert_eq!(probe(&crumbs, 1, 2), Probe::Client);
    assert_eq!(probe(&crumbs[..20], 1, 2), Probe::Unsure);
    assert_eq!(probe(&[20, 3, 3, 0], 1, 2), Probe::Unsure);
    assert_eq!(probe(&[22, 3, 1, 0xFF, 0xFF, 1], 1, 2), Probe::No);
}

/// An SSL 2.0 hello that offers TLS 1.0, answered with TLS 1.0.
#[test]
fn an_old_hello_for_a_new_version() {
    let mut old = vec![0x80, 0x2E, 1, 3, 1, 0, 21, 0, 0, 0, 16];
    old.extend([0; 37]);
    assert_eq!(probe(&old, 1, 2), Probe::Client);
    let mut server = server12(vec![]);
    server.version = 0x0301;
    let script = vec![
        (ToServer, old),
        (ToClient, record(22, 0x0301, &[server.server(0x002F), certificates(&[ISSUED])].concat())),
        (ToServer, [record(22, 0x0301, &message(16, &[1; 66])), ccs(), finished()].concat()),
    ];
    let rows = table(&run(&script), "tls");
    assert_eq!(rows.len(), 1);
    assert_eq!((cell(&rows[0], "version"), cell(&rows[0], "ja3")), ("TLSv1.0", ""));
    assert_eq!(cell(&rows[0], "server_cert_subject"), "CN=historian");
    battery(&make, &script);
}

/// SSL 2.0 all through: nothing behind the hellos is read, and nothing is reported.
#[test]
fn a_connection_of_ssl_2() {
    let mut client = vec![0x80, 0x1C, 1, 0, 2, 0, 3, 0, 0, 0, 16];
    client.extend([0; 19]);
    let certificate = unhex(ISSUED);
    let fields = [numbers(&[u16::try_from(certificate.len()).unwrap(), 3, 16]), certificate, vec![0; 19]].concat();
    let mut server = vec![4, 0, 1, 0, 2];
    server.extend(fields);
    let server = [numbers(&[0x8000 + u16::try_from(server.len()).unwrap()]), server].concat();
    let script = vec![(ToServer, client), (ToClient, server), (ToServer, vec![0x80, 0x20, 2, 7, 0, 0xC0])];
    let lines = run(&script);
    let rows = table(&lines, "tls");
    assert_eq!(
        (rows.len(), cell(&rows[0], "version"), cell(&rows[0], "server_cert_subject")),
        (1, "SSLv2", "CN=historian")
    );
    assert!(table(&lines, "anomalies").is_empty(), "{lines:?}");
    assert_eq!(common::lines(&make, &script, |_, _| 1), lines);
}

#[test]
fn suites_that_encrypt_nothing_are_told() {
    let handshake = |cipher| -> Vec<Piece> {
        vec![
            (ToServer, shake(&[hello12().client()])),
            (ToClient, shake(&[server12(vec![]).server(cipher), message(14, &[])])),
        ]
    };
    for (cipher, encrypted) in [(0x003B, false), (0x003C, true)] {
        let mut tls = Tls::new();
        feed(&mut tls, &handshake(cipher));
        assert_eq!(tls.encrypted(), encrypted, "{cipher:04x}");
    }
}

fn feed(tls: &mut Tls, script: &[Piece]) {
    let (mut rows, mut behaviours) = (wire::rows::Rows::default(), wire::behaviour::Behaviours::default());
    let (limits, ends) = (wire::limits::Limits::default(), wire::dissect::Ends::default());
    let mut streams = [wire::dissect::Stream::default(), wire::dissect::Stream::default()];
    for (dir, bytes) in script {
        let mut cx = wire::dissect::Cx {
            ts: common::START,
            frame: wire::dissect::Frame::new(0, 1),
            flow: wire::dissect::FlowRef(0),
            ends: &ends,
            rows: &mut rows,
            behaviours: &mut behaviours,
            limits: &limits,
            expected: &mut wire::files::Expected::default(),
        };
        assert!(streams[Dir::index(*dir)].feed(tls, &mut cx, *dir, bytes));
    }
}
