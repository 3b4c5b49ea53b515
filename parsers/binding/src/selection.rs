//! Packets chosen out of captures: for a replay, and to be carved out of them.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use ::capture::bpf::{Instruction, Program};
use ::capture::{Packet, Reader, Start};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use recorder::{Ends, Record, ends};
use wire::decode::Decoder;
use wire::dissect::Frame;
use wire::limits::Limits;

use crate::CaptureError;

type Host = [u8; 16];
type Port = (Host, u16);
const NOBODY: Host = [0; 16];

/// Time, index of the capture, frame number, link type, length on the wire, bytes.
type Taken<'py> = (i64, u16, u64, u16, u32, Bound<'py, PyBytes>);
/// A stretch of frames: offset, first frame, frames, prelude.
type Stretch = (u64, u64, u64, Vec<u64>);

/// Which packets are wanted.
#[pyclass(frozen, module = "parsers._native")]
pub struct Selection(Arc<Rules>);

struct Rules {
    from: i64,
    to: i64,
    programs: Option<Vec<(u16, Program)>>,
    pairs: HashSet<(Host, Host)>,
    hosts: HashSet<Host>,
    arp: bool,
    flows: HashSet<(Port, Port)>,
    frames: HashSet<Frame>,
}

#[pymethods]
impl Selection {
    #[new]
    #[pyo3(signature = (
        *, from_ts = i64::MIN, to_ts = i64::MAX, programs = None, pairs = Vec::new(), flows = Vec::new(),
        frames = Vec::new()
    ))]
    fn new(
        from_ts: i64,
        to_ts: i64,
        programs: Option<Vec<(u16, Vec<Instruction>)>>,
        pairs: Vec<(Host, Host)>,
        flows: Vec<(Port, Port)>,
        frames: Vec<(u16, u64)>,
    ) -> PyResult<Self> {
        let checked = |(link, code)| Program::new(code).map(|program| (link, program)).map_err(PyValueError::new_err);
        let programs = programs.map(|list| list.into_iter().map(checked).collect::<PyResult<_>>()).transpose()?;
        let mut rules = Rules {
            from: from_ts,
            to: to_ts,
            programs,
            pairs: HashSet::new(),
            hosts: HashSet::new(),
            arp: false,
            flows: flows.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect(),
            frames: frames.into_iter().map(|(capture, number)| Frame::new(capture, number)).collect(),
        };
        for (a, b) in pairs {
            match (a, b) {
                (NOBODY, NOBODY) => rules.arp = true,
                (_, NOBODY) => {
                    rules.hosts.insert(a);
                }
                _ => {
                    rules.pairs.insert((a.min(b), a.max(b)));
                }
            }
        }
        Ok(Self(Arc::new(rules)))
    }
}

impl Selection {
    /// The selection at work.
    pub fn choice(&self) -> Choice {
        Choice { rules: Arc::clone(&self.0), decoder: Decoder::new(&Limits::default()), passed_over: (0, 0) }
    }
}

/// A selection at work.
pub struct Choice {
    rules: Arc<Rules>,
    decoder: Decoder,
    /// Packets not chosen, and those of them of a link type that the filter does not know.
    pub passed_over: (u64, u64),
}

impl Choice {
    /// Whether a packet is wanted.
    #[inline]
    pub fn takes(&mut self, p: &Packet<'_>) -> bool {
        let taken = self.rules.frames.contains(&p.frame) || self.matches(p);
        self.passed_over.0 += u64::from(!taken);
        taken
    }

    fn matches(&mut self, p: &Packet<'_>) -> bool {
        let rules = &*self.rules;
        // Every packet is decoded, also outside the time: a fragment may have come before it.
        let asks = rules.arp || !(rules.hosts.is_empty() && rules.pairs.is_empty() && rules.flows.is_empty());
        let record = Record { ts: p.ts, frame: p.frame, link: p.link, orig_len: p.orig_len, data: p.data };
        let found = asks.then(|| ends(&mut self.decoder, &record)).flatten();
        if p.ts < rules.from || p.ts > rules.to {
            return false;
        }
        if let Some(programs) = &rules.programs {
            match programs.iter().find(|(link, _)| *link == p.link) {
                Some((_, program)) if program.wants(p.data, p.orig_len) => {}
                Some(_) => return false,
                None => {
                    self.passed_over.1 += 1;
                    return false;
                }
            }
        }
        !asks || found.is_some_and(|found| rules.between(&found))
    }
}

