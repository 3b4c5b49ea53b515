"""A connection to an embedded store.

The engine's own connection class is used in place of `chdb.connect`, whose module imports pyarrow and
numpy: they would cost every command 0.2 s that only those need which handle columns. One connection
runs one statement at a time; several connections to one path run beside each other.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sensor.store import faults

# SHOW, EXPLAIN and their like have no streamed answer; that of SELECT comes in blocks and is bounded.
_STREAMED = ("select", "with", "(")


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Session:
    def __init__(self, path: Path) -> None:
        engine = importlib.import_module("chdb._chdb")
        try:
            self._connection = engine.connect(str(path.absolute()))
        except RuntimeError as error:
            raise faults.of_store(error, f"{path}: the store cannot be opened") from None

    def run(self, sql: str, fmt: str = "TabSeparated") -> bytes:
        return bytes(self._connection.query(sql, fmt).bytes())

    def pieces(self, sql: str, fmt: str) -> Iterator[bytes]:
        """The answer block by block, so that a large one needs no large memory."""
        if not sql.lstrip().lower().startswith(_STREAMED):
            yield self.run(sql, fmt)
            return
        result = self._connection.send_query(sql, fmt)
        try:
            while piece := bytes(self._connection.streaming_fetch_result(result).bytes()):
                yield piece
        finally:
            self._connection.streaming_cancel_query(result)

    def insert(self, table: str, columns: list[str], data: bytes, fmt: str) -> None:
        """Writes rows in a ClickHouse format; they are durable when it returns."""
        names = ", ".join(f"`{column}`" for column in columns)
        handle = self._connection.send_insert(f"INSERT INTO {table} ({names})", fmt)
        try:
            self._connection.insert_append(handle, data)
        except RuntimeError:
            self._connection.insert_cancel(handle)
            raise
        self._connection.insert_done(handle)

    def number(self, sql: str) -> int:
        return int(self.run(sql).strip() or 0)

    def use(self, database: str) -> None:
        self.run(f"USE {database}")

    def close(self) -> None:
        self._connection.close()

    @property
    def raw(self) -> Any:
        return self._connection
