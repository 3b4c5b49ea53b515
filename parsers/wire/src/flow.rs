//! Flows: who talks to whom. A bounded table with one list a kind of flow, oldest first, so that a flood of
//! half-open connections pushes out closed and half-open ones before it touches those that carry data.

use std::hash::{BuildHasher as _, Hash, Hasher};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::app::App;
use crate::dissect::{Ends, Frame, Nanos};
use crate::legs::Legs;
use crate::port::Told;
use crate::seed::Seeded;
use crate::tcp::{Half, Tally};

/// A flow's key: both ends in a fixed order, so that both directions find it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The lower end.
    pub low: ([u8; 16], u16),
    /// The higher end.
    pub high: ([u8; 16], u16),
    /// IP protocol number.
    pub protocol: u8,
    /// VLAN id where flows are told apart by it, else 0.
    pub vlan: u16,
}

/// As integers: what is derived compares field by field.
impl PartialEq for Key {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let addresses = |key: &Self| (u128::from_ne_bytes(key.low.0), u128::from_ne_bytes(key.high.0));
        self.numbers() == other.numbers() && addresses(self) == addresses(other)
    }
}

impl Eq for Key {}

/// As integers: what is derived feeds each array with its length, in eight steps.
impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.low.0));
        state.write_u128(u128::from_ne_bytes(self.high.0));
        state.write_u64(self.numbers());
    }
}

impl Key {
    /// Everything but the addresses.
    #[inline]
    fn numbers(&self) -> u64 {
        u64::from(self.low.1) << 48
            | u64::from(self.high.1) << 32
            | u64::from(self.protocol) << 16
            | u64::from(self.vlan)
    }

    /// The key of a packet, and which side (0 low, 1 high) sent it.
    #[inline]
    #[must_use]
    pub fn new(from: ([u8; 16], u16), to: ([u8; 16], u16), protocol: u8, vlan: u16) -> (Self, usize) {
        // Addresses in the order of their bytes.
        let (a, b) = (u128::from_be_bytes(from.0), u128::from_be_bytes(to.0));
        if a < b || (a == b && from.1 <= to.1) {
            (Self { low: from, high: to, protocol, vlan }, 0)
        } else {
            (Self { low: to, high: from, protocol, vlan }, 1)
        }
    }

    /// A flow's id: the same for the same packets in every run, whatever the number of workers.
    #[must_use]
    pub fn flow_id(&self, first_ts: Nanos) -> u64 {
        let mut bytes = [0u8; 48];
        let (addresses, rest) = bytes.split_at_mut(32);
        let (a, b) = addresses.split_at_mut(16);
        a.copy_from_slice(&self.low.0);
        b.copy_from_slice(&self.high.0);
        let tail = [self.numbers(), first_ts.cast_unsigned()];
        for (place, value) in rest.chunks_exact_mut(8).zip(tail) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        xxh3_64(&bytes)
    }

    /// A hash of the two addresses alone: packets of one pair of hosts go to one worker.
    #[must_use]
    pub fn pair_hash(a: &[u8; 16], b: &[u8; 16]) -> u64 {
        let mut bytes = [0u8; 32];
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        let (x, y) = bytes.split_at_mut(16);
        x.copy_from_slice(first);
        y.copy_from_slice(second);
        xxh3_64(&bytes)
    }
}

/// Where a TCP connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A SYN without an answer.
    Attempt,
    /// Open, or picked up in the middle.
    Established,
    /// One side has said FIN.
    Closing,
    /// Both have.
    Closed,
    /// Ended by RST.
    Reset,
    /// The SYN was answered by RST.
    Rejected,
    /// Not TCP.
    Active,
}

impl State {
    /// The name in the `flows` table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Established => "established",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Rejected => "rejected",
            Self::Active => "active",
        }
    }

    /// Whether no more data is expected.
    #[must_use]
    pub fn over(self) -> bool {
        matches!(self, Self::Closed | Self::Reset | Self::Rejected)
    }
}

/// The lists by which flows age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// TCP without data.
    HalfOpen = 0,
    /// UDP, ICMP and others.
    Datagrams = 1,
    /// TCP with data.
    Streams = 2,
    /// TCP that was closed or reset, and has not carried data since.
    Closed = 3,
}

