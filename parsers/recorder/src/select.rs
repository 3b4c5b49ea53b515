//! Which packets belong to a question: hosts, a stretch of time, and the beginnings of connections that were open then.

use std::collections::{HashMap, HashSet, VecDeque};

use wire::decode::Decoder;
use wire::dissect::{Frame, Nanos};
use wire::limits::Limits;

use crate::chunk::{Record, Span, Summary};
use crate::ends::{Ends, ends};
use crate::{OPENING, OPENING_BYTES, OPENINGS};

type Host = [u8; 16];
const NOBODY: Host = [0; 16];
type Connection = ((Host, u16), (Host, u16));

/// A question.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Pairs of hosts, IPv4 mapped, in either direction; all zeros as the second: every packet of the first; as both:
    /// every ARP packet.
    pub pairs: Vec<(Host, Host)>,
    /// Packets that are wanted whatever else holds.
    pub frames: Vec<Frame>,
    /// The stretch of time.
    pub from: Nanos,
    /// What happened; of too many packets those farthest from it are left out.
    pub at: Nanos,
    /// Its end, inclusive.
    pub to: Nanos,
    /// Packets at most, besides `frames` and the beginnings of connections.
    pub packets: usize,
    /// Bytes of them at most.
    pub bytes: usize,
}

/// A packet that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Nanoseconds since the epoch.
    pub ts: Nanos,
    /// Its place.
    pub frame: Frame,
    /// LINKTYPE_ value.
    pub link: u16,
    /// Bytes on the wire.
    pub orig_len: u32,
    /// The bytes captured.
    pub data: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// In time order.
    pub packets: Vec<Kept>,
    /// Packets left out before and after what happened.
    pub cut: (u64, u64),
    /// Time of the oldest packet that was at hand; `Nanos::MAX`: there was none.
    pub since: Nanos,
    /// Whether older ones had been let go, or some within the stretch.
    pub overrun: bool,
}

/// Takes packets in time order and gives each question's.
pub struct Selector {
    decoder: Decoder,
    questions: Vec<Question>,
    pairs: HashMap<(Host, Host), Vec<usize>>,
    hosts: HashMap<Host, Vec<usize>>,
    told: HashMap<Host, Vec<usize>>,
    frames: HashMap<Frame, Vec<usize>>,
    since: Nanos,
}

#[derive(Default)]
struct Question {
    wanted: Wanted,
    before: VecDeque<Kept>,
    before_bytes: usize,
    after: Vec<Kept>,
    after_bytes: usize,
    named: Vec<Kept>,
    cut: (u64, u64),
    openings: HashMap<Connection, Opening>,
    order: VecDeque<Connection>,
    seen: HashSet<Connection>,
}

#[derive(Default)]
struct Opening {
    packets: Vec<Kept>,
    bytes: usize,
}

impl Selector {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(wanted: Vec<Wanted>) -> Self {
        let mut made = Self {
            decoder: Decoder::new(&Limits::default()),
            questions: Vec::new(),
            pairs: HashMap::new(),
            hosts: HashMap::new(),
            told: HashMap::new(),
            frames: HashMap::new(),
            since: Nanos::MAX,
        };
        for (place, wanted) in wanted.into_iter().enumerate() {
            for &(a, b) in &wanted.pairs {
                let named: &[Host] = match (a, b) {
                    (NOBODY, NOBODY) => &[NOBODY],
                    (_, NOBODY) => {
                        made.hosts.entry(a).or_default().push(place);
                        &[a]
                    }
                    _ => {
                        made.pairs.entry((a.min(b), a.max(b))).or_default().push(place);
                        &[a, b]
                    }
                };
                for host in named {
                    made.told.entry(*host).or_default().push(place);
                }
            }
            for &frame in &wanted.frames {
                made.frames.entry(frame).or_default().push(place);
            }
            made.questions.push(Question { wanted, ..Question::default() });
        }
        made
    }

    /// Whether a stretch is one whose packets, or the connections that begin in it, may be asked for.
    pub(crate) fn reaches(&self, span: &Span) -> bool {
        self.frames.keys().any(|frame| (span.frames.0..=span.frames.1).contains(frame))
            || self.questions.iter().any(|q| span.first <= q.wanted.to)
    }

    /// Whether packets of a stretch may belong to an answer, for all that its summary tells.
    pub(crate) fn wants(&self, span: &Span, summary: &Summary) -> bool {
        self.frames.keys().any(|frame| (span.frames.0..=span.frames.1).contains(frame))
            || self.questions.iter().map(|q| &q.wanted).any(|w| {
                span.meets(w.from, w.to)
                    && w.pairs.iter().any(|(a, b)| *a == NOBODY || summary.holds(a) || summary.holds(b))
            })
    }

