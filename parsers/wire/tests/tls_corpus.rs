//! Handshakes of public captures, held against what tshark reads in them. Skipped where there is no corpus or no tshark.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::Run;
use wire::dissect::{Dir, Probe};
use wire::tls::{Tls, probe};

/// Larger captures take tshark too long for a test.
const LARGEST: u64 = 1_500_000;

fn corpus() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|a| a.join("shared/corpus/dev")).find(|p| p.join("manifest.tsv").exists())
}

fn tshark(capture: &Path, filter: &str, fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture).args(["-Y", filter, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let out = command.output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    Some(text.lines().map(|l| l.split('\t').map(str::to_owned).collect()).collect())
}

/// One direction of a connection, put in order as far as a test needs it.
#[derive(Default)]
struct Side {
    next: Option<u64>,
    held: BTreeMap<u64, Vec<u8>>,
}

impl Side {
    /// The bytes that are next in order, with the bytes missing before them once too much waits.
    fn take(&mut self, seq: u64, bytes: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
        let next = *self.next.get_or_insert(seq);
        if seq + bytes.len() as u64 > next {
            self.held.insert(seq, bytes);
        }
        self.drain(20)
    }

    fn drain(&mut self, patience: usize) -> Vec<(u64, Vec<u8>)> {
        let mut out = vec![];
        while let Some((&seq, _)) = self.held.first_key_value() {
            let next = self.next.unwrap_or(seq);
            if seq > next && self.held.len() <= patience {
                break;
            }
            let bytes = self.held.remove(&seq).unwrap();
            let skip = usize::try_from(next.saturating_sub(seq)).unwrap();
            if skip < bytes.len() {
                self.next = Some(seq + bytes.len() as u64);
                out.push((seq.saturating_sub(next), bytes[skip..].to_vec()));
            }
        }
        out
    }
}

/// A connection that is fed to the dissector as soon as its first bytes say who is the client.
#[derive(Default)]
struct Flow {
    run: Option<Run>,
    client_port: String,
    waiting: Vec<(String, u64, Vec<u8>)>,
    sides: [Side; 2],
}

impl Flow {
    fn packet(&mut self, from: String, to: String, seq: u64, bytes: Vec<u8>) {
        let first: Vec<u8> = self
            .waiting
            .iter()
            .filter(|w| w.0 == from)
            .flat_map(|w| w.2.clone())
            .chain(bytes.iter().copied())
            .collect();
        self.waiting.push((from.clone(), seq, bytes));
        if self.run.is_none() {
            self.client_port = match probe(&first, 0, 0) {
                Probe::Client | Probe::Either => from,
                Probe::Server => to,
                _ => return,
            };
            self.run = Some(Run::new(Box::new(Tls::new())));
        }
        for (from, seq, bytes) in std::mem::take(&mut self.waiting) {
            let dir = if from == self.client_port { Dir::ToServer } else { Dir::ToClient };
            let pieces = self.sides[dir.index()].take(seq, bytes);
            self.feed(dir, pieces);
        }
    }

    fn feed(&mut self, dir: Dir, pieces: Vec<(u64, Vec<u8>)>) {
        let run = self.run.as_mut().unwrap();
        for (missing, piece) in pieces {
            if missing > 0 {
                run.gap(0, dir, missing);
            }
            run.feed(0, dir, &piece);
        }
    }
}

/// What of a row is held against others' readings.
#[derive(Debug)]
struct Facts {
    cipher: String,
    sni: String,
    ja3: String,
    ja4: String,
    subject: String,
}

/// Fields of a packet that both sides are made of.
const FIELDS: [&str; 11] = [
    "tcp.stream",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq",
    "tcp.payload",
    "tls.handshake.type",
    "tls.handshake.ja3",
    "tls.handshake.extensions_server_name",
    "tls.handshake.ciphersuite",
    "x509sat.uTF8String",
    "x509sat.printableString",
];

/// Stream → its rows; a stream that does not begin with TLS has none.
fn ours(packets: &[Vec<String>]) -> BTreeMap<String, Vec<Facts>> {
    let mut flows: BTreeMap<String, Flow> = BTreeMap::new();
    for row in packets {
        let [stream, from, to, seq, payload, ..] = row.as_slice() else { continue };
        let Ok(seq) = seq.parse::<u64>() else { continue };
        let digits = payload.as_bytes();
        let bytes: Vec<u8> =
            digits.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect();
        flows.entry(stream.clone()).or_default().packet(from.clone(), to.clone(), seq, bytes);
    }
    let mut out = BTreeMap::new();
    for (stream, mut flow) in flows {
        if flow.run.is_none() {
            continue;
        }
        for dir in [Dir::ToServer, Dir::ToClient] {
            let pieces = flow.sides[dir.index()].drain(0);
            flow.feed(dir, pieces);
        }
        let mut run = flow.run.unwrap();
        run.end(1);
        let tables = run.rows.take();
        let tls = tables.iter().find(|t| t.name == "tls").unwrap();
        let show = |name: &str, row| tls.columns.iter().find(|(n, _)| *n == name).unwrap().1.show(row);
        let facts = |r| Facts {
            cipher: show("cipher", r),
            sni: show("sni", r),
            ja3: show("ja3", r),
            ja4: show("ja4", r),
            subject: show("server_cert_subject", r),
        };
        out.insert(stream, (0..tls.len()).map(facts).collect());
    }
    out
}

/// What tshark reads of a stream: JA3 and server name of its first client hello, the cipher suites of its server
/// hellos, a text of its certificates.
#[derive(Debug, Default)]
struct Truth {
    hello: Option<(String, String)>,
    ciphers: Vec<String>,
    names: Vec<String>,
}

fn theirs(packets: &[Vec<String>]) -> BTreeMap<String, Truth> {
    let mut out: BTreeMap<String, Truth> = BTreeMap::new();
    for row in packets {
        let [stream, _, _, _, _, types, ja3, sni, ciphers, utf8, printable] = row.as_slice() else { continue };
        if types.is_empty() && printable.is_empty() && utf8.is_empty() {
            continue;
        }
        let truth = out.entry(stream.clone()).or_default();
        let first = |list: &str| list.split(';').next().unwrap_or_default().to_owned();
        if !ja3.is_empty() && truth.hello.is_none() {
            truth.hello = Some((first(ja3), first(sni)));
        } else if types.starts_with('2') && ja3.is_empty() {
            let number = u16::from_str_radix(first(ciphers).trim_start_matches("0x"), 16).unwrap_or_default();
            let suite = tls_parser::TlsCipherSuite::from_id(number);
            if number == 0 {
                // SSL 2.0 has suites of three bytes, which tshark shows as this.
                continue;
            }
            truth.ciphers.push(suite.map_or_else(|| format!("0x{number:04x}"), |s| s.name.to_owned()));
        }
        truth.names.extend(utf8.split(';').chain(printable.split(';')).filter(|n| !n.is_empty()).map(str::to_owned));
    }
    out
}

/// What a stream's rows get wrong.
fn differences(rows: &[Facts], truth: &Truth) -> Vec<String> {
    let mut out = vec![];
    if let Some((ja3, sni)) = &truth.hello
        && !rows.iter().any(|r| r.ja3 == *ja3 && r.sni == *sni)
    {
        out.push(format!("no row of {ja3} {sni:?}"));
    }
    if !truth.ciphers.is_empty() && !rows.iter().any(|r| truth.ciphers.contains(&r.cipher)) {
        out.push(format!("no row of {:?}", truth.ciphers));
    }
    let unknown = |r: &&Facts| {
        // The text of one attribute of the subject has to be one that tshark reads.
        let texts = r.subject.split(", ").filter_map(|a| a.split('=').nth(1));
        !r.subject.is_empty() && !texts.into_iter().any(|t| truth.names.iter().any(|n| n.starts_with(t)))
    };
    out.extend(rows.iter().filter(unknown).map(|r| format!("subject {:?}", r.subject)));
    out
}

#[test]
fn handshakes_agree_with_tshark() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: no corpus beside the repository");
        return;
    };
    if Command::new("tshark").arg("-v").output().is_err() {
        eprintln!("skipped: no tshark");
        return;
    }
    let manifest = std::fs::read_to_string(corpus.join("manifest.tsv")).unwrap();
    let (mut agreed, mut wrong, mut inside) = (0, vec![], vec![]);
    for row in manifest.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let capture = corpus.join(cells[0]);
        let small = std::fs::metadata(&capture).is_ok_and(|m| m.len() <= LARGEST);
        if !small || !cells[9].split(' ').any(|p| p.starts_with("tls=")) {
            continue;
        }
        let Some(packets) = tshark(&capture, "tcp.len > 0 && !icmp", &FIELDS) else { continue };
        let (ours, theirs) = (ours(&packets), theirs(&packets));
        for (stream, truth) in theirs {
            // TLS inside another protocol, or behind bytes of nothing, is not this dissector's to find.
            let Some(rows) = ours.get(&stream) else {
                inside.push(format!("{} stream {stream}", cells[0]));
                continue;
            };
            let found = differences(rows, &truth);
            agreed += usize::from(found.is_empty());
            wrong.extend(found.iter().map(|f| format!("{} stream {stream}: {f}; read {rows:?}", cells[0])));
        }
    }
    eprintln!("{agreed} connections agree; not begun with TLS: {inside:?}");
    assert!(wrong.is_empty(), "{agreed} agree, {} do not:\n{}", wrong.len(), wrong.join("\n"));
    assert!(agreed > 20 * inside.len(), "{agreed} agree, not begun with TLS: {inside:?}");
}

