//! What a flow's payload is: not yet known, dissected, known by name only, or nothing that we know.

use crate::dissect::{Cx, Dir, Dissector, Frame, Nanos, Probe, Stream};
use crate::files::{Follow, Transfer, follower, transferred};
use crate::names::Talk;
use crate::recognise::{Found, at_home, fresh, recognise};

/// Segments of a direction that are each looked at while nothing is recognised; then one in sixteen is.
const PATIENCE: u32 = 8;
const SPARSE: u32 = 16;

/// A piece of the stream that waits for its protocol to be recognised.
#[derive(Debug)]
pub struct Piece {
    /// Which side sent it.
    pub side: usize,
    /// Time of its packet.
    pub ts: Nanos,
    /// Its packet.
    pub frame: Frame,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Start of a flow whose protocol is not known yet.
#[derive(Debug, Default)]
pub struct Unknown {
    pieces: Vec<Piece>,
    held: usize,
    seen: [u32; 2],
    /// The protocol whose dissector said that the flow is not its own; it is never asked again.
    refused: Option<&'static str>,
    /// Whether it was said that the port's own protocol is not spoken, or the beginning was lost.
    told: bool,
}

/// The application layer of a flow.
pub enum App {
    /// Not recognised (yet): a protocol that starts in the middle is still found.
    Unknown(Unknown),
    /// A dissector with the drivers of both directions.
    Dissected(Box<dyn Dissector>, [Stream; 2]),
    /// Told by name only; beside it, where the protocol carries files, what follows them.
    Named(Box<Talk>, Option<Box<dyn Follow>>),
}

impl Default for App {
    fn default() -> Self {
        Self::Unknown(Unknown::default())
    }
}

/// How the flow layer sees a flow while it hands bytes up.
pub struct Side {
    /// Which side sent the bytes (0 or 1, in key order).
    pub side: usize,
    /// Ports of sender and receiver.
    pub ports: (u16, u16),
    /// Whether each datagram stands alone.
    pub datagram: bool,
}

/// What came of looking at the bytes of an unknown flow.
pub enum Verdict {
    /// Nothing new.
    Same,
    /// The first bytes are nothing that is known, on a port where this protocol is at home. Said once a flow.
    Stranger(&'static str),
    /// The protocol is now known.
    Recognised {
        /// The side that is the client, if the content says which.
        client: Option<usize>,
        /// Bytes that came before, to be handed up first.
        pieces: Vec<Piece>,
    },
}

impl App {
    /// A flow whose dissector failed: that protocol is not tried on it again.
    #[must_use]
    pub fn closed(refused: &'static str) -> Self {
        Self::Unknown(Unknown { refused: Some(refused), ..Unknown::default() })
    }

    /// A connection that another one announced.
    #[must_use]
    pub fn data_connection(transfer: Transfer) -> Self {
        Self::Named(Box::new(Talk::new("ftp_data")), Some(transferred(transfer)))
    }

    /// The protocol's name; empty: not recognised.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "",
            Self::Dissected(d, _) => d.protocol(),
            Self::Named(talk, _) => talk.app(),
        }
    }

    /// Whether the payload is encrypted; absent: not known.
    #[must_use]
    pub fn encrypted(&self) -> Option<bool> {
        match self {
            Self::Unknown(_) => None,
            Self::Dissected(d, _) => Some(d.encrypted()),
            Self::Named(talk, _) => talk.encrypted(),
        }
    }

    /// A flow that ends while its first bytes could still become something: the protocol that is at home there.
    #[must_use]
    pub fn undecided(&self, ports: (u16, u16)) -> Option<(&'static str, &Piece)> {
        let Self::Unknown(Unknown { pieces, told: false, .. }) = self else { return None };
        Some((at_home(ports.0, ports.1, false)?, pieces.first()?))
    }

