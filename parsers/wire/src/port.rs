//! What a mirror port shows of its own health: counts a window, capture and VLAN.

use hashbrown::HashMap;

use crate::dissect::{FlowRef, Frame, Nanos};
use crate::flow::{Flow, State};
use crate::rows::{MirrorRow, MirrorRows};

/// The longest frame that jumbo Ethernet carries: 9,216 bytes, header and a tag. Longer ones were put together by a
/// network card or a driver (GRO, LRO, TSO) and never were on the wire as they are.
const LONGEST: u32 = 9_234;
/// Packets of a TCP flow from which on it should have shown both of its sides.
const PATIENCE: u64 = 4;

/// The counts of one capture and VLAN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// The capture's index.
    pub capture: u16,
    /// VLAN id; 0: untagged.
    pub vlan: u16,
    /// The first packet.
    pub frame: Frame,
    /// Its time.
    pub first_ts: Nanos,
    /// Time of the latest packet.
    pub last_ts: Nanos,
    /// Packets.
    pub packets: u64,
    /// Bytes of them on the wire.
    pub bytes: u64,
    /// Packets of which not all bytes were captured.
    pub cut_packets: u64,
    /// Packets longer than any that Ethernet carries.
    pub oversized: u64,
    /// Copies that the mirror made.
    pub duplicates: u64,
    /// Packets older than one before them.
    pub backward: u64,
    /// By how much at most, nanoseconds.
    pub backward_ns: u64,
    /// Payload seen of TCP flows.
    pub tcp_bytes: u64,
    /// Bytes of TCP flows that were acknowledged or passed over and never seen.
    pub unseen_bytes: u64,
    /// TCP flows with enough packets to have shown both sides.
    pub tcp_flows: u64,
    /// Those of them of which one side was never seen.
    pub one_sided: u64,
    /// Packets that found no room in the kernel's ring.
    pub dropped: u64,
    /// How far the clock of this machine was set meanwhile, nanoseconds.
    pub clock_step_ns: i64,
}

impl Facts {
    /// Adds the counts of another worker.
    fn add(&mut self, other: &Self) {
        if self.packets == 0 || (other.packets > 0 && other.first_ts < self.first_ts) {
            (self.frame, self.first_ts) = (other.frame, other.first_ts);
        }
        self.last_ts = self.last_ts.max(other.last_ts);
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.cut_packets += other.cut_packets;
        self.oversized += other.oversized;
        self.duplicates += other.duplicates;
        self.backward += other.backward;
        self.backward_ns = self.backward_ns.max(other.backward_ns);
        self.tcp_bytes += other.tcp_bytes;
        self.unseen_bytes += other.unseen_bytes;
        self.tcp_flows += other.tcp_flows;
        self.one_sided += other.one_sided;
        self.dropped += other.dropped;
        self.clock_step_ns += other.clock_step_ns;
    }
}

/// The counts of a window, by capture and VLAN: as many as there are of those, 4,096 a capture at most.
#[derive(Debug, Default)]
pub struct Seen {
    list: Vec<Facts>,
    index: HashMap<u32, usize, crate::seed::Seeded>,
    last: usize,
}

impl Seen {
    /// The counts of a capture and VLAN.
    #[inline]
    pub fn of(&mut self, capture: u16, vlan: u16) -> Option<&mut Facts> {
        if self.list.get(self.last).is_none_or(|f| (f.capture, f.vlan) != (capture, vlan)) {
            self.last = self.find(capture, vlan);
        }
        self.list.get_mut(self.last)
    }

    fn find(&mut self, capture: u16, vlan: u16) -> usize {
        let Self { list, index, .. } = self;
        *index.entry(u32::from(capture) << 16 | u32::from(vlan)).or_insert_with(|| {
            list.push(Facts { capture, vlan, ..Facts::default() });
            list.len() - 1
        })
    }

    /// Counts what a flow has shown since this was called for it last.
    pub fn flow(&mut self, flow: &mut Flow) {
        let Flow { base, tally, told, .. } = flow;
        if base.key.protocol != 6 {
            return;
        }
        let now = Told { packets: base.all_packets(), bytes: tally.bytes, unseen: tally.unseen().max(told.unseen) };
        if now == *told {
            return;
        }
        let Some(facts) = self.of(base.first.1.capture(), base.vlan) else { return };
        facts.tcp_bytes += now.bytes - told.bytes;
        facts.unseen_bytes += now.unseen - told.unseen;
        let answered = !matches!(base.state, State::Attempt | State::Rejected);
        if answered && now.packets >= PATIENCE && now.packets != told.packets {
            facts.tcp_flows += 1;
            facts.one_sided += u64::from(base.packets.contains(&0));
        }
        *told = now;
    }

    /// Takes the counts out.
    pub fn take(&mut self) -> Vec<Facts> {
        self.index.clear();
        self.last = 0;
        std::mem::take(&mut self.list)
    }
}

/// What was counted of a flow so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    packets: u64,
    bytes: u64,
    unseen: u64,
}

