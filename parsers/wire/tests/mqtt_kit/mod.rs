//! Builders of MQTT packets, written out from the standard.
#![allow(dead_code)]

pub mod capture;

pub fn varint(mut n: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (n % 128) as u8;
        n /= 128;
        out.push(if n > 0 { byte | 0x80 } else { byte });
        if n == 0 {
            return out;
        }
    }
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first][..], &varint(body.len()), body].concat()
}

pub fn text(s: impl AsRef<[u8]>) -> Vec<u8> {
    let s = s.as_ref();
    [&(s.len() as u16).to_be_bytes()[..], s].concat()
}

/// A property section.
pub fn section(properties: &[u8]) -> Vec<u8> {
    [varint(properties.len()), properties.to_vec()].concat()
}

/// CONNECT without will and credentials.
pub fn connect(level: u8, client: &str) -> Vec<u8> {
    let name = if level == 3 { "MQIsdp" } else { "MQTT" };
    let properties = if level >= 5 { section(&[]) } else { Vec::new() };
    packet(0x10, &[text(name), vec![level, 2, 0, 60], properties, text(client)].concat())
}

/// PUBLISH of MQTT 3; `first` holds the flags.
pub fn publish(first: u8, topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
    let id = if first & 6 == 0 { Vec::new() } else { id.to_be_bytes().to_vec() };
    packet(first, &[text(topic), id, payload.to_vec()].concat())
}

/// PUBLISH of MQTT 5.
pub fn publish5(first: u8, topic: &str, id: u16, properties: &[u8], payload: &[u8]) -> Vec<u8> {
    let id = if first & 6 == 0 { Vec::new() } else { id.to_be_bytes().to_vec() };
    packet(first, &[text(topic), id, section(properties), payload.to_vec()].concat())
}

/// SUBSCRIBE of MQTT 3.
pub fn subscribe(id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    for (filter, options) in filters {
        body.extend(text(filter));
        body.push(*options);
    }
    packet(0x82, &body)
}

/// The four packets of an acknowledgement and SUBACK: identifier and what follows.
pub fn ack(first: u8, id: u16, rest: &[u8]) -> Vec<u8> {
    packet(first, &[&id.to_be_bytes()[..], rest].concat())
}
