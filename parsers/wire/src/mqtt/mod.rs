//! MQTT 3.1, 3.1.1 and 5: every control packet a row. Payloads are not buffered: they pass by.

pub mod codes;
mod cut;
mod packets;
mod probe;
pub mod properties;
pub mod publish;
pub mod read;
mod resync;
pub mod rows;
mod session;
mod stream;
mod values;
pub mod ws;

pub use probe::probe;

use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Nanos, Step};
use crate::files::Series;
use publish::{Aliases, Open};
use read::{Fixed, Malformed, Varint};
use resync::Verdict;
use session::{Layout, Session, odd};

/// The dissector of one flow.
#[derive(Debug, Default)]
pub struct Mqtt {
    session: Session,
    to_server: Side,
    to_client: Side,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    mode: Mode,
    /// Bytes of the packet whose start waits for the rest; 0: none waits, or its length is not known.
    expected: u64,
    /// The PUBLISH whose payload passes by.
    open: Option<Box<Open>>,
    /// Topics by alias.
    aliases: Option<Box<Aliases>>,
    /// Models that payloads carry.
    files: Series,
}

/// Where in the stream the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// At the start of a packet.
    #[default]
    Packets,
    /// In the payload of the open PUBLISH.
    Payload,
    /// In a packet that is passed over: bytes left, and the type of the row to write (0: none).
    Skip(u64, u8),
    /// Somewhere: the next packet is looked for. Bytes skipped so far; whether a hole was just before.
    Lost { skipped: u64, fresh: bool },
}

impl Mqtt {
    /// A dissector at the start of a flow, or anywhere in its middle.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The flow is MQTT by other evidence: it is never given up.
    fn insist(&mut self) {
        self.session.started = true;
    }

    fn side(&mut self, dir: Dir) -> &mut Side {
        match dir {
            Dir::ToServer => &mut self.to_server,
            Dir::ToClient => &mut self.to_client,
        }
    }

    /// A packet of known length waits until `need` bytes are there.
    fn wait(&mut self, dir: Dir, fixed: Fixed, need: usize) -> Step {
        self.side(dir).expected = fixed.total();
        Step::Need(need)
    }

    fn packet(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let fixed = match read::fixed(bytes) {
            Ok(fixed) => fixed,
            Err(Varint::Short) => return Step::Need(bytes.len() + 1),
            Err(_) => return self.astray(cx, dir),
        };
        if !self.session.started && (fixed.kind == 0 || !fixed.flags_valid(3)) {
            return Step::NotMine;
        }
        let step = if fixed.kind == codes::PUBLISH {
            self.publish(cx, dir, fixed, bytes)
        } else if fixed.total() > cx.limits.message_bytes {
            self.too_long(cx, dir, fixed, fixed.total())
        } else {
            self.control(cx, dir, fixed, bytes)
        };
        if matches!(step, Step::Took(_)) {
            self.session.started = true;
        }
        step
    }

    /// A remaining length of more than four bytes: where the next packet starts is not known.
    fn astray(&mut self, cx: &mut Cx<'_>, dir: Dir) -> Step {
        if !self.session.started {
            return Step::NotMine;
        }
        cx.anomaly("mqtt", Kind::Malformed, "remaining length at offset 1 is longer than four bytes");
        self.side(dir).mode = Mode::Lost { skipped: 1, fresh: false };
        Step::Took(1)
    }

    fn too_long(&mut self, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, length: u64) -> Step {
        let detail = format!("{} of {length} bytes", codes::of(fixed.kind).name);
        cx.anomaly("mqtt", Kind::MessageTooLong, &detail);
        self.pass_over(dir, fixed, fixed.kind)
    }

    /// Passes over a packet whose length is known; the stream stays in step.
    fn pass_over(&mut self, dir: Dir, fixed: Fixed, row: u8) -> Step {
        let left = u64::from(fixed.remaining);
        self.side(dir).mode = if left == 0 { Mode::Packets } else { Mode::Skip(left, row) };
        Step::Took(fixed.length)
    }

    fn control(&mut self, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, bytes: &[u8]) -> Step {
        let total = usize::try_from(fixed.total()).unwrap_or(usize::MAX);
        let Some(body) = bytes.get(fixed.length..total) else { return self.wait(dir, fixed, total) };
        self.manners(cx, dir, fixed);
        if fixed.kind == codes::CONNECT {
            self.to_server.aliases = None;
            self.to_client.aliases = None;
        }
        if let Err(what) = packets::read(&mut self.session, cx, dir, fixed, body) {
            odd(cx, Kind::Malformed, fixed, what);
        }
        Step::Took(total)
    }

