//! Transactions: a request and its response become one row and one behaviour.

use super::codes::{self, Function, Standing, Table};
use super::early::{Earlies, Early};
use super::identity::Identity;
use super::pairing::{Key, Pending, Request};
use super::pdu::{Fault, Fields, Layout, Pdu};
use super::read;
use super::records;
use super::rows::ModbusRow;
use super::tags::Tags;
use super::values;
use crate::anomaly::Kind;
use crate::behaviour::{self, Behaviour};
use crate::dissect::{Cx, Dir, Frame, Nanos};
use crate::files::Series;

/// The name in rows.
pub const PROTOCOL: &str = "modbus";
const SECOND: Nanos = 1_000_000_000;

/// One message: what frames it, and its PDU.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Transaction identifier; 0 where the framing has none.
    pub transaction: u16,
    /// Unit identifier or serial address.
    pub unit: u8,
    /// From the function code on.
    pub pdu: &'a [u8],
    /// Bytes with the framing.
    pub bytes: usize,
    /// Whether all of it was captured.
    pub whole: bool,
}

impl Message<'_> {
    fn code(&self) -> u8 {
        self.pdu.first().copied().unwrap_or_default()
    }

    /// What pairs it.
    #[must_use]
    pub fn key(&self) -> Key {
        Key { transaction: self.transaction, unit: self.unit, code: self.code() & !codes::EXCEPTION }
    }

    /// Tells what is wrong with it.
    fn complain(&self, cx: &mut Cx<'_>, what: &str, fault: Option<Fault>) {
        if let Some(fault) = fault {
            let kind = if self.whole { Kind::Malformed } else { Kind::Truncated };
            cx.anomaly(PROTOCOL, kind, &format!("{what} of function {}: {fault}", self.code()));
        }
    }
}

/// How a transaction ended; the row's `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    Exception,
    Unanswered,
    Unsolicited,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Exception => "exception",
            Self::Unanswered => "unanswered",
            Self::Unsolicited => "unsolicited",
        }
    }
}

/// The transactions of a flow.
#[derive(Debug, Default)]
pub struct Transactions {
    pending: Pending,
    early: Earlies,
    scratch: Vec<u16>,
    /// Responses need no request until one has answered a request of this number or later: the flow was just
    /// picked up, or requests were lost. None: they do need one.
    excused: Excuse,
    full: bool,
    unknown: [u64; 2],
    tags: Tags,
    identity: Identity,
    /// Files written and files read.
    files: [Series; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excuse {
    Until(u64),
    Over,
}

impl Default for Excuse {
    fn default() -> Self {
        Self::Until(0)
    }
}

/// A finished transaction, about to be written.
struct Done<'a> {
    key: Key,
    request: Option<&'a Request>,
    response: Option<&'a Pdu<'a>>,
    response_bytes: usize,
    status: Status,
}

impl Transactions {
    /// A request was seen.
    pub fn request(&mut self, cx: &mut Cx<'_>, message: &Message<'_>) {
        let pdu = read::request(message.pdu);
        let key = message.key();
        message.complain(cx, "request", pdu.fault);
        self.judge_code(cx, message);
        self.expire(cx, cx.ts);
        while let Some(slot) = self.pending.superseded(key) {
            self.unanswered(cx, slot);
        }
        while self.pending.waiting() as u64 >= cx.limits.pending_requests.max(1) {
            let Some(slot) = self.pending.oldest(None) else { break };
            if !self.full {
                self.full = true;
                let detail = format!("more than {} requests wait: the oldest is given up", cx.limits.pending_requests);
                cx.anomaly(PROTOCOL, Kind::PendingFull, &detail);
            }
            self.unanswered(cx, slot);
        }
        self.pending.push(key, cx.ts, cx.frame, message.bytes, &pdu);
        if let Some(early) = self.early.take(key, cx.ts.saturating_sub(self.pending.skew())) {
            self.again(cx, early, true);
        }
    }

    /// A response was seen. Without a request it waits for a while, where requests were seen before.
    pub fn response(&mut self, cx: &mut Cx<'_>, message: &Message<'_>) {
        self.expire_early(cx, Some(cx.ts));
        let slot = self.asked(cx, message);
        if slot.is_some() || self.pending.next() == 0 {
            return self.answer(cx, message, slot, self.excused != Excuse::Over);
        }
        if self.early.waiting() as u64 >= cx.limits.pending_requests.max(1)
            && let Some(oldest) = self.early.oldest(None)
        {
            self.again(cx, oldest, false);
        }
        let excused = self.excused != Excuse::Over;
        self.early.push(message, (cx.ts, cx.frame), excused);
    }

