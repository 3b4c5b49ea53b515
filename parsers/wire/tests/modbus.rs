//! Modbus: exact rows for each function, pairing, framing faults, limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Piece, Run, battery};
use wire::dissect::Dir::{ToClient, ToServer};
use wire::dissect::{Dissector, Probe};
use wire::modbus::{Modbus, probe, read};

/// Bytes from hexadecimal text, blanks ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A PDU under an MBAP header.
fn adu(transaction: u16, unit: u8, pdu: &str) -> Vec<u8> {
    let pdu = hex(pdu);
    let mut out = transaction.to_be_bytes().to_vec();
    out.extend([0, 0]);
    out.extend((pdu.len() as u16 + 1).to_be_bytes());
    out.push(unit);
    out.extend(pdu);
    out
}

fn make() -> Box<dyn Dissector> {
    Box::new(Modbus::new())
}

fn run() -> Run {
    Run::new(make())
}

/// Lines of one table, without its name and without the columns of `skip`.
fn table(run: &mut Run, name: &str, skip: &[&str]) -> Vec<String> {
    let prefix = format!("{name} ");
    run.lines(skip).iter().filter_map(|l| l.strip_prefix(&prefix)).map(str::to_owned).collect()
}

const PLACE: &[&str] = &["ts", "request_frame", "response_frame", "transaction_id", "unit_id", "latency_us"];

/// The row of one transaction, without its place.
fn row(request: &str, response: &str) -> String {
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 1, request));
    if !response.is_empty() {
        run.feed(1, ToClient, &adu(1, 1, response));
    }
    run.end(2);
    let mut lines = run.lines(PLACE);
    let anomalies: Vec<_> = lines.iter().filter(|l| l.starts_with("anomalies")).cloned().collect();
    assert_eq!(anomalies, Vec::<String>::new());
    lines.retain(|l| l.starts_with("modbus "));
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0).trim_start_matches("modbus ").to_owned()
}

#[test]
fn a_read_is_one_row_with_everything() {
    let mut run = run();
    run.feed(0, ToServer, &adu(7, 17, "03 006B 0003"));
    run.feed(3, ToClient, &adu(7, 17, "03 06 022B 0000 0064"));
    let lines = run.lines(&[]);
    assert_eq!(
        lines.iter().filter(|l| l.starts_with("modbus")).collect::<Vec<_>>(),
        ["modbus ts=1760000000000000000 request_frame=1 response_frame=4 transaction_id=7 unit_id=17 \
             function_code=3 function=read_holding_registers address=107 quantity=3 write_address=null \
             write_quantity=null values=[555 0 100] sub_function=null exception_code=null status=ok latency_us=3000"]
    );
    let behaviour = lines.iter().find(|l| l.starts_with("behaviours")).unwrap();
    for part in [
        "protocol=modbus",
        "unit=17",
        "operation=read_holding_registers",
        "access=read",
        "object=holding_register 107-109",
        "count=1",
        "errors=0",
        "bytes=27",
        "latency_sum_us=3000",
    ] {
        assert!(behaviour.contains(part), "{part} not in {behaviour}");
    }
}

