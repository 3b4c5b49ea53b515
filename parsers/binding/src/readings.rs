//! Values of tags, columns as numpy has them, through `wire::readings`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use pyo3::buffer::{Element, PyBuffer};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use wire::readings::{HEARD, Heard, Known, RUN, Reading, Seen};

/// The number of a value that is none, or found no room.
const NONE: u32 = u32::MAX;
/// Pairs of ends and name up to which each has a place in a list.
const PLACES: usize = 1 << 22;

fn wrong(what: &str) -> PyErr {
    PyValueError::new_err(format!("{what}: not of the size or the type that is wanted"))
}

/// A column, copied: numpy may write into its memory at any time.
fn column<T: Element>(py: Python<'_>, buffer: &PyBuffer<T>) -> PyResult<Vec<T>> {
    buffer.to_vec(py)
}

fn bytes<'py, T, const N: usize>(
    py: Python<'py>,
    values: impl Iterator<Item = T>,
    octets: fn(T) -> [u8; N],
) -> Bound<'py, PyBytes> {
    PyBytes::new(py, values.map(octets).collect::<Vec<_>>().as_flattened())
}

/// A number for each pair of ends and name, in the order of first sight.
struct Pairs {
    names: usize,
    places: Vec<u32>,
    further: HashMap<usize, u32>,
    found: Vec<u64>,
}

impl Pairs {
    fn new(ends: usize, names: usize) -> Self {
        let all = ends.saturating_mul(names);
        let places = if all <= PLACES { vec![NONE; all] } else { Vec::new() };
        Self { names, places, further: HashMap::new(), found: Vec::new() }
    }

    #[inline]
    fn number(&mut self, ends: usize, name: usize) -> u32 {
        let pair = ends * self.names + name;
        let new = u32::try_from(self.found.len()).unwrap_or(NONE);
        let place = match self.places.get_mut(pair) {
            Some(place) => place,
            None => self.further.entry(pair).or_insert(NONE),
        };
        if *place == NONE {
            *place = new;
            self.found.push(pair as u64);
        }
        *place
    }
}

/// For each value the number of its tag, for each tag its ends and name, and how many finite values found no room.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // columns
pub fn tag_numbers<'py>(
    py: Python<'py>,
    ends: PyBuffer<i64>,
    edges: PyBuffer<i32>,
    codes: PyBuffer<i32>,
    names: usize,
    values: PyBuffer<f64>,
    valid: PyBuffer<u8>,
    room: usize,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, usize)> {
    let (ends, edges) = (column(py, &ends)?, column(py, &edges)?);
    let (codes, values, valid) = (column(py, &codes)?, column(py, &values)?, column(py, &valid)?);
    let base = edges.first().copied().unwrap_or(0);
    let size = |edge: i32| usize::try_from(edge.saturating_sub(base)).ok();
    if edges.len() != ends.len() + 1 || codes.len() != values.len() || valid.len() != values.len() {
        return Err(wrong("columns of values"));
    }
    let most = ends.iter().filter_map(|at| usize::try_from(*at).ok()).max().map_or(0, |most| most + 1);
    let mut pairs = Pairs::new(most, names);
    let mut numbers = vec![NONE; values.len()];
    let (mut taken, mut left) = (0, 0);
    for (whose, span) in ends.iter().zip(edges.windows(2)) {
        let &[first, last] = span else { continue };
        let (Some(first), Some(last), Ok(whose)) = (size(first), size(last), usize::try_from(*whose)) else {
            return Err(wrong("edges"));
        };
        let (Some(numbers), Some(codes)) = (numbers.get_mut(first..last), codes.get(first..last)) else {
            return Err(wrong("edges"));
        };
        let told = values.get(first..last).unwrap_or_default().iter().zip(valid.get(first..last).unwrap_or_default());
        for ((number, code), (value, valid)) in numbers.iter_mut().zip(codes).zip(told) {
            if *valid == 0 || !value.is_finite() {
                continue;
            }
            if taken == room {
                left += 1;
                continue;
            }
            taken += 1;
            let Some(code) = usize::try_from(*code).ok().filter(|code| *code < names) else {
                return Err(wrong("codes"));
            };
            *number = pairs.number(whose, code);
        }
    }
    let numbers = bytes(py, numbers.into_iter(), u32::to_le_bytes);
    Ok((numbers, bytes(py, pairs.found.into_iter(), u64::to_le_bytes), left))
}

