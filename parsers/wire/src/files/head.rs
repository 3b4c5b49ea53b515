//! Heads of HTTP/1.x messages (RFC 9112) as far as their bodies need them.

use memchr::{memchr, memmem};

use super::multipart::file_name;
use crate::dissect::Dir;

/// Longest method.
const METHOD: usize = 16;

/// What a head says of its body.
#[derive(Debug, Default)]
pub struct Head {
    pub status: u16,
    pub method: Vec<u8>,
    pub target: Vec<u8>,
    pub host: Vec<u8>,
    pub length: Option<u64>,
    pub chunked: bool,
    pub coding: Vec<u8>,
    pub kind: Vec<u8>,
    pub name: String,
    pub range: Option<(u64, Option<u64>)>,
}

impl Head {
    /// The next line.
    pub fn line(&mut self, dir: Dir, line: &[u8]) {
        if self.method.is_empty() && self.status == 0 {
            let mut words = line.split(|&b| b == b' ');
            let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if dir == Dir::ToServer {
                (self.method, self.target) = (first.to_vec(), second.to_vec());
            } else {
                self.status = number(second).and_then(|n| u16::try_from(n).ok()).unwrap_or(1);
            }
            return;
        }
        let Some(colon) = memchr(b':', line) else { return };
        let (name, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        let value = value.trim_ascii();
        match name.to_ascii_lowercase().as_slice() {
            b"host" => self.host = value.to_vec(),
            b"content-length" => self.length = number(value),
            b"transfer-encoding" => self.chunked = value.to_ascii_lowercase().ends_with(b"chunked"),
            b"content-encoding" => self.coding = value.to_vec(),
            b"content-type" => self.kind = value.to_vec(),
            b"content-disposition" => self.name = file_name(value).unwrap_or_default(),
            b"content-range" => self.range = range(value),
            _ => {}
        }
    }

    /// Host, and path without the query, in which tokens travel. A proxy is asked for the whole URL, which may hold a
    /// password before the host; a tunnel has no path.
    pub fn place(&self) -> (String, String) {
        let target = self.target.split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default();
        let scheme = memmem::find(target, b"://").filter(|_| !target.starts_with(b"/"));
        let (host, path) = match scheme {
            Some(at) => {
                let rest = target.get(at + 3..).unwrap_or_default();
                let (authority, path) = rest.split_at(memchr(b'/', rest).unwrap_or(rest.len()));
                (authority.rsplit(|&b| b == b'@').next().unwrap_or_default(), path)
            }
            None if target.starts_with(b"/") => (&self.host[..], target),
            None => (target, &[][..]),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect();
        (text(host), text(path))
    }

    /// The method, where it is one.
    pub fn method(&self) -> &str {
        let sane = self.method.len() <= METHOD && self.method.iter().all(u8::is_ascii_uppercase);
        std::str::from_utf8(&self.method).ok().filter(|_| sane).unwrap_or_default()
    }
}

/// `bytes 0-1023/146515`, the length perhaps `*`.
fn range(value: &[u8]) -> Option<(u64, Option<u64>)> {
    let rest = value.strip_prefix(b"bytes ")?;
    let dash = memchr(b'-', rest)?;
    let slash = memchr(b'/', rest)?;
    Some((number(rest.get(..dash)?)?, number(rest.get(slash + 1..)?)))
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

/// Whether a message's head starts here.
pub fn starts(dir: Dir, bytes: &[u8]) -> bool {
    const METHODS: &[&[u8]] = &[b"GET ", b"PUT ", b"POST ", b"HEAD ", b"PATCH ", b"DELETE ", b"OPTIONS ", b"PROPFIND "];
    match dir {
        Dir::ToServer => METHODS.iter().any(|m| bytes.starts_with(m)),
        Dir::ToClient => bytes.starts_with(b"HTTP/1."),
    }
}
