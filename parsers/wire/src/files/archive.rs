//! Archives by the names of their members: PyTorch, Keras, NumPy and SavedModel keep models in them.

use memchr::memmem;

/// Names looked at.
const MOST: usize = 64;
/// A block of a tar archive.
const BLOCK: usize = 512;

/// What says of a member's name which model it is part of: the whole last part, its start, or its extension.
const WHOLE: &[(&str, &str)] = &[
    ("data.pkl", "pytorch"),
    ("constants.pkl", "pytorch"),
    ("model.weights.h5", "keras"),
    ("saved_model.pb", "tensorflow"),
    ("variables.index", "tensorflow"),
];
const EXTENSIONS: &[(&str, &str)] = &[
    ("onnx", "onnx"),
    ("tflite", "tflite"),
    ("safetensors", "safetensors"),
    ("gguf", "gguf"),
    ("pt", "pytorch"),
    ("pth", "pytorch"),
    ("joblib", "joblib"),
    ("pkl", "pickle"),
    ("keras", "keras"),
    ("h5", "hdf5"),
    ("engine", "tensorrt"),
    ("ubj", "xgboost"),
];

/// The model format that an archive with these members holds; empty: none.
pub fn model(names: &[&str]) -> &'static str {
    let last = |name: &&str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let names: Vec<String> = names.iter().map(last).collect();
    let found = |table: &[(&str, &'static str)], of: &dyn Fn(&str) -> String| {
        table.iter().find(|(known, _)| names.iter().any(|name| of(name) == *known)).map(|(_, model)| *model)
    };
    if let Some(model) = found(WHOLE, &str::to_owned) {
        return model;
    }
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if names.iter().any(|name| name.starts_with("variables.data-")) {
        return "tensorflow";
    }
    if has("metadata.json") && has("config.json") {
        return "keras";
    }
    let extension = |name: &str| name.rsplit_once('.').map_or_else(String::new, |(_, e)| e.to_ascii_lowercase());
    found(EXTENSIONS, &extension).unwrap_or_default()
}

/// Names of a ZIP archive's members as far as its first and last bytes tell.
pub fn zipped<'a>(head: &'a [u8], tail: &'a [u8]) -> Vec<&'a str> {
    let mut names = members(head);
    names.extend(central(tail));
    names
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk().map(|b| usize::from(u16::from_le_bytes(*b)))
}

/// Local headers (APPNOTE 4.3.7); where sizes stand behind the data the next header is searched for.
fn members(mut bytes: &[u8]) -> Vec<&str> {
    let mut names = Vec::new();
    while let Some(header) = bytes.strip_prefix(b"PK\x03\x04").filter(|_| names.len() < MOST) {
        let (Some(length), Some(extra)) = (word(header, 22), word(header, 24)) else { break };
        let start = 26 + length;
        let Some(name) = header.get(26..start).and_then(|n| std::str::from_utf8(n).ok()) else { break };
        names.push(name);
        let size = header.get(14..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_le_bytes(*b));
        let data = start + extra;
        let next = data + usize::try_from(size).unwrap_or(usize::MAX).min(1 << 30);
        let Some(rest) = header.get(next..) else { break };
        bytes = if rest.starts_with(b"PK\x03\x04") {
            rest
        } else {
            let Some(at) = header.get(data..).and_then(|rest| memmem::find(rest, b"PK\x03\x04")) else { break };
            header.get(data + at..).unwrap_or_default()
        };
    }
    names
}

/// File headers of the central directory (APPNOTE 4.3.12).
fn central(tail: &[u8]) -> Vec<&str> {
    let name = |at: usize| {
        let length = word(tail, at + 28)?;
        std::str::from_utf8(tail.get(at + 46..at + 46 + length)?).ok()
    };
    memmem::find_iter(tail, b"PK\x01\x02").filter_map(name).take(MOST).collect()
}

/// Whether the end of the central directory (APPNOTE 4.3.16) stands in an archive's last bytes.
pub fn ends(tail: &[u8]) -> bool {
    memmem::rfind(tail, b"PK\x05\x06").is_some()
}

/// Names of the members of a tar archive (POSIX ustar) whose headers stand in these bytes.
pub fn tarred(head: &[u8]) -> Vec<&str> {
    let mut names = Vec::new();
    let mut at = 0_usize;
    while let Some(header) = head.get(at..at.saturating_add(BLOCK)).filter(|_| names.len() < MOST) {
        let field = |from: usize, to: usize| {
            let bytes = header.get(from..to).unwrap_or_default();
            let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
            std::str::from_utf8(bytes.get(..end).unwrap_or_default()).unwrap_or_default()
        };
        if field(257, 262) != "ustar" {
            break;
        }
        names.push(field(0, 100));
        let size = usize::from_str_radix(field(124, 136).trim(), 8).unwrap_or(usize::MAX);
        at = at.saturating_add(BLOCK).saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_tell_the_model() {
        for (names, wanted) in [
            (&["wear/data.pkl", "wear/version"][..], "pytorch"),
            (&["m/variables/variables.data-00000-of-00001"], "tensorflow"),
            (&["metadata.json", "config.json"], "keras"),
            (&["readme.md", "wear.ONNX"], "onnx"),
            (&["readme.md", "config.json"], ""),
            (&[], ""),
        ] {
            assert_eq!(model(names), wanted, "{names:?}");
        }
    }

    #[test]
    fn broken_archives_end_the_walk() {
        assert!(
            members(b"PK\x03\x04").is_empty()
                && members(b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0").is_empty()
        );
        assert!(central(b"PK\x01\x02PK\x01\x02").is_empty() && tarred(&[0; 600]).is_empty());
    }
}
