"""Hunt: SQL over the store, for those who may query it."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi import Response

from sensor.alerts import ask
from sensor.console.asked import Hunter
from sensor.console.console import HERE

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

MOST_ROWS = 5_000  # that a browser is given; the command line gives all


def add(app: FastAPI, console: Console) -> None:
    @app.get("/hunt", include_in_schema=False)
    def hunt(who: Hunter) -> Response:
        return console.page(who, "hunt", examples=examples(), tables=_tables(console), most=MOST_ROWS)


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
