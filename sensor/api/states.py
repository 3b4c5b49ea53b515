"""Routes that say how things are: models, store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter

from sensor import model_registry
from sensor.access.roles import Permission
from sensor.alerts import ask
from sensor.api.guard import needs
from sensor.api.shapes import refusals
from sensor.commands import status as status_command
from sensor.store import migrate

if TYPE_CHECKING:
    from sensor.api.owner import Owner
    from sensor.config import Config

_COUNTS = (
    "SELECT (SELECT count() FROM alert_rows) AS alerts, (SELECT count() FROM incident_rows) AS incidents,"
    " (SELECT count() FROM drift) AS drift, (SELECT count() FROM inference_log) AS inference,"
    " (SELECT count() FROM intake_rejects) AS rejected"
)


def router(owner: Owner, config: Config) -> APIRouter:
    made = APIRouter(dependencies=[needs(Permission.SEE)], tags=["states"])

    @made.get("/api/v1/models", response_model=list[dict[str, Any]], responses=refusals(503))
    def models() -> list[dict[str, Any]]:
        """The models of the configuration and of the registry."""
        known = model_registry.running(owner, config.models)
        names = ("id", "hosts", "inputs", "outputs", "approved", "revoked", "rollback_minutes")
        return [{name: _plain(getattr(model, name)) for name in names} for model in known]

    @made.get("/api/v1/health", response_model=dict[str, Any], responses=refusals(503))
    def health() -> dict[str, Any]:
        """Whether the store answers, and how much is in it."""
        rows = orjson.loads(b"".join(owner.query(_COUNTS, "JSONEachRow")))
        state = {"status": "ok", "schema": migrate.newest(), "store": "own" if owner.owns else "kept by the sensor"}
        return state | {"rows": rows}

    @made.get("/api/v1/status", response_model=dict[str, Any])
    def status() -> dict[str, Any]:
        """How the sensor is that runs for this store, as `driftspan status` says it; `state` may be `not running`."""
        return status_command.state(config, owner.location)

    @made.get("/api/v1/sensors", response_model=list[dict[str, Any]], responses=refusals(503))
    def sensors() -> list[dict[str, Any]]:
        """Every sensor that wrote to the store: packets, drops, alerts, and when it was heard of last."""
        return ask(owner, _SENSORS)

    return made


_SENSORS = """
SELECT sensor, max(seen) AS last_seen, sum(packets) AS packets, sum(dropped) AS dropped, sum(alerts) AS alerts
FROM (
    SELECT sensor, max(ts) AS seen, sumIf(value, counter = 'packets') AS packets,
        sumIf(value, startsWith(counter, 'dropped.')) AS dropped, 0 AS alerts FROM health GROUP BY sensor
    UNION ALL SELECT sensor, max(last_ts), sum(packets), 0, 0 FROM captures WHERE case_id != 'live' GROUP BY sensor
    UNION ALL SELECT sensor, max(last_ts), 0, 0, count() FROM alert_rows GROUP BY sensor
) GROUP BY sensor ORDER BY sensor"""


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return list(value) if isinstance(value, tuple) else value
