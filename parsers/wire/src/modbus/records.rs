//! File records (clauses 6.14 and 6.15): files that are read or written record by record, put together.

use super::pairing::Key;
use super::pdu::Fields;
use crate::dissect::Cx;
use crate::files::{About, Series};

/// A record is one register.
const RECORD: u64 = 2;

/// The records of one answered transaction. `asked`: what the request named, its first group; `pdu`: the response.
pub fn answered(cx: &mut Cx<'_>, series: &mut [Series; 2], key: Key, asked: &Fields, pdu: &[u8]) {
    match pdu {
        [21, _, rest @ ..] => written(cx, series, key.unit, rest),
        // length (1), reference type (1), data: of the first group, whose place the request names.
        [20, _, length, 6, rest @ ..] => {
            let (Some(file), Some(record)) = (asked.sub_function, asked.address) else { return };
            let data = rest.get(..usize::from(*length).saturating_sub(1).min(rest.len())).unwrap_or_default();
            let [_, read] = series;
            add(cx, read, (key.unit, file), record, data, false);
        }
        _ => {}
    }
}

/// type (1) file (2) record (2) length (2) data, repeated.
fn written(cx: &mut Cx<'_>, series: &mut [Series; 2], unit: u8, mut rest: &[u8]) {
    let [written, _] = series;
    while let [6, f, g, r, s, l, m, behind @ ..] = rest {
        let length = 2 * usize::from(u16::from_be_bytes([*l, *m]));
        let Some((data, next)) = behind.split_at_checked(length) else { return };
        add(cx, written, (unit, u16::from_be_bytes([*f, *g])), u16::from_be_bytes([*r, *s]), data, true);
        rest = next;
    }
}

fn add(cx: &mut Cx<'_>, series: &mut Series, of: (u8, u16), record: u16, data: &[u8], upload: bool) {
    let path = format!("unit {} file {}", of.0, of.1);
    let about = || About { path: path.clone(), name: format!("file {}", of.1), carrier: "modbus", upload };
    series.append(cx, &path, u64::from(record) * RECORD, about, data);
}
