//! Names of flows in public captures, held against what tshark calls them. Skipped where there is no corpus or no tshark.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use wire::names::identify;

/// Larger captures take tshark too long for a test.
const LARGEST: u64 = 300_000;

/// Our name and the names that tshark may have for the same.
const SAME: &[(&str, &[&str])] = &[
    ("ads", &["ams"]),
    ("bacnet", &["bvlc"]),
    ("cotp", &["cotp", "s7comm"]),
    ("dhcp", &["dhcp", "bootp"]),
    ("hart_ip", &["hart_ip"]),
    ("iec104", &["iec60870_104"]),
    ("knx", &["kip"]),
    ("mms", &["ses", "pres", "mms"]),
    ("netbios_datagram", &["nbdgm"]),
    ("omron_fins", &["omron"]),
    ("profinet_cm", &["pn_io", "dcerpc"]),
    ("rdp", &["rdp", "cotp"]),
    ("smb", &["smb", "smb2", "nbss"]),
    ("oracle", &["tns"]),
    ("mssql", &["tds"]),
    ("postgres", &["pgsql"]),
    ("radius", &["radius", "eap"]),
    ("isakmp", &["isakmp", "udpencap"]),
    ("stun", &["stun", "classicstun"]),
    ("cip_io", &["cipio", "enip", "cip"]),
    ("http2", &["http2", "http"]),
    ("wireguard", &["wg"]),
    ("melsec", &["melsec"]),
];

fn corpus() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|a| a.join("shared/corpus/dev")).find(|p| p.join("manifest.tsv").exists())
}

/// The first payload of each direction of each flow: protocol layers, ports, bytes.
fn firsts(capture: &Path) -> Vec<(String, u16, u16, bool, Vec<u8>)> {
    let fields = [
        "frame.protocols",
        "tcp.stream",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.payload",
        "udp.stream",
        "udp.srcport",
        "udp.dstport",
        "udp.payload",
    ];
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture).args([
        "-Y",
        "(tcp.len > 0 || udp) && !icmp && !icmpv6",
        "-T",
        "fields",
        "-E",
        "occurrence=l",
    ]);
    fields.iter().for_each(|f| _ = command.args(["-e", f]));
    let text = String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned();
    let mut seen = BTreeSet::new();
    let mut out = vec![];
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [layers, ts, tf, tt, tp, us, uf, ut, up] = cells[..] else { continue };
        let datagram = tp.is_empty();
        let (stream, from, to, payload) = if datagram { (us, uf, ut, up) } else { (ts, tf, tt, tp) };
        let (Ok(from), Ok(to)) = (from.parse(), to.parse()) else { continue };
        if payload.is_empty() || !seen.insert((stream.to_owned(), from, datagram)) {
            continue;
        }
        let bytes =
            payload.as_bytes().chunks(2).filter_map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok());
        out.push((layers.to_owned(), from, to, datagram, bytes.collect()));
    }
    out
}

#[test]
#[ignore = "runs tshark for a minute"]
fn names_agree_with_tshark() {
    let Some(corpus) = corpus().filter(|_| Command::new("tshark").arg("-v").output().is_ok()) else {
        eprintln!("skipped: no corpus beside the repository, or no tshark");
        return;
    };
    let manifest = std::fs::read_to_string(corpus.join("manifest.tsv")).unwrap();
    let mut table: BTreeMap<(String, String), (u32, String)> = BTreeMap::new();
    for row in manifest.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let capture = corpus.join(cells[0]);
        let varied = ["nDPI/", "icsmaster/", "ICS-Security-Tools/", "arkime/"].iter().any(|d| cells[0].starts_with(d));
        if !varied || !std::fs::metadata(&capture).is_ok_and(|m| m.len() <= LARGEST) {
            continue;
        }
        for (layers, from, to, datagram, bytes) in firsts(&capture) {
            let ours = identify(&bytes, from, to, datagram).map_or("", |n| n.app);
            let base = if datagram { ":udp:" } else { ":tcp:" };
            let theirs = layers.rsplit_once(base).map_or("", |(_, above)| above);
            let entry = table.entry((ours.to_owned(), theirs.to_owned())).or_default();
            entry.0 += 1;
            entry.1 = format!("{} {from}>{to} {:02x?}", cells[0], &bytes[..bytes.len().min(24)]);
        }
    }
    let (mut agreed, mut wrong) = (0, vec![]);
    for ((ours, theirs), (count, example)) in &table {
        let names = SAME.iter().find(|(o, _)| o == ours).map_or(vec![ours.as_str()], |(_, t)| t.to_vec());
        let same = theirs.split(':').any(|layer| names.contains(&layer));
        match (ours.is_empty(), same) {
            (false, true) => agreed += count,
            // It does not look for every protocol on every port, and not at all at segments that it takes for repeated.
            (false, false) if theirs.is_empty() || theirs == "data" => eprintln!("{count} {ours} alone: {example}"),
            (false, false) => wrong.push(format!("{count} {ours} where tshark says {theirs:?}: {example}")),
            (true, _) => eprintln!("{count} without a name where tshark says {theirs:?}: {example}"),
        }
    }
    assert!(wrong.is_empty(), "{agreed} agree\n{}", wrong.join("\n"));
    assert!(agreed > 0);
}
