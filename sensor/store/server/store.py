"""A server or cluster as a sensor, a replay or an analyst writes to it. Several may at once."""

from __future__ import annotations

from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING

from sensor.ledger.config import folder_of
from sensor.store.case_store import CaseStore
from sensor.store.chdb_writing import book_of
from sensor.store.server import layout as rewriting
from sensor.store.server import upgrade
from sensor.store.server.connect import check_writing, located, session
from sensor.store.server.nodes import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sensor.store import Layout
    from sensor.store.server.connect import Session

# A batch is one insert, there when it was acknowledged: it waits in no queue of the server's. What comes again with its
# token is left out, in the tables and in those that are made of them.
_SETTINGS = {
    "max_partitions_per_insert_block": 0,
    "lightweight_deletes_sync": 2,
    "date_time_input_format": "basic",
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "distributed_foreground_insert": 1,
    "distributed_product_mode": "global",
    "output_format_json_quote_64bit_integers": 0,
}


class ServerStore(CaseStore):
    def __init__(self, location: str, database: str, sensor: str, layout: Layout) -> None:
        self._place, self._database = located(location, database)
        self._cluster = layout.cluster
        made = session(self._place, _SETTINGS)
        try:
            check_writing(made, self._place)
            if layout.cluster:
                upgrade.bring_cluster(made, self._place, self._database, layout, _SETTINGS)
            else:
                upgrade.bring(made, self._database, layout)
            made.use(self._database)
        except BaseException:
            made.close()
            raise
        self._made = made
        tokens = _Tokens(made)
        super().__init__(tokens, sensor, book_of(tokens, sensor, layout, folder_of(location, layout.ledger, database)))

    def expect_tokens(self) -> None:
        """Tables of a server know them from the start."""

    def _delete(self, table: str, condition: str) -> int:
        if not self._cluster:
            return super()._delete(table, condition)
        found = self._session.number(f"SELECT count() FROM {table} WHERE {condition}")
        if found:
            place = f"{rewriting.local(self._database)}.{table}"
            with nodes(self._made, self._place, self._cluster, _SETTINGS) as machines:
                for node in machines:
                    if node.first:
                        node.made.run(f"DELETE FROM {place} WHERE {condition}")
        return found


class _Tokens:
    """Every insert has a token, so that one that is tried again is not written twice."""

    def __init__(self, made: Session) -> None:
        self._made = made
        self._name, self._count = token_hex(8), count()
        self.run, self.number, self.pieces, self.close = made.run, made.number, made.pieces, made.close

    def insert(self, table: str, columns: Sequence[str], data: Iterable[bytes], fmt: str, token: str = "") -> None:
        self._made.insert(table, columns, data, fmt, token or f"{self._name}-{next(self._count)}")