    /// Looks at bytes of a flow that is not recognised yet. The caller then orients the flow and hands
    /// the pieces and these bytes up with [`App::feed`].
    pub fn look(&mut self, s: &Side, ts: Nanos, frame: Frame, bytes: &[u8], limit: u64) -> Verdict {
        let Self::Unknown(unknown) = self else { return Verdict::Same };
        let seen = unknown.seen.get_mut(s.side).map_or(0, |n| {
            *n = n.saturating_add(1);
            *n
        });
        let goes_on = unknown.pieces.iter().any(|p| p.side == s.side);
        if seen > PATIENCE && !goes_on && !seen.is_multiple_of(SPARSE) {
            return Verdict::Same;
        }
        let joined: Vec<u8>;
        let whole = if goes_on {
            let before = unknown.pieces.iter().filter(|p| p.side == s.side).flat_map(|p| p.bytes.iter().copied());
            joined = before.chain(bytes.iter().copied()).collect();
            &joined
        } else {
            bytes
        };
        let (app, sender) = match recognise(whole, s.ports.0, s.ports.1, s.datagram, unknown.refused) {
            Found::Dissector(dissector, sender) => (Self::Dissected(dissector, <[Stream; 2]>::default()), sender),
            Found::Named(app, sender) => {
                let follow = follower(app).filter(|_| !s.datagram);
                (Self::Named(Box::new(Talk::new(app)), follow), sender)
            }
            Found::Unsure if !s.datagram && (unknown.held + bytes.len()) as u64 <= limit => {
                unknown.held += bytes.len();
                unknown.pieces.push(Piece { side: s.side, ts, frame, bytes: bytes.to_vec() });
                return Verdict::Same;
            }
            Found::Unsure | Found::Nothing => {
                unknown.pieces.retain(|p| p.side != s.side);
                unknown.held = unknown.pieces.iter().map(|p| p.bytes.len()).sum();
                let stranger = at_home(s.ports.0, s.ports.1, s.datagram).filter(|_| !unknown.told);
                unknown.told = true;
                return stranger.map_or(Verdict::Same, Verdict::Stranger);
            }
        };
        let pieces = std::mem::take(&mut unknown.pieces);
        *self = app;
        let client = match sender {
            Probe::Client => Some(s.side),
            Probe::Server => Some(1 - s.side.min(1)),
            _ => None,
        };
        Verdict::Recognised { client, pieces }
    }

    /// Hands bytes of an oriented flow up.
    #[inline]
    pub fn feed(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8], datagram: bool) {
        match self {
            Self::Dissected(dissector, streams) => {
                let mine = if datagram {
                    Stream::datagram(dissector.as_mut(), cx, dir, bytes)
                } else {
                    let [out, back] = streams;
                    let stream = if dir == Dir::ToServer { out } else { back };
                    stream.feed(dissector.as_mut(), cx, dir, bytes)
                };
                if !mine {
                    dissector.end(cx);
                    let refused = Some(dissector.protocol());
                    *self = Self::Unknown(Unknown { refused, ..Unknown::default() });
                }
            }
            Self::Named(talk, follow) => {
                talk.look(dir, bytes);
                talk.count(cx, dir, bytes);
                if let Some(follow) = follow {
                    follow.bytes(cx, dir, bytes);
                }
                if talk.turns_to_tls() {
                    *self = Self::default();
                }
            }
            Self::Unknown(_) => {}
        }
    }

    /// Gives late bytes, at whose start a message begins, to the flow's own dissector, if it takes them.
    pub fn late(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> bool {
        let Self::Dissected(dissector, [out, back]) = self else { return false };
        let busy = if dir == Dir::ToServer { out.waiting() > 0 } else { back.waiting() > 0 };
        if busy || !dissector.takes_late(dir) {
            return false;
        }
        let mut stream = Stream::default();
        stream.feed(dissector.as_mut(), cx, dir, bytes);
        if stream.waiting() > 0 {
            stream.gap(dissector.as_mut(), cx, dir, 0);
        }
        true
    }

    /// Another dissector of the flow's protocol, and whether a message begins at the start of these bytes.
    #[must_use]
    pub fn another(&self, bytes: &[u8], from: u16, to: u16) -> Option<(Box<dyn Dissector>, bool)> {
        let Self::Dissected(known, _) = self else { return None };
        let dissector = fresh(known.protocol())?;
        let aligned = matches!(recognise(bytes, from, to, false, None), Found::Dissector(d, _)
            if d.protocol() == known.protocol());
        Some((dissector, aligned))
    }

    /// Bytes of the stream are missing.
    pub fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, side: usize, missing: u64) {
        match self {
            Self::Dissected(dissector, [out, back]) => {
                let stream = if dir == Dir::ToServer { out } else { back };
                stream.gap(dissector.as_mut(), cx, dir, missing);
            }
            Self::Unknown(unknown) => {
                unknown.pieces.retain(|p| p.side != side);
                unknown.told = true;
            }
            Self::Named(_, follow) => {
                if let Some(follow) = follow {
                    follow.gap(cx, dir, missing);
                }
            }
        }
    }

    /// Whether something waits for packet time to go on.
    #[must_use]
    pub fn ticks(&self) -> bool {
        match self {
            Self::Dissected(dissector, _) => dissector.waits(),
            Self::Named(_, follow) => follow.as_ref().is_some_and(|follow| follow.waits()),
            Self::Unknown(_) => false,
        }
    }

    /// Packet time has come to `now`.
    pub fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        match self {
            Self::Dissected(dissector, _) => dissector.tick(cx, now),
            Self::Named(_, Some(follow)) => follow.tick(cx, now),
            Self::Named(_, None) | Self::Unknown(_) => {}
        }
    }

    /// The flow is over.
    pub fn end(&mut self, cx: &mut Cx<'_>) {
        match self {
            Self::Dissected(dissector, _) => dissector.end(cx),
            Self::Named(_, Some(follow)) => follow.end(cx),
            Self::Named(_, None) | Self::Unknown(_) => {}
        }
    }

    /// Whether something waits for the flow's end.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self, Self::Dissected(..) | Self::Named(_, Some(_)))
    }
}
