"""The schema of a server brought up to date, by one process at a time, however many begin at once."""

from __future__ import annotations

import time
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

from sensor.errors import StoreError
from sensor.store import migrate
from sensor.store.case_store import TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sensor.store.server.native import NativeSession

_LOCK = "migrating"  # a table: only one of several that make it at once succeeds
_STALE = 60  # seconds without a sign of whoever holds it
_PATIENCE = 600  # seconds
_LOOK = 0.3


def bring(made: NativeSession, database: str) -> None:
    """Makes database and tables, or brings them up to date."""
    if not made.number(f"SELECT count() FROM system.databases WHERE name = '{database}'"):
        made.run(f"CREATE DATABASE IF NOT EXISTS {database}")
    made.use(database)
    if not _lacking(made):
        return
    with _locked(made) as sign:
        made.run(migrate.LEDGER)

        def run(sql: str) -> str:
            sign()
            return made.run(sql)

        migrate.migrate(run, migrate.applied(made.run))
        expect_tokens(made)


def _lacking(made: NativeSession) -> bool:
    if not made.number("EXISTS TABLE migrations"):
        return True
    done = migrate.applied(made.run)
    migrate.check_age(max(done, default=0))
    return any(number not in done for number, _, _ in migrate.available())


def expect_tokens(made: NativeSession) -> None:
    """Every table of rows knows the batches that came last, so that one may be delivered again."""
    tables = made.run(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        " AND engine NOT LIKE 'Replicated%' AND engine_full NOT LIKE '%non_replicated_deduplication_window%'"
    ).split()
    for table in tables:
        made.run(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = {TOKENS}")


@contextmanager
def _locked(made: NativeSession) -> Iterator[Callable[[], object]]:
    """Gives what shows that the holder is still there. Whoever waits goes on when the other has done it all: each
    statement may be repeated."""
    name = token_hex(8)
    end = time.monotonic() + _PATIENCE
    while not _taken(made, name):
        if time.monotonic() > end:
            raise StoreError(f"another process has been changing the schema for {_PATIENCE} s; look at what it does")
        time.sleep(_LOOK)
    try:
        yield lambda: made.run(f"ALTER TABLE {_LOCK} MODIFY COMMENT '{name} {time.time_ns()}'")
    finally:
        made.run(f"DROP TABLE IF EXISTS {_LOCK} SYNC")


def _taken(made: NativeSession, name: str) -> bool:
    try:
        made.run(f"CREATE TABLE {_LOCK} (held UInt8) ENGINE = MergeTree ORDER BY held COMMENT '{name}'")
    except StoreError:
        age = made.run(
            "SELECT toInt64(now() - metadata_modification_time) FROM system.tables"
            f" WHERE database = currentDatabase() AND name = '{_LOCK}'"
        ).split()
        if age and int(age[0]) > _STALE:  # its holder was killed
            made.run(f"DROP TABLE IF EXISTS {_LOCK} SYNC")
        return False
    return True
