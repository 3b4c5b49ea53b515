//! Reading of PDUs: function code and data, without any framing. Clauses are those of the Modbus
//! Application Protocol Specification V1.1b3.

use super::codes::{EXCEPTION, MEI_CANOPEN, MEI_DEVICE_IDENTIFICATION};
use super::pdu::{Fields, Layout, Pdu, Want, word};

/// Most items that one PDU can read or write, by function code (clauses 6.1 to 6.4, 6.11, 6.12).
fn most(code: u8) -> u16 {
    match code {
        1 | 2 => 2_000,
        15 => 1_968,
        16 => 123,
        _ => 125,
    }
}

/// Reads a request: what a client sends. `pdu` starts with the function code.
#[must_use]
pub fn request(pdu: &[u8]) -> Pdu<'_> {
    let mut out = Pdu::default();
    let code = pdu.first().copied().unwrap_or_default();
    match code {
        // address(2) quantity(2)
        1..=4 => {
            out.fields.address = out.word(pdu, 1, "address");
            out.fields.quantity = out.count(pdu, 3, "quantity", most(code));
            out.ends(pdu, 5);
        }
        5 | 6 => single(&mut out, pdu, code),
        7 | 11 | 12 | 17 => out.ends(pdu, 1),
        8 => diagnostics(&mut out, pdu),
        15 | 16 => write_multiple(&mut out, pdu, code),
        20 => read_files(&mut out, pdu),
        21 => written_files(&mut out, pdu),
        22 => mask(&mut out, pdu),
        23 => read_write(&mut out, pdu),
        24 => {
            out.fields.address = out.word(pdu, 1, "address");
            out.ends(pdu, 3);
        }
        43 => {
            out.fields.sub_function = out.byte(pdu, 1, "mei_type");
            match out.fields.sub_function {
                Some(MEI_DEVICE_IDENTIFICATION) => identify(&mut out, pdu),
                _ => mei(&mut out, 1),
            }
        }
        c if c & EXCEPTION != 0 => {
            out.blame("function_code", 0, c.into(), Want::Other("a code below 128 in a request"));
        }
        _ => {}
    }
    out
}

/// Reads a response: what a server sends; `asked` is what the request said, where it was seen.
#[must_use]
pub fn response<'a>(pdu: &'a [u8], asked: Option<&Fields>) -> Pdu<'a> {
    let mut out = Pdu::default();
    let asked = asked.copied().unwrap_or_default();
    match pdu.first().copied().unwrap_or_default() {
        // exception code(1)
        code if code & EXCEPTION != 0 => {
            out.exception = pdu.get(1).copied();
            out.byte(pdu, 1, "exception_code");
            out.ends(pdu, 2);
        }
        1 | 2 => bits(&mut out, pdu, asked.quantity),
        3 | 4 | 23 => out.counted(pdu, 1, asked.quantity.map(|q| 2 * usize::from(q)), Layout::Words),
        code @ (5 | 6 | 15 | 16 | 22) => confirmation(&mut out, pdu, code, &asked),
        7 => {
            out.byte(pdu, 1, "status");
            out.ends(pdu, 2);
            out.values = pdu.get(1..2).unwrap_or_default();
            out.layout = Layout::Bytes;
        }
        8 => {
            diagnostics(&mut out, pdu);
            out.echo("sub_function", 1, out.fields.sub_function, asked.sub_function);
        }
        11 => {
            out.word(pdu, 1, "status");
            out.word(pdu, 3, "event_count");
            out.ends(pdu, 5);
            out.values = pdu.get(1..5.min(pdu.len())).unwrap_or_default();
            out.layout = Layout::Words;
        }
        12 => log(&mut out, pdu),
        17 => out.counted(pdu, 1, None, Layout::Bytes),
        20 => files_read(&mut out, pdu),
        21 => written_files(&mut out, pdu),
        24 => fifo(&mut out, pdu),
        43 => {
            out.fields.sub_function = out.byte(pdu, 1, "mei_type");
            out.echo("mei_type", 1, out.fields.sub_function, asked.sub_function);
            match out.fields.sub_function {
                Some(MEI_DEVICE_IDENTIFICATION) => identification(&mut out, pdu),
                _ => mei(&mut out, 1),
            }
        }
        _ => {}
    }
    out
}

/// Responses of functions 1 and 2 (clauses 6.1, 6.2): `code(1) byte count(1) bits`, as many as were asked for.
fn bits<'a>(out: &mut Pdu<'a>, pdu: &'a [u8], asked: Option<u16>) {
    let bytes = usize::from(pdu.get(1).copied().unwrap_or_default()).min(pdu.len().saturating_sub(2));
    let here = u16::try_from(8 * bytes).unwrap_or(u16::MAX);
    let layout = Layout::Bits(asked.map_or(here, |q| q.min(here)));
    out.counted(pdu, 1, asked.map(|q| usize::from(q.div_ceil(8))), layout);
}

