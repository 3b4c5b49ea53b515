//! Copies of a packet that the mirror made, not the network.
//!
//! A SPAN port that mirrors both directions of two ports, or a VLAN on both sides of a router, shows a packet twice.
//! A copy is a datagram with the same addresses, protocol, IP identification, length and payload as one seen at most
//! `duplicate_microseconds` before (or after: mirrors of two ports may be out of order). TTL, IP checksum, MAC
//! addresses and VLAN are not compared, since routing changes them. The transport checksum is part of the payload and
//! stays equal; of payloads longer than [`WHOLE`] only both ends are hashed, the checksum answers for the middle.
//!
//! What the network repeats itself is kept: a TCP retransmission comes after a round trip at least, far behind the
//! window, and with another IP identification; a repeated UDP poll has another identification too.
//!
//! Blind spots. Where the sender puts no identification (IPv6; IPv4 with "don't fragment" and identification 0,
//! RFC 6864), identical datagrams within the window are taken for copies: identical UDP polls less than 2 ms apart,
//! and repeated pure TCP acknowledgements, which carry nothing. A copy that was translated (NAT) differs and is not
//! found. A copy whose slot another packet took meanwhile is not found either: with [`SETS`] sets of [`WAYS`] slots and
//! 100,000 packets a second there are 200 in the window, and one copy in a hundred is missed at worst; then TCP
//! reassembly still sees that its bytes were there. The hash has no secret, since a replay must find the same copies every time: who can compute
//! two datagrams of one hash can hide the second, within the window.

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::fast::FixedState;

use crate::decode::Datagram;
use crate::dissect::Nanos;
use crate::limits::Limits;

/// Sets of the table: 16 KiB, so that it stays in the first-level cache beside everything else a packet touches.
const SETS: usize = 256;
/// Slots of a set, which are one line of the cache; a new packet takes the place of the oldest.
const WAYS: usize = 4;
/// Not seeded: a replay must find the same copies every time.
const HASHER: FixedState = FixedState::with_seed(0);
/// Bytes of payload up to which all are hashed.
const WHOLE: usize = 192;
/// Of longer payloads: bytes at the start (headers, checksum) and at the end.
const HEAD: usize = 128;
const TAIL: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u64,
    ts: Nanos,
}

/// The packets of the last moments.
#[derive(Debug)]
pub struct Duplicates {
    sets: Vec<[Slot; WAYS]>,
    window: u64,
    /// Copies found.
    pub found: u64,
}

impl Duplicates {
    /// An empty table with the window of `limits`; a window of 0 finds nothing.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let sets = vec![[Slot { hash: 0, ts: Nanos::MIN }; WAYS]; SETS];
        Self { sets, window: limits.duplicate_microseconds.saturating_mul(1_000), found: 0 }
    }

    /// Whether this datagram is a copy of one seen within the window; if not, it is remembered.
    ///
    /// The time of the first is kept when copies come, so that a steady repetition is never suppressed for good.
    #[inline]
    pub fn seen(&mut self, ts: Nanos, datagram: &Datagram<'_>) -> bool {
        if self.window == 0 {
            return false;
        }
        let hash = fingerprint(datagram);
        let Some(set) = self.sets.get_mut(hash as usize % SETS) else { return false };
        let mut oldest = Nanos::MAX;
        let mut place = 0;
        for (way, slot) in set.iter().enumerate() {
            if slot.hash == hash && slot.ts != Nanos::MIN {
                if ts.abs_diff(slot.ts) <= self.window {
                    self.found += 1;
                    return true;
                }
                place = way;
                break;
            }
            if slot.ts < oldest {
                (oldest, place) = (slot.ts, way);
            }
        }
        if let Some(slot) = set.get_mut(place) {
            *slot = Slot { hash, ts };
        }
        false
    }
}

#[inline]
fn fingerprint(datagram: &Datagram<'_>) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write_u128(u128::from_ne_bytes(datagram.src));
    hasher.write_u128(u128::from_ne_bytes(datagram.dst));
    hasher.write_u128(
        u128::from(datagram.protocol) << 64 | u128::from(datagram.id) << 32 | u128::from(datagram.ip_bytes),
    );
    let payload = datagram.payload;
    match payload.get(..HEAD).filter(|_| payload.len() > WHOLE) {
        None => hasher.write(payload),
        Some(head) => {
            hasher.write(head);
            hasher.write(payload.get(payload.len() - TAIL..).unwrap_or_default());
        }
    }
    hasher.finish()
}
