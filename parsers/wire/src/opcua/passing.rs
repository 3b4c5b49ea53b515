//! Values too large to be kept: a ByteString that is written or read in a message longer than the limit `message_bytes`
//! passes by, chunk for chunk, to see whether it is a model.

use super::bodies::{request_header, response_header};
use super::chunks::Key;
use super::nodes::node_id;
use super::read::{Read, Reader};
use super::services as ids;
use super::text::Out;
use crate::dissect::{Cx, Nanos};
use crate::files::{About, Series};

/// A value of which bytes are still to come.
#[derive(Debug)]
struct Open {
    key: Key,
    left: u64,
}

/// The large values of a flow, one a direction at a time.
#[derive(Debug, Default)]
pub struct Passing {
    open: [Option<Open>; 2],
    series: [Series; 2],
}

/// Where a value stands in the part of a body that is there.
struct Value {
    node: String,
    start: usize,
    length: u64,
    upload: bool,
}

impl Passing {
    /// A message became too long, of which this is the start. `asked`: the node that a Read request named first.
    pub fn begin(&mut self, cx: &mut Cx<'_>, key: Key, start: &[u8], asked: &str) {
        let mut r = Reader::new(start, cx.limits.nesting);
        let Ok(Some(value)) = value(&mut r, cx.limits.text_bytes, asked) else { return };
        let Value { node, start: at, length, upload } = value;
        let (Some(open), Some(series)) = (self.open.get_mut(key.0), self.series.get_mut(key.0)) else { return };
        if open.is_some() {
            return;
        }
        series.begin(&node, About { path: node.clone(), name: String::new(), carrier: "opcua", upload });
        *open = Some(Open { key, left: length });
        self.bytes(cx, key, start.get(at..).unwrap_or_default());
    }

    /// The next chunk of a message.
    pub fn bytes(&mut self, cx: &mut Cx<'_>, key: Key, bytes: &[u8]) {
        let (Some(place), Some(series)) = (self.open.get_mut(key.0), self.series.get_mut(key.0)) else { return };
        let Some(open) = place.as_mut().filter(|open| open.key == key) else { return };
        let n = usize::try_from(open.left).unwrap_or(usize::MAX).min(bytes.len());
        series.piece(cx, bytes.get(..n).unwrap_or_default());
        open.left -= n as u64;
        if open.left == 0 {
            series.close(cx);
            *place = None;
        }
    }

    /// Bytes of a direction were lost, or its message is over: what is missing of the value will not come.
    pub fn lose(&mut self, cx: &mut Cx<'_>, direction: usize, key: Option<Key>) {
        let (Some(place), Some(series)) = (self.open.get_mut(direction), self.series.get_mut(direction)) else {
            return;
        };
        if let Some(open) = place.take_if(|open| key.is_none_or(|key| key == open.key)) {
            series.lose(open.left);
            series.close(cx);
        }
    }

    pub fn waits(&self) -> bool {
        self.series.iter().any(Series::waits)
    }

    pub fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.series.iter_mut().for_each(|series| series.tick(cx, now));
    }

    pub fn end(&mut self, cx: &mut Cx<'_>) {
        self.lose(cx, 0, None);
        self.lose(cx, 1, None);
        self.series.iter_mut().for_each(|series| series.end(cx));
    }
}

/// The first value of a Write request or a Read response, if it is a ByteString.
fn value(r: &mut Reader<'_>, limit: u64, asked: &str) -> Read<Option<Value>> {
    let id = node_id(r)?.standard();
    let mut node = asked.to_owned();
    let upload = match id {
        ids::Write => {
            request_header(r)?;
            r.u32()?;
            node.clear();
            node_id(r)?.write(&mut Out::new(&mut node, limit));
            r.u32()?;
            r.string("index range")?;
            true
        }
        READ_RESPONSE => {
            response_header(r)?;
            r.u32()?;
            false
        }
        _ => return Ok(None),
    };
    let (mask, encoding, length) = (r.u8()?, r.u8()?, r.u32()?);
    let found = mask & 1 == 1 && encoding == 15 && i32::try_from(length).is_ok();
    Ok(found.then(|| Value { node, start: r.at(), length: length.into(), upload }))
}

/// Type id of a Read response.
const READ_RESPONSE: u32 = 634;
