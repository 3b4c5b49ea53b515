//! Why a capture cannot be read at all. Each is one sentence: the file, what is wrong, the mend.

use std::fmt;
use std::io;

/// Why a capture cannot be read at all.
#[derive(Debug)]
pub enum Error {
    /// The file could not be opened or read.
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A directory was named instead of a file.
    Directory {
        /// The directory.
        path: String,
    },
    /// The file has no bytes.
    Empty {
        /// The file.
        path: String,
    },
    /// The file starts like a capture but ends before its first header does.
    HeaderCut {
        /// The file.
        path: String,
        /// Bytes there are.
        bytes: usize,
    },
    /// The file is no capture of a format that is read.
    NoCapture {
        /// The file.
        path: String,
        /// What it looks like.
        found: String,
    },
    /// More captures at once than a frame can name.
    TooMany {
        /// Captures named.
        captures: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                let mend = match source.kind() {
                    io::ErrorKind::NotFound => "check the path",
                    io::ErrorKind::PermissionDenied => "let this user read it (chmod, chown) or run as one who may",
                    _ => "check the file and its disk",
                };
                write!(f, "{path}: cannot be read ({}): {mend}", reason(source))
            }
            Self::Directory { path } => {
                write!(
                    f,
                    "{path}: is a directory: name the captures in it, for example {}/*.pcap",
                    path.trim_end_matches('/')
                )
            }
            Self::Empty { path } => write!(f, "{path}: is empty (0 bytes): capture or copy it again"),
            Self::HeaderCut { path, bytes } => {
                write!(f, "{path}: breaks off after {bytes} bytes, inside its first header: capture or copy it again")
            }
            Self::NoCapture { path, found } => write!(
                f,
                "{path}: is no pcap or pcapng file ({found}): if another tool's capture, convert it with `editcap -F pcapng`"
            ),
            Self::TooMany { captures } => {
                write!(
                    f,
                    "{captures} captures are more than the {} that one run can name: run it in parts",
                    usize::from(u16::MAX) + 1
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The system's words without its error number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
