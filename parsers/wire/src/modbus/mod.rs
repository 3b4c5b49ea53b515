//! Modbus: MBAP framing on TCP and UDP, transactions, and what they say about a device.

pub mod codes;
mod extent;
pub mod frame;
pub mod pairing;
pub mod pdu;
mod probe;
pub mod read;
pub mod rows;
mod transaction;
pub mod values;

use frame::{Behind, Found, HEADER, Header, Size, Units};
pub use probe::probe;
use transaction::{Message, PROTOCOL, Transactions};

use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Nanos, Step};

/// The dissector of one flow.
#[derive(Debug, Default)]
pub struct Modbus {
    transactions: Transactions,
    units: Units,
    /// For each direction, while it is out of step: bytes skipped so far.
    lost: [Option<u64>; 2],
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

    /// One whole message: its PDU and the bytes that it takes with its header.
    fn message(&mut self, cx: &mut Cx<'_>, dir: Dir, header: &Header, bytes: &[u8]) -> Step {
        self.settled = true;
        self.units.add(header.unit);
        let message = Message {
            transaction: header.transaction,
            unit: header.unit,
            pdu: bytes.get(HEADER..).unwrap_or_default(),
            bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        match dir {
            Dir::ToServer => self.transactions.request(cx, &message),
            Dir::ToClient => self.transactions.response(cx, &message),
        }
        Step::Took(bytes.len())
    }

    /// A header that contradicts the standard. The message is read all the same where there is evidence of its
    /// end; else the next header is looked for.
    fn doubtful(&mut self, cx: &mut Cx<'_>, dir: Dir, header: &Header, bytes: &[u8]) -> Step {
        let said = header.total();
        let ends = |at: usize| matches!(frame::behind(bytes, at), Behind::Header | Behind::End);
        if header.protocol != 0 {
            if header.size() == Size::Sound && header.public() && self.settled {
                let Some(whole) = bytes.get(..said) else { return Step::Need(said) };
                if ends(said) && frame::fits(dir, whole.get(HEADER..).unwrap_or_default()) {
                    cx.anomaly(
                        PROTOCOL,
                        Kind::Malformed,
                        &format!("protocol identifier at offset 2: {}", header.protocol),
                    );
                    return self.message(cx, dir, header, whole);
                }
            }
            return self.lose(cx, dir, "protocol identifier at offset 2", header.protocol);
        }
        let detail = format!("length at offset 4: {}, expected 2 to 254", header.length);
        // Many servers go by the function's own length, not by the header's.
        let natural = extent::extent(dir, bytes.get(HEADER..).unwrap_or_default()).map(|n| HEADER + n);
        if let Some(whole) = natural.filter(|&n| ends(n)).and_then(|n| bytes.get(..n)) {
            cx.anomaly(PROTOCOL, Kind::Malformed, &detail);
            return self.message(cx, dir, header, whole);
        }
        if header.size() == Size::Long {
            let Some(whole) = bytes.get(..said) else { return Step::Need(said) };
            cx.anomaly(PROTOCOL, Kind::Malformed, &detail);
            return self.message(cx, dir, header, whole);
        }
        self.lose(cx, dir, "length at offset 4", header.length)
    }

    fn lose(&mut self, cx: &mut Cx<'_>, dir: Dir, field: &str, value: u16) -> Step {
        cx.anomaly(PROTOCOL, Kind::Malformed, &format!("{field}: {value}, no message of this protocol"));
        *self.lost_mut(dir) = Some(1);
        self.transactions.gap(dir);
        Step::Took(1)
    }

    /// Out of step: looks for the next message by evidence.
    fn search(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8], skipped: u64) -> Step {
        match frame::search(dir, bytes, &self.units) {
            Found::Need(n) => Step::Need(n),
            Found::Skip(n) => {
                *self.lost_mut(dir) = Some(skipped.saturating_add(n as u64));
                Step::Took(n)
            }
            Found::Message => {
                *self.lost_mut(dir) = None;
                if skipped > 0 {
                    cx.anomaly(PROTOCOL, Kind::Resynchronised, &format!("skipped {skipped} bytes to the next message"));
                }
                self.in_step(cx, dir, bytes)
            }
        }
    }

    fn in_step(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let Some(header) = Header::read(bytes) else { return Step::Need(frame::JUDGED) };
        if !header.sound() {
            return self.doubtful(cx, dir, &header, bytes);
        }
        match bytes.get(..header.total()) {
            Some(whole) => self.message(cx, dir, &header, whole),
            None => Step::Need(header.total()),
        }
    }
}

impl Dissector for Modbus {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        if let Some(skipped) = *self.lost_mut(dir) {
            return self.search(cx, dir, bytes, skipped);
        }
        if !self.settled && frame::foreign(bytes) {
            return Step::NotMine;
        }
        self.in_step(cx, dir, bytes)
    }

    fn gap(&mut self, _: &mut Cx<'_>, dir: Dir, _: u64) {
        self.settled = true;
        self.lost_mut(dir).get_or_insert(0);
        self.transactions.gap(dir);
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.transactions.expire(cx, now);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.transactions.end(cx);
    }

    fn protocol(&self) -> &'static str {
        PROTOCOL
    }
}
