"""Arrow tables on their way into the store: gathered, given their constant columns, written as a stream.

Nothing here calls those functions of pyarrow that look whether a value is one of pandas', since they
import pandas, which costs a third of a second.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_ROWS = 32_768


def table_of(rows: Any) -> Any:
    """A pyarrow table of anything that hands out an Arrow stream, without a copy."""
    return rows if isinstance(rows, pa.Table) else pa.RecordBatchReader.from_stream(rows).read_all()


def constant(text: str, rows: int) -> Any:
    """A column that says the same in every row."""
    data = text.encode()
    offsets = (0).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    values = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    keys = pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(bytes(4 * rows))])
    return pa.DictionaryArray.from_arrays(keys, values)


def joined(tables: list[Any], constants: dict[str, str]) -> Any:
    """One table of all, with the constant columns in front."""
    whole = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
    for name, text in constants.items():
        whole = whole.add_column(0, pa.field(name, constant("", 0).type), constant(text, whole.num_rows))
    return whole


def stream(table: Any) -> Iterator[bytes]:
    """The table in Arrow's stream format, in pieces of a few megabytes.

    Small pieces come from memory that is used again and again; one large one costs as much for fresh
    pages from the kernel as for the rows themselves.
    """
    table = table.unify_dictionaries()
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


class Batch:
    """Rows of one table that wait for their write."""

    def __init__(self) -> None:
        self.tables: list[Any] = []
        self.rows = 0
        self.bytes = 0

    def add(self, table: Any) -> None:
        self.tables.append(table)
        self.rows += table.num_rows
        self.bytes += table.nbytes