#[test]
fn each_function_has_its_row() {
    // The examples of clauses 6.1 to 6.21, function by function.
    let cases = [
        (
            "01 0013 0013",
            "01 03 CD6B05",
            "function_code=1 function=read_coils address=19 quantity=19 write_address=null write_quantity=null \
          values=[1 0 1 1 0 0 1 1 1 1 0 1 0 1 1 0 1 0 1] sub_function=null exception_code=null status=ok",
        ),
        (
            "02 00C4 0016",
            "02 03 ACDB35",
            "function_code=2 function=read_discrete_inputs address=196 quantity=22 write_address=null write_quantity=null \
          values=[0 0 1 1 0 1 0 1 1 1 0 1 1 0 1 1 1 0 1 0 1 1] sub_function=null exception_code=null status=ok",
        ),
        (
            "04 0008 0001",
            "04 02 000A",
            "function_code=4 function=read_input_registers address=8 quantity=1 write_address=null write_quantity=null \
          values=[10] sub_function=null exception_code=null status=ok",
        ),
        (
            "05 00AC FF00",
            "05 00AC FF00",
            "function_code=5 function=write_single_coil address=172 quantity=1 write_address=null write_quantity=null \
          values=[1] sub_function=null exception_code=null status=ok",
        ),
        (
            "06 0001 0003",
            "06 0001 0003",
            "function_code=6 function=write_single_register address=1 quantity=1 write_address=null write_quantity=null \
          values=[3] sub_function=null exception_code=null status=ok",
        ),
        (
            "07",
            "07 6D",
            "function_code=7 function=read_exception_status address=null quantity=null write_address=null \
          write_quantity=null values=[109] sub_function=null exception_code=null status=ok",
        ),
        (
            "08 0000 A537",
            "08 0000 A537",
            "function_code=8 function=diagnostics address=null quantity=null write_address=null write_quantity=null \
          values=[42295] sub_function=0 exception_code=null status=ok",
        ),
        (
            "0B",
            "0B FFFF 0108",
            "function_code=11 function=get_comm_event_counter address=null quantity=null write_address=null \
          write_quantity=null values=[65535 264] sub_function=null exception_code=null status=ok",
        ),
        (
            "0C",
            "0C 08 0000 0108 0121 2000",
            "function_code=12 function=get_comm_event_log address=null quantity=null write_address=null \
          write_quantity=null values=[0 264 289 32 0] sub_function=null exception_code=null status=ok",
        ),
        (
            "0F 0013 000A 02 CD01",
            "0F 0013 000A",
            "function_code=15 function=write_multiple_coils address=19 quantity=10 write_address=null write_quantity=null \
          values=[1 0 1 1 0 0 1 1 1 0] sub_function=null exception_code=null status=ok",
        ),
        (
            "10 0001 0002 04 000A 0102",
            "10 0001 0002",
            "function_code=16 function=write_multiple_registers address=1 quantity=2 write_address=null \
          write_quantity=null values=[10 258] sub_function=null exception_code=null status=ok",
        ),
        (
            "11",
            "11 03 0AFF41",
            "function_code=17 function=report_server_id address=null quantity=null write_address=null \
          write_quantity=null values=[10 255 65] sub_function=null exception_code=null status=ok",
        ),
        (
            "14 0E 06 0004 0001 0002 06 0003 0009 0002",
            "14 0C 05 06 0DFE 0020 05 06 33CD 0040",
            "function_code=20 function=read_file_record address=1 quantity=4 write_address=null write_quantity=null \
          values=[3582 32 13261 64] sub_function=4 exception_code=null status=ok",
        ),
        (
            "15 0D 06 0004 0007 0003 06AF 04BE 100D",
            "15 0D 06 0004 0007 0003 06AF 04BE 100D",
            "function_code=21 function=write_file_record address=7 quantity=3 write_address=null write_quantity=null \
          values=[1711 1214 4109] sub_function=4 exception_code=null status=ok",
        ),
        (
            "16 0004 00F2 0025",
            "16 0004 00F2 0025",
            "function_code=22 function=mask_write_register address=4 quantity=1 write_address=null write_quantity=null \
          values=[242 37] sub_function=null exception_code=null status=ok",
        ),
        (
            "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
            "17 0C 00FE 0ACD 0001 0003 000D 00FF",
            "function_code=23 function=read_write_multiple_registers address=3 quantity=6 write_address=14 \
          write_quantity=3 values=[255 255 255 254 2765 1 3 13 255] sub_function=null exception_code=null status=ok",
        ),
        (
            "18 04DE",
            "18 0006 0002 01B8 1284",
            "function_code=24 function=read_fifo_queue address=1246 quantity=2 write_address=null write_quantity=null \
          values=[440 4740] sub_function=null exception_code=null status=ok",
        ),
        (
            "2B 0E 01 00",
            "2B 0E 01 01 00 00 03 00 02 4D65 01 01 50 02 02 5631",
            "function_code=43 function=read_device_identification address=0 quantity=3 write_address=null \
          write_quantity=null values=[] sub_function=14 exception_code=null status=ok",
        ),
        (
            "2B 0D 00 01",
            "2B 0D 00",
            "function_code=43 function=canopen_general_reference address=null quantity=null write_address=null \
          write_quantity=null values=[] sub_function=13 exception_code=null status=ok",
        ),
        (
            "41 0102",
            "41 03",
            "function_code=65 function=user_defined_65 address=null quantity=null write_address=null \
          write_quantity=null values=[] sub_function=null exception_code=null status=ok",
        ),
        (
            "01 04A1 0001",
            "81 02",
            "function_code=1 function=read_coils address=1185 quantity=1 write_address=null write_quantity=null \
          values=[] sub_function=null exception_code=2 status=exception",
        ),
        (
            "06 0001 0003",
            "",
            "function_code=6 function=write_single_register address=1 quantity=1 write_address=null \
          write_quantity=null values=[3] sub_function=null exception_code=null status=unanswered",
        ),
        (
            "10 0001 0001 02 0007",
            "90 03",
            "function_code=16 function=write_multiple_registers address=1 quantity=1 write_address=null \
          write_quantity=null values=[7] sub_function=null exception_code=3 status=exception",
        ),
    ];
    for (request, response, want) in cases {
        assert_eq!(row(request, response), want);
    }
}

fn script() -> Vec<Piece> {
    let mut out = vec![];
    let pairs = [
        ("03 006B 0003", "03 06 022B 0000 0064"),
        ("01 0013 0013", "01 03 CD6B05"),
        ("06 0001 0003", "06 0001 0003"),
        ("10 0001 0002 04 000A 0102", "10 0001 0002"),
        ("04 0008 0001", "84 02"),
        ("41 0102", "41 0102 03"),
        ("2B 0E 01 00", "2B 0E 01 01 00 00 03 00 02 4D65 01 01 50 02 02 5631"),
        ("17 0003 0006 000E 0003 06 00FF 00FF 00FF", "17 0C 00FE 0ACD 0001 0003 000D 00FF"),
        ("08 0000 A537", "08 0000 A537"),
        ("16 0004 00F2 0025", "16 0004 00F2 0025"),
    ];
    for (i, (request, response)) in pairs.iter().enumerate() {
        out.push((ToServer, adu(i as u16, 1, request)));
        out.push((ToClient, adu(i as u16, 1, response)));
    }
    // Pipelined: two requests in a packet, then their responses.
    out.push((ToServer, [adu(30, 1, "03 0000 0001"), adu(31, 2, "03 0001 0001")].concat()));
    out.push((ToClient, [adu(30, 1, "03 02 0001"), adu(31, 2, "03 02 0002")].concat()));
    out
}

#[test]
fn the_battery_holds() {
    battery(&make, &script());
}

fn statuses(run: &mut Run) -> Vec<String> {
    let skip = [
        "ts",
        "function_code",
        "function",
        "write_address",
        "write_quantity",
        "sub_function",
        "exception_code",
        "latency_us",
        "quantity",
        "unit_id",
    ];
    table(run, "modbus", &skip)
}

