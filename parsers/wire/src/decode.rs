//! One captured frame in, one IP datagram out: link headers, fragments and tunnels are taken off without copying.
//!
//! The walk keeps offsets into the bytes at hand (the frame, or a datagram made whole from fragments) and moves from
//! header to header in a loop; slices are cut only at its end.

use crate::anomaly::Kind;
use crate::dissect::{Frame, Nanos};
use crate::fragments::{Added, Fragments};
use crate::ip::{self, Header, Parsed, Piece, Span};
use crate::limits::Limits;
use crate::link;
use crate::tunnel::{self, Inner, Step};

pub use crate::fragments::FragmentCounters;
pub use crate::link::{LLC, Link};

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// An IP datagram, whole.
    Ip(Datagram<'a>),
    /// An ARP packet.
    Arp {
        /// Who sent it.
        link: Link,
        /// The ARP header on.
        payload: &'a [u8],
    },
    /// Any other protocol on the link: LLDP, PROFINET, GOOSE, spanning tree ([`LLC`]).
    Other {
        /// Who sent it.
        link: Link,
        /// Its Ethertype.
        ethertype: u16,
        /// What follows the Ethertype.
        payload: &'a [u8],
    },
    /// A fragment that waits for the others of its datagram, or the mirror's copy of one whose datagram is whole.
    Held,
    /// No packet could be made of it; the reason, counted by [`Decoder::bad`].
    Bad(&'static str),
    /// A link type that is not known; counted.
    UnknownLink,
}

/// An IP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it on its link.
    pub link: Link,
    /// Source; IPv4 mapped.
    pub src: [u8; 16],
    /// Destination; IPv4 mapped.
    pub dst: [u8; 16],
    /// Whether it is IPv4.
    pub v4: bool,
    /// What the payload is: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6.
    pub protocol: u8,
    /// IPv4: identification; IPv6: flow label, or the fragments' identification.
    pub id: u32,
    /// Time to live, hop limit.
    pub ttl: u8,
    /// IP total length on the wire; of a datagram made whole, its own.
    pub ip_bytes: u32,
    /// The transport header on, without link padding.
    pub payload: &'a [u8],
    /// Bytes of the payload that the snap length cut.
    pub missing: u32,
    /// The inner-most tunnel it came in; empty: none.
    pub tunnel: &'static str,
    /// The checksum of its IP header is wrong.
    pub unsound: bool,
    /// Its fragments overlap and say different things: [`Decoder::other_reading`] has what it says as well.
    pub doubted: bool,
    /// Another reading of the datagram before it: no part of any stream.
    pub apart: bool,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames looked at.
    pub frames: u64,
    /// Frames of a link type that is not known.
    pub unknown_link: u64,
    /// Datagrams of which the snap length cut bytes.
    pub snapped: u64,
    /// Tunnel headers taken off.
    pub tunnels: u64,
    /// Packets with more tunnel headers than the limit `tunnel_depth`.
    pub too_deep: u64,
}

/// Takes frames apart.
#[derive(Debug)]
pub struct Decoder {
    fragments: Fragments,
    /// The payload of the datagram made whole last, and what the next one is written to.
    whole: Vec<u8>,
    spare: Vec<u8>,
    tunnel_depth: u64,
    bad: Vec<(&'static str, u64)>,
    /// What was counted.
    pub counters: Counters,
}

/// Which bytes the walk is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bytes {
    Frame,
    Whole,
}

