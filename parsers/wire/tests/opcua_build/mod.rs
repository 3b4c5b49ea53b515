//! Builders of OPC UA messages for tests, field by field as the standard draws them.
#![allow(dead_code)]

use crate::common::{Piece, Run};
use wire::columns::Finished;
use wire::dissect::{Dir, Dissector};
use wire::opcua::Opcua;

pub fn make() -> Box<dyn Dissector> {
    Box::new(Opcua::new())
}

/// Builds bytes field by field, little endian.
#[derive(Clone, Default)]
pub struct B(pub Vec<u8>);

impl B {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
    pub fn u8(self, v: u8) -> Self {
        self.raw(&[v])
    }
    pub fn u16(self, v: u16) -> Self {
        self.raw(&v.to_le_bytes())
    }
    pub fn u32(self, v: u32) -> Self {
        self.raw(&v.to_le_bytes())
    }
    pub fn i64(self, v: i64) -> Self {
        self.raw(&v.to_le_bytes())
    }
    pub fn f64(self, v: f64) -> Self {
        self.raw(&v.to_le_bytes())
    }
    pub fn null(self) -> Self {
        self.u32(u32::MAX)
    }
    pub fn s(self, text: &str) -> Self {
        self.u32(text.len() as u32).raw(text.as_bytes())
    }
    /// Four-byte node id.
    pub fn id(self, namespace: u8, id: u16) -> Self {
        self.u8(1).u8(namespace).u16(id)
    }
    /// String node id.
    pub fn name(self, namespace: u16, name: &str) -> Self {
        self.u8(3).u16(namespace).s(name)
    }
    /// Extension object.
    pub fn ext(self, id: u16, body: B) -> Self {
        let body = body.0;
        self.id(0, id).u8(1).u32(body.len() as u32).raw(&body)
    }
    pub fn no_ext(self) -> Self {
        self.u8(0).u8(0).u8(0)
    }
    /// Type id and request header.
    pub fn request(id: u16) -> Self {
        Self::new().id(0, id).name(0, "a secret token").i64(0).u32(7).u32(0).null().u32(5_000).no_ext()
    }
    /// Type id and response header.
    pub fn response(id: u16, status: u32) -> Self {
        Self::new().id(0, id).i64(0).u32(7).u32(status).u8(0).null().no_ext()
    }
    pub fn then(self, other: B) -> Self {
        self.raw(&other.0)
    }
}

pub const POLICY: &str = "http://opcfoundation.org/UA/SecurityPolicy#";
pub const CHANNEL: u32 = 0x0102_0304;

pub fn message(kind: &str, flag: char, rest: &B) -> Vec<u8> {
    B::new().raw(kind.as_bytes()).u8(flag as u8).u32(8 + rest.0.len() as u32).raw(&rest.0).0
}
pub fn chunk(kind: &str, flag: char, request: u32, body: &B) -> Vec<u8> {
    message(kind, flag, &B::new().u32(CHANNEL).u32(1).u32(50 + request).u32(request).then(body.clone()))
}
pub fn msg(request: u32, body: &B) -> Vec<u8> {
    chunk("MSG", 'F', request, body)
}
pub fn hello() -> Vec<u8> {
    message("HEL", 'F', &B::new().u32(0).u32(65_536).u32(65_536).u32(0).u32(0).s("opc.tcp://plc:4840/"))
}
pub fn acknowledge() -> Vec<u8> {
    message("ACK", 'F', &B::new().u32(0).u32(65_536).u32(65_536).u32(0).u32(0))
}
pub fn open(channel: u32, policy: &str, request: u32, body: &B) -> Vec<u8> {
    let head = B::new().u32(channel).s(&format!("{POLICY}{policy}")).null().null();
    message("OPN", 'F', &head.u32(1).u32(request).then(body.clone()))
}
pub fn open_request() -> Vec<u8> {
    open(0, "None", 1, &B::request(446).u32(0).u32(0).u32(1).null().u32(3_600_000))
}
pub fn open_response() -> Vec<u8> {
    open(CHANNEL, "None", 1, &B::response(449, 0).u32(0).u32(CHANNEL).u32(1).i64(0).u32(3_600_000).null())
}
pub fn read_value(node: B) -> B {
    node.u32(13).null().u16(0).null()
}
pub fn read_request() -> B {
    let nodes = read_value(B::new().id(2, 1234)).then(read_value(B::new().name(2, "Temp")));
    B::request(631).f64(0.0).u32(0).u32(2).then(nodes)
}
/// 2026-01-01T00:00:00Z in ticks of 100 ns since 1601.
pub const NEW_YEAR: i64 = 116_444_736_000_000_000 + 1_767_225_600 * 10_000_000;
pub fn double(value: f64) -> B {
    B::new().u8(0x05).u8(11).f64(value).i64(NEW_YEAR)
}
pub fn read_response() -> B {
    B::response(634, 0).u32(2).then(double(21.5)).u8(0x03).u8(6).u32(7).u32(0x8034_0000).null()
}

pub fn everyday() -> Vec<Piece> {
    vec![
        (Dir::ToServer, hello()),
        (Dir::ToClient, acknowledge()),
        (Dir::ToServer, open_request()),
        (Dir::ToClient, open_response()),
        (Dir::ToServer, msg(2, &read_request())),
        (Dir::ToClient, msg(2, &read_response())),
    ]
}

/// The rows of a script without what every row has.
pub fn rows(script: &[Piece]) -> Vec<String> {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run.end(script.len());
    let tables = run.tables();
    tables.iter().flat_map(|t| t.lines(&["ts"])).collect()
}

/// The last `opcua` row, the fields that are named only.
pub fn fields(script: &[Piece], names: &[&str]) -> String {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run.end(script.len());
    let tables = run.tables();
    let table = tables.iter().find(|t| t.name == "opcua").unwrap();
    let show = |name: &&str| {
        let column = &table.columns.iter().find(|(n, _)| n == name).unwrap().1;
        format!("{name}={}", column.show(table.len() - 1))
    };
    names.iter().map(show).collect::<Vec<_>>().join(" ")
}

pub const ITEMS: &[&str] =
    &["service", "status", "items.node_id", "items.attribute", "items.value", "items.status", "info"];

pub fn call(request: &B, response: &B) -> String {
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, request)));
    script.push((Dir::ToClient, msg(9, response)));
    fields(&script, ITEMS)
}

/// Runs a script to its end.
pub fn run(script: &[Piece]) -> Run {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run
}

/// The rows of one table, without their time.
pub fn table(run: &mut Run, name: &str) -> Vec<String> {
    let tables: Vec<Finished> = run.tables();
    tables.iter().filter(|t| t.name == name).flat_map(|t| t.lines(&["ts"])).collect()
}

/// Kinds of the anomalies of a script.
pub fn anomalies(script: &[Piece]) -> Vec<String> {
    let mut run = run(script);
    run.end(script.len());
    let kind =
        |line: &String| line.split("kind=").nth(1).unwrap_or_default().split(' ').next().unwrap_or_default().to_owned();
    table(&mut run, "anomalies").iter().map(kind).collect()
}
