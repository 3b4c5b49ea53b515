//! Several interfaces as one stream of packets in time order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wire::dissect::{Frame, Nanos};

use crate::door::Door;
use crate::error::Error;
use crate::ring::{Packet, RETIRE_MS, Ring, Settings, Statistics};
use crate::sys;

/// A packet waits this long for older ones of other interfaces: blocks that are not full come after one time-out.
const SLACK: Nanos = 3 * (RETIRE_MS as Nanos) * 1_000_000;
const POLL_MS: i32 = 20;
/// Between two looks at the memory of rings whose sockets are the listener's: there is nothing to wait at.
const GLANCE: Duration = Duration::from_millis(4);
/// Between two questions to the listener whether a socket reports an error.
const ASK: Duration = Duration::from_millis(100);
/// How long to wait before an interface that went away is looked for again.
const AGAIN: Duration = Duration::from_millis(500);

/// What comes next.
pub enum Step<'a> {
    /// A packet and its place.
    Packet(Frame, Packet<'a>),
    /// Nothing came; no packet older than this will.
    Idle(Nanos),
    /// `stop` was called.
    Stopped,
}

/// What is known of an interface so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its name.
    pub interface: String,
    /// When it was opened first, nanoseconds since the epoch.
    pub opened: Nanos,
    /// Packets handed out.
    pub packets: u64,
    /// Bytes of them that were captured.
    pub bytes: u64,
    /// Packets of which not all bytes were captured.
    pub truncated_packets: u64,
    /// Time of the first packet; 0: there was none.
    pub first_ts: Nanos,
    /// Time of the latest.
    pub last_ts: Nanos,
    /// Packets that found no room in the ring.
    pub dropped: u64,
    /// Whether it can be listened to now.
    pub up: bool,
}

struct Lane {
    settings: Settings,
    ring: Option<Ring>,
    facts: Facts,
    /// Packets of `facts.dropped` that [`Live::lost`] gave.
    told: u64,
    tried: Instant,
    /// It was made anew and may not be listened to, which was told.
    refused: bool,
}

/// Interfaces, each with its ring.
pub struct Live {
    lanes: Vec<Lane>,
    stop: Arc<AtomicBool>,
    told: Vec<String>,
    clock: Clock,
    /// When `stop` was seen: what comes later is not read, however much it is.
    end: Option<Nanos>,
    /// What rings counted last that were opened anew since.
    gone: Statistics,
    /// The way to the process that owns the sockets; `None`: we do.
    door: Option<Arc<Door>>,
    asked: Instant,
    /// Just before the rings were looked at after a wait. By the clock behind it a thread that was held up there would
    /// take packets for late that came meanwhile.
    looked: Nanos,
}

impl Live {
    /// Opens all interfaces. `stop` ends the stream from another thread.
    ///
    /// # Errors
    /// When one of them cannot be listened to.
    pub fn open(interfaces: Vec<Settings>, stop: Arc<AtomicBool>) -> Result<Self, Error> {
        Self::by(interfaces, stop, None)
    }

    /// The same by the listener that was told of these interfaces: [`serve`](crate::serve).
    ///
    /// # Errors
    /// When one of them cannot be listened to.
    pub fn through(door: Door, interfaces: Vec<Settings>, stop: Arc<AtomicBool>) -> Result<Self, Error> {
        Self::by(interfaces, stop, Some(Arc::new(door)))
    }

    fn by(interfaces: Vec<Settings>, stop: Arc<AtomicBool>, door: Option<Arc<Door>>) -> Result<Self, Error> {
        let mut lanes = Vec::with_capacity(interfaces.len());
        for (place, settings) in (0u16..).zip(interfaces) {
            let ring = opened(door.as_ref(), place, &settings)?;
            let facts = Facts { interface: settings.interface.clone(), opened: now(), up: true, ..Facts::default() };
            lanes.push(Lane { settings, ring: Some(ring), facts, told: 0, tried: Instant::now(), refused: false });
        }
        Ok(Self {
            lanes,
            stop,
            told: Vec::new(),
            clock: Clock::default(),
            end: None,
            gone: Statistics::default(),
            door,
            asked: Instant::now(),
            looked: now(),
        })
    }

