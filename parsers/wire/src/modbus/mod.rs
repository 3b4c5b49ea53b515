//! Modbus on TCP and UDP, with MBAP headers or as RTU frames: transactions, values that change, and what servers
//! say about themselves.

pub mod codes;
mod early;
mod extent;
pub mod frame;
mod identity;
pub mod pairing;
pub mod pdu;
mod probe;
pub mod read;
mod records;
pub mod rows;
pub mod rtu;
mod tags;
mod transaction;
pub mod values;

use frame::{Behind, Found, HEADER, Header, Size, Units};
pub use probe::probe;
use rtu::Seen;
use transaction::{Message, PROTOCOL, Transactions};

use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Frame, Nanos, Step};

/// How messages are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Framing {
    /// Not yet known.
    #[default]
    Unknown,
    /// With a header.
    Mbap,
    /// As on a serial line.
    Rtu,
}

/// The start of a message whose end has not come.
#[derive(Debug)]
struct Partial {
    bytes: Vec<u8>,
    ts: Nanos,
    frame: Frame,
}

/// The dissector of one flow.
#[derive(Debug, Default)]
pub struct Modbus {
    transactions: Transactions,
    units: Units,
    framing: Framing,
    /// For each direction, while it is out of step: bytes skipped so far.
    lost: [Option<u64>; 2],
    /// For each direction: the message that waits for its end, as far as it came.
    partial: [Option<Partial>; 2],
    /// A message was read, or bytes were lost: by now the flow is not judged any more.
    settled: bool,
}

