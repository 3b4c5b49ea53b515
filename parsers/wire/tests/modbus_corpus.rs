//! Modbus rows held against another dissector's reading of public captures, message by message.
//! The captures are not part of the project: without them the test says so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use wire::behaviour::Behaviours;
use wire::dissect::{Cx, Dir, Dissector, Ends, FlowRef, Frame, Probe, Stream};
use wire::limits::Limits;
use wire::modbus::{Modbus, probe};
use wire::rows::Rows;

/// Frame, whether it is a response, transaction, unit, function; then exception, address, quantity.
type Message = ((u64, bool, u16, u8, u8), (Option<u8>, Option<u16>, Option<u16>));

/// A TCP or UDP payload: addresses and ports of sender and receiver, sequence number (TCP), SYN, bytes.
struct Segment<'a> {
    from: (Vec<u8>, u16),
    to: (Vec<u8>, u16),
    sequence: Option<u32>,
    syn: bool,
    payload: &'a [u8],
}

fn be16(b: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([b[at], b[at + 1]]))
}

/// Ethernet (with VLAN tags), IPv4 or IPv6 without fragments and options, TCP or UDP.
fn segment(packet: &[u8]) -> Option<Segment<'_>> {
    let mut at = 12;
    while packet.len() > at + 4 && matches!(be16(packet, at), 0x8100 | 0x88A8) {
        at += 4;
    }
    let ip = packet.get(at + 2..)?;
    let (transport, from, to, body) = match be16(packet, at) {
        0x0800 if ip.len() >= 20 && be16(ip, 6) & 0x3FFF == 0 => {
            let total = be16(ip, 2);
            let end = if total == 0 { ip.len() } else { total.min(ip.len()) };
            (ip[9], &ip[12..16], &ip[16..20], ip.get(usize::from(ip[0] & 15) * 4..end)?)
        }
        0x86DD if ip.len() >= 40 => (ip[6], &ip[8..24], &ip[24..40], ip.get(40..ip.len().min(40 + be16(ip, 4)))?),
        _ => return None,
    };
    let ports = |b: &[u8]| (be16(b, 0) as u16, be16(b, 2) as u16);
    let (sequence, syn, start) = match transport {
        6 if body.len() >= 20 => (
            Some(u32::from_be_bytes(body[4..8].try_into().unwrap())),
            body[13] & 2 != 0,
            usize::from(body[12] >> 4) * 4,
        ),
        17 if body.len() >= 8 => (None, false, 8),
        _ => return None,
    };
    let (source, destination) = ports(body);
    Some(Segment {
        from: (from.to_vec(), source),
        to: (to.to_vec(), destination),
        sequence,
        syn,
        payload: body.get(start..)?,
    })
}

/// The packets of a classic capture file on Ethernet, with their times; None: another format.
fn packets(file: &[u8]) -> Option<Vec<(i64, &[u8])>> {
    let magic = file.get(..4)?;
    let (big, nano) = match *magic {
        [0xD4, 0xC3, 0xB2, 0xA1] => (false, false),
        [0xA1, 0xB2, 0xC3, 0xD4] => (true, false),
        [0x4D, 0x3C, 0xB2, 0xA1] => (false, true),
        _ => return None,
    };
    let int = |at: usize| {
        let b: [u8; 4] = file.get(at..at + 4)?.try_into().ok()?;
        Some(if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) } as usize)
    };
    if int(20)? != 1 {
        return None;
    }
    let (mut at, mut out) = (24, vec![]);
    while let (Some(s), Some(f), Some(n)) = (int(at), int(at + 4), int(at + 8)) {
        let Some(bytes) = file.get(at + 16..at + 16 + n) else { break };
        out.push((s as i64 * 1_000_000_000 + f as i64 * if nano { 1 } else { 1_000 }, bytes));
        at += 16 + n;
    }
    Some(out)
}

struct Flow {
    client: (Vec<u8>, u16),
    /// None: probing said no.
    dissector: Option<Modbus>,
    settled: bool,
    streams: [Stream; 2],
    next: [Option<u32>; 2],
    held: [BTreeMap<u32, Vec<u8>>; 2],
}

type Sides = ((Vec<u8>, u16), (Vec<u8>, u16));

