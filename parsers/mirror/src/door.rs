//! Two processes: the listener owns the sockets of interfaces and answers for them; whoever dissects has the memory of
//! their rings, in which the kernel leaves packets, and no socket that could send one.
//!
//! A question is its letter and the number of an interface, in the order in which the listener was told of them at its
//! start: it opens nothing else, whoever asks. The answer to `o` comes with the socket, which is closed here as soon as
//! its ring is mapped; a mapping outlives that.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use crate::error::Error;
use crate::ring::{Opened, Settings};
use crate::sys::{Socket, adopted};

const OPEN: u8 = b'o';
const COUNTS: u8 = b's';
const TROUBLE: u8 = b'e';
/// Bytes of a question: its letter and a number of 16 bits.
const QUESTION: usize = 3;
/// Bytes of an answer: whether it worked, then numbers of 32 bits; or a sentence.
const ANSWER: usize = 1024;
const DONE: u8 = 0;
const FAILED: u8 = 1;
const FORBIDDEN: u8 = 2;

/// The way to the listener.
pub struct Door {
    socket: Mutex<OwnedFd>,
    /// [`IS_OPEN`], [`CLOSED`], or closed and told.
    state: AtomicU8,
}

const IS_OPEN: u8 = 0;
const CLOSED: u8 = 1;
const TOLD: u8 = 2;

impl Door {
    /// A socket of the kind SOCK_SEQPACKET whose other end the listener has. It is closed with this value.
    #[must_use]
    pub fn new(fd: RawFd) -> Self {
        Self { socket: Mutex::new(adopted(fd)), state: AtomicU8::new(IS_OPEN) }
    }

    /// Whether the listener was found to be gone since this was asked last.
    pub(crate) fn just_closed(&self) -> bool {
        self.state.compare_exchange(CLOSED, TOLD, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn open(&self, lane: u16, settings: &Settings) -> Result<Opened, Error> {
        let interface = || settings.interface.clone();
        let gone =
            |source| Error::Call { interface: interface(), what: "ask the process that owns the sockets", source };
        let (answer, socket) = self.ask(OPEN, lane).map_err(gone)?;
        match (answer.first(), socket) {
            (Some(&DONE), Some(socket)) => {
                let (link, index, blocks) = (number(&answer, 0), number(&answer, 1), number(&answer, 2));
                let link = u16::try_from(link).unwrap_or(u16::MAX);
                Ok(Opened { socket: Socket::from(socket), link, index: index.cast_signed(), blocks })
            }
            (Some(&FORBIDDEN), _) => Err(Error::Forbidden { interface: interface() }),
            _ => Err(Error::Told(String::from_utf8_lossy(answer.get(1..).unwrap_or_default()).into_owned())),
        }
    }

    /// As [`Socket::statistics`]; nothing once the listener is gone, which is told.
    pub(crate) fn statistics(&self, lane: u16) -> (u32, u32, u32) {
        let answer = self.ask(COUNTS, lane).map(|(answer, _)| answer).unwrap_or_default();
        (number(&answer, 0), number(&answer, 1), number(&answer, 2))
    }

    /// As [`Socket::error`].
    pub(crate) fn error(&self, lane: u16) -> i32 {
        self.ask(TROUBLE, lane).map_or(0, |(answer, _)| number(&answer, 0).cast_signed())
    }

    fn ask(&self, what: u8, lane: u16) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
        if self.state.load(Ordering::Relaxed) != IS_OPEN {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let [high, low] = lane.to_be_bytes();
        let answer = send(&*socket, &[what, high, low], None).and_then(|()| receive(&*socket, ANSWER));
        match answer {
            Ok((bytes, _)) if bytes.is_empty() => self.closed(io::Error::from(io::ErrorKind::BrokenPipe)),
            Ok(answer) => Ok(answer),
            Err(error) => self.closed(error),
        }
    }

    fn closed<T>(&self, error: io::Error) -> io::Result<T> {
        self.state.store(CLOSED, Ordering::Relaxed);
        Err(error)
    }
}

/// Owns the sockets of these interfaces and answers for them until whoever asks is gone.
///
/// # Errors
/// The kernel's words.
pub fn serve(fd: RawFd, interfaces: &[Settings]) -> io::Result<()> {
    let socket = adopted(fd);
    let mut open: Vec<Option<Opened>> = interfaces.iter().map(|_| None).collect();
    // What sockets counted last that were opened anew since.
    let mut before = vec![(0, 0, 0); interfaces.len()];
    loop {
        let (question, _) = receive(&socket, QUESTION)?;
        let Some(&[what, high, low]) = question.first_chunk::<QUESTION>() else { return Ok(()) };
        let lane = usize::from(u16::from_be_bytes([high, low]));
        let (Some(settings), Some(place), Some(last)) =
            (interfaces.get(lane), open.get_mut(lane), before.get_mut(lane))
        else {
            send(&socket, &[FAILED], None)?;
            continue;
        };
        match what {
            OPEN => {
                if let Some(old) = place.take() {
                    *last = sum(*last, old.socket.statistics().unwrap_or_default());
                }
                match Opened::open(settings) {
                    Ok(opened) => {
                        let facts = numbers(&[u32::from(opened.link), opened.index.cast_unsigned(), opened.blocks]);
                        send(&socket, &facts, Some(&opened.socket))?;
                        *place = Some(opened);
                    }
                    Err(Error::Forbidden { .. }) => send(&socket, &[FORBIDDEN], None)?,
                    Err(error) => {
                        let mut answer = [&[FAILED], error.to_string().as_bytes()].concat();
                        answer.truncate(ANSWER);
                        send(&socket, &answer, None)?;
                    }
                }
            }
            COUNTS => {
                let counts = place.as_ref().and_then(|opened| opened.socket.statistics().ok()).unwrap_or_default();
                let counts = sum(std::mem::take(last), counts);
                send(&socket, &numbers(&[counts.0, counts.1, counts.2]), None)?;
            }
            _ => {
                let code = place.as_ref().map_or(0, |opened| opened.socket.error());
                send(&socket, &numbers(&[code.cast_unsigned()]), None)?;
            }
        }
    }
}

fn sum(one: (u32, u32, u32), other: (u32, u32, u32)) -> (u32, u32, u32) {
    (one.0.saturating_add(other.0), one.1.saturating_add(other.1), one.2.saturating_add(other.2))
}

/// That it worked, and what came of it.
fn numbers(values: &[u32]) -> Vec<u8> {
    std::iter::once(DONE).chain(values.iter().flat_map(|value| value.to_be_bytes())).collect()
}

fn number(answer: &[u8], place: usize) -> u32 {
    let bytes = answer.get(1 + 4 * place..).and_then(|rest| rest.first_chunk::<4>());
    bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn send(socket: impl AsFd, bytes: &[u8], beside: Option<&Socket>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let beside: Vec<_> = beside.into_iter().map(AsFd::as_fd).collect();
    if !beside.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&beside));
    }
    rustix::io::retry_on_intr(|| sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL))?;
    Ok(())
}

/// A message, no longer than this, and the descriptor that came with it; an empty one at the end.
fn receive(socket: impl AsFd, most: usize) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut bytes = vec![0; most];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let found = rustix::io::retry_on_intr(|| {
        recvmsg(&socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    bytes.truncate(found.bytes);
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok((bytes, descriptors.last()))
}
