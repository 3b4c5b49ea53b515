"""Drift alerts and incidents as rows of the store."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.correlate.rows import Incident, Suspect
    from detectors.drift.rows import DriftAlert

_JSON = ("causes", "timeline", "suspects", "rollback")


class Waiting:
    """The latest state of what was found and is not written yet. `version`: packet time at which it was told."""

    def __init__(self) -> None:
        self._drift: dict[str, tuple[DriftAlert, int]] = {}
        self._incidents: dict[str, tuple[Incident, int]] = {}

    def add(self, drift: Iterable[DriftAlert], incidents: Iterable[Incident], version: int) -> None:
        self._drift |= {row.drift_id: (row, version) for row in drift}
        self._incidents |= {row.incident_id: (row, version) for row in incidents}

    def take(self) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        """Rows of `drift` and of `incident_rows`; they wait no more."""
        drift = [dataclasses.asdict(row) | {"version": version} for row, version in self._drift.values()]
        incidents = [incident_row(row) | {"version": version} for row, version in self._incidents.values()]
        self._drift, self._incidents = {}, {}
        return drift, incidents


def incident_row(incident: Incident) -> dict[str, object]:
    row: dict[str, object] = {field.name: getattr(incident, field.name) for field in dataclasses.fields(incident)}
    row["suspects"] = [_suspect(suspect) for suspect in incident.suspects]
    row |= {name: orjson.dumps(row[name], option=orjson.OPT_SORT_KEYS).decode() for name in _JSON}
    row["state"] = row.pop("status")
    return row


def _suspect(suspect: Suspect) -> dict[str, Any]:
    found: dict[str, Any] = {
        "hypothesis": suspect.hypothesis,
        "cause": suspect.cause,
        "probability": round(suspect.probability, 4),
        "score": round(suspect.score, 3),
        "terms": {name: round(nats, 3) for name, nats in suspect.terms.items()},
    }
    event = suspect.event
    if event is not None:
        names = ("event_id", "ts", "kind", "src", "dst", "target", "summary", "alert")
        found["event"] = {name: getattr(event, name) for name in names} | {"marks": dict(event.marks)}
    return found