/// What is known of each tag of a window.
fn known_of(py: Python<'_>, known: &Bound<'_, PyDict>) -> PyResult<Vec<Known>> {
    fn named<T: Element>(py: Python<'_>, known: &Bound<'_, PyDict>, name: &str) -> PyResult<Vec<T>> {
        PyBuffer::get(&known.get_item(name)?.ok_or_else(|| wrong(name))?)?.to_vec(py)
    }
    let (new, judged): (Vec<u8>, Vec<u8>) = (named(py, known, "new")?, named(py, known, "judged")?);
    let time: Vec<i64> = named(py, known, "time")?;
    let [last, low, high, step] = ["value", "low", "high", "step"].map(|name| named::<f64>(py, known, name));
    let (last, low, high, step) = (last?, low?, high?, step?);
    let rows = 0..new.len();
    let row = |at: usize| {
        Some(Known {
            new: *new.get(at)? != 0,
            last: *last.get(at)?,
            time: *time.get(at)?,
            low: *low.get(at)?,
            high: *high.get(at)?,
            step: *step.get(at)?,
            judged: *judged.get(at)? != 0,
        })
    };
    rows.map(|at| row(at).ok_or_else(|| wrong("known"))).collect()
}

/// The tags that are known, by their keys.
#[derive(Default)]
struct Tags {
    places: HashMap<u64, usize>,
    readings: Vec<Reading>,
}

impl Tags {
    /// Where a tag is; one that is new is added.
    fn place(&mut self, key: u64) -> usize {
        let new = self.readings.len();
        let place = *self.places.entry(key).or_insert(new);
        if place == new {
            self.readings.push(Reading::default());
        }
        place
    }

    fn kept(&mut self, keys: &[u64]) -> Self {
        let mut kept = Self::default();
        for key in keys {
            if let Some(reading) = self.places.get(key).and_then(|place| self.readings.get_mut(*place)) {
                kept.places.insert(*key, kept.readings.len());
                kept.readings.push(std::mem::take(reading));
            }
        }
        kept
    }
}

/// Octets of a tag in a snapshot: key, marks, tail, turn, count, run.
const OCTETS: usize = 8 + 8 * HEARD + 8 * RUN + 12;

fn written(key: u64, heard: &Heard, out: &mut Vec<u8>) {
    out.extend_from_slice(&key.to_le_bytes());
    out.extend(heard.marks.iter().flat_map(|mark| mark.to_le_bytes()));
    out.extend(heard.tail.iter().flat_map(|value| value.to_le_bytes()));
    out.extend([heard.turn, heard.count, heard.run].iter().flat_map(|number| number.to_le_bytes()));
}

fn read(octets: &[u8]) -> Option<(u64, Heard)> {
    let (key, rest) = octets.split_first_chunk()?;
    let (marks, rest) = rest.split_first_chunk::<{ 8 * HEARD }>()?;
    let (tail, rest) = rest.split_first_chunk::<{ 8 * RUN }>()?;
    let mut heard = Heard::default();
    heard.marks.iter_mut().zip(marks.as_chunks().0).for_each(|(mark, octets)| *mark = u64::from_le_bytes(*octets));
    heard.tail.iter_mut().zip(tail.as_chunks().0).for_each(|(value, octets)| *value = f64::from_le_bytes(*octets));
    let &[turn, count, run] = rest.as_chunks().0 else { return None };
    (heard.turn, heard.count, heard.run) =
        (u32::from_le_bytes(turn), u32::from_le_bytes(count), u32::from_le_bytes(run));
    Some((u64::from_le_bytes(*key), heard))
}

/// Values of tags, window by window.
#[pyclass(frozen, module = "parsers._native")]
pub struct Readings {
    tags: Mutex<Tags>,
}

impl Readings {
    fn lock(&self) -> PyResult<MutexGuard<'_, Tags>> {
        self.tags.lock().map_err(|_| PyRuntimeError::new_err("the readings failed before and cannot go on"))
    }
}

