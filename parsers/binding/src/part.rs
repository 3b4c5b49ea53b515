//! One worker's rows of a table in a window: what Arrow and the store are given is made of it.

use std::sync::Arc;

use arrow_array::types::{Int32Type, UInt16Type};
use arrow_array::{
    ArrayRef, DictionaryArray, FixedSizeBinaryArray, Int32Array, RecordBatch, StringArray, UInt16Array, UInt64Array,
};
use arrow_buffer::Buffer;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use wire::columns::{Column, Finished};
use wire::dissect::{Ends, Frame};
use wire::lane::Dictionary;

use crate::arrow::array;
use crate::native::{Block, Kind};

/// A column of texts for the rows of a whole table.
pub struct Words {
    /// Name of the column.
    pub name: String,
    /// Which text each row has.
    pub keys: Vec<u32>,
    /// The texts.
    pub texts: Vec<String>,
}

struct Kept {
    name: &'static str,
    kind: Kind,
    array: ArrayRef,
}

/// Columns without their network columns, which are looked up when they are wanted.
pub struct Part {
    rows: usize,
    columns: Vec<Kept>,
    captures: ArrayRef,
    /// Into `flows`, a row each; none: the rows belong to no flows.
    flow: Option<Vec<u32>>,
    flows: Arc<Dictionary>,
}

impl Part {
    /// Takes the columns as they are; `captures` are the captures' ids by index.
    pub fn new(table: Finished, flows: &Arc<Dictionary>, captures: &[String]) -> Result<Self, ArrowError> {
        let rows = table.len();
        let captures = captures_of(&table, captures)?;
        let keep =
            |(name, column): (&'static str, Column)| Ok(Kept { name, kind: Kind::of(&column), array: array(column)? });
        let columns = table.columns.into_iter().map(keep).collect::<Result<_, ArrowError>>()?;
        let flow = table.with_flow.then_some(table.flow);
        Ok(Self { rows, columns, captures, flow, flows: Arc::clone(flows) })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Memory it takes, about: what it shares with other parts of the window is its flows' alone.
    pub fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(|column| column.array.get_buffer_memory_size()).sum();
        let flow = self.flow.as_ref().map_or(0, |flow| size_of::<u32>() * flow.capacity());
        columns + flow + self.captures.get_buffer_memory_size()
    }

    /// Names of all columns.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let network = if self.flow.is_some() { NETWORK } else { &[] };
        ["capture"].into_iter().chain(network.iter().copied()).chain(self.columns.iter().map(|c| c.name))
    }

    /// As a record batch of Arrow.
    pub fn batch(&self) -> Result<RecordBatch, ArrowError> {
        let mut arrays = vec![Arc::clone(&self.captures)];
        if let Some(flow) = &self.flow {
            arrays.extend(network(flow, &self.flows)?);
        }
        arrays.extend(self.columns.iter().map(|c| Arc::clone(&c.array)));
        let field = |(name, a): (&'static str, &ArrayRef)| {
            Field::new(name, a.data_type().clone(), a.is_nullable() || nullable(a.data_type()))
        };
        let fields: Vec<Field> = self.names().zip(&arrays).map(field).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    /// As a block of ClickHouse's format Native, with columns that say the same in every row, and columns of texts, in
    /// which this part's rows begin at `start`.
    pub fn native(&self, block: &mut Block, constants: &[(String, String)], words: &[Words], start: usize) {
        let network = self.flow.as_ref().map_or(0, |_| NETWORK.len());
        // Room for all of it: what grows by doubling is copied as often.
        let columns: usize = self.columns.iter().map(|column| column.array.get_buffer_memory_size()).sum();
        block.0.reserve(columns + self.rows * (ROW + 4 * words.len()));
        block.begin(constants.len() + words.len() + 1 + network + self.columns.len(), self.rows);
        for (name, text) in constants {
            block.words(name, std::iter::once(text.as_bytes()), Same(0..self.rows));
        }
        block.column("capture", &Kind::Words, &self.captures);
        if let Some(flow) = &self.flow {
            self.network(block, flow);
        }
        for Words { name, keys, texts } in words {
            let keys = keys.get(start..start + self.rows).unwrap_or_default();
            block.words(name, texts.iter().map(String::as_bytes), keys.iter().copied());
        }
        for Kept { name, kind, array } in &self.columns {
            block.column(name, kind, array);
        }
    }

    fn network(&self, block: &mut Block, flow: &[u32]) {
        let flows = &*self.flows;
        /// What the flows of the rows have at their place in a list; a row without a flow has nothing.
        fn each<'a, T, const N: usize>(
            flow: &'a [u32],
            list: &'a [T],
            of: impl Fn(&T) -> [u8; N] + 'a,
        ) -> impl ExactSizeIterator<Item = [u8; N]> + 'a {
            flow.iter().map(move |&at| list.get(at as usize).map_or([0; N], &of))
        }
        block.values("src_ip", "IPv6", each(flow, &flows.ends, |ends| ends.client));
        block.values("src_port", "UInt16", each(flow, &flows.ends, |ends| ends.client_port.to_le_bytes()));
        block.values("dst_ip", "IPv6", each(flow, &flows.ends, |ends| ends.server));
        block.values("dst_port", "UInt16", each(flow, &flows.ends, |ends| ends.server_port.to_le_bytes()));
        block.values("vlan", "UInt16", each(flow, &flows.vlans, |vlan| vlan.to_le_bytes()));
        block.values("flow_id", "UInt64", each(flow, &flows.ids, |id| id.to_le_bytes()));
        let (texts, keys) = communities(flow, flows);
        block.words("community_id", texts.into_iter().map(str::as_bytes), keys.into_iter());
    }
}

