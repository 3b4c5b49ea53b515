//! The last bytes of a direction that were given out: what a segment at the same place is held against.
//!
//! A receiver that has acknowledged bytes takes no others for them. What it has not acknowledged may have been a decoy
//! that never reached it (another checksum, a short time to live), so that much is kept, up to the limit
//! `compare_bytes`; behind it, and where no acknowledgement is ever seen, the last [`TAIL`] bytes.

use std::collections::VecDeque;

/// Bytes remembered in any case.
const TAIL: usize = 64;

/// The last bytes that were given out without a hole among them.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Bytes stand at the end of the array.
    bytes: [u8; TAIL],
    length: usize,
    /// More of them, while more is unacknowledged; boxed, since few flows have any at a time.
    #[allow(clippy::box_collection)]
    long: Option<Box<VecDeque<u8>>>,
}

impl Default for Tail {
    fn default() -> Self {
        Self { bytes: [0; TAIL], length: 0, long: None }
    }
}

/// What comes of holding a segment against what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// The same, as far as anything is known.
    Same,
    /// Other bytes at the same place.
    Differs,
}

impl Tail {
    /// A hole: nothing before it can be told from what comes.
    pub fn forget(&mut self) {
        self.length = 0;
        self.long = None;
    }

    /// Remembers the end of the stream; with it `open` bytes are not acknowledged (0: that cannot be told).
    #[inline]
    pub fn keep(&mut self, bytes: &[u8], open: usize, limit: u64) {
        if open > TAIL || self.long.is_some() {
            self.keep_long(bytes, open, limit);
        }
        if let Some(last) = bytes.last_chunk::<TAIL>() {
            (self.bytes, self.length) = (*last, TAIL);
        } else {
            self.bytes.copy_within(bytes.len().., 0);
            if let Some(end) = self.bytes.get_mut(TAIL - bytes.len()..) {
                end.copy_from_slice(bytes);
            }
            self.length = (self.length + bytes.len()).min(TAIL);
        }
    }

    #[cold]
    fn keep_long(&mut self, bytes: &[u8], open: usize, limit: u64) {
        let most = open.min(usize::try_from(limit).unwrap_or(usize::MAX));
        if most <= TAIL {
            self.long = None;
            return;
        }
        let known = self.bytes.get(TAIL - self.length..).unwrap_or_default();
        let long = self.long.get_or_insert_with(|| Box::new(known.iter().copied().collect()));
        long.extend(bytes.get(bytes.len().saturating_sub(most)..).unwrap_or_default());
        long.drain(..long.len().saturating_sub(most));
    }

    /// Bytes remembered.
    fn known(&self) -> usize {
        self.long.as_ref().map_or(self.length, |long| long.len())
    }

    /// The byte that stands `back` before the end of the stream.
    fn at(&self, back: usize) -> Option<u8> {
        match &self.long {
            Some(long) => long.get(long.len().checked_sub(back)?).copied(),
            None if back <= self.length => self.bytes.get(TAIL - back).copied(),
            None => None,
        }
    }

    /// Whether the segment is what was given out last, at another place.
    fn repeats(&self, segment: &[u8], old: usize) -> bool {
        let known = self.known().min(segment.len());
        let again = segment.get(segment.len() - known..).unwrap_or_default();
        old != segment.len()
            && known > 4
            && known >= segment.len().min(TAIL)
            && (0..).zip(again).all(|(i, byte)| self.at(known - i) == Some(*byte))
    }

    /// Holds a segment that begins `old` bytes before the end of the stream against what is remembered, and tells how
    /// many of its old bytes are not.
    pub fn compare(&self, segment: &[u8], old: usize) -> (Compared, usize) {
        // A keep-alive carries one byte of nothing at the last place (RFC 9293, 3.8.4).
        if segment.len() == 1 && old == 1 {
            return (Compared::Same, 0);
        }
        let beyond = old.saturating_sub(self.known()).min(segment.len());
        let again = segment.get(beyond..).unwrap_or_default().iter().take(old - beyond);
        let differs = (0..).zip(again).any(|(i, byte)| self.at(old - beyond - i).is_some_and(|known| known != *byte));
        // Someone in the middle who changed the length of one message passes on the later ones unchanged, but
        // at other places: what was just given out is no second reading.
        if differs && !self.repeats(segment, old) { (Compared::Differs, beyond) } else { (Compared::Same, beyond) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(bytes: &[u8], open: usize) -> Tail {
        let mut tail = Tail::default();
        tail.keep(bytes, open, 256);
        tail
    }

    #[test]
    fn what_is_not_acknowledged_is_compared_whole() {
        let bytes: Vec<u8> = (0..200).collect();
        let mut other = bytes.clone();
        other[7] ^= 1;
        assert_eq!(tail(&bytes, 200).compare(&other, 200), (Compared::Differs, 0));
        assert_eq!(tail(&bytes, 200).compare(&bytes, 200), (Compared::Same, 0));
        // Acknowledged: the receiver takes no other bytes; the last ones are compared all the same.
        assert_eq!(tail(&bytes, 0).compare(&other, 200), (Compared::Same, 136));
        other[199] ^= 1;
        assert_eq!(tail(&bytes, 0).compare(&other, 200), (Compared::Differs, 136));
    }

    #[test]
    fn it_grows_with_what_is_open_up_to_its_limit_and_shrinks_again() {
        let mut tail = tail(&[1; 50], 50);
        for open in [100, 150, 500] {
            tail.keep(&[2; 50], open, 256);
        }
        assert_eq!(tail.known(), 200);
        assert_eq!(tail.compare(&[1, 1], 200), (Compared::Same, 0));
        assert_eq!(tail.compare(&[2, 1], 200), (Compared::Differs, 0));
        tail.keep(&[3; 200], 700, 256);
        assert_eq!((tail.known(), tail.compare(&[9; 8], 300)), (256, (Compared::Same, 8)));
        tail.keep(&[4], 1, 256);
        assert_eq!((tail.known(), tail.at(1), tail.at(2)), (64, Some(4), Some(3)));
    }
}