/// The latest packet of each capture, to see time go back.
#[derive(Debug, Default)]
pub struct Clocks(Vec<Nanos>);

impl Clocks {
    /// Takes a packet's time; gives by how much it is before the latest of its capture, and makes it the latest if
    /// that is so much that it cannot be a matter of order.
    #[inline]
    pub fn look(&mut self, capture: u16, ts: Nanos) -> u64 {
        const ORDER: u64 = 1_000_000_000;
        let at = usize::from(capture);
        if self.0.len() <= at {
            self.0.resize(at + 1, Nanos::MIN);
        }
        let Some(latest) = self.0.get_mut(at) else { return 0 };
        if ts >= *latest {
            *latest = ts;
            return 0;
        }
        let back = latest.abs_diff(ts);
        if back >= ORDER {
            *latest = ts;
        }
        back
    }
}

/// What of a packet is counted here.
#[derive(Debug, Clone, Copy)]
pub struct Glance {
    /// Its time.
    pub ts: Nanos,
    /// Its place.
    pub frame: Frame,
    /// Length on the wire.
    pub length: u32,
    /// Whether not all of it was captured.
    pub cut: bool,
    /// Whether it is a copy.
    pub copy: bool,
    /// Whether a network card sent it: what a machine sends to itself may be longer than any frame.
    pub wired: bool,
    /// By how much it is older than one before it.
    pub back: u64,
}

impl Facts {
    /// Counts a packet.
    #[inline]
    pub fn packet(&mut self, p: &Glance) {
        if self.packets == 0 {
            (self.frame, self.first_ts, self.last_ts) = (p.frame, p.ts, p.ts);
        }
        self.last_ts = self.last_ts.max(p.ts);
        self.packets += 1;
        self.bytes += u64::from(p.length);
        self.cut_packets += u64::from(p.cut);
        self.oversized += u64::from(p.wired && p.length > LONGEST);
        self.duplicates += u64::from(p.copy);
        if p.back > 0 {
            self.backward += 1;
            self.backward_ns = self.backward_ns.max(p.back);
        }
    }
}

/// The counts of all workers, one entry a capture and VLAN, in that order.
pub fn merged(parts: impl Iterator<Item = Facts>) -> Vec<Facts> {
    let mut all: Vec<Facts> = Vec::new();
    for part in parts {
        match all.iter_mut().find(|known| (known.capture, known.vlan) == (part.capture, part.vlan)) {
            Some(known) => known.add(&part),
            None => all.push(part),
        }
    }
    all.sort_by_key(|facts| (facts.capture, facts.vlan));
    all
}

/// The counts as a table. `start`: of the window, where there was no packet.
#[must_use]
pub fn table(list: &[Facts], start: Nanos) -> crate::columns::Finished {
    let mut rows = MirrorRows::default();
    for facts in list {
        let quiet = facts.packets == 0;
        let frame = if quiet { Frame::new(facts.capture, 0) } else { facts.frame };
        rows.push(MirrorRow {
            ts: if quiet { start } else { facts.first_ts },
            flow: FlowRef::NONE,
            borrow: std::marker::PhantomData,
            frame,
            vlan: facts.vlan,
            last_ts: if quiet { start } else { facts.last_ts },
            packets: facts.packets,
            bytes: facts.bytes,
            cut_packets: facts.cut_packets,
            oversized: facts.oversized,
            duplicates: facts.duplicates,
            backward: facts.backward,
            backward_ns: facts.backward_ns,
            tcp_bytes: facts.tcp_bytes,
            unseen_bytes: facts.unseen_bytes,
            tcp_flows: facts.tcp_flows,
            one_sided: facts.one_sided,
            dropped: facts.dropped,
            clock_step_ns: facts.clock_step_ns,
        });
    }
    rows.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_goes_back_is_measured_and_a_step_is_told_once() {
        let mut clocks = Clocks::default();
        let second = 1_000_000_000;
        let times = [10 * second, 10 * second - 5, 4 * second, 4 * second + 1, 11 * second];
        let backs: Vec<u64> = times.map(|ts| clocks.look(1, ts)).to_vec();
        assert_eq!(backs, [0, 5, 6_000_000_000, 0, 0]);
        assert_eq!(clocks.look(0, 0), 0);
    }

    #[test]
    fn counts_of_workers_become_one_entry_a_capture_and_vlan() {
        let one = Facts { capture: 1, vlan: 7, tcp_flows: 2, ..Facts::default() };
        let packets = Facts { packets: 3, first_ts: 5, last_ts: 9, frame: Frame::new(1, 4), ..one };
        let other = Facts { vlan: 2, ..one };
        let all = merged([one, packets, other].into_iter());
        assert_eq!(all.iter().map(|f| (f.vlan, f.packets, f.tcp_flows)).collect::<Vec<_>>(), [(2, 0, 2), (7, 3, 4)]);
        assert_eq!((all[1].first_ts, all[1].frame), (5, Frame::new(1, 4)));
    }
}
