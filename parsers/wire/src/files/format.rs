//! What an object is, by its content. A name decides nothing here; that a name says something else is told by `names`.

use memchr::memmem;

use super::{archive, protobuf};

/// Type and model format of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Format {
    /// MIME type; empty: not recognised.
    pub mime: &'static str,
    /// Model format; empty: none.
    pub model: &'static str,
}

const fn model(mime: &'static str, model: &'static str) -> Format {
    Format { mime, model }
}

const fn plain(mime: &'static str) -> Format {
    Format { mime, model: "" }
}

/// Magic bytes at a fixed place.
const MAGIC: &[(usize, &[u8], Format)] = &[
    (4, b"TFL3", model("application/x-tflite", "tflite")),
    (0, b"GGUF", model("application/x-gguf", "gguf")),
    (0, b"ftrt", model("application/x-tensorrt", "tensorrt")),
    (0, b"ptrt", model("application/x-tensorrt", "tensorrt")),
    (0, b"CBM1", model("application/x-catboost", "catboost")),
    (0, b"binf", model("application/x-xgboost", "xgboost")),
    (0, b"tree\nversion=", model("text/x-lightgbm", "lightgbm")),
    (0, b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", model("application/x-pytorch", "pytorch")),
    (0, b"{\"learner\":", model("application/json", "xgboost")),
    (0, b"{i\x07learner", model("application/ubjson", "xgboost")),
    (0, b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner", model("application/ubjson", "xgboost")),
    (0, b"\x93NUMPY", plain("application/x-npy")),
    (0, b"PAR1", plain("application/vnd.apache.parquet")),
    (0, b"ARROW1", plain("application/vnd.apache.arrow.file")),
    (0, b"\x7fELF", plain("application/x-elf")),
    (0, b"MZ", plain("application/vnd.microsoft.portable-executable")),
    (0, b"%PDF-", plain("application/pdf")),
    (0, b"\x89PNG\r\n\x1a\n", plain("image/png")),
    (0, b"\xff\xd8\xff", plain("image/jpeg")),
    (0, b"GIF8", plain("image/gif")),
    (0, b"\x1f\x8b\x08", plain("application/gzip")),
    (0, b"7z\xbc\xaf\x27\x1c", plain("application/x-7z-compressed")),
    (0, b"Rar!\x1a\x07", plain("application/vnd.rar")),
    (0, b"\x28\xb5\x2f\xfd", plain("application/zstd")),
    (0, b"#!", plain("text/x-script")),
    (0, b"SQLite format 3\0", plain("application/vnd.sqlite3")),
];

/// Looks at an object's first bytes, and at its last for the members of archives.
#[must_use]
pub fn recognise(head: &[u8], tail: &[u8]) -> Format {
    for &(at, magic, format) in MAGIC {
        if head.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
            return format;
        }
    }
    if head.starts_with(b"PK\x03\x04") {
        return zip(head, tail);
    }
    if head.get(257..).is_some_and(|rest| rest.starts_with(b"ustar")) {
        return model("application/x-tar", archive::model(&archive::tarred(head)));
    }
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        let keras = [&b"keras_version"[..], b"model_config", b"layer_names", b"model_weights"];
        let named = if keras.iter().any(|k| memmem::find(head, k).is_some()) { "keras" } else { "hdf5" };
        return model("application/x-hdf5", named);
    }
    if safetensors(head).is_some() {
        return model("application/x-safetensors", "safetensors");
    }
    if let [0x80, 2..=5, ..] = head {
        return pickled(head);
    }
    if ascii_pickle(head) {
        return model("application/x-pickle", "pickle");
    }
    if deflated(head) {
        return plain("application/zlib");
    }
    if let Some(message) = protobuf::recognise(head) {
        let onnx = message.model == "onnx";
        return model(if onnx { "application/x-onnx" } else { "application/x-protobuf" }, message.model);
    }
    if xgboost(head) {
        return model("application/x-xgboost", "xgboost");
    }
    text(head).unwrap_or_default()
}

