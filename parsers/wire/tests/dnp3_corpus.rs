//! DNP3 against public captures: every message that tshark saw is compared with the row written for it.
//!
//! Where the two differ, and who is right (IEEE 1815-2012):
//!
//! | tshark 4.0 | here |
//! |---|---|
//! | gives octet strings variation 0 | the variation is the string's length |
//! | leaves out the objects of function codes 16 to 18, 32, 131 and of unknown ones | they are listed |
//! | does not know object 51:2 and stops behind it | it is read, and the relative times with it |
//! | reads application data behind link functions that carry none (0, 2, 5, 10) | a device ignores it: link row and anomaly |
//! | calls a valid 50:4 malformed; messages so marked are left out here | it is read |
//! | counts some segments that were sent again, and misses others behind a hole | each is read once |
//!
//! Skips, saying so, where the captures are not there: they are no part of the project.
//!
//! `CORPUS=directory` names where they are, `DNP3_CORPUS=part-of-a-path` looks at those
//! captures only and prints more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::Run;
use wire::columns::{Column, Finished};
use wire::dissect::{Dir, Probe};
use wire::dnp3::{Dnp3, probe};

// ---------------------------------------------------------------- captures, read plainly

/// Link type and bytes of each packet.
fn packets(file: &[u8]) -> Vec<(u32, Vec<u8>)> {
    if file.starts_with(&[0x0A, 0x0D, 0x0D, 0x0A]) { pcapng(file) } else { pcap(file) }
}

fn word(bytes: &[u8], at: usize, big: bool) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) } as usize)
}

fn pcap(file: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let big = file[0] == 0xA1;
    let link = word(file, 20, big).unwrap() as u32;
    let (mut out, mut at) = (Vec::new(), 24);
    while let Some(n) = word(file, at + 8, big) {
        let Some(data) = file.get(at + 16..at + 16 + n) else { break };
        out.push((link, data.to_vec()));
        at += 16 + n;
    }
    out
}

fn pcapng(file: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let (mut out, mut links, mut at) = (Vec::new(), Vec::new(), 0);
    while let (Some(kind), Some(size)) = (word(file, at, false), word(file, at + 4, false)) {
        let Some(block) = file.get(at + 8..(at + size).saturating_sub(4)) else { break };
        match kind {
            1 => links.push(u32::from(block[0]) | u32::from(block[1]) << 8),
            6 => {
                let n = word(block, 12, false).unwrap();
                out.push((links[word(block, 0, false).unwrap()], block[20..20 + n].to_vec()));
            }
            _ => {}
        }
        at += size.max(12);
    }
    out
}

struct Segment<'a> {
    ends: [(Vec<u8>, u16); 2],
    tcp: Option<(u32, u8)>,
    data: &'a [u8],
}

/// TCP or UDP of a packet; fragments of IP are left out.
fn segment(link: u32, packet: &[u8]) -> Option<Segment<'_>> {
    let mut at = match link {
        0 => 4,
        1 => 14,
        12 | 101 | 228 | 229 => 0,
        113 => 16,
        276 => 20,
        _ => return None,
    };
    while link == 1 && packet.get(at - 2..at)? == [0x81, 0x00] {
        at += 4;
    }
    let ip = packet.get(at..)?;
    let (protocol, header, length, src, dst) = match ip.first()? >> 4 {
        4 if ip.get(6)? & 0x3F == 0 && ip[7] == 0 => {
            let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            (*ip.get(9)?, usize::from(ip[0] & 15) * 4, total, ip.get(12..16)?, ip.get(16..20)?)
        }
        6 => {
            let total = 40 + usize::from(u16::from_be_bytes([*ip.get(4)?, *ip.get(5)?]));
            (*ip.get(6)?, 40, total, ip.get(8..24)?, ip.get(24..40)?)
        }
        _ => return None,
    };
    let body = ip.get(header..if length == 0 { ip.len() } else { length.min(ip.len()) })?;
    let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let ends = [(src.to_vec(), port(0)?), (dst.to_vec(), port(2)?)];
    match protocol {
        6 => {
            let seq = u32::from_be_bytes(body.get(4..8)?.try_into().ok()?);
            let offset = usize::from(body.get(12)? >> 4) * 4;
            Some(Segment { ends, tcp: Some((seq, *body.get(13)?)), data: body.get(offset..)? })
        }
        17 => Some(Segment { ends, tcp: None, data: body.get(8..)? }),
        _ => None,
    }
}

