//! Which protocol is this? Content decides; ports only say which reader is asked first.

use crate::dissect::{Dissector, Probe};
use crate::{dnp3, modbus, mqtt, names, opcua, tls};

/// Answer of [`recognise`].
pub enum Found {
    /// One of the protocols that are dissected, and what the sender is.
    Dissector(Box<dyn Dissector>, Probe),
    /// A protocol told by name only.
    Named(&'static str, Probe),
    /// More bytes could tell.
    Unsure,
    /// Nothing that we know.
    Nothing,
}

/// A protocol that is dissected: how it is recognised and read.
struct Reader {
    name: &'static str,
    ports: &'static [u16],
    /// Over TCP, over UDP.
    carriers: (bool, bool),
    probe: fn(&[u8], u16, u16) -> Probe,
    make: fn() -> Box<dyn Dissector>,
}

/// In order of how much their first bytes prove: a magic with a checksum first, Modbus, which has only
/// a zero and a length, last.
const READERS: &[Reader] = &[
    Reader {
        name: "dnp3",
        ports: &[20_000],
        carriers: (true, true),
        probe: dnp3::probe,
        make: || Box::new(dnp3::Dnp3::new()),
    },
    Reader {
        name: "opcua",
        ports: &[4840],
        carriers: (true, false),
        probe: opcua::probe,
        make: || Box::new(opcua::Opcua::new()),
    },
    Reader {
        name: "tls",
        ports: &[443, 802, 8883, 19_999, 4843],
        carriers: (true, false),
        probe: tls::probe,
        make: || Box::new(tls::Tls::new()),
    },
    Reader {
        name: "mqtt",
        ports: &[1883],
        carriers: (true, false),
        probe: mqtt::probe,
        make: || Box::new(mqtt::Mqtt::new()),
    },
    Reader {
        name: "modbus",
        ports: &[502],
        carriers: (true, true),
        probe: modbus::probe,
        make: || Box::new(modbus::Modbus::new()),
    },
];

/// A new dissector of a protocol whose messages show by themselves, wherever one begins to read.
#[must_use]
pub fn fresh(name: &str) -> Option<Box<dyn Dissector>> {
    READERS.iter().find(|r| r.name == name && r.name != "tls").map(|r| (r.make)())
}

/// The protocol that is at home on one of the ports. Nobody wonders at what else is spoken where TLS mostly is.
#[must_use]
pub fn at_home(from: u16, to: u16, datagram: bool) -> Option<&'static str> {
    let carried = |r: &&Reader| if datagram { r.carriers.1 } else { r.carriers.0 };
    let home = |r: &&Reader| r.name != "tls" && (r.ports.contains(&from) || r.ports.contains(&to));
    READERS.iter().filter(carried).find(home).map(|r| r.name)
}

/// Recognises the first bytes of a direction (or one datagram). `refused` names a protocol that said no before.
#[must_use]
pub fn recognise(bytes: &[u8], from: u16, to: u16, datagram: bool, refused: Option<&'static str>) -> Found {
    let mut unsure = false;
    let at_home = |r: &&Reader| r.ports.contains(&from) || r.ports.contains(&to);
    let may = |r: &&Reader| if datagram { r.carriers.1 } else { r.carriers.0 };
    let mut ask = |r: &Reader| {
        if refused == Some(r.name) {
            return None;
        }
        match (r.probe)(bytes, from, to) {
            Probe::No => None,
            Probe::Unsure => {
                unsure = true;
                None
            }
            sender => Some(Found::Dissector((r.make)(), sender)),
        }
    };
    if let Some(found) = READERS.iter().filter(may).filter(at_home).find_map(&mut ask) {
        return found;
    }
    // Modbus away from its port is asked after the names, which prove more.
    let away = |r: &&Reader| !at_home(r);
    let (weak, strong): (Vec<&Reader>, Vec<&Reader>) =
        READERS.iter().filter(may).filter(away).partition(|r| r.name == "modbus");
    if let Some(found) = strong.into_iter().find_map(&mut ask) {
        return found;
    }
    if let Some(named) = names::identify(bytes, from, to, datagram) {
        return Found::Named(named.app, named.sender);
    }
    if let Some(found) = weak.into_iter().find_map(&mut ask) {
        return found;
    }
    if unsure { Found::Unsure } else { Found::Nothing }
}
