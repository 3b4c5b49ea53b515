//! Packets in, windows out: decoding, duplicates, dispatch to the workers, and the slices of packet time.

use crate::contained::contained;
use crate::counters::Counters;
use crate::decode::{Datagram, Decoder, Link, Outcome};
use crate::dissect::{Frame, Nanos};
use crate::duplicates::Duplicates;
use crate::flow::Key;
use crate::ip::{Sound, sound};
use crate::limits::Limits;
use crate::link;
use crate::names::hosts;
use crate::port::{self, Clocks, Facts, Glance, Seen};
use crate::worker::{Fault, Share, Worker};

/// Packets that are handed to the workers in one go where there are several.
const BATCH: usize = 16_384;
const LLDP: u16 = 0x88CC;
const PROFINET: u16 = 0x8892;

/// Nanoseconds, at least, by which a clock that is set back goes back, and packets in a row that must show it.
const SET_BACK: Nanos = 10_000_000_000;
const SURE: u32 = 8;

/// How a pipeline works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Length of a window, nanoseconds.
    pub window: Nanos,
    /// Number of workers; one runs without threads.
    pub workers: usize,
    /// Whether flows on different VLANs are different flows.
    pub vlan_in_key: bool,
    /// The limits.
    pub limits: Limits,
}

/// A packet as a reader gives it.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Time, nanoseconds since the epoch.
    pub ts: Nanos,
    /// Its place.
    pub frame: Frame,
    /// Link type (LINKTYPE_ number).
    pub link: u16,
    /// Length on the wire.
    pub orig_len: u32,
    /// The bytes that were captured.
    pub data: &'a [u8],
}

/// Whose a packet is, as far as its headers tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Between {
    /// Two hosts', inside tunnels; of ARP those that it tells of.
    Hosts([u8; 16], [u8; 16]),
    /// No host's: neither IP nor ARP, or broken.
    #[default]
    Nobody,
    /// A fragment's that waits for others.
    Unknown,
}

/// A slice of packet time, or a part of one that grew past the limits.
#[derive(Debug)]
pub struct Window {
    /// Its start, a multiple of its length.
    pub start: Nanos,
    /// Its end.
    pub end: Nanos,
    /// Whether no part of this window follows.
    pub last: bool,
    /// One share a worker.
    pub shares: Vec<Share>,
    /// Everything that was counted.
    pub counters: Counters,
    /// What the captures show of their own health, by capture and VLAN.
    pub port: Vec<Facts>,
}

impl Window {
    /// The counts of a capture, to add what is known of it as a whole.
    pub fn of(&mut self, capture: u16) -> Option<&mut Facts> {
        let place = self.port.iter().position(|facts| facts.capture == capture).unwrap_or_else(|| {
            self.port.push(Facts { capture, ..Facts::default() });
            self.port.len() - 1
        });
        self.port.get_mut(place)
    }
}

/// Packets of one worker that wait for their turn.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    ts: Nanos,
    frame: Frame,
    head: Datagram<'static>,
    at: std::ops::Range<usize>,
}

impl Batch {
    fn push(&mut self, ts: Nanos, frame: Frame, d: &Datagram<'_>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(d.payload);
        let head = Datagram { payload: &[], ..*d };
        self.items.push(Item { ts, frame, head, at: start..self.bytes.len() });
    }

    fn run(&mut self, worker: &mut Worker) {
        for Item { ts, frame, head, at } in self.items.drain(..) {
            let payload = self.bytes.get(at).unwrap_or_default();
            if let Err(code) = contained(|| worker.datagram(ts, frame, &Datagram { payload, ..head })) {
                worker.failed(ts, frame, &code);
            }
        }
        self.bytes.clear();
    }
}

