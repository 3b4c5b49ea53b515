"""The embedded store, opened to write: made or migrated first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.ledger.config import folder_of
from sensor.store import directory, keeping, migrate
from sensor.store.case_store import CaseStore
from sensor.store.chdb_session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from sensor.ledger.book import Book
    from sensor.store import Layout
    from sensor.store.case_store import Session as Writing

# One thread: an insert of sorted rows is cheaper without handing blocks around, and the engine's workers
# need the other cores. A capture whose clock jumps may touch many months.
_SETTINGS = (
    "max_threads = 1",
    "max_insert_threads = 1",
    "input_format_parallel_parsing = 0",
    "max_partitions_per_insert_block = 0",
    "lightweight_deletes_sync = 2",
    "date_time_input_format = 'basic'",
)


class ChdbStore(CaseStore):
    def __init__(self, path: Path, database: str, sensor: str, layout: Layout) -> None:
        directory.prepare(path)
        self.path = path
        session = Session(path)
        try:
            prepare(session, database, layout)
        except BaseException:
            session.close()
            raise
        folder = folder_of(str(path), layout.ledger, database)
        super().__init__(session, sensor, book_of(session, sensor, layout, folder))


def book_of(session: Writing, sensor: str, layout: Layout, folder: Path) -> Book | None:
    if not layout.ledger.enabled:
        return None
    from sensor.ledger.book import Book

    return Book(session, sensor, layout.ledger, folder, keeping.days_of(layout))


def prepare(session: Session, database: str, layout: Layout) -> None:
    session.run(f"CREATE DATABASE IF NOT EXISTS {database}")
    session.use(database)
    session.run("SET " + ", ".join(_SETTINGS))
    session.run(migrate.LEDGER)
    migrate.migrate(lambda sql: session.run(keeping.partitioned(sql, layout.partition)), migrate.applied(session.run))
    keeping.keep(session.run, layout)
