"""The routes. Every one wants the token; nothing here names another host."""

from __future__ import annotations

import hmac
import time
from argparse import Namespace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from sensor.api import posted
from sensor.case_name import LIVE, check_case
from sensor.cli import SEVERITIES, STATUSES
from sensor.commands.listing import statement
from sensor.errors import BAD_INPUT, DriftspanError
from sensor.store import migrate

if TYPE_CHECKING:
    from sensor.api.owner import Owner
    from sensor.config import Config
    from sensor.intake.lines import Batch

MOST_ROWS = 10_000
_BEARER = HTTPBearer(auto_error=False)
_USUAL_ROWS = 200
Time = Annotated[str | None, Query(max_length=64, description="2026-03-01, 2026-03-01T12:30Z, or 15m 2h 7d before now")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Text = Annotated[str | None, Query(max_length=256)]
Severity = Annotated[str | None, Query(pattern=f"^({'|'.join(SEVERITIES)})$", description="This one and worse")]
Status = Annotated[str | None, Query(pattern=f"^({'|'.join(STATUSES)})$")]
Where = Annotated[str | None, Query(max_length=4096, description='A condition on the columns, as in "dst_port = 502"')]


class Accepted(BaseModel):
    """`new`: records stored. `known`: those that the store had already."""

    new: int
    known: int


class Refused(BaseModel):
    """Nothing of the body was stored. `errors`: a sentence for each bad record."""

    detail: str
    errors: list[str] = []


class Failed(BaseModel):
    detail: str


Responses = dict[int | str, dict[str, Any]]
_REFUSALS: Responses = {
    400: {"model": Refused, "description": "The body or a parameter is no JSON, no text, or makes no sense"},
    401: {"model": Failed, "description": "The token is missing or wrong"},
    413: {"model": Refused, "description": f"More than {posted.MOST_BYTES >> 20} MiB or {posted.MOST_RECORDS} records"},
    422: {"model": Refused, "description": "JSON, but no such record"},
    503: {"model": Failed, "description": "The store does not take or give rows now"},
}
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


def make(owner: Owner, config: Config, token: str) -> FastAPI:
    """`token`: what a client has to show."""

    def check(shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
        given = shown.credentials if shown is not None else ""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
            raise HTTPException(401, "show the token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    app = FastAPI(
        title="driftspan",
        description="Drift and inference records from outside, and what the sensor found.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        dependencies=[Depends(check)],
        responses={code: _REFUSALS[code] for code in (401,)},
    )
    app.router.redirect_slashes = False
    app.add_exception_handler(DriftspanError, _failed)
    _posts(app, owner)
    _lists(app, owner)
    _states(app, owner, config)
    return app


async def _failed(_: Request, error: Exception) -> JSONResponse:
    status = 400 if getattr(error, "status", 0) == BAD_INPUT else 503
    return JSONResponse({"detail": str(error)}, status)


def _posts(app: FastAPI, owner: Owner) -> None:
    @app.post("/api/v1/drift", response_model=Accepted, responses=_REFUSALS, openapi_extra=_BODY)
    async def post_drift(request: Request, case: Text = None, model_id: Text = None) -> Response:
        """Drift that another tool found: AITF attributes, Evidently, NannyML, or plain columns. `model_id`: of reports
        that name no model. What was answered with 200 is stored; what is sent again is not stored twice."""
        return await _posted(owner, "drift", request, case, model_id)

    @app.post("/api/v1/inference", response_model=Accepted, responses=_REFUSALS, openapi_extra=_BODY)
    async def post_inference(request: Request, case: Text = None, model_id: Text = None) -> Response:
        """Outputs that a model's host logged itself: `model_id`, `ts`, `output`, and where known `confidence`,
        `inputs`, `input_sha256`, `version`. Stored beside what the network showed."""
        return await _posted(owner, "inference", request, case, model_id)


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


def _lists(app: FastAPI, owner: Owner) -> None:
    refusals: Responses = {code: _REFUSALS[code] for code in (400, 503)}

    @app.get("/api/v1/alerts", response_model=list[dict[str, Any]], responses=refusals)
    def alerts(
        since: Time = None, until: Time = None, severity: Severity = None, status: Status = None, case: Text = None,
        where: Where = None, limit: Limit = _USUAL_ROWS,
    ) -> Response:  # fmt: skip
        """Latest first; those that are open unless `status` says otherwise (`all`)."""
        return _rows(owner, "alerts", locals(), limit)

    @app.get("/api/v1/incidents", response_model=list[dict[str, Any]], responses=refusals)
    def incidents(
        since: Time = None, until: Time = None, severity: Severity = None, status: Status = None, case: Text = None,
        where: Where = None, limit: Limit = _USUAL_ROWS,
    ) -> Response:  # fmt: skip
        """Latest first, with cause, probability and what speaks for and against it."""
        return _rows(owner, "incidents", locals(), limit)

    @app.get("/api/v1/drift", response_model=list[dict[str, Any]], responses=refusals)
    def drift(
        since: Time = None, until: Time = None, case: Text = None, where: Where = None, limit: Limit = _USUAL_ROWS
    ) -> Response:
        """Drift of models, latest first: what the sensor saw (`source` is `wire`) and what it was told (`external`)."""
        return _rows(owner, "drift", locals(), limit)


def _rows(owner: Owner, listing: str, given: dict[str, Any], limit: int) -> Response:
    asked = {name: given.get(name) for name in ("since", "until", "severity", "status", "case", "where")}
    sql = statement(Namespace(listing=listing, **asked), "ndjson", limit)
    lines = b"".join(owner.query(sql, "JSONEachRow")).rstrip(b"\n")
    return Response(b"[" + lines.replace(b"\n", b",") + b"]", media_type="application/json")


def _states(app: FastAPI, owner: Owner, config: Config) -> None:
    @app.get("/api/v1/models", response_model=list[dict[str, Any]], responses={503: _REFUSALS[503]})
    def models() -> list[dict[str, Any]]:
        """The models of the configuration and of the registry."""
        from sensor import model_registry

        known = model_registry.running(owner, config.models)
        names = ("id", "hosts", "inputs", "outputs", "approved", "revoked", "rollback_minutes")
        return [{name: _plain(getattr(model, name)) for name in names} for model in known]

    @app.get("/api/v1/health", response_model=dict[str, Any], responses={503: _REFUSALS[503]})
    def health() -> dict[str, Any]:
        """Whether the store answers, and how much is in it."""
        sql = (
            "SELECT (SELECT count() FROM alert_rows) AS alerts, (SELECT count() FROM incident_rows) AS incidents,"
            " (SELECT count() FROM drift) AS drift, (SELECT count() FROM inference_log) AS inference,"
            " (SELECT count() FROM intake_rejects) AS rejected"
        )
        import orjson

        rows = orjson.loads(b"".join(owner.query(sql, "JSONEachRow")))
        return {"status": "ok", "schema": migrate.newest(), "store": "own" if owner.owns else "kept by the sensor"} | {
            "rows": rows
        }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return list(value) if isinstance(value, tuple) else value
