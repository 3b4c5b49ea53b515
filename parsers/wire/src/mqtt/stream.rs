//! PUBLISH on its way: whole in the bytes at hand, or its payload passing by.

use std::borrow::Cow;

use super::publish::{self, Aliases, Facts, Head, Header};
use super::read::{Fixed, Malformed};
use super::session::{self, Layout, Session, odd};
use super::{Mode, Mqtt, Side};
use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Step};
use crate::files::About;

impl Mqtt {
    pub(super) fn publish(&mut self, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, bytes: &[u8]) -> Step {
        let total = usize::try_from(fixed.total()).unwrap_or(usize::MAX);
        let body = bytes.get(fixed.length..total.min(bytes.len())).unwrap_or_default();
        let mut head = publish::header(fixed, body, self.session.layout, cx.limits.message_bytes);
        if matches!(head, Head::Bad(_) | Head::Half(..))
            && self.session.layout == Layout::Five
            && self.session.guessed()
        {
            self.session.learn(Layout::Older); // the evidence misled
            head = publish::header(fixed, body, Layout::Older, cx.limits.message_bytes);
        }
        match head {
            Head::Is(header) => {
                self.manners(cx, dir, fixed);
                if fixed.has_id() && header.packet_id == 0 {
                    let at = 2 + header.topic.len();
                    odd(cx, Kind::Malformed, fixed, Malformed { field: "packet identifier", at, reason: "is zero" });
                }
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
            Head::Half(header, what) => {
                odd(cx, Kind::Malformed, fixed, what);
                self.half(cx, dir, fixed, &header);
                self.pass_over(dir, fixed, 0)
            }
        }
    }

    /// The properties cannot be read, and so nobody knows where the payload begins: the row tells the topic.
    fn half(&mut self, cx: &mut Cx<'_>, dir: Dir, fixed: Fixed, header: &Header<'_>) {
        let Self { session, to_server, to_client } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        let topic = topic(&mut side.aliases, cx, fixed, header);
        let facts = Facts {
            fixed,
            topic: &topic,
            packet_id: header.packet_id,
            properties: &[],
            size: 0,
            payload: &[],
            sha256: None,
            cut: false,
        };
        publish::write(session, cx, dir, &facts);
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
                cut: false,
            };
            if side.files.wants(&topic, payload) {
                side.files.message(cx, &topic, about(&topic, dir), payload);
            }
            publish::write(session, cx, dir, &facts);
            return Step::Took(total);
        }
        let open = side.open.get_or_insert_default();
        open.begin(fixed, header, &topic);
        let first = bytes.get(start..).unwrap_or_default();
        open.take(first, keep(cx));
        side.files.begin(&topic, about(&topic, dir));
        side.files.piece(cx, first);
        side.mode = Mode::Payload;
        Step::Took(bytes.len())
    }

    pub(super) fn payload(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let Self { session, to_server, to_client } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        let Some(open) = side.open.as_mut().filter(|open| open.is_open()) else {
            side.mode = Mode::Packets;
            return self.packet(cx, dir, bytes);
        };
        let taken = open.take(bytes, keep(cx));
        side.files.piece(cx, bytes.get(..taken).unwrap_or_default());
        if open.left == 0 {
            side.files.close(cx);
            open.finish(session, cx, dir);
            side.mode = Mode::Packets;
        }
        Step::Took(taken)
    }
}

/// What is known of an object in a payload.
fn about(topic: &str, dir: Dir) -> About {
    About { path: topic.to_owned(), name: String::new(), carrier: "mqtt", upload: dir == Dir::ToServer }
}

/// Bytes of a payload that are kept while it passes by: for its row, and for the values in it.
fn keep(cx: &Cx<'_>) -> u64 {
    cx.limits.payload_bytes.max(cx.limits.value_bytes)
}

impl Side {
    /// A hole in the payload: within it the stream stays in step; `None`: it ends behind it, or nobody knows where.
    pub(super) fn hole(&mut self, session: &mut Session, cx: &mut Cx<'_>, dir: Dir, missing: u64) -> Option<Mode> {
        let open = self.open.as_mut()?;
        let inside = missing != 0 && missing <= open.left;
        let left = open.left;
        open.lose(cx, if inside { missing } else { left });
        self.files.lose(if inside { missing } else { left });
        if open.left == 0 {
            self.files.close(cx);
            open.finish(session, cx, dir);
        }
        inside.then_some(if missing == left { Mode::Packets } else { Mode::Payload })
    }
}

/// The topic of a PUBLISH: its own, or the one that its alias stands for.
pub(super) fn topic<'a>(
    known: &'a mut Option<Box<Aliases>>,
    cx: &mut Cx<'_>,
    fixed: Fixed,
    header: &Header<'a>,
) -> Cow<'a, str> {
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