/// Runs the dissector over a capture.
fn dissect(packets: &[(i64, &[u8])]) -> Rows {
    let (mut rows, mut behaviours, limits, ends) =
        (Rows::default(), Behaviours::default(), Limits::default(), Ends::default());
    let mut flows: HashMap<(bool, Sides), Flow> = HashMap::new();
    let mut last = (0, Frame::NONE);
    for (index, &(ts, packet)) in packets.iter().enumerate() {
        let Some(s) = segment(packet) else { continue };
        last = (ts, Frame::new(0, index as u64 + 1));
        let key = if s.from < s.to { (s.from.clone(), s.to.clone()) } else { (s.to.clone(), s.from.clone()) };
        let mut cx = Cx {
            ts,
            frame: last.1,
            flow: FlowRef(0),
            ends: &ends,
            rows: &mut rows,
            behaviours: &mut behaviours,
            limits: &limits,
            expected: &mut wire::files::Expected::default(),
        };
        let flow = flows.entry((s.sequence.is_some(), key)).or_insert_with(|| Flow {
            client: s.from.clone(),
            dissector: Some(Modbus::new()),
            settled: false,
            streams: Default::default(),
            next: [None; 2],
            held: Default::default(),
        });
        if s.syn && flow.dissector.is_some() && flow.next.iter().all(Option::is_some) && flow.client == s.from {
            // The ports are used again.
            flow.dissector.replace(Modbus::new()).unwrap().end(&mut cx);
            (flow.next, flow.settled, flow.streams, flow.held) =
                ([None; 2], false, Default::default(), Default::default());
        }
        flow.packet(&mut cx, &s);
    }
    for flow in flows.into_values() {
        let mut cx = Cx {
            ts: last.0,
            frame: last.1,
            flow: FlowRef(0),
            ends: &ends,
            rows: &mut rows,
            behaviours: &mut behaviours,
            limits: &limits,
            expected: &mut wire::files::Expected::default(),
        };
        if let Some(mut dissector) = flow.dissector.filter(|_| flow.settled) {
            dissector.end(&mut cx);
        }
    }
    rows
}

impl Flow {
    fn packet(&mut self, cx: &mut Cx<'_>, s: &Segment<'_>) {
        if !self.settled && !s.payload.is_empty() {
            match probe(s.payload, s.from.1, s.to.1) {
                Probe::No => self.dissector = None,
                Probe::Client | Probe::Either => (self.client, self.settled) = (s.from.clone(), true),
                Probe::Server => (self.client, self.settled) = (s.to.clone(), true),
                Probe::Unsure => {}
            }
        }
        let dir = if s.from == self.client { Dir::ToServer } else { Dir::ToClient };
        let Some(dissector) = self.dissector.as_mut() else { return };
        let (Some(sequence), i) = (s.sequence, usize::from(s.from > s.to)) else {
            if self.settled && !Stream::datagram(dissector, cx, dir, s.payload) {
                self.dissector = None;
            }
            return;
        };
        let next = *self.next[i].get_or_insert(sequence.wrapping_add(u32::from(s.syn)));
        if s.payload.is_empty() {
            return;
        }
        let ahead = sequence.wrapping_sub(next) as i32;
        if ahead > 0 {
            self.held[i].insert(sequence, s.payload.to_vec());
            if self.held[i].len() > 8 {
                let (&first, _) = self.held[i].first_key_value().unwrap();
                self.streams[i].gap(dissector, cx, dir, u64::from(first.wrapping_sub(next)));
                self.next[i] = Some(first);
            }
        } else if let Some(new) = s.payload.get(ahead.unsigned_abs() as usize..).filter(|new| !new.is_empty()) {
            self.next[i] = Some(next.wrapping_add(new.len() as u32));
            if !self.streams[i].feed(dissector, cx, dir, new) {
                self.dissector = None;
                return;
            }
        }
        while let Some((first, bytes)) = self.held[i].pop_first() {
            let behind = self.next[i].unwrap().wrapping_sub(first) as i32;
            if behind < 0 {
                self.held[i].insert(first, bytes);
                break;
            }
            if let Some(new) = bytes.get(behind as usize..).filter(|new| !new.is_empty()) {
                self.next[i] = Some(self.next[i].unwrap().wrapping_add(new.len() as u32));
                self.streams[i].feed(self.dissector.as_mut().unwrap(), cx, dir, new);
            }
        }
    }
}

/// Our rows as messages.
fn ours(rows: &mut Rows) -> Vec<Message> {
    let mut out = vec![];
    for line in rows.modbus.take().lines(&["values"]) {
        let cells: HashMap<&str, &str> = line.split(' ').filter_map(|c| c.split_once('=')).collect();
        fn cell<T: std::str::FromStr>(cells: &HashMap<&str, &str>, name: &str) -> Option<T> {
            cells[name].parse().ok()
        }
        let (tid, unit, code) = (
            cell(&cells, "transaction_id").unwrap(),
            cell(&cells, "unit_id").unwrap(),
            cell(&cells, "function_code").unwrap(),
        );
        let frame = |name: &str| cell::<u64>(&cells, name).filter(|&f| f != 0);
        if let Some(f) = frame("request_frame") {
            out.push(((f, false, tid, unit, code), compared(code, cell(&cells, "address"), cell(&cells, "quantity"))));
        }
        if let Some(f) = frame("response_frame") {
            out.push(((f, true, tid, unit, code), (cell(&cells, "exception_code"), None, None)));
        }
    }
    out
}

