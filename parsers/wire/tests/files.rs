//! Files over HTTP, FTP and SMB: found, hashed as the file itself is, however the bytes are cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::Write as _;

use common::Dice;
use sha2::{Digest as _, Sha256};
use wire::behaviour::Behaviours;
use wire::dissect::{Cx, Dir, Ends, FlowRef, Frame};
use wire::files::{Expected, Follow, follower, transferred};
use wire::limits::Limits;
use wire::rows::Rows;

struct Desk {
    rows: Rows,
    behaviours: Behaviours,
    limits: Limits,
    expected: Expected,
    ends: Ends,
    packet: u64,
}

impl Desk {
    fn new() -> Self {
        let mut ends = Ends { client_port: 40_000, server_port: 80, ..Ends::default() };
        ends.client[10..].copy_from_slice(&[0xFF, 0xFF, 10, 0, 0, 1]);
        ends.server[10..].copy_from_slice(&[0xFF, 0xFF, 10, 0, 0, 2]);
        let (rows, behaviours, limits) = (Rows::default(), Behaviours::default(), Limits::default());
        Self { rows, behaviours, limits, expected: Expected::default(), ends, packet: 0 }
    }

    fn with(&mut self, f: impl FnOnce(&mut Cx<'_>)) {
        self.packet += 1;
        f(&mut Cx {
            ts: self.packet as i64,
            frame: Frame::new(0, self.packet),
            flow: FlowRef(0),
            ends: &self.ends,
            rows: &mut self.rows,
            behaviours: &mut self.behaviours,
            limits: &self.limits,
            expected: &mut self.expected,
        });
    }

    /// Feeds a script whose pieces are cut at random; then the flow ends.
    fn run(&mut self, follow: &mut dyn Follow, script: &[(Dir, Vec<u8>)], seed: u64) {
        let mut dice = Dice(seed);
        for (dir, bytes) in script {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let n = if seed == 0 { rest.len() } else { 1 + dice.below(rest.len().min(1_460)) };
                self.with(|cx| follow.bytes(cx, *dir, &rest[..n]));
                rest = &rest[n..];
            }
        }
        self.with(|cx| follow.end(cx));
    }

    /// `name size sha256 format upload warnings`, a line a row.
    fn files(&mut self) -> Vec<String> {
        let tables = self.rows.take();
        let files = tables.iter().find(|t| t.name == "files").expect("the table is there");
        let column = |name: &str| files.columns.iter().find(|(n, _)| *n == name).map(|(_, c)| c).expect("a column");
        let names = ["name", "size", "sha256", "model_format", "upload", "warnings"];
        (0..files.flow.len()).map(|row| names.map(|n| column(n).show(row)).join(" ").trim_end().to_owned()).collect()
    }
}

