"""Rows as text, the same in every run: a JSON object a line, in order, addresses as people write them."""

from __future__ import annotations

import ipaddress
import json
import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.golden.corpus import Row


def address(packed: bytes) -> str:
    ip = ipaddress.IPv6Address(packed)
    return str(ip.ipv4_mapped or ip)


def plain(column: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return address(value) if column.endswith("ip") else value.hex()
    if isinstance(value, list):
        return [plain(column, one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def line(row: Row, without: Collection[str] = ()) -> str:
    """Write what a row says; columns that say nothing are left out, so that a diff shows what changed."""
    said = {
        name: plain(name, value) for name, value in row.items() if name not in without and value not in (None, "", [])
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def lines(rows: list[Row], without: Collection[str] = ()) -> list[str]:
    """In the order of packet time; rows of one time in that of their text."""
    return [text for _, text in sorted((row["ts"], line(row, without)) for row in rows)]


def nanoseconds(table: pa.Table) -> pa.Table:
    """Make integers of times: Python's datetime ends at microseconds."""
    for at, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(at, column.name, table.column(at).cast(pa.int64()))
        elif pa.types.is_list(column.type) and pa.types.is_timestamp(column.type.value_type):
            table = table.set_column(at, column.name, table.column(at).cast(pa.list_(pa.int64())))
    return table
