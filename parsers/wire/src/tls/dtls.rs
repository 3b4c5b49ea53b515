//! DTLS 1.0 to 1.3: records in datagrams, handshake messages in fragments that may come twice or in any order.

use xxhash_rust::xxh3::xxh3_64;

use super::codes::{content, handshake};
use super::shake::Shake;
use crate::anomaly::Kind;
use crate::dissect::{Cx, Dir, Dissector, Nanos, Probe, Step};
use crate::names::reader::Reader;

/// Bytes of a record's header.
const HEADER: usize = 13;
/// Messages of one direction put together at a time; beyond it the oldest is given up.
const PARTIAL: usize = 8;
/// Pieces of one message that are apart; beyond it the message is given up.
const PIECES: usize = 64;
/// RFC 9146 section 4: a record with a connection id, whose length only the ends know.
const WITH_ID: u8 = 25;
/// RFC 9147 section 7: acknowledgements of DTLS 1.3.
const ACK: u8 = 26;

/// A record's header (RFC 6347 section 4.1):
///
/// ```text
///  0      1         3       5                 11       13
/// +------+---------+-------+-----------------+--------+----------
/// | type | version | epoch | sequence number | length | fragment…
/// +------+---------+-------+-----------------+--------+----------
/// ```
struct Header {
    kind: u8,
    epoch: u16,
    length: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut at = Reader(bytes);
        let (kind, version, epoch) = (at.u8()?, at.u16()?, at.u16()?);
        at.take(6)?;
        let length = usize::from(at.u16()?);
        // 0x0100 is what implementations before the standard sent.
        let known = matches!(kind, content::CHANGE_CIPHER_SPEC..=content::HEARTBEAT | WITH_ID | ACK)
            && matches!(version, 0xFEFF | 0xFEFD | 0xFEFC | 0x0100)
            && length <= (1 << 14) + 2048;
        known.then_some(Self { kind, epoch, length })
    }
}

/// Whether a datagram is DTLS, and whose.
#[must_use]
pub fn probe_datagram(bytes: &[u8], _from: u16, _to: u16) -> Probe {
    let Some(header) = Header::read(bytes) else { return Probe::No };
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    let fragment = rest.first().copied().unwrap_or_default();
    let mut length = header.length;
    // Records fill the datagram, one behind the other, up to one in the unified header of DTLS 1.3.
    loop {
        let Some(behind) = rest.get(length..).filter(|_| length > 0) else { return Probe::No };
        match (behind, Header::read(behind)) {
            ([] | [0x20..=0x3F, ..], _) => break,
            (_, Some(next)) => (rest, length) = (behind.get(HEADER..).unwrap_or_default(), next.length),
            _ => return Probe::No,
        }
    }
    match (header.kind, header.epoch, fragment) {
        (content::HANDSHAKE, 0, handshake::CLIENT_HELLO) => Probe::Client,
        (content::HANDSHAKE, 0, handshake::SERVER_HELLO | handshake::HELLO_VERIFY_REQUEST) => Probe::Server,
        (content::HANDSHAKE, 0, kind) if !handshake::assigned(kind) => Probe::No,
        _ => Probe::Either,
    }
}

/// A handshake message of which not all fragments came yet.
#[derive(Debug)]
struct Partial {
    number: u16,
    kind: u8,
    bytes: Vec<u8>,
    /// What is there: ranges apart from each other, in order.
    there: Vec<(usize, usize)>,
}