    /// Oddities of the fixed header that do not hinder reading on.
    fn manners(&mut self, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed) {
        if fixed.kind == 0 {
            cx.anomaly("mqtt", Kind::UnknownCode, "packet type 0 is reserved");
            return;
        }
        if !fixed.flags_valid(self.session.version()) {
            let what = Malformed { field: "flags", at: 0, reason: "are not those of the packet's type" };
            odd(cx, Kind::Malformed, fixed, what);
        }
        if !fixed.minimal() {
            let what = Malformed { field: "remaining length", at: 0, reason: "is longer than it need be" };
            odd(cx, Kind::Malformed, fixed, what);
        }
        let packet = codes::of(fixed.kind);
        let late = fixed.kind == codes::DISCONNECT && dir == Dir::ToClient && self.session.layout == Layout::Older;
        if late || !(if dir == Dir::ToServer { packet.client } else { packet.server }) {
            self.session.swapped = true;
            let from = if dir == Dir::ToServer { "client" } else { "server" };
            cx.anomaly("mqtt", Kind::WrongDirection, &format!("{} from the {from}", packet.name));
        }
    }

    fn skip(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8], left: u64, row: u8) -> Step {
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - n as u64;
        self.side(dir).mode = if left == 0 { Mode::Packets } else { Mode::Skip(left, row) };
        if left == 0 && row != 0 {
            cx.rows.mqtt.push(publish::blank(&self.session, cx, row));
        }
        Step::Took(n.max(1))
    }

    /// Looks for the next packet. What is skipped is told once, when it is found.
    fn search(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8], skipped: u64, fresh: bool) -> Step {
        let known = resync::Known { dir: (!self.session.swapped).then_some(dir), layout: self.session.layout };
        for at in 0..bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            match resync::judge(rest, known, fresh && at == 0) {
                Verdict::Not => {}
                Verdict::Start => {
                    cx.anomaly("mqtt", Kind::Resynchronised, &format!("{} bytes skipped", skipped + at as u64));
                    self.side(dir).mode = Mode::Packets;
                    return if at == 0 { self.packet(cx, dir, bytes) } else { Step::Took(at) };
                }
                Verdict::More(n) if at == 0 => return Step::Need(n),
                Verdict::More(_) => {
                    self.side(dir).mode = Mode::Lost { skipped: skipped + at as u64, fresh: false };
                    return Step::Took(at);
                }
            }
        }
        self.side(dir).mode = Mode::Lost { skipped: skipped + bytes.len() as u64, fresh: false };
        Step::Took(bytes.len())
    }
}

impl Dissector for Mqtt {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let side = self.side(dir);
        side.expected = 0;
        match side.mode {
            Mode::Packets => self.packet(cx, dir, bytes),
            Mode::Payload => self.payload(cx, dir, bytes),
            Mode::Skip(left, row) => self.skip(cx, dir, bytes, left, row),
            Mode::Lost { skipped, fresh } => self.search(cx, dir, bytes, skipped, fresh),
        }
    }

    fn cut(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        let side = self.side(dir);
        if side.mode == Mode::Packets
            && side.expected > 0
            && let Ok(fixed) = read::fixed(bytes)
        {
            self.cut_short(cx, dir, fixed, bytes);
        }
    }

    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        let Self { session, to_server, to_client } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        session.started = true;
        let expected = std::mem::take(&mut side.expected);
        let lost = Mode::Lost { skipped: 0, fresh: true };
        side.mode = match side.mode {
            Mode::Payload => side.hole(session, cx, dir, missing).unwrap_or(lost),
            Mode::Skip(left, row) if missing != 0 && missing < left => Mode::Skip(left - missing, row),
            Mode::Skip(left, row) => {
                if row != 0 {
                    cx.rows.mqtt.push(publish::blank(session, cx, row));
                }
                if missing == left { Mode::Packets } else { lost }
            }
            // The start of a packet was seen and its length read: the hole ends within it, or with it.
            Mode::Packets if missing != 0 && missing == expected => Mode::Packets,
            Mode::Packets if missing != 0 && missing < expected => Mode::Skip(expected - missing, 0),
            Mode::Lost { skipped, .. } => Mode::Lost { skipped, fresh: true },
            Mode::Packets => lost,
        };
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        let wait = i64::try_from(cx.limits.response_seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        let Session { pending, client_id, .. } = &mut self.session;
        pending.expire(cx, client_id, now.saturating_sub(wait));
        self.to_server.files.tick(cx, now);
        self.to_client.files.tick(cx, now);
    }

    fn waits(&self) -> bool {
        self.session.pending.waits() || self.to_server.files.waits() || self.to_client.files.waits()
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for dir in [Dir::ToServer, Dir::ToClient] {
            let Self { session, to_server, to_client } = self;
            let side = if dir == Dir::ToServer { to_server } else { to_client };
            if let Some(open) = side.open.as_mut() {
                open.finish(session, cx, dir);
            }
            if side.expected > 0 {
                cx.anomaly("mqtt", Kind::Truncated, &format!("a packet of {} bytes", side.expected));
            }
            if let Mode::Lost { skipped: 1.., .. } = side.mode {
                cx.anomaly("mqtt", Kind::Truncated, "no packet was found again");
            }
            side.files.end(cx);
            *side = Side::default();
        }
        let Session { pending, client_id, .. } = &mut self.session;
        pending.expire(cx, client_id, Nanos::MAX);
    }

    fn protocol(&self) -> &'static str {
        "mqtt"
    }
}