impl Modbus {
    /// A dissector for a new flow.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lost_mut(&mut self, dir: Dir) -> &mut Option<u64> {
        let [to_server, to_client] = &mut self.lost;
        if dir == Dir::ToServer { to_server } else { to_client }
    }

    fn partial_mut(&mut self, dir: Dir) -> &mut Option<Partial> {
        let [to_server, to_client] = &mut self.partial;
        if dir == Dir::ToServer { to_server } else { to_client }
    }

    fn message(&mut self, cx: &mut Cx<'_>, dir: Dir, message: &Message<'_>) -> Step {
        self.settled = true;
        self.units.add(message.unit);
        if self.partial_mut(dir).is_some() {
            *self.partial_mut(dir) = None;
        }
        match dir {
            Dir::ToServer => self.transactions.request(cx, message),
            Dir::ToClient => self.transactions.response(cx, message),
        }
        Step::Took(message.bytes)
    }

    /// One whole message with its header.
    fn headed(&mut self, cx: &mut Cx<'_>, dir: Dir, header: &Header, whole: &[u8]) -> Step {
        let pdu = whole.get(HEADER..).unwrap_or_default();
        let message =
            Message { transaction: header.transaction, unit: header.unit, pdu, bytes: whole.len(), whole: true };
        self.message(cx, dir, &message)
    }

    /// One whole RTU frame.
    fn serial(&mut self, cx: &mut Cx<'_>, dir: Dir, whole: &[u8]) -> Step {
        let unit = whole.first().copied().unwrap_or_default();
        self.message(cx, dir, &Message { transaction: 0, unit, pdu: rtu::pdu(whole), bytes: whole.len(), whole: true })
    }

    /// A header that contradicts the standard. The message is read all the same where there is evidence of its
    /// end; else the next header is looked for.
    fn doubtful(&mut self, cx: &mut Cx<'_>, dir: Dir, header: &Header, bytes: &[u8]) -> Step {
        let said = header.total();
        let ends = |at: usize| matches!(frame::behind(bytes, at), Behind::Header | Behind::End);
        if header.protocol != 0 {
            let detail = format!("protocol_identifier at offset 2: {}, expected 0", header.protocol);
            if header.size() == Size::Sound && header.public() && self.settled {
                let Some(whole) = bytes.get(..said) else { return Step::Need(said) };
                if ends(said) && frame::fits(dir, whole.get(HEADER..).unwrap_or_default()) {
                    cx.anomaly(PROTOCOL, Kind::Malformed, &detail);
                    return self.headed(cx, dir, header, whole);
                }
            }
            return self.lose(cx, dir, bytes, &detail);
        }
        let detail = format!("length at offset 4: {}, expected 2 to 254", header.length);
        // Many servers go by the function's own length, not by the header's.
        let natural = extent::extent(dir, bytes.get(HEADER..).unwrap_or_default()).map(|n| HEADER + n);
        if let Some(whole) = natural.filter(|&n| ends(n)).and_then(|n| bytes.get(..n)) {
            cx.anomaly(PROTOCOL, Kind::Malformed, &detail);
            return self.headed(cx, dir, header, whole);
        }
        if header.size() == Size::Long {
            let Some(whole) = bytes.get(..said) else { return Step::Need(said) };
            cx.anomaly(PROTOCOL, Kind::Malformed, &detail);
            return self.headed(cx, dir, header, whole);
        }
        self.lose(cx, dir, bytes, &detail)
    }

    /// What stands here is no message: says why and looks for the next one.
    fn lose(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8], detail: &str) -> Step {
        cx.anomaly(PROTOCOL, Kind::Malformed, detail);
        self.transactions.gap(dir);
        self.search(cx, dir, bytes, 0)
    }

    /// Out of step: looks for the next message by evidence. A stream may also have changed its framing, or
    /// begun with a message that was meant to make us think so.
    fn search(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8], skipped: u64) -> Step {
        let rtu = self.framing == Framing::Rtu;
        // Behind a hole messages mostly begin with a segment: there a known unit speaks for an unknown function.
        let begins = skipped == 0 && !rtu && frame::begins(bytes, &self.units);
        let mine = if begins {
            Found::Message
        } else if rtu {
            rtu::search(dir, bytes)
        } else {
            frame::search(dir, bytes, &self.units, usize::MAX)
        };
        // No further than what is skipped now: no place is looked at twice.
        let reach = if let Found::Skip(n) = mine { n } else { 1 };
        let other = if rtu { frame::search(dir, bytes, &self.units, reach) } else { rtu::find(dir, bytes, reach) };
        let step = match (mine, other) {
            (Found::Message, _) => None,
            (_, Found::Message) => {
                self.framing = if rtu { Framing::Mbap } else { Framing::Rtu };
                None
            }
            (Found::Skip(n), Found::Skip(k)) => Some(Step::Took(n.min(k))),
            (Found::Skip(n), Found::Need(_)) => Some(Step::Took(n)),
            (Found::Need(n), _) => Some(Step::Need(n)),
        };
        let lost = self.lost_mut(dir);
        if let Some(step) = step {
            let more = if let Step::Took(n) = step { n as u64 } else { 0 };
            *lost = Some(skipped.saturating_add(more));
            return step;
        }
        *lost = None;
        if skipped > 0 {
            cx.anomaly(PROTOCOL, Kind::Resynchronised, &format!("skipped {skipped} bytes to the next message"));
        }
        self.in_step(cx, dir, bytes)
    }

    fn in_step(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        if self.framing == Framing::Rtu {
            return self.in_step_rtu(cx, dir, bytes);
        }
        let Some(header) = Header::read(bytes) else { return Step::Need(frame::JUDGED) };
        if !header.sound() {
            return self.doubtful(cx, dir, &header, bytes);
        }
        match bytes.get(..header.total()) {
            Some(whole) => self.headed(cx, dir, &header, whole),
            None => {
                *self.partial_mut(dir) = Some(Partial { bytes: bytes.to_vec(), ts: cx.ts, frame: cx.frame });
                Step::Need(header.total())
            }
        }
    }

    /// The end of a message that had begun was never captured: what came of it is a row. Gives its whole length.
    fn cut(&mut self, cx: &mut Cx<'_>, dir: Dir) -> Option<u64> {
        let Partial { bytes, ts, frame } = self.partial_mut(dir).take()?;
        let header = Header::read(&bytes)?;
        let (flow, ends, limits) = (cx.flow, cx.ends, cx.limits);
        let then =
            &mut Cx { ts, frame, flow, ends, rows: cx.rows, behaviours: cx.behaviours, limits, expected: cx.expected };
        let pdu = bytes.get(HEADER..).unwrap_or_default();
        let (transaction, unit) = (header.transaction, header.unit);
        self.message(then, dir, &Message { transaction, unit, pdu, bytes: header.total(), whole: false });
        Some(header.total() as u64)
    }

    fn in_step_rtu(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        match rtu::look(dir, bytes) {
            Seen::Frame(n) => self.serial(cx, dir, bytes.get(..n).unwrap_or_default()),
            Seen::Need(n) => Step::Need(n),
            Seen::Wrong(n) => self.lose(cx, dir, bytes, &format!("crc at offset {}: wrong", n.saturating_sub(2))),
            Seen::Nothing => self.lose(cx, dir, bytes, "address at offset 0: no frame of this protocol"),
        }
    }

    /// The first bytes of a flow tell its framing. RTU has a CRC to show and goes first: a read of ten registers
    /// from address 0 on, in RTU, looks like an MBAP header.
    fn decide(&mut self, dir: Dir, bytes: &[u8]) -> Option<Step> {
        let looked = rtu::look(dir, bytes);
        if let Seen::Frame(n) = looked
            && frame::fits(dir, rtu::pdu(bytes.get(..n).unwrap_or_default()))
        {
            self.framing = Framing::Rtu;
            return None;
        }
        let Some(header) = Header::read(bytes) else { return Some(Step::Need(bytes.len() + 1)) };
        let serial = matches!(looked, Seen::Need(_)) && rtu::known(bytes);
        match looked {
            Seen::Need(n) if serial && !(header.sound() && header.code != 0) => Some(Step::Need(n)),
            _ => {
                self.framing = Framing::Mbap;
                None
            }
        }
    }
}

impl Dissector for Modbus {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        if !self.settled && frame::foreign(bytes) {
            return Step::NotMine;
        }
        if let Some(skipped) = *self.lost_mut(dir) {
            return self.search(cx, dir, bytes, skipped);
        }
        if self.framing == Framing::Unknown
            && let Some(step) = self.decide(dir, bytes)
        {
            return step;
        }
        self.in_step(cx, dir, bytes)
    }

    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        self.settled = true;
        // Cut by the snap length: what is missing ends with the message, and the next one follows.
        if self.cut(cx, dir).is_some_and(|total| total == missing) {
            return;
        }
        self.lost_mut(dir).get_or_insert(0);
        self.transactions.gap(dir);
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.transactions.expire(cx, now);
    }

    fn waits(&self) -> bool {
        self.transactions.waits()
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.transactions.end(cx);
    }

    /// Messages stand alone; transactions find their other half by what they repeat of it.
    fn takes_late(&self, dir: Dir) -> bool {
        let ([to_server, to_client], [out, back]) = (&self.lost, &self.partial);
        let free = if dir == Dir::ToServer {
            to_server.is_none() && out.is_none()
        } else {
            to_client.is_none() && back.is_none()
        };
        self.settled && free
    }

    fn protocol(&self) -> &'static str {
        PROTOCOL
    }
}
