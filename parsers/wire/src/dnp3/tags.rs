//! What points become: a `tag_values` row when a value or its quality changed, and what an outstation's
//! device attributes say about the host.

use std::hash::BuildHasher as _;
use std::marker::PhantomData;

use hashbrown::HashTable;

use super::PROTOCOL;
use super::objects::point_type;
use super::points::{ONLINE, Points};
use super::reader::push_number;
use crate::anomaly::Kind;
use crate::dissect::{Cx, FlowRef};
use crate::rows::{SightingRow, TagValueRow};
use crate::words::{Known, Word};

/// What the points of a group have in common.
#[derive(Debug, Clone, Copy)]
struct Class {
    /// The static group that stands for a point, whichever way it is reported; 0: no measured point.
    group: u8,
    /// Whether the group reports events: each is a change.
    event: bool,
    /// The bits of the flags that are quality and not state.
    quality: u8,
    /// A tag's key without the index.
    base: u64,
}

impl Class {
    fn of(reported: u8, outstation: u16) -> Self {
        let group = match reported {
            1 | 2 => 1,
            3 | 4 => 3,
            10 | 11 => 10,
            20 | 22 => 20,
            21 | 23 => 21,
            30 | 32 => 30,
            31 | 33 => 31,
            34 => 34,
            40 | 42 => 40,
            101 => 101,
            102 => 102,
            110 | 111 => 110,
            114 | 115 => 114,
            _ => 0,
        };
        let quality = match group {
            1 | 10 => 0x7F,
            3 => 0x3F,
            _ => 0xFF,
        };
        Self {
            group,
            event: matches!(reported, 2 | 4 | 11 | 22 | 23 | 32 | 33 | 42 | 111 | 115),
            quality,
            base: u64::from(outstation) << 40 | u64::from(group) << 32,
        }
    }
}

/// Writes the quality's names, in the order of their bits (clause 11.6); `good` for ONLINE alone.
fn push_quality(out: &mut String, group: u8, flags: u8) {
    if matches!(group, 34 | 110 | 114) || flags == ONLINE {
        out.push_str("good");
        return;
    }
    let special = match group {
        1 | 3 => ["chatter_filter", "reserved_6"],
        10 => ["reserved_5", "reserved_6"],
        20 | 21 => ["rollover", "discontinuity"],
        _ => ["over_range", "reference_error"],
    };
    if flags & ONLINE == 0 {
        out.push_str("offline");
    }
    let [five, six] = special;
    for (bit, name) in
        ["restart", "comm_lost", "remote_forced", "local_forced", five, six, "reserved_7"].into_iter().enumerate()
    {
        if flags >> (bit + 1) & 1 == 1 {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(name);
        }
    }
}

/// Writes `10/analog_input/3`: outstation, type and index.
fn name(out: &mut String, (outstation, group, index): (u16, u8, u32)) -> &str {
    out.clear();
    push_number(out, u32::from(outstation));
    out.push('/');
    out.push_str(point_type(group));
    out.push('/');
    push_number(out, index);
    out
}

#[derive(Debug)]
struct Tag {
    /// Outstation, static group, index.
    key: u64,
    /// The value's bits, or the hash of its text.
    value: u64,
    quality: u8,
    /// Its name in `tag_values`.
    word: Known,
}

/// The last value of each point of a flow.
#[derive(Debug, Default)]
pub struct Tags {
    tags: Vec<Tag>,
    places: HashTable<u32>,
    hasher: crate::seed::Seeded,
    /// Where the next point is looked for first: polls repeat in the same order.
    next: usize,
    /// The limit was reached and said.
    full: bool,
    /// Hash of the last value of each device attribute that names the host.
    known: [u64; 5],
    scratch: [String; 2],
}

impl Tags {
    /// Writes a row for each point of an outstation that changed.
    pub fn update(&mut self, cx: &mut Cx<'_>, outstation: u16, points: &Points) {
        let plain = points.texts.is_empty();
        let mut kind = Class::of(0, outstation);
        let mut last = 0;
        let columns = points.group.iter().zip(&points.index).zip(&points.value).zip(&points.flags).enumerate();
        for (point, (((&group, &index), &value), &flags)) in columns {
            if group != last {
                (kind, last) = (Class::of(group, outstation), group);
            }
            let key = kind.base | u64::from(index);
            let quality = flags & kind.quality;
            let same = |t: &Tag| t.key == key && t.value == value.to_bits() && t.quality == quality;
            if plain && self.tags.get(self.next).is_some_and(same) && !kind.event {
                self.next += 1; // the everyday case: the poll is the one before, and nothing changed
                continue;
            }
            if kind.group == 0 {
                if group == 0 {
                    self.attribute(cx, points, point);
                }
                continue;
            }
            let text = points.text(point);
            let bits = if text.is_empty() { value.to_bits() } else { self.hasher.hash_one(text) };
            if self.changed(cx, key, bits, quality) || kind.event {
                self.write(cx, key, (outstation, group, index), (value, text), (kind.group, quality));
            }
        }
    }

