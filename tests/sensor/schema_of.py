"""What ClickHouse type each column of the packet path needs. Tests compare it with the migrations."""

from __future__ import annotations

import re

_NUMBERS = {
    "UInt8": "UInt8", "UInt16": "UInt16", "UInt32": "UInt32", "UInt64": "UInt64", "Int64": "Int64",
    "Float64": "Float64", "FixedSizeBinary(16)": "IPv6", "Utf8": "String", "Binary": "String",
    'Timestamp(ns, "UTC")': "DateTime64(9, 'UTC')",
}  # fmt: skip


def clickhouse_type(arrow: str) -> str:
    """The plain type; flags are UInt8 in Arrow and may be Bool, optional numbers may be Nullable."""
    if arrow.startswith("Dictionary("):
        return "LowCardinality(String)"
    item = re.fullmatch(r"List\((non-null )?(.+?)(?:, field: '[^']*')?\)", arrow)
    if item is None:
        return _NUMBERS[arrow]
    inner = clickhouse_type(item[2])
    return f"Array({inner})" if item[1] else f"Array(Nullable({inner}))"


def fits(wanted: str, have: str) -> bool:
    return have in (wanted, f"Nullable({wanted})") or (wanted, have) == ("UInt8", "Bool")
