"""Questions to a server: read-only, bounded in time and memory, rows seen once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.store import faults, migrate
from sensor.store.bounds import ANY, Bounds
from sensor.store.guard import check_reading, tokens
from sensor.store.server.connect import check_database, located, readonly, session

if TYPE_CHECKING:
    from collections.abc import Generator

# As of an embedded store. A join of Distributed tables is made of whole tables, never of one shard's parts.
_SETTINGS = {
    "final": 1,
    "max_memory_usage": 4_000_000_000,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "output_format_json_validate_utf8": 1,
    "output_format_json_named_tuples_as_objects": 1,
    "distributed_product_mode": "global",
}


def _checked(sql: str) -> str:
    """An embedded store refuses settings in the SQL by itself; here those of a part of the SQL would pass."""
    sql = check_reading(sql)
    found = tokens(sql)
    for (kind, text), (follower, _), (_, sign) in zip(found, found[1:], found[2:], strict=False):
        if (kind, text.lower(), follower, sign) == ("word", "settings", "word", "="):
            raise InputError("SETTINGS are not allowed in the SQL: they could lift what bounds a question")
    return sql


class ServerReading:
    def __init__(self, location: str, database: str, bounds: Bounds = ANY) -> None:
        place, database = located(location, database)
        plain = session(place, {})
        try:
            bound = readonly(plain)
            check_database(plain, place, database)
        finally:
            plain.close()
        if bound == 1:
            raise InputError(
                f"{place}: user {place.user!r} is bound to readonly = 1, under which replaced rows are seen as well;"
                " give it readonly = 2, with which it may choose settings and write nothing"
            )
        settings = _SETTINGS | bounds.settings() | ({} if bound else {"readonly": 1})
        self._session = session(place, settings)
        try:
            self._session.use(database)
            if self._session.number("EXISTS TABLE migrations"):
                migrate.check_age(self._session.number("SELECT max(number) FROM migrations"))
        except BaseException:
            self.close()
            raise

    def query(self, sql: str, fmt: str, *, final: bool = True) -> Generator[bytes]:
        try:
            yield from self._session.pieces(_checked(sql), fmt, {} if final else {"final": 0})
        except RuntimeError as error:
            raise faults.of_question(error) from None

    def close(self) -> None:
        self._session.close()
