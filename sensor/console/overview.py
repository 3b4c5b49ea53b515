"""The overview: what is open, what happened when, how the sensor is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from detectors.alert import SEVERITIES
from sensor.console import open_alerts, queries, ranged
from sensor.console.status import live_status

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

_LATE = 180  # seconds after which a sensor that runs should have told of itself
_SHOWN_INCIDENTS = 6


def add(app: FastAPI, console: Console) -> None:
    ranged.add(app, console, "overview", "/", _values)


def _values(console: Console, case: str, over: queries.Span, counted: dict[str, int]) -> dict[str, Any]:
    store = console.owner
    incidents = queries.incidents(store, case)
    status, fleet = live_status(console.location, console.config), queries.fleet(store, case)
    opened = open_alerts.opened(store, case, over)
    severities = open_alerts.by_severity(store, opened)
    return {
        "incidents": incidents[:_SHOWN_INCIDENTS], "more_incidents": max(0, len(incidents) - _SHOWN_INCIDENTS),
        "open_incidents": sum(each["status"] == "open" for each in incidents),
        "returned_incidents": sum(each["status"] == "returned" for each in incidents),
        "open_alerts": [(name, severities.get(name, 0)) for name in reversed(SEVERITIES)],
        "alerts_total": sum(severities.values()), "alerts_exact": opened.exact,
        "bars": queries.severity_bars(store, case, over),
        "kinds": open_alerts.by_kind(store, opened), "sources": open_alerts.by_source(store, opened),
        "dropped": sum(value for name, value in counted.items() if name.startswith("dropped.")),
        "traffic": queries.counter_lines(store, case, over, "startsWith(counter, 'messages.')"),
        "learning": status["learning"] if status else queries.learning(store, case),
        "status": status, "fleet": [_sensor(row, bool(status)) for row in fleet],
    }  # fmt: skip


def _sensor(row: dict[str, Any], runs: bool) -> dict[str, Any]:
    """`state`: a sensor that was live a moment ago and says nothing any more is late."""
    silent = time.time() - datetime.fromisoformat(row["latest"][:26]).replace(tzinfo=UTC).timestamp()
    state = "good" if silent < _LATE else "bad" if runs else "idle"
    return row | {"state": state, "silent": silent}
