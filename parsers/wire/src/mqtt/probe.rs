//! Whose bytes are these? Strict, because almost any two bytes are the start of some control packet.

use super::codes;
use super::resync::{Known, Look, look};
use super::session::Layout;
use crate::dissect::Probe;

/// The registered port of MQTT in clear.
const PORT: u16 = 1883;
/// Packets that suffice on another port, where the session is picked up in the middle.
const ENOUGH: usize = 3;

/// Looks at the first bytes of a direction, sent from port `from` to port `to`.
///
/// CONNECT names the protocol and its sender is the client; CONNACK's is the server. In the middle of a
/// session whole packets must follow each other: one on port 1883, several on another port, of them one with a
/// topic. Who sends PUBLISH and acknowledgements is told by the ports only.
#[must_use]
pub fn probe(bytes: &[u8], from: u16, to: u16) -> Probe {
    let usual = from == PORT || to == PORT;
    let known = Known { dir: None, layout: Layout::Unknown };
    let (mut rest, mut sender) = (bytes, Sender::default());
    let (mut packets, mut strong) = (0, 0);
    while !rest.is_empty() {
        let total = match look(rest, known) {
            Look::No => return Probe::No,
            Look::More(_) => break,
            Look::Weak(total) => total,
            Look::Strong(total) => {
                strong += 1;
                total
            }
        };
        sender.see(rest.first().map_or(0, |b| b >> 4));
        packets += 1;
        if sender.certain {
            return Probe::Client;
        }
        let Some(next) = usize::try_from(total).ok().and_then(|n| rest.get(n..)) else { break };
        rest = next;
        if packets > 16 {
            break;
        }
    }
    // A lone CONNACK is four bytes of a very narrow shape.
    let enough = if usual { strong > 0 || packets > 0 } else { packets >= ENOUGH && strong > 0 };
    if enough || (sender.connack && bytes.len() >= 4) { sender.answer(from, to) } else { Probe::Unsure }
}

/// What the packets say about their sender.
#[derive(Debug, Default)]
struct Sender {
    certain: bool,
    connack: bool,
    client: bool,
    server: bool,
}

impl Sender {
    fn see(&mut self, kind: u8) {
        let packet = codes::of(kind);
        self.certain |= kind == codes::CONNECT;
        self.connack |= kind == codes::CONNACK;
        self.client |= !packet.server;
        self.server |= !packet.client;
    }

    fn answer(&self, from: u16, to: u16) -> Probe {
        match (self.client, self.server) {
            (true, true) => Probe::No,
            (true, false) => Probe::Client,
            (false, true) => Probe::Server,
            (false, false) if to == PORT && from != PORT => Probe::Client,
            (false, false) if from == PORT && to != PORT => Probe::Server,
            (false, false) => Probe::Either,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISH: &[u8] = b"\x30\x0a\x00\x06a/tempxy";

    #[test]
    fn the_start_of_a_session_is_certain_on_any_port() {
        let connect = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a";
        assert_eq!(probe(connect, 4000, 5000), Probe::Client);
        assert_eq!(probe(b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a", 1883, 5000), Probe::Client);
        assert_eq!(probe(&connect[..5], 4000, 5000), Probe::Unsure);
        let long = [b"\x10\xe8\x07\x00\x04MQTT\x05\xc2\x00\x3c".as_slice(), &[0; 900]].concat();
        assert_eq!(probe(&long, 4000, 5000), Probe::Client);
        assert_eq!(probe(b"\x20\x02\x00\x00", 5000, 4000), Probe::Server);
        assert_eq!(probe(b"\x10\x0d\x00\x04HTTP\x04\x02\x00\x3c\x00\x01a", 4000, 1883), Probe::No);
    }

    #[test]
    fn the_middle_of_a_session_needs_evidence() {
        assert_eq!(probe(PUBLISH, 4000, 1883), Probe::Client);
        assert_eq!(probe(PUBLISH, 1883, 4000), Probe::Server);
        assert_eq!(probe(PUBLISH, 4000, 5000), Probe::Unsure);
        assert_eq!(probe(&[PUBLISH, PUBLISH, PUBLISH].concat(), 4000, 5000), Probe::Either);
        assert_eq!(probe(&[PUBLISH, PUBLISH, b"\xc0\x00"].concat(), 4000, 5000), Probe::Client);
        assert_eq!(probe(b"\xc0\x00", 4000, 1883), Probe::Client);
        assert_eq!(probe(b"\xc0\x00", 4000, 5000), Probe::Unsure);
        assert_eq!(probe(b"\xc0\x00\xc0\x00\xc0\x00", 4000, 5000), Probe::Unsure);
        assert_eq!(probe(&PUBLISH[..8], 4000, 1883), Probe::Unsure);
    }

    #[test]
    fn others_are_not_taken() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a",
            b"\x05\x64\x05\xc0\x01\x00\x00\x04",
            b"SSH-2.0-OpenSSH",
            b"\x30\x0a\x00\x06a/#empxy",
            b"\x36\x0a\x00\x06a/tempxy",
            b"\x30\x84\x80\x80\x00\x00\x02ab",
            b"\x82\x08\x00\x00\x00\x03a/b\x00",
        ] {
            assert_eq!(probe(bytes, 1883, 1883), Probe::No, "{bytes:02x?}");
        }
    }
}
