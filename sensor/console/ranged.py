"""Pages of a range of time and a case: whole, and their middle alone, which is drawn anew when something is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Response

from sensor.access.roles import Permission
from sensor.api.guard import needs
from sensor.console import queries
from sensor.console.asked import Case, Range, Seer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from sensor.console.console import Console

    Values = Callable[[Console, str, queries.Span, dict[str, int]], dict[str, Any]]


def add(app: FastAPI, console: Console, name: str, path: str, values: Values) -> None:
    """`values`: what stands in it, of a case, a span and the counters in that."""

    def told(wanted: str, case: str) -> dict[str, Any]:
        over = queries.span(console.owner, case, wanted)
        counted = queries.counters(console.owner, case, over)
        bar = {"range": wanted, "ranges": list(queries.RANGES), "case": case, "over": over, "counters": counted}
        return bar | values(console, case, over, counted)

    @app.get(path, include_in_schema=False)
    def whole(who: Seer, range: Range = "24h", case: Case = "") -> Response:  # noqa: A002  the address says it so
        return console.page(who, name, cases=queries.cases(console.owner), **told(range, case))

    @app.get(f"/console/{name}", include_in_schema=False, dependencies=[needs(Permission.SEE)])
    def part(range: Range = "24h", case: Case = "") -> Response:  # noqa: A002
        return console.part(f"{name}_part.html", **told(range, case))
