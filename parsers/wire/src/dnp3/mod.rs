//! DNP3 (IEEE 1815-2012) over TCP and UDP: link frames, transport segments, application fragments, points.
//!
//! | file | what it knows |
//! |---|---|
//! | `link` | frames, CRCs, the next frame after a loss |
//! | `transport` | segments to fragments |
//! | `stations` | masters and outstations of a flow; which request a response answers |
//! | `fragment`, `header` | application fragments and their object headers |
//! | `objects`, `points`, `texts` | the object library, values, texts |
//! | `select` | select before operate |
//! | `tags` | values that changed, attributes of hosts |
//! | `transfers` | files |
//! | `codes` | names |

mod codes;
mod fragment;
mod header;
mod link;
mod objects;
mod points;
mod reader;
pub mod rows;
mod select;
mod stations;
mod tags;
mod texts;
mod transfers;
mod transport;

use fragment::Fragment;
use link::{Found, HEADER, Header};
use stations::{Answer, Asked, Pair, Pairs};
use tags::Tags;
use transfers::Transfers;
use transport::{Octet, Segment};

use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Nanos, Probe, Step};

const PROTOCOL: &str = "dnp3";
/// The registered port.
const PORT: u16 = 20_000;

/// Whether the first bytes of a direction are DNP3. The master is the client, whoever opened the
/// connection: its frames have the DIR bit set. Without a whole frame header the port decides.
#[must_use]
pub fn probe(bytes: &[u8], from: u16, to: u16) -> Probe {
    let by_port = match (from == PORT, to == PORT) {
        (false, true) => Probe::Client,
        (true, false) => Probe::Server,
        (true, true) => Probe::Either,
        (false, false) => Probe::No,
    };
    match link::header(bytes) {
        Found::Header(h) if h.is_from_master() => Probe::Client,
        Found::Header(_) => Probe::Server,
        Found::Short => Probe::Unsure,
        Found::BadHeader => by_port,
        Found::NoStart if by_port == Probe::No => Probe::No,
        Found::NoStart => match bytes.get(link::next_start(bytes, 1)..).map(link::header) {
            Some(Found::Header(h)) if h.is_from_master() => Probe::Client,
            Some(Found::Header(_)) => Probe::Server,
            _ => Probe::Unsure,
        },
    }
}

/// Bytes of a direction that are no frames, and what was already said about them.
#[derive(Debug, Clone, Copy, Default)]
struct Lost {
    skipped: u64,
    /// A frame of this length was reported as broken: if no more than it is skipped, all is said.
    said: u64,
}

/// The dissector of one flow.
#[derive(Debug)]
pub struct Dnp3 {
    /// A frame was seen: the flow is DNP3.
    seen: bool,
    /// What is being skipped in each direction; at the start the capture may begin within a frame.
    lost: [Option<Lost>; 2],
    pairs: Pairs,
    /// Octets of fragments under way, of all pairs.
    assembling: u64,
    /// Requests that wait, of all pairs.
    waiting: u64,
    user: Vec<u8>,
    fragment: Fragment,
    name: String,
    tags: Tags,
    transfers: Transfers,
}

impl Default for Dnp3 {
    fn default() -> Self {
        Self::new()
    }
}

impl Dnp3 {
    /// A dissector for a new flow.
    #[must_use]
    pub fn new() -> Self {
        Self {
            seen: false,
            lost: [Some(Lost::default()); 2],
            pairs: Pairs::default(),
            assembling: 0,
            waiting: 0,
            user: Vec::new(),
            fragment: Fragment::default(),
            name: String::new(),
            tags: Tags::default(),
            transfers: Transfers::default(),
        }
    }

    fn lost(&mut self, dir: Dir) -> &mut Option<Lost> {
        let [to_server, to_client] = &mut self.lost;
        if dir == Dir::ToServer { to_server } else { to_client }
    }