#[pymethods]
impl Readings {
    #[new]
    fn new() -> Self {
        Self { tags: Mutex::default() }
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.lock()?.readings.len())
    }

    /// What each tag did in a window. `order`: the messages in the order of time; `edges`: where the values of each
    /// begin, and the end; `places`: for each number of a tag its place in `keys` and `known`, -1 where it has none.
    #[allow(clippy::too_many_arguments)] // columns
    fn take<'py>(
        &self,
        py: Python<'py>,
        order: PyBuffer<i64>,
        edges: PyBuffer<i64>,
        times: PyBuffer<i64>,
        numbers: PyBuffer<u32>,
        values: PyBuffer<f64>,
        places: PyBuffer<i64>,
        keys: PyBuffer<u64>,
        known: Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (order, edges, times) = (column(py, &order)?, column(py, &edges)?, column(py, &times)?);
        let (numbers, values) = (column(py, &numbers)?, column(py, &values)?);
        let (places, keys, known) = (column(py, &places)?, column(py, &keys)?, known_of(py, &known)?);
        let mut tags = self.lock()?;
        let slots: Vec<usize> = keys.iter().map(|key| tags.place(*key)).collect();
        for (slot, known) in slots.iter().zip(known) {
            if let Some(reading) = tags.readings.get_mut(*slot) {
                reading.begin(known);
            }
        }
        let slot = |place: &i64| usize::try_from(*place).ok().and_then(|at| slots.get(at)).copied();
        let of_number: Vec<usize> = places.iter().map(|place| slot(place).unwrap_or(usize::MAX)).collect();
        for message in order {
            let at = usize::try_from(message).map_err(|_| wrong("order"))?;
            let edge = |at: usize| edges.get(at).and_then(|edge| usize::try_from(*edge).ok());
            let (Some(first), Some(last), Some(ts)) = (edge(at), edge(at + 1), times.get(at)) else {
                return Err(wrong("order"));
            };
            let (Some(numbers), Some(values)) = (numbers.get(first..last), values.get(first..last)) else {
                return Err(wrong("edges"));
            };
            let place = u32::try_from(at).map_err(|_| wrong("order"))?;
            for (number, value) in numbers.iter().zip(values) {
                let Some(slot) = of_number.get(*number as usize) else { continue };
                if let Some(reading) = tags.readings.get_mut(*slot) {
                    reading.take(*value, *ts, place);
                }
            }
        }
        let seen: Vec<Seen> = slots.iter().filter_map(|at| tags.readings.get(*at)).map(Reading::seen).collect();
        told(py, &seen)
    }

    /// Forgets all other tags.
    fn keep(&self, py: Python<'_>, keys: PyBuffer<u64>) -> PyResult<()> {
        let mut tags = self.lock()?;
        *tags = tags.kept(&column(py, &keys)?);
        Ok(())
    }

    /// Forgets every stretch.
    fn clear(&self) -> PyResult<()> {
        *self.lock()? = Tags::default();
        Ok(())
    }

    /// All that is remembered, the same whenever it is the same.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let tags = self.lock()?;
        let mut places: Vec<_> = tags.places.iter().collect();
        places.sort_unstable();
        let mut out = Vec::with_capacity(OCTETS * places.len());
        for (key, place) in places {
            if let Some(reading) = tags.readings.get(*place) {
                written(*key, reading.heard(), &mut out);
            }
        }
        Ok(PyBytes::new(py, &out))
    }

    /// Goes on where a snapshot was taken; ValueError if it is none.
    fn restore(&self, state: &[u8]) -> PyResult<()> {
        let mut tags = Tags::default();
        for octets in state.chunks(OCTETS) {
            let (key, heard) = read(octets).ok_or_else(|| wrong("a snapshot of readings"))?;
            tags.places.insert(key, tags.readings.len());
            tags.readings.push(Reading::new(heard));
        }
        *self.lock()? = tags;
        Ok(())
    }
}

/// The columns, little-endian.
fn told<'py>(py: Python<'py>, seen: &[Seen]) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    for (name, of) in [
        ("moves", (|s| s.moves) as fn(&Seen) -> i64),
        ("again", |s| s.again),
        ("rested", |s| s.rested),
        ("time", |s| s.last_ts),
        ("range_at", |s| s.value_at.into()),
        ("step_at", |s| s.step_at.into()),
        ("end", |s| s.last_at.into()),
    ] {
        told.set_item(name, bytes(py, seen.iter().map(of), i64::to_le_bytes))?;
    }
    for (name, of) in [
        ("low", (|s| s.low) as fn(&Seen) -> f64),
        ("high", |s| s.high),
        ("beyond", |s| s.beyond),
        ("range_value", |s| s.value),
        ("excess", |s| s.excess),
        ("step", |s| s.step),
        ("value", |s| s.last),
    ] {
        told.set_item(name, bytes(py, seen.iter().map(of), f64::to_le_bytes))?;
    }
    Ok(told)
}
