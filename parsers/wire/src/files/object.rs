//! One object on its way: hashed as it passes; only its start and its end are kept, for its format.

use sha2::{Digest as _, Sha256};

use super::FileRow;
use super::content::Content;
use super::extent::{Extent, extent};
use super::format::{self, Format};
use super::names;
use super::pickle::Scan;
use super::unzip::Unzip;
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

/// What is in a compressed object.
#[derive(Debug)]
struct Inner {
    content: Content,
    head: Vec<u8>,
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
    inner: Option<Box<Inner>>,
    unzip: Option<Box<Unzip>>,
    first: (Nanos, Frame),
    cut: bool,
    kept: Kept,
}

/// All bytes of an object, where it is to be handed out.
#[derive(Debug)]
enum Kept {
    No,
    /// So far, and bytes at most.
    Yes(Vec<u8>, usize),
    /// It grew past the limit.
    Over,
}

impl Kept {
    fn take(&mut self, more: &[u8]) {
        match self {
            Self::Yes(bytes, most) if bytes.len() + more.len() <= *most => bytes.extend_from_slice(more),
            Self::Yes(..) => *self = Self::Over,
            Self::No | Self::Over => {}
        }
    }
}

impl Object {
    /// Begins with the packet at hand.
    #[must_use]
    pub fn new(cx: &Cx<'_>, about: About) -> Self {
        let (head, tail) = (Vec::new(), Vec::new());
        let first = (cx.ts, cx.frame);
        let most = usize::try_from(cx.limits.kept_file_bytes).unwrap_or(usize::MAX);
        Self {
            kept: if most > 0 { Kept::Yes(Vec::new(), most) } else { Kept::No },
            about,
            hasher: Sha256::new(),
            size: 0,
            missing: 0,
            head,
            tail,
            scan: None,
            inner: None,
            unzip: None,
            first,
            cut: false,
        }
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
            self.kept.take(bytes);
        }
        if self.head.len() < HEAD && self.missing == 0 {
            let room = (HEAD - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
        if self.size == 0 {
            self.begin(bytes);
        }
        let seen = self.missing == 0;
        match (&mut self.inner, &mut self.unzip, &mut self.scan) {
            (Some(inner), _, Some(scan)) if seen => inner.bytes(bytes, scan),
            (None, Some(unzip), Some(scan)) if seen => unzip.bytes(bytes, scan),
            (None, _, Some(scan)) => scan.bytes(bytes),
            _ => {}
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

    /// Looks at the first bytes: whether it may import something, and whether what does is compressed.
    fn begin(&mut self, bytes: &[u8]) {
        let coding: Option<&[u8]> = match bytes {
            [0x1F, 0x8B, ..] | [0x1F] => Some(b"gzip"),
            _ if format::deflated(bytes) || bytes == [0x78] => Some(b"deflate"),
            _ => None,
        };
        self.inner = coding.map(|coding| Box::new(Inner { content: Content::of(coding), head: Vec::new() }));
        self.unzip = bytes.starts_with(b"P").then(Box::default);
        let loads = matches!(bytes, [0x80, 2..=5, ..] | [b'P', b'K', ..] | [0x80] | [b'P'] | [b'c' | b'(' | b'i', ..]);
        self.scan = (loads || self.inner.is_some()).then(Scan::default);
    }

    /// So many bytes of it were never captured.
    pub fn lose(&mut self, missing: u64) {
        self.missing += missing;
    }

    /// What its start says it is, or what it holds where it is compressed.
    #[must_use]
    pub fn format(&self) -> Format {
        let outer = format::recognise(&self.head, &self.tail);
        match &self.inner {
            Some(inner) if outer.model.is_empty() => {
                Format { model: format::recognise(&inner.head, &[]).model, ..outer }
            }
            _ => outer,
        }
    }

    /// Whether it is complete by its own evidence.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.extent(self.format()) == Extent::Whole
    }

    fn extent(&self, format: Format) -> Extent {
        match &self.inner {
            Some(inner) if format.may_hold() => {
                if inner.content.ended() {
                    Extent::Whole
                } else {
                    Extent::Short
                }
            }
            _ => extent(format, &self.head, &self.tail, self.size),
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
        let format = self.beside(cx, self.format());
        let whole = self.missing == 0 && !self.cut;
        let warnings = self.warnings(format, whole);
        let digest: [u8; 32] = self.hasher.finalize().into();
        match self.kept {
            Kept::Yes(bytes, _) if whole => cx.rows.keep_file(digest, Some(bytes), cx.limits),
            Kept::Over if whole => cx.rows.keep_file(digest, None, cx.limits),
            _ => {}
        }
        let hexadecimal = crate::mqtt::publish::hex(&digest);
        let last = self.about.path.rsplit('/').next().unwrap_or_default();
        let name = if self.about.name.is_empty() { last } else { &self.about.name };
        let limit = usize::try_from(cx.limits.text_bytes).unwrap_or(usize::MAX);
        let (name, path) = (crate::values::cut(name, limit), crate::values::cut(&self.about.path, limit));
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

    /// OpenVINO's weights (`wear.bin`) are numbers and nothing else: the description (`wear.xml`) that passed before tells
    /// what they are.
    fn beside(&self, cx: &mut Cx<'_>, format: Format) -> Format {
        let name = if self.about.name.is_empty() { &self.about.path } else { &self.about.name };
        let Some((stem, extension)) = name.rsplit_once('.') else { return format };
        if format.model == "openvino" {
            cx.expected.describe(&cx.ends.server, stem);
        } else if format == Format::default()
            && extension.eq_ignore_ascii_case("bin")
            && cx.expected.is_described(&cx.ends.server, stem)
        {
            return Format { mime: "application/octet-stream", model: "openvino" };
        }
        format
    }

    fn warnings(&self, format: Format, whole: bool) -> String {
        let mut told: Vec<String> = Vec::new();
        // In what is no model lines of text may look like imports.
        let imports = self.scan.as_ref().filter(|_| !format.model.is_empty()).map_or_else(Vec::new, Scan::found);
        told.extend(imports.iter().map(|name| format!("imports {name}")));
        let name = if self.about.name.is_empty() { &self.about.path } else { &self.about.name };
        if self.missing == 0 && names::contradicts(name, format) {
            told.push("content contradicts the name".into());
        }
        match self.extent(format) {
            _ if !whole => told.push("not all of it was captured".into()),
            Extent::Short => told.push("truncated".into()),
            Extent::Long => told.push("longer than it says".into()),
            Extent::Whole | Extent::Unsaid => {}
        }
        told.join("; ")
    }
}

impl Inner {
    fn bytes(&mut self, bytes: &[u8], scan: &mut Scan) {
        let Self { content, head } = self;
        let readable = content.read(bytes, |plain| {
            let room = (HEAD - head.len().min(HEAD)).min(plain.len());
            head.extend_from_slice(plain.get(..room).unwrap_or_default());
            scan.bytes(plain);
        });
        if !readable {
            *content = Content::Over;
        }
    }
}
