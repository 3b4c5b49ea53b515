//! Node management: AddNodes, AddReferences, DeleteNodes, DeleteReferences (Part 4 §5.8).

use super::{Into, node_item, result, skip_diagnostics};
use crate::opcua::items::Item;
use crate::opcua::nodes::{extension_object, node_id, qualified_name};
use crate::opcua::read::{Read, Reader};

/// `nodesToAdd[]`, each `parentNodeId | referenceTypeId | requestedNewNodeId | browseName | nodeClass u32
/// | nodeAttributes ExtensionObject | typeDefinition`; the item is the parent, its value the new name.
pub fn add_nodes(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(21, "nodes to add")? {
        let parent = node_id(r)?;
        node_id(r)?;
        node_id(r)?;
        let (_, name) = qualified_name(r)?;
        r.u32()?;
        extension_object(r)?;
        node_id(r)?;
        let node = to.call.items.node(&parent, to.limits);
        let (value, ()) = to.call.items.write(to.limits, |out| out.utf8(name));
        to.call.items.push(Item { node, value, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `results[] | diagnosticInfos[]`, each `statusCode | addedNodeId`
pub fn nodes_added(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(6, "results")? {
        let status = r.u32()?;
        let added = node_id(r)?;
        result(to, index, status, |out| {
            added.write(out);
            Ok(())
        })?;
    }
    skip_diagnostics(r)
}

/// `referencesToAdd[]`, each `sourceNodeId | referenceTypeId | isForward u8 | targetServerUri | targetNodeId
/// | targetNodeClass u32`
pub fn add_references(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(15, "references to add")? {
        node_item(r, to)?;
        node_id(r)?;
        r.u8()?;
        r.string("target server")?;
        node_id(r)?;
        r.u32()?;
    }
    Ok(())
}

/// `nodesToDelete[]`, each `nodeId | deleteTargetReferences u8`
pub fn delete_nodes(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(3, "nodes to delete")? {
        node_item(r, to)?;
        r.u8()?;
    }
    Ok(())
}

/// `referencesToDelete[]`, each `sourceNodeId | referenceTypeId | isForward u8 | targetNodeId
/// | deleteBidirectional u8`
pub fn delete_references(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for _ in 0..r.count(8, "references to delete")? {
        node_item(r, to)?;
        node_id(r)?;
        r.u8()?;
        node_id(r)?;
        r.u8()?;
    }
    Ok(())
}
