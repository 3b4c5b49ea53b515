"""What people save under a name: filters and queries, each user's own. In a file beside that of users and sessions."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field

from sensor.access.roles import Permission
from sensor.access.who import Who
from sensor.api.guard import desk_of, needs
from sensor.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path as File

    from fastapi import FastAPI

    from sensor.console.console import Console

MOST, LONGEST = 200, 20_000  # of a user and kind; bytes of one
NAME = "saved.db"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS saved (user TEXT, kind TEXT, name TEXT, value TEXT, PRIMARY KEY (user, kind, name))"
)
Own = Annotated[Who, needs(Permission.SEE)]
Kind = Annotated[str, Path(pattern="^(alerts|hunt|incidents|assets)$")]


class Saved:
    """One connection a call: saving is rare."""

    def __init__(self, path: File) -> None:
        self._path, self._lock = path, threading.Lock()

    def all(self, user: str, kind: str) -> list[dict[str, Any]]:
        sql = "SELECT name, value FROM saved WHERE user = ? AND kind = ? ORDER BY name"
        return [{"name": name, "value": orjson.loads(value)} for name, value in self._run(sql, user, kind)]

    def keep(self, user: str, kind: str, name: str, value: object) -> bool:
        """Whether there is room for it."""
        known = [each["name"] for each in self.all(user, kind)]
        if name not in known and len(known) >= MOST:
            return False
        self._run("INSERT OR REPLACE INTO saved VALUES (?, ?, ?, ?)", user, kind, name, orjson.dumps(value).decode())
        return True

    def forget(self, user: str, kind: str, name: str) -> None:
        self._run("DELETE FROM saved WHERE user = ? AND kind = ? AND name = ?", user, kind, name)

    def _run(self, sql: str, *values: str) -> list[tuple[str, ...]]:
        try:
            with self._lock, closing(sqlite3.connect(self._path)) as opened, opened:
                opened.execute(_TABLE)
                return opened.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: cannot be used: {error}") from None


class New(BaseModel):
    name: str = Field(min_length=1, max_length=80)
    value: dict[str, Any]


def add(app: FastAPI, _: Console) -> None:
    def of(request: Request) -> Saved:
        return Saved(desk_of(request).database.path.with_name(NAME))

    @app.get("/console/saved/{kind}", include_in_schema=False)
    def saved(request: Request, who: Own, kind: Kind) -> list[dict[str, Any]]:
        return of(request).all(who.name, kind)

    @app.put("/console/saved/{kind}", include_in_schema=False, status_code=204)
    def keep(request: Request, who: Own, kind: Kind, new: New) -> Response:
        if len(orjson.dumps(new.value)) > LONGEST:
            raise HTTPException(413, f"at most {LONGEST} bytes can be saved under a name")
        if not of(request).keep(who.name, kind, new.name, new.value):
            raise HTTPException(400, f"{MOST} are saved already; forget some")
        return Response(status_code=204)

    @app.delete("/console/saved/{kind}", include_in_schema=False, status_code=204)
    def forget(request: Request, who: Own, kind: Kind, name: Annotated[str, Query(max_length=80)]) -> Response:
        of(request).forget(who.name, kind, name)
        return Response(status_code=204)
