//! Files in HTTP/1.x (RFC 9112): bodies of uploads and responses, in pieces, chunked, coded, in ranges, in forms.

use std::collections::VecDeque;

use memchr::memchr;

use super::Follow;
use super::content::Content;
use super::head::{Head, starts};
use super::multipart::Multipart;
use super::object::{About, Object};
use super::told::Told;
use crate::dissect::{Cx, Dir};

/// Longest line of a head.
const LINE: usize = 8_192;
/// Bytes of a head.
const HEAD: usize = 65_536;
/// Requests that wait for their response.
const ASKED: usize = 256;

/// A request that waits for its response.
#[derive(Debug, Default)]
struct Ask {
    /// Host and path.
    path: String,
    /// Path alone.
    target: String,
    head: bool,
    connect: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Start,
    Head,
    Body(u64),
    UntilEnd,
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailer,
    Lost,
}

#[derive(Debug)]
enum Body {
    File { object: Box<Object>, content: Content, total: Option<u64> },
    Form(Multipart),
}

#[derive(Debug, Default)]
struct Side {
    state: State,
    line: Vec<u8>,
    read: usize,
    head: Head,
    body: Option<Body>,
    /// Its content, where it may be values.
    told: Option<Told>,
    /// An object whose further ranges may come, with its length.
    parts: Option<(Box<Object>, Option<u64>)>,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Http {
    sides: [Side; 2],
    asked: VecDeque<Ask>,
    over: bool,
}

impl Follow for Http {
    fn bytes(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.over {
            rest = self.step(cx, dir, rest);
        }
    }

    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        let side = &mut self.sides[dir.index()];
        side.told = None;
        match (&mut side.state, &mut side.body) {
            (State::Body(left) | State::Chunk(left), Some(body)) if missing > 0 && missing <= *left => {
                *left -= missing;
                body.lose(missing);
                if *left == 0 {
                    side.state = if side.head.chunked { State::ChunkEnd } else { State::Start };
                    self.finish(cx, dir, false);
                }
            }
            (State::UntilEnd, Some(body)) if missing > 0 => body.lose(missing),
            _ => {
                side.state = State::Lost;
                side.line.clear();
                self.finish(cx, dir, true);
                // Which request the next response answers is not known any more.
                self.asked.clear();
            }
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for dir in [Dir::ToServer, Dir::ToClient] {
            let early = self.sides[dir.index()].state != State::UntilEnd;
            self.finish(cx, dir, early);
            if let Some((mut object, _)) = self.sides[dir.index()].parts.take() {
                object.cut();
                write(object, cx);
            }
        }
    }
}

impl Http {
    /// Takes some of the bytes; gives the rest.
    fn step<'a>(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &'a [u8]) -> &'a [u8] {
        let side = &mut self.sides[dir.index()];
        match side.state {
            State::Lost => {
                if !starts(dir, bytes) {
                    return &[];
                }
                side.state = State::Start;
                bytes
            }
            State::Start => {
                if let [b'\r' | b'\n', rest @ ..] = bytes {
                    return rest;
                }
                side.head = Head::default();
                (side.read, side.state) = (0, State::Head);
                bytes
            }
            State::Head | State::ChunkSize | State::ChunkEnd | State::Trailer => self.lines(cx, dir, bytes),
            State::Body(left) | State::Chunk(left) => {
                let n = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let (mine, rest) = bytes.split_at(n);
                let left = left - n as u64;
                side.state = if side.head.chunked { State::Chunk(left) } else { State::Body(left) };
                side.take(cx, mine);
                if left == 0 {
                    side.state = if side.head.chunked { State::ChunkEnd } else { State::Start };
                    if !side.head.chunked {
                        self.finish(cx, dir, false);
                    }
                }
                rest
            }
            State::UntilEnd => {
                side.take(cx, bytes);
                &[]
            }
        }
    }

    /// One line, where it is whole.
    fn lines<'a>(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &'a [u8]) -> &'a [u8] {
        let side = &mut self.sides[dir.index()];
        let end = memchr(b'\n', bytes);
        let (mine, rest) = bytes.split_at(end.map_or(bytes.len(), |at| at + 1));
        side.read += mine.len();
        if side.line.len() + mine.len() > LINE || side.read > HEAD {
            side.state = State::Lost;
            side.line.clear();
            self.finish(cx, dir, true);
            return &[];
        }
        side.line.extend_from_slice(mine);
        if end.is_none() {
            return rest;
        }
        let whole = std::mem::take(&mut side.line);
        let line = whole.trim_ascii_end();
        match side.state {
            State::Head if line.is_empty() => self.head_ends(cx, dir),
            State::Head => side.head.line(dir, line),
            State::ChunkEnd => (side.state, side.read) = (State::ChunkSize, 0),
            State::ChunkSize => {
                let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
                let size = std::str::from_utf8(digits).ok().and_then(|d| u64::from_str_radix(d, 16).ok());
                side.state = match size {
                    Some(0) => State::Trailer,
                    Some(n) => State::Chunk(n),
                    None => State::Lost,
                };
                if size.is_none() {
                    self.finish(cx, dir, true);
                }
            }
            State::Trailer if line.is_empty() => {
                side.state = State::Start;
                self.finish(cx, dir, false);
            }
            _ => {}
        }
        rest
    }

    fn head_ends(&mut self, cx: &mut Cx<'_>, dir: Dir) {
        let side = &mut self.sides[dir.index()];
        let head = &side.head;
        let (path, told, bodiless) = if dir == Dir::ToServer {
            let (host, target) = head.place();
            let (path, told) = (host + &target, Told::of(&head.kind, head.method(), &target));
            let (head_only, connect) = (head.method == b"HEAD", head.method == b"CONNECT");
            let ask = Ask { path: path.clone(), target, head: head_only, connect };
            if self.asked.len() >= ASKED {
                self.asked.pop_front();
            }
            self.asked.push_back(ask);
            (path, told, head.length.is_none() && !head.chunked)
        } else {
            if (100..200).contains(&head.status) && head.status != 101 {
                side.state = State::Start;
                return;
            }
            let ask = self.asked.pop_front().unwrap_or_default();
            if head.status == 101 || (ask.connect && head.status / 100 == 2) {
                self.over = true;
                return;
            }
            let answers = head.status / 100 == 2 && head.status != 206;
            let told = if answers { Told::of(&head.kind, "", &ask.target) } else { None };
            (ask.path, told, ask.head || matches!(head.status, 204 | 304))
        };
        if bodiless || head.length == Some(0) {
            side.state = State::Start;
            return;
        }
        side.state = match (head.chunked, head.length) {
            (true, _) => State::ChunkSize,
            (false, Some(length)) => State::Body(length),
            (false, None) => State::UntilEnd,
        };
        side.read = 0;
        let about = About { path, name: head.name.clone(), carrier: "http", upload: dir == Dir::ToServer };
        let form = if dir == Dir::ToServer { Multipart::of(&head.kind, about.clone()) } else { None };
        // What a form posts in its fields is not a file, and may be a password.
        let fields = head.kind.get(..33).is_some_and(|k| k.eq_ignore_ascii_case(b"application/x-www-form-urlencoded"));
        side.body = match form {
            _ if fields => None,
            Some(form) => Some(Body::Form(form)),
            None => {
                let content = Content::of(&head.coding);
                side.told = told.filter(|_| !matches!(content, Content::Other));
                let (object, total) = side.object(cx, about);
                Some(Body::File { object, content, total })
            }
        };
    }

    /// The body is over; `early`: before its end.
    fn finish(&mut self, cx: &mut Cx<'_>, dir: Dir, early: bool) {
        let side = &mut self.sides[dir.index()];
        let told = side.told.take().filter(|_| !early);
        match side.body.take() {
            Some(Body::File { mut object, total, .. }) => {
                if let Some(told) = told.filter(|_| object.format().model.is_empty()) {
                    told.read(cx);
                }
                if !early && total.is_some_and(|total| object.at() < total) {
                    side.parts = Some((object, total));
                    return;
                }
                if early {
                    object.cut();
                }
                write(object, cx);
            }
            Some(Body::Form(form)) => form.end(cx),
            None => {}
        }
    }
}

