"""Tokens of programs: shown once, kept as a hash. One may do what its scopes and its user's role allow, both."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sensor.access.roles import Role, Scope
from sensor.access.who import Who
from sensor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sensor.access.database import Database

MOST = 100  # of a user
PREFIX = "dsp_"  # so that scanners for secrets know one
_NOTED = 60.0  # seconds between two notes that a token was used
_LONGEST = 100  # characters of a label
FIXED = Who("token", Role.ENGINEER, "token", frozenset({Scope.READ, Scope.INTAKE}))


@dataclass(frozen=True, slots=True)
class Token:
    """Times: seconds since the epoch, 0: never."""

    id: str
    user: str
    label: str
    scopes: tuple[Scope, ...]
    made: float
    expires: float
    used: float


class Tokens:
    """`fixed`: one from outside (`[console] token_file`, DRIFTSPAN_TOKEN), to read and to hand in records; or empty."""

    def __init__(self, database: Database, now: Callable[[], float], fixed: str = "") -> None:
        self._database, self._now, self._fixed = database, now, fixed

    def make(self, user: str, label: str, scopes: Collection[Scope], seconds: float = 0.0) -> tuple[Token, str]:
        """The token, and what has to be shown: nothing gives that a second time. `seconds` 0: it lasts."""
        if not label.strip() or len(label) > _LONGEST or not label.isprintable():
            raise InputError(f"a token has a label of 1 to {_LONGEST} printable characters")
        if not scopes:
            raise InputError(f"a token has a scope: {', '.join(Scope)}")
        if len(self.of(user)) >= MOST:
            raise InputError(f"{user!r} has {MOST} tokens already; remove some")
        key, identity, now = PREFIX + secrets.token_urlsafe(32), secrets.token_hex(6), self._now()
        names = " ".join(sorted(set(scopes)))
        self._database.run(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            identity, _hash(key), user, label.strip(), names, now, now + seconds if seconds else 0.0,
        )  # fmt: skip
        return self.get(identity), key

    def who(self, key: str) -> Who | None:
        if self._fixed and hmac.compare_digest(key.encode("utf-8", "replace"), self._fixed.encode()):
            return FIXED
        row = self._database.one(
            "SELECT t.*, u.role FROM tokens t JOIN users u ON u.name = t.user WHERE t.hash = ? AND NOT u.disabled",
            _hash(key),
        )
        now = self._now()
        if row is None or (row["expires"] and now >= row["expires"]):
            return None
        if now - row["used"] > _NOTED:
            self._database.run("UPDATE tokens SET used = ? WHERE id = ?", now, row["id"])
        return Who(row["user"], Role(row["role"]), "token", frozenset(_token(row).scopes))

    def of(self, user: str | None) -> list[Token]:
        """None: everybody's."""
        sql = "SELECT * FROM tokens WHERE ? IS NULL OR user = ? ORDER BY made"
        return [_token(row) for row in self._database.rows(sql, user, user)]

    def get(self, identity: str) -> Token:
        row = self._database.one("SELECT * FROM tokens WHERE id = ?", identity)
        if row is None:
            raise InputError(f"there is no token {identity!r}")
        return _token(row)

    def remove(self, identity: str) -> None:
        self.get(identity)
        self._database.run("DELETE FROM tokens WHERE id = ?", identity)


def _token(row: dict[str, Any]) -> Token:
    scopes = tuple(Scope(name) for name in row["scopes"].split())
    return Token(row["id"], row["user"], row["label"], scopes, row["made"], row["expires"], row["used"])


def _hash(key: str) -> str:
    return sha256(key.encode("utf-8", "replace")).hexdigest()
