"""The schema of a server or cluster brought up to date, by one process at a time, however many begin at once."""

from __future__ import annotations

import time
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

from sensor.errors import StoreError
from sensor.store import keeping, migrate
from sensor.store.case_store import TOKENS
from sensor.store.server import layout as rewriting
from sensor.store.server.nodes import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sensor.store import Layout
    from sensor.store.server.connect import Session
    from sensor.store.server.nodes import Node
    from sensor.store.server.place import Place

_LOCK = "migrating"  # a table: of several that make it at once only one succeeds
_STALE = 60  # seconds without a sign of whoever holds it
_PATIENCE = 600  # seconds
_LOOK = 0.3
_TABLES = (
    "SELECT name, engine, sorting_key FROM system.tables WHERE database = '{0}' AND name NOT LIKE '.inner%'"
    f" AND name != '{_LOCK}' AND (engine LIKE '%MergeTree' OR engine = 'MaterializedView'"
    " AND create_table_query NOT LIKE '% TO %') ORDER BY name"
)


def bring(made: Session, database: str, layout: Layout) -> None:
    """One server: makes database and tables, or brings them up to date."""
    if not made.number(f"SELECT count() FROM system.databases WHERE name = '{database}'"):
        made.run(f"CREATE DATABASE IF NOT EXISTS {database}")
    made.use(database)
    if _lacking(made):
        with _locked(made) as sign:
            made.run(migrate.LEDGER)

            def run(sql: str) -> str:
                sign()
                return made.run(keeping.partitioned(sql, layout.partition))

            migrate.migrate(run, migrate.applied(made.run))
            _expect_tokens(made)
    keeping.keep(made.run, layout)


def bring_cluster(made: Session, place: Place, database: str, layout: Layout, settings: Mapping[str, object]) -> None:
    """Every machine of a cluster. One that came later gets what the others have."""
    here = rewriting.local(database)
    if not _lacks_layer(made, database, layout.cluster):
        return
    with nodes(made, place, layout.cluster, settings) as found:
        for node in found:
            node.made.run(f"CREATE DATABASE IF NOT EXISTS {here}")
            node.made.run(f"CREATE DATABASE IF NOT EXISTS {database}")
            node.made.use(here)
        with _locked(found[0].made) as sign:
            members = [node for node in found if node.made.number("EXISTS TABLE migrations")] or found
            _migrate(members, here, layout, sign)
            for node in found:
                if node not in members:
                    _copy(members[0].made, node.made, here)
                _expect_tokens(node.made)
                keeping.keep(node.made.run, layout)
                _lay(node.made, database, layout.cluster)


def _migrate(members: Sequence[Node], here: str, layout: Layout, sign: Callable[[], object]) -> None:
    """Statement by statement on all: copies of a table are made while no copy is a step ahead."""
    for node in members:
        node.made.run(migrate.LEDGER)
    done = [migrate.applied(node.made.run) for node in members]
    migrate.check_age(max((max(numbers, default=0) for numbers in done), default=0))
    for number, name, sql in migrate.available():
        lacking = [node for node, numbers in zip(members, done, strict=True) if number not in numbers]
        for statement in rewriting.statements(migrate.statements(sql), number) if lacking else ():
            sign()
            text = keeping.partitioned(statement, layout.partition)
            if layout.replicated:
                text = rewriting.replicated(text, layout.cluster, here, number)
            moves = layout.replicated and text.lstrip().upper().startswith("INSERT")
            for node in lacking:
                if node.first or not moves:
                    node.made.run(text)
        for node in lacking:
            node.made.run(f"INSERT INTO migrations (number, name) VALUES ({number}, '{name}')")