/// Where the walk stands.
struct Walk {
    bytes: Bytes,
    span: Span,
    link: Link,
    /// The IP header read last.
    header: Header,
    tunnel: &'static str,
    depth: u64,
    /// The datagram whose tunnel was entered: what remains if its inside is none.
    outer: Option<(Link, Header, Span, &'static str)>,
}

/// The next header.
enum Layer {
    Type(u16),
    Ethernet,
    Upper,
    Fragment(Piece),
    End(End),
}

/// How the walk ends; its bytes are `Walk::span`.
enum End {
    Ip,
    Arp,
    Other(u16),
    Held,
    Bad(&'static str),
    UnknownLink,
}

/// What concerns the frame, not its bytes.
struct About<'s> {
    ts: Nanos,
    frame: Frame,
    anomalies: &'s mut dyn FnMut(Kind, String),
}

impl Decoder {
    /// A decoder with nothing in it.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            fragments: Fragments::new(limits),
            whole: Vec::new(),
            spare: Vec::new(),
            tunnel_depth: limits.tunnel_depth,
            bad: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Takes one frame apart. A datagram made whole borrows from the decoder, any other from `data`.
    pub fn decode<'a>(
        &'a mut self,
        ts: Nanos,
        frame: Frame,
        link: u16,
        orig_len: u32,
        data: &'a [u8],
        anomalies: &mut dyn FnMut(Kind, String),
    ) -> Outcome<'a> {
        self.counters.frames += 1;
        if let Some(datagram) = everyday(link, data) {
            return Outcome::Ip(datagram);
        }
        let span = Span { at: 0, end: data.len(), wire: data.len().max(orig_len as usize) };
        let mut walk = Walk {
            bytes: Bytes::Frame,
            span,
            link: Link::default(),
            header: Header::default(),
            tunnel: "",
            depth: 0,
            outer: None,
        };
        let mut about = About { ts, frame, anomalies };
        let end = match link::first(link, data, &mut walk.span, &mut walk.link) {
            Ok(Some(kind)) => self.walk(Layer::Type(kind), &mut walk, data, &mut about),
            Ok(None) => End::UnknownLink,
            Err(reason) => End::Bad(reason),
        };
        self.outcome(end, &mut walk, data)
    }

    /// Gives up fragments that wait too long at `now`.
    pub fn expire(&mut self, now: Nanos, anomalies: &mut dyn FnMut(Kind, String)) {
        self.fragments.expire(now, anomalies);
    }

    /// The payload of the datagram made whole last as its fragments read that came later where they overlap, if they
    /// say something else. Taken once.
    pub fn other_reading(&mut self) -> Option<Vec<u8>> {
        self.fragments.other.take()
    }

    /// Why frames were bad, and how many.
    #[must_use]
    pub fn bad(&self) -> &[(&'static str, u64)] {
        &self.bad
    }

    /// What was counted of fragments.
    #[must_use]
    pub fn fragments(&self) -> FragmentCounters {
        self.fragments.counters
    }

    /// Datagrams under reassembly and the bytes held for them.
    #[must_use]
    pub fn waiting(&self) -> (usize, u64) {
        self.fragments.holds()
    }

    #[inline]
    fn walk(&mut self, mut layer: Layer, walk: &mut Walk, data: &[u8], about: &mut About<'_>) -> End {
        loop {
            let bytes = match walk.bytes {
                Bytes::Frame => data,
                Bytes::Whole => &self.whole,
            };
            layer = match layer {
                Layer::Type(link::IPV4) => {
                    let parsed = ip::v4(bytes, walk.span, &mut walk.header);
                    walk.network(parsed, about)
                }
                Layer::Type(link::IPV6) => {
                    let parsed = ip::v6(bytes, walk.span, &mut walk.header);
                    walk.network(parsed, about)
                }
                Layer::Type(link::ARP) => return End::Arp,
                Layer::Type(kind) => match tunnel::by_type(kind, bytes, walk.span) {
                    Some(inner) => walk.enter(inner, false, self.tunnel_depth, &mut self.counters, about),
                    None => return End::Other(kind),
                },
                Layer::Ethernet => match link::ethernet(bytes, &mut walk.span, &mut walk.link) {
                    Ok(kind) => Layer::Type(kind),
                    Err(reason) => return End::Bad(reason),
                },
                Layer::Upper => match walk.upper(bytes) {
                    Ok(Some(inner)) => walk.enter(inner, true, self.tunnel_depth, &mut self.counters, about),
                    Ok(None) => return End::Ip,
                    Err(layer) => layer,
                },
                Layer::Fragment(piece) => self.reassemble(piece, walk, data, about),
                Layer::End(end) => return end,
            };
        }
    }

    /// Adds a fragment to its datagram; goes on inside when that is whole.
    #[cold]
    fn reassemble(&mut self, piece: Piece, walk: &mut Walk, data: &[u8], about: &mut About<'_>) -> Layer {
        let bytes = match walk.bytes {
            Bytes::Frame => data,
            Bytes::Whole => &self.whole,
        };
        let (data, length) = (walk.span.of(bytes), walk.span.length());
        let (place, spare) = ((about.ts, about.frame), &mut self.spare);
        match self.fragments.add(place, (&walk.header, piece), (data, length), spare, about.anomalies) {
            Added::Held => return Layer::End(End::Held),
            Added::Bad(reason) => return Layer::End(End::Bad(reason)),
            Added::Whole(protocol) => walk.header.protocol = protocol,
        }
        std::mem::swap(&mut self.whole, &mut self.spare);
        walk.restart(self.whole.len());
        walk.header.id = piece.id;
        let fixed = if walk.header.v4 { 20 } else { 40 };
        walk.header.ip_bytes = u32::try_from(self.whole.len()).unwrap_or(u32::MAX).saturating_add(fixed);
        Layer::Upper
    }

    /// Cuts the slices where the walk ended. What is no packet inside a tunnel leaves the tunnel's own datagram.
    #[inline]
    fn outcome<'a>(&'a mut self, mut end: End, walk: &mut Walk, data: &'a [u8]) -> Outcome<'a> {
        if let End::Bad(reason) = end {
            self.count(reason);
            if let Some((link, header, span, tunnel)) = walk.outer.take() {
                (walk.link, walk.header, walk.span, walk.tunnel) = (link, header, span, tunnel);
                end = End::Ip;
            }
        }
        let bytes = match walk.bytes {
            Bytes::Frame => data,
            Bytes::Whole => &self.whole,
        };
        let (link, payload) = (walk.link, walk.span.of(bytes));
        match end {
            End::Ip => {
                let Header { src, dst, v4, protocol, id, ttl, ip_bytes, unsound } = walk.header;
                let (missing, tunnel) = (walk.span.missing(), walk.tunnel);
                let doubted = walk.bytes == Bytes::Whole && walk.span.at == 0 && self.fragments.other.is_some();
                self.counters.snapped += u64::from(missing > 0);
                Outcome::Ip(Datagram {
                    link,
                    src,
                    dst,
                    v4,
                    protocol,
                    id,
                    ttl,
                    ip_bytes,
                    payload,
                    missing,
                    tunnel,
                    unsound,
                    doubted,
                    apart: false,
                })
            }
            End::Arp => Outcome::Arp { link, payload },
            End::Other(ethertype) => Outcome::Other { link, ethertype, payload },
            End::Held => Outcome::Held,
            End::Bad(reason) => Outcome::Bad(reason),
            End::UnknownLink => {
                self.counters.unknown_link += 1;
                Outcome::UnknownLink
            }
        }
    }

    #[cold]
    fn count(&mut self, reason: &'static str) {
        match self.bad.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.bad.push((reason, 1)),
        }
    }
}

