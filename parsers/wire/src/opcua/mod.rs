//! OPC UA over UA-TCP (Part 6): messages, chunks, secure channels, and the services inside.
//!
//! [`Opcua`] finds the messages in the stream; `secure` takes those of a secure channel apart; `bodies` reads
//! the services; `emit` writes the rows, `tags` the values that changed.

mod bodies;
pub mod calls;
pub mod channels;
pub mod chunks;
pub mod codes;
mod emit;
pub mod header;
pub mod items;
pub mod monitored;
pub mod nodes;
mod passing;
pub mod read;
pub mod rows;
mod secure;
pub mod services;
mod status;
mod tags;
mod templates;
pub mod text;
mod transfers;
pub mod variant;

pub use header::probe;

use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Nanos, Step};
use emit::Plain;
use header::{HEADER, Header, Type};
use read::{Malformed, Read, Reader};

/// Whether the place in a direction's stream is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Sync {
    /// Nothing was seen yet.
    #[default]
    New,
    /// A message starts here.
    Found,
    /// Searching the next message; so many bytes were stepped over.
    Lost(u64),
}

/// Whether a message starts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
    /// It takes that many bytes to tell.
    Need(usize),
}

/// One direction of the stream.
#[derive(Debug, Default)]
struct Side {
    sync: Sync,
    /// Bytes of a message, cut by a hole, that are still to come.
    skip: u64,
    /// Size of the message that waits for more bytes; 0: none.
    waits: u64,
}

/// The dissector of one flow.
#[derive(Debug, Default)]
pub struct Opcua {
    sides: [Side; 2],
    channels: channels::Channels,
    chunks: chunks::Chunks,
    calls: calls::Calls,
    monitored: monitored::Monitored,
    tags: tags::Tags,
    templates: templates::Templates,
    transfers: transfers::Transfers,
    passing: passing::Passing,
    scratch: emit::Scratch,
    info: String,
    /// Larger buffer of the client's Hello.
    hello_buffer: u32,
    /// Largest buffer that HEL and ACK agreed on; 0: not seen.
    buffer: u64,
    /// Whether every byte from the client was seen so far: a response then has its request.
    whole: bool,
}