def _copy(source: Session, target: Session, here: str) -> None:
    """Tables first, then what is made of them; the ledger with its rows last: it says that all is there."""
    rows = source.pieces(
        "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND name NOT LIKE"
        f" '.inner%' AND name NOT IN ('{_LOCK}', 'migrations')"
        " ORDER BY engine = 'View', engine = 'MaterializedView', name",
        "JSONEachRow",
    )
    import orjson

    for line in b"".join(rows).splitlines():
        query = str(orjson.loads(line)["create_table_query"])
        for kind in ("TABLE", "VIEW", "MATERIALIZED VIEW"):
            if query.startswith(f"CREATE {kind} {here}."):
                target.run(query.replace(f"CREATE {kind} ", f"CREATE {kind} IF NOT EXISTS ", 1))
    target.run(migrate.LEDGER)
    names = {number: name for number, name, _ in migrate.available()}
    for number in sorted(migrate.applied(source.run) & set(names)):
        target.run(f"INSERT INTO migrations (number, name) VALUES ({number}, '{names[number]}')")


def _lay(made: Session, database: str, cluster: str) -> None:
    """The Distributed tables and the views over them, where they lack or are not as the tables below are."""
    here = rewriting.local(database)
    for row in made.run(_TABLES.format(here)).splitlines():
        name, engine, sorting_key = row.split("\t")
        wanted, found = (_columns(made, place, name) for place in (here, database))
        over = f"database = '{database}' AND name = '{name}' AND startsWith(engine_full, 'Distributed(\\'{cluster}\\'')"
        if wanted != found or not made.number(f"SELECT count() FROM system.tables WHERE {over}"):
            table = rewriting.Table(name, engine, sorting_key, frozenset(column.split()[0] for column in wanted))
            made.run(rewriting.distributed(table, cluster, database))
    views = f"SELECT name FROM system.tables WHERE database = '{here}' AND engine = 'View' ORDER BY name"
    for name in made.run(views).split():
        select = made.run(f"SELECT as_select FROM system.tables WHERE database = '{here}' AND name = '{name}'")
        made.run(rewriting.view(name, select, database))


def _columns(made: Session, database: str, table: str) -> list[str]:
    place = f"database = '{database}' AND table = '{table}'"
    return made.run(f"SELECT name, type FROM system.columns WHERE {place} ORDER BY position").splitlines()


def _lacking(made: Session) -> bool:
    if not made.number("EXISTS TABLE migrations"):
        return True
    done = migrate.applied(made.run)
    migrate.check_age(max(done, default=0))
    return any(number not in done for number, _, _ in migrate.available())


def _lacks_layer(made: Session, database: str, cluster: str) -> bool:
    """Whether a shard lacks a migration, or this machine the tables over all shards."""
    if not made.number(f"EXISTS TABLE {database}.migrations"):
        return True
    shards = made.number(f"SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = '{cluster}'")
    try:
        rows = made.run(
            f"SELECT number, count() FROM (SELECT DISTINCT number, _shard_num FROM {database}.migrations)"
            " GROUP BY number"
        )
    except StoreError:  # a shard that came later has no tables yet
        return True
    found = {int(row.split()[0]): int(row.split()[1]) for row in rows.splitlines()}
    migrate.check_age(max(found, default=0))
    return any(found.get(number, 0) < shards for number, _, _ in migrate.available())


def _expect_tokens(made: Session) -> None:
    """Every table of rows knows the batches that came last, so that one may be delivered again, however late."""
    tables = made.run(
        "SELECT name, engine LIKE 'Replicated%' FROM system.tables WHERE database = currentDatabase()"
        " AND engine LIKE '%MergeTree' AND engine_full NOT LIKE '%deduplication_window = %'"
        f" AND name != '{_LOCK}'"
    ).splitlines()
    for row in tables:
        name, copied = row.split("\t")
        window = (
            f"replicated_deduplication_window = {TOKENS}, replicated_deduplication_window_seconds = 31536000"
            if copied in ("1", "True")
            else f"non_replicated_deduplication_window = {TOKENS}"
        )
        made.run(f"ALTER TABLE `{name}` MODIFY SETTING {window}")


@contextmanager
def _locked(made: Session) -> Iterator[Callable[[], object]]:
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


def _taken(made: Session, name: str) -> bool:
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
