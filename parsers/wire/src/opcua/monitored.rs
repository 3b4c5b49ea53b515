//! What client handles stand for: the node ids of a flow's monitored items.

use std::hash::BuildHasher;

use hashbrown::HashTable;

/// Subscription with client handle, or subscription with the id that the server gave the item.
pub type Key = (u32, u32);

#[derive(Debug, Default)]
struct Entry {
    handle: Key,
    /// Known once the response came.
    item: Option<Key>,
    node: String,
}

/// The monitored items of a flow. Deleted ones stay until others displace them: their handles are
/// not reported any more, and looking for them would make one small message scan the whole table.
#[derive(Debug, Default)]
pub struct Monitored {
    entries: Vec<Entry>,
    handles: HashTable<u32>,
    items: HashTable<u32>,
    next: usize,
    /// Seeded, so that nobody chooses handles that collide.
    hasher: crate::seed::Seeded,
}

impl Monitored {
    /// The node id of a client handle.
    #[must_use]
    #[inline]
    pub fn node(&self, handle: Key) -> Option<&str> {
        self.by_handle(handle).and_then(|at| self.entries.get(at as usize)).map(|e| e.node.as_str())
    }

    /// The node id of an item by the server's id.
    #[must_use]
    pub fn identified(&self, item: Key) -> Option<&str> {
        self.by_item(item).and_then(|at| self.entries.get(at as usize)).map(|e| e.node.as_str())
    }

    #[inline]
    fn by_handle(&self, key: Key) -> Option<u32> {
        self.handles
            .find(self.hasher.hash_one(key), |&at| self.entries.get(at as usize).is_some_and(|e| e.handle == key))
            .copied()
    }

    fn by_item(&self, key: Key) -> Option<u32> {
        self.items
            .find(self.hasher.hash_one(key), |&at| self.entries.get(at as usize).is_some_and(|e| e.item == Some(key)))
            .copied()
    }

    /// Remembers a node; beyond `limit` the one remembered longest is forgotten.
    pub fn learn(&mut self, handle: Key, node: &str, limit: u64) {
        if limit == 0 {
            return;
        }
        if let Some(at) = self.by_handle(handle) {
            if let Some(entry) = self.entries.get_mut(at as usize) {
                node.clone_into(&mut entry.node);
            }
            return;
        }
        let at = if (self.entries.len() as u64) < limit {
            self.entries.push(Entry::default());
            self.entries.len() - 1
        } else {
            let at = self.next % self.entries.len().max(1);
            self.next = at + 1;
            self.forget(at);
            at
        };
        if let Some(entry) = self.entries.get_mut(at) {
            entry.handle = handle;
            node.clone_into(&mut entry.node);
        }
        self.index(at, handle);
    }

    /// The server gave the item of that handle an id.
    pub fn identify(&mut self, handle: Key, id: u32) {
        let item = (handle.0, id);
        let (Some(at), None) = (self.by_handle(handle), self.by_item(item)) else { return };
        let Some(entry) = self.entries.get_mut(at as usize).filter(|e| e.item.is_none()) else { return };
        entry.item = Some(item);
        let Self { entries, items, hasher, .. } = self;
        let hash = |&i: &u32| entries.get(i as usize).and_then(|e| e.item).map_or(0, |key| hasher.hash_one(key));
        items.insert_unique(hasher.hash_one(item), at, hash);
    }

    /// The item of that id gets another client handle.
    pub fn rename(&mut self, item: Key, handle: u32) {
        let Some(at) = self.by_item(item) else { return };
        let handle = (item.0, handle);
        if self.by_handle(handle).is_some() {
            return;
        }
        self.forget_handle(at as usize);
        if let Some(entry) = self.entries.get_mut(at as usize) {
            entry.handle = handle;
        }
        self.index(at as usize, handle);
    }

    fn index(&mut self, at: usize, handle: Key) {
        let Self { entries, handles, hasher, .. } = self;
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        let hash = |&i: &u32| entries.get(i as usize).map_or(0, |e| hasher.hash_one(e.handle));
        handles.insert_unique(hasher.hash_one(handle), place, hash);
    }

    fn forget_handle(&mut self, at: usize) {
        let Some(entry) = self.entries.get(at) else { return };
        if let Ok(found) = self.handles.find_entry(self.hasher.hash_one(entry.handle), |&i| i as usize == at) {
            found.remove();
        }
    }

    fn forget(&mut self, at: usize) {
        self.forget_handle(at);
        let Some(item) = self.entries.get_mut(at).and_then(|e| e.item.take()) else { return };
        if let Ok(found) = self.items.find_entry(self.hasher.hash_one(item), |&i| i as usize == at) {
            found.remove();
        }
    }
}
