//! The engine for Python: captures in, windows of Arrow tables out. Nothing is decided here: this crate
//! converts arguments, errors and columns, once.
#![forbid(unsafe_code)]

mod ahead;
mod arrow;
mod evidence;
mod native;
mod part;
mod readings;
mod selection;
mod source;

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use ::capture::{Index, Merge};
use arrow_array::RecordBatchIterator;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::ArrowError;
use mirror::Live;
use pyo3::create_exception;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict};
use wire::columns::Finished;
use wire::limits::Limits;
use wire::pipeline::{Pipeline, Settings};
use wire::rows::Rows;
use wire::worker::Fault;

use crate::ahead::Ahead;
use crate::evidence::{Found, Recorder};
use crate::native::Block;
use crate::part::{Part, Words};
use crate::selection::Selection;
use crate::source::{Captures, Source, Turn};

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
    #[pyo3(get)]
    files: Vec<(Py<PyBytes>, Py<PyBytes>)>,
}

/// The source and the packet path.
struct Inner {
    source: Source,
    pipeline: Pipeline,
    recorder: Option<recorder::Recorder>,
    ids: Vec<String>,
    over: bool,
}

/// Reads captures, dissects, and hands out windows.
#[pyclass(frozen, module = "parsers._native")]
struct Engine {
    feed: Feed,
    stop: Arc<AtomicBool>,
}

/// Captures are read when a window is wanted; interfaces do not wait to be asked.
enum Feed {
    Asked(Box<Mutex<Inner>>),
    Ahead(Ahead),
}