/// The community ids that rows have, and which of them each has: a dictionary holds those of all tables.
fn communities<'a>(flow: &[u32], flows: &'a Dictionary) -> (Vec<&'a str>, Vec<u32>) {
    const NEW: u32 = u32::MAX;
    let mut places = vec![NEW; flows.communities.len()];
    let mut texts = vec![""];
    let key = |&at: &u32| {
        let (Some(place), Some(text)) = (places.get_mut(at as usize), flows.communities.get(at as usize)) else {
            return 0;
        };
        if *place == NEW {
            *place = u32::try_from(texts.len()).unwrap_or(0);
            texts.push(text);
        }
        *place
    };
    let keys = flow.iter().map(key).collect();
    (texts, keys)
}

/// The key of the one text for every row.
struct Same(std::ops::Range<usize>);

impl Iterator for Same {
    type Item = u32;
    fn next(&mut self) -> Option<u32> {
        self.0.next().map(|_| 0)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}
impl ExactSizeIterator for Same {}

/// Bytes a row that the network columns and those that are the same in every row take, about.
const ROW: usize = 56;
const NETWORK: &[&str] = &["src_ip", "src_port", "dst_ip", "dst_port", "vlan", "flow_id", "community_id"];

/// The network columns in the order of their names, looked up in the window's flow dictionary.
fn network(flow: &[u32], flows: &Dictionary) -> Result<Vec<ArrayRef>, ArrowError> {
    let ends = |&at: &u32| flows.ends.get(at as usize).copied().unwrap_or_default();
    let addresses = |of: fn(&Ends) -> [u8; 16]| {
        let flat: Vec<[u8; 16]> = flow.iter().map(|at| of(&ends(at))).collect();
        FixedSizeBinaryArray::try_new(16, Buffer::from_vec(flat.into_flattened()), None)
    };
    let vlan = |&at: &u32| flows.vlans.get(at as usize).copied().unwrap_or(0);
    let id = |&at: &u32| flows.ids.get(at as usize).copied().unwrap_or(0);
    // Moved by one: 0 is a row without a flow.
    let community = |&at: &u32| {
        if (at as usize) < flows.communities.len() { i32::try_from(at).map_or(0, |key| key + 1) } else { 0 }
    };
    let texts = std::iter::once("").chain(flows.communities.iter().map(String::as_str));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let keys: Int32Array = flow.iter().map(community).collect::<Vec<_>>().into();
    Ok(vec![
        Arc::new(addresses(|ends| ends.client)?),
        Arc::new(flow.iter().map(|at| ends(at).client_port).collect::<UInt16Array>()),
        Arc::new(addresses(|ends| ends.server)?),
        Arc::new(flow.iter().map(|at| ends(at).server_port).collect::<UInt16Array>()),
        Arc::new(flow.iter().map(vlan).collect::<UInt16Array>()),
        Arc::new(flow.iter().map(id).collect::<UInt64Array>()),
        Arc::new(DictionaryArray::<Int32Type>::try_new(keys, texts)?),
    ])
}

/// The capture of each row: that of the first packet it names.
fn captures_of(table: &Finished, ids: &[String]) -> Result<ArrayRef, ArrowError> {
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

/// Lists and dictionaries are declared nullable so that every batch of a table has one schema.
fn nullable(kind: &DataType) -> bool {
    !matches!(kind, DataType::Timestamp(..) | DataType::FixedSizeBinary(_))
}
