"""The tamper-evident log of model outputs: written while windows pass, verified from the store."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from detectors.outputs.chain import COLUMNS
from detectors.outputs.verify import Fault, faults
from sensor.alerts import ask
from sensor.store.literal import quote
from sensor.store.rows import run_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from detectors.outputs.observer import Observer
    from detectors.outputs.rows import Inference
    from sensor.store import Reading

_WAITING = 10_000  # records between two writes
_TIMES = ("ts", "source_ts")
_ADDRESSES = ("src_ip", "dst_ip")
_HASH = re.compile(r"[0-9a-f]{64}")


class Sink(Protocol):
    """The writing half of a store."""

    def append(self, table: str, rows: Any) -> None: ...
    def upsert(self, table: str, rows: Iterable[Mapping[str, object]]) -> None: ...
    def flush(self) -> None: ...


class Ledger:
    """Takes the observer's records to the store, and notes there how far the chain went."""

    def __init__(self, store: Sink, observer: Observer) -> None:
        self._store, self._observer = store, observer
        self._waiting: list[Inference] = []

    def begin(self, sensor: str, case: str, captures: Sequence[str]) -> None:
        """A chain of its own for the run of these captures."""
        self._observer.begin(sensor, case, run_id(captures))

    def go_on(self, observer: Observer) -> None:
        """Another observer that took over the chain."""
        self._observer = observer

    def keep(self) -> None:
        """Records of the window that was closed."""
        self._waiting += self._observer.seen.records
        if len(self._waiting) >= _WAITING:
            self.write()

    def write(self) -> None:
        """A double comes back from the store as it went in: its text is the shortest that means it."""
        if self._waiting:
            names = [f.name for f in fields(self._waiting[0])]
            self._store.upsert("inference_log", [{n: getattr(row, n) for n in names} for row in self._waiting])
            self._waiting.clear()

    def note(self, now: int) -> None:
        """What was written is the chain up to here."""
        chain = self._observer.chain
        if chain.seq:
            self._store.upsert("ledger_heads", [{"ts": now, "seq": chain.seq, "hash": chain.head}])


class Name(NamedTuple):
    sensor: str
    case_id: str
    run: str

    @property
    def condition(self) -> str:
        return " AND ".join(f"{column} = {quote(value)}" for column, value in self._asdict().items())


class Verified(NamedTuple):
    """`head`: hash of the last record, `finished`: whether the run came to its end."""

    name: Name
    records: int
    head: str
    finished: bool
    faults: list[Fault]


def verify(store: Reading, case: str | None = None) -> Iterator[Verified]:
    """Every chain of the store, or of a case."""
    where = f" WHERE case_id = {quote(case)}" if case else ""
    of_chain = f"{where}{' AND' if where else ' WHERE'} source != 'host'"
    known = ask(
        store,
        f"SELECT DISTINCT sensor, case_id, run FROM (SELECT sensor, case_id, run FROM inference_log{of_chain}"
        f" UNION ALL SELECT sensor, case_id, run FROM ledger_heads{where}) ORDER BY sensor, case_id, run",
    )
    for row in known:
        yield _verified(store, Name(**row))


def _verified(store: Reading, name: Name) -> Verified:
    noted = ask(store, f"SELECT seq, hash FROM ledger_heads FINAL WHERE {name.condition}")
    finished = not ask(
        store,
        f"SELECT 1 AS n FROM captures FINAL WHERE case_id = {quote(name.case_id)} AND run = {quote(name.run)}"
        " AND NOT finished LIMIT 1",
    )
    head = (int(noted[0]["seq"]), str(noted[0]["hash"])) if noted else None
    last = Last()
    found = faults(lambda: last.of(records(store, name)), name, head, open_end=not finished)
    return Verified(name, last.count, last.hash, finished, found)


class Last:
    """Remembers the end of what passes by."""

    count, hash = 0, ""

    def of(self, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        self.count = 0
        for row in rows:
            self.count, self.hash = self.count + 1, row["hash"]
            yield row


def records(store: Reading, name: Name) -> Iterator[dict[str, Any]]:
    """The rows of a chain as they were hashed, by `seq`."""
    shown = [_shown(column) for column in (*COLUMNS, "prev_hash", "hash")]
    sql = (
        f"SELECT {', '.join(shown)} FROM inference_log WHERE {name.condition} AND source != 'host'"
        " ORDER BY inference_log.seq, inference_log.hash"
    )
    rest = b""
    for piece in store.query(sql, "JSONEachRow"):
        *lines, rest = (rest + piece).split(b"\n")
        yield from map(_row, lines)
    if rest:
        yield _row(rest)


def _shown(column: str) -> str:
    if column in _TIMES:
        return f"toString(toUnixTimestamp64Nano({column})) AS {column}_"
    if column in _ADDRESSES:
        return f"lower(hex({column})) AS {column}_"
    return f"toString({column}) AS {column}_" if column in ("seq", "frame") else f"{column} AS {column}_"


def _row(line: bytes) -> dict[str, Any]:
    row = {name.removesuffix("_"): value for name, value in orjson.loads(line).items()}
    for name in (*_TIMES, "seq", "frame"):
        row[name] = int(row[name])
    if row["confidence"] is not None:
        row["confidence"] = float(row["confidence"])  # JSON has 1 for what was hashed as 1.0
    return plain_hashes(row)


def plain_hashes(row: dict[str, Any]) -> dict[str, Any]:
    """A hash that is none is an empty text."""
    for name in ("prev_hash", "hash"):
        if not _HASH.fullmatch(row[name]):
            row[name] = ""
    return row


def has_table(store: Reading, name: str) -> bool:
    """False in the store of an older program."""
    where = f"database = currentDatabase() AND name = {quote(name)}"
    return bool(int(ask(store, f"SELECT count() AS there FROM system.tables WHERE {where}")[0]["there"]))
