//! mqtt.

pub mod rows;