/// What is known of a flow, apart from its streams and its application layer.
pub struct Base {
    /// Its key.
    pub key: Key,
    /// Which side of the key is the client.
    pub client: usize,
    /// Its ends, client first.
    pub ends: Ends,
    /// Its id.
    pub id: u64,
    /// VLAN of the first packet.
    pub vlan: u16,
    /// MAC addresses by side, as seen here.
    pub macs: [[u8; 6]; 2],
    /// Whether the link layer had MAC addresses.
    pub has_mac: bool,
    /// First packet and time.
    pub first: (Nanos, Frame),
    /// Time of the last packet.
    pub last: Nanos,
    /// The last packet.
    pub last_frame: Frame,
    /// Packets by side.
    pub packets: [u64; 2],
    /// IP bytes by side.
    pub bytes: [u64; 2],
    /// State.
    pub state: State,
    /// Sides that have said FIN.
    pub fins: [bool; 2],
    /// Sides of which a packet had right checksums: a wrong one is no offload.
    pub sound: [bool; 2],
    /// Segments with new bytes since a RST.
    pub after_end: u8,
    /// A SYN inside the open connection that waits for its answer: side and sequence number.
    pub second_syn: Option<(usize, u32)>,
    /// Whether the first packet seen was not the flow's first.
    pub midstream: bool,
    /// The window (or part of one) in whose dictionary the flow stands, and where.
    pub slot: (u64, u32),
    /// When a row was last written (none: never), and the packets and state at that time.
    pub written: Option<(Nanos, u64, State)>,
}

/// One flow.
pub struct Flow {
    /// What is known of it.
    pub base: Base,
    /// Reassembly by side.
    pub halves: [Half; 2],
    /// Further senders of each direction, where its stream can be read two ways.
    pub legs: [Option<Box<Legs>>; 2],
    /// Reassembly counts.
    pub tally: Tally,
    /// What the health of the mirror port was told of it.
    pub told: Told,
    /// The application layer.
    pub app: App,
    /// Something of ours failed in it: it is counted, and not dissected any more.
    pub failed: bool,
    hash: u64,
    list: List,
    before: u32,
    after: u32,
    /// When it came to the young end of its list.
    moved: Nanos,
    /// Whether its place stands among those due at the end of the window.
    due: bool,
}

/// A flow that was younger than this when it came to the young end of its list stays where it is: to move one at each
/// packet would touch four flows that have nothing to do with it.
const STEP: Nanos = 1_000_000_000;

const NIL: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Chain {
    oldest: u32,
    newest: u32,
}

/// The table of live flows.
pub struct Flows {
    slab: Vec<Option<Box<Flow>>>,
    /// Free places, and whether each stands among those due.
    free: Vec<(u32, bool)>,
    /// Places with something to do at the end of the window, each once: no longer than the slab.
    due: Vec<u32>,
    index: HashTable<u32>,
    chains: [Chain; 4],
    hasher: Seeded,
    recent: Option<(Key, u32)>,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            slab: Vec::new(),
            free: Vec::new(),
            due: Vec::new(),
            index: HashTable::new(),
            chains: [Chain { oldest: NIL, newest: NIL }; 4],
            hasher: Seeded::default(),
            recent: None,
        }
    }
}

impl Flows {
    /// Number of live flows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The flow at `place`.
    #[inline]
    pub fn get(&mut self, place: u32) -> Option<&mut Flow> {
        self.slab.get_mut(place as usize).and_then(|f| f.as_deref_mut())
    }

    /// Finds a flow by key.
    #[inline]
    pub fn find(&mut self, key: &Key) -> Option<u32> {
        if let Some((recent, place)) = &self.recent
            && recent == key
        {
            return Some(*place);
        }
        let hash = self.hasher.hash_one(key);
        let slab = &self.slab;
        let same = |&i: &u32| slab.get(i as usize).and_then(Option::as_deref).is_some_and(|f| f.base.key == *key);
        let place = *self.index.find(hash, same)?;
        self.recent = Some((*key, place));
        Some(place)
    }

