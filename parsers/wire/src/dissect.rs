//! What a dissector is: bytes of one direction in, rows out. No socket, no clock, no buffer of its own
//! for the stream: the driver ([`Stream`]) keeps what is incomplete and offers it again.

use crate::anomaly::Kind;
use crate::behaviour::{Behaviour, Behaviours};
use crate::files::Expected;
use crate::limits::Limits;
use crate::rows::{AnomalyRow, Rows};

/// Nanoseconds since the epoch, UTC.
pub type Nanos = i64;

/// A packet's place: capture index and 1-based frame number in it, packed so that it travels as one
/// integer. The default, 0, means "not seen".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Frame(pub u64);

impl Frame {
    /// No frame.
    pub const NONE: Self = Self(0);
    const BITS: u32 = 44;

    /// Packs a capture's index and a 1-based frame number.
    #[must_use]
    pub fn new(capture: u16, number: u64) -> Self {
        Self((u64::from(capture) << Self::BITS) | (number & ((1 << Self::BITS) - 1)))
    }
    /// The capture's index.
    #[must_use]
    pub fn capture(self) -> u16 {
        u16::try_from(self.0 >> Self::BITS).unwrap_or(0)
    }
    /// The 1-based frame number; 0: not seen.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0 & ((1 << Self::BITS) - 1)
    }
}

/// Direction within a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dir {
    /// From the client (Modbus client, DNP3 master, OPC UA client, MQTT client) to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Dir {
    /// The other direction.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
    /// 0 for client to server, 1 for server to client.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self == Self::ToClient)
    }
}

/// A flow's place in the window's flow dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowRef(pub u32);

impl FlowRef {
    /// A row without a flow.
    pub const NONE: Self = Self(u32::MAX);
}

/// The two ends of a flow, client first. IPv4 addresses are mapped into IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ends {
    /// The client's address.
    pub client: [u8; 16],
    /// The server's address.
    pub server: [u8; 16],
    /// The client's port.
    pub client_port: u16,
    /// The server's port.
    pub server_port: u16,
}

/// What a dissector may see and write while it handles one packet.
pub struct Cx<'a> {
    /// Time of the packet that carries, or completes, the bytes.
    pub ts: Nanos,
    /// That packet's frame.
    pub frame: Frame,
    /// The flow, as rows name it.
    pub flow: FlowRef,
    /// The flow's ends.
    pub ends: &'a Ends,
    /// The tables.
    pub rows: &'a mut Rows,
    /// The window's behaviours.
    pub behaviours: &'a mut Behaviours,
    /// The limits in force.
    pub limits: &'a Limits,
    /// Connections that others announced.
    pub expected: &'a mut Expected,
}

impl Cx<'_> {
    /// Writes an anomaly row for this flow and packet.
    pub fn anomaly(&mut self, protocol: &str, kind: Kind, detail: &str) {
        self.rows.anomaly(
            AnomalyRow {
                ts: self.ts,
                flow: self.flow,
                borrow: std::marker::PhantomData,
                frame: self.frame,
                protocol,
                kind: kind.name(),
                detail,
            },
            kind,
            self.limits,
        );
    }

    /// Counts one occurrence of a behaviour.
    pub fn behaviour(&mut self, behaviour: &Behaviour<'_>) {
        self.behaviours.add(self.ts, self.frame, self.ends, behaviour, self.limits);
    }
}

/// What became of the bytes that [`Dissector::parse`] was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// That many bytes are done with (one message, part of a large one, or skipped bytes). Never 0.
    Took(usize),
    /// The message at the start is incomplete: come again when there are at least this many bytes
    /// (more than were offered).
    Need(usize),
    /// These bytes are not this protocol's and never were: the driver stops offering the flow.
    NotMine,
}

/// A protocol's dissector, one for each flow; it sees both directions.
///
/// The driver calls [`parse`](Self::parse) with all bytes of a direction that are not yet taken, in
/// order and without holes, as long as it takes some. After a hole it calls [`gap`](Self::gap) and then goes on
/// with the bytes behind it: the dissector then finds the next message by its own framing evidence.
/// A malformed message is the dissector's to report (`cx.anomaly`) and to skip (`Took`).
/// No call may panic, whatever the bytes; no state may grow past `cx.limits`.
pub trait Dissector: Send {
    /// Looks at the start of `bytes`.
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step;

    /// `bytes` began a message whose rest was never captured; [`gap`](Self::gap) follows. What can be read of them is.
    fn cut(&mut self, _cx: &mut Cx<'_>, _dir: Dir, _bytes: &[u8]) {}

    /// `missing` bytes of a direction were never captured (0: unknown how many).
    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64);

