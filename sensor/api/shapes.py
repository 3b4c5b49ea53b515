"""Parameters and answers that several routes share."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from sensor.api import posted
from sensor.cli import SEVERITIES

MOST_ROWS = 10_000
USUAL_ROWS = 200
Time = Annotated[str | None, Query(max_length=64, description="2026-03-01, 2026-03-01T12:30Z, or 15m 2h 7d before now")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Text = Annotated[str | None, Query(max_length=256)]
Severity = Annotated[str | None, Query(pattern=f"^({'|'.join(SEVERITIES)})$", description="This one and worse")]


class Refused(BaseModel):
    """Nothing of the body was stored. `errors`: a sentence for each bad record."""

    detail: str
    errors: list[str] = []


class Failed(BaseModel):
    detail: str


Responses = dict[int | str, dict[str, Any]]
REFUSALS: Responses = {
    400: {"model": Refused, "description": "The body or a parameter is no JSON, no text, or makes no sense"},
    401: {"model": Failed, "description": "Nobody is logged in, and no token that holds is shown"},
    413: {"model": Refused, "description": f"More than {posted.MOST_BYTES >> 20} MiB or {posted.MOST_RECORDS} records"},
    422: {"model": Refused, "description": "JSON, but no such record"},
    503: {"model": Failed, "description": "The store does not take or give rows now"},
}


def refusals(*codes: int) -> Responses:
    return {code: REFUSALS[code] for code in codes}
