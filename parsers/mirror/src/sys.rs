//! System calls on packet sockets, each with a safe face. Nothing here sends.

use std::ffi::CString;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_short, c_ulong, socklen_t};

use crate::Instruction;

/// What poll says of a socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ready {
    pub packets: bool,
    pub trouble: bool,
}

/// A packet socket. It receives nothing before it is bound.
pub(crate) struct Socket(OwnedFd);

/// Takes over a descriptor that a program in another language gave away.
pub(crate) fn adopted(fd: RawFd) -> OwnedFd {
    // SAFETY: whoever calls it has detached the number from what owned it, and closes it nowhere else.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The result of a call, or why it failed.
fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn length(bytes: usize) -> socklen_t {
    socklen_t::try_from(bytes).unwrap_or(socklen_t::MAX)
}

/// The kernel's number of an interface; `None`: there is none of this name.
pub(crate) fn index(interface: &str) -> Option<c_int> {
    let name = CString::new(interface).ok()?;
    // SAFETY: `name` ends with a zero byte and lives through the call.
    let found = unsafe { libc::if_nametoindex(name.as_ptr()) };
    c_int::try_from(found).ok().filter(|index| *index > 0)
}

impl Socket {
    pub fn open() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: the call takes numbers only. Protocol 0: no packets before `bind`.
        let fd = checked(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
        // SAFETY: the call before gave this descriptor to nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn plain() -> io::Result<Self> {
        // SAFETY: the call takes numbers only.
        let fd = checked(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
        // SAFETY: the call before gave this descriptor to nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Sets an option of the level SOL_PACKET or SOL_SOCKET.
    pub fn set<T: Copy>(&self, level: c_int, option: c_int, value: &T) -> io::Result<()> {
        let bytes = length(size_of::<T>());
        // SAFETY: `value` is valid for reads of its own size, which is the size that is named.
        checked(unsafe { libc::setsockopt(self.fd(), level, option, std::ptr::from_ref(value).cast(), bytes) })?;
        Ok(())
    }

    /// The numbers that say how many packets came, were lost, and how often the ring stood still, since the last call.
    pub fn statistics(&self) -> io::Result<(u32, u32, u32)> {
        // SAFETY: a structure of three integers, of which all zeroes is a value.
        let mut found: libc::tpacket_stats_v3 = unsafe { zeroed() };
        let mut bytes = length(size_of::<libc::tpacket_stats_v3>());
        let place = std::ptr::from_mut(&mut found).cast();
        // SAFETY: `found` is valid for writes of `bytes`, and `bytes` itself for reads and writes.
        checked(unsafe {
            libc::getsockopt(self.fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS, place, &raw mut bytes)
        })?;
        Ok((found.tp_packets, found.tp_drops, found.tp_freeze_q_cnt))
    }

    /// The error that waits at the socket, which the call takes away; 0: none.
    pub fn error(&self) -> i32 {
        let mut code: c_int = 0;
        let mut bytes = length(size_of::<c_int>());
        let place = std::ptr::from_mut(&mut code).cast();
        // SAFETY: `code` is valid for writes of `bytes`, and `bytes` itself for reads and writes.
        let result = unsafe { libc::getsockopt(self.fd(), libc::SOL_SOCKET, libc::SO_ERROR, place, &raw mut bytes) };
        if result < 0 { libc::EIO } else { code }
    }

    /// The kernel's hardware type (ARPHRD) of an interface.
    pub fn hardware(&self, interface: &str) -> io::Result<u16> {
        let found = self.ask(interface, libc::SIOCGIFHWADDR)?;
        // SAFETY: the kernel has written this member.
        Ok(unsafe { found.ifr_ifru.ifru_hwaddr.sa_family })
    }

    /// Asks for a property of an interface.
    fn ask(&self, interface: &str, what: c_ulong) -> io::Result<libc::ifreq> {
        // SAFETY: a structure of characters and integers, of which all zeroes is a value.
        let mut request: libc::ifreq = unsafe { zeroed() };
        let room = request.ifr_name.len() - 1; // a zero byte stays behind the name
        for (place, byte) in request.ifr_name.iter_mut().take(room).zip(interface.bytes()) {
            *place = libc::c_char::from_ne_bytes([byte]);
        }
        // SAFETY: the calls SIOCGIF… read the name and write the rest of an ifreq, which `request` is. The cast is to
        // the type that this C library gives requests.
        checked(unsafe { libc::ioctl(self.fd(), what as _, &raw mut request) })?;
        Ok(request)
    }

    /// Sees every packet of the wire, not just those for this machine.
    pub fn promiscuous(&self, index: c_int) -> io::Result<()> {
        let wanted = libc::packet_mreq {
            mr_ifindex: index,
            mr_type: u16::try_from(libc::PACKET_MR_PROMISC).unwrap_or(1),
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &wanted)
    }

    /// Lets the kernel choose packets.
    pub fn filter(&self, program: &[Instruction]) -> io::Result<()> {
        let mut code: Vec<libc::sock_filter> =
            program.iter().map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k }).collect();
        let len = u16::try_from(code.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
        let whole = libc::sock_fprog { len, filter: code.as_mut_ptr() };
        // `code` lives until the kernel has copied it, which it does within the call.
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &whole)
    }

    /// Packets of this interface come from now on.
    pub fn bind(&self, index: c_int) -> io::Result<()> {
        // SAFETY: a structure of integers, of which all zeroes is a value.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
        address.sll_protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or_default().to_be();
        address.sll_ifindex = index;
        let bytes = length(size_of::<libc::sockaddr_ll>());
        // SAFETY: `address` is valid for reads of `bytes`, its own size.
        checked(unsafe { libc::bind(self.fd(), std::ptr::from_ref(&address).cast(), bytes) })?;
        Ok(())
    }
}

/// Whether an interface is up. Any socket may ask, and a packet socket cannot be had without privileges.
pub(crate) fn up(interface: &str) -> bool {
    let flags = Socket::plain().and_then(|socket| socket.ask(interface, libc::SIOCGIFFLAGS));
    // SAFETY: the kernel has written this member.
    flags.is_ok_and(|found| c_int::from(unsafe { found.ifr_ifru.ifru_flags }) & libc::IFF_UP != 0)
}

/// Waits until one of the sockets has something to say, at most `milliseconds`. A signal ends it early.
pub(crate) fn wait(sockets: &[RawFd], milliseconds: c_int) -> Vec<Ready> {
    let events = libc::POLLIN | libc::POLLERR;
    let mut list: Vec<libc::pollfd> = sockets.iter().map(|&fd| libc::pollfd { fd, events, revents: 0 }).collect();
    let count = list.len() as libc::nfds_t;
    // SAFETY: `list` is valid for reads and writes of `count` entries.
    let result = unsafe { libc::poll(list.as_mut_ptr(), count, milliseconds) };
    let has = |entry: &libc::pollfd, mask: c_short| result > 0 && entry.revents & mask != 0;
    let trouble = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;
    list.iter().map(|e| Ready { packets: has(e, libc::POLLIN), trouble: has(e, trouble) }).collect()
}

/// Gives up every capability of this thread for good, and the way to any by a set-user-id program. Threads that are
/// started later inherit that. Sockets that are open stay open.
///
/// # Errors
/// The kernel's words.
pub fn drop_privileges() -> io::Result<()> {
    keep(0)
}

/// The same of every capability but the one that opens packet sockets.
///
/// # Errors
/// The kernel's words; without that capability too.
pub fn keep_listening() -> io::Result<()> {
    const NET_RAW: u32 = 13;
    keep(1 << NET_RAW)
}

fn keep(capabilities: u32) -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: c_int,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Sets {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    // SAFETY: these calls take numbers only.
    unsafe {
        checked(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        checked(libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))?;
    }
    let mut header = Header { version: VERSION_3, pid: 0 };
    let low = Sets { effective: capabilities, permitted: capabilities, inheritable: 0 };
    let sets = [low, Sets { effective: 0, permitted: 0, inheritable: 0 }];
    // SAFETY: version 3 of the call reads a header and two structures of sets, laid out as above.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
