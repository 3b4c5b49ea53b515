//! One object on its way: hashed as it passes; only its start and its end are kept, for its format.

use sha2::{Digest as _, Sha256};

use super::FileRow;
use super::format::{self, Format};
use super::pickle::Scan;
use super::zip;
use crate::dissect::{Cx, Frame, Nanos};

/// Bytes kept of an object's start.
const HEAD: usize = 8_192;
/// Bytes kept of its end.
const TAIL: usize = 1_024;

/// What is known of an object besides its bytes.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Host and path, topic, node id.
    pub path: String,
    /// File name; empty: the last part of the path.
    pub name: String,
    /// How it comes.
    pub carrier: &'static str,
    /// From the client to the server.
    pub upload: bool,
}

/// See the module's head.
#[derive(Debug)]
pub struct Object {
    /// What is known of it.
    pub about: About,
    hasher: Sha256,
    size: u64,
    missing: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    scan: Option<Scan>,
    first: (Nanos, Frame),
    cut: bool,
}

impl Object {
    /// Begins with the packet at hand.
    #[must_use]
    pub fn new(cx: &Cx<'_>, about: About) -> Self {
        let (head, tail) = (Vec::new(), Vec::new());
        let first = (cx.ts, cx.frame);
        Self { about, hasher: Sha256::new(), size: 0, missing: 0, head, tail, scan: None, first, cut: false }
    }

    /// Bytes seen so far, holes left out.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where the next byte stands.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.size + self.missing
    }

    /// The next bytes of the content.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.missing == 0 {
            self.hasher.update(bytes);
        }
        if self.head.len() < HEAD && self.missing == 0 {
            let room = (HEAD - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
        if self.size == 0 && matches!(bytes, [0x80, 2..=5, ..] | [b'P', b'K', ..] | [0x80] | [b'P']) {
            self.scan = Some(Scan::default());
        }
        if let Some(scan) = &mut self.scan {
            scan.bytes(bytes);
        }
        if bytes.len() >= TAIL {
            self.tail.clear();
            self.tail.extend_from_slice(bytes.get(bytes.len() - TAIL..).unwrap_or_default());
        } else {
            let excess = (self.tail.len() + bytes.len()).saturating_sub(TAIL);
            self.tail.drain(..excess.min(self.tail.len()));
            self.tail.extend_from_slice(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// So many bytes of it were never captured.
    pub fn lose(&mut self, missing: u64) {
        self.missing += missing;
    }

    /// What its start says it is.
    #[must_use]
    pub fn format(&self) -> Format {
        format::recognise(&self.head)
    }

    /// Whether it is complete by its own evidence.
    #[must_use]
    pub fn whole(&self) -> bool {
        let format = self.format();
        match format.model {
            "safetensors" => format::safetensors(&self.head).flatten() == Some(self.size),
            _ => format.mime == "application/zip" && zip::ends(&self.tail),
        }
    }

    /// Its last byte will not come.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// Writes the row.
    pub fn finish(self, cx: &mut Cx<'_>) {
        if self.size == 0 {
            return;
        }
        let format = self.format();
        let whole = self.missing == 0 && !self.cut;
        let warnings = self.warnings(format, whole);
        let digest: [u8; 32] = self.hasher.finalize().into();
        let hexadecimal = crate::mqtt::publish::hex(&digest);
        let last = self.about.path.rsplit('/').next().unwrap_or_default();
        let name = if self.about.name.is_empty() { last } else { &self.about.name };
        let (name, path) = (text(name, cx.limits.text_bytes), text(&self.about.path, cx.limits.text_bytes));
        cx.rows.files.push(FileRow {
            ts: cx.ts,
            flow: cx.flow,
            borrow: std::marker::PhantomData,
            frame: cx.frame,
            first_frame: self.first.1,
            first_ts: self.first.0,
            sha256: if whole { std::str::from_utf8(&hexadecimal).unwrap_or_default() } else { "" },
            size: self.size,
            missing: self.missing,
            name,
            path,
            mime: format.mime,
            model_format: format.model,
            carrier: self.about.carrier,
            upload: self.about.upload,
            warnings: &warnings,
        });
    }

    fn warnings(&self, format: Format, whole: bool) -> String {
        let mut told: Vec<String> = Vec::new();
        let imports = self.scan.as_ref().map_or(&[][..], Scan::found);
        told.extend(imports.iter().map(|name| format!("imports {name}")));
        let name = if self.about.name.is_empty() { &self.about.path } else { &self.about.name };
        if self.missing == 0 && format::contradicts(name, format) {
            told.push("content contradicts the name".into());
        }
        let short = match format.model {
            "safetensors" => format::safetensors(&self.head).flatten().is_some_and(|wanted| wanted != self.size),
            _ => matches!(format.mime, "application/zip" | "application/x-npz") && !zip::ends(&self.tail),
        };
        if !whole {
            told.push("not all of it was captured".into());
        } else if short {
            told.push("truncated".into());
        }
        told.join("; ")
    }
}

/// A text within the limit, cut between characters.
fn text(text: &str, limit: u64) -> &str {
    let mut end = usize::try_from(limit).unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
