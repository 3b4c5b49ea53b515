//! A JSON scanner (RFC 8259): leaves with their paths, no tree, no allocation.

/// A leaf. Texts are raw: see [`unescape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf<'a> {
    /// A number as it is written.
    Number(&'a [u8]),
    /// What stands between the quotation marks.
    Text(&'a [u8]),
    /// `true` or `false`.
    Bool(bool),
    /// `null`, and what writers that do not know the standard use for it: `NaN`, `Infinity`.
    Null,
}

/// How far a document is followed.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Whether the bytes are the whole document: else its last token may be cut.
    pub whole: bool,
    /// Depth of nesting.
    pub depth: usize,
    /// Bytes of a path.
    pub path: usize,
    /// Leaves.
    pub leaves: usize,
}

/// What a scan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// Whether there was a leaf.
    pub found: bool,
    /// Whether the bytes are one document from end to end, within the bounds.
    pub whole: bool,
    /// Whether it has more leaves than the bound.
    pub more: bool,
}

/// The deepest nesting followed whatever the bounds say: the scanner calls itself.
const DEEPEST: usize = 128;

/// Calls `sink` for each leaf with its path, appended to what `path` holds: `topic#key.key[0]`; a lone value's
/// path is `path` alone. A document that breaks off gives the leaves before.
pub fn scan(bytes: &[u8], bounds: Bounds, path: &mut String, sink: &mut dyn FnMut(&str, Leaf<'_>)) -> Scanned {
    let limits = Bounds { depth: bounds.depth.min(DEEPEST), ..bounds };
    let base = path.len();
    let mut scanner = Scanner { bytes, at: 0, bounds: limits, path, base, left: bounds.leaves, more: false, sink };
    scanner.space();
    let lone = !matches!(scanner.peek(), Some(b'{' | b'['));
    if lone {
        let found = scanner.lone();
        return Scanned { found, whole: found, more: false };
    }
    let ended = scanner.value(0).is_some();
    let found = scanner.left < bounds.leaves;
    scanner.space();
    Scanned { found, whole: ended && scanner.at == bytes.len(), more: scanner.more }
}

struct Scanner<'a, 'b> {
    bytes: &'a [u8],
    at: usize,
    bounds: Bounds,
    path: &'b mut String,
    base: usize,
    left: usize,
    more: bool,
    sink: &'b mut dyn FnMut(&str, Leaf<'_>),
}

