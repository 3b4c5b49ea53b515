//! Protocols told by name only.

pub(crate) mod reader;
