//! How long a PDU is by its function alone: what servers go by that do not look at the header's length, and
//! what frames a message on a serial line. Clauses as in the PDU's reader.

use super::codes::EXCEPTION;
use crate::dissect::Dir;

/// Length of the PDU at the start of `bytes`, when its function and the bytes at hand say it.
#[must_use]
pub fn extent(dir: Dir, bytes: &[u8]) -> Option<usize> {
    let code = *bytes.first()?;
    let counted = |at: usize| bytes.get(at).map(|&n| at + 1 + usize::from(n));
    match (dir, code) {
        (_, 5 | 6 | 8) => Some(5),
        (_, 22) => Some(7),
        (_, 21) => counted(1),
        (Dir::ToServer, 1..=4) | (Dir::ToClient, 11 | 15 | 16) => Some(5),
        (Dir::ToServer, 7 | 11 | 12 | 17) => Some(1),
        (Dir::ToServer, 15 | 16) => counted(5),
        (Dir::ToServer, 20) | (Dir::ToClient, 1..=4 | 12 | 17 | 20 | 23) => counted(1),
        (Dir::ToServer, 23) => counted(9),
        (Dir::ToServer, 24) => Some(3),
        (Dir::ToServer, 43) => (bytes.get(1) == Some(&14)).then_some(4),
        (Dir::ToClient, 7) => Some(2),
        (Dir::ToClient, 24) => bytes.get(1..3)?.try_into().ok().map(|n| 3 + usize::from(u16::from_be_bytes(n))),
        (Dir::ToClient, 43) => identification(bytes),
        (Dir::ToClient, c) if c & EXCEPTION != 0 => Some(2),
        _ => None,
    }
}

/// Response of 43/14: the objects say where it ends.
fn identification(bytes: &[u8]) -> Option<usize> {
    let count = *bytes.get(6).filter(|_| bytes.get(1) == Some(&14))?;
    (0..count).try_fold(7, |at: usize, _| Some(at + 2 + usize::from(*bytes.get(at + 1)?)))
}