impl<'a> Scanner<'a, '_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Takes `byte` with the space around it.
    fn eat(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.peek() == Some(byte)).then(|| self.at += 1)?;
        self.space();
        Some(())
    }

    /// A document of a single value must be nothing else, else any text that begins with a digit was one.
    fn lone(&mut self) -> bool {
        let Some(leaf) = self.leaf() else { return false };
        self.space();
        if self.at < self.bytes.len() || !self.bounds.whole {
            return false;
        }
        (self.sink)(self.path, leaf);
        true
    }

    /// `None`: stop.
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > self.bounds.depth {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            _ => {
                let leaf = self.leaf()?;
                self.more = self.left == 0;
                self.left = self.left.checked_sub(1)?;
                (self.sink)(self.path, leaf);
                Some(())
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.eat(b'{')?;
        if self.eat(b'}').is_some() {
            return Some(());
        }
        loop {
            let Leaf::Text(key) = self.text()? else { return None };
            self.eat(b':')?;
            let length = self.path.len();
            self.path.push(if length == self.base { '#' } else { '.' });
            self.name(key);
            self.value(depth + 1)?;
            self.path.truncate(length);
            if self.eat(b',').is_none() {
                return self.eat(b'}');
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.eat(b'[')?;
        if self.eat(b']').is_some() {
            return Some(());
        }
        for index in 0_u32.. {
            let length = self.path.len();
            if length == self.base {
                self.path.push('#');
            }
            self.path.push('[');
            decimal(index, self.path);
            self.path.push(']');
            self.value(depth + 1)?;
            self.path.truncate(length);
            if self.eat(b',').is_none() {
                break;
            }
        }
        self.eat(b']')
    }

    /// Appends a key, as far as the bound on a path goes.
    fn name(&mut self, raw: &[u8]) {
        let room = self.bounds.path.saturating_sub(self.path.len());
        match std::str::from_utf8(raw) {
            Ok(key) if !raw.contains(&b'\\') => self.path.push_str(super::cut(key, room)),
            _ => {
                let mut key = String::new();
                unescape(raw, &mut key);
                self.path.push_str(super::cut(&key, room));
            }
        }
    }

    fn leaf(&mut self) -> Option<Leaf<'a>> {
        const WORDS: &[(&[u8], Leaf<'static>)] = &[
            (b"true", Leaf::Bool(true)),
            (b"false", Leaf::Bool(false)),
            (b"null", Leaf::Null),
            (b"NaN", Leaf::Null),
            (b"Infinity", Leaf::Null),
            (b"-Infinity", Leaf::Null),
        ];
        if self.peek()? == b'"' {
            return self.text();
        }
        let rest = self.bytes.get(self.at..)?;
        if let Some((word, leaf)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            self.at += word.len();
            return Some(*leaf);
        }
        let length = rest.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
        let number = rest.get(..length)?;
        let cut = length == rest.len() && !self.bounds.whole;
        if cut || !number.iter().any(u8::is_ascii_digit) || !matches!(number.first(), Some(b'0'..=b'9' | b'-')) {
            return None;
        }
        self.at += length;
        Some(Leaf::Number(number))
    }

    fn text(&mut self) -> Option<Leaf<'a>> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let mut end = start;
        loop {
            let rest = self.bytes.get(end..)?;
            end += memchr::memchr2(b'"', b'\\', rest)?;
            if self.bytes.get(end) == Some(&b'"') {
                self.at = end + 1;
                return self.bytes.get(start..end).map(Leaf::Text);
            }
            end += 2; // a backslash and what it escapes
        }
    }
}

fn decimal(n: u32, out: &mut String) {
    if n >= 10 {
        decimal(n / 10, out);
    }
    out.push(char::from(b'0' + u8::try_from(n % 10).unwrap_or(0)));
}

/// A text without its escapes; what is not UTF-8, or half a surrogate pair, is replaced.
pub fn unescape(raw: &[u8], out: &mut String) {
    out.clear();
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        push(rest.get(..at).unwrap_or_default(), out);
        let (taken, c) = escape(rest.get(at + 1..).unwrap_or_default());
        out.push(c);
        rest = rest.get(at + 1 + taken..).unwrap_or_default();
    }
    push(rest, out);
}

fn push(bytes: &[u8], out: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => out.push_str(&String::from_utf8_lossy(bytes)),
    }
}

/// One escape behind its backslash: bytes taken, character.
fn escape(rest: &[u8]) -> (usize, char) {
    match rest {
        [b'n', ..] => (1, '\n'),
        [b't', ..] => (1, '\t'),
        [b'r', ..] => (1, '\r'),
        [b'b', ..] => (1, '\u{8}'),
        [b'f', ..] => (1, '\u{c}'),
        [b'u', hex @ ..] => {
            let Some(high) = four(hex) else { return (1, char::REPLACEMENT_CHARACTER) };
            let pair = hex.get(4..6) == Some(b"\\u");
            let low = hex.get(6..).and_then(four).filter(|low| pair && (0xDC00..0xE000).contains(low));
            match low.filter(|_| (0xD800..0xDC00).contains(&high)) {
                Some(low) => {
                    (11, char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).unwrap_or('\u{FFFD}'))
                }
                None => (5, char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)),
            }
        }
        [other, ..] if other.is_ascii() => (1, char::from(*other)),
        _ => (0, char::REPLACEMENT_CHARACTER),
    }
}

