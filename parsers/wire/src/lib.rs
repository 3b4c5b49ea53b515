//! Bytes to typed rows. No I/O, no clock, no unsafe code: packets come in with their time, tables go out.
#![forbid(unsafe_code)]

pub mod anomaly;
pub mod behaviour;
pub mod columns;
pub mod community;
pub mod counters;
pub mod decode;
pub mod dissect;
pub mod dnp3;
pub mod duplicates;
mod fragments;
pub mod ip;
pub mod limits;
mod link;
pub mod modbus;
pub mod mqtt;
pub mod names;
pub mod opcua;
mod radio;
pub mod rows;
pub mod tcp;
pub mod tls;
mod tunnel;
