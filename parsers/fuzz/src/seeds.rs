//! Inputs to begin with, made of captures: what each side of a flow said, as scripts; frames; the files themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ::capture::Merge;
use wire::decode::{Datagram, Decoder, Outcome};
use wire::flow::Key;
use wire::recognise::{Found, recognise};
use wire::transport::{Tcp, udp};

use super::script;

/// Bytes of a seed, seeds of a target, flows of a capture.
const BYTES: usize = 2_048;
const SEEDS: usize = 48;
const FLOWS: usize = 512;
/// Protocols with a target of their own.
const NAMED: [&str; 6] = ["modbus", "dnp3", "opcua", "mqtt", "tls", "dtls"];

pub type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// What one flow said.
struct Said {
    target: &'static str,
    opener: usize,
    port: u16,
    script: Vec<u8>,
}

/// Seeds by target.
#[must_use]
pub fn seeds(captures: &[PathBuf]) -> Seeds {
    let mut seeds = Seeds::new();
    for path in captures {
        of(path, &mut seeds);
        if let Ok(bytes) = std::fs::read(path) {
            keep(&mut seeds, "capture", bytes[..bytes.len().min(BYTES)].to_vec());
        }
    }
    seeds
}

fn keep(seeds: &mut Seeds, target: &'static str, seed: Vec<u8>) {
    let known = seeds.entry(target).or_default();
    // What is told by name comes in many kinds.
    let most = if target == "names" { 3 * SEEDS } else { SEEDS };
    if known.len() < most && !seed.is_empty() {
        known.push(seed);
    }
}

fn of(path: &PathBuf, seeds: &mut Seeds) {
    let Ok(mut merge) = Merge::open(std::slice::from_ref(path)) else { return };
    let mut decoder = Decoder::new(&script::limits());
    let mut flows = BTreeMap::new();
    let (mut frames, mut raw) = (Vec::new(), vec![0]);
    while let Some(p) = merge.next() {
        if let Ok(length) = u16::try_from(p.data.len())
            && frames.len() < BYTES
        {
            frames.extend([if p.link == 1 { 0 } else { 4 }, length as u8, (length >> 8) as u8, 0]);
            frames.extend(p.data);
            raw.extend([0, length as u8, (length >> 8) as u8, 1]);
            raw.extend(p.data);
        }
        if let Outcome::Ip(d) = decoder.decode(p.ts, p.frame, p.link, p.orig_len, p.data, &mut |_, _| {}) {
            said(&d, &mut flows);
        }
    }
    keep(seeds, "link", frames);
    keep(seeds, "engine", raw);
    for Said { target, port, script, .. } in flows.into_values() {
        let whole = match target {
            "http" => [&[0][..], &script].concat(),
            "smb" => [&[1][..], &script].concat(),
            "rpc" => [&[2][..], &script].concat(),
            "ftp" => [&[3][..], &script].concat(),
            _ => script.clone(),
        };
        match target {
            "http" | "smb" | "rpc" | "ftp" => keep(seeds, "files", whole),
            _ if NAMED.contains(&target) => keep(seeds, target, whole),
            _ => {}
        }
        let named = NAMED.iter().all(|known| *known != target);
        if named || seeds.get("names").is_none_or(|known| known.len() < SEEDS / 2) {
            keep(seeds, "names", [&port.to_be_bytes()[..], &script].concat());
        }
        conversation(seeds, target, &script);
    }
}

/// The same as a conversation of the whole engine.
fn conversation(seeds: &mut Seeds, target: &str, script: &[u8]) {
    let which = match target {
        "modbus" => 0,
        "dnp3" => 1,
        "opcua" => 2,
        "mqtt" => 3,
        "tls" => 4,
        "http" => 5,
        "smb" => 6,
        _ => 7,
    };
    let mut out = vec![0, 3 | which << 4, 0, 0, 1, 0x83 | which << 4, 0, 0, 1];
    let mut rest = script;
    while let Some(script::Step::Feed { dir, bytes, .. }) = script::next(&mut rest) {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        out.extend([(dir.index() as u8) << 7 | which << 4 | 15, length as u8, (length >> 8) as u8, 2]);
        out.extend(bytes);
    }
    keep(seeds, "engine", out);
}

fn said(d: &Datagram<'_>, flows: &mut BTreeMap<[u8; 38], Said>) {
    let (from, to, bytes) = match d.protocol {
        6 => match Tcp::read(d.payload) {
            Some(tcp) => (tcp.from, tcp.to, d.payload.get(tcp.header..).unwrap_or_default()),
            None => return,
        },
        17 => match udp(d.payload) {
            Some(found) => found,
            None => return,
        },
        _ => return,
    };
    let datagram = d.protocol == 17;
    let (key, side) = Key::new((d.src, from), (d.dst, to), d.protocol, 0);
    let mut place = [0; 38];
    place[..16].copy_from_slice(&key.low.0);
    place[16..32].copy_from_slice(&key.high.0);
    place[32..34].copy_from_slice(&key.low.1.to_be_bytes());
    place[34..36].copy_from_slice(&key.high.1.to_be_bytes());
    place[36] = d.protocol;
    if bytes.is_empty() || (flows.len() >= FLOWS && !flows.contains_key(&place)) {
        return;
    }
    let found = || match recognise(bytes, from, to, datagram, None) {
        Found::Dissector(dissector, _) => dissector.protocol(),
        Found::Named(name, _) => name,
        Found::Unsure | Found::Nothing => "names",
    };
    let said =
        flows.entry(place).or_insert_with(|| Said { target: found(), opener: side, port: to, script: Vec::new() });
    if said.script.len() + bytes.len() <= BYTES {
        script::write(&mut said.script, side != said.opener, datagram, bytes);
    }
}

/// Writes seeds into a folder for each target and ends, if the environment asks for it (a program of its own cannot be
/// linked with what the fuzzer's flags put into every crate).
pub fn asked() {
    let Some(folder) = std::env::var_os("SEEDS_TO").map(PathBuf::from) else { return };
    let from = std::env::var("SEEDS_FROM").unwrap_or_default();
    for (target, inputs) in seeds(&from.lines().map(PathBuf::from).collect::<Vec<_>>()) {
        let place = folder.join(target);
        std::fs::create_dir_all(&place).expect("a folder for seeds");
        for (number, input) in inputs.iter().enumerate() {
            std::fs::write(place.join(format!("seed-{number:03}")), input).expect("a seed");
        }
    }
    std::process::exit(0);
}
