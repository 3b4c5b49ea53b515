//! What packets say about hosts: addresses, names, makers, models. Rows of `sightings`, which belong to no flow.

mod dhcp;
mod link;
mod told;

pub use dhcp::dhcp;
pub use link::{arp, lldp, profinet_dcp};
pub use told::told;

use crate::dissect::{FlowRef, Frame, Nanos};
use crate::rows::{Rows, SightingRow};

/// An address that is not known.
const NO_IP: [u8; 16] = [0; 16];
/// Bytes kept of a value.
const VALUE: usize = 256;

/// Where and of whom something was read.
#[derive(Debug, Clone, Copy)]
struct Host<'a> {
    ts: Nanos,
    frame: Frame,
    vlan: u16,
    source: &'a str,
    ip: [u8; 16],
    mac: Option<[u8; 6]>,
}

impl Host<'_> {
    /// Writes a row, unless the value is empty.
    fn says(&self, rows: &mut Rows, field: &str, value: &str) {
        let mut text = [0; 17];
        let mac = self.mac.map_or("", |mac| mac_text(mac, &mut text));
        let value = value.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if value.is_empty() {
            return;
        }
        let mut end = value.len().min(VALUE);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        rows.sightings.push(SightingRow {
            ts: self.ts,
            flow: FlowRef::NONE,
            borrow: std::marker::PhantomData,
            frame: self.frame,
            ip: self.ip,
            mac,
            vlan: self.vlan,
            source: self.source,
            field,
            value: value.get(..end).unwrap_or_default(),
        });
    }

    /// Writes a row whose value is bytes from the wire.
    fn says_bytes(&self, rows: &mut Rows, field: &str, value: &[u8]) {
        let value = value.get(..value.len().min(VALUE)).unwrap_or_default();
        self.says(rows, field, &String::from_utf8_lossy(value));
    }
}

/// `aa:bb:cc:dd:ee:ff`, written into `out`.
pub fn mac_text(mac: [u8; 6], out: &mut [u8; 17]) -> &str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| DIGITS.get(usize::from(n)).copied().unwrap_or(b'0');
    for (text, byte) in out.chunks_mut(3).zip(mac) {
        for (to, from) in text.iter_mut().zip([digit(byte >> 4), digit(byte & 15), b':']) {
            *to = from;
        }
    }
    std::str::from_utf8(out).unwrap_or_default()
}

/// An IPv4 address mapped into IPv6.
fn mapped(v4: [u8; 4]) -> [u8; 16] {
    std::net::Ipv4Addr::from(v4).to_ipv6_mapped().octets()
}
