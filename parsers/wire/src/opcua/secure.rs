//! Messages of a secure channel (Part 6 §6.7): security header, sequence header, body, signature.

use super::calls::Call;
use super::channels::Channel;
use super::chunks::Added;
use super::codes::{Mode, policy_name};
use super::emit::{self, Plain};
use super::header::{Chunk, HEADER, Header, Type};
use super::nodes::node_id;
use super::read::{Read, Reader};
use super::services::{self, Service, Side, lookup};
use super::transfers::{Act, Blob};
use super::{Opcua, bodies, malformed, text};
use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Frame};

/// Where a body comes from.
#[derive(Debug, Clone, Copy)]
struct Origin {
    kind: Type,
    dir: Dir,
    channel: u32,
    request_id: u32,
    /// Bytes of all chunks with their headers.
    bytes: u64,
}

impl Opcua {
    /// ```text
    /// header 8 | channel u32 | policy URI String | sender certificate | receiver thumbprint    (asymmetric)
    /// | sequence number u32 | request id u32 | body                  encrypted unless the policy is None
    /// ```
    pub(super) fn open(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Read<()> {
        let mut r = Reader::new(bytes, cx.limits.nesting);
        r.take(HEADER, "header")?;
        let channel = r.u32()?;
        let uri = r.string("security policy")?;
        r.string("sender certificate")?;
        r.string("receiver thumbprint")?;
        let name = policy_name(uri);
        let limit = cx.limits.text_bytes;
        self.channels.with(channel, cx.limits.channels, |c| c.learn(name, limit));
        let size = bytes.len() as u64;
        let mut origin = Origin { kind: Type::Opn, dir, channel, request_id: 0, bytes: size };
        let sealed = r.rest();
        // What can be read is read, whatever policy it claims; some senders leave the policy out.
        if name != b"None" && !known_type(sealed.get(8..).unwrap_or_default()) {
            self.open_secured(cx, &origin);
            return Ok(());
        }
        r.u32()?;
        origin.request_id = r.u32()?;
        let body = r.take(r.left(), "body")?;
        self.body(cx, &origin, body, true);
        Ok(())
    }

    /// A secured OPN hides request id and body: request and response are joined by their order.
    fn open_secured(&mut self, cx: &mut Cx<'_>, origin: &Origin) {
        let service = lookup(services::OpenSecureChannel).and_then(|side| match side {
            Side::Request(service) => Some(service),
            _ => None,
        });
        if origin.dir == Dir::ToServer {
            let call = self.begin(cx, origin, service, 0);
            self.wait(cx, call);
        } else {
            let call = self.answered(cx, origin, service, 0);
            self.finish(cx, call);
        }
    }

    /// ```text
    /// header 8 | channel u32 | token u32 | sequence number u32 | request id u32 | body | signature
    ///                                      encrypted with mode SignAndEncrypt
    /// ```
    pub(super) fn symmetric(&mut self, cx: &mut Cx<'_>, dir: Dir, header: &Header, bytes: &[u8]) -> Read<()> {
        let mut r = Reader::new(bytes, cx.limits.nesting);
        r.take(HEADER, "header")?;
        let (channel, _token) = (r.u32()?, r.u32()?);
        let sealed = r.clone();
        let (_sequence, request_id) = match (r.u32(), r.u32()) {
            (Ok(sequence), Ok(request_id)) => (sequence, request_id),
            _ => return Err(sealed.wrong("sequence header", super::read::Reason::Short)),
        };
        let body = r.take(r.left(), "body")?;
        // Neither a type id nor a block of a cipher is that short.
        if body.len() < 2 && header.chunk == Chunk::Final && self.chunks.is_empty() {
            return Err(r.wrong("type id", super::read::Reason::Short));
        }
        let origin = Origin { kind: header.kind, dir, channel, request_id, bytes: bytes.len() as u64 };
        let key = (dir.index(), channel, request_id);
        let continues = !self.chunks.is_empty() && self.chunks.knows(key);
        if !continues && !self.readable(cx, &origin, header.chunk, body) {
            if header.chunk == Chunk::Final {
                self.encrypted_message(cx, &origin);
            }
            return Ok(());
        }
        match header.chunk {
            Chunk::Final if !continues => {
                let body = body.get(..body.len() - self.signature(channel).min(body.len())).unwrap_or_default();
                self.body(cx, &origin, body, true);
            }
            Chunk::Abort => return self.abort(cx, &origin, body),
            flag => self.chunk(cx, &origin, key, body, flag == Chunk::Final),
        }
        Ok(())
    }

    /// Whether the body of a first chunk can be read, and with it how the channel is protected. An encrypted
    /// body passes for the type id of a known service once in twenty million messages; the next one mends it.
    fn readable(&mut self, cx: &Cx<'_>, origin: &Origin, chunk: Chunk, body: &[u8]) -> bool {
        let plain = body.starts_with(&[1, 0]).then(|| known_type(body));
        self.channels.with(origin.channel, cx.limits.channels, |channel| match (channel.mode, plain) {
            (Mode::None, _) => true,
            (Mode::Sign, Some(_)) => true,
            // An abort's body is an error code: it says nothing of the mode.
            (mode, _) if chunk == Chunk::Abort => mode == Mode::Sign,
            (_, Some(true)) => {
                channel.see(true);
                true
            }
            _ => {
                channel.see(false);
                channel.mode != Mode::SignAndEncrypt
            }
        })
    }

    fn encrypted_message(&mut self, cx: &mut Cx<'_>, origin: &Origin) {
        let closing = origin.kind == Type::Clo;
        let plain = Plain {
            operation: if closing { "CloseSecureChannel" } else { "encrypted" },
            channel: origin.channel,
            from_client: origin.dir == Dir::ToServer,
            bytes: origin.bytes,
            ..Plain::default()
        };
        emit::plain(cx, origin.kind, &plain, self.channels.get(origin.channel));
    }

    /// Bytes at the end of each chunk that are its signature, as far as that is known.
    fn signature(&self, channel: u32) -> usize {
        self.channels.get(channel).map_or(0, Channel::stripped)
    }

    /// One chunk of a message that has several. Each is signed for itself.
    fn chunk(&mut self, cx: &mut Cx<'_>, origin: &Origin, key: super::chunks::Key, body: &[u8], last: bool) {
        let signature = self.signature(origin.channel);
        let body = body.get(..body.len().saturating_sub(signature)).unwrap_or_default();
        match self.chunks.add(key, body, cx.limits) {
            Added::TooLong => {
                let detail = format!("request {} on channel {} in chunks", origin.request_id, origin.channel);
                cx.anomaly("opcua", Kind::MessageTooLong, &detail);
                let asked = self.calls.peek((false, origin.channel, origin.request_id));
                let node = asked.map_or("", |call| call.items.list.first().map_or("", |i| i.node.of(&call.items.text)));
                let start = [self.chunks.over(), body.to_vec()].concat();
                self.passing.begin(cx, key, &start, node);
            }
            Added::Dropped => self.passing.bytes(cx, key, body),
            Added::Displaced => cx.anomaly("opcua", Kind::ChunksFull, "the oldest unfinished message was dropped"),
            Added::Kept => {}
        }
        if !last {
            return;
        }
        self.passing.lose(cx, key.0, Some(key));
        if let Some((whole, complete)) = self.chunks.finish(key) {
            let origin = Origin { bytes: whole.len() as u64, ..*origin };
            self.body(cx, &origin, &whole, complete);
            self.chunks.recycle(whole);
        }
    }

    /// `error u32 | reason String` (§6.7.3): the message is given up; a request that waits has failed.
    fn abort(&mut self, cx: &mut Cx<'_>, origin: &Origin, body: &[u8]) -> Read<()> {
        let key = (origin.dir.index(), origin.channel, origin.request_id);
        self.passing.lose(cx, key.0, Some(key));
        if let Some((buffer, _)) = self.chunks.finish(key) {
            self.chunks.recycle(buffer);
        }
        let mut r = Reader::new(body, 1);
        let status = r.u32()?;
        text::Out::new(&mut self.info, cx.limits.text_bytes).utf8(r.string("reason")?);
        let detail =
            format!("request {} on channel {}: 0x{status:08x} {}", origin.request_id, origin.channel, self.info);
        cx.anomaly("opcua", Kind::ChunkAbort, &detail);
        if let Some(mut call) = self.calls.take((false, origin.channel, origin.request_id)) {
            call.status = Some(status);
            call.say("aborted", self.info.as_bytes(), cx.limits);
            self.finish(cx, call);
        }
        Ok(())
    }

    /// A whole body: type id, then the fields of request or response. `complete`: nothing of it is missing.
    fn body(&mut self, cx: &mut Cx<'_>, origin: &Origin, body: &[u8], complete: bool) {
        let mut r = Reader::new(body, cx.limits.nesting);
        let id = match node_id(&mut r) {
            Ok(node) => node.standard(),
            Err(wrong) => return malformed(cx, "type id", wrong),
        };
        match lookup(id) {
            Some(Side::Request(service)) => self.request(cx, origin, Some(service), id, &mut r, complete),
            Some(Side::Response(service)) => self.response(cx, origin, Some(service), id, &mut r, complete),
            None if origin.dir == Dir::ToServer => self.request(cx, origin, None, id, &mut r, false),
            Some(Side::Fault) => self.response(cx, origin, None, id, &mut r, complete),
            None => self.response(cx, origin, None, id, &mut r, false),
        }
    }

    fn request(
        &mut self,
        cx: &mut Cx<'_>,
        origin: &Origin,
        service: Option<&'static Service>,
        id: u32,
        r: &mut Reader<'_>,
        complete: bool,
    ) {
        let mut call = self.begin(cx, origin, service, id);
        if complete {
            let mut to = bodies::Into {
                call: &mut call,
                monitored: &mut self.monitored,
                templates: &mut self.templates,
                tags: &mut self.tags,
                limits: cx.limits,
            };
            let read = bodies::request(id, r, &mut to);
            self.conclude(cx, origin, service, read, r);
            if let Act::Write(handle, (start, length)) = call.act {
                self.transfers.data(cx, object_of(&call), handle, true, r.slice(start, length));
            }
            self.blobs(cx, &mut call, true, r);
        }
        if origin.kind == Type::Clo {
            self.finish(cx, call);
        } else {
            self.wait(cx, call);
        }
    }

    fn response(
        &mut self,
        cx: &mut Cx<'_>,
        origin: &Origin,
        service: Option<&'static Service>,
        id: u32,
        r: &mut Reader<'_>,
        complete: bool,
    ) {
        let mut call = self.answered(cx, origin, service, id);
        let other = match (call.service, service) {
            (Some(asked), Some(told)) if asked != told => Some((asked.name, told.name)),
            _ => None,
        };
        if let Some((asked, told)) = other {
            cx.anomaly("opcua", Kind::Malformed, &format!("{told} response to a {asked} request"));
        }
        let read = if !complete || other.is_some() {
            Ok(false)
        } else if id == services::FAULT {
            bodies::response_header(r).map(|status| {
                call.status = Some(status);
                call.items.list.iter_mut().for_each(|item| item.status = status);
                true
            })
        } else {
            let mut to = bodies::Into {
                call: &mut call,
                monitored: &mut self.monitored,
                templates: &mut self.templates,
                tags: &mut self.tags,
                limits: cx.limits,
            };
            bodies::response(service.map_or(0, |s| s.request), r, &mut to)
        };
        self.conclude(cx, origin, service, read, r);
        match (call.act, call.data) {
            (Act::Read(handle), Some((start, length))) => {
                self.transfers.data(cx, object_of(&call), handle, false, r.slice(start, length));
            }
            (Act::Close(handle), _) => self.transfers.close(cx, object_of(&call), handle),
            _ => {}
        }
        self.blobs(cx, &mut call, false, r);
        self.finish(cx, call);
    }

    /// Hands on the ByteStrings of a body.
    fn blobs(&mut self, cx: &mut Cx<'_>, call: &mut Call, upload: bool, r: &Reader<'_>) {
        for Blob { node, from, place: (start, length) } in call.blobs.drain(..) {
            self.transfers.value(cx, node.of(&call.items.text), from, upload, r.slice(start, length));
        }
    }

    /// Says what was wrong with a body, and what its end tells of the channel.
    fn conclude(
        &mut self,
        cx: &mut Cx<'_>,
        origin: &Origin,
        service: Option<&'static Service>,
        read: Read<bool>,
        r: &Reader<'_>,
    ) {
        let rest = r.left();
        match read {
            Err(wrong) => malformed(cx, service.map_or("body", |s| s.name), wrong),
            Ok(false) => {}
            Ok(true) => {
                let limit = cx.limits.channels;
                if !self.channels.with(origin.channel, limit, |channel| channel.see_rest(rest)) {
                    let detail = format!("{rest} bytes behind {}", service.map_or("the body", |s| s.name));
                    cx.anomaly("opcua", Kind::TrailingBytes, &detail);
                }
            }
        }
    }

    /// A call that this request begins.
    fn begin(&mut self, cx: &Cx<'_>, origin: &Origin, service: Option<&'static Service>, id: u32) -> Box<Call> {
        let mut call = self.calls.fresh();
        describe(&mut call, origin, service);
        call.request_type = id;
        call.request_frame = cx.frame;
        call.ts = cx.ts;
        call.bytes = origin.bytes;
        call
    }

    /// The call that this response ends: the one that waits for it, or a new one without a request.
    fn answered(&mut self, cx: &mut Cx<'_>, origin: &Origin, service: Option<&'static Service>, id: u32) -> Box<Call> {
        let mut call = if let Some(mut call) = self.calls.take(key(origin)) {
            // The response to the first OPN says the channel's id.
            call.channel = origin.channel;
            call
        } else {
            if self.whole {
                let detail = format!("request {} on channel {}", origin.request_id, origin.channel);
                cx.anomaly("opcua", Kind::UnsolicitedResponse, &detail);
            }
            let mut call = self.calls.fresh();
            describe(&mut call, origin, service);
            call.ts = cx.ts;
            call
        };
        if call.mode != Mode::Unknown && origin.kind == Type::Opn {
            let mode = call.mode;
            self.channels.with(origin.channel, cx.limits.channels, |c| c.mode = mode);
        }
        call.response_type = id;
        call.response_frame = cx.frame;
        call.bytes += origin.bytes;
        call
    }

    /// Lets a request wait; one with the same id, or the oldest of too many, is unanswered.
    fn wait(&mut self, cx: &mut Cx<'_>, call: Box<Call>) {
        if let Some(before) = self.calls.take(call.key) {
            self.finish(cx, before);
        }
        while self.calls.full(cx.limits) {
            let Some(oldest) = self.calls.take_oldest() else { break };
            cx.anomaly("opcua", Kind::PendingFull, "the oldest request is given up");
            self.finish(cx, oldest);
        }
        self.calls.keep(call);
    }
}

/// The object whose method is called: the item's node is `object/method`.
fn object_of(call: &Call) -> &str {
    let node = call.items.list.first().map_or("", |item| item.node.of(&call.items.text));
    node.rsplit_once('/').map_or(node, |(object, _)| object)
}

/// Whether a body starts with the type id of a service, in the four bytes that all stacks take for it.
fn known_type(body: &[u8]) -> bool {
    match body.first_chunk::<4>() {
        Some(&[1, 0, low, high]) => lookup(u32::from(u16::from_le_bytes([low, high]))).is_some(),
        _ => false,
    }
}

/// An OPN's channel is only told by its response; MSG are numbered within theirs.
fn key(origin: &Origin) -> super::calls::Key {
    let opening = origin.kind == Type::Opn;
    (opening, if opening { 0 } else { origin.channel }, origin.request_id)
}

fn describe(call: &mut Call, origin: &Origin, service: Option<&'static Service>) {
    call.kind = Some(origin.kind);
    call.key = key(origin);
    call.service = service;
    call.channel = origin.channel;
    call.request_id = origin.request_id;
    call.response_frame = Frame::NONE;
}
