//! What values of tags did within a window: a pass over all of them for a few numbers a tag, so that what is judged
//! of a tag costs the same however often it moved. Pure numbers: whose they are and what is made of them, the caller
//! knows.

/// Values that have to come again in the same order to be heard before.
pub const RUN: usize = 8;
/// Stretches remembered of each tag.
pub const HEARD: usize = 64;
/// Different values in a stretch; with fewer, repeating itself says nothing.
const VARIED: usize = RUN / 2;
/// Values beyond are taken as this: their differences stay numbers.
const HUGE: f64 = 1e30;

// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
const FIRST: u64 = 0xBF58_476D_1CE4_E5B9;
const SECOND: u64 = 0x94D0_49BB_1331_11EB;

/// What is known of a tag before a window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    /// Whether none of its values was learnt: its first one is a move, whatever it is.
    pub new: bool,
    /// Its last value.
    pub last: f64,
    /// When that came, nanoseconds; 0: what came before is not to be compared with.
    pub time: i64,
    /// Least value learnt.
    pub low: f64,
    /// Largest value learnt.
    pub high: f64,
    /// Largest step learnt.
    pub step: f64,
    /// Whether enough was learnt to judge by it.
    pub judged: bool,
}

/// The stretches that a tag's values made lately.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Marks of stretches: that of number n in place n % [`HEARD`].
    pub marks: [u64; HEARD],
    /// The last values: that of move n in place n % [`RUN`].
    pub tail: [f64; RUN],
    /// How many moves there were, as far as places need it.
    pub turn: u32,
    /// How many stretches there were.
    pub count: u32,
    /// How many of the last ones, one after the other, had been heard before.
    pub run: u32,
}

impl Default for Heard {
    fn default() -> Self {
        Self { marks: [0; HEARD], tail: [0.0; RUN], turn: 0, count: 0, run: 0 }
    }
}

/// What a tag did in a window. A value equal to the one before is no move; places are those of messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Moves.
    pub moves: i64,
    /// Least value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// How far beyond what was learnt, in units of its spread; the value and its place, the latest of equals.
    pub beyond: f64,
    /// The value farthest beyond, or the last.
    pub value: f64,
    /// Its place.
    pub value_at: u32,
    /// How far the largest step is beyond the largest learnt.
    pub excess: f64,
    /// That step, or the last.
    pub step: f64,
    /// Its place.
    pub step_at: u32,
    /// Longest stretch of values that was heard before, in that order.
    pub again: i64,
    /// Longest time between two moves, nanoseconds.
    pub rested: i64,
    /// The last value.
    pub last: f64,
    /// Its time.
    pub last_ts: i64,
    /// Its place.
    pub last_at: u32,
}

/// A tag, window by window: told every value in the order of time.
#[derive(Debug, Clone)]
pub struct Reading {
    heard: Heard,
    /// Sixteen bits of each mark, by which most are told apart.
    prints: [u16; HEARD],
    /// The mixed values of the tail, and all of them in one.
    mixed: [u64; RUN],
    rolled: u64,
    known: Known,
    spread: f64,
    unit: f64,
    before: f64,
    seen: Seen,
}

impl Default for Reading {
    fn default() -> Self {
        Self::new(Heard::default())
    }
}

impl Reading {
    /// A tag of which this was heard.
    #[must_use]
    pub fn new(heard: Heard) -> Self {
        let mixed = heard.tail.map(word);
        let mut reading = Self {
            prints: heard.marks.map(print_of),
            mixed,
            rolled: 0,
            known: Known::default(),
            spread: 1.0,
            unit: 1.0,
            before: f64::NAN,
            seen: Seen::default(),
            heard,
        };
        for place in 0..RUN {
            let word = mixed.get((reading.turn() + place) % RUN).copied().unwrap_or_default();
            reading.rolled = reading.rolled.wrapping_mul(FIRST).wrapping_add(word);
        }
        reading
    }

    /// What is remembered.
    #[must_use]
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// A window begins.
    pub fn begin(&mut self, known: Known) {
        self.spread = (known.high - known.low).max((0.05 * known.low.abs().max(known.high.abs())).max(1e-6));
        self.unit = known.step.max(0.05 * self.spread);
        self.before = if known.new { f64::NAN } else { known.last };
        let last_ts = known.time;
        self.seen = Seen { low: f64::INFINITY, high: f64::NEG_INFINITY, last_ts, ..Seen::default() };
        self.known = known;
    }

