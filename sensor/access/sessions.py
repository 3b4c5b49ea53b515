"""Sessions of people: a random name in a cookie, of which only the hash is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sensor.access.roles import Role
from sensor.access.who import Who

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.access.database import Database

MOST = 20  # of a user; the one used longest ago makes room
_NOTED = 30.0  # seconds between two notes that a session was used
_LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds: without a request, and at all."""

    idle: float = 30 * 60.0
    absolute: float = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Session:
    """`id`: the start of its hash, to tell it from others."""

    id: str
    begun: float
    used: float
    address: str
    agent: str


class Sessions:
    def __init__(self, database: Database, now: Callable[[], float], lifetimes: Lifetimes) -> None:
        self._database, self._now, self.lifetimes = database, now, lifetimes

    def begin(self, user: str, address: str, agent: str) -> tuple[str, str]:
        """(what goes into the cookie, CSRF token)."""
        key, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), self._now()
        with self._database.change():
            self._drop_old(user)
            self._database.run(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
                _hash(key), user, csrf, now, now, address, agent[:_LONGEST_AGENT],
            )  # fmt: skip
        return key, csrf

    def _drop_old(self, user: str) -> None:
        now = self._now()
        sql = "DELETE FROM sessions WHERE used < ? OR begun < ?"
        self._database.run(sql, now - self.lifetimes.idle, now - self.lifetimes.absolute)
        many = "SELECT id FROM sessions WHERE user = ? ORDER BY used DESC LIMIT -1 OFFSET ?"
        self._database.run(f"DELETE FROM sessions WHERE id IN ({many})", user, MOST - 1)

    def who(self, key: str, *, used: bool = True) -> Who | None:
        """Whose session this is; None once it is over. `used`: whoever it is asked for something, which keeps the
        session; a page that only stands open does not."""
        row = self._database.one(
            "SELECT s.*, u.role, u.must_change FROM sessions s JOIN users u ON u.name = s.user"
            " WHERE s.id = ? AND NOT u.disabled",
            _hash(key),
        )
        if row is None:
            return None
        now = self._now()
        if now - row["used"] > self.lifetimes.idle or now - row["begun"] > self.lifetimes.absolute:
            self.end(key)
            return None
        if used and now - row["used"] > min(_NOTED, self.lifetimes.idle / 4):
            self._database.run("UPDATE sessions SET used = ? WHERE id = ?", now, row["id"])
        must = "password" if row["must_change"] else ""
        return Who(row["user"], Role(row["role"]), "session", None, row["csrf"], must)

    def end(self, key: str) -> None:
        self._database.run("DELETE FROM sessions WHERE id = ?", _hash(key))

    def end_all(self, user: str, but: str = "") -> int:
        """`but`: the cookie of one that stays."""
        return self._database.run("DELETE FROM sessions WHERE user = ? AND id != ?", user, _hash(but) if but else "")

    def of(self, user: str) -> list[Session]:
        rows = self._database.rows("SELECT * FROM sessions WHERE user = ? ORDER BY used DESC", user)
        return [Session(r["id"][:12], r["begun"], r["used"], r["address"], r["agent"]) for r in rows]

    def is_(self, key: str, identity: str) -> bool:
        """Whether this cookie is of that session."""
        return _hash(key).startswith(identity)


def _hash(key: str) -> str:
    return sha256(key.encode("utf-8", "replace")).hexdigest()
