//! MQTT 3.1, 3.1.1 and 5: every control packet a row. Payloads are not buffered: they pass by.

pub mod codes;
mod packets;
mod probe;
pub mod properties;
mod publish;
pub mod read;
mod resync;
pub mod rows;
mod session;

use std::borrow::Cow;

pub use probe::probe;

use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Nanos, Step};
use publish::{Aliases, Facts, Head, Header, Open};
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
    /// Bytes of the packet whose start waits for the rest, and its type; 0: none waits, or its length is not known.
    expected: (u64, u8),
    /// The PUBLISH whose payload passes by.
    open: Option<Box<Open>>,
    /// Topics by alias.
    aliases: Option<Box<Aliases>>,
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

    fn side(&mut self, dir: Dir) -> &mut Side {
        match dir {
            Dir::ToServer => &mut self.to_server,
            Dir::ToClient => &mut self.to_client,
        }
    }

    /// A packet of known length waits until `need` bytes are there.
    fn wait(&mut self, dir: Dir, fixed: Fixed, need: usize) -> Step {
        self.side(dir).expected = (fixed.total(), fixed.kind);
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
        let packet = codes::of(fixed.kind);
        let late = fixed.kind == codes::DISCONNECT && dir == Dir::ToClient && self.session.layout == Layout::Older;
        if late || !(if dir == Dir::ToServer { packet.client } else { packet.server }) {
            self.session.swapped = true;
            let from = if dir == Dir::ToServer { "client" } else { "server" };
            cx.anomaly("mqtt", Kind::WrongDirection, &format!("{} from the {from}", packet.name));
        }
    }

    fn publish(&mut self, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, bytes: &[u8]) -> Step {
        let total = usize::try_from(fixed.total()).unwrap_or(usize::MAX);
        let body = bytes.get(fixed.length..total.min(bytes.len())).unwrap_or_default();
        let mut head = publish::header(fixed, body, self.session.layout, cx.limits.message_bytes);
        if matches!(head, Head::Bad(_)) && self.session.layout == Layout::Five && self.session.guessed() {
            self.session.learn(Layout::Older); // the evidence misled
            head = publish::header(fixed, body, Layout::Older, cx.limits.message_bytes);
        }
        match head {
            Head::Is(header) => {
                self.manners(cx, dir, fixed);
                if header.certain && self.session.layout == Layout::Unknown {
                    self.session.learn(header.layout);
                }
                self.begin(cx, dir, fixed, &header, bytes, total)
            }
            Head::Need(n) => self.wait(dir, fixed, fixed.length + n),
            Head::TooLong(length) => self.too_long(cx, dir, fixed, length),
            Head::Bad(what) => {
                odd(cx, Kind::Malformed, fixed, what);
                self.pass_over(dir, fixed, 0)
            }
        }
    }

    /// The header is whole: the payload lies behind it, or begins to pass by.
    fn begin(
        &mut self,
        cx: &mut Cx<'_>,
        dir: Dir,
        fixed: Fixed,
        header: &Header<'_>,
        bytes: &[u8],
        total: usize,
    ) -> Step {
        let Self { session, to_server, to_client } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        let topic = topic(&mut side.aliases, cx, fixed, header);
        let start = fixed.length + header.length;
        if let Some(payload) = bytes.get(start..total) {
            let facts = Facts {
                fixed,
                topic: &topic,
                packet_id: header.packet_id,
                properties: header.properties,
                size: payload.len() as u64,
                payload,
                sha256: (!payload.is_empty()).then(|| publish::sha256(payload)),
            };
            publish::write(session, cx, dir, &facts);
            return Step::Took(total);
        }
        let open = side.open.get_or_insert_default();
        open.begin(fixed, header, &topic);
        open.take(bytes.get(start..).unwrap_or_default(), cx.limits.payload_bytes);
        side.mode = Mode::Payload;
        Step::Took(bytes.len())
    }

    fn payload(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let Self { session, to_server, to_client } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        let Some(open) = side.open.as_mut().filter(|open| open.is_open()) else {
            side.mode = Mode::Packets;
            return self.packet(cx, dir, bytes);
        };
        let taken = open.take(bytes, cx.limits.payload_bytes);
        if open.left == 0 {
            open.finish(session, cx, dir);
            side.mode = Mode::Packets;
        }
        Step::Took(taken)
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

impl Side {
    /// A hole in the payload: within it the stream stays in step; `None`: it ends behind it, or nobody knows where.
    fn hole(&mut self, session: &mut Session, cx: &mut Cx<'_>, dir: Dir, missing: u64) -> Option<Mode> {
        let open = self.open.as_mut()?;
        let inside = missing != 0 && missing <= open.left;
        let left = open.left;
        open.lose(cx, if inside { missing } else { left });
        if open.left == 0 {
            open.finish(session, cx, dir);
        }
        inside.then_some(if missing == left { Mode::Packets } else { Mode::Payload })
    }
}

/// The topic of a PUBLISH: its own, or the one that its alias stands for.
fn topic<'a>(known: &'a mut Option<Box<Aliases>>, cx: &mut Cx<'_>, fixed: Fixed, header: &Header<'a>) -> Cow<'a, str> {
    let topic = session::text(cx, fixed, "topic", header.topic);
    if header.topic.iter().any(|b| matches!(b, 0 | b'#' | b'+')) {
        odd(cx, Kind::Malformed, fixed, Malformed { field: "topic", at: 2, reason: "has a wildcard or NUL in it" });
    }
    let Some(alias) = header.known.alias else {
        if topic.is_empty() {
            odd(cx, Kind::Malformed, fixed, Malformed { field: "topic", at: 0, reason: "is empty" });
        }
        return topic;
    };
    if !topic.is_empty() {
        let aliases = known.get_or_insert_default();
        if aliases.len() as u64 >= cx.limits.topic_aliases && !aliases.contains_key(&alias) {
            cx.anomaly("mqtt", Kind::TooManyItems, "topic aliases");
        } else {
            let kept = aliases.entry(alias).or_default();
            kept.clear();
            kept.push_str(&topic);
        }
        return topic;
    }
    match known.as_ref().and_then(|aliases| aliases.get(&alias)) {
        Some(topic) => Cow::Borrowed(topic),
        None => {
            cx.anomaly("mqtt", Kind::UnknownAlias, &format!("topic alias {alias}"));
            topic
        }
    }
}

