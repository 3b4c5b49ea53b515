"""Rows of JSON, or of Arrow, as columns that the driver takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECOND = 10**9
_TIME = re.compile(r"DateTime64\((\d)")
_EMPTY: dict[str, object] = {
    "String": "",
    "FixedString": b"",
    "IPv6": "::",
    "Array": (),
    "UUID": "00000000-0000-0000-0000-000000000000",
}


def columns_of(payload: bytes, kinds: Sequence[tuple[str, str]]) -> list[list[Any]]:
    """A column for each (name, type): what a row lacks or has as null is the type's own nothing, where it has no
    null. Times are decimal seconds."""
    rows = [orjson.loads(line) for line in payload.splitlines()]
    return [_column([row.get(name) for row in rows], kind) for name, kind in kinds]


def columns_of_arrow(payload: bytes, kinds: Sequence[tuple[str, str]]) -> list[list[Any]]:
    import pyarrow as pa

    table = pa.ipc.open_stream(payload).read_all()
    return [_column(_plain(table.column(name)), kind) for name, kind in kinds]


def _plain(column: Any) -> list[Any]:
    """Times of Arrow as nanoseconds: Python's have microseconds only."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        return list(column.cast(pa.int64()).to_pylist())
    if pa.types.is_list(kind) and pa.types.is_timestamp(kind.value_type):
        return list(column.cast(pa.list_(pa.int64())).to_pylist())
    return list(column.to_pylist())


def _column(values: list[Any], kind: str) -> list[Any]:
    outer = kind.removeprefix("LowCardinality(")
    if outer.startswith("Nullable("):
        of = outer.removeprefix("Nullable(")
        return [None if value is None else _value(value, of) for value in values]
    empty = _empty(outer)
    return [empty if value is None else _value(value, outer) for value in values]


def _empty(kind: str) -> Any:
    if kind.startswith("Enum"):
        return kind[kind.index("'") + 1 :].partition("'")[0]
    return _EMPTY.get(re.match(r"\w*", kind)[0], 0)  # type: ignore[index]  # it matches anything


def _value(value: Any, kind: str) -> Any:
    if kind.startswith("Array("):
        return _column(list(value), kind.removeprefix("Array("))
    if (time := _TIME.match(kind)) is not None:
        return _ticks(value, int(time[1]))
    if kind.startswith("String") and not isinstance(value, str | bytes):
        return orjson.dumps(value).decode()
    if kind.startswith("Float"):
        return float(value)
    return value


def _ticks(value: Any, digits: int) -> int:
    """Seconds as a decimal text, or nanoseconds, in the column's own unit."""
    if isinstance(value, int):
        return int(value // 10 ** (9 - digits))
    seconds, _, rest = str(value).partition(".")
    nanoseconds = int(seconds) * _SECOND + int(rest.ljust(9, "0")[:9] or 0)
    return int(nanoseconds // 10 ** (9 - digits))