// ---------------------------------------------------------------- flows

#[derive(Default)]
struct Half {
    next: Option<u32>,
    waiting: BTreeMap<i64, (usize, Vec<u8>)>,
}

struct Flow {
    run: Option<Run>,
    refused: bool,
    first: (Vec<u8>, u16),
    client_first: bool,
    halves: [Half; 2],
}

/// TCP or UDP, and both ends in order.
type Key = (bool, [(Vec<u8>, u16); 2]);

#[derive(Default)]
struct Reader {
    flows: HashMap<Key, Flow>,
    done: Vec<Finished>,
    anomalies: BTreeMap<String, usize>,
}

impl Reader {
    fn packet(&mut self, number: usize, link: u32, packet: &[u8]) {
        let Some(s) = segment(link, packet) else { return };
        let mut key = s.ends.clone();
        key.sort();
        let key = (s.tcp.is_some(), key);
        let fresh = || Flow {
            run: None,
            refused: false,
            first: s.ends[0].clone(),
            client_first: true,
            halves: Default::default(),
        };
        let opens = s.tcp.is_some_and(|(_, flags)| flags & 0x12 == 0x02);
        if opens && self.flows.get(&key).is_some_and(|f| f.run.is_some()) {
            let old = self.flows.remove(&key).unwrap();
            self.finish(number, old);
        }
        let flow = self.flows.entry(key).or_insert_with(fresh);
        let side = usize::from(flow.first != s.ends[0]);
        let ports = (s.ends[0].1, s.ends[1].1);
        let Some((seq, flags)) = s.tcp else {
            flow.feed(number, side, ports, s.data, true);
            return;
        };
        if flags & 2 != 0 {
            flow.halves[side] = Half { next: Some(seq.wrapping_add(1)), waiting: BTreeMap::new() };
            return;
        }
        if s.data.is_empty() {
            return;
        }
        let half = &mut flow.halves[side];
        let next = *half.next.get_or_insert(seq);
        let ahead = i64::from(seq.wrapping_sub(next) as i32);
        half.waiting.entry(ahead).or_insert((number, s.data.to_vec()));
        flow.drain(side, ports, 4);
    }

    fn finish(&mut self, number: usize, mut flow: Flow) {
        for side in [0, 1] {
            flow.drain(side, (0, 0), 0);
        }
        let Some(mut run) = flow.run else { return };
        run.end(number);
        for table in run.rows.take() {
            if table.name == "anomalies" {
                for line in table.lines(&["ts", "frame", "protocol"]) {
                    *self.anomalies.entry(line).or_default() += 1;
                }
            } else if table.name == "dnp3" {
                self.done.push(table);
            }
        }
    }
}

impl Flow {
    /// Hands over what is in order; a hole is declared when more than `patience` segments wait behind it.
    fn drain(&mut self, side: usize, ports: (u16, u16), patience: usize) {
        while let Some((ahead, (number, data))) = self.halves[side].waiting.pop_first() {
            if ahead > 0 && self.halves[side].waiting.len() < patience {
                self.halves[side].waiting.insert(ahead, (number, data));
                return;
            }
            if ahead > 0
                && let Some(run) = &mut self.run
            {
                run.gap(number, dir(side == 0, self.client_first), ahead as u64);
            }
            let new = data.get(usize::try_from(-ahead).unwrap_or(0)..).unwrap_or_default().to_vec();
            let moved = ahead.max(0) + new.len() as i64;
            let half = &mut self.halves[side];
            half.next = half.next.map(|n| n.wrapping_add(moved as u32));
            half.waiting = std::mem::take(&mut half.waiting).into_iter().map(|(a, d)| (a - moved, d)).collect();
            self.feed(number, side, ports, &new, false);
        }
    }