    /// Puts a new flow into the table.
    pub fn insert(&mut self, new: NewFlow) -> u32 {
        let hash = self.hasher.hash_one(new.key);
        let (place, due) = self.free.pop().unwrap_or_else(|| {
            self.slab.push(None);
            (u32::try_from(self.slab.len() - 1).unwrap_or(NIL), false)
        });
        let list = if new.key.protocol == 6 { List::HalfOpen } else { List::Datagrams };
        let mut base = Base {
            id: new.key.flow_id(new.ts),
            key: new.key,
            client: new.client,
            ends: Ends::default(),
            vlan: new.vlan,
            macs: [[0; 6]; 2],
            has_mac: false,
            first: (new.ts, new.frame),
            last: new.ts,
            last_frame: new.frame,
            packets: [0; 2],
            bytes: [0; 2],
            state: new.state,
            fins: [false; 2],
            sound: [false; 2],
            after_end: 0,
            second_syn: None,
            midstream: new.midstream,
            slot: (0, 0),
            written: None,
        };
        base.orient(new.client);
        let flow = Box::new(Flow {
            base,
            halves: <[Half; 2]>::default(),
            legs: [None, None],
            tally: Tally::default(),
            told: Told::default(),
            app: App::default(),
            failed: false,
            hash,
            list,
            before: NIL,
            after: NIL,
            moved: new.ts,
            due: true,
        });
        if !due {
            self.due.push(place); // its first row
        }
        if let Some(slot) = self.slab.get_mut(place as usize) {
            *slot = Some(flow);
        }
        let slab = &self.slab;
        self.index
            .insert_unique(hash, place, |&i| slab.get(i as usize).and_then(Option::as_deref).map_or(0, |f| f.hash));
        self.append(place, list);
        place
    }

    /// Takes a flow out.
    pub fn remove(&mut self, place: u32) -> Option<Box<Flow>> {
        self.unlink(place);
        self.recent = None;
        let flow = self.slab.get_mut(place as usize)?.take()?;
        if let Ok(entry) = self.index.find_entry(flow.hash, |&i| i == place) {
            entry.remove();
        }
        self.free.push((place, flow.due));
        Some(flow)
    }

    /// Moves a flow to the young end of its list, if it has been away from there for a while; `data`: it has carried
    /// data. Something is due of it at the end of the window. Gives the flow.
    #[inline]
    pub fn touch(&mut self, place: u32, now: Nanos, data: bool) -> Option<&mut Flow> {
        let flow = self.slab.get_mut(place as usize).and_then(|f| f.as_deref_mut())?;
        if !flow.due {
            flow.due = true;
            self.due.push(place);
        }
        // What was closed and carries data was not closed for both: a reset may be forged.
        let grows = data && matches!(flow.list, List::HalfOpen | List::Closed);
        if grows || now.saturating_sub(flow.moved) >= STEP {
            let list = if grows { List::Streams } else { flow.list };
            self.rejuvenate(place, now, list);
        }
        self.get(place)
    }

    /// The connection is over: nothing is lost when the flow ends soon.
    pub fn close(&mut self, place: u32, now: Nanos) {
        self.rejuvenate(place, now, List::Closed);
    }

    fn rejuvenate(&mut self, place: u32, now: Nanos, list: List) {
        let Some(flow) = self.get(place) else { return };
        flow.moved = now.max(flow.moved);
        if flow.list == list && flow.after == NIL {
            return;
        }
        self.unlink(place);
        self.append(place, list);
    }

    /// The longest idle flow of a list, give or take [`STEP`].
    #[must_use]
    pub fn oldest(&self, list: List) -> Option<u32> {
        self.chains.get(list as usize).map(|c| c.oldest).filter(|&p| p != NIL)
    }

    /// The first flow of a list that has been idle for longer than `patience` at `now`.
    #[must_use]
    pub fn idle(&self, list: List, now: Nanos, patience: Nanos) -> Option<u32> {
        let flow = |place: u32| self.slab.get(place as usize).and_then(Option::as_deref);
        let mut at = self.oldest(list)?;
        loop {
            let found = flow(at)?;
            if now.saturating_sub(found.base.last) > patience {
                return Some(at);
            }
            // Those behind came to the young end later.
            if now.saturating_sub(found.moved) <= patience {
                return None;
            }
            at = found.after;
        }
    }

    /// Places of all live flows, in the order of the slab (which packets alone determine).
    #[must_use]
    pub fn places(&self) -> Vec<u32> {
        (0..).zip(&self.slab).filter(|(_, f)| f.is_some()).map(|(i, _)| i).collect()
    }

    /// Takes the places with something to do out, in the order of the slab. Those of which something stays to be done
    /// without another packet are given back with [`again`](Self::again).
    pub fn due(&mut self) -> Vec<u32> {
        let mut due = std::mem::take(&mut self.due);
        for (_, due) in &mut self.free {
            *due = false;
        }
        due.retain(|&place| {
            let Some(flow) = self.get(place) else { return false };
            flow.due = false;
            true
        });
        due.sort_unstable();
        due
    }

    /// Something stays to be done of a flow.
    pub fn again(&mut self, place: u32) {
        let Some(flow) = self.slab.get_mut(place as usize).and_then(|f| f.as_deref_mut()) else { return };
        if !flow.due {
            flow.due = true;
            self.due.push(place);
        }
    }

