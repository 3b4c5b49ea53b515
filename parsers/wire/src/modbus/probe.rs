//! Is it Modbus? The first bytes of a direction say so, ports only tip the scale.

use super::frame::{self, Found, HEADER, Header, Size, Units};
use super::rtu;
use crate::dissect::{Dir, Probe};

/// The registered port of Modbus.
const PORT: u16 = 502;
/// On its own port a stream that is out of step is given this many bytes to come into step.
const PATIENCE: usize = 1_024;
/// Bytes of PDU below which a shape proves nothing on a port that is not Modbus's.
const TELLING: usize = 5;

/// What the first bytes of a direction are, sent from port `from` to port `to`.
#[must_use]
pub fn probe(bytes: &[u8], from: u16, to: u16) -> Probe {
    if frame::foreign(bytes) {
        return Probe::No;
    }
    // RTU first: with its CRC it proves more than a header does.
    match (rtu::strict(Dir::ToServer, bytes), rtu::strict(Dir::ToClient, bytes)) {
        (true, false) => return Probe::Client,
        (false, true) => return Probe::Server,
        (true, true) if to == PORT => return Probe::Client,
        (true, true) if from == PORT => return Probe::Server,
        (true, true) => return Probe::Either,
        (false, false) => {}
    }
    match (from == PORT, to == PORT) {
        (false, false) => anywhere(bytes),
        (false, true) => expected(bytes, Dir::ToServer, Probe::Client),
        (true, false) => expected(bytes, Dir::ToClient, Probe::Server),
        (true, true) => match (expected(bytes, Dir::ToServer, Probe::Client), anywhere(bytes)) {
            (Probe::Client, by_shape @ (Probe::Client | Probe::Server)) => by_shape,
            (Probe::Client, _) => Probe::Either,
            (other, _) => other,
        },
    }
}

/// On port 502: a header will do. A stream picked up in the middle of a message gets some patience.
fn expected(bytes: &[u8], dir: Dir, answer: Probe) -> Probe {
    let Some(header) = Header::read(bytes) else { return Probe::Unsure };
    if header.protocol == 0 && header.size() != Size::Absurd {
        return answer;
    }
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match frame::search(dir, rest, &Units::default(), usize::MAX) {
            Found::Message => return answer,
            Found::Skip(n) => at += n,
            Found::Need(_) if bytes.len() >= PATIENCE => return Probe::No,
            Found::Need(_) => return Probe::Unsure,
        }
    }
}

/// On any port: whole messages only, all of them requests, or all of them responses, by their shape.
fn anywhere(bytes: &[u8]) -> Probe {
    let (mut request, mut response, mut told, mut rest) = (true, true, 0, bytes);
    while !rest.is_empty() {
        if rest.len() < HEADER + 1 {
            // Too short to judge: at least the protocol identifier must not speak against it.
            return if rest.iter().skip(2).take(2).all(|&b| b == 0) { Probe::Unsure } else { Probe::No };
        }
        let Some(header) = Header::read(rest).filter(|h| h.sound() && h.public()) else { return Probe::No };
        let Some(pdu) = rest.get(HEADER..header.total()) else { return Probe::Unsure };
        request &= frame::fits(Dir::ToServer, pdu);
        response &= frame::fits(Dir::ToClient, pdu);
        if !request && !response {
            return Probe::No;
        }
        told += pdu.len();
        rest = rest.get(header.total()..).unwrap_or_default();
    }
    match (request, response) {
        _ if told < TELLING => Probe::Unsure,
        (true, false) => Probe::Client,
        (false, true) => Probe::Server,
        _ => Probe::Either,
    }
}