impl Opcua {
    /// A dissector for a new flow.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn side(&mut self, dir: Dir) -> &mut Side {
        let [to_server, to_client] = &mut self.sides;
        if dir == Dir::ToServer { to_server } else { to_client }
    }

    /// Whether a message starts with this header: its size fits its type, the agreed buffers and the limit.
    /// While the place in the stream is not certain its channel must be known, or another message must
    /// follow, or the bytes must end where it ends (a channel may have been opened in the hole).
    fn judge(&self, cx: &Cx<'_>, header: &Header, bytes: &[u8], certain: bool) -> Verdict {
        let size = header.size as u64;
        if self.buffer > 0 && size > self.buffer {
            return Verdict::No;
        }
        if certain {
            return Verdict::Yes;
        }
        if header.size < header.kind.least() || size > cx.limits.message_bytes {
            return Verdict::No;
        }
        if !header.kind.secure() {
            return Verdict::Yes;
        }
        let Some(&field) = bytes.get(HEADER..).and_then(<[u8]>::first_chunk::<8>) else {
            return Verdict::Need(HEADER + 8);
        };
        let [a, b, c, d, length @ ..] = field;
        if header.kind == Type::Opn {
            // SecurityPolicyUri has 255 bytes at most (§6.7.2.3).
            return if u32::from_le_bytes(length) < 256 { Verdict::Yes } else { Verdict::No };
        }
        if self.channels.is_empty() || self.channels.get(u32::from_le_bytes([a, b, c, d])).is_some() {
            return Verdict::Yes;
        }
        match bytes.get(header.size..) {
            None => Verdict::Need(header.size),
            Some(next) if next.is_empty() || Header::read(next).is_some() || Header::begins(next) => Verdict::Yes,
            Some(_) => Verdict::No,
        }
    }

    /// Steps over what is no message, up to the next byte where one may start.
    fn search(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let found = (1..bytes.len()).find(|&at| {
            let rest = bytes.get(at..).unwrap_or_default();
            matches!(rest.first(), Some(b'M' | b'O' | b'C' | b'H' | b'A' | b'E' | b'R'))
                && match Header::read(rest) {
                    Some(header) => self.judge(cx, &header, rest, false) != Verdict::No,
                    None => rest.len() < HEADER && Header::begins(rest),
                }
        });
        let new = self.sides.iter().all(|s| s.sync == Sync::New);
        if new && found.is_none_or(|at| bytes.len() - at < HEADER) {
            return Step::NotMine;
        }
        let took = found.unwrap_or(bytes.len());
        let side = self.side(dir);
        let before = match side.sync {
            Sync::Lost(n) => n,
            _ => 0,
        };
        let was_found = side.sync == Sync::Found;
        side.sync = Sync::Lost(before + took as u64);
        if was_found {
            cx.anomaly("opcua", Kind::Malformed, "no message starts where the one before ended");
            self.lose(dir);
        }
        Step::Took(took)
    }

    fn lose(&mut self, dir: Dir) {
        self.chunks.lose(dir.index());
        if dir == Dir::ToServer {
            self.whole = false;
        }
    }

    /// One whole message.
    fn message(&mut self, cx: &mut Cx<'_>, dir: Dir, header: &Header, bytes: &[u8]) {
        self.info.clear();
        let done = match header.kind {
            Type::Hel => self.hello(cx, bytes),
            Type::Ack => self.acknowledge(cx, bytes),
            Type::Err => self.error(cx, bytes),
            Type::Rhe => self.reverse_hello(cx, bytes),
            Type::Opn => self.open(cx, dir, bytes),
            Type::Clo | Type::Msg => self.symmetric(cx, dir, header, bytes),
        };
        if let Err(wrong) = done {
            malformed(cx, header.kind.name(), wrong);
        }
    }

    /// `version u32 | receive buffer u32 | send buffer u32 | max message u32 | max chunks u32 | endpoint URL`
    fn hello(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) -> Read<()> {
        let mut r = Reader::new(bytes, 1);
        r.take(HEADER + 4, "header")?;
        self.buffer = 0;
        let buffers = r.u32()?.max(r.u32()?);
        r.take(8, "limits")?;
        let url = r.string("endpoint url")?;
        self.whole = true;
        text::Out::new(&mut self.info, cx.limits.text_bytes).utf8(url);
        self.hello_buffer = buffers;
        let bytes = bytes.len() as u64;
        let plain = Plain { operation: "Hello", info: &self.info, from_client: true, bytes, ..Plain::default() };
        emit::plain(cx, Type::Hel, &plain, None);
        Ok(())
    }

    /// `version u32 | receive buffer u32 | send buffer u32 | max message u32 | max chunks u32`
    fn acknowledge(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) -> Read<()> {
        let mut r = Reader::new(bytes, 1);
        r.take(HEADER + 4, "header")?;
        let buffers = r.u32()?.max(r.u32()?);
        r.take(8, "limits")?;
        // Every buffer has 8192 bytes at least (§7.1.2.3); smaller figures are no bound to go by.
        let agreed = buffers.max(self.hello_buffer);
        self.buffer = if self.hello_buffer >= 8_192 && buffers >= 8_192 { u64::from(agreed) } else { 0 };
        emit::plain(cx, Type::Ack, &Plain::default(), None);
        Ok(())
    }

    /// `error u32 | reason String`
    fn error(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) -> Read<()> {
        let mut r = Reader::new(bytes, 1);
        r.take(HEADER, "header")?;
        let status = Some(r.u32()?);
        text::Out::new(&mut self.info, cx.limits.text_bytes).utf8(r.string("reason")?);
        let bytes = bytes.len() as u64;
        let plain = Plain { operation: "Error", status, info: &self.info, bytes, ..Plain::default() };
        emit::plain(cx, Type::Err, &plain, None);
        Ok(())
    }

    /// `server URI String | endpoint URL String`
    fn reverse_hello(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) -> Read<()> {
        let mut r = Reader::new(bytes, 1);
        r.take(HEADER, "header")?;
        let mut out = text::Out::new(&mut self.info, cx.limits.text_bytes);
        out.utf8(r.string("server uri")?);
        out.str(" ");
        out.utf8(r.string("endpoint url")?);
        let bytes = bytes.len() as u64;
        let plain = Plain { operation: "ReverseHello", info: self.info.trim(), bytes, ..Plain::default() };
        emit::plain(cx, Type::Rhe, &plain, None);
        Ok(())
    }

    /// Writes a call that is over and takes its buffers back.
    fn finish(&mut self, cx: &mut Cx<'_>, mut call: Box<calls::Call>) {
        if call.items.beyond > 0 {
            let detail = format!("{} items beyond the {} that are kept", call.items.beyond, cx.limits.items);
            cx.anomaly("opcua", Kind::TooManyItems, &detail);
        }
        emit::call(cx, &mut self.scratch, &call, self.channels.get(call.channel));
        emit::facts(cx, &mut self.scratch, &call.facts);
        let learnt = self.tags.observe(cx, &mut call);
        if let (true, Some(place)) = (learnt, call.template) {
            self.templates.hint(place, &call.items);
        }
        self.calls.recycle(call);
    }
}