    fn feed(&mut self, number: usize, side: usize, ports: (u16, u16), data: &[u8], datagram: bool) {
        if self.run.is_none() && !self.refused && !data.is_empty() {
            match probe(data, ports.0, ports.1) {
                Probe::No => self.refused = true,
                Probe::Unsure => {}
                Probe::Client | Probe::Either => self.client_first = side == 0,
                Probe::Server => self.client_first = side == 1,
            }
            if !self.refused {
                let mut run = Run::new(Box::new(Dnp3::new()));
                run.limits.anomalies_per_flow = 1_000_000;
                self.run = Some(run);
            }
        }
        if let Some(run) = &mut self.run {
            let dir = dir(side == 0, self.client_first);
            if datagram {
                run.datagram(number, dir, data);
            } else {
                run.feed(number, dir, data);
            }
        }
    }
}

fn dir(first: bool, client_first: bool) -> Dir {
    if first == client_first { Dir::ToServer } else { Dir::ToClient }
}

// ---------------------------------------------------------------- both sides

/// Frame, source, destination, link function; then, of a fragment: function, sequence, IIN, objects.
type Message = (u64, u64, u64, u64, Option<(u64, u64, Option<u64>, Vec<String>)>);

fn text(path: &Path) -> String {
    let bytes = if path.extension().is_some_and(|e| e == "gz") {
        Command::new("gzip").arg("-dc").arg(path).output().expect("gzip").stdout
    } else {
        std::fs::read(path).unwrap()
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// What tshark saw, and the frames it could not finish.
fn truth(path: &Path) -> (Vec<Message>, Vec<u64>) {
    let all = text(path);
    let mut lines = all.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let (mut out, mut malformed) = (Vec::new(), Vec::new());
    for line in lines {
        let cells: HashMap<&str, &str> = names.iter().copied().zip(line.split('\t')).collect();
        let cell = |name: &str| cells.get(name).copied().unwrap_or_default();
        if cell("proto") != "dnp3" {
            continue;
        }
        if !cell("note").is_empty() {
            malformed.extend(number(cell("frame")));
            continue;
        }
        let link = (number(cell("frame")), number(cell("d3_src")), number(cell("d3_dst")), number(cell("d3_lfc")));
        let (Some(frame), Some(src), Some(dst), Some(function)) = link else { continue };
        if let Some(app) = number(cell("d3_afc")) {
            let mut objects: Vec<String> =
                cell("d3_objs").split(' ').filter(|o| !o.is_empty()).map(str::to_owned).collect();
            objects.sort();
            let app = (app, number(cell("d3_aseq")).unwrap(), number(cell("d3_iin")), objects);
            out.push((frame, src, dst, 0, Some(app)));
        } else if cell("d3_tseq").is_empty() {
            out.push((frame, src, dst, function, None));
        }
    }
    (out, malformed)
}

fn ours(table: &Finished) -> Vec<Message> {
    let column = |name: &str| &table.columns.iter().find(|(n, _)| *n == name).unwrap().1;
    let value = |name: &str, row: usize| number(&column(name).show(row));
    let frames = column("frame");
    (0..table.len())
        .map(|row| {
            let Column::Frame(frames) = frames else { panic!() };
            let frame = frames[row] & ((1 << 44) - 1);
            let (src, dst) = (value("link_src", row).unwrap(), value("link_dst", row).unwrap());
            match value("app_function", row) {
                None => (frame, src, dst, value("link_function", row).unwrap(), None),
                Some(function) => {
                    let list = column("objects").show(row);
                    let mut objects: Vec<String> =
                        list.trim_matches(['[', ']']).split(' ').map(str::to_owned).collect();
                    objects.retain(|o| !o.is_empty());
                    objects.sort();
                    let app = (function, value("app_seq", row).unwrap(), value("iin", row), objects);
                    (frame, src, dst, 0, Some(app))
                }
            }
        })
        .collect()
}

#[derive(Default, Debug)]
struct Score {
    truth: usize,
    agreed: usize,
    missing: Vec<String>,
    extra: Vec<String>,
}

fn compare(truth: Vec<Message>, malformed: &[u64], ours: Vec<Message>) -> Score {
    let mut score = Score { truth: truth.len(), ..Score::default() };
    let mut pool: HashMap<Message, usize> = HashMap::new();
    for message in ours {
        *pool.entry(message).or_default() += 1;
    }
    for message in truth {
        match pool.get_mut(&message).filter(|n| **n > 0) {
            Some(n) => {
                *n -= 1;
                score.agreed += 1;
            }
            None => score.missing.push(format!("{message:?}")),
        }
    }
    for (message, n) in pool {
        if n > 0 && !malformed.contains(&message.0) {
            score.extra.push(format!("{n} x {message:?}"));
        }
    }
    score.extra.sort();
    score
}

/// Truth files that hold DNP3 and whose capture the plain reader above reads.
fn truths(below: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(below).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            truths(&path, out);
        } else if name.contains(".tshark.tsv") && !name.contains(".frag-") && text(&path).contains("\tdnp3\t") {
            out.push(path);
        }
    }
}