    /// The next packet in time, or that there is none now. Waits a short while at most.
    #[inline]
    #[allow(clippy::should_implement_trait)] // an iterator's items cannot borrow from the iterator
    pub fn next(&mut self) -> Step<'_> {
        let chosen = self.choose();
        if self.stop.load(Ordering::Relaxed) {
            let end = *self.end.get_or_insert_with(now);
            if chosen.is_none_or(|(ts, _)| ts > end) {
                return Step::Stopped;
            }
        }
        let Some((_, chosen)) = chosen else { return Step::Idle(self.looked - SLACK) };
        let number = u16::try_from(chosen).unwrap_or(u16::MAX);
        match self.lanes.get_mut(chosen).and_then(|lane| lane.take(number)) {
            Some((frame, packet)) => Step::Packet(frame, packet),
            None => Step::Idle(Nanos::MIN),
        }
    }

    /// The oldest packet's time and interface; none when nothing came for a while.
    #[inline]
    fn choose(&mut self) -> Option<(Nanos, usize)> {
        let mut waited = false;
        loop {
            let mut best: Option<(Nanos, usize)> = None;
            let mut empty = false;
            for (place, lane) in self.lanes.iter_mut().enumerate() {
                match lane.ring.as_mut().and_then(Ring::stand) {
                    Some(ts) if best.is_none_or(|(oldest, _)| ts < oldest) => best = Some((ts, place)),
                    Some(_) => {}
                    None => empty |= lane.ring.is_some(),
                }
            }
            let Some((ts, place)) = best else {
                if waited || self.stop.load(Ordering::Relaxed) {
                    return None;
                }
                waited = true;
                self.wait();
                self.looked = now();
                continue;
            };
            if !empty || self.lanes.len() == 1 || waited_for(now(), ts) || self.stop.load(Ordering::Relaxed) {
                return Some((ts, place));
            }
            self.wait();
        }
    }

    /// Waits for packets; looks after interfaces that went down or away.
    #[cold]
    fn wait(&mut self) {
        if let Some(door) = self.door.clone() {
            self.glance(&door);
            return;
        }
        let open: Vec<usize> = (0..self.lanes.len()).filter(|&i| self.lanes[i].ring.is_some()).collect();
        let sockets: Vec<_> = open.iter().filter_map(|&i| self.lanes[i].ring.as_ref().and_then(Ring::fd)).collect();
        let ready = sys::wait(&sockets, POLL_MS);
        let mut trouble = sockets.is_empty();
        for (&place, ready) in open.iter().zip(&ready) {
            if ready.trouble {
                trouble = true;
                self.lanes[place].failed(&mut self.told);
            }
        }
        self.again();
        if trouble {
            std::thread::sleep(Duration::from_millis(u64::from(RETIRE_MS)));
        }
    }

    /// Waits where the sockets are another's.
    fn glance(&mut self, door: &Door) {
        std::thread::sleep(GLANCE);
        if self.asked.elapsed() < ASK {
            return;
        }
        self.asked = Instant::now();
        for lane in &mut self.lanes {
            lane.failed(&mut self.told);
        }
        self.again();
        if door.just_closed() {
            self.told.push(
                "the process that owns the sockets ended: what the kernel drops is not counted any more, and an \
                 interface that goes away is not listened to again; start the sensor anew"
                    .to_owned(),
            );
        }
    }

    fn again(&mut self) {
        for (place, lane) in (0u16..).zip(&mut self.lanes) {
            lane.again(self.door.as_ref(), place, &mut self.told, &mut self.gone);
        }
    }

    /// What the kernel counted since this was asked last, all interfaces together.
    pub fn statistics(&mut self) -> Statistics {
        let mut sum = std::mem::take(&mut self.gone);
        for lane in &mut self.lanes {
            let Some(ring) = &mut lane.ring else { continue };
            let found = ring.statistics();
            lane.facts.dropped += found.dropped;
            sum.add(&found);
        }
        sum
    }

    /// Packets that each interface lost since this was asked last, as far as [`Live::statistics`] counted them.
    pub fn lost(&mut self) -> Vec<u64> {
        let lost = |lane: &mut Lane| lane.facts.dropped - std::mem::replace(&mut lane.told, lane.facts.dropped);
        self.lanes.iter_mut().map(lost).collect()
    }

    /// How far this machine's clock was set since this was asked last, nanoseconds; 0: it went its way.
    pub fn clock_step(&mut self) -> Nanos {
        let steady = Nanos::try_from(self.clock.begun.elapsed().as_nanos()).unwrap_or(Nanos::MAX);
        let step = self.clock.look(now(), steady);
        if step != 0 {
            let (way, by) = (if step < 0 { "back" } else { "forward" }, Duration::from_nanos(step.unsigned_abs()));
            self.told.push(format!("the clock of this machine was set {way} by {:.1} s", by.as_secs_f64()));
        }
        step
    }

    /// What is known of each interface, in the order they were named.
    #[must_use]
    pub fn facts(&self) -> Vec<Facts> {
        self.lanes.iter().map(|lane| lane.facts.clone()).collect()
    }

    /// What happened to interfaces since this was asked last, in sentences.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

