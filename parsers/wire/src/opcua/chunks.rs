//! Messages that come in chunks (Part 6 §6.7.2): put together by direction, channel and request id.

use crate::limits::Limits;

/// A message whose final chunk has not come.
#[derive(Debug)]
struct Assembly {
    key: Key,
    body: Vec<u8>,
    chunks: u64,
    /// The message grew beyond a limit or lost a chunk: what came first is kept, the rest is stepped over.
    broken: bool,
}

/// Direction, secure channel, request id.
pub type Key = (usize, u32, u32);

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was put to the others.
    Kept,
    /// Its message is too long or has too many chunks; said once a message.
    TooLong,
    /// It is stepped over.
    Dropped,
    /// It was kept, and the oldest unfinished message was dropped for it.
    Displaced,
}

/// The unfinished messages of a flow. Their bytes together stay below the limit `message_bytes`.
#[derive(Debug, Default)]
pub struct Chunks {
    list: Vec<Assembly>,
    held: usize,
    spare: Vec<u8>,
    /// What was kept of the message that has just become too long.
    over: Vec<u8>,
}

impl Chunks {
    /// Whether no message is unfinished: the usual case.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether chunks of that message came before.
    #[must_use]
    pub fn knows(&self, key: Key) -> bool {
        self.list.iter().any(|a| a.key == key)
    }

    /// Adds the body of a chunk.
    pub fn add(&mut self, key: Key, body: &[u8], limits: &Limits) -> Added {
        let mut added = Added::Kept;
        let at = if let Some(at) = self.list.iter().position(|a| a.key == key) {
            at
        } else {
            if !self.list.is_empty() && self.list.len() as u64 >= limits.chunked_messages {
                let oldest = self.list.remove(0);
                self.give_back(oldest.body);
                added = Added::Displaced;
            }
            let body = std::mem::take(&mut self.spare);
            self.list.push(Assembly { key, body, chunks: 0, broken: false });
            self.list.len() - 1
        };
        let Some(assembly) = self.list.get_mut(at) else { return Added::Dropped };
        if assembly.broken {
            return Added::Dropped;
        }
        assembly.chunks += 1;
        if assembly.chunks > limits.chunks || (self.held + body.len()) as u64 > limits.message_bytes {
            assembly.broken = true;
            self.held -= assembly.body.len();
            // The type id and the request header tell what the message was: they stay.
            let head = assembly.body.get(..HEAD.min(assembly.body.len())).unwrap_or_default().to_vec();
            self.over = std::mem::replace(&mut assembly.body, head);
            self.held += assembly.body.len();
            return Added::TooLong;
        }
        assembly.body.extend_from_slice(body);
        self.held += body.len();
        added
    }

    /// What was kept of the message that [`add`](Self::add) has just found too long, without the chunk that made it so.
    pub fn over(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.over)
    }

    /// Takes the message out: its bytes and whether they are all there.
    pub fn finish(&mut self, key: Key) -> Option<(Vec<u8>, bool)> {
        let at = self.list.iter().position(|a| a.key == key)?;
        let assembly = self.list.remove(at);
        self.held -= assembly.body.len();
        Some((assembly.body, !assembly.broken))
    }

    /// Takes a message's buffer back for the next one.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT {
            buffer.clear();
            self.spare = buffer;
        }
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        self.held -= buffer.len();
        self.recycle(buffer);
    }

    /// Bytes of a direction were lost: its unfinished messages cannot be read whole any more.
    pub fn lose(&mut self, direction: usize) {
        for assembly in self.list.iter_mut().filter(|a| a.key.0 == direction) {
            assembly.broken = true;
        }
    }
}

/// Bytes kept of a message that is too long to be kept.
const HEAD: usize = 64;
/// A buffer up to this size is used again.
const KEPT: usize = 262_144;
