//! The memory that a ring shares with the kernel: blocks, each owned by one side at a time.
//!
//! A block's status word says whose it is (packet(7), `Documentation/networking/packet_mmap.rst`). The kernel writes a
//! block's content before it sets TP_STATUS_USER, and touches nothing of it until that is taken back; so between a
//! read of the status with Acquire and a write with Release the bytes are plain memory of this process. [`Map`] hands
//! out bytes of a block only through [`Block`], which exists only while the block is ours.

use std::io;
use std::mem::size_of;
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use libc::{tpacket_hdr_v1, tpacket3_hdr};

/// Offset of the status within a block: behind version and offset_to_priv of `tpacket_block_desc`.
const STATUS: usize = 8;

/// The ring's memory.
pub(crate) struct Map {
    start: NonNull<u8>,
    block_bytes: usize,
    blocks: usize,
}

// SAFETY: the memory belongs to the value alone; nothing of it is tied to a thread.
unsafe impl Send for Map {}

/// A packet's record in a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub seconds: u32,
    pub nanoseconds: u32,
    pub captured: u32,
    pub original: u32,
    pub status: u32,
    pub vlan_tci: u16,
    pub vlan_tpid: u16,
    /// Offset of the first byte of the packet in the block.
    pub at: usize,
    /// Offset of the next record in the block; 0 behind the last.
    pub next: usize,
}

impl Map {
    /// Maps the ring of a socket that has one.
    pub fn new(fd: RawFd, block_bytes: usize, blocks: usize) -> io::Result<Self> {
        let bytes = block_bytes.checked_mul(blocks).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice touches no memory that is in use.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, libc::MAP_SHARED, fd, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))?;
        Ok(Self { start, block_bytes, blocks })
    }

    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Place of a byte of a block; `None` when `bytes` from it do not lie in the block.
    fn place(&self, block: usize, at: usize, bytes: usize) -> Option<NonNull<u8>> {
        let inside = block < self.blocks && at.checked_add(bytes)? <= self.block_bytes;
        // SAFETY: `block * block_bytes + at` is less than the length of the mapping, which fits an isize.
        inside.then(|| unsafe { self.start.add(block * self.block_bytes + at) })
    }

    fn status(&self, block: usize) -> Option<&AtomicU32> {
        let place = self.place(block, STATUS, size_of::<u32>())?;
        // SAFETY: blocks begin at multiples of the page size, so the word at offset 8 is aligned; it is only ever
        // read and written as a whole word by both sides.
        Some(unsafe { AtomicU32::from_ptr(place.cast().as_ptr()) })
    }

    /// Whether the block is ours to read.
    pub fn ours(&self, block: usize) -> bool {
        self.status(block).is_some_and(|s| s.load(Ordering::Acquire) & libc::TP_STATUS_USER != 0)
    }

    /// Gives a block back to the kernel. Whoever calls it has no bytes of it borrowed: `&mut`.
    pub fn give_back(&mut self, block: usize) {
        if let Some(status) = self.status(block) {
            status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        }
    }

    /// Packets in a block of ours, and where the first record is.
    pub fn head(&self, block: usize) -> Option<(u32, usize)> {
        if !self.ours(block) {
            return None;
        }
        let place = self.place(block, STATUS, size_of::<tpacket_hdr_v1>())?;
        // SAFETY: the bytes lie in the block, which is ours; any bytes are a tpacket_hdr_v1.
        let head = unsafe { place.cast::<tpacket_hdr_v1>().read_unaligned() };
        Some((head.num_pkts, usize::try_from(head.offset_to_first_pkt).ok()?))
    }

    /// The record at an offset of a block of ours.
    pub fn record(&self, block: usize, at: usize) -> Option<Record> {
        let place = self.place(block, at, size_of::<tpacket3_hdr>())?;
        // SAFETY: the bytes lie in the block, which is ours while its packets are read; any bytes are a tpacket3_hdr.
        let head = unsafe { place.cast::<tpacket3_hdr>().read_unaligned() };
        let tag = head.hv1;
        let next = usize::try_from(head.tp_next_offset).ok()?;
        Some(Record {
            seconds: head.tp_sec,
            nanoseconds: head.tp_nsec,
            captured: head.tp_snaplen,
            original: head.tp_len,
            status: head.tp_status,
            vlan_tci: u16::try_from(tag.tp_vlan_tci & 0xFFFF).unwrap_or_default(),
            vlan_tpid: tag.tp_vlan_tpid,
            at: at.checked_add(usize::from(head.tp_mac))?,
            next: if next == 0 { 0 } else { at.checked_add(next)? },
        })
    }

    /// Bytes of a block of ours; empty when they do not lie in it.
    pub fn bytes(&self, block: usize, at: usize, len: usize) -> &[u8] {
        match self.place(block, at, len) {
            // SAFETY: the bytes lie in the block, which is ours as long as the borrow of `self` lasts, because
            // `give_back` wants `&mut self`; the kernel does not write to a block that is ours.
            Some(place) => unsafe { std::slice::from_raw_parts(place.as_ptr(), len) },
            None => &[],
        }
    }

    /// Bytes of a block of ours, to write.
    pub fn bytes_mut(&mut self, block: usize, at: usize, len: usize) -> &mut [u8] {
        match self.place(block, at, len) {
            // SAFETY: as for `bytes`, and `&mut self` says that nobody else holds any.
            Some(place) => unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), len) },
            None => &mut [],
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, of this length, and nothing borrows from it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.block_bytes * self.blocks) };
    }
}
