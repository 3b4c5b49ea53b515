//! tls.

pub mod rows;
