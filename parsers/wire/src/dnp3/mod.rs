//! dnp3.

pub mod rows;
