"""Arrow tables on their way into the store: gathered until there are enough rows for an insert.

Nothing here calls those functions of pyarrow that look whether a value is one of pandas', since they
import pandas, which costs a third of a second.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def table_of(rows: Any) -> Any:
    """A pyarrow table of anything that hands out an Arrow stream, without a copy."""
    return rows if isinstance(rows, pa.Table) else pa.RecordBatchReader.from_stream(rows).read_all()


def joined(tables: list[Any]) -> Any:
    """One table of all, each text column with one dictionary."""
    whole = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
    return whole.unify_dictionaries()


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
