//! Each dissector by itself, fed as a script says.

use wire::app::{App, Side, Verdict};
use wire::behaviour::Behaviours;
use wire::dissect::{Cx, Dir, Dissector, Ends, FlowRef, Frame, Stream};
use wire::files::{Expected, follower};
use wire::limits::Limits;
use wire::rows::Rows;

use super::meter;
use super::script::{self, Step};

const START: i64 = 1_760_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

/// Tables, time and limits around what is fed.
pub struct Table {
    pub rows: Rows,
    pub behaviours: Behaviours,
    pub expected: Expected,
    pub limits: Limits,
    pub ends: Ends,
    pub now: i64,
    pub packets: u64,
}

impl Table {
    pub fn new(server_port: u16) -> Self {
        let mut ends = Ends { client_port: 40_000, server_port, ..Ends::default() };
        (ends.client[15], ends.server[15]) = (1, 2);
        Self {
            rows: Rows::default(),
            behaviours: Behaviours::default(),
            expected: Expected::default(),
            limits: script::limits(),
            ends,
            now: START,
            packets: 0,
        }
    }

    pub fn with<R>(&mut self, f: impl FnOnce(&mut Cx<'_>) -> R) -> R {
        let mut cx = Cx {
            ts: self.now,
            frame: Frame::new(0, self.packets),
            flow: FlowRef(0),
            ends: &self.ends,
            rows: &mut self.rows,
            behaviours: &mut self.behaviours,
            limits: &self.limits,
            expected: &mut self.expected,
        };
        f(&mut cx)
    }

    fn step(&mut self) {
        self.packets += 1;
        self.now += SECOND / 1_000;
        let full = self.rows.len() as u64 >= self.limits.window_rows;
        if full || self.rows.bytes() as u64 >= self.limits.window_bytes {
            self.look();
        }
    }

    /// Takes the tables out and reads every cell as text: a formatter may fail as well.
    pub fn look(&mut self) {
        for table in self.rows.take().iter().chain([&self.behaviours.take()]) {
            assert!(table.lines(&[]).iter().all(|line| !line.is_empty()));
        }
    }
}

/// Feeds a dissector.
pub fn drive(make: &dyn Fn() -> Box<dyn Dissector>, port: u16, mut input: &[u8]) {
    let mut table = Table::new(port);
    let mut dissector = make();
    let mut streams = <[Stream; 2]>::default();
    while let Some(step) = script::next(&mut input) {
        table.step();
        meter::look();
        let mine = match step {
            Step::Feed { dir, bytes, datagram: true, .. } => {
                table.with(|cx| Stream::datagram(dissector.as_mut(), cx, dir, bytes))
            }
            Step::Feed { dir, bytes, bytewise, .. } => {
                let cut = if bytewise { 1 } else { bytes.len().max(1) };
                let stream = &mut streams[dir.index()];
                bytes.chunks(cut).all(|piece| table.with(|cx| stream.feed(dissector.as_mut(), cx, dir, piece)))
            }
            Step::Gap { dir, missing } => {
                table.with(|cx| streams[dir.index()].gap(dissector.as_mut(), cx, dir, missing));
                true
            }
            Step::Wait { seconds } => {
                table.now += seconds * SECOND;
                let now = table.now;
                table.with(|cx| dissector.tick(cx, now));
                true
            }
        };
        for stream in &streams {
            assert!(
                stream.waiting() as u64 <= table.limits.message_bytes + 65_536,
                "the stream buffer grew past its limit"
            );
        }
        if !mine {
            table.with(|cx| dissector.end(cx));
            (dissector, streams) = (make(), <[Stream; 2]>::default());
        }
    }
    meter::look();
    table.with(|cx| dissector.end(cx));
    table.look();
}

pub fn modbus(input: &[u8]) {
    drive(&|| Box::new(wire::modbus::Modbus::new()), 502, input);
}

pub fn dnp3(input: &[u8]) {
    drive(&|| Box::new(wire::dnp3::Dnp3::new()), 20_000, input);
}

pub fn opcua(input: &[u8]) {
    drive(&|| Box::new(wire::opcua::Opcua::new()), 4_840, input);
}

/// MQTT, also over WebSocket: the dissector tells by the first bytes.
pub fn mqtt(input: &[u8]) {
    drive(&|| Box::new(wire::mqtt::Mqtt::new()), 1_883, input);
}

pub fn tls(input: &[u8]) {
    drive(&|| Box::new(wire::tls::Tls::new()), 443, input);
}

pub fn dtls(input: &[u8]) {
    drive(&|| Box::new(wire::tls::Dtls::new()), 4_433, input);
}

/// What carries files; the first byte says which protocol.
pub fn files(input: &[u8]) {
    let Some((&which, mut input)) = input.split_first() else { return };
    let app = ["http", "smb", "rpc", "ftp"][usize::from(which) % 4];
    let mut table = Table::new(80);
    let mut follow = follower(app).expect("it carries files");
    while let Some(step) = script::next(&mut input) {
        table.step();
        match step {
            Step::Feed { dir, bytes, bytewise, .. } => {
                let cut = if bytewise { 1 } else { bytes.len().max(1) };
                bytes.chunks(cut).for_each(|piece| table.with(|cx| follow.bytes(cx, dir, piece)));
                let server = (table.ends.server, table.ends.server_port);
                if let Some(transfer) = table.expected.take(server) {
                    let mut data = wire::files::transferred(transfer);
                    table.with(|cx| data.bytes(cx, Dir::ToClient, bytes));
                    table.with(|cx| data.end(cx));
                }
            }
            Step::Gap { dir, missing } => table.with(|cx| follow.gap(cx, dir, missing)),
            Step::Wait { seconds } => {
                table.now += seconds * SECOND;
                let now = table.now;
                table.with(|cx| follow.tick(cx, now));
            }
        }
    }
    table.with(|cx| follow.end(cx));
    table.look();
}

/// Recognition and what is told by name; the first two bytes are the server's port.
pub fn names(input: &[u8]) {
    let Some((&[high, low], mut input)) = input.split_first_chunk::<2>() else { return };
    let mut table = Table::new(u16::from_be_bytes([high, low]));
    let mut app = App::default();
    while let Some(step) = script::next(&mut input) {
        table.step();
        match step {
            Step::Feed { dir, bytes, bytewise, datagram } => {
                let cut = if bytewise && !datagram { 1 } else { bytes.len().max(1) };
                for piece in bytes.chunks(cut) {
                    hand_up(&mut table, &mut app, dir, piece, datagram);
                }
            }
            Step::Gap { dir, missing } => table.with(|cx| app.gap(cx, dir, dir.index(), missing)),
            Step::Wait { seconds } => {
                table.now += seconds * SECOND;
                let now = table.now;
                table.with(|cx| app.tick(cx, now));
            }
        }
    }
    table.with(|cx| app.end(cx));
    table.look();
}

/// The flow layer's part in recognising a protocol.
fn hand_up(table: &mut Table, app: &mut App, dir: Dir, bytes: &[u8], datagram: bool) {
    if matches!(app, App::Unknown(_)) {
        let (client, server) = (table.ends.client_port, table.ends.server_port);
        let ports = if dir == Dir::ToServer { (client, server) } else { (server, client) };
        let side = Side { side: dir.index(), ports, datagram };
        let frame = Frame::new(0, table.packets);
        let Verdict::Recognised { pieces, .. } = app.look(&side, table.now, frame, bytes, table.limits.probe_bytes)
        else {
            return;
        };
        for piece in pieces {
            let dir = if piece.side == 0 { Dir::ToServer } else { Dir::ToClient };
            table.with(|cx| app.feed(cx, dir, &piece.bytes, datagram));
        }
    }
    table.with(|cx| app.feed(cx, dir, bytes, datagram));
}