/// The fields of a request that both dissectors name alike.
fn compared(code: u8, address: Option<u16>, quantity: Option<u16>) -> (Option<u8>, Option<u16>, Option<u16>) {
    match code {
        1..=4 | 15 | 16 => (None, address, quantity),
        5 | 6 => (None, address, None),
        _ => (None, None, None),
    }
}

/// The other dissector's messages; those it calls malformed are left out.
fn truth(path: &Path) -> Vec<Message> {
    let text = if path.extension().is_some_and(|e| e == "gz") {
        Command::new("gzip").arg("-dc").arg(path).output().expect("gzip").stdout
    } else {
        std::fs::read(path).unwrap()
    };
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let mut out = vec![];
    for line in lines {
        let cells: HashMap<&str, &str> = names.iter().copied().zip(line.split('\t')).collect();
        let number = |name: &str| {
            let text = cells.get(name).copied().unwrap_or_default().trim();
            text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |h| u64::from_str_radix(h, 16).ok())
        };
        let (Some(code), Some(dir @ (&"Q" | &"R"))) = (number("mb_fc"), cells.get("mb_dir")) else { continue };
        if cells["proto"] != "modbus" || cells.get("note").is_some_and(|n| !n.is_empty()) {
            continue;
        }
        let (response, code) = (*dir == "R", code as u8 & 0x7F);
        let small = |name: &str| number(name).map(|n| n as u16);
        let key = (number("frame").unwrap(), response, small("mb_tid").unwrap(), small("mb_unit").unwrap() as u8, code);
        let fields = if response { (None, None, None) } else { compared(code, small("mb_addr"), small("mb_count")) };
        out.push((key, (number("mb_exc").map(|e| e as u8), fields.1, fields.2)));
    }
    out
}

fn captures(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            captures(&path, out);
        } else if path.to_string_lossy().contains(".tshark.tsv") {
            out.push(path);
        }
    }
}

#[test]
fn rows_agree_with_the_truth_of_public_captures() {
    // Beside the project, or where the environment says.
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("DRIFTSPAN_CORPUS").map_or(beside, PathBuf::from).join("dev");
    if !corpus.is_dir() {
        eprintln!("skipped: no captures at {}", corpus.display());
        return;
    }
    let mut truths = vec![];
    captures(&corpus, &mut truths);
    let (mut total, mut agreed, mut extra) = (0, 0, 0);
    for path in truths {
        let want = truth(&path);
        let capture = PathBuf::from(path.to_string_lossy().split(".tshark.tsv").next().unwrap());
        let file = if want.is_empty() { vec![] } else { std::fs::read(&capture).unwrap_or_default() };
        // What the plain reader of packets here cannot do: fragments, cut packets, holes.
        let beyond = ["/modbus.frag-", "/modbus.snap-", "/modbus.loss-"];
        let Some(packets) = packets(&file) else { continue };
        if beyond.iter().any(|b| capture.to_string_lossy().contains(b)) {
            continue;
        }
        let have = ours(&mut dissect(&packets));
        let mut pool: HashMap<_, Vec<_>> = HashMap::new();
        have.iter().for_each(|(key, fields)| pool.entry(*key).or_default().push(*fields));
        let mut differ = vec![];
        for (key, fields) in &want {
            match pool.get_mut(key).and_then(|p| p.iter().position(|f| f == fields).map(|i| p.remove(i))) {
                Some(_) => agreed += 1,
                None => differ.push(format!("missing {key:?} {fields:?}, have {:?}", pool.get(key))),
            }
        }
        let mut left: Vec<_> = pool.into_iter().filter(|(_, l)| !l.is_empty()).collect();
        left.sort();
        extra += left.iter().map(|(_, l)| l.len()).sum::<usize>();
        differ.extend(left.iter().map(|l| format!("extra {l:?}")));
        total += want.len();
        if !differ.is_empty() {
            eprintln!("{}: {} of {} differ", capture.display(), differ.len(), want.len());
            differ.iter().take(4).for_each(|d| eprintln!("    {d}"));
        }
    }
    eprintln!("{agreed} of {total} messages agree, {extra} are ours alone");
    assert!(agreed * 1000 >= (total + extra) * 999, "{agreed} of {total} agree, {extra} extra");
}