    /// What came of it.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let mut seen = self.seen;
        if seen.beyond <= 0.0 {
            (seen.value, seen.value_at) = (seen.last, seen.last_at);
        }
        if seen.excess <= 0.0 {
            seen.step_at = seen.last_at;
        }
        seen
    }

    fn turn(&self) -> usize {
        self.heard.turn as usize % RUN
    }

    /// A value: a finite number.
    #[inline]
    pub fn take(&mut self, value: f64, ts: i64, at: u32) {
        if value.to_bits() == self.before.to_bits() || value == self.before {
            return;
        }
        self.before = value;
        self.moved(value.clamp(-HUGE, HUGE), ts, at);
    }

    #[inline]
    fn moved(&mut self, value: f64, ts: i64, at: u32) {
        let Self { known, seen, .. } = self;
        // A first value, or the first for long, is no step from the one before.
        let fresh = seen.moves == 0 && known.time == 0;
        let then = match seen.moves {
            0 if fresh => value,
            0 => known.last,
            _ => seen.last,
        };
        let outside = |value: f64| (known.low - value).max(value - known.high).max(0.0);
        let beyond = outside(value) / self.spread;
        if beyond > 0.0 && beyond >= seen.beyond {
            (seen.beyond, seen.value, seen.value_at) = (beyond, value, at);
        }
        let step = (value - then).abs();
        // Back towards the range is no news: that it was left is told.
        if step > known.step && !(known.judged && outside(value) < outside(then)) {
            let excess = (step - known.step) / self.unit;
            if excess >= seen.excess {
                (seen.excess, seen.step, seen.step_at) = (excess, step, at);
            }
        }
        if !fresh {
            seen.rested = seen.rested.max(ts.saturating_sub(seen.last_ts));
        }
        seen.low = seen.low.min(value);
        seen.high = seen.high.max(value);
        (seen.last, seen.last_ts, seen.last_at) = (value, ts, at);
        self.again(value);
        self.seen.moves += 1;
    }

    /// Whether the stretch that ends here was heard before; remembers it.
    #[inline]
    fn again(&mut self, value: f64) {
        let (turn, new) = (self.turn(), word(value));
        let Self { heard, prints, mixed, rolled, seen, .. } = self;
        heard.turn = heard.turn.wrapping_add(1);
        let (Some(place), Some(oldest)) = (mixed.get_mut(turn), heard.tail.get_mut(turn)) else { return };
        *rolled = rolled.wrapping_mul(FIRST).wrapping_add(new).wrapping_sub(place.wrapping_mul(POWER));
        (*place, *oldest) = (new, value);
        if !varied(&heard.tail) {
            heard.run = 0;
            return;
        }
        let mark = mix(*rolled).max(1);
        let print = print_of(mark);
        let alike = prints.iter().fold(false, |found, other| found | (*other == print));
        let known = alike && heard.marks.contains(&mark);
        let at = heard.count as usize % HEARD;
        if let (Some(place), Some(short)) = (heard.marks.get_mut(at), prints.get_mut(at)) {
            (*place, *short) = (mark, print);
        }
        heard.count = heard.count.wrapping_add(1);
        heard.run = if known { heard.run.saturating_add(1) } else { 0 };
        if known {
            seen.again = seen.again.max(i64::from(heard.run) + RUN as i64 - 1);
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // the lower bits are wanted
#[inline]
fn print_of(mark: u64) -> u16 {
    mark as u16
}

/// FIRST to the power of [`RUN`]: what the oldest value of a stretch weighs when it leaves.
const POWER: u64 = {
    let (mut power, mut n) = (1_u64, 0);
    while n < RUN {
        power = power.wrapping_mul(FIRST);
        n += 1;
    }
    power
};

#[inline]
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(FIRST);
    let x = (x ^ (x >> 27)).wrapping_mul(SECOND);
    x ^ (x >> 31)
}

#[inline]
fn word(value: f64) -> u64 {
    mix(value.to_bits().wrapping_add(GOLDEN))
}

/// Whether a stretch has enough different values.
#[inline]
fn varied(stretch: &[f64; RUN]) -> bool {
    let mut found = [0.0; VARIED];
    let mut many = 0;
    for value in stretch {
        if !found.iter().take(many).any(|known| known == value) {
            if many + 1 >= VARIED {
                return true;
            }
            if let Some(place) = found.get_mut(many) {
                *place = *value;
            }
            many += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(reading: &mut Reading, known: Known, values: &[f64]) -> Seen {
        reading.begin(known);
        for (at, value) in (0_u32..).zip(values) {
            reading.take(*value, 100 + 10 * i64::from(at), at);
        }
        reading.seen()
    }

    fn told(known: Known, values: &[f64]) -> Seen {
        on(&mut Reading::default(), known, values)
    }

    const NEW: Known = Known { new: true, last: 0.0, time: 0, low: 0.0, high: 0.0, step: 0.0, judged: false };
    const LEARNT: Known = Known { new: false, last: 5.0, time: 90, low: 0.0, high: 10.0, step: 2.0, judged: true };

    #[test]
    fn what_does_not_differ_is_no_move() {
        let seen = told(NEW, &[3.0, 3.0, 4.0, 4.0]);
        assert_eq!((seen.moves, seen.low, seen.high, seen.last, seen.last_at), (2, 3.0, 4.0, 4.0, 2));
        assert_eq!((seen.rested, seen.step), (20, 1.0));
        assert_eq!(told(Known { last: 3.0, ..LEARNT }, &[3.0, 3.0]).moves, 0);
    }

    #[test]
    fn the_value_farthest_beyond_is_the_latest_of_equals() {
        let seen = told(LEARNT, &[-5.0, 5.0, 15.0, 5.0]);
        assert_eq!((seen.beyond, seen.value, seen.value_at), (0.5, 15.0, 2));
        let seen = told(LEARNT, &[6.0, 7.0]);
        assert_eq!((seen.beyond, seen.value, seen.value_at), (0.0, 7.0, 1));
    }

    #[test]
    fn the_way_back_is_no_step() {
        let away = Known { last: 50.0, ..LEARNT };
        assert!(told(away, &[8.0]).excess <= 0.0);
        assert!(told(Known { judged: false, ..away }, &[8.0]).excess > 0.0);
        let seen = told(LEARNT, &[9.0, 8.0]);
        assert_eq!((seen.step, seen.step_at, seen.rested), (4.0, 0, 10));
        assert_eq!(told(Known { time: 0, ..LEARNT }, &[9.0]).step, 0.0);
    }

    #[test]
    fn a_stretch_that_comes_again_is_known_wherever_windows_end() {
        let first: Vec<f64> = (0..40).map(|n| f64::from(n * n % 23) + 0.5).collect();
        let twice = [first.clone(), first].concat();
        let whole = told(NEW, &twice).again;
        assert!(whole >= 30, "{whole}");
        for cut in 1..twice.len() {
            let mut reading = Reading::default();
            let seen = on(&mut reading, NEW, &twice[..cut]);
            let known = Known { new: false, last: seen.last, time: seen.last_ts, ..NEW };
            let again = on(&mut Reading::new(reading.heard().clone()), known, &twice[cut..]).again.max(seen.again);
            assert_eq!(again, whole, "cut at {cut}");
        }
    }

    #[test]
    fn values_in_turns_say_nothing_and_what_is_long_ago_is_forgotten() {
        let turns: Vec<f64> = (0..100).map(|n| f64::from(n % 3)).collect();
        assert_eq!(told(NEW, &turns).again, 0);
        let once: Vec<f64> = (0..20).map(f64::from).collect();
        let between: Vec<f64> = (0..100).map(|n| 1000.0 + f64::from(n)).collect();
        assert_eq!(told(NEW, &[once.clone(), between, once].concat()).again, 0);
    }

    #[test]
    fn huge_values_stay_numbers() {
        let seen = told(NEW, &[f64::MAX, f64::MIN]);
        assert_eq!((seen.high, seen.low, seen.step), (HUGE, -HUGE, 2.0 * HUGE));
    }
}
