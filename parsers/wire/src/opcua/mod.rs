//! opcua.

pub mod rows;
