"""Models: what is approved, what passed on the wire, outputs over time with drift and the band of what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import HTTPException, Path, Response

from sensor import model_registry, models_seen
from sensor.access.roles import Permission
from sensor.alerts import ask
from sensor.console import model_queries, queries
from sensor.console.asked import Case, Seer
from sensor.store.literal import quote

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

    Row = dict[str, Any]

_MOST = 100  # rows of each list


def add(app: FastAPI, console: Console) -> None:
    @app.get("/models", include_in_schema=False)
    def models(who: Seer, case: Case = "") -> Response:
        rows = models_seen.listed(console.owner, console.config.models, case or None, nested=True)
        drift = _counts(console, case)
        return console.page(who, "models", rows=rows, drift=drift, cases=queries.cases(console.owner), case=case)

    @app.get("/models/{model}", include_in_schema=False)
    def model(who: Seer, model: Annotated[str, Path(min_length=1, max_length=200)], case: Case = "") -> Response:
        rows = models_seen.listed(console.owner, console.config.models, case or None, nested=True)
        found = next((row for row in rows if row["model"] == model), None)
        if found is None:
            raise HTTPException(404, f"there is no model {model!r}")
        return console.page(
            who, "models", "model.html", model=found, case=case, cases=queries.cases(console.owner),
            chart=_chart(console, model, case), drift=model_queries.drift_of_model(console.owner, case, model)[:_MOST],
            records=_records(console, model), rollbacks=_rollbacks(console, model, case),
            may_approve=who.may(Permission.MODELS),
        )  # fmt: skip


def _counts(console: Console, case: str) -> dict[str, int]:
    sql = f"SELECT model_id, count() AS n FROM drift WHERE {queries.of_case(case)} GROUP BY model_id"
    return {row["model_id"]: int(row["n"]) for row in ask(console.owner, sql)}


def _chart(console: Console, model: str, case: str) -> Row:
    first, last = model_queries.extent(console.owner, case, model)
    outputs = model_queries.outputs(console.owner, case, model, first, last) if last else {}
    # Drift of what feeds the model has no place in a picture of what it says; nor has what began before all of it.
    found = model_queries.spans_of_model(console.owner, case, model)
    spans = [s for s in found if s["t"] >= first / 1e6 and any(s["stream"].startswith(tag) for tag in outputs)]
    before = min((span["t"] for span in spans), default=0) * 10**6
    return {
        "outputs": outputs,
        "bands": model_queries.band(console.owner, case, model, int(before)) if last else {},
        "spans": spans, "start": first / 1e6, "end": last / 1e6,
    }  # fmt: skip


def _records(console: Console, model: str) -> list[Row]:
    """What people said of it, the latest first."""
    said = [record for record in model_registry.records(console.owner) if record.model_id == model]
    names = ("ts", "action", "version", "sha256", "analyst", "note", "origin")
    return [{name: getattr(record, name) for name in names} for record in said[::-1][:_MOST]]


def _rollbacks(console: Console, model: str, case: str) -> list[Row]:
    """Incidents of the model with the hands of their clocks."""
    rows = ask(
        console.owner,
        "SELECT incident_id, case_id, title, status, rollback, first_ts FROM incidents"
        f" WHERE model_id = {quote(model)} AND {queries.of_case(case)} AND level != 'note'"
        f" ORDER BY first_ts DESC LIMIT {_MOST}",
    )
    return [row | {"hands": orjson.loads(row["rollback"] or "null") or {}} for row in rows]