fn lock(inner: &Mutex<Inner>) -> PyResult<MutexGuard<'_, Inner>> {
    inner.lock().map_err(|_| PyRuntimeError::new_err("the engine failed before and cannot go on"))
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (
        captures, *, window_seconds = 10.0, workers = 1, limits = None, vlan_in_key = false, recorder = None,
        simulate = None, shifts = None, selection = None, index = false
    ))]
    #[allow(clippy::too_many_arguments)] // names of settings, given by keyword
    fn new(
        captures: Vec<PathBuf>,
        window_seconds: f64,
        workers: usize,
        limits: Option<BTreeMap<String, u64>>,
        vlan_in_key: bool,
        recorder: Option<&Recorder>,
        simulate: Option<(String, u16)>,
        shifts: Option<Vec<i64>>,
        selection: Option<&Selection>,
        index: bool,
    ) -> PyResult<Self> {
        let mut pipeline = pipeline(window_seconds, workers, limits, vlan_in_key)?;
        if let Some((what, port)) = simulate {
            pipeline.simulate(fault(&what, port)?);
        }
        let merge = Merge::open_shifted(&captures, &shifts.unwrap_or_default())
            .map_err(|e| CaptureError::new_err(e.to_string()))?;
        let ids = merge.facts().into_iter().map(|f| f.id).collect();
        let captures = Captures { merge, index: index.then(Index::default), choice: selection.map(Selection::choice) };
        let source = Source::Captures(Box::new(captures));
        let inner = Inner { source, pipeline, recorder: recorder_of(recorder)?, ids, over: false };
        Ok(Self { feed: Feed::Asked(Box::new(Mutex::new(inner))), stop: Arc::default() })
    }

    /// Listens to interfaces until `stop`. `program`: of classic BPF.
    #[staticmethod]
    #[pyo3(signature = (
        interfaces, *, window_seconds = 10.0, workers = 1, limits = None, vlan_in_key = false, ring_mib = 64,
        snaplen = 0, promiscuous = true, program = None, rings = 1, recorder = None, listener = None
    ))]
    #[allow(clippy::too_many_arguments)] // names of settings, given by keyword
    fn live(
        interfaces: Vec<String>,
        window_seconds: f64,
        workers: usize,
        limits: Option<BTreeMap<String, u64>>,
        vlan_in_key: bool,
        ring_mib: u32,
        snaplen: u32,
        promiscuous: bool,
        program: Option<Vec<mirror::Instruction>>,
        rings: u16,
        recorder: Option<&Recorder>,
        listener: Option<i32>,
    ) -> PyResult<Self> {
        let pipeline = pipeline(window_seconds, workers, limits, vlan_in_key)?;
        let stop = Arc::new(AtomicBool::new(false));
        let wanted = sockets(interfaces, ring_mib, snaplen, promiscuous, program, rings);
        let live = match listener {
            Some(fd) => Live::through(mirror::Door::new(fd), wanted, Arc::clone(&stop)),
            None => Live::open(wanted, Arc::clone(&stop)),
        };
        let live = live.map_err(|e| CaptureError::new_err(e.to_string()))?;
        let ids = live.facts().iter().map(id_of).collect();
        let inner =
            Inner { source: Source::Interfaces(live), pipeline, recorder: recorder_of(recorder)?, ids, over: false };
        Ok(Self { feed: Feed::Ahead(Ahead::new(inner, Arc::clone(&stop))), stop })
    }

    /// Ends the stream: the next call of `next` gives the last window. Any thread may call it.
    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The next window; None at the end. The GIL is free meanwhile.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Window>> {
        let (mut window, mut tables) = loop {
            let turn = || match &self.feed {
                Feed::Asked(inner) => lock(inner)?.next(&self.stop),
                Feed::Ahead(ahead) => ahead.next(),
            };
            match py.detach(turn)? {
                Some(Some(found)) => break found,
                Some(None) => py.check_signals()?,
                None => return Ok(None),
            }
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
        let kept = window.shares.iter_mut().flat_map(|share| std::mem::take(&mut share.kept_files));
        let files = kept.map(|(sum, data)| (PyBytes::new(py, &sum).unbind(), PyBytes::new(py, &data).unbind()));
        let files = files.collect();
        Ok(Some(Window { start, end, last, tables: by_name.unbind(), counters: counters.unbind(), files }))
    }

    /// What is known of each capture so far.
    fn captures<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let facts = match &self.feed {
            Feed::Asked(inner) => lock(inner)?.source.captures().map(|merge| merge.facts()).unwrap_or_default(),
            Feed::Ahead(ahead) => ahead.facts().into_iter().map(as_capture).collect(),
        };
        facts.into_iter().map(|f| selection::described(py, f)).collect()
    }

    /// Bytes read of the captures' files so far, compressed as they are.
    fn taken(&self) -> PyResult<u64> {
        Ok(match &self.feed {
            Feed::Asked(inner) => lock(inner)?.source.captures().map(|merge| merge.taken()).unwrap_or_default(),
            Feed::Ahead(_) => 0,
        })
    }

    /// Packets that were not chosen, and those among them of a link type for which the filter has no program.
    fn passed_over(&self) -> PyResult<(u64, u64)> {
        Ok(match &self.feed {
            Feed::Asked(inner) => lock(inner)?.source.passed_over(),
            Feed::Ahead(_) => (0, 0),
        })
    }

    /// What the source has to say: captures that break off, blocks that were skipped, interfaces that went down
    /// since this was asked last.
    fn warnings(&self) -> PyResult<Vec<String>> {
        Ok(match &self.feed {
            Feed::Asked(inner) => lock(inner)?.source.captures().map(|merge| merge.warnings()).unwrap_or_default(),
            Feed::Ahead(ahead) => ahead.told(),
        })
    }
}

/// The sockets that interfaces want, in the order in which a listener numbers them.
fn sockets(
    interfaces: Vec<String>,
    ring_mib: u32,
    snaplen: u32,
    promiscuous: bool,
    program: Option<Vec<mirror::Instruction>>,
    rings: u16,
) -> Vec<mirror::Settings> {
    let filter = program.unwrap_or_default();
    let mut wanted = Vec::new();
    for (place, interface) in (0u16..).zip(interfaces) {
        let fanout = (rings > 1).then(|| mirror::group(place));
        let one = mirror::Settings { interface, ring_mib, snaplen, promiscuous, filter: filter.clone(), fanout };
        wanted.extend(std::iter::repeat_n(one, usize::from(rings.max(1))));
    }
    wanted
}

