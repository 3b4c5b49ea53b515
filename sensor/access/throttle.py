"""How often a login may be tried: failures make the next try wait, longer each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.access.database import Database

# Failures before one has to wait: of a name from an address, of an address, of a name. The last is high: who knows
# a name must not be able to lock its user out with a few tries.
FREE = {"pair": 5, "address": 20, "name": 50}
_FIRST, _LONGEST = 2.0, 900.0  # seconds; doubled with every further failure
_FORGOTTEN = 3600.0  # seconds without a failure
MOST_KEYS = 100_000


class Throttle:
    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database, self._now = database, now

    def wait(self, name: str, address: str) -> float:
        """Seconds before another try; 0: at once."""
        return max(self._wait(kind, key) for kind, key in _keys(name, address))

    def _wait(self, kind: str, key: str) -> float:
        row = self._database.one("SELECT count, last FROM failures WHERE key = ?", key)
        if row is None or row["count"] < FREE[kind]:
            return 0.0
        pause = min(_LONGEST, _FIRST * 2.0 ** min(row["count"] - FREE[kind], 30))
        return float(max(0.0, row["last"] + pause - self._now()))

    def failed(self, name: str, address: str) -> None:
        now = self._now()
        with self._database.change():
            self._database.run("DELETE FROM failures WHERE last < ?", now - _FORGOTTEN)
            for _, key in _keys(name, address):
                self._database.run(
                    "INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET count = count + 1, last = ?",
                    key, now, now,
                )  # fmt: skip
            sql = "DELETE FROM failures WHERE key IN (SELECT key FROM failures ORDER BY last DESC LIMIT -1 OFFSET ?)"
            self._database.run(sql, MOST_KEYS)

    def succeeded(self, name: str, address: str) -> None:
        for kind, key in _keys(name, address):
            if kind != "address":  # a stranger's own account must not wipe out tries at others
                self._database.run("DELETE FROM failures WHERE key = ?", key)


def _keys(name: str, address: str) -> tuple[tuple[str, str], ...]:
    return ("pair", f"pair {address} {name}"), ("address", f"address {address}"), ("name", f"name {name}")
