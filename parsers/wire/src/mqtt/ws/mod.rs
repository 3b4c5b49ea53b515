//! MQTT over WebSocket (MQTT 5, 6): the frames are taken off, what is in them is a stream of MQTT.

mod frame;
mod http;

use super::Mqtt;
use super::resync::Look;
use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Nanos, Probe, Step, Stream};
use frame::Frame;
use http::Head;

/// The dissector of one flow.
#[derive(Debug, Default)]
pub struct Ws {
    inner: Mqtt,
    to_server: Side,
    to_client: Side,
    /// Whether anything was understood, or lost.
    started: bool,
    /// Unmasked bytes on their way to `inner`.
    scratch: Vec<u8>,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    mode: Mode,
    stream: Stream,
    /// Whether the message under way is passed over: it is a text, or compressed.
    foreign: bool,
    /// Bytes of an HTTP head that were searched for its end.
    searched: usize,
}

/// Where in the stream the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// In front of the upgrade, or in the middle of nowhere.
    #[default]
    Start,
    /// At the start of a frame.
    Frames,
    /// In a frame's payload: bytes left, masking key, bytes of the payload before, whether they are MQTT's.
    Payload { left: u64, mask: Option<[u8; 4]>, at: u64, data: bool },
    /// Somewhere.
    Lost,
}

/// Bytes unmasked in one go.
const CHUNK: usize = 16_384;
/// After a hole longer frames are only believed if a packet with a topic or name starts in them.
const WEAK: usize = 4_096;

impl Ws {
    /// A dissector at the start of a flow, or anywhere in its middle.
    #[must_use]
    pub fn new() -> Self {
        let mut ws = Self::default();
        ws.inner.insist();
        ws
    }

    fn side(&mut self, dir: Dir) -> &mut Side {
        match dir {
            Dir::ToServer => &mut self.to_server,
            Dir::ToClient => &mut self.to_client,
        }
    }

    /// The upgrade, or a response that refuses it.
    fn start(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let searched = std::mem::take(&mut self.side(dir).searched);
        match http::head_from(bytes, searched) {
            Head::Asks(n) | Head::Grants(n) => {
                self.started = true;
                self.side(dir).mode = Mode::Frames;
                Step::Took(n)
            }
            Head::Other(n) => {
                self.started = true;
                Step::Took(n)
            }
            Head::Short => {
                self.side(dir).searched = bytes.len();
                Step::Need(bytes.len() + 1)
            }
            Head::No if self.started => {
                // A refusal's body, or a session whose beginning is missing.
                self.side(dir).mode = Mode::Lost;
                self.search(cx, dir, bytes)
            }
            Head::No => match frame::look(bytes, dir) {
                Look::No => Step::NotMine,
                Look::More(n) => Step::Need(n.max(bytes.len() + 1)),
                _ => {
                    self.started = true;
                    self.side(dir).mode = Mode::Frames;
                    self.frame(cx, dir, bytes)
                }
            },
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let frame = match frame::read(bytes) {
            Ok(frame) => frame,
            Err(n) => return Step::Need(n.max(bytes.len() + 1)),
        };
        if !frame.valid() {
            // A refused client asks again on the same connection.
            if matches!(http::head(bytes), Head::No) {
                cx.anomaly("mqtt", Kind::Malformed, "WebSocket: a frame's header is none of RFC 6455");
                self.lose(cx, dir, 0);
                self.side(dir).mode = Mode::Lost;
                return Step::Took(1);
            }
            self.side(dir).mode = Mode::Start;
            return self.start(cx, dir, bytes);
        }
        if frame.mask.is_some() != (dir == Dir::ToServer) {
            let what = if frame.mask.is_some() {
                "WebSocket: a server's frame is masked"
            } else {
                "WebSocket: a client's frame is not masked"
            };
            cx.anomaly("mqtt", Kind::Malformed, what);
        }
        let data = !frame.control() && self.message(cx, dir, &frame);
        let Frame { length, mask, header, .. } = frame;
        self.side(dir).mode =
            if length == 0 { Mode::Frames } else { Mode::Payload { left: length, mask, at: 0, data } };
        Step::Took(header)
    }

    /// A frame of a message: whether its payload is MQTT's.
    fn message(&mut self, cx: &mut Cx<'_>, dir: Dir, frame: &Frame) -> bool {
        if frame.opcode != frame::CONTINUATION {
            let text = frame.opcode == frame::TEXT;
            let compressed = frame.reserved & 4 != 0;
            self.side(dir).foreign = text || compressed;
            if text {
                // "MQTT Control Packets MUST be sent in WebSocket binary data frames" (6.0-1).
                cx.anomaly("mqtt", Kind::Malformed, "WebSocket: a text message");
            }
            if compressed {
                cx.anomaly("mqtt", Kind::Compressed, "WebSocket: permessage-deflate");
                self.lose(cx, dir, 0);
            }
        }
        !self.side(dir).foreign
    }

    fn payload(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let Self { inner, to_server, to_client, scratch, .. } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        let Mode::Payload { left, mask, at, data } = side.mode else { return Step::Took(bytes.len()) };
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()).min(CHUNK);
        let piece = bytes.get(..n).unwrap_or_default();
        if data {
            match mask {
                Some(key) => {
                    unmask(piece, key, at, scratch);
                    side.stream.feed(inner, cx, dir, scratch);
                }
                None => {
                    side.stream.feed(inner, cx, dir, piece);
                }
            }
        }
        let left = left - n as u64;
        side.mode = if left == 0 { Mode::Frames } else { Mode::Payload { left, mask, at: at + n as u64, data } };
        Step::Took(n.max(1))
    }