impl Rules {
    fn between(&self, e: &Ends) -> bool {
        let (a, b) = ((e.src, e.src_port), (e.dst, e.dst_port));
        self.hosts.contains(&e.src)
            || self.hosts.contains(&e.dst)
            || self.pairs.contains(&(e.src.min(e.dst), e.src.max(e.dst)))
            || (e.arp && self.arp)
            || (!e.arp && self.flows.contains(&(a.min(b), a.max(b))))
    }
}

/// Reads all of a capture: what is known of it, and what was wrong with it (empty: nothing).
#[pyfunction]
#[pyo3(signature = (path, shift = 0))]
pub fn scan(py: Python<'_>, path: PathBuf, shift: i64) -> PyResult<(Bound<'_, PyDict>, String)> {
    let read = || {
        let mut merge = ::capture::Merge::open_shifted(std::slice::from_ref(&path), &[shift])?;
        while merge.next().is_some() {}
        Ok((merge.facts(), merge.warnings().join("; ")))
    };
    let (facts, warning) = py.detach(read).map_err(|e: ::capture::Error| CaptureError::new_err(e.to_string()))?;
    let facts = facts.into_iter().next().ok_or_else(|| CaptureError::new_err("there is no capture"))?;
    Ok((described(py, facts)?, warning))
}

/// What is known of a capture, for Python.
pub fn described(py: Python<'_>, f: ::capture::Facts) -> PyResult<Bound<'_, PyDict>> {
    let d = PyDict::new(py);
    d.set_item("path", f.path)?;
    d.set_item("id", f.id)?;
    d.set_item("format", f.format)?;
    d.set_item("compression", f.compression)?;
    d.set_item("bytes", f.bytes)?;
    d.set_item("packets", f.packets)?;
    d.set_item("first_ts", f.first_ts)?;
    d.set_item("least_ts", f.least_ts)?;
    d.set_item("last_ts", f.last_ts)?;
    d.set_item("truncated_packets", f.truncated_packets)?;
    d.set_item("skipped_blocks", f.skipped_blocks)?;
    d.set_item("dropped", f.dropped)?;
    d.set_item("shift", f.shift)?;
    d.set_item("links", f.links)?;
    Ok(d)
}

/// The packets of stretches of one capture that are chosen, until there are `most` bytes of them and a stretch is read;
/// gives them and how many stretches were read.
#[pyfunction]
#[pyo3(signature = (path, capture, stretches, selection, *, shift = 0, most = 64 << 20))]
pub fn frames_at<'py>(
    py: Python<'py>,
    path: PathBuf,
    capture: u16,
    stretches: Vec<Stretch>,
    selection: &Selection,
    shift: i64,
    most: usize,
) -> PyResult<(Vec<Taken<'py>>, usize)> {
    let (found, read) = py
        .detach(|| taken(&path, capture, stretches, selection.choice(), shift, most))
        .map_err(CaptureError::new_err)?;
    let tuple =
        |p: recorder::Kept| (p.ts, p.frame.capture(), p.frame.number(), p.link, p.orig_len, PyBytes::new(py, &p.data));
    Ok((found.into_iter().map(tuple).collect(), read))
}

fn taken(
    path: &std::path::Path,
    capture: u16,
    stretches: Vec<Stretch>,
    mut choice: Choice,
    shift: i64,
    most: usize,
) -> Result<(Vec<recorder::Kept>, usize), String> {
    let (mut found, mut bytes, mut read) = (Vec::new(), 0, 0);
    let mut open: Option<(Reader, u64)> = None;
    let other =
        |frame| format!("{}: has no frame {frame} where it was: it is not the file that was replayed", path.display());
    for (offset, first, frames, prelude) in stretches {
        let mut at = open.take().filter(|(reader, next)| {
            *next == first || (*next < first && (offset == 0 || !reader.facts().compression.is_empty()))
        });
        if at.is_none() {
            let start = Start { offset, frame: first, prelude };
            let reader = Reader::open_at(path, capture, &start, shift).map_err(|e| e.to_string())?;
            at = Some((reader.ok_or_else(|| other(first))?, if offset == 0 { 1 } else { first }));
        }
        let Some((mut reader, mut next)) = at else { continue };
        while next < first + frames {
            let Some(p) = reader.next() else { return Err(other(next)) };
            next = p.frame.number() + 1;
            if p.frame.number() >= first && choice.takes(&p) {
                bytes += p.data.len();
                let data = p.data.to_vec();
                found.push(recorder::Kept { ts: p.ts, frame: p.frame, link: p.link, orig_len: p.orig_len, data });
            }
        }
        open = Some((reader, next));
        read += 1;
        if bytes >= most {
            break;
        }
    }
    Ok((found, read))
}
