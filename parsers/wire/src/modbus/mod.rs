//! modbus.

pub mod rows;
