//! Holes that were declared: bytes that come for them after all are still read.

use std::collections::VecDeque;

/// The recent holes of a direction, oldest first: sequence number of the first missing byte, and how many.
#[derive(Debug, Default)]
pub struct Holes(VecDeque<(u32, u32)>);

impl Holes {
    /// Remembers a hole; beyond `limit` the oldest is forgotten.
    pub fn declare(&mut self, from: u32, missing: u32, limit: u64) {
        if missing == 0 || limit == 0 {
            return;
        }
        while self.0.len() as u64 >= limit {
            self.0.pop_front();
        }
        self.0.push_back((from, missing));
    }

    /// The part of a segment of `length` bytes from `seq` on that lies in a hole, as offsets in it: it fills the hole.
    pub fn fill(&mut self, seq: u32, length: u32) -> Option<(usize, usize)> {
        // From the hole's start, so that wrapping sequence numbers do no harm.
        let meets = |&(from, missing): &(u32, u32)| {
            let at = seq.wrapping_sub(from).cast_signed();
            i64::from(at) < i64::from(missing) && i64::from(at) + i64::from(length) > 0
        };
        let place = self.0.iter().position(meets)?;
        let (from, missing) = self.0.remove(place)?;
        let at = i64::from(seq.wrapping_sub(from).cast_signed());
        let (first, last) = (at.max(0), (at + i64::from(length)).min(i64::from(missing)));
        let part = |n: i64| u32::try_from(n).unwrap_or(0);
        // What is left of it on either side keeps its age.
        for (start, end) in [(last, i64::from(missing)), (0, first)] {
            if end > start {
                self.0.insert(place, (from.wrapping_add(part(start)), part(end - start)));
            }
        }
        Some((usize::try_from(first - at).ok()?, usize::try_from(last - at).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_filled_once_and_in_parts() {
        let mut holes = Holes::default();
        holes.declare(u32::MAX - 4, 10, 4);
        assert_eq!(holes.fill(5, 3), None);
        assert_eq!(holes.fill(u32::MAX - 9, 5), None);
        assert_eq!(holes.fill(u32::MAX - 1, 4), Some((0, 4)));
        assert_eq!(holes.fill(u32::MAX - 1, 4), None);
        assert_eq!(holes.fill(u32::MAX - 9, 8), Some((5, 8)));
        assert_eq!(holes.fill(0, 20), Some((2, 5)));
        assert!(holes.0.is_empty());
    }

    #[test]
    fn the_oldest_hole_is_forgotten_first() {
        let mut holes = Holes::default();
        for n in 0..6 {
            holes.declare(n * 100, 10, 4);
        }
        assert_eq!((holes.fill(100, 10), holes.fill(200, 10)), (None, Some((0, 10))));
        holes.declare(900, 10, 0);
        assert_eq!(holes.fill(900, 10), None);
    }
}
