//! The last value of each tag, in bounded memory.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use crate::seed::Seeded;
use crate::words::Known;

/// Last values in two generations: when the young one holds half the limit it becomes the old one, and what was
/// old is forgotten. A tag that comes again after that is reported as if it had changed: nothing is lost.
#[derive(Debug, Default)]
pub struct Tags {
    young: HashTable<Last>,
    old: HashTable<Last>,
    /// Names come from the wire, and their hashes have no secret.
    hasher: Seeded,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    key: u64,
    raw: u64,
    bits: Option<u64>,
    name: Named,
}

/// What is known of a tag's name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Named {
    /// Its key in the column of tags.
    pub word: Known,
    /// No secret's, read with a document's name of so many bytes and one; 0: not looked at.
    pub open: u32,
}

impl Tags {
    /// Notes a tag's value (`key`: hash of its name, `raw`: hash of the value's bytes) and tells whether it differs
    /// from the last one. Where the bytes differ `bits` tells whether the number does: `21.5` and `21.50` do not.
    pub fn changed(&mut self, limit: u64, key: u64, raw: u64, bits: impl FnOnce() -> Option<u64>) -> bool {
        if let Some(last) = self.young.find_mut(self.hasher.hash_one(key), |last| last.key == key) {
            if last.raw == raw {
                return false;
            }
            last.raw = raw;
            let before = std::mem::replace(&mut last.bits, bits());
            return before.is_none() || before != last.bits;
        }
        let known =
            self.old.find_entry(self.hasher.hash_one(key), |last| last.key == key).ok().map(|entry| entry.remove().0);
        let now = match known {
            Some(last) if last.raw == raw => last,
            _ => Last { key, raw, bits: bits(), name: known.map(|last| last.name).unwrap_or_default() },
        };
        if self.young.len() as u64 >= (limit / 2).max(1) {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        let hasher = &self.hasher;
        self.young.insert_unique(hasher.hash_one(key), now, |last| hasher.hash_one(last.key));
        known.is_none_or(|last| last.raw != raw && (last.bits.is_none() || last.bits != now.bits))
    }

    /// Forgets a tag.
    pub fn forget(&mut self, key: u64) {
        for generation in [&mut self.young, &mut self.old] {
            if let Ok(entry) = generation.find_entry(self.hasher.hash_one(key), |last| last.key == key) {
                entry.remove();
            }
        }
    }

    /// Notes of a tag's value what [`Tags::marked`] tells until it changes.
    pub fn mark(&mut self, key: u64) {
        if let Some(last) = self.young.find_mut(self.hasher.hash_one(key), |last| last.key == key) {
            last.bits = Some(1);
        }
    }

    /// Whether a tag whose value has no number is marked.
    #[must_use]
    pub fn marked(&self, key: u64) -> bool {
        let is = |generation: &HashTable<Last>| {
            generation.find(self.hasher.hash_one(key), |last| last.key == key).is_some_and(|l| l.bits == Some(1))
        };
        is(&self.young) || is(&self.old)
    }

    /// What is known of the name of a tag that has just changed.
    pub fn name(&mut self, key: u64) -> Option<&mut Named> {
        self.young.find_mut(self.hasher.hash_one(key), |last| last.key == key).map(|last| &mut last.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_told() {
        let mut tags = Tags::default();
        assert!(tags.changed(100, 1, 10, || Some(7)));
        assert!(!tags.changed(100, 1, 10, || Some(7)));
        assert!(!tags.changed(100, 1, 11, || Some(7)), "another spelling of the same number");
        assert!(tags.changed(100, 1, 12, || Some(8)));
        assert!(tags.changed(100, 2, 10, || None));
        assert!(tags.changed(100, 2, 11, || None));
    }

    #[test]
    fn a_mark_holds_until_the_value_changes() {
        let mut tags = Tags::default();
        assert!(tags.changed(100, 1, 10, || None) && !tags.marked(1));
        tags.mark(1);
        assert!(!tags.changed(100, 1, 10, || None) && tags.marked(1));
        assert!(tags.changed(100, 1, 11, || None) && !tags.marked(1));
        tags.forget(1);
        assert!(tags.changed(100, 1, 11, || None));
    }

    #[test]
    fn memory_is_bounded_and_what_is_forgotten_is_told_again() {
        let mut tags = Tags::default();
        for key in 0..1_000 {
            assert!(tags.changed(10, key, 1, || None));
            assert!(tags.young.len() + tags.old.len() <= 10);
        }
        assert!(!tags.changed(10, 999, 1, || None));
        assert!(!tags.changed(10, 994, 1, || None), "the old generation is still known");
        assert!(tags.changed(10, 3, 1, || None));
    }
}
