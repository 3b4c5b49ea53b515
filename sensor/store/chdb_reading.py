"""Questions to an embedded store: read-only, bounded in time and memory, rows seen once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.store import faults, migrate
from sensor.store.chdb_session import Session
from sensor.store.directory import check_existing
from sensor.store.guard import check_reading
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# `final`: of rows that replace each other only the latest is seen. 64-bit numbers are JSON numbers, what
# JSON has no number for is null, and bytes of the wire that are no UTF-8 never break a line of output.
_SETTINGS = (
    "final = 1",
    "max_execution_time = 600",
    "max_memory_usage = 4000000000",
    "output_format_json_quote_64bit_integers = 0",
    "output_format_json_quote_denormals = 0",
    "output_format_json_validate_utf8 = 1",
    "output_format_json_named_tuples_as_objects = 1",
    "readonly = 1",
)


class ChdbReading:
    """`owned`: this process has the store open already."""

    def __init__(self, path: Path, database: str, *, owned: bool = False) -> None:
        if not owned:
            check_existing(path)
        self._session = Session(path)
        try:
            self._begin(path, database)
        except BaseException:
            self.close()
            raise

    def _begin(self, path: Path, database: str) -> None:
        if not self._session.number(f"SELECT count() FROM system.databases WHERE name = {quote(database)}"):
            raise InputError(f"{path}: this store has no database {database!r}; check [store] database")
        self._session.use(database)
        if self._session.number("EXISTS TABLE migrations"):
            migrate.check_age(self._session.number("SELECT max(number) FROM migrations"))
        self._session.run("SET " + ", ".join(_SETTINGS))

    def query(self, sql: str, fmt: str) -> Generator[bytes]:
        try:
            yield from self._session.pieces(check_reading(sql), fmt)
        except RuntimeError as error:
            raise faults.of_question(error) from None

    def close(self) -> None:
        self._session.close()
