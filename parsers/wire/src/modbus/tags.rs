//! Values of coils and registers as this flow has seen them: a row in `tag_values` for each change.
//!
//! Values are kept in pages of 32 neighbours, so that a poll whose values are all as before costs the
//! comparison of one or two slices. The first sight of a value is a change too: it is the value from then on.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::codes::Table;
use super::transaction::PROTOCOL;
use crate::anomaly::Kind;
use crate::dissect::Cx;
use crate::rows::TagValueRow;
use crate::words::{Known, Word};

/// Values of a page: as many as its mask has bits.
const PAGE: usize = 32;

#[derive(Debug)]
struct Page {
    /// Unit, table, and number of the page in the table.
    key: u32,
    /// Which values were seen.
    seen: u32,
    values: [u16; PAGE],
    /// Their names in `tag_values`.
    words: [Known; PAGE],
}

/// The last values of a flow.
#[derive(Debug, Default)]
pub struct Tags {
    pages: Vec<Page>,
    index: HashTable<u32>,
    hasher: crate::seed::Seeded,
    /// Where the next page is looked for first.
    next: usize,
    known: u64,
    full: bool,
    name: String,
    /// What a message has changed in a page: keys of tags, and values.
    changes: Vec<(i32, f64)>,
}

impl Tags {
    /// Takes note of values that begin at an address; those beyond the last address are none.
    pub fn update(&mut self, cx: &mut Cx<'_>, unit: u8, table: Table, address: u16, values: &[u16]) {
        let (mut at, mut rest) = (usize::from(address), values);
        while let Some(key) = key(unit, table, at).filter(|_| !rest.is_empty()) {
            let offset = at % PAGE;
            let (here, behind) = rest.split_at(rest.len().min(PAGE - offset));
            let Some(place) = self.page(cx, key) else { return };
            if !self.same(place, offset, here) {
                self.store(cx, place, offset, here);
            }
            at += here.len();
            rest = behind;
        }
    }

    /// The last value at an address, when one was seen.
    #[must_use]
    pub fn get(&self, unit: u8, table: Table, address: u16) -> Option<u16> {
        let page = self.pages.get(self.find(key(unit, table, address.into())?)?)?;
        let offset = usize::from(address) % PAGE;
        page.values.get(offset).copied().filter(|_| page.seen >> offset & 1 == 1)
    }

    fn find(&self, key: u32) -> Option<usize> {
        let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        let same = |&place: &u32| self.pages.get(at(place)).is_some_and(|p| p.key == key);
        self.index.find(self.hasher.hash_one(key), same).map(|&place| at(place))
    }

    /// The page of that key, a new one if there is room for its values.
    fn page(&mut self, cx: &mut Cx<'_>, key: u32) -> Option<usize> {
        // Polls repeat in the order they came in first, and so do their pages: most are found without the index.
        let guess = if self.next < self.pages.len() { self.next } else { 0 };
        let place = match self.pages.get(guess) {
            Some(page) if page.key == key => Some(guess),
            _ => self.find(key),
        };
        if let Some(place) = place {
            self.next = place + 1;
            return Some(place);
        }
        if self.known >= cx.limits.tags_per_flow {
            self.beyond(cx);
            return None;
        }
        let place = u32::try_from(self.pages.len()).ok()?;
        self.pages.push(Page { key, seen: 0, values: [0; PAGE], words: [Known::default(); PAGE] });
        let Self { pages, index, hasher, .. } = self;
        let hash = |&place: &u32| {
            let page = usize::try_from(place).ok().and_then(|place| pages.get(place));
            hasher.hash_one(page.map_or(0, |p| p.key))
        };
        index.insert_unique(hasher.hash_one(key), place, hash);
        usize::try_from(place).ok()
    }

    fn same(&self, place: usize, offset: usize, values: &[u16]) -> bool {
        let Some(page) = self.pages.get(place) else { return true };
        let mask = u32::MAX.checked_shr(u32::try_from(PAGE - values.len()).unwrap_or(0)).unwrap_or(0) << offset;
        page.seen & mask == mask && page.values.get(offset..offset + values.len()) == Some(values)
    }

    fn store(&mut self, cx: &mut Cx<'_>, place: usize, offset: usize, values: &[u16]) {
        let Some(page) = self.pages.get_mut(place) else { return };
        let mut beyond = false;
        let slots = (offset..).zip(values).zip(page.values.iter_mut().zip(&mut page.words).skip(offset));
        for ((bit, &value), (slot, word)) in slots {
            let seen = page.seen >> bit & 1 == 1;
            if seen && *slot == value {
                continue;
            }
            if !seen && self.known >= cx.limits.tags_per_flow {
                beyond = true;
                continue;
            }
            *slot = value;
            page.seen |= 1 << bit;
            self.known += u64::from(!seen);
            let key = cx.rows.tag_values.tag.key(word, || name(&mut self.name, page.key, bit));
            self.changes.push((key, value.into()));
        }
        self.write(cx);
        if beyond {
            self.beyond(cx);
        }
    }

    /// Writes the changes of one page, one row each.
    fn write(&mut self, cx: &mut Cx<'_>) {
        let Some((&(key, value), more)) = self.changes.split_first() else { return };
        cx.rows.tag_values.push(TagValueRow {
            ts: cx.ts,
            flow: cx.flow,
            borrow: std::marker::PhantomData,
            frame: cx.frame,
            source: PROTOCOL,
            tag: Word::Key(key),
            value: Some(value),
            text: "",
            quality: "good",
        });
        cx.rows.tag_values.more(more);
        self.changes.clear();
    }

    /// More tags than are kept: said once; those that are kept are still watched.
    fn beyond(&mut self, cx: &mut Cx<'_>) {
        if !self.full {
            self.full = true;
            let detail = format!("more than {} coils and registers: changes of further ones are not told", self.known);
            cx.anomaly(PROTOCOL, Kind::TooManyItems, &detail);
        }
    }
}

/// The tables that have tags, by their place in a key.
const TABLES: [Table; 4] = [Table::Coil, Table::DiscreteInput, Table::HoldingRegister, Table::InputRegister];

/// Key of the page of an address: `unit(8) table(2) page(11)`. None beyond the last address.
fn key(unit: u8, table: Table, address: usize) -> Option<u32> {
    let table = u32::try_from(TABLES.iter().position(|&t| t == table)?).ok()?;
    let page = u32::try_from(address / PAGE).ok().filter(|&page| page < 1 << 11)?;
    Some(u32::from(unit) << 13 | table << 11 | page)
}

/// Writes `u1/holding_register/100`.
fn name(out: &mut String, key: u32, offset: usize) -> &str {
    out.clear();
    out.push('u');
    number(out, key >> 13);
    out.push('/');
    let table = usize::try_from(key >> 11 & 3).ok().and_then(|t| TABLES.get(t));
    out.push_str(table.map_or("", |t| t.name()));
    out.push('/');
    number(out, (key & 0x7FF) * 32 + u32::try_from(offset).unwrap_or(0));
    out
}

fn number(out: &mut String, value: u32) {
    let mut divisor = 1;
    while value / divisor >= 10 {
        divisor *= 10;
    }
    while divisor > 0 {
        out.push(char::from_digit(value / divisor % 10, 10).unwrap_or('0'));
        divisor /= 10;
    }
}
