//! Packets for evidence: the ring of what was captured, and the same questions asked of captures.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ::capture::Merge;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use recorder::{Held, Selector, Settings, Wanted};
use wire::dissect::Frame;

use crate::CaptureError;

/// Two hosts, 16 bytes each.
type Pair = ([u8; 16], [u8; 16]);
/// A packet: time, index of its capture, frame number, link type, length on the wire, bytes.
type Packet<'py> = (i64, u16, u64, u16, u32, Bound<'py, PyBytes>);
/// A question: pairs of hosts, (capture, frame number), from, at, to, packets, bytes.
type Question = (Vec<Pair>, Vec<(u16, u64)>, i64, i64, i64, usize, usize);

/// A bounded ring of raw packets in memory and on disk.
#[pyclass(frozen, module = "parsers._native")]
pub struct Recorder {
    side: Mutex<Option<recorder::Recorder>>,
    held: Arc<Held>,
}

#[pymethods]
impl Recorder {
    #[new]
    #[pyo3(signature = (*, memory, folder = None, disk = 0, age_seconds = 0.0))]
    fn new(memory: usize, folder: Option<PathBuf>, disk: u64, age_seconds: f64) -> PyResult<Self> {
        if !(0.0..=1e9).contains(&age_seconds) {
            return Err(PyValueError::new_err(format!("age_seconds must be between 0 and 1e9, not {age_seconds}")));
        }
        #[allow(clippy::cast_possible_truncation)] // bounded above: at most 1e18
        let age = (age_seconds * 1e9) as i64;
        let side = recorder::Recorder::new(Settings { memory, folder, disk, age });
        let held = side.held();
        Ok(Self { side: Mutex::new(Some(side)), held })
    }

    /// The packets that belong to each question, from what is held by now.
    fn select(&self, py: Python<'_>, questions: Vec<Question>) -> Vec<Found> {
        let wanted = questions.into_iter().map(wanted_of).collect();
        py.detach(|| self.held.select(wanted)).into_iter().map(Found).collect()
    }

    /// What was counted since the beginning, and what is held.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let c = self.held.counters();
        let told = PyDict::new(py);
        for (name, value) in [
            ("packets", c.packets),
            ("memory_bytes", c.memory),
            ("disk_bytes", c.disk),
            ("expired", c.expired),
            ("lost", c.lost),
            ("failures", c.failures),
        ] {
            told.set_item(name, value)?;
        }
        Ok(told)
    }

    /// What went wrong with the disk since this was asked last.
    fn told(&self) -> Option<String> {
        self.held.told()
    }

    /// Lets go of everything that is held, files on disk too.
    fn clear(&self) {
        self.held.clear();
    }
}

impl Recorder {
    /// The side that captures, for the one engine that has it.
    pub fn taken(&self) -> PyResult<recorder::Recorder> {
        let mut side = self.side.lock().unwrap_or_else(PoisonError::into_inner);
        side.take().ok_or_else(|| PyValueError::new_err("this recorder is another engine's already"))
    }
}

/// The packets of a question.
#[pyclass(frozen, module = "parsers._native")]
pub struct Found(recorder::Found);

#[pymethods]
impl Found {
    /// (time, capture, frame number, link type, length on the wire, bytes), in time order.
    #[getter]
    fn packets<'py>(&self, py: Python<'py>) -> Vec<Packet<'py>> {
        let tuple = |p: &recorder::Kept| {
            (p.ts, p.frame.capture(), p.frame.number(), p.link, p.orig_len, PyBytes::new(py, &p.data))
        };
        self.0.packets.iter().map(tuple).collect()
    }

    /// Packets left out before and after what happened.
    #[getter]
    fn cut(&self) -> (u64, u64) {
        self.0.cut
    }

    /// Time of the oldest packet that was at hand.
    #[getter]
    fn since(&self) -> i64 {
        self.0.since
    }

    /// Whether older ones had been let go, or some within the stretch.
    #[getter]
    fn overrun(&self) -> bool {
        self.0.overrun
    }
}

/// The packets that belong to each question, read from captures.
#[pyfunction]
pub fn packets_of(py: Python<'_>, captures: Vec<PathBuf>, questions: Vec<Question>) -> PyResult<Vec<Found>> {
    let wanted = questions.into_iter().map(wanted_of).collect();
    py.detach(|| {
        let mut merge = Merge::open(&captures).map_err(|e| CaptureError::new_err(e.to_string()))?;
        let mut selector = Selector::new(wanted);
        while let Some(p) = merge.next() {
            selector.take(p.ts, p.frame, p.link, p.orig_len, p.data);
        }
        Ok(selector.finish().into_iter().map(Found).collect())
    })
}

fn wanted_of((pairs, frames, from, at, to, packets, bytes): Question) -> Wanted {
    let frames = frames.into_iter().map(|(capture, number)| Frame::new(capture, number)).collect();
    Wanted { pairs, frames, from, at, to, packets, bytes }
}
