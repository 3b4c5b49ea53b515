//! Columns to Arrow, without copying a buffer where Arrow's layout is the same (all but validity bits).

use std::sync::Arc;

use arrow_array::types::{Int32Type, UInt16Type};
use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array, make_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use wire::columns::{Column, Finished};
use wire::dissect::Frame;
use wire::lane::Dictionary;

/// One column as an Arrow array.
fn array(column: Column) -> Result<ArrayRef, ArrowError> {
    Ok(match column {
        Column::U8(v) => Arc::new(UInt8Array::from(v)),
        Column::U16(v) => Arc::new(UInt16Array::from(v)),
        Column::U32(v) => Arc::new(UInt32Array::from(v)),
        Column::U64(v) => Arc::new(UInt64Array::from(v)),
        Column::I64(v) => Arc::new(Int64Array::from(v)),
        Column::F64(v) => Arc::new(Float64Array::from(v)),
        Column::Time(v) => Arc::new(TimestampNanosecondArray::from(v).with_timezone("UTC")),
        Column::Frame(mut v) => {
            v.iter_mut().for_each(|f| *f = Frame(*f).number());
            Arc::new(UInt64Array::from(v))
        }
        Column::Ip(v) => Arc::new(addresses(v)?),
        Column::Nullable(values, valid) => {
            let bits = BooleanBuffer::new(Buffer::from_vec(packed(&valid)), 0, valid.len());
            let nulls = NullBuffer::new(bits);
            let data = array(*values)?.to_data().into_builder().nulls(Some(nulls)).build()?;
            make_array(data)
        }
        Column::Text { offsets, bytes, utf8 } => {
            let (offsets, bytes) = (offsets_of(offsets), Buffer::from_vec(bytes));
            if utf8 {
                Arc::new(StringArray::try_new(offsets, bytes, None)?)
            } else {
                Arc::new(BinaryArray::try_new(offsets, bytes, None)?)
            }
        }
        Column::Dictionary { keys, values } => {
            Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), array(*values)?)?)
        }
        Column::List { offsets, items } => {
            let items = array(*items)?;
            let field = Arc::new(Field::new("item", items.data_type().clone(), false));
            Arc::new(ListArray::try_new(field, offsets_of(offsets), items, None)?)
        }
    })
}

/// Eight flags a byte, the first in its lowest bit.
fn packed(flags: &[bool]) -> Vec<u8> {
    let fold = |eight: &[bool]| eight.iter().rev().fold(0, |byte, &flag| byte << 1 | u8::from(flag));
    let mut whole = flags.chunks_exact(8);
    let mut bytes: Vec<u8> = whole.by_ref().map(fold).collect();
    bytes.extend(Some(whole.remainder()).filter(|rest| !rest.is_empty()).map(fold));
    bytes
}

fn offsets_of(offsets: Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(offsets))
}

fn addresses(v: Vec<[u8; 16]>) -> Result<FixedSizeBinaryArray, ArrowError> {
    FixedSizeBinaryArray::try_new(16, Buffer::from_vec(v.into_flattened()), None)
}

/// The capture of each row: that of the first packet it names.
fn captures(table: &Finished, ids: &[String]) -> Result<ArrayRef, ArrowError> {
    let frames: Vec<&Vec<u64>> =
        table.columns.iter().filter_map(|(_, c)| if let Column::Frame(v) = c { Some(v) } else { None }).collect();
    let capture = |row: usize| {
        let seen = frames.iter().filter_map(|f| f.get(row)).find(|&&f| f != 0);
        seen.map_or(0, |&f| Frame(f).capture())
    };
    // Of a single capture every row has the first index.
    let keys = if ids.len() < 2 { vec![0; table.len()] } else { (0..table.len()).map(capture).collect() };
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    Ok(Arc::new(DictionaryArray::<UInt16Type>::try_new(UInt16Array::from(keys), values)?))
}

