//! Protocols told by name only.
