"""Routes that list what the sensor found."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from sensor.access.roles import Permission
from sensor.access.who import Who
from sensor.api import grid
from sensor.api.grid_filter import Filter
from sensor.api.grid_order import SORTS, Order
from sensor.api.guard import needs
from sensor.api.shapes import USUAL_ROWS, Limit, Severity, Text, Time, refusals
from sensor.cli import INCIDENT_STATUSES, STATUSES
from sensor.commands.listing import statement
from sensor.errors import InputError
from sensor.store.guard import tokens

if TYPE_CHECKING:
    from sensor.api.owner import Owner

Status = Annotated[str | None, Query(pattern=f"^({'|'.join(STATUSES)})$")]
IncidentStatus = Annotated[str | None, Query(pattern=f"^({'|'.join(INCIDENT_STATUSES)})$")]
Where = Annotated[str | None, Query(max_length=4096, description='A condition on the columns, as in "dst_port = 502"')]
Seer = Annotated[Who, needs(Permission.SEE)]
Sort = Annotated[str | None, Query(pattern=f"^({'|'.join(SORTS)})$")]
Way = Annotated[str | None, Query(pattern="^(asc|desc)$")]
ROWS = list[dict[str, Any]]
_OF_LOG = re.compile("access_(log|heads)|^merge", re.IGNORECASE)


class Paged(BaseModel):
    """`total`: alerts that the filter leaves; where `exact` is false about so many, or with `more` so many at least.
    `next`: the cursor of what comes behind; empty: nothing does."""

    rows: ROWS
    total: int
    exact: bool
    more: bool
    next: str


def router(owner: Owner) -> APIRouter:
    made = APIRouter(tags=["lists"])

    @made.get("/api/v1/alerts", response_model=ROWS | Paged, responses=refusals(400, 503))
    def alerts(
        who: Seer, since: Time = None, until: Time = None, severity: Severity = None, status: Status = None,
        case: Text = None, kind: Text = None, host: Text = None, zone: Text = None, protocol: Text = None,
        sensor: Text = None, text: Text = None, where: Where = None, limit: Limit = USUAL_ROWS, sort: Sort = None,
        order: Way = None, offset: Annotated[int | None, Query(ge=0, le=grid.DEEPEST)] = None,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> Any:  # fmt: skip
        """Latest first; those that are open unless `status` says otherwise (`all`). `kind`: one, or a detector for all
        of its kinds; `host`: address or network, at either end; `text`: stands in title, summary or kind. With `sort`,
        `order`, `offset` or `cursor` a page with its total, else a list. `where` goes with the first few only."""
        paged = any(value is not None for value in (sort, order, offset, cursor))
        if where is not None:
            if paged or any(value is not None for value in (kind, host, zone, protocol, sensor, text)):
                raise InputError("where goes with since, until, severity, status, case and limit only")
            return _rows(owner, "alerts", locals())
        wanted = Filter(status or "open", severity, kind, host, zone, protocol, case, sensor, since, until, text)
        found = grid.page(
            owner, wanted, Order(sort or "last_ts", order != "asc"), limit, offset or 0, cursor or "",
            all_columns=not paged,
        )  # fmt: skip
        return JSONResponse(asdict(found) if paged else found.rows)

    @made.get("/api/v1/incidents", response_model=ROWS, responses=refusals(400, 503))
    def incidents(
        who: Seer, since: Time = None, until: Time = None, severity: Severity = None, status: IncidentStatus = None,
        case: Text = None, where: Where = None, limit: Limit = USUAL_ROWS,
    ) -> Response:  # fmt: skip
        """Latest first, with cause, probability and what speaks for and against it."""
        return _rows(owner, "incidents", locals())

    @made.get("/api/v1/drift", response_model=ROWS, responses=refusals(400, 503))
    def drift(
        who: Seer, since: Time = None, until: Time = None, case: Text = None, where: Where = None,
        limit: Limit = USUAL_ROWS,
    ) -> Response:  # fmt: skip
        """Drift of models, latest first: what the sensor saw (`source` is `wire`) and what it was told (`external`)."""
        return _rows(owner, "drift", locals())

    return made


def _rows(owner: Owner, listing: str, given: dict[str, Any]) -> Response:
    if given["where"] is not None:
        if not given["who"].may(Permission.QUERY):
            raise HTTPException(403, "a condition in SQL needs the permission query; use the other parameters")
        check_log(given["who"], given["where"])
    asked = {name: given.get(name) for name in ("since", "until", "severity", "status", "case", "where")}
    sql = statement(Namespace(listing=listing, **asked), "ndjson", given["limit"])
    return Response(as_list(b"".join(owner.query(sql, "JSONEachRow"))), media_type="application/json")


def check_log(who: Who, sql: str) -> None:
    """SQL that could read the access log is for those who may. `merge` takes tables by a pattern."""
    if who.may(Permission.ACCESS_LOG):
        return
    for _, text in tokens(sql):
        if _OF_LOG.search(text):
            raise HTTPException(
                403, f"{text[:40]!r} is not allowed here: the access log needs the permission access_log"
            )


def as_list(lines: bytes) -> bytes:
    """JSON rows, one a line, as one JSON list."""
    return b"[" + lines.rstrip(b"\n").replace(b"\n", b",") + b"]"