impl Partial {
    /// Puts a fragment in; whether the message is whole now.
    fn put(&mut self, offset: usize, fragment: &[u8]) -> bool {
        let end = offset + fragment.len();
        if let Some(place) = self.bytes.get_mut(offset..end) {
            place.copy_from_slice(fragment);
        }
        let (mut first, mut last) = (offset, end);
        self.there.retain(|&(a, b)| {
            let apart = b < first || a > last;
            if !apart {
                (first, last) = (first.min(a), last.max(b));
            }
            apart
        });
        let at = self.there.partition_point(|&(a, _)| a < first);
        self.there.insert(at, (first, last));
        (first, last) == (0, self.bytes.len())
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    partial: Vec<Partial>,
    /// Numbers below 64 of the messages that were read, a bit each: they may come again.
    read: u64,
}

/// The dissector of one association.
#[derive(Debug)]
pub struct Dtls {
    sides: [Side; 2],
    shake: Shake,
    started: bool,
    /// The first hello, by which a repetition is told from a new association on the same ports.
    hello: u64,
}

impl Default for Dtls {
    fn default() -> Self {
        Self::new()
    }
}

/// A fragment of a handshake message (RFC 6347 section 4.2.2):
///
/// ```text
///  0      1        4        6        9        12
/// +------+--------+--------+--------+--------+----------
/// | type | length | number | offset | length | fragment…
/// |      | of all |        |        | of it  |
/// +------+--------+--------+--------+--------+----------
/// ```
struct Fragment<'a> {
    kind: u8,
    total: usize,
    number: u16,
    offset: usize,
    bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    fn read(at: &mut Reader<'a>) -> Option<Self> {
        let (kind, total, number, offset) = (at.u8()?, at.u24()?, at.u16()?, at.u24()?);
        let length = at.u24()?;
        let bytes = at.take(length)?;
        (offset + length <= total).then_some(Self { kind, total, number, offset, bytes })
    }
}

impl Dtls {
    /// A dissector for one association.
    #[must_use]
    pub fn new() -> Self {
        let sides = [Side::default(), Side::default()];
        Self { sides, shake: Shake::new("dtls"), started: false, hello: 0 }
    }

    fn record(&mut self, cx: &mut Cx<'_>, dir: Dir, header: &Header, fragment: &[u8]) {
        match (header.kind, header.epoch) {
            (content::HANDSHAKE, 0) => self.fragments(cx, dir, fragment),
            (content::ALERT, 0) => match fragment {
                &[level @ 1..=2, _] => self.shake.alert(cx, level == 2),
                _ => cx.anomaly("dtls", Kind::Malformed, &format!("alert of {} bytes", fragment.len())),
            },
            (ACK, 0) => {}
            _ => self.shake.encrypted_from(cx, dir),
        }
    }

    fn fragments(&mut self, cx: &mut Cx<'_>, dir: Dir, record: &[u8]) {
        let mut at = Reader(record);
        while !at.is_empty() {
            let offset = record.len() - at.len();
            let Some(fragment) = Fragment::read(&mut at) else {
                let detail = format!("handshake: byte {offset}: a fragment's lengths do not fit");
                return cx.anomaly("dtls", Kind::Malformed, &detail);
            };
            self.fragment(cx, dir, &fragment);
        }
    }

    fn fragment(&mut self, cx: &mut Cx<'_>, dir: Dir, fragment: &Fragment<'_>) {
        use handshake::{CERTIFICATE, CLIENT_HELLO, HELLO_VERIFY_REQUEST, SERVER_HELLO};
        match fragment.kind {
            CLIENT_HELLO | SERVER_HELLO | CERTIFICATE => {}
            HELLO_VERIFY_REQUEST => return self.shake.retry(cx, fragment.total),
            kind if handshake::assigned(kind) => return self.shake.passed(dir, kind),
            kind => return cx.anomaly("dtls", Kind::UnknownCode, &format!("handshake type {kind}")),
        }
        if fragment.total as u64 > cx.limits.message_bytes {
            let detail = format!("a handshake message of {} bytes", fragment.total);
            return cx.anomaly("dtls", Kind::MessageTooLong, &detail);
        }
        if let Some(body) = self.whole(cx, dir, fragment) {
            self.message(cx, dir, fragment.kind, fragment.number, &body);
        }
    }

    /// The message's body, once all of it came.
    fn whole(&mut self, cx: &Cx<'_>, dir: Dir, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        if fragment.bytes.len() == fragment.total {
            return Some(fragment.bytes.to_vec());
        }
        let partial = &mut self.sides[dir.index()].partial;
        let same = |p: &Partial| (p.number, p.kind, p.bytes.len()) == (fragment.number, fragment.kind, fragment.total);
        let place = partial.iter().position(same).unwrap_or_else(|| {
            let held = |p: &[Partial]| p.iter().map(|p| p.bytes.len()).sum::<usize>() as u64;
            while partial.len() >= PARTIAL || held(partial) + fragment.total as u64 > cx.limits.message_bytes {
                if partial.is_empty() {
                    break;
                }
                partial.remove(0);
            }
            let (number, kind) = (fragment.number, fragment.kind);
            partial.push(Partial { number, kind, bytes: vec![0; fragment.total], there: Vec::new() });
            partial.len() - 1
        });
        let message = partial.get_mut(place)?;
        let whole = message.put(fragment.offset, fragment.bytes);
        if whole || message.there.len() > PIECES {
            let message = partial.remove(place);
            return whole.then_some(message.bytes);
        }
        None
    }

    fn message(&mut self, cx: &mut Cx<'_>, dir: Dir, kind: u8, number: u16, body: &[u8]) {
        if kind == handshake::CLIENT_HELLO && number == 0 {
            let hash = xxh3_64(body);
            if hash != std::mem::replace(&mut self.hello, hash) {
                self.sides.iter_mut().for_each(|side| side.read = 0);
            }
        }
        let bit = 1_u64.checked_shl(number.into()).unwrap_or(0);
        let read = &mut self.sides[dir.index()].read;
        if *read & bit != 0 {
            return;
        }
        *read |= bit;
        self.shake.message(cx, dir, kind, body);
    }
}

