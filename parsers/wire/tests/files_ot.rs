//! Models that OT protocols carry: payloads of MQTT, file records of Modbus, file objects of DNP3, FileType of OPC UA.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod dnp3_build;
mod mqtt_kit;
mod opcua_build;

use common::{Dice, Piece, Run};
use opcua_build::B;
use sha2::{Digest as _, Sha256};
use wire::dissect::Dir::{ToClient, ToServer};
use wire::dissect::Dissector;
use wire::modbus::Modbus;
use wire::mqtt::Mqtt;

/// A safetensors file with so many bytes of tensors.
fn model(size: usize, seed: u64) -> Vec<u8> {
    let header = format!("{{\"w\":{{\"dtype\":\"U8\",\"shape\":[{size}],\"data_offsets\":[0,{size}]}}}}");
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend(Dice(seed).bytes(size));
    file
}

/// A pickle that nothing in it says the end of.
fn pickle(size: usize) -> Vec<u8> {
    [b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94".to_vec(), Dice(5).bytes(size), b".".to_vec()].concat()
}

/// `path size sha256 format carrier upload warnings` of each file, the script's pieces cut at `cut` bytes.
fn files(make: fn() -> Box<dyn Dissector>, script: &[Piece], cut: usize) -> Vec<String> {
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        for piece in bytes.chunks(cut) {
            run.feed(packet, *dir, piece);
        }
    }
    run.end(script.len());
    let tables = run.rows.take();
    let files = tables.iter().find(|t| t.name == "files").unwrap();
    let names = ["path", "size", "sha256", "model_format", "carrier", "upload", "warnings"];
    let columns = names.map(|name| files.columns.iter().find(|(n, _)| *n == name).map(|(_, c)| c).unwrap());
    (0..files.flow.len()).map(|row| columns.map(|c| c.show(row)).join(" ").trim_end().to_owned()).collect()
}

fn line(path: &str, file: &[u8], rest: &str) -> String {
    let sha: String = Sha256::digest(file).iter().map(|b| format!("{b:02x}")).collect();
    format!("{path} {} {sha} {rest}", file.len())
}

fn mqtt() -> Box<dyn Dissector> {
    Box::new(Mqtt::new())
}

fn published(topic: &str, payload: &[u8]) -> Piece {
    (ToServer, mqtt_kit::publish(0x30, topic, 0, payload))
}

#[test]
fn models_in_mqtt_payloads_whole_and_in_pieces() {
    let (small, large, cut) = (model(900, 1), model(300_000, 2), pickle(2_500));
    let mut script = vec![(ToServer, mqtt_kit::connect(4, "edge"))];
    script.push(published("models/small", &small));
    script.push(published("plant/telemetry", b"{\"vibration\": 0.3}"));
    script.push(published("models/large", &large));
    for chunk in large.chunks(70_000) {
        script.push(published("models/chunks", chunk));
        script.push(published("plant/telemetry", b"{\"vibration\": 0.4}"));
    }
    for chunk in cut.chunks(1_000) {
        script.push(published("models/pickle", chunk));
    }
    let wanted = [
        line("models/small", &small, "safetensors mqtt 1"),
        line("models/large", &large, "safetensors mqtt 1"),
        line("models/chunks", &large, "safetensors mqtt 1"),
        line("models/pickle", &cut, "pickle mqtt 1 imports posix.system"),
    ];
    for cut in [1_448, 100_000, 7] {
        assert_eq!(files(mqtt, &script, cut), wanted, "pieces of {cut}");
    }
}

#[test]
fn everyday_payloads_are_no_files() {
    let script: Vec<Piece> = (0..200_u8)
        .map(|n| published("plant/x", &[&[n][..], b"{\"a\":1}Ptf", &Dice(n.into()).bytes(40)].concat()))
        .collect();
    assert_eq!(files(mqtt, &script, 1_000), Vec::<String>::new());
}

fn adu(transaction: u16, pdu: &[u8]) -> Vec<u8> {
    [&transaction.to_be_bytes()[..], &[0, 0], &(pdu.len() as u16 + 1).to_be_bytes(), &[7], pdu].concat()
}

