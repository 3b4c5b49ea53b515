"""Routes that take records from outside."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from sensor.access.roles import Permission
from sensor.api import posted
from sensor.api.guard import needs
from sensor.api.shapes import REFUSALS, Text
from sensor.case_name import LIVE, check_case

if TYPE_CHECKING:
    from sensor.api.owner import Owner
    from sensor.intake.lines import Batch


class Accepted(BaseModel):
    """`new`: records stored. `known`: those that the store had already."""

    new: int
    known: int


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}
            },
            "application/x-ndjson": {"schema": {"type": "string", "description": "a JSON object a line"}},
        },
    }
}


def router(owner: Owner) -> APIRouter:
    made = APIRouter(dependencies=[needs(Permission.INTAKE)], tags=["intake"])

    @made.post("/api/v1/drift", response_model=Accepted, responses=REFUSALS, openapi_extra=_BODY)
    async def post_drift(request: Request, case: Text = None, model_id: Text = None) -> Response:
        """Drift that another tool found: AITF attributes, Evidently, NannyML, or plain columns. `model_id`: of reports
        that name no model. What was answered with 200 is stored; what is sent again is not stored twice."""
        return await _posted(owner, "drift", request, case, model_id)

    @made.post("/api/v1/inference", response_model=Accepted, responses=REFUSALS, openapi_extra=_BODY)
    async def post_inference(request: Request, case: Text = None, model_id: Text = None) -> Response:
        """Outputs that a model's host logged itself: `model_id`, `ts`, `output`, and where known `confidence`,
        `inputs`, `input_sha256`, `version`. Stored beside what the network showed."""
        return await _posted(owner, "inference", request, case, model_id)

    return made


async def _posted(owner: Owner, kind: str, request: Request, case: str | None, model_id: str | None) -> Response:
    case = LIVE if case in (None, LIVE) else check_case(str(case))
    body = await _body(request)
    if body is None:
        return _refused(413, f"the body is larger than {posted.MOST_BYTES >> 20} MiB; send it in parts")
    if not body.strip():
        return _refused(400, "the body is empty; send a JSON document, a list of them, or one a line")
    media = request.headers.get("content-type", "")
    batch = await run_in_threadpool(posted.read, kind, body, media, time.time_ns(), model_id or "")
    if len(batch) > posted.MOST_RECORDS:
        return _refused(413, f"the body has more than {posted.MOST_RECORDS} records; send it in parts")
    if batch.rejects:
        return _rejected(batch)
    kept = await run_in_threadpool(owner.keep, case, batch)
    return JSONResponse({"new": kept[kind], "known": len(batch) - kept[kind]})


async def _body(request: Request) -> bytes | None:
    """None: it is too large, and the rest of it is not read."""
    try:
        if int(request.headers.get("content-length", "0")) > posted.MOST_BYTES:
            return None
    except ValueError:
        return None
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > posted.MOST_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _refused(status: int, detail: str, errors: list[str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail, "errors": errors or []}, status)


def _rejected(batch: Batch) -> JSONResponse:
    """All or nothing: a client that sends the same body again, mended, doubles nothing."""
    status = 400 if any(map(posted.is_syntax, batch.rejects)) else 422
    total = len(batch.rejects)
    said = [reject.said for reject in batch.rejects[: posted.MOST_SAID]]
    return _refused(status, f"{total} of the records cannot be read; nothing was stored", said)