#[test]
fn equal_transaction_ids_are_served_first_in_first_out() {
    let mut run = run();
    for (packet, address) in [(0, "0001"), (1, "0002"), (2, "0003")] {
        run.feed(packet, ToServer, &adu(0, 1, &format!("03 {address} 0001")));
    }
    for (packet, value) in [(3, "000A"), (4, "000B"), (5, "000C")] {
        run.feed(packet, ToClient, &adu(0, 1, &format!("03 02 {value}")));
    }
    assert_eq!(
        statuses(&mut run),
        [
            "request_frame=1 response_frame=4 transaction_id=0 address=1 values=[10] status=ok",
            "request_frame=2 response_frame=5 transaction_id=0 address=2 values=[11] status=ok",
            "request_frame=3 response_frame=6 transaction_id=0 address=3 values=[12] status=ok",
        ]
    );
}

#[test]
fn a_lost_response_does_not_shift_the_values_of_a_client_with_one_transaction_id() {
    let mut run = run();
    run.feed(0, ToServer, &adu(0, 1, "03 0001 0001"));
    run.gap(1, ToClient, 11);
    run.feed(2, ToServer, &adu(0, 1, "03 0002 0001"));
    run.feed(3, ToClient, &adu(0, 1, "03 02 000B"));
    run.feed(4, ToServer, &adu(0, 1, "03 0003 0001"));
    run.feed(5, ToClient, &adu(0, 1, "03 02 000C"));
    assert_eq!(
        statuses(&mut run),
        [
            "request_frame=1 response_frame=0 transaction_id=0 address=1 values=[] status=unanswered",
            "request_frame=3 response_frame=4 transaction_id=0 address=2 values=[11] status=ok",
            "request_frame=5 response_frame=6 transaction_id=0 address=3 values=[12] status=ok",
        ]
    );
    // The same where the server never answered and the client asked on after its time-out of a second.
    let mut run = self::run();
    run.feed(0, ToServer, &adu(0, 1, "03 0001 0001"));
    run.feed(1_000, ToServer, &adu(0, 1, "03 0002 0001"));
    run.feed(1_010, ToClient, &adu(0, 1, "03 02 000B"));
    run.end(1_011);
    assert_eq!(
        statuses(&mut run),
        [
            "request_frame=1 response_frame=0 transaction_id=0 address=1 values=[] status=unanswered",
            "request_frame=1001 response_frame=1011 transaction_id=0 address=2 values=[11] status=ok",
        ]
    );
}

#[test]
fn a_gap_among_pipelined_requests_excuses_the_responses_without_one() {
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 1, "03 0001 0001"));
    run.gap(1, ToServer, 12);
    run.feed(2, ToServer, &adu(3, 1, "03 0003 0001"));
    for id in 1..=3 {
        run.feed(2 + usize::from(id), ToClient, &adu(id, 1, &format!("03 02 000{id}")));
    }
    // Now pairing is proven again: the next response without a request is an oddity.
    run.feed(6, ToClient, &adu(9, 1, "03 02 0009"));
    run.end(7);
    let lines = run.lines(&[]);
    let anomalies: Vec<_> = lines.iter().filter(|l| l.starts_with("anomalies")).collect();
    assert_eq!(
        anomalies,
        ["anomalies ts=1760000000006000000 frame=7 protocol=modbus kind=unsolicited_response \
          detail=response of function 3, unit 1, transaction 9 without a request"]
    );
    let status = |id: u16| {
        let key = format!("transaction_id={id} ");
        let line = lines.iter().find(|l| l.starts_with("modbus") && l.contains(&key)).unwrap();
        line.split("status=").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    };
    assert_eq!([status(1), status(2), status(3), status(9)], ["ok", "unsolicited", "ok", "unsolicited"]);
}

#[test]
fn a_flow_picked_up_in_its_middle_begins_with_a_response() {
    let mut run = run();
    run.feed(0, ToClient, &adu(5, 1, "01 01 05"));
    let lines = run.lines(PLACE);
    assert!(!lines.iter().any(|l| l.starts_with("anomalies")), "{lines:?}");
    assert_eq!(
        lines.iter().find(|l| l.starts_with("modbus")).unwrap(),
        "modbus function_code=1 function=read_coils address=null quantity=null write_address=null \
         write_quantity=null values=[1 0 1 0 0 0 0 0] sub_function=null exception_code=null status=unsolicited"
    );
}

#[test]
fn a_request_is_unanswered_after_its_time() {
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 1, "03 0001 0001"));
    run.tick(0, 9);
    assert_eq!(run.rows.modbus.len(), 0);
    run.tick(0, 10);
    assert_eq!(run.rows.modbus.len(), 1);
    // A newer request does it as well.
    run.feed(1, ToServer, &adu(2, 1, "03 0001 0001"));
    run.feed(10_002, ToServer, &adu(3, 1, "03 0001 0001"));
    assert_eq!(run.rows.modbus.len(), 2);
}

#[test]
fn waiting_requests_are_limited() {
    let mut run = run();
    run.limits.pending_requests = 4;
    for id in 0..10 {
        run.feed(id.into(), ToServer, &adu(id, 1, "03 0001 0001"));
    }
    assert_eq!(run.rows.modbus.len(), 6);
    assert_eq!(run.rows.anomalies.len(), 1);
    for id in 6..10 {
        run.feed(10 + usize::from(id), ToClient, &adu(id, 1, "03 02 0001"));
    }
    let rows = statuses(&mut run);
    assert_eq!(rows.len(), 10);
    assert_eq!(rows.iter().filter(|l| l.ends_with("status=ok")).count(), 4);
}

