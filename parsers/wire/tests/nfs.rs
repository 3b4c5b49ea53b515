//! Files over NFS: names by LOOKUP and CREATE, reads and writes put in order, records in fragments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod follow;

use common::{Piece, Run, battery};
use follow::{dressed, model};
use sha2::{Digest as _, Sha256};
use wire::dissect::Dir::{ToClient, ToServer};

fn word(n: usize) -> Vec<u8> {
    (n as u32).to_be_bytes().to_vec()
}

fn long(n: usize) -> Vec<u8> {
    (n as u64).to_be_bytes().to_vec()
}

fn opaque(bytes: &[u8]) -> Vec<u8> {
    [word(bytes.len()), bytes.to_vec(), vec![0; bytes.len().wrapping_neg() % 4]].concat()
}

/// A record in fragments of at most so many bytes.
fn record(message: &[u8], fragment: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let count = message.len().div_ceil(fragment);
    for (n, piece) in message.chunks(fragment).enumerate() {
        out.extend(word(piece.len() | if n + 1 == count { 1 << 31 } else { 0 }));
        out.extend(piece);
    }
    out
}

fn call(id: usize, procedure: usize, arguments: &[Vec<u8>]) -> Vec<u8> {
    let system = opaque(&[&word(7)[..], &opaque(b"edge-7"), &word(0), &word(0), &word(0)].concat());
    let head = [word(id), word(0), word(2), word(100_003), word(3), word(procedure), word(1), system, word(0), word(0)];
    [head.concat(), arguments.concat()].concat()
}

fn reply(id: usize, results: &[Vec<u8>]) -> Vec<u8> {
    [[word(id), word(1), word(0), word(0), word(0), word(0)].concat(), results.concat()].concat()
}

fn attributes(size: usize) -> Vec<u8> {
    [word(1), vec![0; 20], long(size), vec![0; 56]].concat()
}

fn handle(n: u8) -> Vec<u8> {
    opaque(&[n; 28])
}

/// A name in a directory, its handle in the reply.
fn named(id: usize, procedure: usize, folder: u8, name: &str, found: u8) -> [Piece; 2] {
    let asked = call(id, procedure, &[handle(folder), opaque(name.as_bytes())]);
    let follows = if procedure == 8 { word(1) } else { Vec::new() };
    let told = reply(id, &[word(0), follows, handle(found), attributes(0)]);
    [(ToServer, record(&asked, 9_999)), (ToClient, record(&told, 9_999))]
}

fn read(id: usize, of: u8, file: &[u8], from: usize, to: usize) -> [Piece; 2] {
    let asked = call(id, 6, &[handle(of), long(from), word(to - from)]);
    let last = word(usize::from(to == file.len()));
    let told = reply(id, &[word(0), attributes(file.len()), word(to - from), last, opaque(&file[from..to])]);
    [(ToServer, record(&asked, 9_999)), (ToClient, record(&told, 1_500))]
}

fn write(id: usize, of: u8, file: &[u8], from: usize, to: usize) -> [Piece; 2] {
    let asked = call(id, 7, &[handle(of), long(from), word(to - from), word(2), opaque(&file[from..to])]);
    [
        (ToServer, record(&asked, 700)),
        (ToClient, record(&reply(id, &[word(0), word(0), word(0), word(to - from)]), 9_999)),
    ]
}

fn transfers(file: &[u8]) -> Vec<Piece> {
    let mut script = Vec::new();
    script.extend(named(1, 3, 1, "models", 2));
    script.extend(named(2, 3, 2, "wear.safetensors", 3));
    // Two reads at once, answered out of order.
    let ([ask, tell], [ask_too, tell_too]) = (read(3, 3, file, 0, 2_000), read(4, 3, file, 2_000, file.len()));
    script.extend([ask, ask_too, tell_too, tell]);
    script.extend(named(5, 8, 2, "drop.csv", 4));
    script.extend(write(6, 4, file, 0, 1_001));
    script.extend(write(7, 4, file, 1_001, file.len()));
    script
}

/// `path size sha256 format upload warnings`, a line a row.
fn files(run: &mut Run) -> Vec<String> {
    let tables = run.rows.take();
    let files = tables.iter().find(|t| t.name == "files").unwrap();
    let names = ["path", "size", "sha256", "model_format", "carrier", "upload", "warnings"];
    let columns = names.map(|name| files.columns.iter().find(|(n, _)| *n == name).map(|(_, c)| c).unwrap());
    (0..files.flow.len()).map(|row| columns.map(|c| c.show(row)).join(" ").trim_end().to_owned()).collect()
}

#[test]
fn reads_end_with_the_file_and_writes_when_nothing_more_comes() {
    let file = model(3_000, 1);
    let sha: String = Sha256::digest(&file).iter().map(|b| format!("{b:02x}")).collect();
    for cut in [1_448, 5] {
        let mut run = Run::new(dressed("rpc"));
        let script = transfers(&file);
        for (packet, (dir, bytes)) in script.iter().enumerate() {
            bytes.chunks(cut).for_each(|piece| run.feed(packet, *dir, piece));
        }
        let size = file.len();
        assert_eq!(
            files(&mut run),
            [format!("models/wear.safetensors {size} {sha} safetensors nfs 0")],
            "pieces of {cut}"
        );
        run.tick(script.len(), 10);
        assert_eq!(files(&mut run), Vec::<String>::new());
        run.tick(script.len(), 40);
        let wanted = format!("models/drop.csv {size} {sha} safetensors nfs 1 content contradicts the name");
        assert_eq!(files(&mut run), [wanted], "pieces of {cut}");
    }
}

#[test]
fn a_hole_in_the_data_is_a_hole_in_the_file() {
    let file = model(3_000, 2);
    let mut run = Run::new(dressed("rpc"));
    let [(_, ask), (_, tell)] = read(1, 3, &file, 0, file.len());
    run.feed(0, ToServer, &ask);
    run.feed(1, ToClient, &tell[..1_200]);
    run.gap(2, ToClient, 300);
    run.feed(3, ToClient, &tell[1_500..]);
    run.tick(3, 40);
    for (packet, (dir, bytes)) in read(2, 3, &file, 0, file.len()).into_iter().enumerate() {
        run.feed(4 + packet, dir, &bytes);
    }
    let found = files(&mut run);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("not all of it was captured") && !found[1].contains("not all"), "{found:?}");
}

#[test]
fn calls_handles_and_files_are_bounded() {
    let file = model(100, 3);
    let mut run = Run::new(dressed("rpc"));
    for n in 0..5_000 {
        let of = opaque(&long(n));
        let asked = call(n, 7, &[of.clone(), long(0), word(file.len()), word(2), opaque(&file)]);
        run.feed(n, ToServer, &record(&asked, 9_999));
        run.feed(n, ToServer, &record(&call(n, 3, &[of, opaque(b"x")]), 9_999));
    }
    assert!(run.rows.len() >= 5_000 - 1_024, "the oldest files are written when there are too many");
    assert_eq!(run.rows.files_cut, run.rows.len() as u64, "each is counted");
    run.end(5_000);
    assert_eq!(run.rows.len(), 5_000);
}

#[test]
fn the_battery() {
    battery(&|| dressed("rpc"), &transfers(&model(3_000, 4)));
}