#[test]
fn file_records_of_modbus_are_one_file() {
    let file = model(1_002, 3);
    let file = &file[..file.len() / 2 * 2];
    let mut script = Vec::new();
    for (n, data) in file.chunks(200).enumerate() {
        let record = (n * 100) as u16;
        let group = [&[6, 0, 4][..], &record.to_be_bytes(), &(data.len() as u16 / 2).to_be_bytes(), data].concat();
        let pdu = adu(n as u16, &[&[21, group.len() as u8][..], &group].concat());
        script.extend([(ToServer, pdu.clone()), (ToClient, pdu)]);
    }
    let found = files(|| Box::new(Modbus::new()), &script, 500);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with(&line("unit 7 file 4", file, "safetensors modbus 1")), "{found:?}");
    let mut script = Vec::new();
    for (n, data) in file.chunks(200).enumerate() {
        let place =
            [&[20, 7, 6, 0, 9][..], &((n * 100) as u16).to_be_bytes(), &(data.len() as u16 / 2).to_be_bytes()].concat();
        let answer = [&[20, data.len() as u8 + 2, data.len() as u8 + 1, 6][..], data].concat();
        script.extend([(ToServer, adu(n as u16, &place)), (ToClient, adu(n as u16, &answer))]);
    }
    let found = files(|| Box::new(Modbus::new()), &script, 500);
    assert!(found[0].starts_with(&line("unit 7 file 9", file, "safetensors modbus 0")), "{found:?}");
}

/// An object header with qualifier 0x5B (count, sizes before the objects) and one object.
fn object(variation: u8, object: &[u8]) -> Vec<u8> {
    [&[70, variation, 0x5B, 1][..], &(object.len() as u16).to_le_bytes(), object].concat()
}

#[test]
fn file_objects_of_dnp3_are_one_file_under_its_name() {
    let file = model(900, 4);
    let name = b"models/wear.safetensors";
    let open = [
        &26_u16.to_le_bytes()[..],
        &(name.len() as u16).to_le_bytes(),
        &[0; 6],
        &[0; 2],
        &[0; 4],
        &900_u32.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &512_u16.to_le_bytes(),
        &3_u16.to_le_bytes(),
        name,
    ]
    .concat();
    let opened =
        [&9_u32.to_le_bytes()[..], &900_u32.to_le_bytes(), &512_u16.to_le_bytes(), &3_u16.to_le_bytes(), &[0]].concat();
    let mut script = vec![
        (ToServer, dnp3_build::ask(&[&[0xC0, 25], &object(3, &open)[..]].concat())),
        (ToClient, dnp3_build::response(&object(4, &opened))),
    ];
    let blocks: Vec<&[u8]> = file.chunks(150).collect();
    for (n, data) in blocks.iter().enumerate() {
        let number = n as u32 | if n + 1 == blocks.len() { 1 << 31 } else { 0 };
        let block = [&9_u32.to_le_bytes()[..], &number.to_le_bytes(), data].concat();
        script.push((ToServer, dnp3_build::ask(&[&[0xC1, 2], &object(5, &block)[..]].concat())));
    }
    let wanted = [line("models/wear.safetensors", &file, "safetensors dnp3 1")];
    assert_eq!(files(dnp3_build::make, &script, 100), wanted);
}

#[test]
fn files_of_opcua_are_put_together_by_handle() {
    let file = model(5_000, 6);
    let method = |id: u32, arguments: &B| {
        let body = B::request(712).u32(1).name(2, "Models.Wear").id(2, 77).then(arguments.clone());
        (ToServer, opcua_build::msg(id, &body))
    };
    let result = |id: u32, outputs: &B| {
        let body = B::response(715, 0).u32(1).u32(0).null().null().then(outputs.clone()).null();
        (ToClient, opcua_build::msg(id, &body))
    };
    let none = B::new().u32(0);
    let mut read = opcua_build::everyday();
    let mut written = opcua_build::everyday();
    for (n, data) in file.chunks(2_048).enumerate() {
        let id = 20 + n as u32;
        let bytes = B::new().u32(data.len() as u32).raw(data);
        read.push(method(id, &B::new().u32(2).u8(7).u32(5).u8(6).u32(2_048)));
        read.push(result(id, &B::new().u32(1).u8(15).then(bytes.clone())));
        written.push(method(id, &B::new().u32(2).u8(7).u32(5).u8(15).then(bytes)));
        written.push(result(id, &none));
    }
    for script in [&mut read, &mut written] {
        script.push(method(90, &B::new().u32(1).u8(7).u32(5)));
        script.push(result(90, &none));
    }
    let path = "ns=2;s=Models.Wear";
    assert_eq!(files(opcua_build::make, &read, 999), [line(path, &file, "safetensors opcua 0")]);
    assert_eq!(files(opcua_build::make, &written, 999), [line(path, &file, "safetensors opcua 1")]);
}

