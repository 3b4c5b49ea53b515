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
use wire::dissect::{Ends, Frame};
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
        Column::Frame(v) => Arc::new(v.iter().map(|&f| Frame(f).number()).collect::<UInt64Array>()),
        Column::Ip(v) => Arc::new(addresses(v)?),
        Column::Nullable(values, valid) => {
            let nulls = NullBuffer::new(BooleanBuffer::from(valid));
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
    let keys: UInt16Array = (0..table.len()).map(capture).collect();
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    Ok(Arc::new(DictionaryArray::<UInt16Type>::try_new(keys, values)?))
}

/// The network columns, looked up in the window's flow dictionary.
fn network(table: &Finished, flows: &Dictionary) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
    let none = Ends::default();
    let at = |flow: &u32| usize::try_from(*flow).unwrap_or(usize::MAX);
    let ends = |flow: &u32| flows.ends.get(at(flow)).unwrap_or(&none);
    let source: Vec<[u8; 16]> = table.flow.iter().map(|f| ends(f).client).collect();
    let target: Vec<[u8; 16]> = table.flow.iter().map(|f| ends(f).server).collect();
    let from: UInt16Array = table.flow.iter().map(|f| ends(f).client_port).collect();
    let to: UInt16Array = table.flow.iter().map(|f| ends(f).server_port).collect();
    let vlan: UInt16Array = table.flow.iter().map(|f| flows.vlans.get(at(f)).copied().unwrap_or(0)).collect();
    let id: UInt64Array = table.flow.iter().map(|f| flows.ids.get(at(f)).copied().unwrap_or(0)).collect();
    let names = std::iter::once("").chain(flows.communities.iter().map(String::as_str));
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    let keys: Int32Array = table
        .flow
        .iter()
        .map(|f| if at(f) < flows.communities.len() { i32::try_from(*f).map_or(0, |k| k + 1) } else { 0 })
        .collect();
    Ok(vec![
        ("src_ip", Arc::new(addresses(source)?)),
        ("src_port", Arc::new(from)),
        ("dst_ip", Arc::new(addresses(target)?)),
        ("dst_port", Arc::new(to)),
        ("vlan", Arc::new(vlan)),
        ("flow_id", Arc::new(id)),
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
