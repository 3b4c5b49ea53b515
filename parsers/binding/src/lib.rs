//! The engine for Python: captures in, windows of Arrow tables out. Nothing is decided here: this crate
//! converts arguments, errors and columns, once.
#![forbid(unsafe_code)]

mod arrow;
mod native;
mod part;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use ::capture::Merge;
use arrow_array::RecordBatchIterator;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::ArrowError;
use pyo3::create_exception;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict};
use wire::limits::Limits;
use wire::pipeline::{Packet, Pipeline, Settings};
use wire::rows::Rows;

use crate::native::Block;
use crate::part::{Part, Words};

create_exception!(
    _native,
    CaptureError,
    PyValueError,
    "A capture that cannot be read; the message is one clear sentence."
);

/// By name of the column: which text each row has, 32 bits each, and the texts.
type TextColumns = BTreeMap<String, (Vec<u8>, Vec<String>)>;

/// A table of a window; `pyarrow.table(t)` and other Arrow consumers take it without copying.
#[pyclass(frozen, module = "parsers._native")]
struct Table {
    #[pyo3(get)]
    name: &'static str,
    #[pyo3(get)]
    num_rows: usize,
    parts: Vec<Part>,
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.num_rows
    }

    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<&'static str> {
        self.parts.first().map(|part| part.names().collect()).unwrap_or_default()
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema; // A hint by the protocol; consumers cast for themselves.
        let batches = self.parts.iter().map(Part::batch).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let Some(first) = batches.first() else {
            return Err(PyRuntimeError::new_err("a table without batches"));
        };
        let schema = first.schema();
        let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(batches.into_iter().map(Ok), schema)));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// The rows in ClickHouse's format Native, with columns that say the same in every row, and columns of texts:
    /// which text each row has, 32 bits each, and the texts.
    #[pyo3(signature = (constants, words = None))]
    fn native<'py>(
        &self,
        py: Python<'py>,
        constants: BTreeMap<String, String>,
        words: Option<TextColumns>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let constants: Vec<_> = constants.into_iter().collect();
        let words = words.unwrap_or_default().into_iter();
        let words = words.map(|(name, (keys, texts))| self.words(name, &keys, texts)).collect::<PyResult<Vec<_>>>()?;
        let mut block = Block::default();
        py.detach(|| {
            let mut start = 0;
            for part in &self.parts {
                part.native(&mut block, &constants, &words, start);
                start += part.rows();
            }
        });
        Ok(PyBytes::new(py, &block.0))
    }
}

impl Table {
    fn words(&self, name: String, keys: &[u8], texts: Vec<String>) -> PyResult<Words> {
        let (keys, rest) = keys.as_chunks::<4>();
        let keys: Vec<u32> = keys.iter().map(|key| u32::from_le_bytes(*key)).collect();
        let known = |key: &u32| usize::try_from(*key).is_ok_and(|key| key < texts.len());
        if !rest.is_empty() || keys.len() != self.num_rows || !keys.iter().all(known) {
            let (rows, texts) = (self.num_rows, texts.len());
            let wanted = format!("{name}: one of {texts} texts is wanted for each of {rows} rows");
            return Err(PyValueError::new_err(wanted));
        }
        Ok(Words { name, keys, texts })
    }
}

