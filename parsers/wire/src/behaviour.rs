//! Behaviours: what distinct things happen, how often, and when. Detectors read these, not messages:
//! their work grows with novelty, not with packets.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::columns::{Finished, Frames, Ip, Name, Num, Text, Time};
use crate::dissect::{Ends, FlowRef, Frame, Nanos};
use crate::limits::Limits;
use crate::seed::Seeded;

/// What an operation does to the server, in the terms of a conduit's `operations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reads values or browses.
    Read,
    /// Writes values.
    Write,
    /// Commands the device: operate, restart, call a method, start, stop.
    Control,
    /// Sends data towards subscribers: publish, notification, unsolicited response.
    Report,
    /// Opens, keeps or ends a session; answers; anything else.
    Session,
}

impl Access {
    /// The name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Control => "control",
            Self::Report => "report",
            Self::Session => "session",
        }
    }
}

/// Part of a behaviour's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// Nothing.
    None,
    /// A number: a unit id, a link address.
    Number(u64),
    /// Two numbers: link addresses of master and outstation.
    Pair(u32, u32),
    /// Numbered objects of a kind, both ends included: `holding_register` 100 to 109.
    Range(&'static str, u32, u32),
    /// A text: a node id, a topic, a client id.
    Text(&'a str),
}

impl Key<'_> {
    fn canonical(&self, out: &mut Vec<u8>) {
        match *self {
            Key::None => out.push(0),
            Key::Number(n) => tagged(out, 1, n),
            Key::Pair(a, b) => tagged(out, 2, u64::from(a) << 32 | u64::from(b)),
            Key::Range(kind, first, last) => {
                tagged(out, 3, u64::from(first) << 32 | u64::from(last));
                out.extend_from_slice(kind.as_bytes());
            }
            Key::Text(text) => {
                tagged(out, 4, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn show(&self) -> String {
        match *self {
            Key::None => String::new(),
            Key::Number(n) => n.to_string(),
            Key::Pair(a, b) => format!("{a}>{b}"),
            Key::Range(kind, first, last) if first == last => format!("{kind} {first}"),
            Key::Range(kind, first, last) => format!("{kind} {first}-{last}"),
            Key::Text(text) => text.to_owned(),
        }
    }
}

/// Adds the kind of a key and its number, big-endian.
#[inline]
fn tagged(out: &mut Vec<u8>, kind: u8, number: u64) {
    let mut bytes = [kind; 9];
    bytes[1..].copy_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&bytes);
}

/// One occurrence of a behaviour, as a dissector reports it.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour<'a> {
    /// `modbus`, `dnp3`, `opcua`, `mqtt`, or the name of any other application protocol.
    pub protocol: &'a str,
    /// Unit or channel: Modbus unit id, DNP3 link addresses, MQTT client id.
    pub unit: Key<'a>,
    /// The operation's name, as in the protocol's table.
    pub operation: &'a str,
    /// What it does to the server.
    pub access: Access,
    /// What it is done to: a range of registers, a node, a topic.
    pub object: Key<'a>,
    /// Bytes of the message or messages.
    pub bytes: u64,
    /// Microseconds from request to response, where both were seen.
    pub latency_us: Option<u32>,
    /// Whether the answer was an exception or error.
    pub error: bool,
}

/// What each occurrence changes.
#[derive(Debug)]
struct Entry {
    id: u64,
    count: u64,
    errors: u64,
    bytes: u64,
    first: (Nanos, Frame),
    last: (Nanos, Frame),
    latency: Latency,
}

/// What a behaviour is: apart, so that counting an occurrence touches two lines of the cache and not five.
#[derive(Debug)]
struct Facts {
    ends: Ends,
    protocol: String,
    unit: String,
    operation: String,
    access: Access,
    object: String,
}

#[derive(Debug, Default, Clone, Copy)]
struct Latency {
    count: u64,
    sum: u64,
    min: u32,
    max: u32,
}

/// The distinct behaviours of the current window.
#[derive(Debug, Default)]
pub struct Behaviours {
    entries: Vec<Entry>,
    facts: Vec<Facts>,
    index: HashTable<u32>,
    scratch: Vec<u8>,
    /// Distinct behaviours of each client with each server.
    pairs: HashMap<([u8; 16], [u8; 16]), u64, Seeded>,
    hasher: Seeded,
    /// Occurrences that were not kept because the table was full.
    pub overflow: u64,
}

impl Behaviours {
    /// Counts one occurrence.
    pub fn add(&mut self, ts: Nanos, frame: Frame, ends: &Ends, b: &Behaviour<'_>, limits: &Limits) {
        let id = self.id(ends, b);
        let Self { entries, facts, index, overflow, hasher, pairs, .. } = self;
        let at = |i: u32| usize::try_from(i).unwrap_or(usize::MAX);
        // Ids have no secret: nobody shall choose some that collide here.
        let found = index.find(hasher.hash_one(id), |&i| entries.get(at(i)).is_some_and(|e| e.id == id)).copied();
        if let Some(entry) = found.and_then(|i| entries.get_mut(at(i))) {
            entry.count += 1;
            entry.errors += u64::from(b.error);
            entry.bytes += b.bytes;
            if ts < entry.first.0 {
                entry.first = (ts, frame);
            }
            if ts >= entry.last.0 {
                entry.last = (ts, frame);
            }
            entry.latency.add(b.latency_us);
            return;
        }
        let pair = (ends.client, ends.server);
        let room = room(b.access, pairs.get(&pair).copied().unwrap_or_default(), limits.behaviours);
        let Some(place) = u32::try_from(entries.len()).ok().filter(|&n| u64::from(n) < room) else {
            *overflow += 1;
            return;
        };
        *pairs.entry(pair).or_default() += 1;
        let mut latency = Latency::default();
        latency.add(b.latency_us);
        facts.push(Facts {
            ends: *ends,
            protocol: b.protocol.to_owned(),
            unit: b.unit.show(),
            operation: b.operation.to_owned(),
            access: b.access,
            object: b.object.show(),
        });
        entries.push(Entry {
            id,
            count: 1,
            errors: u64::from(b.error),
            bytes: b.bytes,
            first: (ts, frame),
            last: (ts, frame),
            latency,
        });
        index.insert_unique(hasher.hash_one(id), place, |&i| hasher.hash_one(entries.get(at(i)).map_or(0, |e| e.id)));
    }

    /// The stable id: XXH3-64 of the canonical key (protocol, client, server, server port, unit,
    /// operation, object). The same in every run, on every machine, in every window.
    fn id(&mut self, ends: &Ends, b: &Behaviour<'_>) -> u64 {
        let key = &mut self.scratch;
        key.clear();
        let mut server = [0; 34];
        server[..16].copy_from_slice(&ends.client);
        server[16..32].copy_from_slice(&ends.server);
        server[32..].copy_from_slice(&ends.server_port.to_be_bytes());
        key.extend_from_slice(&server);
        key.extend_from_slice(b.protocol.as_bytes());
        key.push(0);
        key.extend_from_slice(b.operation.as_bytes());
        key.push(0);
        b.unit.canonical(key);
        b.object.canonical(key);
        xxh3_64(key)
    }

    /// Takes the window's behaviours out as rows.
    pub fn take(&mut self) -> Finished {
        let mut rows = BehaviourRows::default();
        self.index.clear();
        self.pairs.clear();
        for (e, f) in self.entries.drain(..).zip(self.facts.drain(..)) {
            rows.push(BehaviourRow {
                ts: e.first.0,
                flow: FlowRef::NONE,
                borrow: std::marker::PhantomData,
                behaviour_id: e.id,
                protocol: &f.protocol,
                client_ip: f.ends.client,
                server_ip: f.ends.server,
                server_port: f.ends.server_port,
                unit: &f.unit,
                operation: &f.operation,
                access: f.access.name(),
                object: &f.object,
                count: e.count,
                errors: e.errors,
                bytes: e.bytes,
                last_ts: e.last.0,
                frame: e.first.1,
                last_frame: e.last.1,
                answered: e.latency.count,
                latency_sum_us: e.latency.sum,
                latency_min_us: e.latency.min,
                latency_max_us: e.latency.max,
            });
        }
        rows.take()
    }

    /// Number of distinct behaviours in the window so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Up to how many behaviours another one still finds room: what two hosts alone do fills half of the table, what reads,
/// reports and keeps sessions three quarters; the rest is for writes and commands, which a flood shall not hide.
fn room(access: Access, of_pair: u64, limit: u64) -> u64 {
    match access {
        _ if of_pair >= limit.div_ceil(2) => 0,
        Access::Write | Access::Control => limit,
        Access::Read | Access::Report | Access::Session => limit - limit / 4,
    }
}

impl Latency {
    fn add(&mut self, microseconds: Option<u32>) {
        let Some(us) = microseconds else { return };
        self.min = if self.count == 0 { us } else { self.min.min(us) };
        self.max = self.max.max(us);
        self.count += 1;
        self.sum += u64::from(us);
    }
}

crate::table! {
    /// One row a distinct behaviour of a window.
    BehaviourRows / BehaviourRow "behaviours" standalone {
        /// Stable id of the behaviour's key.
        behaviour_id: Num<u64>,
        /// Application protocol.
        protocol: Name,
        /// The client's address.
        client_ip: Ip,
        /// The server's address.
        server_ip: Ip,
        /// The server's port.
        server_port: Num<u16>,
        /// Unit or channel.
        unit: Text,
        /// Name of the operation.
        operation: Name,
        /// What it does: `read write control report session`.
        access: Name,
        /// What it is done to.
        object: Text,
        /// Occurrences in the window.
        count: Num<u64>,
        /// Of them answered with an error.
        errors: Num<u64>,
        /// Bytes of the messages.
        bytes: Num<u64>,
        /// Time of the last occurrence; `ts` is the first.
        last_ts: Time,
        /// Frame of the first occurrence.
        frame: Frames,
        /// Frame of the last occurrence.
        last_frame: Frames,
        /// Occurrences whose latency is known.
        answered: Num<u64>,
        /// Sum of the latencies, microseconds.
        latency_sum_us: Num<u64>,
        /// Smallest latency, microseconds.
        latency_min_us: Num<u32>,
        /// Largest latency, microseconds.
        latency_max_us: Num<u32>,
    }
}
