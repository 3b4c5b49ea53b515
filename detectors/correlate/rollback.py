"""The rollback clock: from an incident to the approved artefact seen on its way back, and outputs as they were.

Measured, never promised: the time runs on packet time from the first drift alert of the incident; it stops when an
artefact on the list of approved ones was given to the model's host and every stream of the incident is back inside its
baseline.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.correlate.runbook import written
from detectors.models import APPROVED, OLD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.correlate.flow import Artefact
    from detectors.correlate.graph import Graph
    from detectors.correlate.rows import Incident
    from detectors.models import Models

KEPT = 64  # approved artefacts remembered of each model, the latest
SECOND = 10**9


class Clock:
    def __init__(self, models: Models, graph: Graph) -> None:
        self._models, self._graph = models, graph
        self._given: dict[str, list[tuple[int, str, str, str]]] = {}  # model → when, state, version, host

    def saw(self, rows: Iterable[Artefact]) -> None:
        """Artefacts on their way; those count that the list approves and that go to a host of their model."""
        for row in rows:
            runs = self._models.on(row.target)
            if runs is None or row.state not in (APPROVED, OLD) or row.model != runs.id:
                continue
            given = self._given.setdefault(runs.id, [])
            given.append((row.ts, row.state, row.version, address.text(row.target)))
            given.sort()
            del given[:-KEPT]

    def read(self, incident: Incident) -> Incident:
        """The incident with its runbook and the hands of the clock: `target_minutes`, `artefact_ts`, `version`,
        `state`, `returned_ts`, and `minutes` once both are there."""
        model = next((m for m in self._models.all if m.id == incident.model_id), None)
        target = model.rollback_minutes if model is not None else 15
        hands: dict[str, Any] = {"since": incident.ts, "target_minutes": target}
        given = next((one for one in self._given.get(incident.model_id, ()) if one[0] > incident.ts), None)
        if given is not None:
            hands |= {"artefact_ts": given[0], "state": given[1], "version": given[2], "host": given[3]}
        if incident.status == "returned":
            hands["returned_ts"] = incident.last_ts
        if "artefact_ts" in hands and "returned_ts" in hands:
            took = max(hands["artefact_ts"], hands["returned_ts"]) - incident.ts
            hands["minutes"] = round(took / SECOND / 60, 2)
            hands["in_time"] = hands["minutes"] <= target
        steps = written(incident, model, self._graph)
        return dataclasses.replace(incident, rollback=hands, runbook=steps)

    def snapshot(self) -> dict[str, Any]:
        return {model: [list(one) for one in given] for model, given in self._given.items()}

    def restore(self, state: dict[str, Any]) -> None:
        self._given = {m: [(ts, s, v, host) for ts, s, v, host in given] for m, given in state.items()}