    /// Whether a connection begins in it that may be open in a later stretch that is wanted.
    pub(crate) fn wants_openings(&self, span: &Span, summary: &Summary) -> bool {
        let opens = |host: &Host| *host == NOBODY || summary.opens(host);
        self.questions
            .iter()
            .map(|q| &q.wanted)
            .any(|w| span.first < w.from && w.pairs.iter().any(|(a, b)| *a != NOBODY && opens(a) && opens(b)))
    }

    /// The next packet.
    pub fn take(&mut self, ts: Nanos, frame: Frame, link: u16, orig_len: u32, data: &[u8]) {
        let record = Record { ts, frame, link, orig_len, data };
        self.since = self.since.min(ts);
        let mut asked: Vec<usize> = Vec::new();
        let named = self.frames.get(&frame).cloned().unwrap_or_default();
        for &place in &named {
            self.questions[place].named.push(kept(&record));
        }
        let found = ends(&mut self.decoder, &record);
        if let Some(found) = found {
            let (a, b) = (found.src, found.dst);
            if found.arp {
                for host in [a, b, NOBODY] {
                    asked.extend(self.told.get(&host).into_iter().flatten());
                }
            } else {
                asked.extend(self.pairs.get(&(a.min(b), a.max(b))).into_iter().flatten());
                for host in [a, b] {
                    asked.extend(self.hosts.get(&host).into_iter().flatten());
                }
            }
            asked.sort_unstable();
            asked.dedup();
            for place in asked {
                self.questions[place].take(&record, &found, named.contains(&place));
            }
        }
    }

    /// The answers, in the order of the questions.
    #[must_use]
    pub fn finish(self) -> Vec<Found> {
        let since = self.since;
        self.questions.into_iter().map(|q| Found { since, ..q.answer() }).collect()
    }
}

impl Question {
    fn take(&mut self, r: &Record<'_>, found: &Ends, named: bool) {
        let connection = found.tcp.then(|| {
            let (a, b) = ((found.src, found.src_port), (found.dst, found.dst_port));
            (a.min(b), a.max(b))
        });
        if r.ts < self.wanted.from {
            if let Some(connection) = connection {
                self.opening(r, found, connection);
            }
            return;
        }
        if r.ts > self.wanted.to {
            return;
        }
        if let Some(connection) = connection.filter(|c| self.openings.contains_key(c)) {
            self.seen.insert(connection);
        }
        if named {
            return;
        }
        let (packets, bytes) = (self.wanted.packets, self.wanted.bytes);
        if r.ts < self.wanted.at {
            self.before.push_back(kept(r));
            self.before_bytes += r.data.len();
            while self.before.len() > packets / 2 || self.before_bytes > bytes / 2 {
                let Some(gone) = self.before.pop_front() else { break };
                self.before_bytes -= gone.data.len();
                self.cut.0 += 1;
            }
        } else if self.before.len() + self.after.len() < packets
            && self.before_bytes + self.after_bytes + r.data.len() <= bytes
        {
            self.after_bytes += r.data.len();
            self.after.push(kept(r));
        } else {
            self.cut.1 += 1;
        }
    }

    /// A packet before the stretch: of the beginning of a connection that may still be open in it.
    fn opening(&mut self, r: &Record<'_>, found: &Ends, connection: Connection) {
        if found.opens() {
            if self.openings.insert(connection, Opening::default()).is_none() {
                self.order.push_back(connection);
            }
            if self.order.len() > OPENINGS
                && let Some(oldest) = self.order.pop_front()
            {
                self.openings.remove(&oldest);
            }
        }
        let Some(opening) = self.openings.get_mut(&connection) else { return };
        if opening.packets.len() < OPENING && opening.bytes + r.data.len() <= OPENING_BYTES {
            opening.bytes += r.data.len();
            opening.packets.push(kept(r));
        }
    }

    fn answer(mut self) -> Found {
        let mut packets: Vec<Kept> =
            self.seen.iter().filter_map(|c| self.openings.remove(c)).flat_map(|o| o.packets).collect();
        packets.extend(self.before);
        packets.extend(self.after);
        packets.extend(self.named);
        packets.sort_by_key(|p| (p.ts, p.frame));
        packets.dedup_by_key(|p| p.frame);
        Found { packets, cut: self.cut, since: 0, overrun: false }
    }
}

fn kept(r: &Record<'_>) -> Kept {
    Kept { ts: r.ts, frame: r.frame, link: r.link, orig_len: r.orig_len, data: r.data.to_vec() }
}