    fn unlink(&mut self, place: u32) {
        let Some((list, before, after)) = self.get(place).map(|f| (f.list, f.before, f.after)) else { return };
        if let Some(f) = self.get(before) {
            f.after = after;
        }
        if let Some(f) = self.get(after) {
            f.before = before;
        }
        if let Some(chain) = self.chains.get_mut(list as usize) {
            if chain.oldest == place {
                chain.oldest = after;
            }
            if chain.newest == place {
                chain.newest = before;
            }
        }
    }

    fn append(&mut self, place: u32, list: List) {
        let Some(chain) = self.chains.get_mut(list as usize) else { return };
        let last = chain.newest;
        chain.newest = place;
        if last == NIL {
            chain.oldest = place;
        }
        if let Some(f) = self.get(last) {
            f.after = place;
        }
        if let Some(f) = self.get(place) {
            (f.list, f.before, f.after) = (list, last, NIL);
        }
    }
}

/// What a new flow starts with.
#[derive(Debug)]
pub struct NewFlow {
    /// Its key.
    pub key: Key,
    /// The side taken for the client until the content says otherwise.
    pub client: usize,
    /// Time of the first packet.
    pub ts: Nanos,
    /// The first packet.
    pub frame: Frame,
    /// VLAN of the first packet.
    pub vlan: u16,
    /// State.
    pub state: State,
    /// Whether the beginning was not seen.
    pub midstream: bool,
}

impl Base {
    /// Says which side is the client.
    pub fn orient(&mut self, client: usize) {
        self.client = client.min(1);
        let (c, s) = if self.client == 0 { (self.key.low, self.key.high) } else { (self.key.high, self.key.low) };
        self.ends = Ends { client: c.0, server: s.0, client_port: c.1, server_port: s.1 };
    }

    /// Packets in both directions.
    #[must_use]
    pub fn all_packets(&self) -> u64 {
        self.packets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn flow(flows: &mut Flows, host: u8, ts: Nanos) -> u32 {
        let (key, client) = Key::new(([host; 16], 1), ([9; 16], 2), 17, 0);
        let (frame, state) = (Frame(1), State::Active);
        flows.insert(NewFlow { key, client, ts, frame, vlan: 0, state, midstream: false })
    }

    fn packet(flows: &mut Flows, place: u32, ts: Nanos) {
        if let Some(flow) = flows.touch(place, ts, false) {
            flow.base.last = ts;
        }
    }

    #[test]
    fn idle_flows_are_found_behind_one_that_has_not_moved() {
        let mut flows = Flows::default();
        let (busy, quiet) = (flow(&mut flows, 1, 0), flow(&mut flows, 2, 0));
        packet(&mut flows, busy, SECOND - 1); // too early to move
        assert_eq!(flows.oldest(List::Datagrams), Some(busy));
        let idle = |flows: &Flows, now| flows.idle(List::Datagrams, now, 10 * SECOND);
        assert_eq!(idle(&flows, 10 * SECOND), None);
        assert_eq!(idle(&flows, 10 * SECOND + 1), Some(quiet));
        flows.remove(quiet);
        assert_eq!(idle(&flows, 11 * SECOND - 1), None);
        assert_eq!(idle(&flows, 11 * SECOND), Some(busy));
    }

    #[test]
    fn a_place_is_due_once_also_when_another_flow_takes_it() {
        let mut flows = Flows::default();
        let (first, second) = (flow(&mut flows, 1, 0), flow(&mut flows, 2, 0));
        for place in [second, first, second] {
            packet(&mut flows, place, 1);
        }
        flows.remove(first);
        assert_eq!(flow(&mut flows, 3, 2), first);
        packet(&mut flows, first, 2);
        assert_eq!(flows.due(), [first, second]);
        assert_eq!(flows.due(), []);
        flows.again(second);
        flows.remove(second);
        assert_eq!(flows.due(), []);
        assert_eq!(flow(&mut flows, 4, 3), second);
        packet(&mut flows, second, 3);
        assert_eq!(flows.due(), [second]);
    }

    #[test]
    fn a_flow_that_goes_on_comes_to_the_young_end() {
        let mut flows = Flows::default();
        let (first, second) = (flow(&mut flows, 1, 0), flow(&mut flows, 2, 0));
        packet(&mut flows, first, SECOND);
        assert_eq!(flows.oldest(List::Datagrams), Some(second));
    }
}
