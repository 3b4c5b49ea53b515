//! What a pickle imports, read without running it: names that let code run when it is loaded.
//!
//! `GLOBAL` is `c module \n name \n`; `STACK_GLOBAL` takes two strings that were pushed before, usually one behind the
//! other: `0x8c length module [0x94] 0x8c length name`. An attacker may push them apart; the module alone is told
//! then, where it has no place in a model at all.

use memchr::memchr;

/// Modules none of whose names belongs into a model file.
const NEVER: &[&str] = &[
    "os",
    "posix",
    "nt",
    "subprocess",
    "shutil",
    "socket",
    "pty",
    "runpy",
    "ctypes",
    "webbrowser",
    "importlib",
    "code",
    "http.client",
    "urllib.request",
    "requests",
    "ftplib",
    "smtplib",
    "telnetlib",
    "asyncio.subprocess",
    "pip",
];
/// Names of the built-in module that run code or open files.
const BUILT_IN: &[&str] =
    &["eval", "exec", "execfile", "compile", "open", "__import__", "getattr", "apply", "breakpoint", "input"];
const BUILT_IN_MODULES: &[&str] = &["builtins", "__builtin__", "__builtins__"];

/// Longest import that is looked for, in bytes of the pickle.
const LONGEST: usize = 96;
/// Imports told of one object.
const TOLD: usize = 8;

/// Looks through a pickle as it passes.
#[derive(Debug, Default)]
pub struct Scan {
    carry: Vec<u8>,
    found: Vec<String>,
}

impl Scan {
    /// The next bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.found.len() >= TOLD {
            return;
        }
        let mut joined = std::mem::take(&mut self.carry);
        let edge = bytes.get(..bytes.len().min(LONGEST)).unwrap_or_default();
        let before = joined.len();
        joined.extend_from_slice(edge);
        self.look(&joined, before);
        self.look(bytes, bytes.len());
        let tail = if bytes.len() >= LONGEST { bytes } else { &joined };
        self.carry = tail.get(tail.len().saturating_sub(LONGEST)..).unwrap_or_default().to_vec();
    }

    /// What is imported that has no place there, in the order it was seen.
    #[must_use]
    pub fn found(&self) -> &[String] {
        &self.found
    }

    /// Imports that begin in front of `end`.
    fn look(&mut self, bytes: &[u8], end: usize) {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..end.min(bytes.len())) {
            let next = memchr::memchr3(b'c', 0x8C, b'X', rest);
            let Some(next) = next else { return };
            at += next;
            if let Some(name) = bytes.get(at..).and_then(import)
                && self.found.len() < TOLD
                && !self.found.contains(&name)
            {
                self.found.push(name);
            }
            at += 1;
        }
    }
}

/// The dangerous import that stands at the start of these bytes.
fn import(bytes: &[u8]) -> Option<String> {
    if let Some(line) = bytes.strip_prefix(b"c") {
        let (module, rest) = until(line, b'\n')?;
        let (name, _) = until(rest, b'\n')?;
        return dangerous(module, Some(name));
    }
    let (module, rest) = string(bytes)?;
    let rest = rest.strip_prefix(&[0x94]).unwrap_or(rest);
    dangerous(module, string(rest).map(|(name, _)| name))
}

fn dangerous(module: &str, name: Option<&str>) -> Option<String> {
    let built_in = BUILT_IN_MODULES.contains(&module);
    match name {
        Some(name) if NEVER.contains(&module) && plain(name) => Some(format!("{module}.{name}")),
        Some(name) if built_in && BUILT_IN.contains(&name) => Some(format!("{module}.{name}")),
        _ => None,
    }
}

fn plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

fn until(bytes: &[u8], end: u8) -> Option<(&str, &[u8])> {
    let at = memchr(end, bytes.get(..bytes.len().min(LONGEST / 2))?)?;
    Some((std::str::from_utf8(bytes.get(..at)?).ok()?, bytes.get(at + 1..)?))
}

/// `SHORT_BINUNICODE` or `BINUNICODE`.
fn string(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = match bytes {
        [0x8C, length, rest @ ..] => (usize::from(*length), rest),
        [b'X', length, 0, 0, 0, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    Some((std::str::from_utf8(rest.get(..length)?).ok()?, rest.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pickle: &[u8], cut: usize) -> Vec<String> {
        let mut scan = Scan::default();
        for piece in pickle.chunks(cut) {
            scan.bytes(piece);
        }
        scan.found().to_vec()
    }

    #[test]
    fn dangerous_imports_are_told_however_the_bytes_come() {
        let global = b"\x80\x02cos\nsystem\nq\x00X\x02\x00\x00\x00id\x85R.";
        let stack = b"\x80\x04\x95\x00\x8c\x08builtins\x94\x8c\x04eval\x94\x93\x94\x8c\x011\x94\x85\x94R\x94.";
        for cut in [1, 2, 3, 7, 500] {
            assert_eq!(found(global, cut), ["os.system"], "cut {cut}");
            assert_eq!(found(stack, cut), ["builtins.eval"], "cut {cut}");
        }
    }

    #[test]
    fn what_models_import_is_not() {
        let model = b"\x80\x04\x8c\x15sklearn.linear_model\x94\x8c\x06Ridge\x94\x93\x94)\x81\x94cnumpy\ndtype\n\x8c\x08builtins\x94\x8c\x03set\x94.";
        assert!(found(model, 5).is_empty());
        assert!(found(b"config of the os\nsystem", 4).is_empty());
    }
}
