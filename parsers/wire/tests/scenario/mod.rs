//! Packets built by hand, and a run of the whole path over them.
#![allow(dead_code)]

use wire::counters::Counters;
use wire::dissect::{Ends, Frame};
use wire::limits::Limits;
use wire::pipeline::{Packet, Pipeline, Settings, Window};

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

pub type Timed = (i64, Vec<u8>);

/// An Ethernet frame with an IPv4 packet.
pub fn eth_ip(from: [u8; 4], to: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut f = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    f.extend([0x45, 0]);
    f.extend((20 + payload.len() as u16).to_be_bytes());
    f.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    f.extend(from);
    f.extend(to);
    f.extend(payload);
    f
}

/// A TCP segment in its frame.
#[allow(clippy::too_many_arguments)]
pub fn tcp(from: [u8; 4], sport: u16, to: [u8; 4], dport: u16, seq: u32, ack: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let mut s = Vec::new();
    s.extend(sport.to_be_bytes());
    s.extend(dport.to_be_bytes());
    s.extend(seq.to_be_bytes());
    s.extend(ack.to_be_bytes());
    s.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    s.extend(data);
    eth_ip(from, to, 6, &s)
}

/// A UDP datagram in its frame.
pub fn udp(from: [u8; 4], sport: u16, to: [u8; 4], dport: u16, data: &[u8]) -> Vec<u8> {
    let mut s = Vec::new();
    s.extend(sport.to_be_bytes());
    s.extend(dport.to_be_bytes());
    s.extend((8 + data.len() as u16).to_be_bytes());
    s.extend([0, 0]);
    s.extend(data);
    eth_ip(from, to, 17, &s)
}

/// A TCP conversation with right numbers: each call adds a packet a millisecond later.
pub struct Conversation {
    pub ends: [([u8; 4], u16); 2],
    pub seq: [u32; 2],
    pub clock: i64,
    pub packets: Vec<Timed>,
}

impl Conversation {
    pub fn new(client: [u8; 4], cport: u16, server: [u8; 4], sport: u16) -> Self {
        Self {
            ends: [(client, cport), (server, sport)],
            seq: [1_000, 5_000],
            clock: 1_760_000_000_000_000_000,
            packets: vec![],
        }
    }

    pub fn send(&mut self, side: usize, flags: u8, data: &[u8]) {
        let (from, to) = (self.ends[side], self.ends[1 - side]);
        let ack = if flags & ACK != 0 { self.seq[1 - side] } else { 0 };
        self.clock += 1_000_000;
        self.packets.push((self.clock, tcp(from.0, from.1, to.0, to.1, self.seq[side], ack, flags, data)));
        self.seq[side] = self.seq[side].wrapping_add(data.len() as u32 + u32::from(flags & (SYN | FIN) != 0));
    }

    pub fn open(&mut self) {
        self.send(0, SYN, &[]);
        self.send(1, SYN | ACK, &[]);
        self.send(0, ACK, &[]);
    }
    pub fn client(&mut self, data: &[u8]) {
        self.send(0, ACK, data);
    }
    pub fn server(&mut self, data: &[u8]) {
        self.send(1, ACK, data);
    }
    pub fn close(&mut self) {
        self.send(0, FIN | ACK, &[]);
        self.send(1, FIN | ACK, &[]);
        self.send(0, ACK, &[]);
    }
}

pub fn settings() -> Settings {
    Settings { window: 10_000_000_000, workers: 1, vlan_in_key: false, limits: Limits::default() }
}

/// Everything that came out.
#[derive(Default)]
pub struct Out {
    pub lines: Vec<String>,
    pub ends: Vec<Ends>,
    pub counters: Counters,
    pub windows: Vec<(i64, i64)>,
}

impl Out {
    pub fn add(&mut self, window: Window) {
        self.windows.push((window.start, window.end));
        self.counters.add(&window.counters);
        for share in window.shares {
            for table in share.tables {
                for (row, line) in table.lines(&[]).into_iter().enumerate() {
                    let at = table.flow[row] as usize;
                    let id = share.flows.ids.get(at).map_or(String::new(), |id| format!(" flow_id={id}"));
                    self.lines.push(line + &id);
                }
            }
            self.ends.extend(share.flows.ends);
        }
    }

    /// Rows of a table, sorted.
    pub fn table(&self, name: &str) -> Vec<&String> {
        let mut rows: Vec<&String> = self.lines.iter().filter(|l| l.split(' ').next() == Some(name)).collect();
        rows.sort();
        rows
    }

    /// One column of a table, sorted.
    pub fn values(&self, table: &str, column: &str) -> Vec<String> {
        let value = |line: &&String| {
            let start = line.find(&format!(" {column}=")).unwrap() + column.len() + 2;
            let rest = &line[start..];
            let end =
                if rest.starts_with('[') { rest.find(']').unwrap() + 1 } else { rest.find(' ').unwrap_or(rest.len()) };
            rest[..end].to_owned()
        };
        let mut values: Vec<String> = self.table(table).iter().map(value).collect();
        values.sort();
        values
    }
}

pub fn run(packets: &[Timed]) -> Out {
    run_with(packets, settings())
}

pub fn run_with(packets: &[Timed], settings: Settings) -> Out {
    let mut pipeline = Pipeline::new(settings);
    let mut out = Out::default();
    for (i, (ts, data)) in packets.iter().enumerate() {
        let packet = Packet { ts: *ts, frame: Frame::new(0, i as u64 + 1), link: 1, orig_len: data.len() as u32, data };
        if let Some(window) = pipeline.push(&packet) {
            out.add(window);
        }
    }
    if let Some(window) = pipeline.finish() {
        out.add(window);
    }
    out
}
