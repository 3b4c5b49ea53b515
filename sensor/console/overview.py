"""The overview: what is open, what happened when, how the sensor is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import Response

from detectors.alert import SEVERITIES
from sensor.access.roles import Permission
from sensor.api.guard import needs
from sensor.console import open_alerts, queries
from sensor.console.asked import Case, Range, Seer
from sensor.console.status import live_status

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

_LATE = 180  # seconds after which a sensor that runs should have told of itself
_SHOWN_INCIDENTS = 6


def add(app: FastAPI, console: Console) -> None:
    @app.get("/", include_in_schema=False)
    def overview(who: Seer, range: Range = "24h", case: Case = "") -> Response:  # noqa: A002  the address says it so
        """The page with what stands in it now."""
        return console.page(who, "overview", cases=queries.cases(console.owner), **_values(console, range, case))

    @app.get("/console/overview", include_in_schema=False, dependencies=[needs(Permission.SEE)])
    def overview_part(range: Range = "24h", case: Case = "") -> Response:  # noqa: A002
        """Its changing part alone."""
        return console.part("overview_part.html", **_values(console, range, case))


def _values(console: Console, wanted: str, case: str) -> dict[str, Any]:
    store = console.owner
    over = queries.span(store, case, wanted)
    incidents, counted = queries.incidents(store, case), queries.counters(store, case, over)
    status, fleet = live_status(console.location, console.config), queries.fleet(store, case)
    opened = open_alerts.opened(store, case, over)
    severities = open_alerts.by_severity(store, opened)
    return {
        "range": wanted, "ranges": list(queries.RANGES), "case": case, "over": over,
        "incidents": incidents[:_SHOWN_INCIDENTS], "more_incidents": max(0, len(incidents) - _SHOWN_INCIDENTS),
        "open_incidents": sum(each["status"] == "open" for each in incidents),
        "returned_incidents": sum(each["status"] == "returned" for each in incidents),
        "open_alerts": [(name, severities.get(name, 0)) for name in reversed(SEVERITIES)],
        "alerts_total": sum(severities.values()), "alerts_exact": opened.exact,
        "bars": queries.severity_bars(store, case, over),
        "kinds": open_alerts.by_kind(store, opened), "sources": open_alerts.by_source(store, opened),
        "counters": counted,
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