impl Dissector for Dtls {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        // RFC 9147 section 4: the unified header, 001 in its top bits, is of an encrypted record. RFC 7983 shares the
        // ports with STUN and RTP, which other first bytes tell.
        match bytes.first() {
            Some(0x20..=0x3F) if self.started => {
                self.shake.encrypted_from(cx, dir);
                return Step::Took(bytes.len());
            }
            Some(0..=19 | 64..) if self.started => return Step::Took(bytes.len()),
            _ => {}
        }
        let Some(header) = Header::read(bytes) else {
            if !self.started {
                return Step::NotMine;
            }
            let head = bytes.get(..bytes.len().min(HEADER)).unwrap_or_default();
            cx.anomaly("dtls", Kind::Malformed, &format!("record header {head:02x?}"));
            return Step::Took(bytes.len());
        };
        self.started = true;
        if header.kind == WITH_ID {
            self.shake.encrypted_from(cx, dir);
            return Step::Took(bytes.len());
        }
        let Some(fragment) = bytes.get(HEADER..HEADER + header.length) else {
            return Step::Need(HEADER + header.length);
        };
        self.record(cx, dir, &header, fragment);
        Step::Took(HEADER + header.length)
    }

    fn gap(&mut self, _cx: &mut Cx<'_>, _dir: Dir, _missing: u64) {
        self.started = true;
        self.shake.gap();
    }

    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        let patience = cx.limits.response_seconds.saturating_mul(1_000_000_000);
        self.shake.stale(cx, now.saturating_sub_unsigned(patience));
    }

    fn waits(&self) -> bool {
        self.shake.waits()
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.shake.write(cx);
    }

    fn protocol(&self) -> &'static str {
        "dtls"
    }

    fn encrypted(&self) -> bool {
        !self.shake.null_cipher
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dissect::{Ends, FlowRef, Frame};

    #[test]
    fn unfinished_messages_stay_below_the_limit() {
        let (mut rows, mut behaviours) = (crate::rows::Rows::default(), crate::behaviour::Behaviours::default());
        let (limits, ends) = (crate::limits::Limits::default(), Ends::default());
        let (ts, frame, flow) = (1, Frame::new(0, 1), FlowRef(0));
        let mut cx = Cx {
            ts,
            frame,
            flow,
            ends: &ends,
            rows: &mut rows,
            behaviours: &mut behaviours,
            limits: &limits,
            expected: &mut crate::files::Expected::default(),
        };
        let mut dtls = Dtls::new();
        for number in 0..500_u16 {
            let apart = usize::from(number) * 2;
            for (number, total, offset) in [(number, 300_000, 0), (999, 300_000, apart)] {
                let fragment = Fragment { kind: handshake::CERTIFICATE, total, number, offset, bytes: &[7] };
                dtls.fragment(&mut cx, Dir::ToClient, &fragment);
                let partial = &dtls.sides[1].partial;
                assert!(partial.len() <= PARTIAL);
                assert!(partial.iter().map(|p| p.bytes.len() as u64).sum::<u64>() <= limits.message_bytes);
                assert!(partial.iter().all(|p| p.there.len() <= PIECES));
            }
        }
        let mut twice = Partial { number: 0, kind: 11, bytes: vec![0; 6], there: vec![] };
        assert!(!twice.put(4, b"ef") && !twice.put(0, b"ab") && !twice.put(0, b"ab") && twice.put(1, b"bcd"));
        assert_eq!(twice.bytes, b"abcdef");
    }
}
