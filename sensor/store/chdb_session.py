"""A connection to an embedded store.

The engine's own connection class is used in place of `chdb.connect`, whose module imports pyarrow and
numpy: they would cost every command 0.2 s that only those need which handle columns. One connection
runs one statement at a time; several connections to one path run beside each other.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from sensor.store import faults
from sensor.store.literal import quote
from sensor.store.pipe import readable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

# SHOW, EXPLAIN and their like have no streamed answer; that of SELECT comes in blocks and is bounded.
_STREAMED = ("select", "with", "(")
_NAMED = ("CSVWithNames", "JSONCompactEachRowWithNames")


def names_end(piece: bytes, fmt: str) -> int:
    """Where the line of names ends. A name in CSV may hold line ends, inside its quotes."""
    end = piece.find(b"\n")
    while end >= 0 and fmt == "CSVWithNames" and piece.count(b'"', 0, end) % 2:
        end = piece.find(b"\n", end + 1)
    return len(piece) if end < 0 else end + 1


class Session:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = True
        engine = importlib.import_module("chdb._chdb")
        try:
            self._connection = engine.connect(str(path.absolute()))
        except RuntimeError as error:
            raise faults.of_store(error, f"{path}: the store cannot be opened") from None

    def run(self, sql: str) -> str:
        """A statement of our own and its answer, tabs between columns. StoreError if it fails."""
        try:
            return str(self._connection.query(sql, "TabSeparated").bytes().decode())
        except RuntimeError as error:
            raise faults.of_store(error, f"{self._path}: the store failed") from None

    def pieces(self, sql: str, fmt: str) -> Generator[bytes]:
        """The answer block by block, so that a large one needs no large memory. RuntimeError if it fails."""
        if not sql.lstrip().lower().startswith(_STREAMED):
            yield bytes(self._connection.query(sql, fmt).bytes())
            return
        result = self._connection.send_query(sql, fmt)
        first = True
        try:
            while piece := bytes(self._connection.streaming_fetch_result(result).bytes()):
                # Each block is written as an answer of its own: the names stand before every one.
                yield piece if first or fmt not in _NAMED else piece[names_end(piece, fmt) :]
                first = False
        finally:
            # A reader that stops early may be finalised after the connection: touching it then would crash.
            if self._open:
                self._connection.streaming_cancel_query(result)

    def insert(self, table: str, columns: Sequence[str], data: Iterable[bytes], fmt: str, token: str = "") -> None:
        """Writes rows in a ClickHouse format; they are durable when it returns. StoreError if it fails.

        Rows that come again with the same token are not written again, where the table looks at tokens.

        The engine's own streaming insert is not used: it ends as if all were well when the disk is full.
        """
        names = ", ".join(f"`{column}`" for column in columns)
        once = f"SETTINGS insert_deduplication_token = {quote(token)} " if token else ""
        try:
            with readable(data) as path:
                self._connection.query(f"INSERT INTO {table} ({names}) FROM INFILE {quote(path)} {once}FORMAT {fmt}")
        except RuntimeError as error:
            raise faults.of_store(error, f"{self._path}: rows for {table!r} cannot be written") from None

    def number(self, sql: str) -> int:
        return int(self.run(sql).strip() or 0)

    def use(self, database: str) -> None:
        self.run(f"USE {database}")

    def close(self) -> None:
        self._open = False
        self._connection.close()
