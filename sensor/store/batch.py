"""Rows of one table on their way into the store: gathered until there are enough for an insert.

Tables of the packet path write themselves as blocks of ClickHouse's own format, which costs half of what
reading a stream of Arrow does. Any other Arrow table comes as such a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Batch(Protocol):
    """Rows, the columns that they have, and how they are written."""

    format: str
    columns: list[str]
    rows: int
    size: int  # bytes

    def add(self, rows: Any) -> None: ...

    def pieces(self) -> Iterable[bytes]:
        """The rows in `format`."""


def batch_for(rows: Any, constants: Mapping[str, str]) -> Batch:
    """A batch that takes rows of this kind; `constants`: columns that say the same in every row."""
    return Blocks(constants) if hasattr(rows, "native") else Tables(constants)


class Blocks:
    """Tables that have `native`."""

    format = "Native"

    def __init__(self, constants: Mapping[str, str]) -> None:
        self._constants = dict(constants)
        self._blocks: list[bytes] = []
        self.columns: list[str] = []
        self.rows = 0
        self.size = 0

    def add(self, rows: Any) -> None:
        block = rows.native(self._constants)
        self.columns = [*self._constants, *rows.column_names]
        self._blocks.append(block)
        self.rows += rows.num_rows
        self.size += len(block)

    def pieces(self) -> Iterable[bytes]:
        while self._blocks:  # each is given up when it is written
            yield self._blocks.pop(0)


class Tables:
    """Arrow tables."""

    format = "ArrowStream"

    def __init__(self, constants: Mapping[str, str]) -> None:
        self._constants = dict(constants)
        self._tables: list[Any] = []
        self.columns: list[str] = []
        self.rows = 0
        self.size = 0

    def add(self, rows: Any) -> None:
        import pyarrow as pa

        table = rows if isinstance(rows, pa.Table) else pa.RecordBatchReader.from_stream(rows).read_all()
        self.columns = [*self._constants, *table.column_names]
        self._tables.append(table)
        self.rows += table.num_rows
        self.size += table.nbytes

    def pieces(self) -> Iterable[bytes]:
        from sensor.store import arrow_stream

        whole = arrow_stream.joined(self._tables)
        return arrow_stream.stream(arrow_stream.with_constants(whole, self._constants))
