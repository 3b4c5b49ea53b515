//! Files over FTP (RFC 959, RFC 2428): the control connection announces data connections, each of which is one file.

use super::Follow;
use super::expected::Transfer;
use super::object::{About, Object};
use crate::dissect::{Cx, Dir};

/// Bytes kept of a line whose end has not come.
const LINE: usize = 1_024;

/// A control connection.
#[derive(Debug, Default)]
pub struct Control {
    partial: [Vec<u8>; 2],
    /// Where the next transfer's connection will be.
    next: Option<([u8; 16], u16)>,
    /// What was asked for before it was known where.
    wanted: Option<Transfer>,
    directory: String,
}

impl Follow for Control {
    fn bytes(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        let mut partial = std::mem::take(&mut self.partial[dir.index()]);
        for &byte in bytes {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(partial.trim_ascii()).into_owned();
                match dir {
                    Dir::ToServer => self.command(cx, &line),
                    Dir::ToClient => self.reply(cx, &line),
                }
                partial.clear();
            } else if partial.len() < LINE {
                partial.push(byte);
            }
        }
        self.partial[dir.index()] = partial;
    }

    fn gap(&mut self, _cx: &mut Cx<'_>, dir: Dir, _missing: u64) {
        self.partial[dir.index()].clear();
    }

    fn end(&mut self, _cx: &mut Cx<'_>) {}
}

impl Control {
    fn command(&mut self, cx: &mut Cx<'_>, line: &str) {
        let (verb, value) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "PORT" => return self.announce(cx, six(value)),
            "EPRT" => {
                let port = value.rsplit('|').nth(1).and_then(|p| p.parse().ok());
                return self.announce(cx, port.map(|port| (cx.ends.client, port)));
            }
            "CWD" => {
                self.directory = join(&self.directory, value);
                return;
            }
            "RETR" | "STOR" | "APPE" | "STOU" => {}
            _ => return,
        }
        let transfer = Transfer { path: join(&self.directory, value), file: true };
        match self.next {
            Some(at) => cx.expected.announce(at, transfer),
            None => self.wanted = Some(transfer),
        }
    }

    fn reply(&mut self, cx: &mut Cx<'_>, line: &str) {
        let inside = || line.split_once('(').and_then(|(_, rest)| rest.split(')').next());
        if line.starts_with("227") {
            let digits = inside().or_else(|| line.rsplit(' ').next());
            self.announce(cx, digits.and_then(six));
        } else if line.starts_with("229") {
            let port = inside().and_then(|i| i.rsplit('|').nth(1)).and_then(|p| p.parse().ok());
            self.announce(cx, port.map(|port| (cx.ends.server, port)));
        } else if line.starts_with("226") || line.starts_with("426") || line.starts_with("550") {
            (self.next, self.wanted) = (None, None);
        }
    }

    fn announce(&mut self, cx: &mut Cx<'_>, at: Option<([u8; 16], u16)>) {
        if let Some(at) = at {
            cx.expected.announce(at, self.wanted.take().unwrap_or_default());
            self.next = Some(at);
        }
    }
}

/// `h1,h2,h3,h4,p1,p2`.
fn six(value: &str) -> Option<([u8; 16], u16)> {
    let numbers: Vec<u8> = value.trim().split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
    let &[a, b, c, d, high, low] = numbers.as_slice() else { return None };
    let mut ip = [0; 16];
    ip[10..].copy_from_slice(&[0xFF, 0xFF, a, b, c, d]);
    Some((ip, u16::from_be_bytes([high, low])))
}

fn join(directory: &str, name: &str) -> String {
    let plain = name.trim().replace('\\', "/");
    if plain.starts_with('/') || directory.is_empty() {
        plain
    } else {
        format!("{}/{plain}", directory.trim_end_matches('/'))
    }
}

/// A data connection: its bytes are one file.
#[derive(Debug)]
pub struct Data {
    transfer: Transfer,
    object: Option<Object>,
}

impl Data {
    /// A connection that was announced.
    #[must_use]
    pub fn new(transfer: Transfer) -> Self {
        Self { transfer, object: None }
    }

    /// The flow's own client may be the FTP server (active mode): the bytes tell which way the file goes.
    fn object(&mut self, cx: &Cx<'_>, dir: Dir) -> Option<&mut Object> {
        if !self.transfer.file {
            return None;
        }
        let (path, upload) = (&self.transfer.path, dir == Dir::ToServer);
        let about = || About { path: path.clone(), name: String::new(), carrier: "ftp", upload };
        Some(self.object.get_or_insert_with(|| Object::new(cx, about())))
    }
}

impl Follow for Data {
    fn bytes(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) {
        if let Some(object) = self.object(cx, dir) {
            object.bytes(bytes);
        }
    }

    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        if let Some(object) = self.object(cx, dir) {
            object.lose(missing.max(1));
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(object) = self.object.take() {
            object.finish(cx);
        }
    }
}
