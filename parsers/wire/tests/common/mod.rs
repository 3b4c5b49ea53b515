//! One harness for every dissector: whole, bytewise, random splits, truncated at each offset, with
//! trailing bytes, with gaps, and on garbage.
#![allow(dead_code)]

mod tags;

use std::collections::HashMap;

use wire::behaviour::Behaviours;
use wire::columns::Finished;
use wire::dissect::{Cx, Dir, Dissector, Ends, FlowRef, Frame, Stream};
use wire::files::Expected;
use wire::limits::Limits;
use wire::rows::Rows;

/// Bytes of one packet in one direction.
pub type Piece = (Dir, Vec<u8>);

pub const START: i64 = 1_760_000_000_000_000_000;
const MILLISECOND: i64 = 1_000_000;

/// A dissector with everything it needs; feeds it and shows what it wrote.
pub struct Run {
    dissector: Box<dyn Dissector>,
    streams: [Stream; 2],
    pub rows: Rows,
    pub behaviours: Behaviours,
    pub limits: Limits,
    pub expected: Expected,
    pub ends: Ends,
    pub mine: bool,
}

impl Run {
    pub fn new(dissector: Box<dyn Dissector>) -> Self {
        let mut ends = Ends { client_port: 40_000, server_port: 1, ..Ends::default() };
        ends.client[15] = 1;
        ends.server[15] = 2;
        Self {
            dissector,
            streams: [Stream::default(), Stream::default()],
            rows: Rows::default(),
            behaviours: Behaviours::default(),
            limits: Limits::default(),
            expected: Expected::default(),
            ends,
            mine: true,
        }
    }

    fn with<R>(&mut self, packet: usize, f: impl FnOnce(&mut dyn Dissector, &mut [Stream; 2], &mut Cx<'_>) -> R) -> R {
        let mut cx = Cx {
            ts: START + packet as i64 * MILLISECOND,
            frame: Frame::new(0, packet as u64 + 1),
            flow: FlowRef(0),
            ends: &self.ends,
            rows: &mut self.rows,
            behaviours: &mut self.behaviours,
            limits: &self.limits,
            expected: &mut self.expected,
        };
        f(self.dissector.as_mut(), &mut self.streams, &mut cx)
    }

    /// Bytes that packet number `packet` (from 0) brings.
    pub fn feed(&mut self, packet: usize, dir: Dir, bytes: &[u8]) {
        if self.mine {
            self.mine = self.with(packet, |d, s, cx| s[dir.index()].feed(d, cx, dir, bytes));
        }
    }

    pub fn datagram(&mut self, packet: usize, dir: Dir, bytes: &[u8]) {
        if self.mine {
            self.mine = self.with(packet, |d, _, cx| Stream::datagram(d, cx, dir, bytes));
        }
    }

    pub fn gap(&mut self, packet: usize, dir: Dir, missing: u64) {
        self.with(packet, |d, s, cx| s[dir.index()].gap(d, cx, dir, missing));
    }

    pub fn tick(&mut self, packet: usize, seconds_later: i64) {
        self.with(packet, |d, _, cx| d.tick(cx, START + packet as i64 * MILLISECOND + seconds_later * 1_000_000_000));
    }

    pub fn end(&mut self, packet: usize) {
        self.with(packet, |d, _, cx| d.end(cx));
    }

    /// Takes the tables out, with a row a change of a value.
    pub fn tables(&mut self) -> Vec<Finished> {
        tags::unfolded(self.rows.take())
    }

    /// All rows as lines, sorted; the columns named in `skip` left out.
    pub fn lines(&mut self, skip: &[&str]) -> Vec<String> {
        let mut lines: Vec<String> = self.tables().iter().flat_map(|t| t.lines(skip)).collect();
        lines.extend(self.behaviours.take().lines(skip));
        lines.sort();
        lines
    }
}

/// Feeds a script, one packet an entry, cut as `cut` says, and returns the rows.
pub fn lines(
    make: &dyn Fn() -> Box<dyn Dissector>,
    script: &[Piece],
    mut cut: impl FnMut(usize, usize) -> usize,
) -> Vec<String> {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let n = cut(packet, rest.len()).clamp(1, rest.len());
            run.feed(packet, *dir, &rest[..n]);
            rest = &rest[n..];
        }
    }
    run.end(script.len());
    run.lines(&[])
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
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

