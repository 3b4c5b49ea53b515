//! What a worker's flows leave to one another: connections that one announced (FTP's data connections), and the values
//! that earlier ones brought (a poll over HTTP mostly opens a connection of its own), and what was said of other files.

use std::collections::VecDeque;

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::values::Values;

/// Announcements kept; beyond it the oldest is forgotten.
const MOST: usize = 256;

/// What a data connection will carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Path as the client named it.
    pub path: String,
    /// Whether a file was asked for; else a listing, or nothing yet.
    pub file: bool,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Expected {
    /// Announced connections by the address and port that will be listened on.
    transfers: HashMap<([u8; 16], u16), (u64, Transfer), crate::seed::Seeded>,
    count: u64,
    /// Where descriptions of networks lay whose weights are files of their own (hashes of server and path), newest last.
    described: VecDeque<u64>,
    /// The last values of HTTP bodies.
    pub polled: Values,
}

impl Expected {
    /// Whether no connection is announced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transfers.is_empty()
    }

    /// Announces a connection, or says more of one that is announced.
    pub fn announce(&mut self, at: ([u8; 16], u16), transfer: Transfer) {
        if self.transfers.len() >= MOST && !self.transfers.contains_key(&at) {
            let oldest = self.transfers.iter().min_by_key(|(_, (number, _))| *number).map(|(&key, _)| key);
            if let Some(oldest) = oldest {
                self.transfers.remove(&oldest);
            }
        }
        self.count += 1;
        self.transfers.insert(at, (self.count, transfer));
    }

    /// Takes the announcement of a connection to this end.
    pub fn take(&mut self, at: ([u8; 16], u16)) -> Option<Transfer> {
        self.transfers.remove(&at).map(|(_, transfer)| transfer)
    }

    /// A description of a network passed: its path without extension.
    pub fn describe(&mut self, server: &[u8; 16], stem: &str) {
        if self.described.len() >= MOST {
            self.described.pop_front();
        }
        self.described.push_back(place(server, stem));
    }

    /// Whether a description lay there under the same name.
    #[must_use]
    pub fn is_described(&self, server: &[u8; 16], stem: &str) -> bool {
        !self.described.is_empty() && self.described.contains(&place(server, stem))
    }
}

fn place(server: &[u8; 16], stem: &str) -> u64 {
    xxh3_64_with_seed(stem.as_bytes(), xxh3_64_with_seed(server, 0))
}