/// Small bodies that are no model are answers of programs, not files.
fn write(object: Box<Object>, cx: &mut Cx<'_>) {
    if object.size() >= cx.limits.file_bytes || !object.format().model.is_empty() || !object.about.name.is_empty() {
        object.finish(cx);
    }
}

impl Side {
    /// The object that this body is, or goes on with; and its length where only a range comes.
    fn object(&mut self, cx: &mut Cx<'_>, about: About) -> (Box<Object>, Option<u64>) {
        let range = self.head.range.filter(|_| self.head.status == 206);
        let before = self.parts.take();
        let Some((from, total)) = range else {
            if let Some((mut object, _)) = before {
                object.cut();
                write(object, cx);
            }
            return (Box::new(Object::new(cx, about)), None);
        };
        match before {
            Some((object, _)) if object.at() == from && object.about.path == about.path => (object, total),
            before => {
                if let Some((mut object, _)) = before {
                    object.cut();
                    write(object, cx);
                }
                let mut object = Box::new(Object::new(cx, about));
                object.lose(from);
                (object, total)
            }
        }
    }

    fn take(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) {
        let Self { body, told, .. } = self;
        match body {
            Some(Body::File { object, content, .. }) => {
                let readable = content.read(bytes, |plain| {
                    object.bytes(plain);
                    if told.as_mut().is_some_and(|told| !told.bytes(cx, plain)) {
                        *told = None;
                    }
                });
                if !readable {
                    object.cut();
                    *told = None;
                    *content = Content::Over;
                }
            }
            Some(Body::Form(form)) => form.bytes(cx, bytes),
            None => {}
        }
    }
}

impl Body {
    fn lose(&mut self, missing: u64) {
        match self {
            Self::File { object, .. } => object.lose(missing),
            Self::Form(form) => form.lose(missing),
        }
    }
}
