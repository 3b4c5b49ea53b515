//! What a PDU says, and what is wrong with it: its readers work with these. Offsets in faults count from the
//! function code.

/// What contradicts the standard, or the request: the first such field of a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub field: &'static str,
    /// Its offset in the PDU.
    pub offset: usize,
    /// What it says.
    pub got: usize,
    /// What it should say.
    pub want: Want,
}

/// What a faulty field should have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// This number.
    Exactly(usize),
    /// A number of this range.
    Between(usize, usize),
    /// At least this many bytes of PDU.
    Bytes(usize),
    /// The PDU should have ended at the offset.
    End,
    /// Something that numbers do not say.
    Other(&'static str),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { field, offset, got, want } = *self;
        match want {
            Want::Exactly(n) => write!(f, "{field} at offset {offset}: {got}, expected {n}"),
            Want::Between(low, high) => write!(f, "{field} at offset {offset}: {got}, expected {low} to {high}"),
            Want::Bytes(n) => write!(f, "{field} at offset {offset}: cut, the PDU has {got} bytes of {n}"),
            Want::End => write!(f, "{field} at offset {offset}: {got} bytes too many"),
            Want::Other(text) => write!(f, "{field} at offset {offset}: {got}, expected {text}"),
        }
    }
}

/// The numbers of a PDU, as the columns of a row name them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fields {
    /// First address; for 43/14 the object id, for files the first record.
    pub address: Option<u16>,
    /// Number of items.
    pub quantity: Option<u16>,
    /// Function 23: first address written.
    pub write_address: Option<u16>,
    /// Function 23: registers written.
    pub write_quantity: Option<u16>,
    /// Sub-function, MEI type, or the file of a file record.
    pub sub_function: Option<u16>,
}

/// How the bytes of values are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// No values.
    #[default]
    None,
    /// 16-bit words, big endian.
    Words,
    /// Bits, lowest of the first byte first; this many of them.
    Bits(u16),
    /// The word of function 5: 0xFF00 is 1, 0 is 0.
    Coil,
    /// Bytes, a value each.
    Bytes,
    /// Function 12: three words, then bytes.
    Log,
    /// Function 21: groups of reference type, file, record, length, words.
    RecordsWritten,
    /// Response of function 20: groups of length, reference type, words.
    RecordsRead,
}

/// What a PDU says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pdu<'a> {
    /// Its numbers.
    pub fields: Fields,
    /// How `values` is to be read.
    pub layout: Layout,
    /// The bytes of its values.
    pub values: &'a [u8],
    /// The exception, when it is one.
    pub exception: Option<u8>,
    /// Its first fault.
    pub fault: Option<Fault>,
}

impl<'a> Pdu<'a> {
    pub(super) fn blame(&mut self, field: &'static str, offset: usize, got: usize, want: Want) {
        self.fault.get_or_insert(Fault { field, offset, got, want });
    }

    pub(super) fn byte(&mut self, pdu: &[u8], at: usize, field: &'static str) -> Option<u16> {
        let value = pdu.get(at).map(|&b| u16::from(b));
        if value.is_none() {
            self.blame(field, at, pdu.len(), Want::Bytes(at + 1));
        }
        value
    }

    pub(super) fn word(&mut self, pdu: &[u8], at: usize, field: &'static str) -> Option<u16> {
        let value = word(pdu, at);
        if value.is_none() {
            self.blame(field, at, pdu.len(), Want::Bytes(at + 2));
        }
        value
    }

    pub(super) fn ends(&mut self, pdu: &[u8], at: usize) {
        if pdu.len() > at {
            self.blame("end", at, pdu.len() - at, Want::End);
        }
    }

    /// A number of items, held against the standard's bounds.
    pub(super) fn count(&mut self, pdu: &[u8], at: usize, field: &'static str, most: u16) -> Option<u16> {
        let count = self.word(pdu, at, field)?;
        if count == 0 || count > most {
            self.blame(field, at, count.into(), Want::Between(1, most.into()));
        }
        Some(count)
    }

    /// `byte count` at `at` and that many bytes of values behind it, which end the PDU. `expected` is what the
    /// quantity makes of it. Gives what is there, also when the count says otherwise.
    pub(super) fn counted(&mut self, pdu: &'a [u8], at: usize, expected: Option<usize>, layout: Layout) {
        let Some(count) = self.byte(pdu, at, "byte_count").map(usize::from) else { return };
        match expected {
            Some(n) if n != count => self.blame("byte_count", at, count, Want::Exactly(n)),
            None if layout == Layout::Words && count % 2 == 1 => {
                self.blame("byte_count", at, count, Want::Other("an even number"));
            }
            _ => {}
        }
        let start = at + 1;
        if pdu.len() < start + count {
            self.blame("values", start, pdu.len(), Want::Bytes(start + count));
        }
        self.ends(pdu, start + count);
        self.values = pdu.get(start..pdu.len().min(start + count)).unwrap_or_default();
        self.layout = layout;
    }

    /// A field that repeats the request's.
    pub(super) fn echo(&mut self, field: &'static str, at: usize, got: Option<u16>, asked: Option<u16>) {
        if let (Some(got), Some(asked)) = (got, asked)
            && got != asked
        {
            self.blame(field, at, got.into(), Want::Exactly(asked.into()));
        }
    }

    /// Words from `at` to the end.
    pub(super) fn words(&mut self, pdu: &'a [u8], at: usize) {
        self.values = pdu.get(at..).unwrap_or_default();
        self.layout = Layout::Words;
        if self.values.len() % 2 == 1 {
            self.blame("data", at, self.values.len(), Want::Other("an even number of bytes"));
        }
    }
}

pub(super) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes)
}