    /// Skips to what may be the next frame.
    fn skip(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8], why: (Kind, &str)) -> Step {
        let most = cx.limits.probe_bytes;
        let seen = self.seen;
        let n = link::next_start(bytes, 1).max(1);
        let lost = self.lost(dir);
        if lost.is_none() {
            cx.anomaly(PROTOCOL, why.0, why.1);
        }
        let lost = lost.get_or_insert_default();
        lost.skipped += n as u64;
        if !seen && lost.skipped > most { Step::NotMine } else { Step::Took(n) }
    }

    /// A frame's header is right: what was skipped before it is told once.
    fn found(&mut self, cx: &mut Cx<'_>, dir: Dir) {
        self.seen = true;
        let Some(lost) = self.lost(dir).take() else { return };
        if lost.skipped > 0 && lost.skipped != lost.said {
            let detail = format!("{} bytes skipped up to this frame", lost.skipped);
            cx.anomaly(PROTOCOL, Kind::Resynchronised, &detail);
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, dir: Dir, h: Header, bytes: &[u8]) -> Step {
        self.found(cx, dir);
        let mut user = std::mem::take(&mut self.user);
        user.clear();
        let blocks = bytes.get(HEADER..h.total()).unwrap_or_default();
        let step = match link::unblock(h, blocks, &mut user) {
            Ok(()) => {
                self.user_data(cx, dir, h, &user);
                Step::Took(h.total())
            }
            Err(block) => {
                let detail = format!("data block {block} of a frame from {} to {}", h.src, h.dst);
                cx.anomaly(PROTOCOL, Kind::Crc, &detail);
                // its end may be missing: the next frame may begin within it
                let n = link::next_start(bytes, 2);
                *self.lost(dir) = Some(Lost { skipped: n as u64, said: h.total() as u64 });
                Step::Took(n)
            }
        };
        self.user = user;
        step
    }

    fn user_data(&mut self, cx: &mut Cx<'_>, dir: Dir, h: Header, user: &[u8]) {
        let Some((&octet, data)) = user.split_first().filter(|_| h.carries_data()) else {
            if h.carries_data() {
                cx.anomaly(PROTOCOL, Kind::Malformed, "a data frame without user data");
            } else if !user.is_empty() {
                let detail = format!("{} octets behind link function {}", user.len(), h.function());
                cx.anomaly(PROTOCOL, Kind::TrailingBytes, &detail);
            }
            rows::link_row(cx, h);
            return;
        };
        let octet = Octet(octet);
        let (master, outstation) = h.ends();
        let (place, gone) = self.pairs.place(master, outstation, cx.limits.link_pairs);
        if let Some(gone) = gone {
            self.forget(cx, gone);
        }
        if let Some(pair) = self.pairs.get(place) {
            pair.swapped = h.is_from_master() != (dir == Dir::ToServer);
        }
        self.segment(cx, dir, h, place, octet, data);
    }

    fn segment(&mut self, cx: &mut Cx<'_>, dir: Dir, h: Header, place: usize, octet: Octet, data: &[u8]) {
        let most = cx.limits.message_bytes;
        let Some(pair) = self.pairs.get(place) else { return };
        let side = pair.side(h.is_from_master());
        let held = side.len() as u64;
        if octet.is_first() {
            let whole = octet.is_final();
            let dropped = if whole { side.drop_open() } else { side.begin(octet, dir, data, h.total()) };
            self.assembling = (self.assembling + side.len() as u64).saturating_sub(held);
            if let Some(n) = dropped {
                let detail = format!("{n} octets dropped: a new fragment began before the last one's end");
                cx.anomaly(PROTOCOL, Kind::TransportSequence, &detail);
            }
            if whole {
                self.application(cx, h, place, octet, data, h.total() as u64);
            }
            return;
        }
        let outcome = side.go_on(octet, data, h.total());
        self.assembling = (self.assembling + side.len() as u64).saturating_sub(held);
        if self.assembling > most {
            let n = side.drop_open().unwrap_or(0) as u64;
            self.assembling = self.assembling.saturating_sub(n);
            cx.anomaly(PROTOCOL, Kind::MessageTooLong, &format!("{n} octets of an unfinished fragment dropped"));
            return;
        }
        let sequence = octet.sequence();
        let detail = match outcome {
            Segment::More => return,
            Segment::Complete(wire) => return self.complete(cx, h, place, octet, wire),
            Segment::Repeated => format!("segment {sequence} came twice"),
            Segment::Jumped(n, expected) => format!("segment {sequence} where {expected} was due: {n} octets dropped"),
            Segment::Orphan => format!("segment {sequence} without a first one"),
        };
        cx.anomaly(PROTOCOL, Kind::TransportSequence, &detail);
    }

    fn complete(&mut self, cx: &mut Cx<'_>, h: Header, place: usize, octet: Octet, wire: u64) {
        let Some(data) = self.pairs.get(place).map(|pair| pair.side(h.is_from_master()).take()) else { return };
        self.assembling = self.assembling.saturating_sub(data.len() as u64);
        self.application(cx, h, place, octet, &data, wire);
        if let Some(pair) = self.pairs.get(place) {
            pair.side(h.is_from_master()).give_back(data);
        }
    }

    fn application(&mut self, cx: &mut Cx<'_>, h: Header, place: usize, octet: Octet, data: &[u8], wire: u64) {
        let named = self.fragment.decode(data, cx.limits);
        for problem in self.fragment.problems.drain(..) {
            cx.anomaly(PROTOCOL, problem.kind, &problem.detail);
        }
        if named {
            rows::fragment_row(cx, h, octet.sequence(), &self.fragment, &mut self.name);
            self.behave(cx, h, place, wire);
            if !self.fragment.files.is_empty() {
                let dir = if h.is_from_master() { Dir::ToServer } else { Dir::ToClient };
                self.transfers.objects(cx, dir, data, &self.fragment.files);
            }
            if h.is_from_master() {
                self.listen(cx, place, data);
            } else if codes::is_response(self.fragment.function) {
                self.tags.update(cx, h.src, &self.fragment.points);
            }
        }
    }

    /// Compares a command with its selection.
    fn listen(&mut self, cx: &mut Cx<'_>, place: usize, data: &[u8]) {
        let objects = data.get(2..).unwrap_or_default();
        let f = &self.fragment;
        let Some(pair) = self.pairs.get(place) else { return };
        if let Some(detail) = pair.selection.hear(f.function, f.sequence(), objects, cx.frame.number()) {
            cx.anomaly(PROTOCOL, Kind::SelectMismatch, &detail);
        }
    }

    /// Counts what the fragment does: a request as its response comes, anything else at once.
    fn behave(&mut self, cx: &mut Cx<'_>, h: Header, place: usize, wire: u64) {
        let f = &self.fragment;
        let Some(pair) = self.pairs.get(place) else { return };
        let ends = pair.ends(cx.ends);
        let asked = Asked { function: f.function, sequence: f.sequence(), bytes: wire, object: &f.key };
        if !codes::is_response(f.function) {
            let at_once = !codes::is_answered(f.function) || codes::is_broadcast(h.dst) || !f.is_final();
            if at_once || pair.is_challenged(f.function, f.sequence()) {
                pair.report(cx, &ends, &asked, false);
            } else if self.waiting >= cx.limits.pending_requests {
                cx.anomaly(PROTOCOL, Kind::PendingFull, "the request is counted without its response");
                pair.report(cx, &ends, &asked, false);
            } else {
                let ended = pair.ask(cx, &ends, &asked) as u64;
                self.waiting = (self.waiting + 1).saturating_sub(ended);
            }
            return;
        }
        let error = f.refuses();
        let challenges = f.function == codes::function::AUTHENTICATE_RESPONSE && !pair.authenticates(f.sequence());
        if f.function == codes::function::UNSOLICITED || challenges {
            pair.report(cx, &ends, &asked, error);
            return;
        }
        let answer = Answer { sequence: f.sequence(), is_final: f.is_final(), bytes: wire, error };
        match pair.answer(cx, &ends, answer) {
            Some(done) => self.waiting = self.waiting.saturating_sub(u64::from(done)),
            None => {
                if pair.selection.is_heard() && f.is_first() {
                    let detail = format!("response {} from {} to {}", f.sequence(), h.src, h.dst);
                    cx.anomaly(PROTOCOL, Kind::UnsolicitedResponse, &detail);
                }
                pair.report(cx, &ends, &asked, error);
            }
        }
    }

    /// A pair made room for another one.
    fn forget(&mut self, cx: &mut Cx<'_>, mut pair: Pair) {
        let ends = pair.ends(cx.ends);
        self.waiting = self.waiting.saturating_sub(pair.expire(cx, &ends, Nanos::MAX) as u64);
        for from_master in [false, true] {
            self.assembling = self.assembling.saturating_sub(pair.side(from_master).drop_open().unwrap_or(0) as u64);
        }
    }

    /// Counts requests asked before `before` as unanswered.
    fn expire(&mut self, cx: &mut Cx<'_>, before: Nanos) {
        if self.waiting == 0 {
            return;
        }
        for pair in self.pairs.iter() {
            let ends = pair.ends(cx.ends);
            self.waiting = self.waiting.saturating_sub(pair.expire(cx, &ends, before) as u64);
        }
    }
}