    /// Bytes of the stream inside are missing (0: nobody knows how many).
    fn lose(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        let Self { inner, to_server, to_client, .. } = self;
        let side = if dir == Dir::ToServer { to_server } else { to_client };
        side.stream.gap(inner, cx, dir, missing);
    }

    /// Looks for the next frame, or for HTTP; the dissector inside tells that it found its packets again.
    fn search(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        for at in 0..bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let again = rest.starts_with(b"GET /") || rest.starts_with(b"HTTP/1.");
            let found = if again { Found::Here } else { find(rest, dir) };
            match found {
                Found::No => {}
                _ if at > 0 => return Step::Took(at),
                Found::More(n) => return Step::Need(n.max(bytes.len() + 1)),
                Found::Here if again => {
                    self.side(dir).mode = Mode::Start;
                    return self.start(cx, dir, bytes);
                }
                Found::Here => {
                    self.side(dir).mode = Mode::Frames;
                    self.side(dir).foreign = false;
                    return self.frame(cx, dir, bytes);
                }
            }
        }
        Step::Took(bytes.len())
    }
}

/// Whether a frame starts here.
enum Found {
    No,
    Here,
    More(usize),
}

/// A frame that says little by itself must be short and whole, and another must follow it.
fn find(bytes: &[u8], dir: Dir) -> Found {
    let total = match frame::look(bytes, dir) {
        Look::No => return Found::No,
        Look::More(n) => return Found::More(n),
        Look::Strong(_) => return Found::Here,
        Look::Weak(total) => usize::try_from(total).unwrap_or(usize::MAX),
    };
    if total > WEAK {
        return Found::No;
    }
    let Some(next) = bytes.get(total..) else { return Found::No };
    match frame::look(next, dir) {
        Look::No => Found::No,
        Look::More(n) => Found::More(total + n),
        _ => Found::Here,
    }
}

/// "Octet i of the transformed data is octet i of the original data XOR octet i modulo 4 of the key" (5.3).
fn unmask(piece: &[u8], key: [u8; 4], at: u64, out: &mut Vec<u8>) {
    let turn = usize::try_from(at % 4).unwrap_or(0);
    out.clear();
    out.extend(piece.iter().zip(key.iter().cycle().skip(turn)).map(|(b, k)| b ^ k));
}

impl Dissector for Ws {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        match self.side(dir).mode {
            Mode::Start => self.start(cx, dir, bytes),
            Mode::Frames => self.frame(cx, dir, bytes),
            Mode::Payload { .. } => self.payload(cx, dir, bytes),
            Mode::Lost => self.search(cx, dir, bytes),
        }
    }

    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        self.started = true;
        self.side(dir).searched = 0;
        match self.side(dir).mode {
            // The frame is longer than the hole: the masking key turns on, the stream inside loses as much.
            Mode::Payload { left, mask, at, data } if missing != 0 && missing <= left => {
                if data {
                    self.lose(cx, dir, missing);
                }
                let left = left - missing;
                self.side(dir).mode =
                    if left == 0 { Mode::Frames } else { Mode::Payload { left, mask, at: at + missing, data } };
            }
            _ => {
                self.lose(cx, dir, 0);
                self.side(dir).mode = Mode::Lost;
            }
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.inner.tick(cx, now);
    }

    fn waits(&self) -> bool {
        self.inner.waits()
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.inner.end(cx);
    }

    fn protocol(&self) -> &'static str {
        "mqtt"
    }
}

/// Whose bytes are these? The upgrade names MQTT; in the middle of a session two frames with MQTT in them must follow
/// each other, and the mask tells client from server.
#[must_use]
pub fn probe(bytes: &[u8], _from: u16, _to: u16) -> Probe {
    match http::head(bytes) {
        Head::Asks(_) => return Probe::Client,
        Head::Grants(n) if http::names_mqtt(bytes.get(..n).unwrap_or_default()) => return Probe::Server,
        Head::Grants(_) | Head::Other(_) => return Probe::No,
        Head::Short => return Probe::Unsure,
        Head::No => {}
    }
    let masked = bytes.get(1).is_some_and(|second| second & 0x80 != 0);
    let (dir, answer) = if masked { (Dir::ToServer, Probe::Client) } else { (Dir::ToClient, Probe::Server) };
    let (mut rest, mut frames, mut strong) = (bytes, 0, false);
    while frames < 8 {
        match frame::look(rest, dir) {
            Look::No => return Probe::No,
            Look::More(_) => break,
            Look::Weak(total) | Look::Strong(total) => {
                strong |= matches!(frame::look(rest, dir), Look::Strong(_));
                frames += 1;
                let Some(next) = usize::try_from(total).ok().and_then(|n| rest.get(n..)) else { break };
                rest = next;
            }
        }
    }
    if frames >= 2 && strong { answer } else { Probe::Unsure }
}
