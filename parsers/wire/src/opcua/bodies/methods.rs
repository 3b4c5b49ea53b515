//! Call (Part 4 §5.12).

use super::{Into, arguments, result, skip_array, skip_diagnostics};
use crate::opcua::items::Item;
use crate::opcua::nodes::node_id;
use crate::opcua::read::{Read, Reader};
use crate::opcua::transfers;

/// `methodsToCall CallMethodRequest[]`, each `objectId | methodId | inputArguments Variant[]`. The item's node
/// is `object/method`; what the behaviour is done to is the method alone.
pub fn call(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(8, "methods to call")? {
        let (object, method) = (node_id(r)?, node_id(r)?);
        let (node, ()) = to.call.items.write(to.limits, |out| {
            object.write(out);
            out.str("/");
            method.write(out);
        });
        if index == 0 {
            to.call.object = to.call.items.node(&method, to.limits);
        }
        if index == 0 {
            to.call.act = transfers::request(r);
        }
        let (value, read) = to.call.items.write(to.limits, |out| arguments(r, out));
        read?;
        to.call.items.push(Item { node, value, ..Item::default() }, to.limits);
    }
    Ok(())
}

/// `results CallMethodResult[] | diagnosticInfos[]`, each `statusCode | inputArgumentResults StatusCode[]
/// | inputArgumentDiagnosticInfos[] | outputArguments Variant[]`; outputs follow the inputs as `[in] -> [out]`.
pub fn results(r: &mut Reader<'_>, to: &mut Into<'_>) -> Read<()> {
    for index in 0..r.count(16, "results")? {
        let status = r.u32()?;
        skip_array(r, 4, "argument results")?;
        skip_diagnostics(r)?;
        if index == 0 && matches!(to.call.act, transfers::Act::Read(_)) {
            to.call.data = transfers::response(r);
        }
        result(to, index, status, |out| arguments(r, out))?;
    }
    skip_diagnostics(r)
}
