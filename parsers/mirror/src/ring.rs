//! One packet socket and its ring: opened, read packet by packet, counted.

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;

use wire::dissect::Nanos;

use crate::Instruction;
use crate::door::Door;
use crate::error::Error;
use crate::map::{Map, Record};
use crate::sys::{Socket, index};

/// Bytes of a block: a whole one goes between the kernel and us at once. A packet must fit.
const BLOCK_BYTES: u32 = 1 << 20;
/// Milliseconds after which the kernel hands over a block that is not full.
pub(crate) const RETIRE_MS: u32 = 20;
/// Bytes kept free before each packet: a VLAN tag that the kernel took out goes back in.
const RESERVE: u32 = 4;
const TAG: usize = 4;
const ADDRESSES: usize = 12;
const ETHERNET: u16 = 1;
const RAW_IP: u16 = 101;
const RADIOTAP: u16 = 127;
const DOT1Q: u16 = 0x8100;
const SECOND: i64 = 1_000_000_000;

/// How an interface is listened to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub interface: String,
    /// Size of the ring, MiB.
    pub ring_mib: u32,
    /// Bytes of a packet that are kept; 0: all.
    pub snaplen: u32,
    /// Whether packets for other machines are wanted, which at a mirror port all are.
    pub promiscuous: bool,
    /// Which packets the kernel hands over; empty: all.
    pub filter: Vec<Instruction>,
    /// Sockets of one group share the packets of an interface by a hash of their ends; None: each has all.
    pub fanout: Option<u16>,
}

/// What the kernel counted since it was asked last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets put into the ring.
    pub received: u64,
    /// Packets that found no room.
    pub dropped: u64,
    /// How often the ring was full.
    pub freezes: u64,
    /// Packets that could not be read: their records lay outside their block, a fault of the kernel's.
    pub damaged: u64,
}

impl Statistics {
    /// Adds what another ring counted.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.dropped += other.dropped;
        self.freezes += other.freezes;
        self.damaged += other.damaged;
    }
}

/// A packet, borrowed from the ring.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Nanoseconds since the epoch, UTC, by the kernel's clock.
    pub ts: Nanos,
    /// LINKTYPE_ value of tcpdump.org.
    pub link: u16,
    /// Bytes on the wire.
    pub orig_len: u32,
    /// Bytes captured.
    pub data: &'a [u8],
}

/// A socket that listens, and the size of the ring behind it, which nobody has mapped yet.
pub(crate) struct Opened {
    pub socket: Socket,
    pub link: u16,
    pub index: i32,
    pub blocks: u32,
}

/// Who has the socket.
enum Owner {
    /// This process.
    Us(Socket),
    /// The listener, which answers for the interface of this number.
    Listener(Arc<Door>, u16),
}

/// One socket's ring.
pub struct Ring {
    map: Map, // before the socket: unmapped while it is open
    owner: Owner,
    link: u16,
    index: i32,
    block: usize,
    held: bool,
    left: u32,
    at: usize,
    current: Option<Record>,
    damaged: u64,
}

impl Opened {
    /// Listens to an interface.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let interface = || settings.interface.clone();
        let call = |what: &'static str| move |source: io::Error| Error::Call { interface: interface(), what, source };
        let socket = Socket::open().map_err(|source| match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Error::Forbidden { interface: interface() },
            _ => call("open a packet socket")(source),
        })?;
        let index = index(&settings.interface).ok_or_else(|| Error::Unknown { interface: interface() })?;
        let hardware = socket.hardware(&settings.interface).map_err(call("ask for its hardware type"))?;
        let link = match hardware {
            libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => ETHERNET,
            libc::ARPHRD_NONE | 519 => RAW_IP, // 519: ARPHRD_RAWIP
            libc::ARPHRD_IEEE80211_RADIOTAP => RADIOTAP,
            _ => return Err(Error::LinkType { interface: interface(), hardware }),
        };
        let option = |name, value: i32| socket.set(libc::SOL_PACKET, name, &value);
        option(libc::PACKET_VERSION, libc::tpacket_versions::TPACKET_V3 as i32).map_err(call("use TPACKET_V3"))?;
        option(libc::PACKET_RESERVE, RESERVE as i32).map_err(call("reserve room for VLAN tags"))?;
        if hardware == libc::ARPHRD_LOOPBACK {
            // Each packet is seen when it goes out and when it comes in.
            option(libc::PACKET_IGNORE_OUTGOING, 1).map_err(call("leave out what goes out"))?;
        }
        let program = program(settings);
        if !program.is_empty() {
            socket.filter(&program).map_err(|source| Error::Filter { interface: interface(), source })?;
        }
        let blocks = (u64::from(settings.ring_mib.max(2)) << 20) / u64::from(BLOCK_BYTES);
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        let memory = |_| Error::Memory { interface: interface(), bytes: u64::from(blocks) * u64::from(BLOCK_BYTES) };
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK_BYTES,
            tp_block_nr: blocks,
            tp_frame_size: BLOCK_BYTES, // of no meaning in version 3, where packets lie one behind the other
            tp_frame_nr: blocks,
            tp_retire_blk_tov: RETIRE_MS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        socket.set(libc::SOL_PACKET, libc::PACKET_RX_RING, &request).map_err(memory)?;
        if settings.promiscuous {
            socket.promiscuous(index).map_err(call("make it promiscuous"))?;
        }
        socket.bind(index).map_err(call("listen"))?;
        if let Some(group) = settings.fanout {
            let wanted = u32::from(group) | (libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG) << 16;
            socket.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &wanted).map_err(call("share its packets"))?;
        }
        Ok(Self { socket, link, index, blocks })
    }
}