/// Responses that repeat what was written: for 15 and 16 `code(1) address(2) quantity(2)`.
fn confirmation<'a>(out: &mut Pdu<'a>, pdu: &'a [u8], code: u8, asked: &Fields) {
    match code {
        22 => mask(out, pdu),
        5 | 6 => single(out, pdu, code),
        _ => {
            out.fields.address = out.word(pdu, 1, "address");
            out.fields.quantity = out.word(pdu, 3, "quantity");
            out.ends(pdu, 5);
        }
    }
    out.echo("address", 1, out.fields.address, asked.address);
    out.echo("quantity", 3, out.fields.quantity, asked.quantity);
}

/// Function 12 (clause 6.10): `code(1) byte count(1) status(2) event count(2) message count(2) events(0 to 64)`.
fn log<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    out.counted(pdu, 1, None, Layout::Log);
    if out.values.len() < 6 {
        out.blame("byte_count", 1, out.values.len(), Want::Between(6, 70));
    }
}

/// Functions 5 and 6 (clauses 6.5, 6.6), both ways: `code(1) address(2) value(2)`.
fn single<'a>(out: &mut Pdu<'a>, pdu: &'a [u8], code: u8) {
    out.fields.address = out.word(pdu, 1, "address");
    out.fields.quantity = Some(1);
    let value = out.word(pdu, 3, "value");
    out.ends(pdu, 5);
    out.values = pdu.get(3..5).unwrap_or_default();
    out.layout = if code == 5 { Layout::Coil } else { Layout::Words };
    if let Some(value) = value.filter(|&v| code == 5 && v != 0 && v != 0xFF00) {
        out.blame("value", 3, value.into(), Want::Other("0 or 65280"));
    }
}

/// Request of 43/14 (clause 6.21): `code(1) MEI(1) read device id code(1), 1 to 4, object id(1)`.
fn identify(out: &mut Pdu<'_>, pdu: &[u8]) {
    if let Some(code) = out.byte(pdu, 2, "read_device_id_code").filter(|c| !(1..=4).contains(c)) {
        out.blame("read_device_id_code", 2, code.into(), Want::Between(1, 4));
    }
    out.fields.address = out.byte(pdu, 3, "object_id");
    out.ends(pdu, 4);
}

/// Function 8 (clause 6.8), both ways: `code(1) sub-function(2) data(2n)`.
fn diagnostics<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    out.fields.sub_function = out.word(pdu, 1, "sub_function");
    out.words(pdu, 3);
    if out.values.is_empty() {
        out.blame("data", 3, pdu.len(), Want::Bytes(5));
    }
}

/// Functions 15 and 16 (clauses 6.11, 6.12): `code(1) address(2) quantity(2) byte count(1) values`.
fn write_multiple<'a>(out: &mut Pdu<'a>, pdu: &'a [u8], code: u8) {
    out.fields.address = out.word(pdu, 1, "address");
    out.fields.quantity = out.count(pdu, 3, "quantity", most(code));
    let quantity = out.fields.quantity.unwrap_or_default();
    let (bytes, layout) = match code {
        15 => (quantity.div_ceil(8).into(), Layout::Bits(quantity)),
        _ => (2 * usize::from(quantity), Layout::Words),
    };
    out.counted(pdu, 5, Some(bytes), layout);
}

/// Function 22 (clause 6.16), both ways: `code(1) address(2) and mask(2) or mask(2)`.
fn mask<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    out.fields.address = out.word(pdu, 1, "address");
    out.fields.quantity = Some(1);
    out.word(pdu, 3, "and_mask");
    out.word(pdu, 5, "or_mask");
    out.ends(pdu, 7);
    out.values = pdu.get(3..7).unwrap_or_default();
    out.layout = Layout::Words;
}

/// Function 23 (clause 6.17): `code(1) read address(2) quantity(2) write address(2) quantity(2) byte count(1) values`.
fn read_write<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    out.fields.address = out.word(pdu, 1, "address");
    out.fields.quantity = out.count(pdu, 3, "quantity", 125);
    out.fields.write_address = out.word(pdu, 5, "write_address");
    out.fields.write_quantity = out.count(pdu, 7, "write_quantity", 121);
    out.counted(pdu, 9, out.fields.write_quantity.map(|q| 2 * usize::from(q)), Layout::Words);
}

/// Function 24 (clause 6.18): `code(1) byte count(2) FIFO count(2), at most 31, values`.
fn fifo<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    let bytes = out.word(pdu, 1, "byte_count").map(usize::from);
    let Some(count) = out.word(pdu, 3, "fifo_count") else { return };
    out.fields.quantity = Some(count);
    if count > 31 {
        out.blame("fifo_count", 3, count.into(), Want::Between(0, 31));
    }
    let end = 5 + 2 * usize::from(count);
    if let Some(bytes) = bytes.filter(|&b| b + 3 != end) {
        out.blame("byte_count", 1, bytes, Want::Exactly(end - 3));
    }
    if pdu.len() < end {
        out.blame("values", 5, pdu.len(), Want::Bytes(end));
    }
    out.ends(pdu, end);
    out.values = pdu.get(5..end.min(pdu.len())).unwrap_or_default();
    out.layout = Layout::Words;
}

