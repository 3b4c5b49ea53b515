//! Public captures: every one is read and decoded, and a capture in another form holds the same packets.
//! They lie beside the repository and are skipped where they do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use capture::Reader;
use wire::decode::{Decoder, Outcome};
use wire::duplicates::Duplicates;
use wire::limits::Limits;

fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/dev");
    if path.is_dir() {
        return Some(path);
    }
    // A worktree lies one directory deeper.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpus/dev");
    let found = path.is_dir().then_some(path);
    if found.is_none() {
        eprintln!("skipped: no captures in ../shared/corpus");
    }
    found
}

/// What one capture decodes to.
#[derive(Default)]
struct Found {
    packets: u64,
    truncated: u64,
    links: BTreeMap<u16, u64>,
    unknown_links: u64,
    tunnels: BTreeMap<&'static str, u64>,
    bad: Vec<(&'static str, u64)>,
    duplicates: u64,
    /// TCP and UDP payloads, ports and sequence numbers, how often each.
    transport: BTreeMap<Vec<u8>, u64>,
    warning: Option<String>,
}

/// What identifies a transport payload wherever it is carried: protocol, ports, TCP numbers and flags, data.
fn key(protocol: u8, payload: &[u8]) -> Option<Vec<u8>> {
    match protocol {
        6 => {
            let header = usize::from(payload.get(12)? >> 4) * 4;
            Some([&[6], payload.get(..14)?, payload.get(header..)?].concat())
        }
        17 => Some([&[17], payload.get(..4)?, payload.get(8..)?].concat()),
        _ => None,
    }
}

fn run(path: &Path) -> Result<Found, capture::Error> {
    let limits = Limits::default();
    let (mut reader, mut decoder) = (Reader::open(path, 0)?, Decoder::new(&limits));
    let mut duplicates = Duplicates::new(&limits);
    let mut found = Found::default();
    while let Some(p) = reader.next() {
        *found.links.entry(p.link).or_default() += 1;
        if let Outcome::Ip(d) = decoder.decode(p.ts, p.frame, p.link, p.orig_len, p.data, &mut |_, _| {}) {
            found.duplicates += u64::from(duplicates.seen(p.ts, &d));
            *found.tunnels.entry(d.tunnel).or_default() += 1;
            if let Some(key) = key(d.protocol, d.payload) {
                *found.transport.entry(key).or_default() += 1;
            }
        }
    }
    // The index counts as Wireshark does.
    found.packets = reader.facts().packets + reader.facts().other_frames;
    found.truncated = reader.facts().truncated_packets;
    found.unknown_links = decoder.counters.unknown_link;
    found.bad = decoder.bad().to_vec();
    found.warning = reader.warning().map(str::to_owned);
    Ok(found)
}

#[test]
fn every_capture_is_read_and_counted_as_its_index_says() {
    let Some(corpus) = corpus() else { return };
    let index = std::fs::read_to_string(corpus.join("manifest.tsv")).unwrap();
    let (mut read, mut wrong) = (0, Vec::new());
    for row in index.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let found = match run(&corpus.join(cells[0])) {
            Ok(found) => found,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        read += 1;
        let (packets, truncated): (u64, u64) = (cells[4].parse().unwrap(), cells[7].parse().unwrap());
        if std::env::var("CORPUS_SHOW").is_ok() {
            let Found { links, tunnels, bad, duplicates, warning, unknown_links, .. } = &found;
            println!(
                "{} links {links:?} unknown {unknown_links} tunnels {tunnels:?} bad {bad:?} dup {duplicates} {warning:?}",
                cells[0]
            );
        }
        if (found.packets, found.truncated) != (packets, truncated) {
            let of = (found.packets, found.truncated);
            wrong.push(format!(
                "{}: {of:?} packets and truncated, the index has {packets}, {truncated} {:?}",
                cells[0], found.warning
            ));
        }
    }
    assert!(read > 400, "{read} captures");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_forms_of_a_capture_hold_the_same_packets() {
    let Some(corpus) = corpus() else { return };
    let mut compared = 0;
    for entry in std::fs::read_dir(corpus.join("derived")).unwrap() {
        let about = entry.unwrap().path();
        if about.extension().is_none_or(|e| e != "base") {
            continue;
        }
        let text = std::fs::read_to_string(&about).unwrap();
        let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        let variant = field("variant");
        let way = variant.split(' ').next().unwrap_or_default();
        // Cut into other segments: the same bytes for TCP, but not the same datagrams.
        if field("lossless") != "1" || way == "split" {
            continue;
        }
        let base = corpus.parent().unwrap().join(field("base"));
        let (base, mut other) = (run(&base).unwrap(), run(&about.with_extension("")).unwrap());
        if way == "dup" {
            // Retransmissions: some payloads once more.
            assert!(other.transport.values().sum::<u64>() > base.transport.values().sum());
            other.transport.values_mut().zip(base.transport.values()).for_each(|(o, b)| *o = *b);
        }
        assert!(other.transport == base.transport, "{}: other payloads than its base", about.display());
        compared += 1;
    }
    assert!(compared >= 40, "{compared} variants");
}
