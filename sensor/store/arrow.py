"""Arrow tables on their way into the store: gathered, given their constant columns, written as a stream.

Nothing here calls those functions of pyarrow that look whether a value is one of pandas', since they
import pandas, which costs a third of a second.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa


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


def stream(table: Any) -> bytes:
    """The table in Arrow's stream format."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, table.schema, options=pa.ipc.IpcWriteOptions(unify_dictionaries=True)
    ) as writer:
        writer.write_table(table, max_chunksize=65_536)
    return bytes(sink.getvalue().to_pybytes())


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