/// The frame that most are: Ethernet without a tag, IPv4 without options that is no fragment, TCP, all captured.
/// `None`: another one, which the walk takes apart.
///
/// ```text
///  0 destination | 6 source | 12 Ethertype | 14 IPv4: 0 version, header length | 2 total length | 4 identification
///  6 flags, fragment offset / 8 | 8 time to live | 9 protocol | 12 source | 16 destination | 20 payload
/// ```
#[inline]
fn everyday(link: u16, data: &[u8]) -> Option<Datagram<'_>> {
    const TCP: u8 = 6;
    const FRAGMENT: u16 = 0x3fff;
    let (ethernet, rest) = data.split_first_chunk::<14>()?;
    let header = rest.first_chunk::<20>()?;
    let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let plain = link == 1 && ethernet[12..] == link::IPV4.to_be_bytes() && header[0] == 0x45 && header[9] == TCP;
    if !plain || number(6) & FRAGMENT != 0 {
        return None;
    }
    let total = number(2);
    let payload = rest.get(20..usize::from(total))?;
    Some(Datagram {
        link: Link { src_mac: link::mac(ethernet, 6), dst_mac: link::mac(ethernet, 0), vlan: 0, has_mac: true },
        src: ip::mapped(&header[12..]),
        dst: ip::mapped(&header[16..]),
        v4: true,
        protocol: TCP,
        id: number(4).into(),
        ttl: header[8],
        ip_bytes: total.into(),
        payload,
        missing: 0,
        tunnel: "",
        unsound: !ip::right(header),
        doubted: false,
        apart: false,
    })
}

impl Walk {
    /// Past an IP header.
    #[inline]
    fn network(&mut self, parsed: Result<Parsed, &'static str>, about: &mut About<'_>) -> Layer {
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(reason) => return Layer::End(End::Bad(reason)),
        };
        if let Some(total) = parsed.too_long {
            let detail = format!("IP length {total}, but the packet has {} bytes", self.span.length());
            (about.anomalies)(Kind::BadLength, detail);
        }
        self.span = parsed.payload;
        match parsed.piece {
            None => Layer::Upper,
            Some(piece) => Layer::Fragment(piece),
        }
    }

    /// Past the headers behind the IP header: the payload, and the tunnel that it is, if any.
    #[inline]
    fn upper(&mut self, bytes: &[u8]) -> Result<Option<Inner>, Layer> {
        match ip::extensions(bytes, &mut self.header, &mut self.span) {
            Ok(None) => Ok(tunnel::by_protocol(self.header.protocol, bytes, self.span)),
            Ok(Some(piece)) => Err(Layer::Fragment(piece)),
            Err(reason) => Err(Layer::End(End::Bad(reason))),
        }
    }

    /// Into a tunnel, unless there were too many; `in_ip`: the datagram read last carries it.
    fn enter(
        &mut self,
        inner: Inner,
        in_ip: bool,
        limit: u64,
        counters: &mut Counters,
        about: &mut About<'_>,
    ) -> Layer {
        if self.depth >= limit {
            counters.too_deep += 1;
            (about.anomalies)(Kind::Malformed, format!("more than {limit} tunnel headers in one packet"));
            return Layer::End(if in_ip { End::Ip } else { End::Other(inner.ethertype) });
        }
        self.depth += 1;
        counters.tunnels += 1;
        if in_ip {
            self.outer = Some((self.link, self.header, self.span, self.tunnel));
            // The addresses and the VLAN of the tunnel's ends are not those of what it carries.
            self.link = Link { vlan: inner.vlan, ..Link::default() };
        }
        if !inner.name.is_empty() {
            self.tunnel = inner.name;
        }
        self.span = inner.span;
        match inner.next {
            Step::Ethernet => Layer::Ethernet,
            Step::Type(kind) => Layer::Type(kind),
        }
    }

    /// On with a datagram made whole from fragments: offsets into the bytes before mean nothing any more.
    fn restart(&mut self, length: usize) {
        self.bytes = Bytes::Whole;
        self.span = Span { at: 0, end: length, wire: length };
        self.outer = None;
    }
}
