"""Questions that the ledger asks of a store, the same to one that is open to write and to one that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import orjson

from sensor.ledger.encoding import Encoder
from sensor.ledger.leaves import ENTRY
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from sensor.ledger.streams import Stream

    Ask = Callable[[str], Iterator[list[Any]]]


class _Asked(Protocol):
    def __call__(self, sql: str, fmt: str, /) -> Generator[bytes]: ...


def asking(query: _Asked) -> Ask:
    """Rows as lists, read as they come."""

    def ask(sql: str) -> Iterator[list[Any]]:
        rest = b""
        for piece in query(sql, "JSONCompactEachRow"):
            whole, _, rest = (rest + piece).rpartition(b"\n")
            if whole:
                yield from orjson.loads(b"[%b]" % whole.replace(b"\n", b","))  # text has no line ends in JSON
        if rest:
            yield orjson.loads(rest)

    return ask


def encoders_of(ask: Ask, tables: Iterable[str]) -> dict[str, Encoder]:
    """By table, of those that are there."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, name, named in ask(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
        f" AND table IN ({', '.join(map(quote, tables))}) AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')"
    ):
        found.setdefault(table, []).append((name, named))
    return {table: Encoder(columns) for table, columns in found.items()}


def encoder_of(ask: Ask, table: str) -> Encoder:
    return encoders_of(ask, [table])[table]


def records_sql(stream: Stream, encoder: Encoder, where: str = "1") -> str:
    """Case, key and hash of every record as it is stored now, those of one key together."""
    return (
        f"SELECT toString(case_id) AS of_case, {key_sql(stream, encoder)} AS of_key,"
        f" lower(hex(SHA256({encoder.sql()}))) AS hashed FROM {stream.table} WHERE {where}"
    )


def key_sql(stream: Stream, encoder: Encoder) -> str:
    return " || '/' || ".join(encoder.text_sql(column) for column in stream.key)


# Number, hash, chain and seal of leaves.
LEAVES = (
    f"SELECT toString(leaf_index) AS place, lower(hex(SHA256(concat(char(0), {ENTRY.sql()})))) AS hashed, chain, seal"
    " FROM ledger_leaves"
)


def of_tree(log: str, stream: str) -> str:
    return f"log = {quote(log)} AND stream = {quote(stream)}"
