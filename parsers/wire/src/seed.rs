//! The secret of the hash tables. Keys come from the wire: who knew how they are spread could choose some that collide,
//! and make a table of them as slow as a list. No row, id or order depends on the seed.

use std::hash::BuildHasher;
use std::sync::OnceLock;

use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};

static SHARED: OnceLock<SharedSeed> = OnceLock::new();

/// Seeds all tables of the process that are made from now on. False: they are seeded already. A program does it once,
/// before its first pipeline, with bytes of the operating system; where nobody does (tests) the seed is always the same.
pub fn seed(secret: u64) -> bool {
    SHARED.set(SharedSeed::from_u64(secret)).is_ok()
}

/// Builds the hashers of a table.
#[derive(Debug, Clone)]
pub struct Seeded(SeedableRandomState);

impl Default for Seeded {
    fn default() -> Self {
        Self(SeedableRandomState::with_seed(0, SHARED.get_or_init(|| SharedSeed::from_u64(0))))
    }
}

impl BuildHasher for Seeded {
    type Hasher = FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> FoldHasher<'static> {
        self.0.build_hasher()
    }
}
