//! What follows a flow for files, in the dress of a dissector, so that one harness serves both.
#![allow(dead_code)]

use wire::dissect::{Cx, Dir, Dissector, Nanos, Step};
use wire::files::{Follow, follower};

struct Dressed(Box<dyn Follow>, &'static str);

impl Dissector for Dressed {
    fn parse(&mut self, cx: &mut Cx<'_>, dir: Dir, bytes: &[u8]) -> Step {
        self.0.bytes(cx, dir, bytes);
        Step::Took(bytes.len())
    }
    fn gap(&mut self, cx: &mut Cx<'_>, dir: Dir, missing: u64) {
        self.0.gap(cx, dir, missing);
    }
    fn tick(&mut self, cx: &mut Cx<'_>, now: Nanos) {
        self.0.tick(cx, now);
    }
    fn waits(&self) -> bool {
        self.0.waits()
    }
    fn end(&mut self, cx: &mut Cx<'_>) {
        self.0.end(cx);
    }
    fn protocol(&self) -> &'static str {
        self.1
    }
}

/// The follower of this protocol.
pub fn dressed(app: &'static str) -> Box<dyn Dissector> {
    Box::new(Dressed(follower(app).expect("it carries files"), app))
}

pub fn get(path: &str) -> (Dir, Vec<u8>) {
    (Dir::ToServer, format!("GET {path} HTTP/1.1\r\nHost: plant\r\n\r\n").into_bytes())
}

pub fn answer(head: &str, body: &[u8]) -> (Dir, Vec<u8>) {
    (Dir::ToClient, [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat())
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// A body in chunks of so many bytes.
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(size) {
        out.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        out.extend(piece);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}

/// A safetensors file with so many bytes of tensors.
pub fn model(size: usize, seed: u64) -> Vec<u8> {
    let header = format!("{{\"w\":{{\"dtype\":\"U8\",\"shape\":[{size}],\"data_offsets\":[0,{size}]}}}}");
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend(crate::common::Dice(seed).bytes(size));
    file
}
