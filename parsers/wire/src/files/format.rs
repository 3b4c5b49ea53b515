//! What an object is, by its content: its first bytes, its last, and its length. A name decides nothing here; that a
//! name says something else is what [`contradicts`] tells.

use memchr::memmem;

use super::zip;

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
    (257, b"ustar", plain("application/x-tar")),
    (0, b"SQLite format 3\0", plain("application/vnd.sqlite3")),
];

/// Looks at an object's first bytes.
#[must_use]
pub fn recognise(head: &[u8]) -> Format {
    for &(at, magic, format) in MAGIC {
        if head.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
            return format;
        }
    }
    if head.starts_with(b"PK\x03\x04") {
        return archive(head);
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
    protobuf(head).or_else(|| text(head)).unwrap_or_default()
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
            | [b'{', b'L', ..]
            | [b't', b'r', b'e', b'e', b'\n', ..]
            | [0x80 | 0x89 | 0x08 | b'P' | b'G' | b'C' | b'b' | b'f' | b'p' | b'<', _, _, _, ..]
    )
}

fn archive(head: &[u8]) -> Format {
    let names = zip::members(head);
    let has = |wanted: &str| names.iter().any(|n| n.rsplit('/').next() == Some(wanted));
    if has("data.pkl") || has("constants.pkl") {
        return model("application/zip", "pytorch");
    }
    let keras = has("model.weights.h5") || (has("metadata.json") && memmem::find(head, b"keras_version").is_some());
    if keras || (has("metadata.json") && has("config.json")) {
        return model("application/zip", "keras");
    }
    if names.iter().any(|n| n.rsplit_once('.').is_some_and(|(_, e)| e == "npy")) {
        return plain("application/x-npz");
    }
    plain("application/zip")
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

/// ONNX and TensorFlow's SavedModel are protocol buffers without a magic number: the fields that stand first tell.
///
/// ONNX `ModelProto`: 1 `ir_version`, 2 `producer_name`, 3 `producer_version`, 4 domain, 5 `model_version`, 6 doc, 7 graph,
/// 8 `opset_import`, 14 metadata, 20 training, 25 functions. `SavedModel`: 1 schema version (always 1), 2 meta graphs.
fn protobuf(head: &[u8]) -> Option<Format> {
    let [0x08, version @ 1..=32, rest @ ..] = head else { return None };
    if let ([0x12, rest @ ..], 1) = (rest, version) {
        let (length, body) = varint(rest)?;
        // Its meta graph begins with its own info, whose first field is a version or a list of operations.
        if length > 64 && matches!(body, [0x0A, ..]) && memmem::find(body, b"serve").is_some() {
            return Some(model("application/x-protobuf", "tensorflow"));
        }
        if length > 64 && matches!(body, [0x0A, _, 0x12 | 0x0A | 0x1A | 0x22, ..]) {
            return Some(model("application/x-protobuf", "tensorflow"));
        }
    }
    let onnx = Some(model("application/x-onnx", "onnx"));
    let (mut at, mut evidence) = (rest, 0);
    for _ in 0..16 {
        let Some((tag, body)) = varint(at) else { break };
        let (field, wire) = (tag >> 3, tag & 7);
        match (field, wire) {
            (5, 0) => at = varint(body)?.1,
            (2..=4 | 6 | 8 | 14, 2) => {
                let (length, body) = varint(body)?;
                let length = usize::try_from(length).ok()?;
                let Some(text) = body.get(..length) else { break };
                if field < 6 && !text.iter().all(|b| (0x20..0x7F).contains(b)) {
                    return None;
                }
                evidence += 1;
                at = body.get(length..)?;
            }
            // A graph: nodes first, or its name.
            (7, 2) => {
                let (length, body) = varint(body)?;
                let node = matches!(body, [0x0A | 0x12 | 0x2A | 0x5A, ..]);
                return if node && length > 8 { onnx } else { None };
            }
            _ => return None,
        }
    }
    if evidence > 1 { onnx } else { None }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(i + 1..)?));
        }
    }
    None
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

/// What a file's extension promises, where its content can tell.
const PROMISES: &[(&str, &[&str])] = &[
    ("onnx", &["onnx"]),
    ("tflite", &["tflite"]),
    ("safetensors", &["safetensors"]),
    ("gguf", &["gguf"]),
    ("pt", &["pytorch", "pickle"]),
    ("pth", &["pytorch", "pickle"]),
    ("ckpt", &["pytorch", "pickle"]),
    ("pkl", &["pickle", "joblib", "pytorch"]),
    ("pickle", &["pickle", "joblib"]),
    ("h5", &["hdf5", "keras"]),
    ("hdf5", &["hdf5", "keras"]),
    ("keras", &["keras", "hdf5"]),
    ("engine", &["tensorrt"]),
    ("plan", &["tensorrt"]),
];
/// Extensions of what is no model.
const OTHERS: &[&str] = &[
    "txt", "csv", "log", "html", "htm", "css", "js", "png", "jpg", "jpeg", "gif", "pdf", "conf", "ini", "md", "tmp",
    "ico",
];

/// Whether a name's extension says something else than the content.
#[must_use]
pub fn contradicts(name: &str, format: Format) -> bool {
    let Some((_, extension)) = name.rsplit_once('.') else { return false };
    let extension = extension.to_ascii_lowercase();
    if let Some((_, models)) = PROMISES.iter().find(|(e, _)| *e == extension) {
        // A zip may be a model whose members the head does not show.
        return !(models.contains(&format.model)
            || (format.mime == "application/zip" && matches!(&*extension, "pt" | "pth" | "keras")));
    }
    OTHERS.contains(&&*extension)
        && (!format.model.is_empty()
            || matches!(format.mime, "application/x-elf" | "application/vnd.microsoft.portable-executable"))
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
            (b"MZ\x90", ""),
            (b"hello, world", ""),
            (b"", ""),
            (b"\x08\x01", ""),
        ] {
            assert_eq!(recognise(head).model, wanted, "{}", head.escape_ascii());
        }
        assert_eq!(safetensors(&safe), Some(Some(8 + tensors.len() as u64 + 8)));
    }

    #[test]
    fn names_that_lie() {
        let onnx = model("application/x-onnx", "onnx");
        assert!(!contradicts("wear.onnx", onnx) && contradicts("wear.csv", onnx) && contradicts("wear.tflite", onnx));
        assert!(!contradicts("model", onnx) && !contradicts("a.bin", onnx) && !contradicts("x.csv", plain("text/csv")));
        assert!(contradicts("m.onnx", plain("application/x-elf")) && contradicts("m.onnx", Format::default()));
    }
}
