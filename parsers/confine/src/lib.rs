//! What a process gives up for good once it has what it needs: system calls (seccomp), files and networks (Landlock).
//! Whoever takes over a dissector finds a process that can begin no other, reach no machine and read little.
#![forbid(unsafe_code)]

mod calls;
mod files;
mod role;

use std::fmt;

pub use calls::give_up_calls;
pub use files::{Places, give_up_files};
pub use role::Role;

/// Why something could not be given up.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

fn told(error: impl fmt::Display) -> Error {
    Error(error.to_string())
}