/// What nDPI says of its own captures.
#[test]
fn ja4_agrees_with_the_captures_own_expectations() {
    let Some(corpus) = corpus().filter(|_| Command::new("tshark").arg("-v").output().is_ok()) else {
        eprintln!("skipped: no corpus beside the repository, or no tshark");
        return;
    };
    let mut agreed = 0;
    for name in [
        "tls_1.2_unidirectional_client.pcapng",
        "tls_1.3_unidirectional_client.pcapng",
        "tls_malicious_sha1.pcapng",
        "tls_1.2_unidirectional_client_no_cert.pcapng",
        "vxlan.pcap",
    ] {
        let expected = corpus.join(format!("nDPI/{name}.expected/ndpi/{name}.out"));
        let Ok(text) = std::fs::read_to_string(expected) else { continue };
        let capture = corpus.join("nDPI").join(name);
        let Some(packets) = tshark(&capture, "tcp.len > 0", &FIELDS) else { continue };
        let rows: Vec<Facts> = ours(&packets).into_values().flatten().collect();
        for want in text.split("JA4: ").skip(1).filter_map(|t| t.split(']').next()) {
            // Its release of then took the first two characters of the ALPN value, not the first and the last.
            let same = |r: &&Facts| r.ja4[..8] == want[..8] && r.ja4[10..] == want[10..];
            assert!(rows.iter().any(|r| same(&r)), "{name}: {want} is not in {rows:?}");
            agreed += 1;
        }
    }
    assert!(agreed > 0);
}

