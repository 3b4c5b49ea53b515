//! Values in HTTP bodies: small documents of JSON, kept until they are whole and then read leaf by leaf.
//!
//! What a response says stands under the path of the URL that was asked for, `/v1/wear#score`; what a request says
//! under its method and path, `POST /v1/wear#score`: both may use the same keys for different things. The query is no
//! part of it, for tokens travel there; so polls that differ in nothing else share their tags. A level of the path
//! that only names one thing for once (a UUID, a long number, a hash, a key) is `*`.
//!
//! Responses count where they succeed (2xx, no ranges), for the others tell of errors, not of values. Bodies with
//! holes, in codings that are not read, or of models are not values either; nor is anything on paths of credentials.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::dissect::{Cx, Ends};
use crate::values::{Document, bounds, json, secret};

/// A body that may be values, on its way.
#[derive(Debug)]
pub struct Told {
    /// What the names of its values begin with.
    name: String,
    /// Whether its head calls it JSON.
    declared: bool,
    /// Whether something else than blanks has come, which may be values.
    begun: bool,
    bytes: Vec<u8>,
}

impl Told {
    /// A body of this content type on this path (without host and query); `method`: of the request, where it is one's.
    #[must_use]
    pub fn of(kind: &[u8], method: &str, path: &str) -> Option<Self> {
        if !path.starts_with('/') || secret::place(path) {
            return None;
        }
        let plain = kind.split(|&b| b == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
        let declared = plain.ends_with(b"/json") || plain.ends_with(b"+json");
        let space = if method.is_empty() { "" } else { " " };
        let name = format!("{method}{space}{}", lasting(path));
        Some(Self { name, declared, begun: false, bytes: Vec::new() })
    }

    /// The next bytes, codings taken off. False: they are not values, and nothing more is wanted.
    pub fn bytes(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) -> bool {
        if !self.begun
            && let Some(first) = bytes.trim_ascii_start().first()
        {
            self.begun = self.declared || matches!(first, b'{' | b'[');
            if !self.begun {
                return false;
            }
        }
        if (self.bytes.len() + bytes.len()) as u64 > cx.limits.http_json_bytes {
            cx.rows.http_over[0] += u64::from(self.begun);
            return false;
        }
        self.bytes.extend_from_slice(bytes);
        true
    }

    /// The body is whole: its values that changed are rows.
    pub fn read(self, cx: &mut Cx<'_>) {
        let mut values = std::mem::take(&mut cx.expected.polled);
        let (seed, name) = (server(cx.ends), self.name.as_str());
        let (leaves, tags) = (cx.limits.http_values, cx.limits.http_tags);
        let document = Document { source: "http", name, seed, bytes: &self.bytes, whole: true, leaves, tags };
        let digest = xxh3_64_with_seed(&self.bytes, 1);
        if values.tags.changed(tags, xxh3_64_with_seed(name.as_bytes(), !seed), digest, || None)
            && (self.declared || valid(cx, &document))
        {
            let read = values.document(cx, &document);
            cx.rows.http_over[1] += u64::from(read.more);
        }
        cx.expected.polled = values;
    }
}

/// Whether the bytes are one document and nothing else.
fn valid(cx: &Cx<'_>, document: &Document<'_>) -> bool {
    let bounds = json::Bounds { leaves: usize::MAX, ..bounds(cx, document) };
    json::scan(document.bytes, bounds, &mut String::new(), &mut |_, _| {}).whole
}

/// Whose values they are: a server is the same for each of its connections, its client is another teller.
fn server(ends: &Ends) -> u64 {
    let port = ends.server_port.to_be_bytes();
    xxh3_64_with_seed(&[&ends.client[..], &ends.server, &port].concat(), 0).max(1)
}

/// The path with `*` for the levels that are there for once.
fn lasting(path: &str) -> String {
    let levels = path.split('/').map(|level| if passing(level) { "*" } else { level });
    levels.collect::<Vec<_>>().join("/")
}

/// Whether a level looks like a UUID, a hash, a time, or a key made by a machine.
fn passing(level: &str) -> bool {
    let count = |of: fn(&u8) -> bool| level.bytes().filter(of).count();
    let (digits, lower, upper) =
        (count(u8::is_ascii_digit), count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    let hexadecimal = level.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (digits >= 10 && digits == level.len())
        || (hexadecimal && level.len() >= 16 && digits >= 4)
        || (level.len() >= 24 && digits >= 4 && lower >= 4 && upper >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_are_there_for_once() {
        for (path, wanted) in [
            ("/v1/models/wear:predict", "/v1/models/wear:predict"),
            ("/tags/1234/value", "/tags/1234/value"),
            ("/jobs/550e8400-e29b-41d4-a716-446655440000", "/jobs/*"),
            ("/since/1700000000123/x", "/since/*/x"),
            ("/api/83b7780291a6ceffbe0bd049104df/lights", "/api/*/lights"),
            ("/hooks/T00aBcD9eF1gHiJk2LmNoPqR", "/hooks/*"),
            ("/models/predictive-maintenance-2024", "/models/predictive-maintenance-2024"),
        ] {
            assert_eq!(lasting(path), wanted);
        }
    }
}
