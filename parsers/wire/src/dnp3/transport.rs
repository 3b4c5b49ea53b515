//! The transport function (IEEE 1815-2012 clause 8): segments to fragments.

use crate::dissect::Dir;

/// Octets of a buffer that are kept for the next fragment; larger ones are given back.
const KEPT: usize = 4_096;

/// The transport octet: `| FIN | FIR | sequence, 6 bits |`.
#[derive(Debug, Clone, Copy)]
pub struct Octet(pub u8);

impl Octet {
    pub fn is_final(self) -> bool {
        self.0 & 0x80 != 0
    }
    pub fn is_first(self) -> bool {
        self.0 & 0x40 != 0
    }
    pub fn sequence(self) -> u8 {
        self.0 & 0x3F
    }
}

/// The fragment under way from one station to another.
#[derive(Debug, Default)]
pub struct Assembly {
    octets: Vec<u8>,
    /// Octets on the wire, link layer included.
    wire: u64,
    open: bool,
    last: u8,
    dir: Option<Dir>,
}

/// What a segment did.
#[derive(Debug, PartialEq, Eq)]
pub enum Segment {
    /// It continues the fragment; more is to come.
    More,
    /// It completes the fragment of so many octets on the wire: see [`Assembly::take`].
    Complete(u64),
    /// It repeats the one before.
    Repeated,
    /// It does not continue the fragment, of which so many octets are dropped; the expected sequence.
    Jumped(usize, u8),
    /// There is no fragment that it could continue.
    Orphan,
}

impl Assembly {
    /// Begins a fragment; gives the octets of one that was under way and is lost thereby.
    pub fn begin(&mut self, octet: Octet, dir: Dir, data: &[u8], wire: usize) -> Option<usize> {
        let lost = self.drop_open();
        self.octets.extend_from_slice(data);
        (self.open, self.last, self.dir, self.wire) = (true, octet.sequence(), Some(dir), wire as u64);
        lost
    }

    /// Takes a segment that is not the first.
    pub fn go_on(&mut self, octet: Octet, data: &[u8], wire: usize) -> Segment {
        if !self.open {
            return Segment::Orphan;
        }
        if octet.sequence() == self.last && self.octets.ends_with(data) {
            return Segment::Repeated;
        }
        let expected = (self.last + 1) & 0x3F;
        if octet.sequence() != expected {
            return Segment::Jumped(self.drop_open().unwrap_or(0), expected);
        }
        self.octets.extend_from_slice(data);
        self.last = expected;
        self.wire += wire as u64;
        if octet.is_final() { Segment::Complete(self.wire) } else { Segment::More }
    }

    /// Drops what is under way; gives its octets.
    pub fn drop_open(&mut self) -> Option<usize> {
        let open = std::mem::take(&mut self.open);
        let length = self.octets.len();
        let octets = std::mem::take(&mut self.octets);
        self.give_back(octets);
        open.then_some(length)
    }

    /// Takes the completed fragment out; give its buffer back afterwards.
    pub fn take(&mut self) -> Vec<u8> {
        self.open = false;
        std::mem::take(&mut self.octets)
    }

    /// Keeps a buffer for the next fragment.
    pub fn give_back(&mut self, mut octets: Vec<u8>) {
        if octets.capacity() <= KEPT {
            octets.clear();
            self.octets = octets;
        }
    }

    /// Whether a fragment is under way whose last segment came in this direction of the flow.
    pub fn is_open(&self, dir: Dir) -> bool {
        self.open && self.dir == Some(dir)
    }

    /// Octets of the fragment under way.
    pub fn len(&self) -> usize {
        self.octets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments() {
        let mut a = Assembly::default();
        assert_eq!(a.go_on(Octet(0x81), b"x", 1), Segment::Orphan);
        assert_eq!(a.begin(Octet(0x40 | 63), Dir::ToServer, b"ab", 20), None);
        assert_eq!(a.go_on(Octet(0), b"cd", 20), Segment::More);
        assert_eq!(a.go_on(Octet(0), b"cd", 20), Segment::Repeated);
        assert_eq!(a.go_on(Octet(0x81), b"e", 10), Segment::Complete(50));
        assert_eq!(a.take(), b"abcde");
        assert_eq!(a.go_on(Octet(0x82), b"x", 1), Segment::Orphan);
    }

    #[test]
    fn lost_segments() {
        let mut a = Assembly::default();
        a.begin(Octet(0x40), Dir::ToServer, b"ab", 20);
        assert_eq!(a.go_on(Octet(2), b"cd", 20), Segment::Jumped(2, 1));
        assert_eq!(a.go_on(Octet(0x83), b"cd", 20), Segment::Orphan);
        a.begin(Octet(0x44), Dir::ToClient, b"abc", 20);
        assert!(a.is_open(Dir::ToClient) && !a.is_open(Dir::ToServer));
        assert_eq!(a.begin(Octet(0x45), Dir::ToClient, b"z", 9), Some(3));
        assert_eq!(a.go_on(Octet(0x86), b"y", 9), Segment::Complete(18));
    }
}
