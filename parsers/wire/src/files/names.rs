//! What a file's name promises, held against its content.

use super::format::Format;

/// What an extension promises, where the content can tell.
const PROMISES: &[(&str, &[&str])] = &[
    ("onnx", &["onnx"]),
    ("tflite", &["tflite"]),
    ("safetensors", &["safetensors"]),
    ("gguf", &["gguf"]),
    ("pt", &["pytorch", "pickle"]),
    ("pth", &["pytorch", "pickle"]),
    ("ckpt", &["pytorch", "pickle", "tensorflow"]),
    ("pkl", &["pickle", "joblib", "pytorch"]),
    ("pickle", &["pickle", "joblib"]),
    ("joblib", &["joblib", "pickle"]),
    ("h5", &["hdf5", "keras"]),
    ("hdf5", &["hdf5", "keras"]),
    ("keras", &["keras", "hdf5"]),
    ("ubj", &["xgboost"]),
    ("engine", &["tensorrt"]),
    ("plan", &["tensorrt"]),
];
/// Archives whose members may lie too deep to be seen; what they hold is not contradicted.
const ARCHIVES: &[&str] = &["application/zip", "application/x-tar", "application/gzip", "application/zlib"];
/// Extensions of what is no model.
const OTHERS: &[&str] =
    &["txt", "csv", "log", "html", "htm", "css", "js", "png", "jpg", "jpeg", "gif", "pdf", "conf", "ini", "md", "ico"];

/// Whether a name's extension says something else than the content.
#[must_use]
pub fn contradicts(name: &str, format: Format) -> bool {
    let Some((_, extension)) = name.rsplit_once('.') else { return false };
    let extension = extension.to_ascii_lowercase();
    if let Some((_, models)) = PROMISES.iter().find(|(e, _)| *e == extension) {
        return !(models.contains(&format.model) || (format.model.is_empty() && ARCHIVES.contains(&format.mime)));
    }
    // LightGBM's models are text, and called so.
    let plain = format.model == "lightgbm" && extension == "txt";
    OTHERS.contains(&&*extension)
        && !plain
        && (!format.model.is_empty()
            || matches!(format.mime, "application/x-elf" | "application/vnd.microsoft.portable-executable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lie() {
        let of = |model, mime| Format { mime, model };
        let (onnx, trees) = (of("onnx", "application/x-onnx"), of("lightgbm", "text/x-lightgbm"));
        assert!(!contradicts("wear.onnx", onnx) && contradicts("wear.csv", onnx) && contradicts("wear.tflite", onnx));
        assert!(
            !contradicts("model", onnx) && !contradicts("a.bin", onnx) && !contradicts("x.csv", of("", "text/csv"))
        );
        assert!(contradicts("m.onnx", of("", "application/x-elf")) && contradicts("m.onnx", Format::default()));
        assert!(
            !contradicts("model.txt", trees) && contradicts("model.log", trees) && !contradicts("m.onnx.tmp", onnx)
        );
        assert!(!contradicts("m.pt", of("", "application/zip")) && contradicts("m.pt", of("onnx", "application/zip")));
    }
}
