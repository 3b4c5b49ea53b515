"""A store as its one writer sees it: cases begun and replaced, rows gathered into few inserts. Same for any engine."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sensor.errors import InputError, StoreError
from sensor.ledger.streams import OF_TABLE
from sensor.program import user_of_system
from sensor.store.batch import batch_for
from sensor.store.literal import quote
from sensor.store.rows import DERIVED, OF_RUN, SUMS, ndjson, run_id

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
    from typing import Protocol

    from sensor.ledger.book import Book
    from sensor.spool import Batch as Delivery
    from sensor.store import CaptureFacts
    from sensor.store.batch import Batch

    class Session(Protocol):
        """A connection of its own to ClickHouse, in whatever way."""

        def run(self, sql: str) -> str: ...
        def number(self, sql: str) -> int: ...
        def pieces(self, sql: str, fmt: str) -> Generator[bytes]: ...
        def insert(
            self, table: str, columns: Sequence[str], data: Iterable[bytes], fmt: str, token: str = ""
        ) -> None: ...
        def close(self) -> None: ...


# An insert costs 10 to 70 ms whatever its size: few large ones. The bytes bound memory.
BATCH_ROWS = 200_000
BATCH_BYTES = 128 * 1024 * 1024
MOST_RECORDS = 20_000  # records of one insert
TOKENS = 10_000  # batches that a table remembers: more than can be under way when a process is killed


class CaseStore:
    """`session`: in the database, whose schema is up to date. It is closed with this. `book`: where records are
    committed to; None: nowhere."""

    def __init__(self, session: Session, sensor: str, book: Book | None = None) -> None:
        self._session = session
        self._book = book
        self._sensor = sensor
        self._case = ""
        self._run = ""
        self._captures: tuple[CaptureFacts, ...] = ()
        self._waiting: dict[str, Batch] = {}
        self._mark = ""
        self._marked: Counter[str] = Counter()

    def begin_case(self, case: str, captures: Sequence[CaptureFacts]) -> int:
        ids = sorted(capture.id for capture in captures)
        self._case = case
        self._run = run_id(ids)
        self._captures = tuple(captures)
        deleted = self._delete_earlier(ids)
        self._register({})
        return deleted

    def go_on_with(self, case: str, captures: Sequence[CaptureFacts]) -> None:
        """A case that was begun before and not finished; `mark` follows."""
        self._case, self._captures = case, tuple(captures)
        self._run = run_id([capture.id for capture in captures])

    def mark(self, name: str) -> None:
        """What is written from here on is not written again by who begins here again under the same name."""
        if not self._mark:
            self.expect_tokens()
        self._mark = name
        self._marked.clear()

    def _token(self, table: str) -> str:
        if not self._mark:
            return ""
        self._marked[table] += 1
        return f"{self._mark}-{table}-{self._marked[table]}"

    def delete_case(self, case: str, kept: Collection[str]) -> dict[str, int]:
        """Takes away all rows of a case but those of the tables `kept`; gives how many of each."""
        found = {}
        for table in self._tables_with("case_id"):
            if table not in kept and (count := self._delete(table, f"case_id = {quote(case)}")):
                found[table] = count
        return found

    def _delete_earlier(self, ids: Sequence[str]) -> int:
        """An earlier run of these captures in this case, whole or killed half-way, leaves nothing behind."""
        wanted = ", ".join(map(quote, ids))
        known = f"case_id = {quote(self._case)} AND id IN ({wanted})"
        runs = self._session.run(f"SELECT DISTINCT run FROM captures WHERE {known}").split()
        if not runs:
            return 0
        self.remove(self._case, runs, who=user_of_system(), why="replayed again")
        deleted = 0
        mine = f"case_id = {quote(self._case)} AND capture IN ({wanted})"
        derived = f"case_id = {quote(self._case)} AND run IN ({', '.join(map(quote, runs))})"
        for table in self._tables_with("capture"):
            if table not in DERIVED:
                deleted += self._delete(table, mine) * (table not in SUMS)
        for table in DERIVED:
            deleted += self._delete(table, derived) * (table not in SUMS)
        return deleted

    def _delete(self, table: str, condition: str) -> int:
        count = self._session.number(f"SELECT count() FROM {table} WHERE {condition}")
        if count:
            self._session.run(f"DELETE FROM {table} WHERE {condition}")
        return count

    def _tables_with(self, column: str) -> list[str]:
        return self._session.run(
            "SELECT table FROM system.columns WHERE database = currentDatabase()"
            f" AND name = {quote(column)} AND table NOT IN (SELECT name FROM system.tables"
            " WHERE database = currentDatabase() AND engine LIKE '%View') ORDER BY table"
        ).split()

    def append(self, table: str, rows: Any) -> None:
        if not self._case:
            raise StoreError("rows were appended before a case was begun")
        waiting = self._waiting.get(table)
        if waiting is None:
            waiting = self._waiting[table] = batch_for(rows, self._constants(table))
        waiting.add(rows)
        if waiting.rows >= BATCH_ROWS or waiting.size >= BATCH_BYTES:
            self._write(table)

    def _constants(self, table: str) -> dict[str, str]:
        constants = {"sensor": self._sensor, "case_id": self._case}
        return {**constants, "run": self._run} if table in OF_RUN else constants

    def _write(self, table: str) -> None:
        waiting = self._waiting.pop(table)
        self._session.insert(table, waiting.columns, waiting.pieces(), waiting.format, self._token(table))

    def flush(self) -> None:
        for table in sorted(self._waiting):
            self._write(table)

    def upsert(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        constants = self._constants(table)
        self._insert(table, [{**row, **constants} for row in rows])

    def record(self, table: str, case: str, rows: Iterable[Mapping[str, object]]) -> None:
        self._insert(table, [{**row, "sensor": self._sensor, "case_id": case} for row in rows])

    def _insert(self, table: str, rows: list[dict[str, object]]) -> None:
        for at in range(0, len(rows), MOST_RECORDS):
            some = rows[at : at + MOST_RECORDS]
            self._put(table, list(some[0]), ndjson(some), "JSONEachRow", self._token(table))

    def _put(self, table: str, columns: Sequence[str], payload: bytes, fmt: str, token: str = "") -> None:
        """A record of a stream together with its leaf."""

        def put() -> None:
            self._session.insert(table, columns, [payload], fmt, token)

        stream = OF_TABLE.get(table) if self._book is not None else None
        if stream is None or self._book is None:
            put()
        else:
            self._book.write(stream, columns, payload, put, token)

    def remove(self, case: str, runs: Sequence[str] = (), *, who: str, why: str) -> None:
        if self._book is not None:
            self._book.removed(case, runs, who=who, why=why)

    def sign(self) -> None:
        if self._book is not None:
            self._book.sign()

    def rotate_key(self) -> None:
        if self._book is None:
            raise InputError("[ledger] enabled is false: there is no key in use")
        self._book.rotate()

    def tick(self) -> None:
        if self._book is not None:
            self._book.tick()

    def expect_tokens(self) -> None:
        """From now on every table of rows knows the batches that came last, so that one may be delivered again."""
        tables = self._session.run(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        ).split()
        for table in tables:
            self._session.run(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = {TOKENS}")

    def deliver(self, batch: Delivery) -> None:
        self._put(batch.table, batch.columns, batch.payload, batch.format, batch.token)

    def finish_case(self, found: Mapping[str, Mapping[str, object]]) -> None:
        self.flush()
        self._register(found)

    def _register(self, found: Mapping[str, Mapping[str, object]]) -> None:
        rows = []
        for facts in self._captures:
            known = found.get(facts.id, {})
            plain = {"id": facts.id, "path": facts.path, "format": facts.format, "bytes": facts.bytes}
            plain |= {"size": facts.size, "modified": facts.modified, "shift": facts.shift}
            counts = {key: known.get(key, 0) for key in ("packets", "first_ts", "last_ts", "truncated_packets")}
            rows.append({"ts": counts["first_ts"], **plain, **counts, **known, "finished": bool(found)})
        self.upsert("captures", rows)

    def query(self, sql: str, fmt: str, *, final: bool = True) -> Generator[bytes]:
        """Our own questions; a user's go through a connection that can only read."""
        yield from self._session.pieces(sql, fmt)

    def close(self) -> None:
        try:
            if self._book is not None:
                self._book.close()
        finally:
            self._session.close()
