//! View services: Browse, BrowseNext, TranslateBrowsePathsToNodeIds, RegisterNodes (Part 4 §5.9).

use super::{Into, node_item, result, skip_diagnostics};
use crate::opcua::items::Item;
use crate::opcua::nodes::{localized_text, node_id, qualified_name};
use crate::opcua::read::{Read, Reader};
use crate::opcua::text::Out;
use crate::opcua::variant::write_name;

/// `view {NodeId, timestamp, version u32} | maxReferences u32 | nodesToBrowse BrowseDescription[]`, each
/// `nodeId | direction u32 | referenceTypeId | includeSubtypes u8 | nodeClassMask u32 | resultMask u32`
pub fn browse(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    node_id(r)?;
    r.take(16, "view")?;
    for _ in 0..r.count(17, "nodes to browse")? {
        let node = node_id(r)?;
        r.u32()?;
        node_id(r)?;
        r.take(9, "browse description")?;
        let node = to.call.items.node(&node, to.limits);
        to.call.items.push(Item { node, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `releaseContinuationPoints u8 | continuationPoints ByteString[]`
pub fn browse_next(r: &mut Reader<'_>) -> Read<()> {
    r.u8()?;
    for _ in 0..r.count(4, "continuation points")? {
        r.string("continuation point")?;
    }
    Ok(())
}

/// `results BrowseResult[] | diagnosticInfos[]`, each `statusCode | continuationPoint ByteString | references[]`
pub fn browsed(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(12, "results")? {
        let status = r.u32()?;
        r.string("continuation point")?;
        result(to, index, status, |out| references(r, out))?;
    }
    skip_diagnostics(r)
}

/// ReferenceDescription[] (Part 4 §7.30), each `referenceTypeId | isForward u8 | nodeId ExpandedNodeId
/// | browseName | displayName | nodeClass u32 | typeDefinition`; node ids and names are shown.
fn references(r: &mut Reader<'_>, out: &mut Out<'_>) -> Read<()> {
    out.str("[");
    for index in 0..r.count(18, "references")? {
        node_id(r)?;
        r.u8()?;
        let node = node_id(r)?;
        let (_, name) = qualified_name(r)?;
        localized_text(r)?;
        r.u32()?;
        node_id(r)?;
        if index > 0 {
            out.str(",");
        }
        node.write(out);
        out.str(" ");
        out.utf8(name);
    }
    out.str("]");
    Ok(())
}

/// `browsePaths BrowsePath[]`, each `startingNode | elements RelativePathElement[]`, each `referenceTypeId
/// | isInverse u8 | includeSubtypes u8 | targetName QualifiedName`; shown as `/2:Line/2:Temp`.
pub fn translate(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(6, "browse paths")? {
        let node = node_id(r)?;
        let node = to.call.items.node(&node, to.limits);
        let (value, read) = to.call.items.write(to.limits, |out| path(r, out));
        read?;
        to.call.items.push(Item { node, value, ..Item::default() }, to.limits);
    }
    Ok(())
}

fn path(r: &mut Reader<'_>, out: &mut Out<'_>) -> Read<()> {
    for _ in 0..r.count(10, "path elements")? {
        node_id(r)?;
        r.take(2, "path element")?;
        out.str("/");
        write_name(r, out)?;
    }
    Ok(())
}

/// `results BrowsePathResult[] | diagnosticInfos[]`, each `statusCode | targets[]`, each `targetId ExpandedNodeId
/// | remainingPathIndex u32`
pub fn translated(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(8, "results")? {
        let status = r.u32()?;
        result(to, index, status, |out| {
            out.str("[");
            for target in 0..r.count(6, "targets")? {
                if target > 0 {
                    out.str(",");
                }
                node_id(r)?.write(out);
                r.u32()?;
            }
            out.str("]");
            Ok(())
        })?;
    }
    skip_diagnostics(r)
}

/// `nodes NodeId[]`
pub fn register(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(2, "nodes")? {
        node_item(r, to)?;
    }
    Ok(())
}

/// `registeredNodeIds NodeId[]`: what the client may call the nodes from now on.
pub fn registered(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(2, "registered nodes")? {
        let node = node_id(r)?;
        result(to, index, 0, |out| {
            node.write(out);
            Ok(())
        })?;
    }
    Ok(())
}
