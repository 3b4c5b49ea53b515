"""A server as a sensor, a replay or an analyst writes to it. Several may at once."""

from __future__ import annotations

from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.store.case_store import CaseStore
from sensor.store.server import upgrade
from sensor.store.server.connect import check_writing, located, session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sensor.store import Layout
    from sensor.store.server.native import NativeSession

# A batch is one insert, there when it was acknowledged: it waits in no queue of the server's. What comes again with its
# token is left out, in the tables and in those that are made of them.
_SETTINGS = {
    "max_partitions_per_insert_block": 0,
    "lightweight_deletes_sync": 2,
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "distributed_foreground_insert": 1,
    "distributed_product_mode": "global",
    "output_format_json_quote_64bit_integers": 0,
}


class ServerStore(CaseStore):
    def __init__(self, location: str, database: str, sensor: str, layout: Layout) -> None:
        place, database = located(location, database)
        made = session(place, _SETTINGS)
        try:
            _check_layout(layout)
            check_writing(made, place)
            upgrade.bring(made, database)
            made.use(database)
        except BaseException:
            made.close()
            raise
        super().__init__(_Tokens(made), sensor)

    def expect_tokens(self) -> None:
        """Tables of a server know them from the start."""


def _check_layout(layout: Layout) -> None:
    if layout.cluster:
        raise InputError("tables cannot be laid over a cluster yet; name one server")


class _Tokens:
    """Every insert has a token, so that one that is tried again is not written twice."""

    def __init__(self, made: NativeSession) -> None:
        self._made = made
        self._name, self._count = token_hex(8), count()
        self.run, self.number, self.pieces, self.close = made.run, made.number, made.pieces, made.close

    def insert(self, table: str, columns: Sequence[str], data: Iterable[bytes], fmt: str, token: str = "") -> None:
        self._made.insert(table, columns, data, fmt, token or f"{self._name}-{next(self._count)}")