fn sha(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A safetensors file of about this size.
fn model(size: usize, seed: u64) -> Vec<u8> {
    let header = format!("{{\"w\":{{\"dtype\":\"U8\",\"shape\":[{size}],\"data_offsets\":[0,{size}]}}}}");
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend(Dice(seed).bytes(size));
    file
}

fn line(name: &str, file: &[u8], format: &str, upload: u8, warnings: &str) -> String {
    format!("{name} {} {} {format} {upload} {warnings}", file.len(), sha(file)).trim_end().to_owned()
}

fn http(script: &[(Dir, Vec<u8>)], seed: u64) -> Vec<String> {
    let mut desk = Desk::new();
    let mut follow = follower("http").expect("HTTP carries files");
    desk.run(follow.as_mut(), script, seed);
    desk.files()
}

fn get(path: &str) -> (Dir, Vec<u8>) {
    (Dir::ToServer, format!("GET {path} HTTP/1.1\r\nHost: registry\r\n\r\n").into_bytes())
}

fn answer(head: &str, body: &[u8]) -> (Dir, Vec<u8>) {
    (Dir::ToClient, [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn bodies_by_length_chunked_coded_and_until_the_end() {
    let (a, b, c, d) = (model(9_000, 1), model(5_000, 2), model(70_000, 3), model(300, 4));
    let packed = gzip(&c);
    let mut chunked = Vec::new();
    for piece in b.chunks(777) {
        chunked.extend(format!("{:x};x=y\r\n", piece.len()).into_bytes());
        chunked.extend(piece);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\nTrailer: 1\r\n\r\n");
    let script = [
        get("/m/a.safetensors?token=secret"),
        get("/m/b.safetensors"),
        answer(&format!("200 OK\r\nContent-Length: {}", a.len()), &a),
        answer("200 OK\r\nTransfer-Encoding: chunked", &chunked),
        get("/m/c.safetensors"),
        answer(&format!("200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}", packed.len()), &packed),
        get("/status"),
        answer("200 OK\r\nContent-Length: 2", b"{}"),
        get("/m/d.csv"),
        answer("200 OK", &d),
    ];
    let wanted = [
        line("a.safetensors", &a, "safetensors", 0, ""),
        line("b.safetensors", &b, "safetensors", 0, ""),
        line("c.safetensors", &c, "safetensors", 0, ""),
        line("d.csv", &d, "safetensors", 0, "content contradicts the name"),
    ];
    for seed in 0..8 {
        assert_eq!(http(&script, seed), wanted, "seed {seed}");
    }
}

#[test]
fn uploads_and_forms() {
    let file = model(6_000, 5);
    let head = "--X1\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--X1\r\nContent-Disposition: form-data; \
                name=\"f\"; filename=\"C:\\\\tmp\\\\wear.safetensors\"\r\n\r\n";
    let form = [head.as_bytes(), &file, b"\r\n--X1--\r\n"].concat();
    let put = |head: &str, body: &[u8]| {
        (Dir::ToServer, [format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat())
    };
    let script = [
        put("PUT /models/wear/7.safetensors HTTP/1.1\r\nHost: r", &file),
        answer("201 Created\r\nContent-Length: 0", b""),
        put("POST /upload HTTP/1.1\r\nHost: r\r\nContent-Type: multipart/form-data; boundary=X1", &form),
        answer("204 No Content", b""),
        put("POST /login HTTP/1.1\r\nHost: r\r\nContent-Type: application/x-www-form-urlencoded", &[b'a'; 9_000]),
        answer("200 OK\r\nContent-Length: 0", b""),
    ];
    let wanted =
        [line("7.safetensors", &file, "safetensors", 1, ""), line("wear.safetensors", &file, "safetensors", 1, "")];
    for seed in 0..8 {
        assert_eq!(http(&script, seed), wanted, "seed {seed}");
    }
}

#[test]
fn ranges_are_put_together() {
    let file = model(20_000, 6);
    let part = |from: usize, to: usize| {
        let head = format!(
            "206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{}",
            to - from,
            to - 1,
            file.len()
        );
        answer(&head, &file[from..to])
    };
    let whole = [get("/a.safetensors"), part(0, 8_000), get("/a.safetensors"), part(8_000, file.len())];
    assert_eq!(http(&whole, 3), [line("a.safetensors", &file, "safetensors", 0, "")]);
    let half = [get("/a.safetensors"), part(0, 8_000)];
    let [one] = &http(&half, 3)[..] else { panic!("one row") };
    assert!(one.contains(" 8000  safetensors 0 not all"), "{one}");
}

#[test]
fn holes_leave_the_rest_of_the_connection_readable() {
    let (a, b) = (model(9_000, 7), model(5_000, 8));
    let mut desk = Desk::new();
    let mut follow = follower("http").expect("HTTP carries files");
    let first = answer(&format!("200 OK\r\nContent-Length: {}", a.len()), &a).1;
    desk.with(|cx| follow.bytes(cx, Dir::ToServer, &get("/a.safetensors").1));
    desk.with(|cx| follow.bytes(cx, Dir::ToClient, &first[..4_000]));
    desk.with(|cx| follow.gap(cx, Dir::ToClient, 1_000));
    desk.with(|cx| follow.bytes(cx, Dir::ToClient, &first[5_000..]));
    desk.run(
        follow.as_mut(),
        &[get("/b.safetensors"), answer(&format!("200 OK\r\nContent-Length: {}", b.len()), &b)],
        0,
    );
    let found = desk.files();
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with(&format!("a.safetensors {}  safetensors", a.len() - 1_000)), "{}", found[0]);
    assert_eq!(found[1], line("b.safetensors", &b, "safetensors", 0, ""));
}

#[test]
fn a_file_over_ftp_comes_on_the_connection_that_was_announced() {
    let file = model(12_000, 9);
    for announced in ["227 Entering Passive Mode (10,0,0,2,156,64).", "229 Entering Extended Passive Mode (|||40000|)"]
    {
        let mut desk = Desk::new();
        let mut control = follower("ftp").expect("FTP carries files");
        let script = [
            (Dir::ToServer, b"CWD /models\r\nPASV\r\n".to_vec()),
            (Dir::ToClient, format!("{announced}\r\n").into_bytes()),
            (Dir::ToServer, b"RETR wear.safetensors\r\n".to_vec()),
            (Dir::ToClient, b"150 Opening\r\n".to_vec()),
        ];
        desk.run(control.as_mut(), &script, 2);
        let transfer = desk.expected.take((desk.ends.server, 40_000)).expect("announced");
        assert_eq!(transfer.path, "/models/wear.safetensors");
        desk.run(transferred(transfer).as_mut(), &[(Dir::ToClient, file.clone())], 4);
        assert_eq!(desk.files(), [line("wear.safetensors", &file, "safetensors", 0, "")]);
    }
}

/// An SMB 2 message with its length in front.
fn smb(command: u16, response: bool, message: u64, body: &[u8]) -> Vec<u8> {
    let mut m = vec![0; 64];
    m[..4].copy_from_slice(b"\xfeSMB");
    m[4] = 64;
    m[12..14].copy_from_slice(&command.to_le_bytes());
    m[16] = u8::from(response);
    m[24..32].copy_from_slice(&message.to_le_bytes());
    m.extend_from_slice(body);
    [&u32::try_from(m.len()).expect("small").to_be_bytes()[..], &m].concat()
}

fn create(message: u64, name: &str, id: u8, length: u64) -> [(Dir, Vec<u8>); 2] {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut request = vec![0; 56];
    request[44..46].copy_from_slice(&120_u16.to_le_bytes());
    request[46..48].copy_from_slice(&(name.len() as u16).to_le_bytes());
    request.extend_from_slice(&name);
    let mut response = vec![0; 88];
    response[48..56].copy_from_slice(&length.to_le_bytes());
    response[64] = id;
    [(Dir::ToServer, smb(5, false, message, &request)), (Dir::ToClient, smb(5, true, message, &response))]
}

fn read(message: u64, id: u8, at: usize, data: &[u8]) -> [(Dir, Vec<u8>); 2] {
    let mut request = vec![0; 48];
    request[8..16].copy_from_slice(&(at as u64).to_le_bytes());
    request[16] = id;
    let mut response = vec![0; 16];
    response[2] = 80;
    response[4..8].copy_from_slice(&(data.len() as u32).to_le_bytes());
    response.extend_from_slice(data);
    [(Dir::ToServer, smb(8, false, message, &request)), (Dir::ToClient, smb(8, true, message, &response))]
}

#[test]
fn files_over_smb_are_put_in_order() {
    let file = model(150_000, 10);
    let closing = {
        let mut b = vec![0; 24];
        b[8] = 7;
        (Dir::ToServer, smb(6, false, 9, &b))
    };
    let mut script = create(1, "models\\wear.safetensors", 7, file.len() as u64).to_vec();
    let parts = [(2, 0, 65_536), (3, 65_536, 131_072), (4, 131_072, file.len())];
    let [mut first, second, third] = parts.map(|(m, from, to)| read(m, 7, from, &file[from..to]).to_vec());
    // Three reads at once, answered out of order.
    script.push(first.remove(0));
    script.push(second[0].clone());
    script.push(third[0].clone());
    script.extend([second[1].clone(), first.remove(0), third[1].clone(), closing]);
    for seed in 0..6 {
        let mut desk = Desk::new();
        let mut follow = follower("smb").expect("SMB carries files");
        desk.run(follow.as_mut(), &script, seed);
        assert_eq!(desk.files(), [line("wear.safetensors", &file, "safetensors", 0, "")], "seed {seed}");
    }
}

#[test]
fn writes_over_smb_are_uploads() {
    let file = model(40_000, 11);
    let mut script = create(1, "drop.txt", 3, 0).to_vec();
    for (n, piece) in file.chunks(30_000).enumerate() {
        let mut body = vec![0; 48];
        body[2..4].copy_from_slice(&112_u16.to_le_bytes());
        body[4..8].copy_from_slice(&(piece.len() as u32).to_le_bytes());
        body[8..16].copy_from_slice(&(n as u64 * 30_000).to_le_bytes());
        body[16] = 3;
        body.extend_from_slice(piece);
        script.push((Dir::ToServer, smb(9, false, 2 + n as u64, &body)));
    }
    let mut desk = Desk::new();
    let mut follow = follower("smb").expect("SMB carries files");
    desk.run(follow.as_mut(), &script, 5);
    assert_eq!(desk.files(), [line("drop.txt", &file, "safetensors", 1, "content contradicts the name")]);
}

#[test]
fn garbage_and_holes_neither_panic_nor_grow() {
    for app in ["http", "ftp", "smb"] {
        let mut dice = Dice(77);
        let mut desk = Desk::new();
        let mut follow = follower(app).expect("a follower");
        for round in 0..20_000 {
            let n = dice.below(60);
            let mut bytes = dice.bytes(n);
            if round % 3 == 0 {
                let starts: [&[u8]; 6] = [
                    b"HTTP/1.1 200 OK\r\n",
                    b"PUT / HTTP/1.1\r\n",
                    b"Content-Length: 99\r\n\r\n",
                    b"\0\0\0\x60\xfeSMB@\0",
                    b"227 (1,2,3,4,5,6)\r\n",
                    b"RETR x\r\n",
                ];
                bytes = [starts[dice.below(6)], &bytes].concat();
            }
            let dir = if dice.below(2) == 0 { Dir::ToServer } else { Dir::ToClient };
            desk.with(|cx| follow.bytes(cx, dir, &bytes));
            if round % 50 == 0 {
                let missing = dice.next() % 2_000;
                desk.with(|cx| follow.gap(cx, dir, missing));
            }
        }
        desk.with(|cx| follow.end(cx));
    }
}