fn fault(what: &str, port: u16) -> PyResult<Fault> {
    match what {
        "flow" => Ok(Fault::Flow(port)),
        "packet" => Ok(Fault::Packet(port)),
        _ => Err(PyValueError::new_err(format!("there is no fault {what:?}: flow or packet"))),
    }
}

fn recorder_of(given: Option<&Recorder>) -> PyResult<Option<recorder::Recorder>> {
    given.map(Recorder::taken).transpose()
}

fn pipeline(
    window_seconds: f64,
    workers: usize,
    limits: Option<BTreeMap<String, u64>>,
    vlan_in_key: bool,
) -> PyResult<Pipeline> {
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
    #[allow(clippy::cast_possible_truncation)] // bounded above: at most 8.64e13
    let window = (window_seconds * 1e9).round() as i64;
    Ok(Pipeline::new(Settings { window, workers: workers.clamp(1, 256), vlan_in_key, limits: chosen }))
}

/// An interface's identity: its name and when it was opened.
fn id_of(facts: &mirror::Facts) -> String {
    format!("live-{}-{:x}", facts.interface, facts.opened)
}

/// What is known of an interface, as of a capture.
fn as_capture(facts: mirror::Facts) -> ::capture::Facts {
    ::capture::Facts {
        id: id_of(&facts),
        path: facts.interface,
        format: "live",
        bytes: facts.bytes,
        packets: facts.packets,
        packet_bytes: facts.bytes,
        first_ts: facts.first_ts,
        last_ts: facts.last_ts,
        truncated_packets: facts.truncated_packets,
        dropped: facts.dropped,
        ..::capture::Facts::default()
    }
}

type Tables = Vec<(&'static str, Vec<Part>)>;
/// A window, its rows apart.
type Ready = (wire::pipeline::Window, Tables);

fn parts(tables: &Tables) -> impl Iterator<Item = &Part> {
    tables.iter().flat_map(|(_, parts)| parts)
}

impl Inner {
    /// A window; or that there is none yet; or that there will be none any more.
    fn next(&mut self, stop: &Arc<AtomicBool>) -> PyResult<Option<Option<Ready>>> {
        if self.over {
            return Ok(None);
        }
        let window = match self.source.turn(&mut self.pipeline, stop, &mut self.recorder) {
            Turn::Window(window) => Some(*window),
            Turn::Nothing => return Ok(Some(None)),
            Turn::Over => {
                self.over = true;
                self.pipeline.finish().map(|window| self.source.counted(window))
            }
        };
        let stretches = self.source.stretches(self.over);
        window.map(|window| self.convert(window, stretches).map(Some)).transpose()
    }

    fn convert(&self, mut window: wire::pipeline::Window, stretches: Option<Finished>) -> PyResult<Ready> {
        let mut tables: Tables = Vec::new();
        for share in &mut window.shares {
            let flows = Arc::new(std::mem::take(&mut share.flows));
            for table in std::mem::take(&mut share.tables).into_iter().filter(|t| !t.is_empty()) {
                let name = table.name;
                let part = Part::new(table, &flows, &self.ids).map_err(failed)?;
                match tables.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, parts)) => parts.push(part),
                    None => tables.push((name, vec![part])),
                }
            }
        }
        let port = wire::port::table(&window.port, window.start);
        for table in [Some(port), stretches].into_iter().flatten().filter(|table| !table.is_empty()) {
            tables.push((table.name, vec![Part::new(table, &Arc::default(), &self.ids).map_err(failed)?]));
        }
        Ok((window, tables))
    }
}

