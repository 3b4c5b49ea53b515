//! Why an interface cannot be listened to. Each is one sentence: the interface, what is wrong, the mend.

use std::fmt;
use std::io;

/// Why an interface cannot be listened to.
#[derive(Debug)]
pub enum Error {
    /// There is no such interface.
    Unknown {
        /// Its name.
        interface: String,
    },
    /// The process may not open packet sockets.
    Forbidden {
        /// The interface's name.
        interface: String,
    },
    /// Its packets begin with something that is not read.
    LinkType {
        /// The interface's name.
        interface: String,
        /// The kernel's ARPHRD number.
        hardware: u16,
    },
    /// The kernel refuses a ring of this size.
    Memory {
        /// The interface's name.
        interface: String,
        /// Bytes of the ring.
        bytes: u64,
    },
    /// The filter is none that the kernel takes.
    Filter {
        /// The interface's name.
        interface: String,
        /// The kernel's words.
        source: io::Error,
    },
    /// What the process that owns the sockets said.
    Told(String),
    /// Another call failed.
    Call {
        /// The interface's name.
        interface: String,
        /// What was tried.
        what: &'static str,
        /// The kernel's words.
        source: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { interface } => {
                write!(f, "{interface}: there is no such interface: `ip link` lists those there are")
            }
            Self::Forbidden { interface } => write!(
                f,
                "{interface}: this user may not listen: give the process CAP_NET_RAW (AmbientCapabilities in its unit, \
                 or run as root)"
            ),
            Self::LinkType { interface, hardware } => write!(
                f,
                "{interface}: its packets are of hardware type {hardware}, which is not read: name an Ethernet interface"
            ),
            Self::Memory { interface, bytes } => write!(
                f,
                "{interface}: the kernel gives no ring of {} MiB: make ring_mib smaller or free memory",
                bytes / (1024 * 1024)
            ),
            Self::Filter { interface, source } => {
                write!(f, "{interface}: the kernel refuses the filter ({})", reason(source))
            }
            Self::Told(sentence) => f.write_str(sentence),
            Self::Call { interface, what, source } => write!(f, "{interface}: cannot {what} ({})", reason(source)),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Filter { source, .. } | Self::Call { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The system's words without its error number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