    /// Remembers a value; whether it differs from the one before, or is the first.
    fn changed(&mut self, cx: &mut Cx<'_>, key: u64, value: u64, quality: u8) -> bool {
        let Self { tags, places, hasher, next, .. } = self;
        let at = |i: u32| usize::try_from(i).unwrap_or(usize::MAX);
        let place = if tags.get(*next).is_some_and(|t| t.key == key) {
            Some(*next)
        } else {
            places.find(hasher.hash_one(key), |&i| tags.get(at(i)).is_some_and(|t| t.key == key)).map(|&i| at(i))
        };
        if let Some(tag) = place.and_then(|p| tags.get_mut(p)) {
            *next = place.unwrap_or(0) + 1;
            let changed = tag.value != value || tag.quality != quality;
            (tag.value, tag.quality) = (value, quality);
            return changed;
        }
        if tags.len() as u64 >= cx.limits.tags_per_flow {
            if !std::mem::replace(&mut self.full, true) {
                cx.anomaly(
                    PROTOCOL,
                    Kind::TooManyItems,
                    "more points than are remembered: only events of further ones are told",
                );
            }
            return false;
        }
        if let Ok(number) = u32::try_from(tags.len()) {
            *next = tags.len() + 1;
            tags.push(Tag { key, value, quality, word: Known::default() });
            places.insert_unique(hasher.hash_one(key), number, |&i| {
                tags.get(at(i)).map_or(0, |t| hasher.hash_one(t.key))
            });
        }
        true
    }

    fn write(&mut self, cx: &mut Cx<'_>, key: u64, point: (u16, u8, u32), value: (f64, &str), quality: (u8, u8)) {
        let [tag, names] = &mut self.scratch;
        // The point that was looked at last; none where it found no room.
        let known = self.next.checked_sub(1).and_then(|place| self.tags.get_mut(place));
        let tag = match known.filter(|known| known.key == key) {
            Some(known) => cx.rows.tag_values.tag.word(&mut known.word, || name(tag, point)),
            None => Word::Text(name(tag, point)),
        };
        names.clear();
        push_quality(names, quality.0, quality.1);
        let (number, text) = value;
        let text = match text {
            "" if number.is_nan() && quality.0 < 110 => "nan",
            "" if number.is_infinite() => "infinite",
            text => text,
        };
        cx.rows.tag_values.push(TagValueRow {
            ts: cx.ts,
            flow: cx.flow,
            borrow: PhantomData,
            frame: cx.frame,
            source: PROTOCOL,
            tag,
            value: number.is_finite().then_some(number),
            text,
            quality: names,
        });
    }

    /// A device attribute of the standard's own set (A.1): who made the host, and what it is.
    fn attribute(&mut self, cx: &mut Cx<'_>, points: &Points, point: usize) {
        let field = match points.variation.get(point) {
            Some(252) => (0, "vendor"),
            Some(250) => (1, "model"),
            Some(248) => (2, "serial"),
            Some(247) => (3, "hostname"),
            Some(242) => (4, "firmware"),
            _ => return,
        };
        let value = points.text(point);
        let hash = self.hasher.hash_one(value);
        let Some(known) = self.known.get_mut(field.0) else { return };
        if value.is_empty() || points.index.get(point) != Some(&0) || std::mem::replace(known, hash) == hash {
            return;
        }
        cx.rows.sightings.push(SightingRow {
            ts: cx.ts,
            flow: FlowRef::NONE,
            borrow: PhantomData,
            frame: cx.frame,
            ip: cx.ends.server,
            mac: "",
            vlan: 0,
            source: PROTOCOL,
            field: field.1,
            value,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualities() {
        let of = |group, flags| {
            let mut out = String::new();
            push_quality(&mut out, group, flags);
            out
        };
        assert_eq!(of(30, 0x01), "good");
        assert_eq!(of(30, 0x00), "offline");
        assert_eq!(of(30, 0x21), "over_range");
        assert_eq!(of(1, 0x04), "offline comm_lost");
        assert_eq!(of(20, 0x43), "restart discontinuity");
        assert_eq!(of(1, 0x3F), "restart comm_lost remote_forced local_forced chatter_filter");
        assert_eq!(of(110, 0), "good");
    }
}