#[test]
fn values_of_opcua_that_are_models() {
    let (file, more) = (model(3_000, 7), pickle(2_500));
    let node = |name: &str, range: &str| B::new().name(2, name).u32(13).s(range);
    let value = |data: &[u8]| B::new().u8(1).u8(15).u32(data.len() as u32).raw(data);
    let write = |id: u32, what: &B, data: &[u8]| {
        let body = B::request(673).u32(1).then(what.clone()).then(value(data));
        [
            (ToServer, opcua_build::msg(id, &body)),
            (ToClient, opcua_build::msg(id, &B::response(676, 0).u32(1).u32(0).null())),
        ]
    };
    let read = |id: u32, what: &B, data: &[u8]| {
        let asked = B::request(631).f64(0.0).u32(0).u32(1).then(what.clone()).u16(0).null();
        let told = B::response(634, 0).u32(1).then(value(data)).null();
        [(ToServer, opcua_build::msg(id, &asked)), (ToClient, opcua_build::msg(id, &told))]
    };
    let mut script = opcua_build::everyday();
    script.extend(write(20, &node("Wear", ""), &file));
    script.extend(read(21, &node("Wear", ""), &file));
    for (n, data) in file.chunks(1_024).enumerate() {
        let range = format!("{}:{}", n * 1_024, n * 1_024 + data.len() - 1);
        script.extend(write(30 + n as u32, &node("Parts[2]", &range), data));
        script.extend(read(40 + n as u32, &node("Parts[3]", &range), data));
        script.extend(read(50 + n as u32, &node("Image", ""), &[1, 2, 3]));
    }
    for (n, data) in more.chunks(1_000).enumerate() {
        script.extend(write(60 + n as u32, &node("Slot", ""), data));
    }
    let wanted = [
        line("ns=2;s=Wear", &file, "safetensors opcua 1"),
        line("ns=2;s=Wear", &file, "safetensors opcua 0"),
        line("ns=2;s=Parts[2]", &file, "safetensors opcua 1"),
        line("ns=2;s=Parts[3]", &file, "safetensors opcua 0"),
        line("ns=2;s=Slot", &more, "pickle opcua 1 imports posix.system"),
    ];
    for cut in [1_448, 7] {
        assert_eq!(files(opcua_build::make, &script, cut), wanted, "pieces of {cut}");
    }
}

#[test]
fn published_values_of_opcua_that_are_models() {
    let file = model(900, 8);
    let item = B::new().u32(5).u8(1).u8(15).u32(file.len() as u32).raw(&file);
    let change = B::new().u32(1).then(item).null();
    let told = B::response(829, 0).u32(1).null().u8(0).u32(1).i64(0).u32(1).ext(811, change).null().null();
    let mut script = opcua_build::everyday();
    script.push((ToServer, opcua_build::msg(20, &B::request(826).null())));
    script.push((ToClient, opcua_build::msg(20, &told)));
    assert_eq!(files(opcua_build::make, &script, 999), [line("handle:5", &file, "safetensors opcua 0")]);
}

#[test]
fn values_of_opcua_too_large_to_be_kept_pass_by() {
    let file = model(300_000, 9);
    let written = B::request(673).u32(1).name(2, "Wear").u32(13).null().u8(1).u8(15).u32(file.len() as u32).raw(&file);
    let told = B::response(634, 0).u32(1).u8(1).u8(15).u32(file.len() as u32).raw(&file).null();
    let asked = B::request(631).f64(0.0).u32(0).u32(1).name(2, "Wear").u32(13).null().u16(0).null();
    let chunks = |id: u32, dir, body: &B| -> Vec<Piece> {
        let parts: Vec<&[u8]> = body.0.chunks(40_000).collect();
        let flag = |n: usize| if n + 1 == parts.len() { 'F' } else { 'C' };
        parts
            .iter()
            .enumerate()
            .map(|(n, part)| (dir, opcua_build::chunk("MSG", flag(n), id, &B(part.to_vec()))))
            .collect()
    };
    let mut script = opcua_build::everyday();
    script.extend(chunks(20, ToServer, &written));
    script.push((ToClient, opcua_build::msg(20, &B::response(676, 0).u32(1).u32(0).null())));
    script.push((ToServer, opcua_build::msg(21, &asked)));
    script.extend(chunks(21, ToClient, &told));
    let found = |limit: u64, lost: Option<usize>| {
        let mut run = Run::new(opcua_build::make());
        run.limits.message_bytes = limit;
        for (packet, (dir, bytes)) in script.iter().enumerate() {
            if lost == Some(packet) {
                run.gap(packet, *dir, bytes.len() as u64);
            } else {
                run.feed(packet, *dir, bytes);
            }
        }
        run.end(script.len());
        let tables = run.rows.take();
        let files = tables.iter().find(|t| t.name == "files").unwrap();
        files.lines(&["ts", "frame", "first_frame", "first_ts"])
    };
    let whole = found(1 << 20, None);
    assert_eq!(whole.len(), 2, "{whole:?}");
    assert!(
        whole[0].contains("upload=1")
            && whole[1].contains("upload=0")
            && whole.iter().all(|l| l.contains("path=ns=2;s=Wear"))
    );
    for limit in [100_000, 60_000] {
        assert_eq!(found(limit, None), whole, "limit {limit}");
    }
    let cut = found(60_000, Some(opcua_build::everyday().len() + 4));
    assert!(cut[1].contains("warnings=not all of it was captured") && cut[0] == whole[1], "{cut:?}");
}
