//! Capture files written by hand.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use capture::{Facts, Merge, Reader};

/// A directory of its own, removed at the end.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("capture-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Numbers in one byte order.
#[derive(Clone, Copy)]
pub struct Order(pub bool);

impl Order {
    pub fn u16(self, n: u16) -> [u8; 2] {
        if self.0 { n.to_be_bytes() } else { n.to_le_bytes() }
    }
    pub fn u32(self, n: u32) -> [u8; 4] {
        if self.0 { n.to_be_bytes() } else { n.to_le_bytes() }
    }
    pub fn u64(self, n: u64) -> [u8; 8] {
        if self.0 { n.to_be_bytes() } else { n.to_le_bytes() }
    }
    pub fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|w| self.u32(*w)).collect()
    }
    /// A pcapng block.
    pub fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padded = body.len().next_multiple_of(4);
        let total = self.u32(12 + padded as u32);
        [&self.u32(kind)[..], &total, body, &vec![0; padded - body.len()], &total].concat()
    }
    pub fn section(self) -> Vec<u8> {
        let body = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &self.u64(u64::MAX)].concat();
        self.block(0x0a0d_0d0a, &body)
    }
    pub fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        [&self.u16(code)[..], &self.u16(value.len() as u16), value, &padding].concat()
    }
    pub fn interface(self, link: u16, snap: u32, options: &[u8]) -> Vec<u8> {
        self.block(1, &[&self.u16(link)[..], &[0, 0], &self.u32(snap), options].concat())
    }
    pub fn packet(self, interface: u32, ticks: u64, orig_len: u32, data: &[u8]) -> Vec<u8> {
        let head = [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, orig_len];
        self.block(6, &[&self.words(&head)[..], data].concat())
    }
}

/// A classic pcap file; `fraction` is in the magic number's unit.
pub fn pcap(magic: u32, order: Order, link: u32, records: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
    let mut out = order.words(&[magic]);
    out.extend([order.u16(2), order.u16(4)].concat());
    out.extend(order.words(&[0, 0, 262_144, link]));
    for (seconds, fraction, orig_len, data) in records {
        out.extend(order.words(&[*seconds, *fraction, data.len() as u32, *orig_len]));
        if magic == 0xa1b2_cd34 {
            out.extend([0; 8]);
        }
        out.extend(*data);
    }
    out
}

/// Time, frame number, link type, original length, data.
pub type Seen = (i64, u16, u64, u16, u32, Vec<u8>);

pub fn seen(packet: capture::Packet<'_>) -> Seen {
    (packet.ts, packet.frame.capture(), packet.frame.number(), packet.link, packet.orig_len, packet.data.to_vec())
}

/// All that a file gives, its facts and its warning.
pub fn read(path: &Path) -> (Vec<Seen>, Facts, Option<String>) {
    let mut reader = Reader::open(path, 0).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next() {
        packets.push(seen(packet));
    }
    (packets, reader.facts().clone(), reader.warning().map(str::to_owned))
}

pub fn merge(paths: &[PathBuf]) -> (Vec<Seen>, Vec<Facts>, Vec<String>) {
    let mut merge = Merge::open(paths).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = merge.next() {
        packets.push(seen(packet));
    }
    (packets, merge.facts(), merge.warnings())
}

/// A small generator of numbers (splitmix64): the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}
