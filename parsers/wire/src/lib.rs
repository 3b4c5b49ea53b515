//! Bytes to typed rows. No I/O, no clock, no unsafe code: packets come in with their time, tables go out.
#![forbid(unsafe_code)]

pub mod anomaly;
pub mod behaviour;
pub mod columns;
pub mod community;
pub mod counters;
pub mod dissect;
pub mod dnp3;
pub mod limits;
pub mod modbus;
pub mod mqtt;
pub mod names;
pub mod opcua;
pub mod rows;
pub mod tcp;
pub mod tls;