/// The one capture of DTLS that shows a certificate.
#[test]
fn a_handshake_of_dtls_agrees_with_tshark() {
    let Some(corpus) = corpus().filter(|_| Command::new("tshark").arg("-v").output().is_ok()) else {
        eprintln!("skipped: no corpus beside the repository, or no tshark");
        return;
    };
    let capture = corpus.join("wireshark/snakeoil-dtls.pcap");
    let fields = ["udp.srcport", "udp.payload", "dtls.handshake.ciphersuite", "dtls.handshake.type"];
    let packets = tshark(&capture, "udp && !icmp", &fields).unwrap();
    let mut run = Run::new(Box::new(wire::tls::Dtls::new()));
    let mut chosen = None;
    for (i, row) in packets.iter().enumerate() {
        let [from, payload, suite, types] = row.as_slice() else { continue };
        let bytes: Vec<u8> = (payload.as_bytes().chunks(2))
            .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
            .collect();
        if types.starts_with('2') {
            chosen = u16::from_str_radix(suite.trim_start_matches("0x"), 16).ok();
        }
        run.datagram(i, if from == "4433" { Dir::ToClient } else { Dir::ToServer }, &bytes);
    }
    run.end(packets.len());
    let lines = run.lines(&[]);
    let suite = tls_parser::TlsCipherSuite::from_id(chosen.unwrap()).unwrap();
    let row = lines.iter().find(|l| l.starts_with("tls ")).unwrap();
    for want in ["version=DTLSv1.0", suite.name, "CN=www.snakeoil.dom"] {
        assert!(row.contains(want), "{want} is not in {lines:?}");
    }
    assert!(!lines.iter().any(|l| l.starts_with("anomalies")), "{lines:?}");
}
