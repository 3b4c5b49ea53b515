//! Secure channels of a flow: policy and mode, learnt from OpenSecureChannel or from what follows.

use super::codes::{Mode, policy};

/// A secure channel.
#[derive(Debug, Default)]
pub struct Channel {
    /// Its id.
    pub id: u32,
    /// Last part of the policy's URI; empty: not known.
    pub policy: String,
    /// How its messages are protected.
    pub mode: Mode,
    /// Bytes of a symmetric signature, once the policy or a message told.
    pub signature: usize,
}

impl Channel {
    /// Takes over what an OPN message says. A renewed channel keeps what was learnt from its messages.
    pub fn learn(&mut self, name: &[u8], limit: u64) {
        if self.policy.as_bytes() != name {
            self.policy.clear();
            super::text::Out::new(&mut self.policy, limit).utf8(name);
            self.mode = if name == b"None" { Mode::None } else { Mode::Unknown };
            self.signature = 0;
        }
        if self.mode == Mode::Sign {
            self.signature = policy(name).map_or(0, |p| p.signature);
        }
    }

    /// Bytes of signature to take off each chunk.
    #[must_use]
    pub fn stripped(&self) -> usize {
        if self.mode == Mode::Sign { self.signature } else { 0 }
    }

    /// The body of a message could be read (or not): what this says of the mode.
    pub fn see(&mut self, readable: bool) {
        if self.policy == "None" {
            self.mode = Mode::None;
        } else if !readable {
            self.mode = Mode::SignAndEncrypt;
        } else if !self.policy.is_empty() {
            self.mode = Mode::Sign;
            self.signature = policy(self.policy.as_bytes()).map_or(0, |p| p.signature);
        } else if self.mode == Mode::SignAndEncrypt {
            self.mode = Mode::Unknown;
        }
    }

    /// The body of a whole message ended with `rest` bytes left; gives whether they are a signature. With the
    /// policy not seen they tell what there is: none means no security at all (Part 4 §7.20: mode None and
    /// policy None go together).
    pub fn see_rest(&mut self, rest: usize) -> bool {
        match (self.mode, rest) {
            (Mode::Unknown, 0) if self.policy.is_empty() => {
                self.mode = Mode::None;
                self.policy.push_str("None");
                true
            }
            (Mode::Unknown, 16 | 20 | 32 | 48) => {
                self.mode = Mode::Sign;
                self.signature = rest;
                true
            }
            // A policy of another maker: the length of its signatures shows here.
            (Mode::Sign, _) if self.signature == 0 => {
                self.signature = rest;
                true
            }
            _ => rest == 0,
        }
    }
}

/// The channels of a flow, the newest last. A connection carries one at a time (Part 6 §7.1.3); a few
/// are kept for servers that open the next before they close the last.
#[derive(Debug, Default)]
pub struct Channels {
    list: Vec<Channel>,
}

impl Channels {
    /// The channel of that id.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&Channel> {
        self.list.iter().find(|c| c.id == id)
    }

    /// Changes the channel of that id; a new one displaces the oldest beyond the limit `channels`.
    pub fn with<R>(&mut self, id: u32, limit: u64, change: impl FnOnce(&mut Channel) -> R) -> R {
        if let Some(channel) = self.list.iter_mut().find(|c| c.id == id) {
            return change(channel);
        }
        if !self.list.is_empty() && self.list.len() as u64 >= limit {
            self.list.remove(0);
        }
        let mut channel = Channel { id, ..Channel::default() };
        let done = change(&mut channel);
        self.list.push(channel);
        done
    }

    /// Whether no channel was seen yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the newest channel encrypts.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.list.last().is_some_and(|c| c.mode == Mode::SignAndEncrypt)
    }
}