#[test]
fn a_function_scan_gives_every_row() {
    let mut run = run();
    for code in 1..=126u8 {
        run.feed(code.into(), ToServer, &adu(code.into(), 1, &format!("{code:02X}")));
        run.feed(code.into(), ToClient, &adu(code.into(), 1, &format!("{:02X} 01", code | 0x80)));
    }
    run.end(127);
    let rows = table(&mut run, "modbus", &[]);
    assert_eq!(rows.len(), 126);
    assert!(rows.iter().all(|l| l.contains("exception_code=1 status=exception")));
}

#[test]
fn malformed_values_are_told_and_written() {
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 1, "05 0001 0001"));
    run.feed(1, ToClient, &adu(1, 1, "05 0002 0001"));
    run.feed(2, ToServer, &adu(2, 1, "03 0000 0002"));
    run.feed(3, ToClient, &adu(2, 1, "03 02 0001"));
    run.feed(4, ToServer, &adu(3, 1, "10 0000 0002 04 0001"));
    run.end(5);
    let lines = run.lines(&["ts", "frame"]);
    let details: Vec<_> =
        lines.iter().filter_map(|l| l.strip_prefix("anomalies protocol=modbus kind=malformed detail=")).collect();
    assert_eq!(
        details,
        [
            "request of function 16: values at offset 6: cut, the PDU has 8 bytes of 10",
            "request of function 5: value at offset 3: 1, expected 0 or 65280",
            "response of function 3: byte_count at offset 1: 2, expected 4",
            "response of function 5: value at offset 3: 1, expected 0 or 65280",
        ]
    );
    assert_eq!(lines.iter().filter(|l| l.starts_with("modbus")).count(), 3);
}

#[test]
fn garbage_between_messages_is_skipped_once() {
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 1, "03 0001 0001"));
    let mut bytes = vec![0xAA; 300];
    bytes.extend(adu(2, 1, "03 0002 0001"));
    bytes.extend(adu(3, 1, "06 0002 0001"));
    run.feed(1, ToServer, &bytes);
    run.end(2);
    let lines = run.lines(&["ts", "frame"]);
    assert_eq!(lines.iter().filter(|l| l.starts_with("modbus")).count(), 3);
    assert!(lines.contains(
        &"anomalies protocol=modbus kind=resynchronised detail=skipped 300 bytes to the next message".to_owned()
    ));
}

#[test]
fn faulty_headers_do_not_hide_messages() {
    // A length beyond the standard, true and false; a foreign protocol identifier.
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 1, "03 0001 0001"));
    run.feed(1, ToServer, &adu(2, 1, &format!("41 {}", "00".repeat(300))));
    let mut lie = adu(3, 1, "06 0001 0007");
    lie[4..6].copy_from_slice(&300u16.to_be_bytes());
    run.feed(2, ToServer, &[lie, adu(4, 1, "06 0002 0007")].concat());
    let mut other = adu(5, 1, "06 0003 0007");
    other[3] = 1;
    run.feed(3, ToServer, &[other, adu(6, 1, "06 0004 0007")].concat());
    run.end(4);
    let rows = table(&mut run, "modbus", &[]);
    assert_eq!(rows.len(), 6, "{rows:#?}");
}

#[test]
fn probing_goes_by_content() {
    let read = adu(1, 1, "03 006B 0003");
    let answer = adu(1, 1, "03 06 022B 0000 0064");
    assert_eq!(probe(&read, 40_000, 502), Probe::Client);
    assert_eq!(probe(&answer, 502, 40_000), Probe::Server);
    assert_eq!(probe(&read, 40_000, 1502), Probe::Client);
    assert_eq!(probe(&answer, 40_000, 1502), Probe::Server);
    assert_eq!(probe(&adu(1, 1, "06 0001 0003"), 40_000, 1502), Probe::Either);
    assert_eq!(probe(&read[..5], 40_000, 502), Probe::Unsure);
    assert_eq!(probe(&read[..10], 40_000, 1502), Probe::Unsure);
    assert_eq!(probe(&adu(1, 1, "41 0001 0003 05"), 40_000, 1502), Probe::No);
    assert_eq!(probe(&adu(1, 1, "41 0001 0003 05"), 40_000, 502), Probe::Client);
    assert_eq!(probe(&[read.clone(), vec![1, 2, 3, 4, 5, 6, 7, 8]].concat(), 40_000, 1502), Probe::No);
    for other in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &hex("16 03 01 00F4 01 0000F0 0303"),
        &hex("16 03 03 007A 02 000076 0303"),
    ] {
        assert_eq!(probe(other, 40_000, 502), Probe::No);
        assert_eq!(probe(other, 502, 40_000), Probe::No);
        assert_eq!(probe(other, 40_000, 802), Probe::No);
    }
    // Picked up in the middle of a message: the next header is found.
    assert_eq!(probe(&[hex("0001 0003 AA"), read.clone(), read].concat(), 40_000, 502), Probe::Client);
}

