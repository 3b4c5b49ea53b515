"""The audit report as a page: of which time, against which earlier time, and to take along."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path as Segment
from fastapi import Query, Request, Response
from markupsafe import Markup

from sensor.access.who import Who
from sensor.api.guard import address, desk_of
from sensor.audit import Audit, Comparison, compare, taking
from sensor.audit.queries import Scope
from sensor.audit.report import blocks
from sensor.commands.audit import rendered
from sensor.console import queries
from sensor.console.asked import Case, Hunter
from sensor.errors import DriftspanError
from sensor.report import html
from sensor.when import literal

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

_TYPES = {
    "markdown": ("text/markdown; charset=utf-8", "md"), "html": ("text/html; charset=utf-8", "html"),
    "pdf": ("application/pdf", "pdf"), "json": ("application/json", "json"),
}  # fmt: skip
When = Annotated[str, Query(max_length=64)]
Format = Annotated[str, Segment(pattern="^(markdown|html|pdf|json)$")]


def add(app: FastAPI, console: Console) -> None:
    @app.get("/audit", include_in_schema=False)
    def audit(
        request: Request, who: Hunter, since: When = "", until: When = "", case: Case = "", before: When = "",
        made: bool = False,
    ) -> Response:  # fmt: skip
        """`before`: the start of the earlier time to compare with, which ends where this one begins. `made`: asked for,
        for an audit of everything takes its time."""
        shown: dict[str, Any] = {"report": "", "error": ""}
        asked = {"since": since, "until": until, "case": case, "before": before}
        if made:
            try:
                found = _taken(console, since, until, case, before)
                shown["report"] = Markup(html.body(blocks(*found)))  # noqa: S704  escaped there
                _note(request, who, "audit.view", asked)
            except DriftspanError as error:
                shown["error"] = str(error)
        return console.page(who, "audit", asked=asked, cases=queries.cases(console.owner), **shown)

    @app.get("/audit/{fmt}", include_in_schema=False)
    def download(
        request: Request, who: Hunter, fmt: Format, since: When = "", until: When = "", case: Case = "",
        before: When = "",
    ) -> Response:  # fmt: skip
        found, compared = _taken(console, since, until, case, before)
        kind, ending = _TYPES[fmt]
        name = f"driftspan-audit-{found.made[:10]}.{ending}"
        _note(request, who, "audit.download", {"since": since, "until": until, "case": case, "before": before}, fmt)
        return Response(
            rendered(found, compared, fmt), media_type=kind,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip


def _note(request: Request, who: Who, what: str, asked: dict[str, str], target: str = "") -> None:
    """Who read how the plant stands, and took it along."""
    told = {name: value for name, value in asked.items() if value}
    desk_of(request).log.record(who, what, None, told, target=target, address=address(request))


def _taken(console: Console, since: str, until: str, case: str, before: str) -> tuple[Audit, Comparison | None]:
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def take(first: str, last: str) -> Audit:
        scope = Scope(case, literal("since", first) if first else "", literal("until", last) if last else "")
        return taking.take(console.owner, console.config, scope, where=where, made=now, since=first, until=last)

    # A page tells no more of the machine than it must.
    where = console.location if "://" in console.location else Path(console.location).name
    found = take(since, until)
    return found, compare(take(before, since), found) if before and since else None