    /// The request that a response belongs to.
    fn asked(&mut self, cx: &Cx<'_>, message: &Message<'_>) -> Option<u32> {
        let fault = |r: &Request| read::response(message.pdu, Some(&r.fields)).fault;
        // Not at the flow's start: there every response is held against the first request that there is.
        let lost = if let Excuse::Until(number @ 1..) = self.excused { Some(number) } else { None };
        self.pending.find(message.key(), cx.ts, lost, fault)
    }

    /// A response that waited: at its own time and place, with its request or given up.
    fn again(&mut self, cx: &mut Cx<'_>, early: Early, found: bool) {
        let Early { transaction, unit, ref pdu, bytes, whole, ts, frame, excused, .. } = early;
        let message = Message { transaction, unit, pdu, bytes, whole };
        let (flow, ends, limits) = (cx.flow, cx.ends, cx.limits);
        let then =
            &mut Cx { ts, frame, flow, ends, rows: cx.rows, behaviours: cx.behaviours, limits, expected: cx.expected };
        let slot = if found { self.asked(then, &message) } else { None };
        self.answer(then, &message, slot, excused);
        self.early.done(early);
    }

    fn expire_early(&mut self, cx: &mut Cx<'_>, now: Option<Nanos>) {
        while let Some(early) = self.early.oldest(now) {
            self.again(cx, early, false);
        }
    }

    /// Writes what a response completes.
    fn answer(&mut self, cx: &mut Cx<'_>, message: &Message<'_>, slot: Option<u32>, excused: bool) {
        let key = message.key();
        let request = slot.and_then(|slot| self.pending.get(slot));
        let pdu = read::response(message.pdu, request.map(|r| &r.fields));
        message.complain(cx, "response", pdu.fault);
        if let (Excuse::Until(number), Some(request)) = (self.excused, request)
            && request.number() >= number
        {
            self.excused = Excuse::Over;
        }
        let status = match (request, message.code() & codes::EXCEPTION) {
            (None, _) => Status::Unsolicited,
            (_, 0) => Status::Ok,
            _ => Status::Exception,
        };
        if status == Status::Unsolicited && !excused {
            let Key { transaction, unit, code } = key;
            let detail =
                format!("response of function {code}, unit {unit}, transaction {transaction} without a request");
            cx.anomaly(PROTOCOL, Kind::UnsolicitedResponse, &detail);
        }
        let done = Done { key, request, response: Some(&pdu), response_bytes: message.bytes, status };
        write(cx, &done, &mut self.scratch);
        if message.whole && pdu.exception.is_none() && pdu.fault.is_none() {
            let asked = request.map_or(pdu.fields, |r| r.fields);
            learn(cx, key, &asked, &self.scratch, &mut self.tags);
            match (key.code, pdu.fields.sub_function) {
                (20 | 21, _) => records::answered(cx, &mut self.files, key, &asked, message.pdu),
                (17, _) => self.identity.server_id(cx, pdu.values),
                (43, Some(codes::MEI_DEVICE_IDENTIFICATION)) => self.identity.objects(cx, message.pdu),
                _ => {}
            }
        }
    }

    /// Messages of a direction were lost.
    pub fn gap(&mut self, dir: Dir) {
        match dir {
            Dir::ToServer => {
                self.excused = Excuse::Until(self.pending.next());
                self.early.excuse();
            }
            Dir::ToClient => self.pending.doubt(),
        }
    }

    /// Whether something waits.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.pending.waiting() > 0 || self.early.waiting() > 0 || self.files.iter().any(Series::waits)
    }

    /// Gives up what waits for too long.
    pub fn expire(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.expire_early(cx, Some(now));
        for series in &mut self.files {
            series.tick(cx, now);
        }
        let patience = i64::try_from(cx.limits.response_seconds).unwrap_or(i64::MAX).saturating_mul(SECOND);
        while let Some(slot) = self.pending.oldest(Some(now.saturating_sub(patience))) {
            self.unanswered(cx, slot);
        }
    }

    /// Gives up what waits.
    pub fn end(&mut self, cx: &mut Cx<'_>) {
        self.expire_early(cx, None);
        for series in &mut self.files {
            series.end(cx);
        }
        while let Some(slot) = self.pending.oldest(None) {
            self.unanswered(cx, slot);
        }
    }

    fn unanswered(&mut self, cx: &mut Cx<'_>, slot: u32) {
        if let Some(request) = self.pending.get(slot) {
            let done = Done {
                key: request.key,
                request: Some(request),
                response: None,
                response_bytes: 0,
                status: Status::Unanswered,
            };
            write(cx, &done, &mut self.scratch);
        }
    }

    /// A code that the standard does not give to anybody is an oddity, once for each flow.
    fn judge_code(&mut self, cx: &mut Cx<'_>, message: &Message<'_>) {
        let code = message.code() & !codes::EXCEPTION;
        let standing = codes::function(code, None).standing;
        if matches!(standing, Standing::Public | Standing::UserDefined) {
            return;
        }
        let Some(word) = self.unknown.get_mut(usize::from(code >> 6)) else { return };
        if *word >> (code & 63) & 1 == 0 {
            *word |= 1 << (code & 63);
            cx.anomaly(PROTOCOL, Kind::UnknownCode, &format!("function code {code} ({standing:?})"));
        }
    }
}

