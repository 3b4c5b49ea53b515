"""Answers of the store as Arrow: addresses as people write them, severities by name, times in UTC."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from sensor.alerts import ask
from sensor.store.guard import check_reading

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from sensor.store import Reading

_ROWS = 20_000  # of a batch that is made of JSON
_MAPPED = "replaceOne(toString({}), '::ffff:', '')"
# Of a server's native protocol rows come one by one: types that JSON has no like of are named here.
_TYPES = {
    "UInt8": pa.uint8(), "UInt16": pa.uint16(), "UInt32": pa.uint32(), "UInt64": pa.uint64(), "Int8": pa.int8(),
    "Int16": pa.int16(), "Int32": pa.int32(), "Int64": pa.int64(), "Float32": pa.float32(), "Float64": pa.float64(),
    "Bool": pa.bool_(), "String": pa.string(),
}  # fmt: skip


def batches(store: Reading, sql: str, *, arrow: bool = True) -> Iterator[pa.RecordBatch]:
    """The answer in pieces, at least one, which may be empty. `arrow` False: the store cannot answer in Arrow's format,
    as ClickHouse's native protocol cannot."""
    checked = check_reading(sql)
    types = [(row["name"], row["type"]) for row in ask(store, f"DESCRIBE ({checked}\n)")]
    told = ", ".join(f"{_shown(name, kind)} AS {_quoted(name)}" for name, kind in types)
    asked = f"SELECT {told} FROM ({checked}\n)"
    if arrow:
        with closing(store.query(asked, "ArrowStream")) as pieces:
            yield from _of_streams(io.BufferedReader(_Pieces(pieces)))
        return
    schema = pa.schema([(name, _type(kind)) for name, kind in types])
    yield pa.RecordBatch.from_pylist([], schema=schema)
    times = [name for name, kind in types if _is_time(kind)]
    plain = ", ".join(
        f"toUnixTimestamp64Nano(toDateTime64({_quoted(name)}, 9, 'UTC')) AS {_quoted(name)}" if name in times
        else _quoted(name) for name, _ in types
    )  # fmt: skip
    with closing(store.query(f"SELECT {plain} FROM ({asked}\n)", "JSONEachRow")) as pieces:
        yield from _of_rows(pieces, schema)


def table(store: Reading, sql: str, *, arrow: bool = True) -> pa.Table:
    return pa.Table.from_batches(batches(store, sql, arrow=arrow))


def _of_streams(source: io.BufferedReader) -> Iterator[pa.RecordBatch]:
    """The engine answers block by block, each a whole stream of Arrow's with an end of its own."""
    schema = None
    while source.peek(1):
        reader = pa.ipc.open_stream(source)
        if schema is None:
            schema = reader.schema
            yield pa.RecordBatch.from_pylist([], schema=schema)
        yield from reader


def _of_rows(pieces: Iterable[bytes], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting: list[dict[str, Any]] = []
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        waiting += [orjson.loads(line) for line in whole if line]
        if len(waiting) >= _ROWS:
            yield pa.RecordBatch.from_pylist(waiting, schema=schema)
            waiting = []
    waiting += [orjson.loads(rest)] if rest else []
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema=schema)


def _shown(name: str, kind: str) -> str:
    quoted = _quoted(name)
    if kind == "IPv6":
        return _MAPPED.format(quoted)
    if kind == "Array(IPv6)":
        return f"arrayMap(each -> {_MAPPED.format('each')}, {quoted})"
    return f"toString({quoted})" if "Enum" in kind else quoted


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _is_time(kind: str) -> bool:
    return "DateTime" in kind and not kind.startswith("Array")


def _type(kind: str) -> pa.DataType:
    for wrapper in ("LowCardinality(", "Nullable("):
        if kind.startswith(wrapper):
            return _type(kind[len(wrapper) : -1])
    if kind.startswith("Array("):
        return pa.list_(_type(kind[6:-1]))
    if kind.startswith("DateTime"):
        return pa.timestamp("ns", tz="UTC")
    return _TYPES.get(kind, pa.string())


class _Pieces(io.RawIOBase):
    """An answer as a file that is read once."""

    def __init__(self, pieces: Generator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
