"""Where rows, alerts and verdicts live. `Store` is what the rest of the program knows of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sensor.errors import InputError
from sensor.ledger.config import LedgerSection
from sensor.store.bounds import ANY
from sensor.store.server.place import SCHEMES, is_server

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping, Sequence

    from sensor.keeper.client import KeeperStore
    from sensor.spool import Batch
    from sensor.store.bounds import Bounds

SERVER_SCHEMES = tuple(f"{scheme}://" for scheme in SCHEMES)


@dataclass(frozen=True, slots=True)
class Layout:
    """How tables lie. `cluster`: its name on a server; empty: one server. `replicated`: whether tables are copied among
    the replicas of a shard, for which the cluster needs a Keeper. `partition`: `month`, `week` or `day`. Days that rows
    of live runs are kept, 0 for ever. `ledger`: how records are committed to."""

    cluster: str = ""
    replicated: bool = True
    partition: str = "month"
    keep_days: int = 0
    keep_alert_days: int = 0
    ledger: LedgerSection = field(default_factory=LedgerSection)


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """What is known of a capture before its first row is stored. `id` is derived from its content."""

    id: str
    path: str
    format: str = ""
    bytes: int = 0
    size: int = 0  # of the file
    modified: int = 0  # the file's time, nanoseconds
    shift: int = 0  # added to the times of its packets, nanoseconds


class Reading(Protocol):
    """An open store that answers questions and changes nothing."""

    def query(self, sql: str, fmt: str, *, final: bool = True) -> Generator[bytes]:
        """The answer in a ClickHouse format, in pieces. InputError: wrong SQL, or more than reading. `final` False:
        rows that others replaced are seen as well, which spares the search for them; the question sorts them out."""

    def close(self) -> None: ...


class Saying(Reading, Protocol):
    """An open store that also takes what people and other programs say."""

    def record(self, table: str, case: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Writes rows of any case that come from outside; they are durable when this returns."""


class Store(Saying, Protocol):
    """An open store that also writes. What `flush` has returned from survives `kill -9`. An embedded store has one
    writer; a server has many, each of which begins its own cases."""

    def begin_case(self, case: str, captures: Sequence[CaptureFacts]) -> int:
        """Registers captures; rows that an earlier run left of them are deleted. Gives the rows deleted."""

    def append(self, table: str, rows: Any) -> None:
        """Keeps a table for the next write of its kind; its columns go in by name.

        `rows`: a table of the packet path, or any that hands out an Arrow stream. Tables of one name are of one kind.
        """

    def upsert(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Writes rows that replace earlier ones of the same key."""

    def flush(self) -> None:
        """Writes whatever `append` kept."""

    def expect_tokens(self) -> None:
        """Makes the tables remember batches, for `deliver`."""

    def deliver(self, batch: Batch) -> None:
        """Writes a batch of a spool; one that was written before is not written again."""

    def remove(self, case: str, runs: Sequence[str] = (), *, who: str, why: str) -> None:
        """Says in the ledger that a case (only these runs of it) is about to be taken away on purpose."""

    def rotate_key(self) -> None:
        """A new key for the ledger; the old one says so."""

    def tick(self) -> None:
        """Whatever is due by the clock; now and then, from processes that stay."""

    def go_on_with(self, case: str, captures: Sequence[CaptureFacts]) -> None:
        """Instead of `begin_case`: what an earlier run left stays. `mark` follows."""

    def mark(self, name: str) -> None:
        """From here on batches have tokens of this name: whoever begins here again stores none of them twice."""

    def delete_case(self, case: str, kept: Collection[str]) -> dict[str, int]:
        """Takes away all rows of a case but those of the tables `kept`; gives how many of each."""

    def finish_case(self, found: Mapping[str, Mapping[str, object]]) -> None:
        """Everything came; `found`: columns of the table `captures` by capture id."""


def open_reading(location: str, database: str) -> Reading:
    """Opens an existing store to read. StoreError or InputError says why not."""
    _check_named(location)
    if is_server(location):
        from sensor.store.server.reading import ServerReading

        return ServerReading(location, database)
    if keeper := _keeper(location):
        return keeper
    from sensor.store.chdb_reading import ChdbReading

    return ChdbReading(Path(location), database)


def open_beside(location: str, database: str, bounds: Bounds = ANY) -> Reading:
    """Opens a store to read that this process has open to write. Several answer beside each other."""
    if is_server(location):
        from sensor.store.server.reading import ServerReading

        return ServerReading(location, database, bounds)
    from sensor.store.chdb_reading import ChdbReading

    return ChdbReading(Path(location), database, bounds, owned=True)


def open_saying(
    location: str, database: str, sensor: str, layout: Layout | None = None, *, make: bool = False
) -> Saying:
    """Opens an existing store, or where it may be made a new one, to record what people say. StoreError or InputError
    says why not."""
    _check_named(location)
    if not is_server(location) and (keeper := _keeper(location)):
        return keeper
    if not make:
        check_store(location, database)
    return open_store(location, database, sensor, layout)


def check_store(location: str, database: str) -> None:
    """Refuses a place that holds no store yet: not every command that writes may make one."""
    _check_named(location)
    if is_server(location):
        open_reading(location, database).close()
        return
    from sensor.store.directory import check_existing

    check_existing(Path(location))


def open_store(location: str, database: str, sensor: str, layout: Layout | None = None) -> Store:
    """Opens a store to write, making or migrating it first. StoreError or InputError says why not."""
    _check_named(location)
    if is_server(location):
        from sensor.store.server.store import ServerStore

        return ServerStore(location, database, sensor, layout or Layout())
    from sensor.store.chdb_writing import ChdbStore

    return ChdbStore(Path(location), database, sensor, layout or Layout())


def _keeper(location: str) -> KeeperStore | None:
    """Whoever owns the embedded store while a sensor runs."""
    from sensor.places import socket_of

    if not socket_of(location).exists():
        return None
    from sensor.keeper.client import keeper_of

    return keeper_of(location)


def _check_named(location: str) -> None:
    if not location:
        raise InputError(
            "the store's path is empty; name a directory with --store, or a server: clickhouse://host/database"
        )
