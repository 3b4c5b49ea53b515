//! What client handles stand for: the node ids of a flow's monitored items.

use hashbrown::HashTable;

/// Subscription and client handle.
pub type Key = (u32, u32);

#[derive(Debug)]
struct Entry {
    key: Key,
    node: String,
}

/// The monitored items of a flow. Deleted ones stay until others displace them: their handles are
/// not reported any more, and looking for them would make one small message scan the whole table.
#[derive(Debug, Default)]
pub struct Monitored {
    entries: Vec<Entry>,
    index: HashTable<u32>,
    next: usize,
}

#[inline]
fn hash((subscription, handle): Key) -> u64 {
    let mixed = ((u64::from(subscription) << 32) | u64::from(handle)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

fn hash_at(entries: &[Entry], at: u32) -> u64 {
    entries.get(at as usize).map_or(0, |e| hash(e.key))
}

impl Monitored {
    /// The node id of a client handle.
    #[must_use]
    #[inline]
    pub fn node(&self, key: Key) -> Option<&str> {
        self.find(key).and_then(|at| self.entries.get(at as usize)).map(|e| e.node.as_str())
    }

    #[inline]
    fn find(&self, key: Key) -> Option<u32> {
        self.index.find(hash(key), |&at| self.entries.get(at as usize).is_some_and(|e| e.key == key)).copied()
    }

    /// Remembers a node; beyond `limit` the one remembered longest is forgotten.
    pub fn learn(&mut self, key: Key, node: &str, limit: u64) {
        if limit == 0 {
            return;
        }
        if let Some(at) = self.find(key) {
            if let Some(entry) = self.entries.get_mut(at as usize) {
                node.clone_into(&mut entry.node);
            }
            return;
        }
        let at = if (self.entries.len() as u64) < limit {
            self.entries.push(Entry { key, node: node.to_owned() });
            self.entries.len() - 1
        } else {
            let at = self.next % self.entries.len().max(1);
            self.next = at + 1;
            self.forget(at);
            if let Some(entry) = self.entries.get_mut(at) {
                entry.key = key;
                node.clone_into(&mut entry.node);
            }
            at
        };
        let entries = &self.entries;
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        self.index.insert_unique(hash(key), place, |&i| hash_at(entries, i));
    }

    fn forget(&mut self, at: usize) {
        let Some(entry) = self.entries.get(at) else { return };
        if let Ok(found) = self.index.find_entry(hash(entry.key), |&i| i as usize == at) {
            found.remove();
        }
    }
}