/// The whole packet path.
pub struct Pipeline {
    settings: Settings,
    decoder: Decoder,
    duplicates: Duplicates,
    workers: Vec<Worker>,
    batches: Vec<Batch>,
    waiting: usize,
    window: Option<Nanos>,
    newest: Nanos,
    since_check: u32,
    fragments_lost: u64,
    seen: Seen,
    clocks: Clocks,
    /// Packets in a row that are much older than the window.
    behind: u32,
    /// No packet came since this end of a window.
    quiet: Option<Nanos>,
    between: Between,
}

impl Pipeline {
    /// A pipeline with empty tables.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let count = settings.workers.max(1);
        let worker = || Worker::new(settings.limits.clone(), settings.vlan_in_key);
        Self {
            decoder: Decoder::new(&settings.limits),
            duplicates: Duplicates::new(&settings.limits),
            workers: (0..count).map(|_| worker()).collect(),
            batches: (0..count).map(|_| Batch::default()).collect(),
            waiting: 0,
            window: None,
            newest: Nanos::MIN,
            since_check: 0,
            fragments_lost: 0,
            seen: Seen::default(),
            clocks: Clocks::default(),
            behind: 0,
            quiet: None,
            between: Between::default(),
            settings,
        }
    }

    /// The limits it works under.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Fails from now on as the fault says: for tests.
    pub fn simulate(&mut self, fault: Fault) {
        self.workers.iter_mut().for_each(|worker| worker.simulate(fault));
    }

    /// Whose the packet was that came last.
    #[must_use]
    pub fn between(&self) -> Between {
        self.between
    }

    /// Takes a packet. Gives out the window that it ends, or a part that grew past the limits.
    pub fn push(&mut self, p: &Packet<'_>) -> Option<Window> {
        let start = match self.window {
            Some(start) => start,
            None => {
                self.quiet = None;
                *self.window.insert(align(p.ts, self.settings.window))
            }
        };
        let over = p.ts >= start.saturating_add(self.settings.window) || self.set_back(p.ts, start);
        let done = over.then(|| self.close(start.saturating_add(self.settings.window)));
        if over {
            self.window = Some(align(p.ts, self.settings.window));
            self.newest = p.ts;
        }
        self.newest = self.newest.max(p.ts);
        if let Some(counters) = self.workers.first_mut().map(Worker::counters) {
            counters.packets += 1;
            counters.bytes += u64::from(p.orig_len);
            counters.cut_packets += u64::from((p.orig_len as usize) > p.data.len());
            counters.late_packets += u64::from(p.ts < start);
        }
        if let Err(code) = contained(|| self.decode(p))
            && let Some(first) = self.workers.first_mut()
        {
            first.failed(p.ts, p.frame, &code);
        }
        self.since_check += 1;
        if self.waiting >= BATCH {
            self.run();
        }
        if done.is_some() || self.since_check < 1024 {
            return done;
        }
        self.since_check = 0;
        self.workers.iter().any(Worker::full).then(|| self.take(false))
    }

    /// No packet came, and none older than `now` will: the window that is over by then. The next one begins with its
    /// first packet, as it does in a capture.
    ///
    /// While nothing comes at all windows without a packet are over one after the other; they have no flows, no ticks
    /// and no rows, so that what a capture with the same pause says is said here too.
    pub fn idle(&mut self, now: Nanos) -> Option<Window> {
        let length = self.settings.window;
        let Some(start) = self.window else {
            let aligned = align(now, length);
            let begun = *self.quiet.get_or_insert(aligned);
            let set_back = now < begun.saturating_sub(self.set_back_from());
            if set_back {
                self.quiet = Some(aligned);
            }
            let end = begun.saturating_add(length);
            if now < end {
                return None;
            }
            // Of a clock that was set forward the time in between is no silence.
            let end = end.max(aligned);
            self.quiet = Some(end);
            let (start, shares) = (end.saturating_sub(length), Vec::new());
            return Some(Window { start, end, last: true, shares, counters: Counters::default(), port: Vec::new() });
        };
        let end = start.saturating_add(length);
        if now < end && now >= start.saturating_sub(self.set_back_from()) {
            return None;
        }
        let window = self.close(end);
        self.window = None;
        self.quiet = Some(end.min(align(now, length)));
        Some(window)
    }

    /// By how much time must go back to be no matter of order.
    fn set_back_from(&self) -> Nanos {
        self.settings.window.max(SET_BACK)
    }

    /// Whether the clock that stamps packets was set back: several in a row are much older than the window, which would
    /// otherwise stay open until the clock is there again.
    fn set_back(&mut self, ts: Nanos, start: Nanos) -> bool {
        if ts >= start.saturating_sub(self.set_back_from()) {
            self.behind = 0;
            return false;
        }
        self.behind += 1;
        let sure = self.behind >= SURE;
        if sure {
            self.behind = 0;
        }
        sure
    }

    /// The capture is over: the last window. Where `idle` has ended that of the last packets, what is still open is told
    /// in the one that was going on, so that none is told twice.
    pub fn finish(&mut self) -> Option<Window> {
        if self.window.is_none() && !self.workers.iter().all(Worker::is_empty) {
            self.window = self.quiet;
        }
        self.window?;
        self.run();
        let now = self.newest;
        self.expire_fragments(now);
        for worker in &mut self.workers {
            worker.finish(now);
        }
        let window = self.take(true);
        self.window = None;
        Some(window)
    }

    #[inline]
    fn decode(&mut self, p: &Packet<'_>) {
        let Self { decoder, duplicates, workers, batches, waiting, seen, clocks, between, .. } = self;
        let count = workers.len() as u64;
        let Some((first, rest)) = workers.split_first_mut() else { return };
        let outcome = decoder.decode(p.ts, p.frame, p.link, p.orig_len, p.data, &mut |kind, detail| {
            first.oddity(p.ts, p.frame, kind, &detail);
        });
        *between = match &outcome {
            Outcome::Ip(d) => Between::Hosts(d.src, d.dst),
            Outcome::Arp { payload, .. } => arp_between(payload),
            Outcome::Held => Between::Unknown,
            _ => Between::Nobody,
        };
        let copy = matches!(&outcome, Outcome::Ip(d) if duplicates.seen(p.ts, d));
        let link = match &outcome {
            Outcome::Ip(d) => d.link,
            Outcome::Arp { link, .. } | Outcome::Other { link, .. } => *link,
            _ => link::of(p.link, p.data),
        };
        if let Some(facts) = seen.of(p.frame.capture(), link.vlan) {
            facts.packet(&Glance {
                ts: p.ts,
                frame: p.frame,
                length: p.orig_len,
                cut: p.orig_len as usize > p.data.len(),
                copy,
                wired: link.has_mac && link.src_mac != [0; 6],
                back: clocks.look(p.frame.capture(), p.ts),
            });
        }
        let mut doubted = None;
        match &outcome {
            Outcome::Ip(d) => {
                if copy {
                    first.counters().duplicates += 1;
                } else if d.doubted {
                    doubted = Some((Datagram { payload: &[], ..*d }, d.payload.to_vec()));
                } else if rest.is_empty() {
                    first.datagram(p.ts, p.frame, d);
                } else {
                    let turn = usize::try_from(Key::pair_hash(&d.src, &d.dst) % count).unwrap_or(0);
                    if let Some(batch) = batches.get_mut(turn) {
                        batch.push(p.ts, p.frame, d);
                        *waiting += 1;
                    }
                }
            }
            Outcome::Arp { link, payload } => {
                first.counters().not_ip += 1;
                hosts::arp(first.rows(), p.ts, p.frame, link.vlan, link.src_mac, payload);
            }
            Outcome::Other { link, ethertype, payload } => other(first, p, link, *ethertype, payload),
            Outcome::Held => first.counters().fragments += 1,
            Outcome::Bad(_) => first.counters().bad_packets += 1,
            Outcome::UnknownLink => first.counters().unknown_link += 1,
        }
        if let Some((head, payload)) = doubted {
            self.two_readings(p, &Datagram { payload: &payload, ..head });
        }
    }

    /// A datagram whose fragments overlap and say different things. Of two readings of which one has the right checksum
    /// that is the datagram; else the bytes that came first are.
    #[cold]
    fn two_readings(&mut self, p: &Packet<'_>, first: &Datagram<'_>) {
        let other = self.decoder.other_reading().unwrap_or_default();
        let second = Datagram { payload: &other, ..*first };
        let swap = sound(&second) == Sound::Right && sound(first) != Sound::Right;
        let (main, apart) = if swap { (second, *first) } else { (*first, second) };
        for d in [main, Datagram { apart: true, ..apart }] {
            let count = self.workers.len() as u64;
            let turn = usize::try_from(Key::pair_hash(&d.src, &d.dst) % count.max(1)).unwrap_or(0);
            if let Some(batch) = self.batches.get_mut(turn).filter(|_| count > 1) {
                batch.push(p.ts, p.frame, &d);
                self.waiting += 1;
            } else if let Some(worker) = self.workers.first_mut() {
                worker.datagram(p.ts, p.frame, &d);
            }
        }
    }

    /// Lets every worker do what waits for it.
    fn run(&mut self) {
        if self.waiting == 0 {
            return;
        }
        std::thread::scope(|scope| {
            for (worker, batch) in self.workers.iter_mut().zip(&mut self.batches) {
                scope.spawn(|| batch.run(worker));
            }
        });
        self.waiting = 0;
    }

    fn expire_fragments(&mut self, now: Nanos) {
        let Self { decoder, workers, .. } = self;
        if let Some(first) = workers.first_mut() {
            decoder.expire(now, &mut |kind, detail| first.oddity(now, Frame::NONE, kind, &detail));
        }
    }

    fn close(&mut self, end: Nanos) -> Window {
        self.run();
        self.expire_fragments(end);
        for worker in &mut self.workers {
            worker.tick(end);
        }
        self.take(true)
    }

    fn take(&mut self, last: bool) -> Window {
        self.run();
        let start = self.window.unwrap_or(0);
        let mut shares: Vec<Share> = self.workers.iter_mut().map(|w| w.take(last)).collect();
        let flows = shares.iter_mut().flat_map(|share| std::mem::take(&mut share.port));
        let port = port::merged(self.seen.take().into_iter().chain(flows));
        let mut counters = Counters::default();
        shares.iter().for_each(|s| counters.add(&s.counters));
        let fragments = self.decoder.fragments();
        let lost = fragments.expired + fragments.evicted + fragments.cut;
        counters.dropped_fragments += lost.saturating_sub(self.fragments_lost);
        self.fragments_lost = lost;
        Window { start, end: start.saturating_add(self.settings.window), last, shares, counters, port }
    }
}

fn other(worker: &mut Worker, p: &Packet<'_>, link: &Link, ethertype: u16, payload: &[u8]) {
    worker.counters().not_ip += 1;
    match ethertype {
        LLDP => hosts::lldp(worker.rows(), p.ts, p.frame, link.vlan, link.src_mac, payload),
        PROFINET => hosts::profinet_dcp(worker.rows(), p.ts, p.frame, link.vlan, link.src_mac, payload),
        _ => {}
    }
}

/// The hosts that ARP tells of: sender at 14, target at 24, both of 4 bytes.
fn arp_between(payload: &[u8]) -> Between {
    let address = |at: usize| payload.get(at..at + 4).map(crate::ip::mapped);
    match (address(14), address(24)) {
        (Some(sender), Some(target)) => Between::Hosts(sender, target),
        _ => Between::Nobody,
    }
}

/// The start of the window that holds `ts`: windows are aligned to the epoch.
fn align(ts: Nanos, window: Nanos) -> Nanos {
    let window = window.max(1);
    ts.div_euclid(window).saturating_mul(window)
}
