"""Routes that list what the sensor found."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response

from sensor.access.roles import Permission
from sensor.access.who import Who
from sensor.api.guard import needs
from sensor.api.shapes import USUAL_ROWS, Limit, Severity, Text, Time, refusals
from sensor.cli import INCIDENT_STATUSES, STATUSES
from sensor.commands.listing import statement

if TYPE_CHECKING:
    from sensor.api.owner import Owner

Status = Annotated[str | None, Query(pattern=f"^({'|'.join(STATUSES)})$")]
IncidentStatus = Annotated[str | None, Query(pattern=f"^({'|'.join(INCIDENT_STATUSES)})$")]
Where = Annotated[str | None, Query(max_length=4096, description='A condition on the columns, as in "dst_port = 502"')]
Seer = Annotated[Who, needs(Permission.SEE)]
ROWS = list[dict[str, Any]]


def router(owner: Owner) -> APIRouter:
    made = APIRouter(tags=["lists"])

    @made.get("/api/v1/alerts", response_model=ROWS, responses=refusals(400, 503))
    def alerts(
        who: Seer, since: Time = None, until: Time = None, severity: Severity = None, status: Status = None,
        case: Text = None, where: Where = None, limit: Limit = USUAL_ROWS,
    ) -> Response:  # fmt: skip
        """Latest first; those that are open unless `status` says otherwise (`all`)."""
        return _rows(owner, "alerts", locals())

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
    if given["where"] is not None and not given["who"].may(Permission.QUERY):
        raise HTTPException(403, "a condition in SQL needs the permission query; use the other parameters")
    asked = {name: given.get(name) for name in ("since", "until", "severity", "status", "case", "where")}
    sql = statement(Namespace(listing=listing, **asked), "ndjson", given["limit"])
    return Response(as_list(b"".join(owner.query(sql, "JSONEachRow"))), media_type="application/json")


def as_list(lines: bytes) -> bytes:
    """JSON rows, one a line, as one JSON list."""
    return b"[" + lines.rstrip(b"\n").replace(b"\n", b",") + b"]"
