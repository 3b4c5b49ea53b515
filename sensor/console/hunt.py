"""Hunt: SQL over the store, for those who may query it."""

from __future__ import annotations

import time
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import Response
from pydantic import BaseModel, Field

from sensor.access.roles import Permission
from sensor.alerts import ask
from sensor.api.guard import needs
from sensor.console.asked import Hunter
from sensor.console.console import HERE
from sensor.store.guard import check_reading, tokens

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

MOST_ROWS = 5_000  # that a browser is given; the command line gives all
LONGEST = 20_000  # characters of a question


class Question(BaseModel):
    sql: str = Field(max_length=LONGEST)


def add(app: FastAPI, console: Console) -> None:
    @app.get("/hunt", include_in_schema=False)
    def hunt(who: Hunter) -> Response:
        return console.page(who, "hunt", examples=examples(), tables=_tables(console), most=MOST_ROWS)

    @app.post("/console/hunt", include_in_schema=False, dependencies=[needs(Permission.QUERY)])
    def answer(question: Question) -> Response:
        """`meta`: name and type of each column; `data`: rows of texts, as the store writes them; `cut`: there are more
        rows than are given."""
        begun = time.monotonic()
        found = orjson.loads(b"".join(console.owner.query(bounded(question.sql), "JSONCompactStrings")))
        told = {
            "meta": found["meta"],
            "data": found["data"][:MOST_ROWS],
            "cut": len(found["data"]) > MOST_ROWS,
            "seconds": time.monotonic() - begun,
        }
        return Response(orjson.dumps(told), media_type="application/json")


def bounded(sql: str) -> str:
    """The question, of whose answer no more is read than is shown. InputError: it would do more than read."""
    checked = check_reading(sql)
    if tokens(checked)[0][1].lower() not in ("select", "with", "("):
        return checked
    return f"SELECT * FROM (\n{checked}\n) LIMIT {MOST_ROWS + 1}"


@lru_cache(maxsize=1)
def examples() -> list[tuple[str, str]]:
    """(title, SQL) of each question to begin with."""
    found = tomllib.loads((HERE / "hunts.toml").read_text(encoding="utf-8"))["hunt"]
    return [(each["title"], each["sql"].strip()) for each in found]


def _tables(console: Console) -> list[tuple[str, list[dict[str, Any]]]]:
    sql = (
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
        " AND table NOT LIKE '.inner%' ORDER BY table, position"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in ask(console.owner, sql):
        found.setdefault(row["table"], []).append(row)
    return list(found.items())