/// Whether a first look at a few bytes leaves it open that a model starts here; most messages it rules out.
#[inline]
#[must_use]
pub fn may_be_model(head: &[u8]) -> bool {
    matches!(
        head,
        [_, _, _, _, _, _, _, _, b'{', b'"', ..]
            | [_, _, _, _, b'T', b'F', b'L', b'3', ..]
            | [b'{', b'"', b'l', ..]
            | [b'{', b'L' | b'i', ..]
            | [b't', b'r', b'e', b'e', b'\n', ..]
            | [0x80 | 0x89 | 0x08 | b'P' | b'G' | b'C' | b'b' | b'f' | b'p' | b'<', _, _, _, ..]
            | [b'c' | b'(' | b'i' | 0x1F | 0x78, _, _, _, ..]
    ) || head.get(257..262) == Some(b"ustar")
        || (head.get(137..144) == Some(&[0; 7]) && xgboost(head))
}

fn zip(head: &[u8], tail: &[u8]) -> Format {
    let names = archive::zipped(head, tail);
    match archive::model(&names) {
        "" if names.iter().any(|n| n.rsplit_once('.').is_some_and(|(_, e)| e == "npy")) => plain("application/x-npz"),
        // Keras says so in the metadata, which are not compressed.
        "" if memmem::find(head, b"keras_version").is_some() => model("application/zip", "keras"),
        found => model("application/zip", found),
    }
}

impl Format {
    /// Whether it is something that may hold a model which does not show yet.
    #[must_use]
    pub fn may_hold(self) -> bool {
        matches!(self.mime, "application/zip" | "application/x-tar" | "application/gzip" | "application/zlib")
    }
}

/// A zlib stream (RFC 1950 section 2.2): deflate, a window of 32 kB, a check of the two octets.
#[must_use]
pub fn deflated(head: &[u8]) -> bool {
    matches!(head, [0x78, 0x01 | 0x5E | 0x9C | 0xDA, ..])
}

/// A pickle of protocol 0: opcodes and their arguments as lines. An empty dictionary or list that is kept, or an
/// import: `c module \n name \n`, then what is done with it.
fn ascii_pickle(head: &[u8]) -> bool {
    if head.starts_with(b"(dp0\n") || head.starts_with(b"(lp0\n") {
        return true;
    }
    let (Some(b'c' | b'i'), body) = (head.first(), head.strip_prefix(b"(").unwrap_or(head)) else { return false };
    let mut lines = body.get(1..).unwrap_or_default().splitn(3, |&b| b == b'\n');
    let name = |line: Option<&[u8]>| {
        line.is_some_and(|l| {
            (1..96).contains(&l.len()) && l.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
        })
    };
    name(lines.next()) && name(lines.next()) && matches!(lines.next(), Some([b'(' | b'p' | b'q' | b')' | b'.', ..]))
}

/// XGBoost's old binary format: `LearnerModelParamLegacy`, 136 octets, then objective and booster, each a name behind its
/// length. It has no magic number.
#[must_use]
pub fn xgboost(head: &[u8]) -> bool {
    let name = |at: usize| {
        let length = u64::from_le_bytes(*head.get(at..)?.first_chunk()?);
        let text = head.get(at + 8..at + 8 + usize::try_from(length).ok().filter(|n| (2..64).contains(n))?)?;
        text.iter().all(|b| b.is_ascii_graphic()).then_some((text, at + 8 + text.len()))
    };
    let booster = name(136).and_then(|(_, end)| name(end)).map(|(text, _)| text);
    booster.is_some_and(|text| matches!(text, b"gbtree" | b"gblinear" | b"dart"))
}

fn pickled(head: &[u8]) -> Format {
    let joblib = memmem::find(head, b"joblib").is_some();
    model("application/x-pickle", if joblib { "joblib" } else { "pickle" })
}

