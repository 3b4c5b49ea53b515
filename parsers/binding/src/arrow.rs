//! Columns to Arrow, without copying a buffer where Arrow's layout is the same (all but validity bits).

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array, ListArray,
    StringArray, TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array, make_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, Field};
use wire::columns::Column;
use wire::dissect::Frame;

/// One column as an Arrow array.
pub fn array(column: Column) -> Result<ArrayRef, ArrowError> {
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
            let absent = matches!(*items, Column::Nullable(..));
            let items = array(*items)?;
            let field = Arc::new(Field::new("item", items.data_type().clone(), absent));
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
