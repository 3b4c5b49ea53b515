//! What a pickle imports, read without running it: names that let code run when it is loaded.
//!
//! `GLOBAL` is `c module \n name \n`, `INST` the same behind `i`; `STACK_GLOBAL` takes two strings that were pushed before,
//! usually one behind the other: `0x8c length module [0x94] 0x8c length name`. An attacker may push them apart; the module
//! alone is told then, where its name is no word that a model would hold. Pickles are not run opcode by opcode, because
//! joblib puts arrays between them, and PyTorch's stand in the middle of an archive.

use memchr::memchr;

/// Modules none of whose names belongs into a model file.
const NEVER: &[&str] = &[
    "os",
    "posix",
    "nt",
    "sys",
    "subprocess",
    "_posixsubprocess",
    "shutil",
    "socket",
    "pty",
    "runpy",
    "ctypes",
    "webbrowser",
    "importlib",
    "imp",
    "zipimport",
    "code",
    "marshal",
    "pickle",
    "_pickle",
    "dill",
    "pdb",
    "bdb",
    "timeit",
    "cProfile",
    "doctest",
    "http.client",
    "httplib",
    "urllib.request",
    "urllib",
    "requests",
    "requests.api",
    "aiohttp.client",
    "ftplib",
    "smtplib",
    "telnetlib",
    "asyncio.subprocess",
    "pip",
    "venv",
];
/// Of these, those whose name alone, as a string, is enough to be told.
const ALONE: &[&str] = &["posix", "subprocess", "_posixsubprocess", "runpy", "webbrowser", "marshal"];
/// Names of the built-in module that run code or open files.
const BUILT_IN: &[&str] =
    &["eval", "exec", "execfile", "compile", "open", "__import__", "getattr", "apply", "breakpoint", "input"];
const BUILT_IN_MODULES: &[&str] = &["builtins", "__builtin__", "__builtins__"];
/// Names of modules that are harmless otherwise.
const PAIRS: &[(&str, &str)] = &[
    ("operator", "attrgetter"),
    ("operator", "methodcaller"),
    ("types", "FunctionType"),
    ("types", "CodeType"),
    ("numpy.testing._private.utils", "runstring"),
    ("pydoc", "pipepager"),
    ("torch.hub", "load"),
    ("torch.serialization", "load"),
];

/// Longest import that is looked for, in bytes of the pickle.
const LONGEST: usize = 96;
/// Imports told of one object.
const TOLD: usize = 8;

/// Looks through a pickle as it passes. What is told does not hang on how the bytes are cut: an import is judged when
/// as many bytes as the longest one has are there, or the end.
#[derive(Debug, Default)]
pub struct Scan {
    /// The last bytes, in which no import was looked for yet.
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
        let before = joined.len();
        joined.extend_from_slice(bytes.get(..bytes.len().min(LONGEST)).unwrap_or_default());
        let settled = if bytes.len() < LONGEST { joined.len().saturating_sub(LONGEST) } else { before };
        look(&joined, settled, &mut self.found);
        if bytes.len() < LONGEST {
            self.carry = joined.split_off(settled);
            return;
        }
        let settled = bytes.len() - LONGEST;
        look(bytes, settled, &mut self.found);
        self.carry = bytes.get(settled..).unwrap_or_default().to_vec();
    }

    /// What is imported that has no place there, if these were the last bytes.
    #[must_use]
    pub fn found(&self) -> Vec<String> {
        let mut found = self.found.clone();
        look(&self.carry, self.carry.len(), &mut found);
        found
    }
}

/// Imports that begin in front of `end`.
fn look(bytes: &[u8], end: usize, found: &mut Vec<String>) {
    let within = bytes.get(..end).unwrap_or_default();
    let starts = memchr::memchr3_iter(b'c', 0x8C, b'X', within).chain(memchr::memchr_iter(b'i', within));
    for at in starts {
        if let Some(name) = bytes.get(at..).and_then(import)
            && found.len() < TOLD
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
}

/// The dangerous import that stands at the start of these bytes.
fn import(bytes: &[u8]) -> Option<String> {
    if let [b'c' | b'i', line @ ..] = bytes {
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
        Some(name) if PAIRS.contains(&(module, name)) => Some(format!("{module}.{name}")),
        None if ALONE.contains(&module) => Some(module.to_owned()),
        _ => None,
    }
}

fn plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
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
        scan.found()
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
    fn imports_that_hide() {
        let instance = b"(S'id'\nios\nsystem\n.";
        let apart = b"\x80\x04\x8c\x05posix\x94K\x01\x8c\x06system\x94h\x00h\x01\x93.";
        let beside = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93.";
        let getter = b"\x80\x02coperator\nattrgetter\n.";
        for cut in [1, 3, 7, 12, 500] {
            assert_eq!(found(instance, cut), ["os.system"]);
            assert_eq!(found(apart, cut), ["posix"]);
            assert_eq!(found(beside, cut), ["posix.system"]);
            assert_eq!(found(getter, cut), ["operator.attrgetter"]);
        }
    }

    #[test]
    fn what_models_import_is_not() {
        let model = b"\x80\x04\x8c\x15sklearn.linear_model\x94\x8c\x06Ridge\x94\x93\x94)\x81\x94cnumpy\ndtype\n\x8c\x08builtins\x94\x8c\x03set\x94.";
        assert!(found(model, 5).is_empty());
        assert!(found(b"config of the os\nsystem", 4).is_empty());
    }
}
