"""Arrow tables as a stream of bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PIECE_ROWS = 32_768


def joined(tables: list[Any]) -> Any:
    """One table of all, each text column with one dictionary."""
    whole = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
    return whole.unify_dictionaries()


def with_constants(table: Any, constants: Mapping[str, str]) -> Any:
    """The table with columns in front that say the same in every row."""
    for name, text in constants.items():
        column = _constant(text, table.num_rows)
        table = table.add_column(0, pa.field(name, column.type), column)
    return table


def _constant(text: str, rows: int) -> Any:
    data = text.encode()
    offsets = (0).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    values = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    keys = pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(bytes(4 * rows))])
    return pa.DictionaryArray.from_arrays(keys, values)


def stream(table: Any) -> Iterator[bytes]:
    """The table in pieces of a few megabytes; each text column must have one dictionary.

    Small pieces come from memory that is used again and again; one large one costs as much for fresh
    pages from the kernel as for the rows themselves.
    """
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), table.schema) as writer:
        for batch in table.to_batches(max_chunksize=PIECE_ROWS):
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file that keeps what is written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
