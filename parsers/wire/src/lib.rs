//! Bytes to typed rows. No I/O, no clock, no unsafe code: packets come in with their time, tables go out.
#![forbid(unsafe_code)]

pub mod anomaly;
pub mod app;
pub mod behaviour;
pub mod columns;
pub mod community;
pub mod counters;
pub mod decode;
pub mod dissect;
pub mod dnp3;
pub mod duplicates;
pub mod files;
pub mod flow;
pub mod flow_rows;
mod fragments;
mod holes;
pub mod ip;
pub mod lane;
mod legs;
pub mod limits;
mod link;
pub mod modbus;
pub mod mqtt;
pub mod names;
pub mod opcua;
mod pings;
pub mod pipeline;
mod radio;
pub mod recognise;
pub mod rows;
pub mod tag_rows;
pub mod tcp;
pub mod tls;
pub mod transport;
mod tunnel;
pub mod words;
pub mod worker;