#[test]
fn one_message_a_datagram() {
    let mut run = run();
    run.datagram(0, ToServer, &adu(1, 1, "03 0001 0001"));
    run.datagram(1, ToClient, &adu(1, 1, "03 02 0009"));
    run.datagram(2, ToServer, &adu(2, 1, "03 0001 0001")[..9]);
    run.datagram(3, ToServer, &adu(3, 1, "03 0001 0001"));
    run.end(4);
    let lines = run.lines(&[]);
    assert_eq!(lines.iter().filter(|l| l.starts_with("modbus")).count(), 3);
    let cut: Vec<_> = lines.iter().filter(|l| l.contains("kind=truncated")).collect();
    assert_eq!(cut.len(), 2, "{lines:#?}");
}

/// An RTU frame: address, PDU, CRC.
fn serial(address: u8, pdu: &str) -> Vec<u8> {
    let mut out = vec![address];
    out.extend(hex(pdu));
    let mut crc = 0xFFFFu16;
    for byte in &out {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 };
        }
    }
    out.extend(crc.to_le_bytes());
    out
}

#[test]
fn rtu_frames_inside_tcp_are_rows_of_the_same_kind() {
    assert_eq!(serial(1, "03 0000 000A"), hex("01 03 0000 000A C5CD"));
    let mut run = run();
    // These eight bytes would pass for an MBAP header, too.
    run.feed(0, ToServer, &serial(1, "03 0000 000A"));
    run.feed(1, ToClient, &serial(1, &format!("03 14 {}", "0007".repeat(10))));
    run.feed(2, ToServer, &serial(1, "41 0102"));
    run.feed(3, ToClient, &serial(1, "C1 01"));
    let rows = table(&mut run, "modbus", &["ts", "write_address", "write_quantity", "sub_function", "latency_us"]);
    assert_eq!(
        rows,
        [
            "request_frame=1 response_frame=2 transaction_id=0 unit_id=1 function_code=3 function=read_holding_registers \
             address=0 quantity=10 values=[7 7 7 7 7 7 7 7 7 7] exception_code=null status=ok",
            "request_frame=3 response_frame=4 transaction_id=0 unit_id=1 function_code=65 function=user_defined_65 \
             address=null quantity=null values=[] exception_code=1 status=exception",
        ]
    );
}

#[test]
fn the_battery_holds_for_rtu() {
    let script: Vec<Piece> = [
        ("03 006B 0003", "03 06 022B 0000 0064"),
        ("10 0001 0002 04 000A 0102", "10 0001 0002"),
        ("07", "07 6D"),
        ("04 0008 0001", "84 02"),
        ("2B 0E 01 00", "2B 0E 01 01 00 00 03 00 02 4D65 01 01 50 02 02 5631"),
        ("17 0003 0006 000E 0003 06 00FF 00FF 00FF", "17 0C 00FE 0ACD 0001 0003 000D 00FF"),
    ]
    .iter()
    .flat_map(|(request, response)| [(ToServer, serial(9, request)), (ToClient, serial(9, response))])
    .collect();
    battery(&make, &script);
}

#[test]
fn a_wrong_crc_hides_one_frame_only() {
    let mut run = run();
    let mut bad = serial(1, "06 0001 0001");
    bad[7] ^= 1;
    run.feed(0, ToServer, &[serial(1, "06 0001 0000"), bad, serial(1, "06 0001 0002")].concat());
    run.end(1);
    let lines = run.lines(&["ts", "frame"]);
    let details: Vec<_> = lines.iter().filter_map(|l| l.strip_prefix("anomalies protocol=modbus ")).collect();
    assert_eq!(
        details,
        [
            "kind=malformed detail=crc at offset 6: wrong",
            "kind=resynchronised detail=skipped 8 bytes to the next message"
        ]
    );
    assert_eq!(lines.iter().filter(|l| l.starts_with("modbus")).count(), 2);
}

#[test]
fn a_stream_that_changes_its_framing_is_followed() {
    let mut run = run();
    run.feed(0, ToServer, &serial(1, "06 0001 0001"));
    run.feed(1, ToServer, &adu(1, 1, "06 0001 0002"));
    run.feed(2, ToServer, &adu(2, 1, "06 0001 0003"));
    run.feed(3, ToServer, &serial(1, "06 0001 0004"));
    run.feed(4, ToServer, &serial(1, "06 0001 0005"));
    run.end(5);
    assert_eq!(run.rows.modbus.len(), 5);
}

#[test]
fn rtu_is_probed_by_its_crc() {
    assert_eq!(probe(&serial(1, "03 0000 000A"), 40_000, 502), Probe::Client);
    assert_eq!(probe(&serial(1, "03 0000 000A"), 40_000, 4_001), Probe::Client);
    assert_eq!(probe(&serial(1, "03 02 000A"), 4_001, 40_000), Probe::Server);
    assert_eq!(probe(&serial(1, "06 0000 000A"), 40_000, 4_001), Probe::Either);
    let mut wrong = serial(1, "03 0010 000A");
    wrong[6] ^= 1;
    assert_eq!(probe(&wrong, 40_000, 4_001), Probe::No);
}

fn tags(run: &mut Run) -> Vec<String> {
    let mut lines = table(run, "tag_values", &["ts"]);
    // By tag; the rows of a tag keep the order of `lines`, which is that of their texts.
    lines.sort_by_key(|l| l.split("tag=").nth(1).unwrap().to_owned());
    lines
}

