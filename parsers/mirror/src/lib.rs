//! A mirror port's packets, live: AF_PACKET sockets with TPACKET_V3 rings. Nothing is ever sent.
//!
//! [`Ring`] is one socket, [`Live`] several interfaces as one stream in time order. All unsafe code of the project is
//! in the modules `sys` (system calls) and `map` (the memory shared with the kernel); both have safe faces, and each
//! block says why it is sound.

mod door;
mod error;
mod live;
#[allow(unsafe_code)]
mod map;
mod ring;
#[allow(unsafe_code)]
mod sys;

pub use door::{Door, serve};
pub use error::Error;
pub use live::{Facts, Live, Step};
pub use ring::{Packet, Ring, Settings, Statistics, group};
pub use sys::{drop_privileges, keep_listening};

/// One instruction of a classic BPF program: code, jump if true, jump if false, constant.
pub type Instruction = (u16, u8, u8, u32);