#[test]
fn agrees_with_public_captures() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("CORPUS").map_or(beside, PathBuf::from);
    let Ok(corpus) = corpus.canonicalize() else {
        eprintln!("skipped: no captures at ../shared/corpus beside the repository");
        return;
    };
    let only = std::env::var("DNP3_CORPUS").unwrap_or_default();
    let mut files = Vec::new();
    truths(&corpus.join("dev"), &mut files);
    files.retain(|f| f.to_string_lossy().contains(&only));
    let (mut wanted, mut agreed, mut extra) = (0, 0, 0);
    for path in files {
        let name = path.to_string_lossy().into_owned();
        let capture = PathBuf::from(name.split(".tshark.tsv").next().unwrap());
        let Ok(bytes) = std::fs::read(&capture) else { continue };
        if bytes.starts_with(&[0x1F, 0x8B]) {
            continue;
        }
        let mut reader = Reader::default();
        let all = packets(&bytes);
        for (i, (link, packet)) in all.iter().enumerate() {
            reader.packet(i, *link, packet);
        }
        for flow in std::mem::take(&mut reader.flows).into_values() {
            reader.finish(all.len(), flow);
        }
        let (truth, malformed) = truth(&path);
        let score = compare(truth, &malformed, reader.done.iter().flat_map(ours).collect());
        wanted += score.truth;
        agreed += score.agreed;
        extra += score.extra.len();
        if score.agreed < score.truth || !score.extra.is_empty() || !only.is_empty() {
            println!(
                "{}: truth {} agreed {} extra {} (tshark calls {} malformed)",
                capture.strip_prefix(&corpus).unwrap().display(),
                score.truth,
                score.agreed,
                score.extra.len(),
                malformed.len()
            );
            let shown = if only.is_empty() { 3 } else { 40 };
            score.missing.iter().take(shown).for_each(|m| println!("    missing {m}"));
            score.extra.iter().take(shown).for_each(|m| println!("    extra   {m}"));
            if !only.is_empty() {
                reader.anomalies.iter().take(shown).for_each(|(a, n)| println!("    {n} x {a}"));
            }
        }
    }
    println!("truth {wanted} agreed {agreed} extra {extra}");
    assert!(agreed * 1_000 >= (wanted + extra) * 995, "{agreed} of {wanted}, {extra} extra");
}