/// The wall clock against one that cannot be set.
struct Clock {
    begun: Instant,
    offset: Option<Nanos>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { begun: Instant::now(), offset: None }
    }
}

impl Clock {
    /// Takes the time by both; gives by how much the wall clock was set since the last look. Clocks that are held to a
    /// reference without being set move by half a millisecond a second at most.
    fn look(&mut self, wall: Nanos, steady: Nanos) -> Nanos {
        const SET: u64 = 1_000_000_000;
        let offset = wall - steady;
        let before = self.offset.replace(offset).unwrap_or(offset);
        if offset.abs_diff(before) < SET { 0 } else { offset - before }
    }
}

impl Lane {
    #[inline]
    fn take(&mut self, number: u16) -> Option<(Frame, Packet<'_>)> {
        let packet = self.ring.as_mut()?.take()?;
        let facts = &mut self.facts;
        facts.packets += 1;
        facts.bytes += packet.data.len() as u64;
        facts.truncated_packets += u64::from(packet.orig_len as usize > packet.data.len());
        if facts.first_ts == 0 {
            facts.first_ts = packet.ts;
        }
        facts.last_ts = facts.last_ts.max(packet.ts);
        Some((Frame::new(number, facts.packets), packet))
    }

    /// The socket reports an error: the interface is down, which it comes back from by itself, or gone.
    fn failed(&mut self, told: &mut Vec<String>) {
        let Some(ring) = &self.ring else { return };
        let error = ring.error();
        if error == 0 {
            return;
        }
        if self.facts.up {
            let why = std::io::Error::from_raw_os_error(error).to_string();
            let why = why.split(" (os error").next().unwrap_or_default();
            told.push(format!("{}: went down ({why}); it is listened to again when it is back", self.facts.interface));
            self.facts.up = false;
        }
    }

    fn reopened(&mut self, ring: Ring, gone: &mut Statistics) {
        if let Some(old) = &mut self.ring {
            let last = old.statistics();
            self.facts.dropped += last.dropped;
            gone.add(&last);
        }
        self.ring = Some(ring);
        self.facts.up = true;
    }

    /// Opens the interface anew if it went away and is back under its name.
    fn again(&mut self, door: Option<&Arc<Door>>, place: u16, told: &mut Vec<String>, gone: &mut Statistics) {
        if self.facts.up || self.tried.elapsed() < AGAIN {
            return;
        }
        self.tried = Instant::now();
        let Some(index) = sys::index(&self.settings.interface) else { return };
        let same = self.ring.as_ref().is_some_and(|ring| ring.index() == index);
        if same {
            // The kernel hooks the socket up again by itself.
            self.facts.up = sys::up(&self.settings.interface);
        } else {
            match opened(door, place, &self.settings) {
                Ok(ring) => self.reopened(ring, gone),
                Err(Error::Forbidden { interface }) if !self.refused => {
                    self.refused = true;
                    told.push(format!(
                        "{interface}: was made anew, and the right to listen to it was given up; start the sensor anew"
                    ));
                }
                Err(_) => {}
            }
        }
        if self.facts.up {
            told.push(format!("{}: is back", self.facts.interface));
        }
    }
}

fn opened(door: Option<&Arc<Door>>, place: u16, settings: &Settings) -> Result<Ring, Error> {
    match door {
        Some(door) => Ring::through(door, place, settings),
        None => Ring::open(settings),
    }
}

/// Whether no older packet will come than one of `ts`. One from the future was stamped before the clock was set back.
fn waited_for(now: Nanos, ts: Nanos) -> bool {
    now.saturating_sub(ts) >= SLACK || ts.saturating_sub(now) >= SLACK
}

fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos::try_from(since.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_seen_once_and_one_that_drifts_is_not() {
        let second: Nanos = 1_000_000_000;
        let mut clock = Clock::default();
        let looks = [(100, 0), (110, 10), (4_000, 20), (4_010, 30), (50, 40), (60, 50)];
        let steps = looks.map(|(wall, steady)| clock.look(wall * second + steady * 5_000, steady * second));
        assert_eq!(steps.map(|step| (step + step.signum() * second / 2) / second), [0, 0, 3_880, 0, -3_970, 0]);
    }

    #[test]
    fn packets_stamped_before_the_clock_was_set_back_do_not_wait_for_it() {
        assert!(!waited_for(SLACK, SLACK - 5));
        assert!(waited_for(2 * SLACK, SLACK));
        assert!(waited_for(SLACK, 50 * SLACK));
    }
}