fn malformed(cx: &mut Cx<'_>, what: &str, wrong: Malformed) {
    let detail = format!("{what}: {} at {}: {}", wrong.field, wrong.at, wrong.reason.text());
    cx.anomaly("opcua", Kind::Malformed, &detail);
}

impl Dissector for Opcua {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        let side = self.side(dir);
        side.waits = 0;
        if side.skip > 0 {
            let took = side.skip.min(bytes.len() as u64);
            side.skip -= took;
            return Step::Took(usize::try_from(took).unwrap_or(bytes.len()));
        }
        let sync = side.sync;
        let certain = sync == Sync::Found || self.sides.iter().all(|s| s.sync == Sync::New);
        let Some(header) = Header::read(bytes) else {
            if bytes.len() < HEADER && Header::begins(bytes) {
                return Step::Need(HEADER);
            }
            return self.search(cx, dir, bytes);
        };
        match self.judge(cx, &header, bytes, certain) {
            Verdict::Yes => {}
            Verdict::Need(n) => return Step::Need(n),
            Verdict::No => return self.search(cx, dir, bytes),
        }
        if header.size as u64 > cx.limits.message_bytes {
            let detail = format!("a {} message of {} bytes", header.kind.name(), header.size);
            cx.anomaly("opcua", Kind::MessageTooLong, &detail);
            self.side(dir).sync = Sync::Lost(0);
            self.lose(dir);
            return self.search(cx, dir, bytes);
        }
        let Some(message) = bytes.get(..header.size) else {
            self.side(dir).waits = header.size as u64;
            return Step::Need(header.size);
        };
        if let Sync::Lost(skipped) = sync {
            let detail = format!("{skipped} bytes stepped over");
            cx.anomaly("opcua", Kind::Resynchronised, &detail);
        }
        self.side(dir).sync = Sync::Found;
        self.message(cx, dir, &header, message);
        Step::Took(header.size)
    }

    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        self.passing.lose(cx, dir.index(), None);
        let side = self.side(dir);
        let waits = std::mem::take(&mut side.waits);
        // A hole inside a message of known size: its end is the next start. It is held for certain only
        // when a plausible header stands there.
        side.skip = match side.skip {
            0 if missing > 0 => waits.saturating_sub(missing),
            skip => skip.saturating_sub(missing),
        };
        side.sync = Sync::Lost(0);
        self.lose(dir);
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        let wait = i64::try_from(cx.limits.response_seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        let mut cursor = None;
        // A Publish request waits at the server until there is something to say (Part 4 §5.14.5).
        let late = |call: &calls::Call| call.request_type != services::Publish && now.saturating_sub(call.ts) > wait;
        while let Some(call) = self.calls.take_next(&mut cursor, late) {
            self.finish(cx, call);
        }
        self.transfers.tick(cx, now);
        self.passing.tick(cx, now);
    }

    fn waits(&self) -> bool {
        !self.calls.is_empty() || self.transfers.waits() || self.passing.waits()
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        while let Some(call) = self.calls.take_oldest() {
            self.finish(cx, call);
        }
        self.transfers.end(cx);
        self.passing.end(cx);
    }

    fn protocol(&self) -> &'static str {
        "opcua"
    }

    fn encrypted(&self) -> bool {
        self.channels.encrypted()
    }
}