fn failed(error: ArrowError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// A slice of packet time.
#[pyclass(frozen, module = "parsers._native")]
struct Window {
    #[pyo3(get)]
    start: i64,
    #[pyo3(get)]
    end: i64,
    #[pyo3(get)]
    last: bool,
    #[pyo3(get)]
    tables: Py<PyDict>,
    #[pyo3(get)]
    counters: Py<PyDict>,
}

/// The readers and the packet path.
struct Inner {
    merge: Merge,
    pipeline: Pipeline,
    ids: Vec<String>,
    over: bool,
}

/// Reads captures, dissects, and hands out windows.
#[pyclass(frozen, module = "parsers._native")]
struct Engine {
    inner: Mutex<Inner>,
}

impl Engine {
    fn lock(&self) -> PyResult<MutexGuard<'_, Inner>> {
        self.inner.lock().map_err(|_| PyRuntimeError::new_err("the engine failed before and cannot go on"))
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (captures, *, window_seconds = 10.0, workers = 1, limits = None, vlan_in_key = false))]
    fn new(
        captures: Vec<PathBuf>,
        window_seconds: f64,
        workers: usize,
        limits: Option<BTreeMap<String, u64>>,
        vlan_in_key: bool,
    ) -> PyResult<Self> {
        if !(0.001..=86_400.0).contains(&window_seconds) {
            return Err(PyValueError::new_err(format!(
                "a window of {window_seconds} s: it must last from 0.001 to 86400 s"
            )));
        }
        let mut chosen = Limits::default();
        for (name, value) in limits.unwrap_or_default() {
            chosen.set(&name, value).map_err(|known| {
                PyValueError::new_err(format!("there is no limit {name:?}; the limits are: {}", known.join(", ")))
            })?;
        }
        let merge = Merge::open(&captures).map_err(|e| CaptureError::new_err(e.to_string()))?;
        let ids = merge.facts().into_iter().map(|f| f.id).collect();
        #[allow(clippy::cast_possible_truncation)] // bounded above: at most 8.64e13
        let window = (window_seconds * 1e9).round() as i64;
        let settings = Settings { window, workers: workers.clamp(1, 256), vlan_in_key, limits: chosen };
        Ok(Self { inner: Mutex::new(Inner { merge, pipeline: Pipeline::new(settings), ids, over: false }) })
    }

    /// The next window; None at the end. The GIL is free meanwhile.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Window>> {
        let Some((window, mut tables)) = py.detach(|| self.lock()?.next())? else {
            return Ok(None);
        };
        let by_name = PyDict::new(py);
        for (name, parts) in std::mem::take(&mut tables) {
            let num_rows = parts.iter().map(Part::rows).sum();
            by_name.set_item(name, Py::new(py, Table { name, num_rows, parts })?)?;
        }
        let counters = PyDict::new(py);
        for (name, value) in window.counters.list() {
            counters.set_item(name, value)?;
        }
        let (start, end, last) = (window.start, window.end, window.last);
        Ok(Some(Window { start, end, last, tables: by_name.unbind(), counters: counters.unbind() }))
    }

    /// What is known of each capture so far.
    fn captures<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let describe = |f: ::capture::Facts| {
            let d = PyDict::new(py);
            d.set_item("path", f.path)?;
            d.set_item("id", f.id)?;
            d.set_item("format", f.format)?;
            d.set_item("bytes", f.bytes)?;
            d.set_item("packets", f.packets)?;
            d.set_item("first_ts", f.first_ts)?;
            d.set_item("last_ts", f.last_ts)?;
            d.set_item("truncated_packets", f.truncated_packets)?;
            Ok(d)
        };
        let facts = self.lock()?.merge.facts();
        facts.into_iter().map(describe).collect()
    }

    /// What the reader has to say: captures that break off, blocks that were skipped.
    fn warnings(&self) -> PyResult<Vec<String>> {
        Ok(self.lock()?.merge.warnings())
    }
}

type Tables = Vec<(&'static str, Vec<Part>)>;

impl Inner {
    fn next(&mut self) -> PyResult<Option<(wire::pipeline::Window, Tables)>> {
        self.advance().map(|window| self.convert(window)).transpose()
    }

    fn advance(&mut self) -> Option<wire::pipeline::Window> {
        if self.over {
            return None;
        }
        while let Some(p) = self.merge.next() {
            let packet = Packet { ts: p.ts, frame: p.frame, link: p.link, orig_len: p.orig_len, data: p.data };
            if let Some(window) = self.pipeline.push(&packet) {
                return Some(window);
            }
        }
        self.over = true;
        self.pipeline.finish()
    }

    fn convert(&self, mut window: wire::pipeline::Window) -> PyResult<(wire::pipeline::Window, Tables)> {
        let mut tables: Tables = Vec::new();
        for share in std::mem::take(&mut window.shares) {
            let flows = Arc::new(share.flows);
            for table in share.tables.into_iter().filter(|t| !t.is_empty()) {
                let name = table.name;
                let part = Part::new(table, &flows, &self.ids).map_err(failed)?;
                match tables.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, parts)) => parts.push(part),
                    None => tables.push((name, vec![part])),
                }
            }
        }
        Ok((window, tables))
    }
}

/// Name, default and meaning of every limit.
#[pyfunction]
fn limits() -> Vec<(&'static str, u64, &'static str)> {
    Limits::default().list()
}

/// Name and meaning of every kind of anomaly.
#[pyfunction]
fn anomaly_kinds() -> Vec<(&'static str, &'static str)> {
    wire::anomaly::Kind::ALL.iter().map(|k| (k.name(), k.meaning())).collect()
}

/// Columns of every table: table → (column, Arrow type).
#[pyfunction]
fn schema() -> PyResult<BTreeMap<&'static str, Vec<(String, String)>>> {
    let mut tables = Rows::default().take();
    tables.push(wire::behaviour::Behaviours::default().take());
    let fields = |table| -> PyResult<Vec<(String, String)>> {
        let batch = Part::new(table, &Arc::default(), &[]).and_then(|part| part.batch()).map_err(failed)?;
        Ok(batch.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().to_string())).collect())
    };
    tables.into_iter().map(|t| Ok((t.name, fields(t)?))).collect()
}

#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("CaptureError", m.py().get_type::<CaptureError>())?;
    m.add_class::<Table>()?;
    m.add_class::<Window>()?;
    m.add_class::<Engine>()?;
    m.add_function(wrap_pyfunction!(limits, m)?)?;
    m.add_function(wrap_pyfunction!(anomaly_kinds, m)?)?;
    m.add_function(wrap_pyfunction!(schema, m)?)
}