impl Dissector for Dnp3 {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        match link::header(bytes) {
            Found::Header(h) if bytes.len() < h.total() => Step::Need(h.total()),
            Found::Header(h) => self.frame(cx, dir, h, bytes),
            Found::Short => Step::Need(HEADER),
            Found::NoStart => self.skip(cx, dir, bytes, (Kind::Malformed, "bytes without the start of a frame")),
            Found::BadHeader => self.skip(cx, dir, bytes, (Kind::Crc, "header block")),
        }
    }

    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        if missing > 0 {
            cx.anomaly(PROTOCOL, Kind::Gap, &format!("{missing} bytes missing"));
        }
        self.lost(dir).get_or_insert_default();
        for pair in self.pairs.iter() {
            if (dir == Dir::ToServer) != pair.swapped {
                pair.selection.lose();
            }
            for side in &mut pair.sides {
                if side.is_open(dir) {
                    self.assembling = self.assembling.saturating_sub(side.drop_open().unwrap_or(0) as u64);
                }
            }
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        let patience = i64::try_from(cx.limits.response_seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        self.expire(cx, now.saturating_sub(patience));
        self.transfers.tick(cx, now);
    }

    fn waits(&self) -> bool {
        self.waiting > 0 || self.transfers.waits()
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.expire(cx, Nanos::MAX);
        self.transfers.end(cx);
        for dir in [Dir::ToServer, Dir::ToClient] {
            if let Some(lost) = self.lost(dir).take().filter(|lost| lost.skipped > 0 && lost.skipped != lost.said) {
                let detail = format!("{} bytes at the end are no frame", lost.skipped);
                cx.anomaly(PROTOCOL, Kind::Truncated, &detail);
            }
        }
    }

    fn protocol(&self) -> &'static str {
        PROTOCOL
    }
}