#[test]
fn changes_of_values_are_told_once() {
    let mut run = run();
    let mut packet = 0;
    let mut ask = |run: &mut Run, request: &str, response: &str| {
        run.feed(packet, ToServer, &adu(packet as u16, 1, request));
        run.feed(packet + 1, ToClient, &adu(packet as u16, 1, response));
        packet += 2;
    };
    // 30, 31, 32: two pages.
    ask(&mut run, "03 001E 0003", "03 06 0001 0002 0003");
    ask(&mut run, "03 001E 0003", "03 06 0001 0002 0003");
    ask(&mut run, "03 001E 0003", "03 06 0001 0009 0003");
    ask(&mut run, "06 0020 0005", "06 0020 0005");
    // The device did not keep what was written: a change again.
    ask(&mut run, "03 001E 0003", "03 06 0001 0009 0003");
    ask(&mut run, "06 0020 0007", "86 02");
    ask(&mut run, "16 001E 00F2 0025", "16 001E 00F2 0025");
    ask(&mut run, "05 0001 FF00", "05 0001 FF00");
    ask(&mut run, "02 0000 0002", "02 01 02");
    ask(&mut run, "17 001E 0001 001F 0001 02 0063", "17 02 0005");
    assert_eq!(
        tags(&mut run),
        [
            "frame=16 source=modbus tag=u1/coil/1 value=1 text= quality=good",
            "frame=18 source=modbus tag=u1/discrete_input/0 value=0 text= quality=good",
            "frame=18 source=modbus tag=u1/discrete_input/1 value=1 text= quality=good",
            "frame=2 source=modbus tag=u1/holding_register/30 value=1 text= quality=good",
            "frame=14 source=modbus tag=u1/holding_register/30 value=5 text= quality=good",
            "frame=2 source=modbus tag=u1/holding_register/31 value=2 text= quality=good",
            "frame=6 source=modbus tag=u1/holding_register/31 value=9 text= quality=good",
            "frame=20 source=modbus tag=u1/holding_register/31 value=99 text= quality=good",
            "frame=10 source=modbus tag=u1/holding_register/32 value=3 text= quality=good",
            "frame=2 source=modbus tag=u1/holding_register/32 value=3 text= quality=good",
            "frame=8 source=modbus tag=u1/holding_register/32 value=5 text= quality=good",
        ]
    );
}

#[test]
fn watched_tags_are_limited() {
    let mut run = run();
    run.limits.tags_per_flow = 40;
    for (packet, start) in [(0, 0u16), (2, 125), (4, 0)] {
        run.feed(packet, ToServer, &adu(packet as u16, 1, &format!("03 {start:04X} 007D")));
        let value = format!("{packet:04X}");
        run.feed(packet + 1, ToClient, &adu(packet as u16, 1, &format!("03 FA {}", value.repeat(125))));
    }
    // 40 first sights, and the same 40 changed.
    assert_eq!(run.rows.tag_values.len(), 80);
    assert_eq!(run.rows.anomalies.len(), 1);
    assert_eq!(run.rows.modbus.len(), 3);
}

#[test]
fn the_last_addresses_have_tags() {
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 255, "04 FFFE 0004"));
    run.feed(1, ToClient, &adu(1, 255, "04 08 0001 0002 0003 0004"));
    let lines = table(&mut run, "tag_values", &["ts", "frame", "source", "text", "quality"]);
    assert_eq!(lines, ["tag=u255/input_register/65534 value=1", "tag=u255/input_register/65535 value=2"]);
}

#[test]
fn what_a_server_says_about_itself_is_told_once() {
    let mut run = run();
    for packet in [0, 2] {
        run.feed(packet, ToServer, &adu(packet as u16, 1, "2B 0E 02 00"));
        let answer = "2B 0E 02 82 00 00 07 00 02 4D65 01 01 50 02 02 5631 03 01 75 04 01 70 05 01 6D 06 01 61";
        run.feed(packet + 1, ToClient, &adu(packet as u16, 1, answer));
    }
    run.feed(4, ToServer, &adu(4, 1, "11"));
    run.feed(5, ToClient, &adu(4, 1, "11 0C 4C61622D4C50312D312E32FF"));
    let lines = table(&mut run, "sightings", &["ts"]);
    let want = |frame: u64, field: &str, value: &str| {
        format!("frame={frame} ip=::2 mac= vlan=0 source=modbus field={field} value={value}")
    };
    assert_eq!(
        lines,
        [
            want(2, "application", "a"),
            want(2, "firmware", "V1"),
            want(2, "model", "P"),
            want(2, "model_name", "m"),
            want(2, "product", "p"),
            want(2, "vendor", "Me"),
            want(2, "vendor_url", "u"),
            want(6, "server_id", "Lab-LP1-1.2"),
        ]
    );
}

#[test]
fn an_unknown_function_code_is_an_oddity_once() {
    let mut run = run();
    for packet in 0..4 {
        run.feed(packet, ToServer, &adu(packet as u16, 1, "5A 00"));
    }
    run.end(5);
    assert_eq!(run.rows.modbus.len(), 4);
    assert_eq!(
        table(&mut run, "anomalies", &["ts"]),
        ["frame=1 protocol=modbus kind=unknown_code detail=function code 90 (Reserved)"]
    );
}

#[test]
fn behaviours_name_access_and_object() {
    let cases = [
        ("0F 0013 000A 02 CD01", "operation=write_multiple_coils access=write object=coil 19-28"),
        ("08 0001 0000", "operation=diagnostics access=control object= "),
        ("08 000B 0000", "operation=diagnostics access=read object= "),
        ("2B 0E 01 00", "operation=read_device_identification access=read object= "),
        ("2B 0D 00", "operation=canopen_general_reference access=control object= "),
        (
            "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
            "operation=read_write_multiple_registers access=write object=holding_register 14-16",
        ),
        ("14 07 06 0004 0001 0002", "operation=read_file_record access=read object=file_record 262145-262146"),
        ("42", "operation=user_defined_66 access=control object= "),
    ];
    for (request, want) in cases {
        let mut run = run();
        run.feed(0, ToServer, &adu(1, 1, request));
        run.end(1);
        let lines = run.lines(&[]);
        let line = lines.iter().find(|l| l.starts_with("behaviours")).unwrap();
        assert!(line.contains(want), "{line}");
    }
}