impl Ring {
    /// Opens a ring on an interface.
    ///
    /// # Errors
    /// With a sentence for the user.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let Opened { socket, link, index, blocks } = Opened::open(settings)?;
        let map = mapped(&socket, blocks, settings)?;
        Ok(Self::new(map, Owner::Us(socket), link, index))
    }

    /// The same by the listener, which keeps the socket: here is the memory of its ring alone.
    pub(crate) fn through(door: &Arc<Door>, lane: u16, settings: &Settings) -> Result<Self, Error> {
        let Opened { socket, link, index, blocks } = door.open(lane, settings)?;
        let map = mapped(&socket, blocks, settings)?;
        Ok(Self::new(map, Owner::Listener(Arc::clone(door), lane), link, index))
    }

    fn new(map: Map, owner: Owner, link: u16, index: i32) -> Self {
        Self { map, owner, link, index, block: 0, held: false, left: 0, at: 0, current: None, damaged: 0 }
    }

    /// The time of the packet that [`Ring::take`] gives next; `None` while the kernel has handed over none.
    #[inline]
    pub fn stand(&mut self) -> Option<Nanos> {
        while self.current.is_none() {
            if !self.held {
                let (packets, first) = self.map.head(self.block)?;
                (self.held, self.left, self.at) = (true, packets, first);
            }
            if self.left == 0 {
                self.map.give_back(self.block);
                self.block = (self.block + 1) % self.map.blocks();
                self.held = false;
                continue;
            }
            self.current = self.map.record(self.block, self.at);
            match &self.current {
                Some(record) => {
                    self.left -= 1;
                    self.at = record.next;
                }
                None => {
                    self.damaged += u64::from(self.left);
                    self.left = 0;
                }
            }
        }
        self.current.as_ref().map(time)
    }

    /// The packet at which the ring stands.
    #[inline]
    pub fn take(&mut self) -> Option<Packet<'_>> {
        let record = self.current.take()?;
        let ts = time(&record);
        let mut at = record.at;
        let mut len = record.captured as usize;
        let mut orig_len = record.original;
        if record.status & libc::TP_STATUS_VLAN_VALID != 0 && self.link == ETHERNET && len >= ADDRESSES {
            let told = record.status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
            let tpid = if told { record.vlan_tpid } else { DOT1Q };
            at -= TAG.min(at);
            len += TAG;
            orig_len = orig_len.saturating_add(RESERVE);
            let bytes = self.map.bytes_mut(self.block, at, len);
            if bytes.len() == len {
                bytes.copy_within(TAG..TAG + ADDRESSES, 0);
                let tag = [tpid.to_be_bytes(), record.vlan_tci.to_be_bytes()];
                bytes[ADDRESSES..ADDRESSES + TAG].copy_from_slice(tag.as_flattened());
            }
        }
        let data = self.map.bytes(self.block, at, len);
        Some(Packet { ts, link: self.link, orig_len, data })
    }

    /// What the kernel counted since this was asked last.
    pub fn statistics(&mut self) -> Statistics {
        let (received, dropped, freezes) = match &self.owner {
            Owner::Us(socket) => socket.statistics().unwrap_or_default(),
            Owner::Listener(door, lane) => door.statistics(*lane),
        };
        let (received, dropped) = (u64::from(received), u64::from(dropped));
        let (received, freezes) = (received.saturating_sub(dropped), u64::from(freezes));
        Statistics { received, dropped, freezes, damaged: std::mem::take(&mut self.damaged) }
    }

    /// The socket, where it is ours: one may wait at it.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        match &self.owner {
            Owner::Us(socket) => Some(socket.fd()),
            Owner::Listener(..) => None,
        }
    }

    /// The error that waits at the socket; 0: none.
    pub(crate) fn error(&self) -> i32 {
        match &self.owner {
            Owner::Us(socket) => socket.error(),
            Owner::Listener(door, lane) => door.error(*lane),
        }
    }

    /// The kernel's number of the interface when it was opened.
    pub(crate) fn index(&self) -> i32 {
        self.index
    }
}

fn mapped(socket: &Socket, blocks: u32, settings: &Settings) -> Result<Map, Error> {
    let bytes = u64::from(blocks) * u64::from(BLOCK_BYTES);
    let memory = |_| Error::Memory { interface: settings.interface.clone(), bytes };
    Map::new(socket.fd(), BLOCK_BYTES as usize, blocks as usize).map_err(memory)
}

/// The number of a group of sockets that share an interface: of this process alone.
#[must_use]
pub fn group(place: u16) -> u16 {
    let process = std::process::id().to_le_bytes();
    u16::from_le_bytes([process[0], process[1]]).wrapping_add(place)
}

fn time(record: &Record) -> Nanos {
    i64::from(record.seconds) * SECOND + i64::from(record.nanoseconds)
}

/// The filter, or one that keeps every packet's first bytes.
fn program(settings: &Settings) -> Vec<Instruction> {
    const RETURN: u16 = 0x06;
    let keep = settings.snaplen;
    if keep == 0 {
        return settings.filter.clone();
    }
    if settings.filter.is_empty() {
        return vec![(RETURN, 0, 0, keep)];
    }
    let cut = |&(code, jt, jf, k): &Instruction| (code, jt, jf, if code == RETURN { k.min(keep) } else { k });
    settings.filter.iter().map(cut).collect()
}