    /// Packet time has come to `now` (called at each window's end): unanswered requests end here.
    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos);

    /// Whether [`tick`](Self::tick) has anything to do sooner or later if no further packet comes. Where it has not,
    /// the flow is passed over at each window's end until its next packet.
    fn waits(&self) -> bool;

    /// The flow is over: everything that still waits is written.
    fn end(&mut self, cx: &mut Cx<'_>);

    /// A short name: `modbus`, `dnp3`, `opcua`, `mqtt`, `tls`.
    fn protocol(&self) -> &'static str;

    /// Whether a whole message of that direction may come out of its order now.
    fn takes_late(&self, _dir: Dir) -> bool {
        false
    }

    /// Whether the payload of this flow is encrypted, as far as the dissector knows by now.
    fn encrypted(&self) -> bool {
        false
    }
}

/// Answer of a protocol's `probe` function to the first bytes of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// This protocol, and the sender of these bytes is the client.
    Client,
    /// This protocol, and the sender of these bytes is the server.
    Server,
    /// This protocol; who is the client cannot be told from these bytes.
    Either,
    /// Could be; more bytes (or the other direction) are needed.
    Unsure,
    /// Not this protocol.
    No,
}

/// The driver of one direction: keeps what is incomplete and offers it again with what follows.
#[derive(Debug, Default)]
pub struct Stream {
    carry: Vec<u8>,
    need: usize,
}

impl Stream {
    /// Offers the next bytes of the stream. Returns false when the dissector said that they are not its own.
    pub fn feed(&mut self, dissector: &mut dyn Dissector, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> bool {
        if self.carry.is_empty() {
            return match Self::run(dissector, cx, dir, bytes) {
                Ok((taken, need)) => {
                    self.carry.extend_from_slice(bytes.get(taken..).unwrap_or_default());
                    self.need = need;
                    self.check(dissector, cx, dir);
                    true
                }
                Err(()) => false,
            };
        }
        self.carry.extend_from_slice(bytes);
        if self.carry.len() < self.need {
            return true;
        }
        let carry = std::mem::take(&mut self.carry);
        match Self::run(dissector, cx, dir, &carry) {
            Ok((taken, need)) => {
                self.carry = carry;
                self.carry.drain(..taken);
                self.need = need;
                self.check(dissector, cx, dir);
                true
            }
            Err(()) => false,
        }
    }

    /// The next `missing` bytes were never captured: what waits for them is given up.
    pub fn gap(&mut self, dissector: &mut dyn Dissector, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        let lost = self.carry.len() as u64;
        if lost > 0 {
            dissector.cut(cx, dir, &self.carry);
        }
        self.carry.clear();
        self.need = 0;
        dissector.gap(cx, dir, if missing == 0 { 0 } else { missing + lost });
    }

    /// One datagram: nothing is carried over; a message that its end cuts is an anomaly.
    pub fn datagram(dissector: &mut dyn Dissector, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> bool {
        match Self::run(dissector, cx, dir, bytes) {
            Ok((taken, _)) => {
                if taken < bytes.len() {
                    let detail = format!(
                        "{} of {} bytes of the datagram hold no whole message",
                        bytes.len() - taken,
                        bytes.len()
                    );
                    cx.anomaly(dissector.protocol(), Kind::Truncated, &detail);
                    dissector.gap(cx, dir, 0);
                }
                true
            }
            Err(()) => false,
        }
    }

    /// The bytes that wait for more.
    #[must_use]
    pub fn held(&self) -> &[u8] {
        &self.carry
    }

    /// How many bytes wait for more.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.carry.len()
    }

    /// How many bytes were taken and how many are needed for the next step; `Err`: not this protocol.
    fn run(dissector: &mut dyn Dissector, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Result<(usize, usize), ()> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match dissector.parse(cx, dir, rest) {
                Step::Took(n) => at += n.clamp(1, rest.len()),
                Step::Need(n) => return Ok((at, n.max(rest.len() + 1))),
                Step::NotMine => return Err(()),
            }
        }
        Ok((at, 0))
    }

    fn check(&mut self, dissector: &mut dyn Dissector, cx: &mut Cx<'_>, dir: Dir) {
        if self.need as u64 > cx.limits.message_bytes {
            let detail = format!("a message of {} bytes", self.need);
            cx.anomaly(dissector.protocol(), Kind::MessageTooLong, &detail);
            self.gap(dissector, cx, dir, 0);
        }
    }
}