#[test]
fn a_lost_request_does_not_give_its_response_to_the_next() {
    let mut run = run();
    run.feed(0, ToServer, &adu(0, 1, "03 0001 0001"));
    run.gap(1, ToServer, 12);
    run.feed(2, ToServer, &adu(0, 1, "03 0003 0003"));
    run.feed(3, ToClient, &adu(0, 1, "03 02 000A"));
    run.feed(4, ToClient, &adu(0, 1, "03 04 000B 000B"));
    run.feed(5, ToClient, &adu(0, 1, "03 06 000C 000C 000C"));
    run.end(6);
    assert_eq!(run.rows.anomalies.len(), 0);
    assert_eq!(
        statuses(&mut run),
        [
            "request_frame=0 response_frame=5 transaction_id=0 address=null values=[11 11] status=unsolicited",
            "request_frame=1 response_frame=4 transaction_id=0 address=1 values=[10] status=ok",
            "request_frame=3 response_frame=6 transaction_id=0 address=3 values=[12 12 12] status=ok",
        ]
    );
}

#[test]
fn faults_name_field_and_offset() {
    let requests = [
        ("03 0000 0000", "quantity at offset 3: 0, expected 1 to 125"),
        ("03 0000 007E", "quantity at offset 3: 126, expected 1 to 125"),
        ("01 0000 07D1", "quantity at offset 3: 2001, expected 1 to 2000"),
        ("03 00", "address at offset 1: cut, the PDU has 2 bytes of 3"),
        ("03 0000 0001 FF", "end at offset 5: 1 bytes too many"),
        ("07 00", "end at offset 1: 1 bytes too many"),
        ("0F 0000 0009 01 FF", "byte_count at offset 5: 1, expected 2"),
        ("10 0000 007C F8", "quantity at offset 3: 124, expected 1 to 123"),
        ("17 0000 0001 0000 007A F4", "write_quantity at offset 7: 122, expected 1 to 121"),
        ("14 07 05 0004 0001 0002", "reference_type at offset 2: 5, expected 6"),
        ("14 06 06 0004 0001 00", "sub_request at offset 2: cut, the PDU has 6 bytes of 7"),
        ("15 09 06 0004 0007 0003 06AF", "record_length at offset 7: 3, expected 0 to 1"),
        ("2B 0E 05 00", "read_device_id_code at offset 2: 5, expected 1 to 4"),
        ("2B 0C", "mei_type at offset 1: 12, expected 13 to 14"),
        ("83 02", "function_code at offset 0: 131, expected a code below 128 in a request"),
        ("08 0000", "data at offset 3: cut, the PDU has 3 bytes of 5"),
    ];
    for (pdu, want) in requests {
        assert_eq!(read::request(&hex(pdu)).fault.map(|f| f.to_string()).unwrap_or_default(), want, "{pdu}");
    }
    let responses = [
        ("83", "exception_code at offset 1: cut, the PDU has 1 bytes of 2"),
        ("03 03 000102", "byte_count at offset 1: 3, expected an even number"),
        ("18 0006 0001 0001", "byte_count at offset 1: 6, expected 4"),
        ("18 0042 0020", "fifo_count at offset 3: 32, expected 0 to 31"),
        ("0C 02 0000", "byte_count at offset 1: 2, expected 6 to 70"),
        ("14 04 04 06 0001", "file_response_length at offset 2: 4, expected an odd number within the PDU"),
        ("2B 0E 01 01 00 00 02 00 01 41", "number_of_objects at offset 6: 2, expected 1"),
    ];
    for (pdu, want) in responses {
        assert_eq!(read::response(&hex(pdu), None).fault.map(|f| f.to_string()).unwrap_or_default(), want, "{pdu}");
    }
}

#[test]
fn a_length_that_no_message_has_is_not_waited_for() {
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 1, "06 0001 0001"));
    let mut absurd = adu(2, 1, "41 00 00 00");
    absurd[4..6].copy_from_slice(&60_000u16.to_be_bytes());
    run.feed(1, ToServer, &absurd);
    for id in 3..10 {
        run.feed(usize::from(id), ToServer, &adu(id, 1, "06 0001 0001"));
    }
    run.end(10);
    assert_eq!(run.rows.modbus.len(), 8);
}

#[test]
fn statements_about_a_server_are_limited() {
    let mut run = run();
    run.limits.items = 3;
    for packet in 0..10u16 {
        run.feed(2 * usize::from(packet), ToServer, &adu(packet, 1, "2B 0E 04 00"));
        let answer = format!("2B 0E 04 01 00 00 01 00 04 {:08X}", 0x4142_4343 + u32::from(packet));
        run.feed(2 * usize::from(packet) + 1, ToClient, &adu(packet, 1, &answer));
    }
    assert_eq!(run.rows.sightings.len(), 3);
    assert_eq!(run.rows.modbus.len(), 10);
}