/// Clause 6.19: of the encapsulated interface transport only two types are public.
fn mei(out: &mut Pdu<'_>, at: usize) {
    if let Some(kind) = out.fields.sub_function.filter(|&k| k != MEI_CANOPEN) {
        out.blame("mei_type", at, kind.into(), Want::Between(MEI_CANOPEN.into(), MEI_DEVICE_IDENTIFICATION.into()));
    }
}

/// One object of a device identification: its id and its bytes.
pub type Object<'a> = (u8, &'a [u8]);

/// The objects of a response of function 43/14 (clause 6.21), as far as they are whole:
/// `code(1) MEI(1) read code(1) conformity(1) more follows(1) next id(1) objects(1)`, then `id(1) length(1) bytes`.
pub fn objects(pdu: &[u8]) -> impl Iterator<Item = Object<'_>> {
    let mut rest = pdu.get(7..).unwrap_or_default();
    let count = pdu.get(6).copied().unwrap_or_default();
    (0..count).map_while(move |_| {
        let (&id, &length) = (rest.first()?, rest.get(1)?);
        let value = rest.get(2..2 + usize::from(length))?;
        rest = rest.get(2 + usize::from(length)..)?;
        Some((id, value))
    })
}

fn identification<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    let Some(count) = out.byte(pdu, 6, "number_of_objects") else { return };
    out.fields.quantity = Some(count);
    let (whole, end) = objects(pdu).fold((0, 7), |(n, end), (_, value)| (n + 1, end + 2 + value.len()));
    if whole < count {
        out.blame("number_of_objects", 6, count.into(), Want::Exactly(whole.into()));
    }
    out.ends(pdu, end);
}

/// Function 20 (clause 6.14): `code(1) byte count(1)`, then `type(1) = 6 file(2) record(2) length(2)` each.
/// The row names the first; its quantity is the sum.
fn read_files<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    out.counted(pdu, 1, None, Layout::None);
    let groups = out.values;
    out.values = &[];
    for (index, group) in groups.chunks(7).enumerate() {
        let at = 2 + 7 * index;
        reference(out, at, group.first());
        let (Some(file), Some(record), Some(length)) = (word(group, 1), word(group, 3), word(group, 5)) else {
            return out.blame("sub_request", at, group.len(), Want::Bytes(7));
        };
        group_of(out, file, record, length);
    }
}

/// Function 21 (clause 6.15), both ways: `code(1) byte count(1)`, then `type(1) file(2) record(2) length(2) words` each.
fn written_files<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    out.counted(pdu, 1, None, Layout::RecordsWritten);
    let mut rest = out.values;
    while !rest.is_empty() {
        let at = pdu.len() - rest.len();
        reference(out, at, rest.first());
        let (Some(file), Some(record), Some(length)) = (word(rest, 1), word(rest, 3), word(rest, 5)) else {
            return out.blame("sub_request", at, rest.len(), Want::Bytes(7));
        };
        group_of(out, file, record, length);
        let Some(behind) = rest.get(7 + 2 * usize::from(length)..) else {
            return out.blame(
                "record_length",
                at + 5,
                length.into(),
                Want::Between(0, rest.len().saturating_sub(7) / 2),
            );
        };
        rest = behind;
    }
}

/// Response of function 20 (clause 6.14): `code(1) byte count(1)`, then `length(1) type(1) words` each.
fn files_read<'a>(out: &mut Pdu<'a>, pdu: &'a [u8]) {
    out.counted(pdu, 1, None, Layout::RecordsRead);
    let mut rest = out.values;
    while let Some(&length) = rest.first() {
        let at = pdu.len() - rest.len();
        reference(out, at + 1, rest.get(1));
        let Some(behind) = rest.get(1 + usize::from(length)..).filter(|_| length % 2 == 1) else {
            return out.blame("file_response_length", at, length.into(), Want::Other("an odd number within the PDU"));
        };
        rest = behind;
    }
}

fn reference(out: &mut Pdu<'_>, at: usize, kind: Option<&u8>) {
    if let Some(&kind) = kind.filter(|&&k| k != 6) {
        out.blame("reference_type", at, kind.into(), Want::Exactly(6));
    }
}

fn group_of(out: &mut Pdu<'_>, file: u16, record: u16, length: u16) {
    let fields = &mut out.fields;
    fields.sub_function.get_or_insert(file);
    fields.address.get_or_insert(record);
    fields.quantity = Some(fields.quantity.unwrap_or_default().saturating_add(length));
}
