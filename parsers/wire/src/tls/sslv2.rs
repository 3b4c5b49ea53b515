//! Hellos of SSL 2.0: old clients offer newer versions in one, old servers answer with one.

use super::Tls;
use super::codes;
use crate::dissect::{Cx, Dir, Step};
use crate::names::reader::Reader;

/// Two bytes of record header and the fields up to the first variable one.
const FIXED: usize = 11;

/// Version and length of a client's hello (RFC 6101 appendix E.1):
///
/// ```text
///  0       2      3         5              7             9          11
/// +-------+------+---------+--------------+-------------+-----------+--------------------------------
/// | 8000+ | type | version | cipher specs | session id  | challenge | specs, session id, challenge
/// | length|  1   | 0002 or | length       | length      | length    |
/// |       |      | 03xx    |              |             |           |
/// +-------+------+---------+--------------+-------------+-----------+--------------------------------
/// ```
pub(super) fn client_hello(bytes: &[u8]) -> Option<(u16, usize)> {
    let mut at = Reader(bytes);
    let length = at.u16()?.checked_sub(0x8000)?;
    let (kind, version) = (at.u8()?, at.u16()?);
    let (specs, session, challenge) = (at.u16()?, at.u16()?, at.u16()?);
    let sum = 9 + u32::from(specs) + u32::from(session) + u32::from(challenge);
    let sane = specs > 0 && specs % 3 == 0 && matches!(session, 0 | 16) && (16..=32).contains(&challenge);
    let versions = matches!(version, codes::SSL2 | 0x0300..=0x0303);
    (kind == 1 && versions && sane && sum == u32::from(length)).then_some((version, 2 + usize::from(length)))
}

/// Certificate and length of a server's hello (draft-hickman-netscape-ssl-00 section 2.6):
///
/// ```text
///  0       2      3       4      5         7             9              11           13
/// +-------+------+-------+------+---------+-------------+--------------+------------+--------------
/// | 8000+ | type | id    | cert | version | certificate | cipher specs | connection | certificate,
/// | length|  4   | hit   | type | 0002    | length      | length       | id length  | specs, id
/// +-------+------+-------+------+---------+-------------+--------------+------------+--------------
/// ```
fn server_hello(bytes: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
    let mut at = Reader(bytes);
    let length = at.u16()?.checked_sub(0x8000)?;
    let (kind, hit, _, version) = (at.u8()?, at.u8()?, at.u8()?, at.u16()?);
    let (certificate, specs, id) = (at.u16()?, at.u16()?, at.u16()?);
    let sum = 11 + u32::from(certificate) + u32::from(specs) + u32::from(id);
    let sane = kind == 4 && hit <= 1 && version == codes::SSL2 && sum == u32::from(length);
    sane.then_some((13..13 + usize::from(certificate), 2 + usize::from(length)))
}

/// Whether fewer bytes than a header can be the start of such a hello.
pub(super) fn could_start(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|b| b & 0x80 != 0) && matches!(bytes.get(2), None | Some(1 | 4))
}

impl Tls {
    /// Reads a hello of SSL 2.0 at a side's very start; `None`: it is none.
    pub(super) fn old_hello(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Option<Step> {
        let side = self.sides.get(dir.index())?;
        if side.begun || !could_start(bytes) {
            return None;
        }
        let fixed = if dir == Dir::ToServer { FIXED } else { FIXED + 2 };
        if bytes.len() < fixed {
            return Some(Step::Need(fixed));
        }
        if let Some((version, length)) = client_hello(bytes).filter(|_| dir == Dir::ToServer) {
            if bytes.len() < length {
                return Some(Step::Need(length));
            }
            self.shake.old_client_hello(cx, version, length);
            return Some(self.old_record(dir, length));
        }
        let (certificate, length) = server_hello(bytes).filter(|_| dir == Dir::ToClient)?;
        if bytes.len() < length {
            return Some(Step::Need(length));
        }
        self.shake.old_server_hello(cx, bytes.get(certificate).unwrap_or_default(), length);
        self.old = true;
        Some(self.old_record(dir, length))
    }

    fn old_record(&mut self, dir: Dir, length: usize) -> Step {
        self.started = true;
        if let Some(side) = self.sides.get_mut(dir.index()) {
            side.begun = true;
        }
        Step::Took(length)
    }
}