#[test]
fn responses_that_came_before_their_requests_find_them() {
    // Request 2 is lost. Until the hole is declared, those behind it wait for it in reassembly and come with their
    // own times; their responses are there already. All with one transaction id.
    let request = |address: u16| adu(0, 1, &format!("03 {address:04X} 0001"));
    let response = |value: u16| adu(0, 1, &format!("03 02 {value:04X}"));
    let mut run = run();
    run.feed(0, ToServer, &request(1));
    run.feed(10, ToClient, &response(11));
    run.feed(30, ToClient, &response(12));
    run.feed(50, ToClient, &response(13));
    run.feed(70, ToClient, &response(14));
    run.gap(80, ToServer, 12);
    run.feed(40, ToServer, &request(3));
    run.feed(60, ToServer, &request(4));
    run.feed(80, ToServer, &request(5));
    run.feed(90, ToClient, &response(15));
    run.end(100);
    assert_eq!(run.rows.anomalies.len(), 0);
    assert_eq!(
        statuses(&mut run),
        [
            "request_frame=0 response_frame=31 transaction_id=0 address=null values=[12] status=unsolicited",
            "request_frame=1 response_frame=11 transaction_id=0 address=1 values=[11] status=ok",
            "request_frame=41 response_frame=51 transaction_id=0 address=3 values=[13] status=ok",
            "request_frame=61 response_frame=71 transaction_id=0 address=4 values=[14] status=ok",
            "request_frame=81 response_frame=91 transaction_id=0 address=5 values=[15] status=ok",
        ]
    );
}

#[test]
fn responses_behind_a_hole_find_their_requests() {
    // The mirror image: response 1 is lost, those behind it are held back and come with their own times.
    let request = |address: u16| adu(0, 1, &format!("03 {address:04X} 0001"));
    let response = |value: u16| adu(0, 1, &format!("03 02 {value:04X}"));
    let mut run = run();
    run.feed(0, ToServer, &request(1));
    run.feed(20, ToServer, &request(2));
    run.feed(40, ToServer, &request(3));
    run.gap(60, ToClient, 11);
    run.feed(30, ToClient, &response(12));
    run.feed(50, ToClient, &response(13));
    run.feed(60, ToServer, &request(4));
    run.feed(70, ToClient, &response(14));
    assert_eq!(
        statuses(&mut run),
        [
            "request_frame=1 response_frame=0 transaction_id=0 address=1 values=[] status=unanswered",
            "request_frame=21 response_frame=31 transaction_id=0 address=2 values=[12] status=ok",
            "request_frame=41 response_frame=51 transaction_id=0 address=3 values=[13] status=ok",
            "request_frame=61 response_frame=71 transaction_id=0 address=4 values=[14] status=ok",
        ]
    );
}

#[test]
fn responses_without_a_request_are_limited() {
    let mut run = run();
    run.limits.pending_requests = 4;
    run.feed(0, ToServer, &adu(0, 1, "03 0001 0001"));
    for id in 1..=10 {
        run.feed(id.into(), ToClient, &adu(id, 1, "03 02 0001"));
    }
    assert_eq!(run.rows.modbus.len(), 6);
    run.tick(10, 2);
    assert_eq!(run.rows.modbus.len(), 10);
}

#[test]
fn swapped_packets_are_paired() {
    let mut run = run();
    run.feed(0, ToServer, &adu(1, 1, "03 0001 0001"));
    run.feed(1, ToClient, &adu(1, 1, "03 02 000A"));
    run.feed(20, ToClient, &adu(2, 1, "03 02 000B"));
    run.feed(30, ToServer, &adu(2, 1, "03 0002 0001"));
    run.end(40);
    assert_eq!(run.rows.anomalies.len(), 0);
    assert_eq!(
        table(&mut run, "modbus", PLACE)[1],
        "function_code=3 function=read_holding_registers address=2 quantity=1 write_address=null write_quantity=null \
         values=[11] sub_function=null exception_code=null status=ok"
    );
}

#[test]
fn messages_that_the_snap_length_cut_are_rows() {
    let mut run = run();
    for packet in [0, 2] {
        run.feed(packet, ToServer, &adu(packet as u16, 1, "03 0001 0004"));
        let response = adu(packet as u16, 1, "03 08 0001 0002 0003 0004");
        run.feed(packet + 1, ToClient, &response[..14]);
        run.gap(packet + 1, ToClient, response.len() as u64 - 14);
    }
    assert_eq!(run.rows.tag_values.len(), 0);
    assert_eq!(
        table(&mut run, "modbus", &["ts", "write_address", "write_quantity", "sub_function", "exception_code"]),
        [
            "request_frame=1 response_frame=2 transaction_id=0 unit_id=1 function_code=3 \
             function=read_holding_registers address=1 quantity=4 values=[1 2] status=ok latency_us=1000",
            "request_frame=3 response_frame=4 transaction_id=2 unit_id=1 function_code=3 \
             function=read_holding_registers address=1 quantity=4 values=[1 2] status=ok latency_us=1000",
        ]
    );
}

#[test]
fn an_unknown_function_behind_a_hole_is_kept() {
    let mut run = run();
    run.feed(0, ToServer, &adu(0, 1, "1D 0000 0000"));
    run.gap(1, ToServer, 24);
    // Four bytes are said and six are there: the two that are left over belong to nobody.
    run.feed(2, ToServer, &[0, 0, 0, 0, 0, 4, 1, 33, 0, 0, 0, 0]);
    run.feed(3, ToServer, &adu(0, 1, "22 0000 0000"));
    run.end(4);
    let functions: Vec<String> = table(&mut run, "modbus", PLACE);
    assert_eq!(functions.len(), 3, "{functions:#?}");
    assert!(functions[1].contains("function_code=33") && functions[2].contains("function_code=34"), "{functions:#?}");
}
