//! What a server says about itself: device identification (function 43/14) and server id (function 17).

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::read;
use super::transaction::PROTOCOL;
use crate::dissect::{Cx, FlowRef};
use crate::rows::SightingRow;

/// Shorter runs of text in a server id are chance.
const SHORTEST: usize = 4;

/// What was already told in this flow.
#[derive(Debug, Default)]
pub struct Identity {
    told: Vec<u64>,
}

/// Names of the objects (clause 6.21, table of object ids; 7 to 127 are reserved, from 128 on private).
fn field(object: u8) -> Option<&'static str> {
    match object {
        0 => Some("vendor"),
        1 => Some("model"),
        2 => Some("firmware"),
        3 => Some("vendor_url"),
        4 => Some("product"),
        5 => Some("model_name"),
        6 => Some("application"),
        _ => None,
    }
}

impl Identity {
    /// A response of function 43/14: its objects.
    pub fn objects(&mut self, cx: &mut Cx<'_>, pdu: &[u8]) {
        for (id, value) in read::objects(pdu) {
            if let Some(field) = field(id) {
                self.tell(cx, field, value);
            }
        }
    }

    /// A response of function 17 (clause 6.13): its layout is the device's own, so its longest text is taken.
    pub fn server_id(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        let runs = data.split(|b| !matches!(b, b' '..=b'~'));
        if let Some(text) = runs.max_by_key(|run| run.len()).filter(|run| run.len() >= SHORTEST) {
            self.tell(cx, "server_id", text);
        }
    }

    /// Writes a statement that is new to the flow.
    fn tell(&mut self, cx: &mut Cx<'_>, field: &'static str, value: &[u8]) {
        let cut = value.get(..usize::try_from(cx.limits.text_bytes).unwrap_or(usize::MAX)).unwrap_or(value);
        let text = String::from_utf8_lossy(cut);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        let hash = xxh3_64_with_seed(text.as_bytes(), xxh3_64_with_seed(field.as_bytes(), 0));
        let Err(place) = self.told.binary_search(&hash) else { return };
        if text.is_empty() || self.told.len() as u64 >= cx.limits.items {
            return;
        }
        self.told.insert(place, hash);
        cx.rows.sightings.push(SightingRow {
            ts: cx.ts,
            flow: FlowRef::NONE,
            borrow: std::marker::PhantomData,
            frame: cx.frame,
            ip: cx.ends.server,
            mac: "",
            vlan: 0,
            source: PROTOCOL,
            field,
            value: text,
        });
    }
}