fn four(hex: &[u8]) -> Option<u32> {
    hex.get(..4)?.iter().try_fold(0, |n, &b| Some(n << 4 | char::from(b).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(document: &[u8], bounds: Bounds) -> Vec<String> {
        let mut out = Vec::new();
        let mut path = "t".to_owned();
        scan(document, bounds, &mut path, &mut |path, leaf| {
            out.push(match leaf {
                Leaf::Number(n) => format!("{path}={}", String::from_utf8_lossy(n)),
                Leaf::Text(t) => format!("{path}='{}'", String::from_utf8_lossy(t)),
                other => format!("{path}={other:?}"),
            });
        });
        out
    }

    const ALL: Bounds = Bounds { whole: true, depth: 32, path: 1_024, leaves: 100 };

    #[test]
    fn paths_of_leaves() {
        let document = br#" {"a": {"b": [1, -2.5e3, {"c": "x\"y"}], "d": true}, "e": null, "": 0, "f": [], "g": {}} "#;
        let want = ["t#a.b[0]=1", "t#a.b[1]=-2.5e3", "t#a.b[2].c='x\\\"y'", "t#a.d=Bool(true)", "t#e=Null", "t#=0"];
        assert_eq!(leaves(document, ALL), want);
        assert_eq!(leaves(b"[1,[2]]", ALL), ["t#[0]=1", "t#[1][0]=2"]);
        assert_eq!(leaves(b"21.5\n", ALL), ["t=21.5"]);
        assert_eq!(leaves(br#"{"a\u002eb\n":1}"#, ALL), ["t#a.b\n=1"]);
    }

    #[test]
    fn what_breaks_off_gives_the_leaves_before() {
        let document = br#"{"a":1,"b":"two","c":[3,4567]}"#;
        for n in 0..document.len() {
            let cut = leaves(&document[..n], Bounds { whole: false, ..ALL });
            assert!(leaves(document, ALL).starts_with(&cut), "{n}: {cut:?}");
        }
        for bad in [&b"12:30"[..], b"1 2", b"hello", b"-", b"{a:1}", b"", b"{\"a\" 1}", b"\"open", b"+1", b"e5"] {
            assert!(leaves(bad, ALL).is_empty(), "{bad:?}");
        }
    }

    #[test]
    fn bounds_hold() {
        let deep = [vec![b'['; 100_000], vec![b'1']].concat();
        assert!(leaves(&deep, Bounds { depth: usize::MAX, ..ALL }).is_empty());
        assert_eq!(leaves(b"[[[1]]]", Bounds { depth: 2, ..ALL }).len(), 0);
        assert_eq!(leaves(b"[[1]]", Bounds { depth: 2, ..ALL }).len(), 1);
        assert_eq!(leaves(b"[1,2,3,4]", Bounds { leaves: 2, ..ALL }).len(), 2);
        let long = format!("{{\"{}\":1}}", "k".repeat(5_000));
        assert_eq!(leaves(long.as_bytes(), Bounds { path: 10, ..ALL }), ["t#kkkkkkkk=1"]);
    }

    #[test]
    fn escapes() {
        let mut out = String::new();
        for (raw, want) in [
            (r"a\nb\\c\/d\u00e4", "a\nb\\c/d\u{e4}"),
            (r"\ud83d\ude00!", "\u{1F600}!"),
            (r"\ud83dx", "\u{FFFD}x"),
            (r"\u12", "\u{FFFD}12"),
            ("\\", "\u{FFFD}"),
        ] {
            unescape(raw.as_bytes(), &mut out);
            assert_eq!(out, want, "{raw}");
        }
    }

    #[test]
    fn a_document_that_is_nothing_else_is_whole() {
        let whole = |document: &[u8], leaves| {
            scan(document, Bounds { leaves, ..ALL }, &mut String::new(), &mut |_, _| {}).whole
        };
        assert!(whole(b" {\"a\": [1, {}]} \n", 9) && whole(b"[]", 9) && whole(b"true", 9));
        assert!(!whole(b"{\"a\": 1", 9) && !whole(b"[1] x", 9) && !whole(b"[tag]", 9) && !whole(b"[1,2]", 1));
    }
}
