//! Whether an object is all there, by what its own start and end say.

use memchr::memmem;

use super::format::{Format, safetensors};
use super::{archive, protobuf};

/// How an object's length compares with what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// It does not say.
    Unsaid,
    /// It is complete.
    Whole,
    /// Its end is missing.
    Short,
    /// More follows than belongs to it.
    Long,
}

impl Extent {
    fn of(wanted: u64, size: u64) -> Self {
        match size.cmp(&wanted) {
            std::cmp::Ordering::Equal => Self::Whole,
            std::cmp::Ordering::Less => Self::Short,
            std::cmp::Ordering::Greater => Self::Long,
        }
    }

    fn unless(short: bool) -> Self {
        if short { Self::Short } else { Self::Unsaid }
    }
}

/// Looks at an object of this format, size, first and last bytes.
pub fn extent(format: Format, head: &[u8], tail: &[u8], size: u64) -> Extent {
    let closes = |with: &[u8]| tail.trim_ascii_end().ends_with(with);
    let holds = |word: &[u8]| memmem::find(tail, word).is_some();
    match format.mime {
        "application/zip" | "application/x-npz" => {
            return if archive::ends(tail) { Extent::Whole } else { Extent::Short };
        }
        "application/x-hdf5" => return hdf5(head).map_or(Extent::Unsaid, |wanted| Extent::of(wanted, size)),
        // Two blocks of zeros at least (POSIX pax, "ustar Interchange Format"); writers fill up with more of them.
        "application/x-tar" => return Extent::unless(tail.len() < 1_024 || tail.iter().any(|&b| b != 0)),
        _ => {}
    }
    match (format.model, format.mime) {
        ("safetensors", _) => safetensors(head).flatten().map_or(Extent::Unsaid, |wanted| Extent::of(wanted, size)),
        ("onnx" | "tensorflow", _) => Extent::unless(protobuf::recognise(head).is_some_and(|m| m.least > size)),
        ("pickle" | "joblib", "application/x-pickle") => Extent::unless(tail.last() != Some(&b'.')),
        ("xgboost", "application/json") => Extent::unless(!closes(b"}")),
        ("lightgbm", _) => {
            Extent::unless(![&b"end of trees"[..], b"end of parameters", b"pandas_categorical"].into_iter().any(holds))
        }
        ("openvino", "text/xml") => Extent::unless(!closes(b"</net>")),
        _ => Extent::Unsaid,
    }
}

/// The end-of-file address in a superblock (HDF5 file format, section II.A): versions 0 and 1 after three addresses'
/// worth of fields, 2 and 3 after two; addresses of 8 octets, and the file's own bytes from its start on.
fn hdf5(head: &[u8]) -> Option<u64> {
    let at = match (head.get(8)?, head.get(13)?, head.get(9)?) {
        (0, 8, _) => 40,
        (1, 8, _) => 44,
        (2 | 3, _, 8) => 28,
        _ => return None,
    };
    head.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b)).filter(|&end| end != u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: &'static str, mime: &'static str, bytes: &[u8]) -> Extent {
        extent(Format { mime, model }, bytes, bytes, bytes.len() as u64)
    }

    #[test]
    fn objects_that_say_their_length_or_how_they_end() {
        let mut superblock = [0; 96];
        superblock[13] = 8;
        superblock[40] = 96;
        assert_eq!(of("hdf5", "application/x-hdf5", &superblock), Extent::Whole);
        assert_eq!(of("hdf5", "application/x-hdf5", &superblock[..90]), Extent::Short);
        assert_eq!(of("pickle", "application/x-pickle", b"\x80\x04N"), Extent::Short);
        assert_eq!(of("pickle", "application/x-pickle", b"\x80\x04N."), Extent::Unsaid);
        assert_eq!(of("xgboost", "application/json", b"{\"learner\":{}}\n"), Extent::Unsaid);
        assert_eq!(of("", "application/x-tar", &[0; 1_024]), Extent::Unsaid);
        assert_eq!(of("", "application/x-tar", &[1; 1_024]), Extent::Short);
        assert_eq!(of("", "application/zip", b"PK\x03\x04"), Extent::Short);
        assert_eq!(of("onnx", "application/x-onnx", b"\x08\x08\x12\x02tf\x3a\x7f\x0a\x01x"), Extent::Short);
    }
}
