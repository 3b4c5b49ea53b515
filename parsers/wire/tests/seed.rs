//! The secret of the hash tables: chosen once, and different tables for different secrets.

use std::hash::BuildHasher as _;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use wire::seed::{Seeded, seed};

#[test]
fn the_first_seed_holds_for_the_process() {
    assert!(seed(7));
    let found = Seeded::default().hash_one(1_u64);
    assert!(!seed(8));
    assert_eq!(Seeded::default().hash_one(1_u64), found);
    let unseeded = SeedableRandomState::with_seed(0, Box::leak(Box::new(SharedSeed::from_u64(0))));
    assert_ne!(unseeded.hash_one(1_u64), found);
}
