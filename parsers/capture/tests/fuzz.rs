//! The fuzz targets without the fuzzer: seeds out of our own captures, those changed at random, and every input that a
//! fuzzer once found something with (`fuzz/found`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fuzz::{PLANTED, TARGETS, Target, meter, run, seeds::seeds};

/// The meter is the process's: one test at a time.
static ONE: Mutex<()> = Mutex::new(());

fn parsers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn captures() -> Vec<PathBuf> {
    let folder = parsers().join("../pcaps");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "pcap"));
    found.sort();
    assert!(found.len() > 20, "our own captures");
    found.into_iter().step_by(3).collect()
}

/// A generator of numbers (splitmix64): the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    /// A few bytes changed, taken out, or doubled.
    fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut out = seed.to_vec();
        for _ in 0..=self.below(4) {
            let (at, kind) = (self.below(out.len()), self.below(4));
            match (kind, out.get(at).copied()) {
                (0, Some(_)) => out[at] = self.below(256) as u8,
                (1, Some(byte)) => out[at] = byte ^ (1 << self.below(8)),
                (2, Some(_)) => drop(out.drain(at..(at + 1 + self.below(8)).min(out.len()))),
                (3, Some(byte)) => out.insert(at, byte),
                _ => out.push(self.below(256) as u8),
            }
        }
        out
    }
}

#[test]
fn seeds_and_what_is_near_them_do_no_harm() {
    let _one = ONE.lock();
    let seeds = seeds(&captures());
    let mut dice = Dice(1);
    let nothing = vec![vec![0; 64]];
    for (name, target) in TARGETS {
        for input in seeds.get(name).unwrap_or(&nothing).iter().take(12) {
            run(*target, input);
            for _ in 0..4 {
                run(*target, &dice.mutated(input));
            }
        }
    }
    let lacking: Vec<_> = TARGETS.iter().map(|(name, _)| *name).filter(|name| !seeds.contains_key(name)).collect();
    assert_eq!(lacking, ["reassembly", "dtls"], "targets without seeds of our captures");
}

#[test]
fn what_was_found_once_stays_mended() {
    let _one = ONE.lock();
    let mut replayed = 0;
    for (name, target) in TARGETS {
        let Ok(folder) = std::fs::read_dir(parsers().join("fuzz/found").join(name)) else { continue };
        for entry in folder {
            run(*target, &std::fs::read(entry.unwrap().path()).unwrap());
            replayed += 1;
        }
    }
    assert!(replayed > 0);
}

/// The message of the panic that a run of a planted bug ends with, and after how many inputs.
fn hunt(target: Target, most: usize) -> Option<(usize, String)> {
    let mut dice = Dice(2);
    let seed = [&[0, 8, 0][..], b"..dri_.."].concat();
    (1..=most).find_map(|number| {
        let input = dice.mutated(&seed);
        let found = catch_unwind(AssertUnwindSafe(|| run(target, &input))).err()?;
        let _ = meter::HEAP.set_limit(usize::MAX);
        let text = found.downcast_ref::<String>().cloned();
        Some((number, text.unwrap_or_else(|| found.downcast_ref::<&str>().unwrap_or(&"").to_string())))
    })
}

#[test]
fn planted_bugs_are_found() {
    let _one = ONE.lock();
    let hunted =
        PLANTED.iter().map(|(name, target)| hunt(*target, 200_000).unwrap_or_else(|| panic!("{name} not found")).1);
    let told: Vec<String> = hunted.collect();
    assert_eq!(told[0], "planted");
    assert!(told[1].contains("of CPU time, more than 1.0"), "{}", told[1]);
    assert!(told[2].contains("bytes are held"), "{}", told[2]);
}