/// Writes row and behaviour.
fn write(cx: &mut Cx<'_>, done: &Done<'_>, scratch: &mut Vec<u16>) {
    let Done { key, request, response, status, .. } = *done;
    let asked = request.map(|r| r.fields).unwrap_or_default();
    let told = response.map(|r| r.fields).unwrap_or_default();
    let fields = Fields {
        address: asked.address.or(told.address),
        quantity: asked.quantity.or(told.quantity),
        sub_function: asked.sub_function.or(told.sub_function),
        ..asked
    };
    let function = codes::function(key.code, fields.sub_function);
    collect(done, scratch);
    let latency_us = match (request, response) {
        (Some(request), Some(_)) => u32::try_from(cx.ts.saturating_sub(request.ts).max(0) / 1_000).ok(),
        _ => None,
    };
    let exception = response.and_then(|r| r.exception);
    cx.rows.modbus.push(ModbusRow {
        ts: request.map_or(cx.ts, |r| r.ts),
        flow: cx.flow,
        borrow: std::marker::PhantomData,
        request_frame: request.map_or(Frame::NONE, |r| r.frame),
        response_frame: if response.is_some() { cx.frame } else { Frame::NONE },
        transaction_id: key.transaction,
        unit_id: key.unit,
        function_code: key.code,
        function: function.name,
        address: fields.address,
        quantity: fields.quantity,
        write_address: fields.write_address,
        write_quantity: fields.write_quantity,
        values: scratch,
        sub_function: fields.sub_function,
        exception_code: exception,
        status: status.name(),
        latency_us,
    });
    cx.behaviour(&Behaviour {
        protocol: PROTOCOL,
        unit: behaviour::Key::Number(key.unit.into()),
        operation: function.name,
        access: function.access,
        object: object(function, &fields),
        bytes: request.map_or(0, |r| r.bytes) as u64 + done.response_bytes as u64,
        latency_us,
        error: exception.is_some(),
    });
}

/// The values of a transaction: what was written (also where it failed), then what was read.
fn collect(done: &Done<'_>, out: &mut Vec<u16>) {
    out.clear();
    let request = done.request.filter(|r| r.layout != Layout::None);
    let response = done.response.filter(|r| r.layout != Layout::None);
    // An echo of what was written says nothing new, except where the request was not seen.
    let echo = request.is_some() && writes(done.key.code) && done.key.code != 23;
    if let Some(request) = request.filter(|_| response.is_none() || writes(done.key.code)) {
        values::append(request.layout, &request.values, out);
    }
    if let Some(response) = response.filter(|_| !echo) {
        values::append(response.layout, response.values, out);
    }
}

/// What a confirmed transaction says about coils and registers.
fn learn(cx: &mut Cx<'_>, key: Key, asked: &Fields, values: &[u16], tags: &mut Tags) {
    let Key { unit, code, .. } = key;
    let Some(address) = asked.address else { return };
    let table = codes::function(code, None).table;
    match (code, values) {
        (1..=6 | 15 | 16, _) => tags.update(cx, unit, table, address, values),
        // Clause 6.16: (current and and_mask) or (or_mask and not and_mask).
        (22, &[and, or]) => {
            if let Some(current) = tags.get(unit, table, address) {
                tags.update(cx, unit, table, address, &[current & and | or & !and]);
            }
        }
        // Clause 6.17: the write goes before the read.
        (23, _) => {
            let written = asked.write_quantity.map_or(0, usize::from);
            let (written, read) = values.split_at(values.len().min(written));
            if let Some(first) = asked.write_address {
                tags.update(cx, unit, table, first, written);
            }
            tags.update(cx, unit, table, address, read);
        }
        _ => {}
    }
}

/// Functions whose request carries the values.
fn writes(code: u8) -> bool {
    matches!(code, 5 | 6 | 15 | 16 | 21 | 22 | 23)
}

/// What a function is done to. Of function 23 it is what it writes.
fn object(function: &Function, fields: &Fields) -> behaviour::Key<'static> {
    let (address, quantity) = match fields.write_address {
        Some(address) => (Some(address), fields.write_quantity),
        None => (fields.address, fields.quantity),
    };
    let (Some(address), true) = (address, function.table != Table::None) else { return behaviour::Key::None };
    // A record is numbered within its file.
    let file = if function.table == Table::FileRecord { fields.sub_function.unwrap_or_default() } else { 0 };
    let first = u32::from(file) << 16 | u32::from(address);
    let last = first.saturating_add(u32::from(quantity.unwrap_or(1)).saturating_sub(1));
    behaviour::Key::Range(function.table.name(), first, last)
}
