//! Query services: QueryFirst, QueryNext (Part 4 §5.10).

use super::{Into, arguments, skip_array, skip_diagnostics};
use crate::opcua::items::Item;
use crate::opcua::nodes::{extension_object, node_id};
use crate::opcua::read::{Read, Reader};
use crate::opcua::variant::write_name;

/// `view {NodeId, timestamp, version u32} | nodeTypes NodeTypeDescription[] | filter ContentFilter
/// | maxDataSetsToReturn u32 | maxReferencesToReturn u32`. A node type is `typeDefinitionNode | includeSubTypes u8
/// | dataToReturn[]`, each `relativePath | attributeId u32 | indexRange`; an element of the filter is
/// `filterOperator u32 | filterOperands ExtensionObject[]`. An item a node type, its value the paths asked for.
pub fn first(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    node_id(r)?;
    r.take(12, "view")?;
    for _ in 0..r.count(7, "node types")? {
        let node = node_id(r)?;
        r.u8()?;
        let node = to.call.items.node(&node, to.limits);
        let (value, read) = to.call.items.write(to.limits, |out| {
            out.str("[");
            for index in 0..r.count(12, "data to return")? {
                if index > 0 {
                    out.str(",");
                }
                for _ in 0..r.count(10, "path elements")? {
                    node_id(r)?;
                    r.take(2, "path element")?;
                    out.str("/");
                    write_name(r, out)?;
                }
                r.u32()?;
                r.string("index range")?;
            }
            out.str("]");
            Ok(())
        });
        read?;
        to.call.items.push(Item { node, value, ..Item::default() }, to.limits);
    }
    for _ in 0..r.count(8, "filter elements")? {
        r.u32()?;
        for _ in 0..r.count(3, "filter operands")? {
            extension_object(r)?;
        }
    }
    r.take(8, "most data sets and references").map(drop)
}

/// `releaseContinuationPoint u8 | continuationPoint ByteString`
pub fn next(r: &mut Reader<'_>) -> Read<()> {
    r.u8()?;
    r.string("continuation point").map(drop)
}

/// QueryDataSet[], each `nodeId ExpandedNodeId | typeDefinitionNode | values Variant[]`: an item each.
fn data_sets(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(8, "data sets")? {
        let node = node_id(r)?;
        node_id(r)?;
        let node = to.call.items.node(&node, to.limits);
        let (value, read) = to.call.items.write(to.limits, |out| arguments(r, out));
        read?;
        to.call.items.push(Item { node, value, status: 0, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `queryDataSets | continuationPoint | parsingResults[] | diagnosticInfos[] | filterResult`. A parsing result is
/// `statusCode | dataStatusCodes[] | dataDiagnosticInfos[]`, in the order of the node types asked for; the filter's is
/// `elementResults[] {statusCode | operandStatusCodes[] | operandDiagnosticInfos[]} | elementDiagnosticInfos[]`.
pub fn found(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    data_sets(r, to)?;
    r.string("continuation point")?;
    for index in 0..r.count(12, "parsing results")? {
        let status = r.u32()?;
        if let Some(item) = to.call.items.at(index, to.limits) {
            item.status = status;
        }
        skip_array(r, 4, "data results")?;
        skip_diagnostics(r)?;
    }
    skip_diagnostics(r)?;
    for _ in 0..r.count(12, "filter results")? {
        r.u32()?;
        skip_array(r, 4, "operand results")?;
        skip_diagnostics(r)?;
    }
    skip_diagnostics(r)
}

/// `queryDataSets | revisedContinuationPoint`
pub fn further(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    data_sets(r, to)?;
    r.string("continuation point").map(drop)
}
