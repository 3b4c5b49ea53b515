//! ONNX and TensorFlow's SavedModel: protocol buffers without a magic number, told by the fields that stand first.
//!
//! ONNX `ModelProto`: 1 `ir_version`, 2 `producer_name`, 3 `producer_version`, 4 domain, 5 `model_version`, 6 doc, 7 graph,
//! 8 `opset_import`, 14 metadata, 20 training, 25 functions. `SavedModel`: 1 schema version (always 1), 2 meta graphs.

use memchr::memmem;

/// What the first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// `onnx` or `tensorflow`.
    pub model: &'static str,
    /// Bytes that the file has at least.
    pub least: u64,
}

/// Looks at an object's first bytes.
pub fn recognise(head: &[u8]) -> Option<Message> {
    let [0x08, version @ 1..=32, rest @ ..] = head else { return None };
    if let ([0x12, rest @ ..], 1) = (rest, version) {
        let (length, body) = varint(rest)?;
        // Its meta graph begins with its own info, whose first field is a version or a list of operations.
        let info = matches!(body, [0x0A, ..]) && memmem::find(body, b"serve").is_some();
        if length > 64 && (info || matches!(body, [0x0A, _, 0x12 | 0x0A | 0x1A | 0x22, ..])) {
            return Some(Message { model: "tensorflow", least: ends(head, body, length) });
        }
    }
    onnx(head, rest)
}

fn onnx(head: &[u8], mut at: &[u8]) -> Option<Message> {
    let mut evidence = 0;
    for _ in 0..16 {
        let Some((tag, body)) = varint(at) else { break };
        match (tag >> 3, tag & 7) {
            (5, 0) => at = varint(body)?.1,
            (field @ (2..=4 | 6 | 8 | 14), 2) => {
                let (length, body) = varint(body)?;
                let Some(text) = usize::try_from(length).ok().and_then(|n| body.get(..n)) else { break };
                if field < 6 && !text.iter().all(|b| (0x20..0x7F).contains(b)) {
                    return None;
                }
                evidence += 1;
                at = body.get(text.len()..)?;
            }
            // A graph: nodes first, or its name.
            (7, 2) => {
                let (length, body) = varint(body)?;
                let node = matches!(body, [0x0A | 0x12 | 0x2A | 0x5A, ..]);
                let found = Message { model: "onnx", least: ends(head, body, length) };
                return (node && length > 8).then_some(found);
            }
            _ => return None,
        }
    }
    (evidence > 1).then_some(Message { model: "onnx", least: 0 })
}

/// Where a field ends whose content begins with `body`, which is the rest of `head`.
fn ends(head: &[u8], body: &[u8], length: u64) -> u64 {
    (head.len() as u64).saturating_sub(body.len() as u64).saturating_add(length)
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
