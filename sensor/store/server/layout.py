"""The tables of one machine as those of a cluster.

Two databases. `NAME_local` has on every machine what an embedded store has: the migrations run there as they are, but
for the engines. `NAME` has a Distributed table over each of those tables, and every view again over these. Whoever
asks or writes sees `NAME` only. Materialised views stay in `NAME_local`: each machine sums up its own rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# Rows of stores from before there were clusters are moved through tables of this ending; no cluster has any.
_OLDER_THAN_CLUSTERS = 10
_MOVED = re.compile(r"\b\w+_copy\b")
_ENGINE = re.compile(r"\bENGINE\s*=\s*(?!Replicated)(\w*MergeTree)\b(?:\s*\(([^()]*)\))?", re.IGNORECASE)
_MADE = re.compile(r"\bCREATE\s+(?:MATERIALIZED\s+VIEW|TABLE)\s+(?:IF\s+NOT\s+EXISTS\s+)?`?(\w+)`?", re.IGNORECASE)
_JOIN = re.compile(
    r"\b(?:GLOBAL\s+)?((?:(?:ANY|ALL|ASOF|SEMI|ANTI|LEFT|RIGHT|INNER|FULL|OUTER|CROSS)\s+)*)JOIN\b",
    re.IGNORECASE,
)
_ARRAY_JOIN = re.compile(r"\b(?:LEFT\s+)?ARRAY\s+JOIN\b", re.IGNORECASE)
_IN = re.compile(r"\b(?:GLOBAL\s+)?((?:NOT\s+)?IN)\s*\(\s*(SELECT|WITH)\b", re.IGNORECASE)
_OF_ONE = ("sensor", "capture", "run")  # columns that only one sensor's rows share


def local(database: str) -> str:
    return f"{database}_local"


def statements(sql: Iterable[str], number: int) -> list[str]:
    """Those of a migration that a cluster needs."""
    return [one for one in sql if number >= _OLDER_THAN_CLUSTERS or not _MOVED.search(one)]


def replicated(statement: str, cluster: str, database: str, number: int) -> str:
    """With copies in every replica of a shard. The migration's number is in the path: a table that is made anew by a
    later one never meets what a replica still keeps of the old one."""
    made = _MADE.search(statement)
    if made is None:
        return statement
    path = f"/clickhouse/driftspan/{cluster}/{{shard}}/{database}/{made[1]}-{number:04d}"

    def engine(found: re.Match[str]) -> str:
        more = f", {found[2].strip()}" if (found[2] or "").strip() else ""
        return f"ENGINE = Replicated{found[1]}('{path}', '{{replica}}'{more})"

    return _ENGINE.sub(engine, statement, count=1)


class Table(NamedTuple):
    """A table of `NAME_local`, as system.tables has it."""

    name: str
    engine: str
    sorting_key: str
    columns: frozenset[str]


def key(table: Table) -> str:
    """What decides the shard of a row: its sensor, so that one sensor's rows stay together. Rows that others may
    replace under the same key (an incident, joined anew over all sensors) lie where the key says."""
    parts = [part.strip() for part in table.sorting_key.split(",") if part.strip()]
    shared = "Replacing" in table.engine and not any(part in _OF_ONE for part in parts)
    if shared and parts:
        return f"cityHash64({', '.join(parts)})"
    return "cityHash64(sensor)" if "sensor" in table.columns else "rand()"


def distributed(table: Table, cluster: str, database: str) -> str:
    engine = f"Distributed('{cluster}', '{local(database)}', '{table.name}', {key(table)})"
    return f"CREATE OR REPLACE TABLE {database}.`{table.name}` AS {local(database)}.`{table.name}` ENGINE = {engine}"


def view(name: str, select: str, database: str) -> str:
    """A view of `NAME_local` over the Distributed tables: what is joined is gathered once, not asked of every shard by
    every shard."""
    text = re.sub(rf"\b{local(database)}\.", f"{database}.", select)
    arrays: list[str] = []

    def hidden(found: re.Match[str]) -> str:
        arrays.append(found[0])
        return f"\0{len(arrays) - 1}\0"

    text = _ARRAY_JOIN.sub(hidden, text)
    text = _JOIN.sub(r"GLOBAL \1JOIN", text)
    text = _IN.sub(r"GLOBAL \1 (\2", text)
    text = re.sub("\0(\\d+)\0", lambda found: arrays[int(found[1])], text)
    return f"CREATE OR REPLACE VIEW {database}.`{name}` AS {text}"