/// Gives up every capability of this thread for good; sockets that are open stay open.
#[pyfunction]
fn drop_privileges() -> PyResult<()> {
    Ok(mirror::drop_privileges()?)
}

/// Owns the sockets of interfaces and answers for them, until whoever asks is gone. `fd`: of the way to them.
#[pyfunction]
#[pyo3(signature = (fd, interfaces, *, ring_mib, snaplen, promiscuous, program, rings))]
#[allow(clippy::too_many_arguments)] // as of `live`
fn listen(
    py: Python<'_>,
    fd: i32,
    interfaces: Vec<String>,
    ring_mib: u32,
    snaplen: u32,
    promiscuous: bool,
    program: Vec<mirror::Instruction>,
    rings: u16,
) -> PyResult<()> {
    let wanted = sockets(interfaces, ring_mib, snaplen, promiscuous, Some(program), rings);
    Ok(py.detach(|| mirror::serve(fd, &wanted))?)
}

/// Gives up every capability of this thread but the one that opens packet sockets.
#[pyfunction]
fn keep_listening() -> PyResult<()> {
    Ok(mirror::keep_listening()?)
}

/// Gives up system calls that a process of this role does not need, for all threads and for good.
#[pyfunction]
fn give_up_calls(role: &str) -> PyResult<()> {
    let role = confine::Role::named(role).ok_or_else(|| PyValueError::new_err(format!("there is no role {role:?}")))?;
    confine::give_up_calls(role).map_err(|e| PyOSError::new_err(e.to_string()))
}

/// Gives up all files but these, connections and signals, for this thread and those it begins.
#[pyfunction]
#[pyo3(signature = (*, read, write, run))]
fn give_up_files(read: Vec<PathBuf>, write: Vec<PathBuf>, run: Vec<PathBuf>) -> PyResult<bool> {
    confine::give_up_files(&confine::Places { read, write, run }).map_err(|e| PyOSError::new_err(e.to_string()))
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
    tables.push(wire::port::table(&[], 0));
    tables.push(::capture::FrameIndexRows::default().take());
    let fields = |table| -> PyResult<Vec<(String, String)>> {
        let batch = Part::new(table, &Arc::default(), &[]).and_then(|part| part.batch()).map_err(failed)?;
        Ok(batch.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().to_string())).collect())
    };
    tables.into_iter().map(|t| Ok((t.name, fields(t)?))).collect()
}

#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    // What std seeds its own tables with comes from the operating system. Of a second import the first seed stays.
    wire::seed::seed(std::hash::RandomState::new().hash_one(0_u64));
    wire::contained::quiet();
    m.add("CaptureError", m.py().get_type::<CaptureError>())?;
    m.add_class::<Table>()?;
    m.add_class::<Window>()?;
    m.add_class::<Engine>()?;
    m.add_class::<Recorder>()?;
    m.add_class::<Selection>()?;
    m.add_function(wrap_pyfunction!(selection::scan, m)?)?;
    m.add_function(wrap_pyfunction!(selection::frames_at, m)?)?;
    m.add_class::<Found>()?;
    m.add_function(wrap_pyfunction!(evidence::packets_of, m)?)?;
    m.add_class::<readings::Readings>()?;
    m.add_function(wrap_pyfunction!(drop_privileges, m)?)?;
    m.add_function(wrap_pyfunction!(keep_listening, m)?)?;
    m.add_function(wrap_pyfunction!(listen, m)?)?;
    m.add_function(wrap_pyfunction!(give_up_calls, m)?)?;
    m.add_function(wrap_pyfunction!(give_up_files, m)?)?;
    m.add_function(wrap_pyfunction!(limits, m)?)?;
    m.add_function(wrap_pyfunction!(anomaly_kinds, m)?)?;
    m.add_function(wrap_pyfunction!(readings::tag_numbers, m)?)?;
    m.add_function(wrap_pyfunction!(schema, m)?)
}