/// Adds a value so many times; once is the everyday case of tables of messages.
#[inline]
fn fill<T: Copy>(values: &mut Vec<T>, rows: usize, value: T) {
    if rows == 1 {
        values.push(value);
    } else {
        values.resize(values.len() + rows, value);
    }
}

/// The network columns of a table under construction.
struct Network {
    sources: Vec<[u8; 16]>,
    source_ports: Vec<u16>,
    targets: Vec<[u8; 16]>,
    target_ports: Vec<u16>,
    vlans: Vec<u16>,
    ids: Vec<u64>,
    /// Into the communities, moved by one: 0 is a row without a flow.
    communities: Vec<i32>,
}

impl Network {
    fn with_capacity(rows: usize) -> Self {
        Self {
            sources: Vec::with_capacity(rows),
            source_ports: Vec::with_capacity(rows),
            targets: Vec::with_capacity(rows),
            target_ports: Vec::with_capacity(rows),
            vlans: Vec::with_capacity(rows),
            ids: Vec::with_capacity(rows),
            communities: Vec::with_capacity(rows),
        }
    }

    /// Adds so many rows of one flow.
    fn extend(&mut self, rows: usize, flow: u32, flows: &Dictionary) {
        let at = usize::try_from(flow).unwrap_or(usize::MAX);
        let ends = flows.ends.get(at).copied().unwrap_or_default();
        let known = at < flows.communities.len();
        fill(&mut self.sources, rows, ends.client);
        fill(&mut self.source_ports, rows, ends.client_port);
        fill(&mut self.targets, rows, ends.server);
        fill(&mut self.target_ports, rows, ends.server_port);
        fill(&mut self.vlans, rows, flows.vlans.get(at).copied().unwrap_or(0));
        fill(&mut self.ids, rows, flows.ids.get(at).copied().unwrap_or(0));
        fill(&mut self.communities, rows, if known { i32::try_from(flow).map_or(0, |k| k + 1) } else { 0 });
    }
}

/// The network columns, looked up in the window's flow dictionary once for each run of rows of one flow.
fn network(table: &Finished, flows: &Dictionary) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
    let mut columns = Network::with_capacity(table.len());
    for run in table.flow.chunk_by(|a, b| a == b) {
        columns.extend(run.len(), run.first().copied().unwrap_or(u32::MAX), flows);
    }
    let names = std::iter::once("").chain(flows.communities.iter().map(String::as_str));
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    let keys = Int32Array::from(columns.communities);
    Ok(vec![
        ("src_ip", Arc::new(addresses(columns.sources)?)),
        ("src_port", Arc::new(UInt16Array::from(columns.source_ports))),
        ("dst_ip", Arc::new(addresses(columns.targets)?)),
        ("dst_port", Arc::new(UInt16Array::from(columns.target_ports))),
        ("vlan", Arc::new(UInt16Array::from(columns.vlans))),
        ("flow_id", Arc::new(UInt64Array::from(columns.ids))),
        ("community_id", Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values)?)),
    ])
}

/// A finished table as one record batch.
pub fn batch(table: Finished, flows: &Dictionary, captures_by_index: &[String]) -> Result<RecordBatch, ArrowError> {
    let mut columns = vec![("capture", captures(&table, captures_by_index)?)];
    if table.with_flow {
        columns.extend(network(&table, flows)?);
    }
    for (name, column) in table.columns {
        columns.push((name, array(column)?));
    }
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, a)| Field::new(*name, a.data_type().clone(), a.is_nullable() || nullable(a.data_type())))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, a)| a).collect())
}

/// Lists and dictionaries are declared nullable so that every batch of a table has one schema.
fn nullable(kind: &DataType) -> bool {
    !matches!(kind, DataType::Timestamp(..) | DataType::FixedSizeBinary(_))
}

/// The schema of a table without rows.
pub fn schema(table: Finished) -> Result<SchemaRef, ArrowError> {
    Ok(batch(table, &Dictionary::default(), &[])?.schema())
}