/// A safetensors file: the length of its header, then the header, JSON. Gives the length of the whole file, where the
/// head holds the header.
///
/// ```text
/// | header length, little-endian (8) | {"name":{"dtype":…,"shape":…,"data_offsets":[from,to]},…} | tensors |
/// ```
#[must_use]
pub fn safetensors(head: &[u8]) -> Option<Option<u64>> {
    let (length, rest) = head.split_first_chunk::<8>()?;
    let length = u64::from_le_bytes(*length);
    if !(2..100_000_000).contains(&length) || !rest.starts_with(b"{\"") {
        return None;
    }
    let Some(header) = usize::try_from(length).ok().and_then(|n| rest.get(..n)) else {
        let tells = memmem::find(rest, b"data_offsets").is_some() || memmem::find(rest, b"__metadata__").is_some();
        return tells.then_some(None);
    };
    let mut end = 0;
    let mut at = 0;
    while let Some(found) = header.get(at..).and_then(|h| memmem::find(h, b"\"data_offsets\"")) {
        at += found + 14;
        let list = header.get(at..)?;
        let close = memchr::memchr(b']', list)?;
        let digits = list.get(..close)?.rsplit(|&b| b == b',').next()?;
        let number = std::str::from_utf8(digits).ok()?.trim().parse::<u64>().ok()?;
        end = end.max(number);
    }
    (end > 0).then_some(Some(8 + length + end))
}

fn text(head: &[u8]) -> Option<Format> {
    let start = head.trim_ascii_start();
    if start.starts_with(b"<") {
        let has = |needle: &[u8]| memmem::find(head, needle).is_some();
        if has(b"<net ") && has(b"<layers>") {
            return Some(model("text/xml", "openvino"));
        }
        if has(b"<PMML") {
            return Some(model("text/xml", "pmml"));
        }
        return Some(plain(if has(b"<html") || has(b"<HTML") { "text/html" } else { "text/xml" }));
    }
    let sample = head.get(..head.len().min(512))?;
    let printable = sample.iter().all(|&b| b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r'));
    if sample.is_empty() || !printable || std::str::from_utf8(sample).is_err_and(|e| e.valid_up_to() + 4 < sample.len())
    {
        return None;
    }
    Some(plain(match start.first() {
        Some(b'{' | b'[') => "application/json",
        _ if sample.split(|&b| b == b'\n').take(2).all(|l| l.contains(&b',')) => "text/csv",
        _ => "text/plain",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_their_first_bytes() {
        let onnx = b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x8a\x01\x0a\x10\x0a\x01x";
        let saved = [&b"\x08\x01\x12\xd5\x93\x01\x0a\x1c\x0a\x0c\x0a"[..], b"Const serve"].concat();
        let tensors = b"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
        let mut safe = (tensors.len() as u64).to_le_bytes().to_vec();
        safe.extend_from_slice(tensors);
        for (head, wanted) in [
            (&onnx[..], "onnx"),
            (&saved, "tensorflow"),
            (&safe, "safetensors"),
            (b"\x1c\0\0\0TFL3\0\0", "tflite"),
            (b"GGUF\x03\0\0\0", "gguf"),
            (b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x07sklearn", "pickle"),
            (b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x16joblib.numpy_pickle", "joblib"),
            (b"\x89HDF\r\n\x1a\n\0\0 keras_version", "keras"),
            (b"\x89HDF\r\n\x1a\n\0\0", "hdf5"),
            (b"tree\nversion=v4\n", "lightgbm"),
            (b"<?xml version=\"1.0\"?><net name=\"m\" version=\"11\"><layers>", "openvino"),
            (b"ccopy_reg\n_reconstructor\np0\n(c", "pickle"),
            (b"cos\nsystem\n(S'id'\ntR.", "pickle"),
            (b"(dp0\nS'a'\n", "pickle"),
            (b"closed\nopen\n", ""),
            (b"x\x9c\0\0", ""),
            (b"MZ\x90", ""),
            (b"hello, world", ""),
            (b"", ""),
            (b"\x08\x01", ""),
        ] {
            assert_eq!(recognise(head, b"").model, wanted, "{}", head.escape_ascii());
        }
        assert_eq!(safetensors(&safe), Some(Some(8 + tensors.len() as u64 + 8)));
    }
}
