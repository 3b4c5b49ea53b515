"""What is made of windows, on its way to the store: alerts, drift, incidents, model outputs, assets."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sensor import makers
from sensor.further_columns import extended
from sensor.insight_rows import Waiting
from sensor.ledger.outputs import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detectors.alert import Alert
    from detectors.pipeline import Pipeline
    from parsers import Window
    from sensor.evidence.collector import Collector
    from sensor.ledger.outputs import Sink


class Derived:
    """Only the latest state of an alert or incident is written: most change many times between two writes. Each write
    costs some milliseconds, whatever its size."""

    def __init__(self, store: Sink, pipeline: Pipeline, evidence: Collector | None = None) -> None:
        self._store = store
        self._pipeline = pipeline
        self._ledger = Ledger(store, pipeline.site.observer)
        self._alerts: dict[str, Alert] = {}
        self._evidence = evidence
        self._insight = Waiting()
        self._end = 0

    def begin(self, sensor: str, case: str, captures: Sequence[str]) -> None:
        self._ledger.begin(sensor, case, captures)

    def go_on(self, pipeline: Pipeline) -> None:
        """Another pipeline takes over where the one before was."""
        self._pipeline = pipeline
        self._ledger.go_on(pipeline.site.observer)

    def take(self, window: Window) -> None:
        """A window, or a part of one: through the detectors, and its rows to the store."""
        self._end = window.end
        self._keep(self._pipeline.observe(window.tables, window.start, window.end, window.last))
        if window.last:
            self._ledger.keep()
            if self._evidence is not None:
                self._evidence.close(window.end)
        self._insight.add(*self._pipeline.insight.due(), window.end)
        for name, table in window.tables.items():
            self._store.append(name, extended(name, table, self._pipeline))

    def _keep(self, alerts: Iterable[Alert]) -> None:
        found = {alert.alert_id: alert for alert in alerts}
        self._alerts |= found
        if self._evidence is not None:
            self._evidence.note(found.values())

    def finish(self) -> None:
        """The stream is over; `write` follows."""
        self._keep(self._pipeline.finish())
        self._insight.add(*self._pipeline.insight.due(), self._end)
        if self._evidence is not None:
            self._evidence.finish(self._end)

    def write(self) -> None:
        """Everything that waits, durable when this returns."""
        self._store.upsert("alert_rows", self._alert_rows())
        assets = map(makers.named, self._pipeline.assets())
        self._store.upsert("assets", [row_of(asset) | {"ts": asset.first_seen} for asset in assets])
        drift, incidents = self._insight.take()
        self._store.upsert("drift", drift)
        self._store.upsert("incident_rows", incidents)
        self._alerts.clear()
        self._ledger.write()
        self._store.flush()
        self._ledger.note(self._end)

    def _alert_rows(self) -> list[dict[str, object]]:
        if self._evidence is None:
            return [row_of(alert, "status") for alert in self._alerts.values()]
        self._alerts = {alert.alert_id: alert for alert in self._evidence.finished()} | self._alerts
        return [row_of(alert, "status") | self._evidence.columns(alert.alert_id) for alert in self._alerts.values()]


def row_of(record: Any, *left_out: str) -> dict[str, object]:
    """A frozen record as a row; the store itself says whose sensor and case it is."""
    names = [f.name for f in fields(record) if f.name not in ("sensor", "case_id", *left_out)]
    row = {name: getattr(record, name) for name in names}
    return row | {"ts": record.ts} if hasattr(record, "ts") else row
