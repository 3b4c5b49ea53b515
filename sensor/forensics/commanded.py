"""What was commanded, as rows of a timeline: writes and control operations, with the values that were given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sensor.forensics.rows import bucket, shape
from sensor.forensics.scope import one_of
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.forensics.scope import Scope

REGISTER = re.compile(r"u(\d+)/(coil|holding_register)/(\d+)")
POINT = re.compile(r"(\d+)/(binary_output|analog_output|binary_input|analog_input|counter)/(\d+)")
_GROUPS = {"binary_output": (10, 12), "analog_output": (40, 41)}
_FEW = 8  # values of a command that are named


def commands(scope: Scope, fold: int) -> str:
    parts = (_modbus(scope, fold), _dnp3(scope, fold), _opcua(scope, fold), _others(scope, fold))
    return "\nUNION ALL\n".join(filter(None, parts))


def access(protocol: str, column: str) -> str:
    """Which operations change something is the packet path's to say; it says so in `behaviours`."""
    return (
        f"{column} IN (SELECT operation FROM behaviours WHERE protocol = {quote(protocol)}"
        " AND access IN ('write', 'control'))"
    )


def _written(values: str) -> str:
    """Values in the order in which they came, each once."""
    distinct = f"arrayDistinct(groupArray({values}))"
    return (
        f"concat(arrayStringConcat(arraySlice({distinct}, 1, {_FEW}), ', '),"
        f" if(length({distinct}) > {_FEW}, concat(' … (', toString(length({distinct})), ' values)'), ''))"
    )


def _modbus(scope: Scope, fold: int) -> str:
    of_tags = _tags(scope, REGISTER, registers)
    if of_tags == "0":
        return ""
    wanted = scope.where("ts", "ts", scope.ends(), access("modbus", "function"), of_tags)
    source = (
        "SELECT *, toString(ifNull(write_address, address)) AS place, request_frame AS frame,\n"
        "    if(length(values) = 1, toString(values[1]), concat('[',\n"
        "      arrayStringConcat(arraySlice(values, 1, 16), ' '),\n"
        "      if(length(values) > 16, ' …', ''), ']')) AS given\n"
        f"  FROM modbus WHERE {wanted}\n  ORDER BY ts"
    )
    what = (
        "concat('modbus ', function, ' unit ', toString(unit_id), if(place = '', '', concat(' address ', place)),"
        f" if(length(any(values)) = 0, '', concat(' = ', {_written('given')})),"
        " if(status = 'ok', '', concat(' (', status, ')')))"
    )
    return shape(
        "command", source, what=what,
        group=f"src_ip, dst_ip, unit_id, function, place, status, {bucket(fold, 'ts', 'x.frame')}",
    )  # fmt: skip


def _tags(scope: Scope, pattern: re.Pattern[str], condition: Callable[[re.Match[str]], str]) -> str:
    """A condition for the tags of the scope; `0`: it has some and none is of this protocol."""
    if scope.tags is None or scope.hosts:
        return ""
    return " OR ".join(condition(found) for tag in scope.tags if (found := pattern.fullmatch(tag))) or "0"


def registers(tag: re.Match[str]) -> str:
    unit, table, number = tag.groups()
    codes = "(5, 15)" if table == "coil" else "(6, 16, 22, 23)"
    first, many = "ifNull(write_address, address)", "ifNull(ifNull(write_quantity, quantity), 1)"
    return (
        f"(unit_id IN (0, {unit}) AND function_code IN {codes} AND {first} <= {number}"
        f" AND {number} < {first} + greatest({many}, 1))"
    )


def points(tag: re.Match[str]) -> str:
    outstation, kind, number = tag.groups()
    groups = ", ".join(map(str, _GROUPS.get(kind, (0,))))
    return (
        f"(link_dst = {outstation} AND arrayExists((g, i) -> g IN ({groups}) AND i = {number},"
        " `points.group`, `points.index`))"
    )


def _dnp3(scope: Scope, fold: int) -> str:
    of_tags = _tags(scope, POINT, points)
    if of_tags == "0":
        return ""
    given = (
        "arrayStringConcat(arraySlice(arrayMap((g, v, i, value) -> concat(toString(g), ':', toString(v), '[',"
        " toString(i), '] = ', toString(value)), `points.group`, `points.variation`,"
        " `points.index`, `points.value`), 1, 6), ' ')"
    )
    wanted = scope.where("ts", "ts", scope.ends(), access("dnp3", "function"), "from_master", of_tags)
    named = "arrayStringConcat(objects, ' ') AS named"
    source = f"SELECT *, {given} AS given, {named}\n  FROM dnp3 WHERE {wanted}\n  ORDER BY ts"
    what = (
        "concat('dnp3 ', function, ' outstation ', toString(link_dst), ' ',"
        f" if(empty(any(`points.group`)), any(named), {_written('given')}))"
    )
    return shape(
        "command", source, what=what,
        group=f"src_ip, dst_ip, link_dst, function, named, {bucket(fold, 'ts', 'x.frame')}",
    )  # fmt: skip


def _opcua(scope: Scope, fold: int) -> str:
    of_tags = ""
    if scope.tags is not None and not scope.hosts:
        of_tags = f"arrayExists(node -> {one_of('node', scope.tags)}, `items.node_id`)"
    given = (
        "arrayStringConcat(arraySlice(arrayMap((node, value) -> concat(node, if(value = '', '', concat(' = ',"
        " substringUTF8(value, 1, 60)))), `items.node_id`, `items.value`), 1, 6), ', ')"
    )
    wanted = scope.where("ts", "ts", scope.ends(), access("opcua", "service"), of_tags)
    source = f"SELECT *, {given} AS given, request_frame AS frame\n  FROM opcua WHERE {wanted}\n  ORDER BY ts"
    return shape(
        "command", source, what=f"concat('opcua ', service, ' ', {_written('given')})",
        group=f"src_ip, dst_ip, service, `items.node_id`, {bucket(fold, 'ts', 'x.frame')}",
    )  # fmt: skip


def _others(scope: Scope, fold: int) -> str:
    """Protocols that have no table of their own: what `behaviours` says of them."""
    if scope.tags is not None and not scope.hosts:
        return ""
    wanted = scope.where(
        "ts", "last_ts", scope.ends("client_ip", "server_ip"), "access IN ('write', 'control')",
        "protocol NOT IN ('modbus', 'dnp3', 'opcua')",
    )  # fmt: skip
    return shape(
        "command", f"SELECT * FROM behaviours WHERE {wanted}",
        what="concat(protocol, ' ', operation, if(unit = '', '', concat(' of ', unit)), ' ', object)",
        until="max(last_ts)", ends=("client_ip", "server_ip"), count="sum(x.count)",
        group=f"client_ip, server_ip, protocol, operation, unit, object, {bucket(fold, 'ts', 'x.frame')}",
    )  # fmt: skip
