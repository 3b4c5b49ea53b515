"""A case as Parquet files, one a table: for whoever has no ClickHouse. Written under another name first: what is there
is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from sensor.alerts import ask
from sensor.errors import DriftspanError, InputError
from sensor.forensics import tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sensor.forensics.scope import Scope
    from sensor.store import Reading

# Of each table, the columns that say when a row began and ended.
SPANS = {
    "modbus": ("ts", "ts"), "dnp3": ("ts", "ts"), "opcua": ("ts", "ts"), "mqtt": ("ts", "ts"), "tls": ("ts", "ts"),
    "flows": ("first_ts", "last_ts"), "tag_values": ("ts", "ts"), "behaviours": ("ts", "last_ts"),
    "files": ("ts", "ts"),
    "anomalies": ("ts", "ts"), "sightings": ("ts", "ts"), "assets": ("first_seen", "last_seen"),
    "alerts": ("first_ts", "last_ts"), "drift": ("since", "ts"), "incidents": ("first_ts", "last_ts"),
    "inference_log": ("ts", "ts"), "health": ("ts", "ts"), "mirror": ("ts", "last_ts"),
    "captures": ("first_ts", "last_ts"),
}  # fmt: skip


def check(names: Iterable[str]) -> tuple[str, ...]:
    """InputError for a table that there is none of; no name: all."""
    names = tuple(names)
    for name in names:
        if name not in SPANS:
            raise InputError(f"there is no table {name!r} to export; there are {', '.join(SPANS)}")
    return names or tuple(SPANS)


def statement(name: str, scope: Scope, where: str = "") -> str:
    first, last = SPANS[name]
    return f"SELECT * FROM {name} WHERE {scope.where(first, last, f'({where})' if where else '')} ORDER BY {first}"


def export(
    store: Reading, scope: Scope, folder: Path, names: Iterable[str] = (), *, arrow: bool = True
) -> dict[str, int]:
    """Rows by table. Tables without a row have a file as well: their columns are known."""
    wanted = check(names)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: _written(store, scope, folder, name, arrow=arrow) for name in wanted if _there(store, name)}
    except OSError as error:
        raise DriftspanError(f"{folder}: cannot be written: {error.strerror}") from None


def _there(store: Reading, name: str) -> bool:
    """An older program's store may lack one."""
    return bool(ask(store, f"EXISTS TABLE {name}")[0]["result"])


def _written(store: Reading, scope: Scope, folder: Path, name: str, *, arrow: bool) -> int:
    path, rows = folder / f"{name}.parquet", 0
    draft = path.with_suffix(".part")
    found = tables.batches(store, statement(name, scope), arrow=arrow)
    first = next(found)
    with pq.ParquetWriter(draft, first.schema, compression="zstd") as writer:
        for batch in found:
            writer.write_batch(batch)
            rows += batch.num_rows
    draft.replace(path)
    return rows
