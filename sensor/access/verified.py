"""Is the access log of a store as it was written?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from detectors.outputs.verify import faults
from sensor.access.log import COLUMNS, HEADS, TABLE
from sensor.alerts import ask
from sensor.ledger.outputs import Last, Name, Verified, has_table, plain_hashes
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensor.store import Reading

CASE = "access log"  # what stands where chains of outputs have their case


def verify(store: Reading) -> Iterator[Verified]:
    """Every chain of the access log: one a console."""
    if not has_table(store, TABLE):
        return
    for row in ask(
        store, f"SELECT DISTINCT run FROM (SELECT run FROM {TABLE} UNION ALL SELECT run FROM {HEADS}) ORDER BY run"
    ):
        yield _verified(store, row["run"])


def _verified(store: Reading, run: str) -> Verified:
    noted = ask(store, f"SELECT seq, hash FROM {HEADS} FINAL WHERE run = {quote(run)}")
    head = (int(noted[0]["seq"]), str(noted[0]["hash"])) if noted else None
    last = Last()
    # A console that was killed between records and the note of them has records beyond it.
    found = faults(lambda: last.of(_records(store, run)), ("", "", run), head, open_end=True, columns=COLUMNS)
    return Verified(Name("", CASE, run), last.count, last.hash, True, found)


def _records(store: Reading, run: str) -> Iterator[dict[str, Any]]:
    names = ", ".join(name for name in (*COLUMNS, "prev_hash", "hash") if name not in ("seq", "ts"))
    sql = (
        f"SELECT toString(seq) AS n, toString(toUnixTimestamp64Nano(ts)) AS at, {names} FROM {TABLE}"
        f" WHERE run = {quote(run)} ORDER BY {TABLE}.seq, {TABLE}.hash"
    )
    rest = b""
    for piece in store.query(sql, "JSONEachRow"):
        *lines, rest = (rest + piece).split(b"\n")
        yield from map(_row, lines)
    if rest:
        yield _row(rest)


def _row(line: bytes) -> dict[str, Any]:
    row = orjson.loads(line)
    return plain_hashes(row | {"seq": int(row.pop("n")), "ts": int(row.pop("at"))})
