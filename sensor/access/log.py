"""The access log: what people and programs did, in a chain of hashes.

A record is chained and durable in the console's own file when `record` returns, in the same transaction as the change
that it tells of where that is there too. From the file it goes to the table `access_log` of the store, in order; what
was delivered already is known by the highest number there.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from detectors.outputs.chain import Chain
from sensor.alerts import ask
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sensor.access.database import Database
    from sensor.access.who import Who
    from sensor.store import Saying

COLUMNS = ("seq", "ts", "who", "role", "via", "address", "what", "target", "before", "after")
TABLE, HEADS = "access_log", "access_heads"
_AT_ONCE = 1_000  # records of one delivery
_LONGEST = 20_000  # characters of `before` or `after`


class AccessLog:
    """`news`: called when there is something to deliver."""

    def __init__(self, database: Database, news: Callable[[], None] = lambda: None) -> None:
        self._database, self.news = database, news

    def record(
        self,
        who: Who,
        what: str,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        *,
        target: str = "",
        address: str = "",
    ) -> None:
        """`what`: noun and verb, as in `users.add`; `before`, `after`: what changed, never a secret."""
        told = {"who": who.name, "role": who.role.value, "via": who.via, "address": address, "what": what}
        told |= {"target": target, "before": _text(before), "after": _text(after)}
        with self._database.change():
            chain, _ = self._chain()
            row = {"ts": time.time_ns(), **told}
            seq, prev, digest = chain.add(row)
            whole = orjson.dumps({**row, "seq": seq, "prev_hash": prev, "hash": digest}).decode()
            self._database.run("INSERT INTO waiting VALUES (?, ?)", seq, whole)
            self._database.run("UPDATE chain SET seq = ?, head = ?", seq, digest)
        self.news()

    def _chain(self) -> tuple[Chain, str]:
        """The chain's end, and its name."""
        [row] = self._database.rows("SELECT * FROM chain")
        chain = Chain("", "", row["name"], COLUMNS)
        if row["seq"]:
            chain.restore([row["seq"], row["head"]])
        return chain, row["name"]

    def waiting(self) -> int:
        found = self._database.one("SELECT count(*) AS n FROM waiting")
        return int(found["n"]) if found else 0

    def deliver(self, store: Saying, *, wait: bool = False) -> int:
        """Takes what waits to the store; gives the records that went. `wait`: for another process or thread that does.
        StoreError: they stay."""
        went = 0
        with self._alone(wait=wait) as mine:
            while mine and (rows := self._database.rows("SELECT * FROM waiting ORDER BY seq LIMIT ?", _AT_ONCE)):
                went += self._deliver(store, rows)
        return went

    def _deliver(self, store: Saying, rows: list[dict[str, Any]]) -> int:
        _, name = self._chain()
        there = int(ask(store, f"SELECT max(seq) AS last FROM {TABLE} WHERE run = {quote(name)}")[0]["last"])
        new = [orjson.loads(row["row"]) | {"run": name} for row in rows if row["seq"] > there]
        if new:
            store.record(TABLE, "", new)
        head = {"run": name, "ts": time.time_ns()}
        last = orjson.loads(rows[-1]["row"])
        store.record(HEADS, "", [head | {"seq": last["seq"], "hash": last["hash"]}])
        self._database.run("DELETE FROM waiting WHERE seq <= ?", rows[-1]["seq"])
        return len(new)

    @contextmanager
    def _alone(self, *, wait: bool) -> Iterator[bool]:
        """False: another process delivers."""
        handle = os.open(self._database.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(handle)


def _text(told: Mapping[str, object] | None) -> str:
    if told is None:
        return ""
    text = orjson.dumps(dict(told), default=str, option=orjson.OPT_SORT_KEYS).decode()
    return text if len(text) <= _LONGEST else orjson.dumps({"cut": text[:_LONGEST]}).decode()