impl Dissector for Mqtt {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let side = self.side(dir);
        side.expected = (0, 0);
        match side.mode {
            Mode::Packets => self.packet(cx, dir, bytes),
            Mode::Payload => self.payload(cx, dir, bytes),
            Mode::Skip(left, row) => self.skip(cx, dir, bytes, left, row),
            Mode::Lost { skipped, fresh } => self.search(cx, dir, bytes, skipped, fresh),
        }
    }

    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        let Self { session, to_server, to_client } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        session.started = true;
        let (expected, kind) = std::mem::take(&mut side.expected);
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
            Mode::Packets if missing != 0 && missing <= expected => {
                cx.anomaly("mqtt", Kind::Gap, &format!("a packet of {expected} bytes lost {missing}"));
                if missing == expected {
                    cx.rows.mqtt.push(publish::blank(session, cx, kind));
                    Mode::Packets
                } else {
                    Mode::Skip(expected - missing, kind)
                }
            }
            Mode::Lost { skipped, .. } => Mode::Lost { skipped, fresh: true },
            Mode::Packets => lost,
        };
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        let wait = i64::try_from(cx.limits.response_seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        let Session { pending, client_id, .. } = &mut self.session;
        pending.expire(cx, client_id, now.saturating_sub(wait));
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for dir in [Dir::ToServer, Dir::ToClient] {
            let Self { session, to_server, to_client } = self;
            let side = if dir == Dir::ToServer { to_server } else { to_client };
            if let Some(open) = side.open.as_mut() {
                open.finish(session, cx, dir);
            }
            if side.expected.0 > 0 {
                cx.anomaly("mqtt", Kind::Truncated, &format!("a packet of {} bytes", side.expected.0));
            }
            if let Mode::Lost { skipped: 1.., .. } = side.mode {
                cx.anomaly("mqtt", Kind::Truncated, "no packet was found again");
            }
            *side = Side::default();
        }
        let Session { pending, client_id, .. } = &mut self.session;
        pending.expire(cx, client_id, Nanos::MAX);
    }

    fn protocol(&self) -> &'static str {
        "mqtt"
    }
}
