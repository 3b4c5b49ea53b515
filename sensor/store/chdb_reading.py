"""Questions to an embedded store: read-only, bounded in time and memory, rows seen once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.store import faults, migrate
from sensor.store.bounds import ANY, Bounds
from sensor.store.chdb_session import Session
from sensor.store.directory import check_existing
from sensor.store.guard import check_reading
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# Besides these `final`, where it is asked for: of rows that replace each other only the latest is seen. 64-bit numbers
# are JSON numbers, what JSON has no number for is null, and bytes of the wire that are no UTF-8 never break a line of
# output.
_SETTINGS = (
    "max_memory_usage = 4000000000",
    "output_format_json_quote_64bit_integers = 0",
    "output_format_json_quote_denormals = 0",
    "output_format_json_validate_utf8 = 1",
    "output_format_json_named_tuples_as_objects = 1",
    "readonly = 1",
)


class ChdbReading:
    """`owned`: this process has the store open already."""

    def __init__(self, path: Path, database: str, bounds: Bounds = ANY, *, owned: bool = False) -> None:
        if not owned:
            check_existing(path)
        self._path, self._database, self._bounds = path, database, bounds
        self._sessions: dict[bool, Session] = {}  # what is set cannot be changed in one that only reads
        self._session(final=True)

    def _session(self, *, final: bool) -> Session:
        if final not in self._sessions:
            made = Session(self._path)
            try:
                self._begin(made, final=final)
            except BaseException:
                made.close()
                raise
            self._sessions[final] = made
        return self._sessions[final]

    def _begin(self, session: Session, *, final: bool) -> None:
        path, database = self._path, self._database
        if not session.number(f"SELECT count() FROM system.databases WHERE name = {quote(database)}"):
            raise InputError(f"{path}: this store has no database {database!r}; check [store] database")
        session.use(database)
        if session.number("EXISTS TABLE migrations"):
            migrate.check_age(session.number("SELECT max(number) FROM migrations"))
        bounds = [f"{name} = {value}" for name, value in self._bounds.settings().items()]
        session.run(f"SET final = {int(final)}, " + ", ".join([*bounds, *_SETTINGS]))

    def query(self, sql: str, fmt: str, *, final: bool = True) -> Generator[bytes]:
        try:
            yield from self._session(final=final).pieces(check_reading(sql), fmt)
        except RuntimeError as error:
            # What a question that failed had begun to write would stand in front of the next one's answer.
            self._sessions.pop(final).close()
            raise faults.of_question(error) from None

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