/// Everything that must hold for a dissector and a script of whole messages, one a packet.
pub fn battery(make: &dyn Fn() -> Box<dyn Dissector>, script: &[Piece]) {
    let whole = lines(make, script, |_, n| n);
    assert!(!whole.is_empty(), "the script gives no row");
    splits(make, script, &whole);
    truncations(make, script);
    trailing(make, script, &whole);
    gaps(make, script);
    garbage(make, script, 100_000);
}

/// Any split of the stream into segments gives the same rows.
pub fn splits(make: &dyn Fn() -> Box<dyn Dissector>, script: &[Piece], whole: &[String]) {
    assert_eq!(whole, lines(make, script, |_, _| 1), "bytewise");
    let mut dice = Dice(1);
    for _ in 0..50 {
        assert_eq!(whole, lines(make, script, |_, n| 1 + dice.below(n)), "random split");
    }
}

/// Cut at each offset, the flow ends: no panic, and every row of the packets before stays.
pub fn truncations(make: &dyn Fn() -> Box<dyn Dissector>, script: &[Piece]) {
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        for length in 0..bytes.len() {
            let mut cut: Vec<Piece> = script[..packet].to_vec();
            cut.push((*dir, bytes[..length].to_vec()));
            lines(make, &cut, |_, n| n);
        }
    }
}

/// Bytes of nothing behind the last message take no row away.
pub fn trailing(make: &dyn Fn() -> Box<dyn Dissector>, script: &[Piece], whole: &[String]) {
    let counts = |rows: &[String]| -> HashMap<String, usize> {
        let mut out = HashMap::new();
        for line in rows.iter().filter(|l| !l.starts_with("anomalies") && !l.starts_with("behaviours")) {
            *out.entry(line.split(' ').next().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
        out
    };
    let want = counts(whole);
    let mut dice = Dice(2);
    for n in 1..64 {
        for dir in [Dir::ToServer, Dir::ToClient] {
            let mut longer = script.to_vec();
            longer.push((dir, dice.bytes(n)));
            let have = counts(&lines(make, &longer, |_, n| n));
            for (table, count) in &want {
                assert!(have.get(table).copied().unwrap_or(0) >= *count, "trailing bytes lost rows of {table}");
            }
        }
    }
}

/// Each packet lost in turn, whole or in part: no panic, and the script sent once more after the hole is
/// dissected again (nothing is given up for good).
pub fn gaps(make: &dyn Fn() -> Box<dyn Dissector>, script: &[Piece]) {
    for lost in 0..script.len() {
        for half in [false, true] {
            let mut run = Run::new(make());
            for (packet, (dir, bytes)) in script.iter().enumerate() {
                if packet != lost {
                    run.feed(packet, *dir, bytes);
                } else if half {
                    run.feed(packet, *dir, &bytes[..bytes.len() / 2]);
                    run.gap(packet, *dir, (bytes.len() - bytes.len() / 2) as u64);
                } else {
                    run.gap(packet, *dir, bytes.len() as u64);
                }
            }
            let before = run.rows.len();
            for (packet, (dir, bytes)) in script.iter().enumerate() {
                run.feed(script.len() + packet, *dir, bytes);
            }
            run.end(2 * script.len());
            assert!(run.mine, "gave the flow up after losing packet {lost}");
            assert!(run.rows.len() > before, "no row after losing packet {lost} (half: {half})");
        }
    }
}

/// Random bytes, and the script with random bytes changed: no panic, no endless loop, bounded state.
pub fn garbage(make: &dyn Fn() -> Box<dyn Dissector>, script: &[Piece], inputs: usize) {
    let mut dice = Dice(3);
    let mut run = Run::new(make());
    for input in 0..inputs {
        if input % 64 == 0 || !run.mine {
            run.end(input);
            run = Run::new(make());
        }
        let dir = if dice.next() & 1 == 0 { Dir::ToServer } else { Dir::ToClient };
        let bytes = if dice.next() & 1 == 0 || script.is_empty() {
            let n = 1 + dice.below(48);
            dice.bytes(n)
        } else {
            let mut bytes = script[dice.below(script.len())].1.clone();
            for _ in 0..=dice.below(4) {
                let at = dice.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = dice.next() as u8;
                }
            }
            bytes
        };
        match dice.below(16) {
            0 => run.gap(input, dir, dice.next() % 2_000),
            1 => run.tick(input, 30),
            _ => {}
        }
        run.feed(input, dir, &bytes);
        assert!(run.streams.iter().all(|s| s.waiting() as u64 <= run.limits.message_bytes + 64));
    }
}
