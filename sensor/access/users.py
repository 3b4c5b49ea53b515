"""Users: who there is, what their role is, and whether somebody is who they say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensor.access import passwords, totp
from sensor.access.roles import Role
from sensor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.access.database import Database

MOST = 10_000
LOCAL, OIDC = "local", "oidc"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


@dataclass(frozen=True, slots=True)
class User:
    """`origin`: `local`, or `oidc` for one that an identity provider vouches for. Times: seconds since the epoch, 0:
    never."""

    name: str
    role: Role
    must_change: bool
    second_factor: bool
    origin: str
    disabled: bool
    made: float
    last_login: float


class Users:
    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database, self._now = database, now

    def all(self) -> list[User]:
        return [_user(row) for row in self._database.rows("SELECT * FROM users ORDER BY name")]

    def find(self, name: str) -> User | None:
        row = self._row(name)
        return _user(row) if row else None

    def get(self, name: str) -> User:
        """InputError if there is none."""
        if (found := self.find(name)) is None:
            raise InputError(f"there is no user {name!r}")
        return found

    def _row(self, name: str) -> dict[str, Any] | None:
        return self._database.one("SELECT * FROM users WHERE name = ?", name)

    def add(self, name: str, role: Role, password: str, *, once: bool = False, origin: str = LOCAL) -> User:
        """`once`: the password must be changed when it is first used. None is needed where `origin` is another."""
        if _NAME.fullmatch(name) is None:
            raise InputError("a user's name has 1 to 64 letters, digits and . _ @ + -, the first no sign")
        if password:
            passwords.check_new(name, password)
        stored = passwords.hashed(password) if password else ""
        with self._database.change():
            if self._row(name):
                raise InputError(f"there is a user {name!r} already")
            if len(self.all()) >= MOST:
                raise InputError(f"there are {MOST} users already")
            self._database.run(
                "INSERT INTO users VALUES (?, ?, ?, ?, '', 0, ?, 0, ?, 0)",
                name, role.value, stored, int(once), origin, self._now(),
            )  # fmt: skip
        return self.get(name)

    def remove(self, name: str) -> None:
        """With sessions and tokens."""
        with self._database.change():
            self._keep_an_admin(name)
            self._database.run("DELETE FROM users WHERE name = ?", name)

    def set_role(self, name: str, role: Role) -> None:
        with self._database.change():
            if role != Role.ADMIN:
                self._keep_an_admin(name)
            self._database.run("UPDATE users SET role = ? WHERE name = ?", role.value, name)

    def set_disabled(self, name: str, *, disabled: bool) -> None:
        with self._database.change():
            if disabled:
                self._keep_an_admin(name)
                self._database.run("DELETE FROM sessions WHERE user = ?", name)
            self._database.run("UPDATE users SET disabled = ? WHERE name = ?", int(disabled), name)

    def _keep_an_admin(self, name: str) -> None:
        self.get(name)
        others = [user for user in self.all() if user.role == Role.ADMIN and not user.disabled and user.name != name]
        if not others and self.get(name).role == Role.ADMIN:
            raise InputError(f"{name!r} is the only admin; make another one first")

    def set_password(self, name: str, password: str, *, once: bool = False) -> None:
        """Ends every session of the user."""
        if self.get(name).origin != LOCAL:
            raise InputError(f"{name!r} logs in through the identity provider, which keeps the password")
        passwords.check_new(name, password)
        stored = passwords.hashed(password)
        with self._database.change():
            sql = "UPDATE users SET password = ?, must_change = ? WHERE name = ?"
            self._database.run(sql, stored, int(once), name)
            self._database.run("DELETE FROM sessions WHERE user = ?", name)

    def set_totp(self, name: str, key: str, period: int = 0) -> None:
        """`key` empty: no second factor. `period`: the last one whose code was used."""
        self.get(name)
        self._database.run("UPDATE users SET totp_secret = ?, totp_last = ? WHERE name = ?", key, period, name)

    def password_right(self, name: str, password: str) -> User | None:
        row = self._row(name)
        if not passwords.matches(row["password"] if row else "", password) or row is None or row["disabled"]:
            return None
        if passwords.is_old(row["password"]):
            self._database.run("UPDATE users SET password = ? WHERE name = ?", passwords.hashed(password), name)
        return _user(row)

    def code_right(self, name: str, code: str) -> bool:
        """A code is right once."""
        with self._database.change():
            row = self._row(name)
            if row is None or not row["totp_secret"]:
                return False
            period = totp.period_of(row["totp_secret"], code, self._now(), row["totp_last"])
            if period:
                self._database.run("UPDATE users SET totp_last = ? WHERE name = ?", period, name)
            return bool(period)

    def logged_in(self, name: str) -> None:
        self._database.run("UPDATE users SET last_login = ? WHERE name = ?", self._now(), name)


def _user(row: dict[str, Any]) -> User:
    return User(
        row["name"], Role(row["role"]), bool(row["must_change"]), bool(row["totp_secret"]), row["origin"],
        bool(row["disabled"]), row["made"], row["last_login"],
    )  # fmt: skip
