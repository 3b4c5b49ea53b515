"""The file of users, sessions, tokens, and what the access log has not delivered yet. Only its owner reads it."""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor.errors import InputError, StoreError
from sensor.store import SERVER_SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "access.db"
_WAIT = 10.0  # seconds for another process that writes
_VERSION = 1
_SCHEMA = """
CREATE TABLE users (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, must_change INTEGER NOT NULL,
    totp_secret TEXT NOT NULL, totp_last INTEGER NOT NULL, origin TEXT NOT NULL, disabled INTEGER NOT NULL,
    made REAL NOT NULL, last_login REAL NOT NULL);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE, csrf TEXT NOT NULL,
    begun REAL NOT NULL, used REAL NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL);
CREATE TABLE tokens (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    label TEXT NOT NULL, scopes TEXT NOT NULL, made REAL NOT NULL, expires REAL NOT NULL, used REAL NOT NULL);
CREATE TABLE failures (key TEXT PRIMARY KEY, count INTEGER NOT NULL, last REAL NOT NULL);
CREATE TABLE chain (name TEXT NOT NULL, seq INTEGER NOT NULL, head TEXT NOT NULL);
CREATE TABLE waiting (seq INTEGER PRIMARY KEY, row TEXT NOT NULL);
"""


def folder_of(store: str, state: str = "") -> Path:
    """Where the console keeps what is its own: `[console] state`, else beside the store, else (the store is on a
    server) here."""
    if state:
        return Path(state)
    if store.startswith(SERVER_SCHEMES):
        return Path("driftspan-console")
    path = Path(store).absolute()
    return path.with_name(f"{path.name}-console")


class Database:
    """One connection, one statement at a time. Several processes may have the file open."""

    def __init__(self, folder: Path) -> None:
        """InputError or StoreError says why it cannot be used."""
        self.path = folder / NAME
        self._lock = threading.RLock()
        self._depth = 0
        _prepare(folder, self.path)
        try:
            self._open = sqlite3.connect(self.path, _WAIT, isolation_level=None, check_same_thread=False)
            self._open.row_factory = sqlite3.Row
            self._begin()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: cannot be used: {error}") from None

    def _begin(self) -> None:
        # FULL: what was answered with success is on the disk, as everywhere else here.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            self._open.execute(f"PRAGMA {pragma}")
        with self.change():
            found = int(self._open.execute("PRAGMA user_version").fetchone()[0])
            if found > _VERSION:
                raise StoreError(f"{self.path}: was written by a newer driftspan; use that version")
            if found == 0:
                for statement in _SCHEMA.split(";\n"):
                    self._open.execute(statement)
                self._open.execute("INSERT INTO chain VALUES (?, 0, '')", (secrets.token_hex(8),))
                self._open.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def change(self) -> Iterator[None]:
        """All of it or nothing, and nobody else's in between; durable when it is left. May be nested."""
        with self._lock:
            if self._depth == 0:
                self._open.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._open.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._open.execute("COMMIT")

    def run(self, sql: str, *values: object) -> int:
        """The rows that it changed."""
        with self._lock:
            return self._open.execute(sql, values).rowcount

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._open.execute(sql, values)]

    def one(self, sql: str, *values: object) -> dict[str, Any] | None:
        return next(iter(self.rows(sql, *values)), None)

    def close(self) -> None:
        with self._lock:
            self._open.close()


def _prepare(folder: Path, path: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(folder, "700")
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        _check_private(path, "600")
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}") from None


def _check_private(path: Path, wanted: str) -> None:
    found = path.stat()
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path}: others may read this; chmod {wanted} mends that")
