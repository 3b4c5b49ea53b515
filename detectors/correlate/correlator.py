"""Joins drift with what happened on the network: events, drifts and facts in, incidents out.

Everything is judged anew from what is held, so the order in which evidence arrives does not matter and an incident
that becomes clearer keeps its id. Only rates of events, and the share of attacks among this site's cases, are learnt.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, TypeVar

from detectors import address
from detectors.changes import Changes
from detectors.correlate import incidents
from detectors.correlate.cases import cases
from detectors.correlate.evidence import Evidence
from detectors.correlate.factory import HORIZON, factory
from detectors.correlate.graph import Graph
from detectors.correlate.rows import Event, Fact
from detectors.correlate.score import calibrated, judge, probability, share_here
from detectors.drift.rows import DriftAlert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detectors.correlate.factory import Factory
    from detectors.correlate.rows import Case, Incident

HOUR = 3600 * 10**9
KEEP = int(1.5 * HORIZON * HOUR)  # how long evidence is held
EVENTS, DRIFTS, FACTS = 1 << 16, 4096, 1 << 14  # held; the oldest leave
HISTORY = 512  # incidents whose odds tell the share of attacks here
_CHANGES = ("write", "control", "deploy", "update")
T = TypeVar("T", Event, Fact, DriftAlert)


class Correlator:
    """`graph`: data flow, added to as it is learnt. `linked`: stream → group of physically linked ones. `watched`:
    model → facts that would be seen of it (`version`, `lineage`, `sides`, `relation`). `history`: `odds` of incidents
    before this one's evidence begins, of this site or of others of its fleet."""

    def __init__(
        self,
        graph: Graph | None = None,
        linked: Mapping[str, str] | None = None,
        watched: Mapping[str, Iterable[str]] | None = None,
        changes: Changes | None = None,
        tables: Factory | None = None,
        history: Iterable[float] = (),
    ) -> None:
        self.graph = graph or Graph()
        self.linked = dict(linked or {})
        self.watched = {model: frozenset(names) for model, names in (watched or {}).items()}
        self._changes = changes or Changes()
        self._tables = tables or factory()
        self._events: dict[str, Event] = {}
        self._drifts: dict[str, DriftAlert] = {}
        self._facts: dict[tuple[str, str, str, int], Fact] = {}
        self._history = {f"before {at}": (0, odds) for at, odds in enumerate(history)}
        self._told: dict[str, Incident] = {}
        self._started = 0
        self.evicted = 0

    def events(self, rows: Iterable[Event]) -> None:
        """An event given again replaces itself."""
        for row in rows:
            self._events[row.event_id] = row
            self._started = min(self._started or row.ts, row.ts)

    def drifts(self, rows: Iterable[DriftAlert]) -> None:
        for row in rows:
            self._drifts[row.drift_id] = row

    def facts(self, rows: Iterable[Fact]) -> None:
        for row in rows:
            self._facts[row.model_id, row.feature, row.value, row.ts] = row

    @property
    def drifting(self) -> bool:
        """Whether there is any drift to explain."""
        return bool(self._drifts)

    def clear(self) -> None:
        """Forgets all evidence; the data flow and the share of attacks among earlier cases stay."""
        self._events, self._drifts, self._facts, self._told, self._started = {}, {}, {}, {}, 0

    def judge(self, now: int) -> list[Incident]:
        """Incidents that are new or say something else than when they were last given, in order of their onset."""
        found = {made.incident_id: made for made in self.incidents(now)}
        changed = [made for identity, made in found.items() if self._told.get(identity) != made]
        self._told = found
        return sorted(changed, key=lambda made: (made.ts, made.incident_id))

    def incidents(self, now: int) -> list[Incident]:
        """All incidents as the evidence stands at `now` (nanoseconds)."""
        self._forget(now)
        evidence = Evidence(list(self._events.values()), (now - self._started) / HOUR, self._tables)
        judged = [(case, judge(case, evidence, self.graph, self._tables)) for case in self._cases()]
        grouped = incidents.groups(judged)
        held = {
            incidents.identity(group): (
                min(case.ts for case, _ in group),
                calibrated(incidents.log_odds(group), self._tables),
            )
            for group in grouped
        }
        past = {key: told for key, told in self._history.items() if told[0] < now - KEEP}
        self._history = dict(sorted((past | held).items(), key=lambda kept: kept[1][0])[-HISTORY:])
        share = share_here(self.odds(), self._tables)
        shift = math.log(share / (1 - share)) - math.log(self._tables.share / (1 - self._tables.share))
        made = []
        for group in grouped:
            logit = calibrated(incidents.log_odds(group), self._tables)
            level = self._level(probability(logit))
            made.append(incidents.incident(group, probability(logit + shift), level, self.graph))
        return sorted(made, key=lambda incident: (incident.ts, incident.incident_id))

    def odds(self) -> list[float]:
        """Calibrated logits of incidents so far, for the `history` of another correlator."""
        return [odds for _, odds in self._history.values()]

    def _level(self, chance: float) -> str:
        """By the evidence alone, so that how often a site is attacked does not change its false incidents."""
        if chance >= self._tables.incident:
            return "incident"
        return "suspicion" if chance >= self._tables.suspicion else "note"

    def _cases(self) -> list[Case]:
        found = cases(list(self._drifts.values()), self._facts.values(), self.graph, self.linked, self.watched)
        if not self._changes:
            return found
        return [self._covered(case) for case in found]

    def _covered(self, case: Case) -> Case:
        """Whether an approved change of a host in the model's data flow covers the onset."""
        hosts = []
        for node in self.graph.reach(case.model_id):
            try:
                hosts.append(address.parse(node))
            except ValueError:
                continue  # a stream or a model
        if not any(self._changes.covering(ts, action, *hosts) for action in _CHANGES for ts in (case.low, case.since)):
            return case
        return dataclasses.replace(case, features=dict(case.features) | {"change": "covered"})

    def _forget(self, now: int) -> None:
        self._events = self._kept(self._events, EVENTS, now)
        self._drifts = self._kept(self._drifts, DRIFTS, now)
        self._facts = self._kept(self._facts, FACTS, now)
        self._started = max(self._started, now - KEEP) if self._started else now

    def _kept(self, held: dict[Any, T], limit: int, now: int) -> dict[Any, T]:
        """Without what is older than `KEEP`, nor the oldest beyond the limit."""
        kept = {key: row for key, row in held.items() if row.ts >= now - KEEP}
        if len(kept) > limit:
            newest = sorted(kept, key=lambda key: (kept[key].ts, str(key)))[-limit:]
            self.evicted += len(kept) - limit
            kept = {key: kept[key] for key in newest}
        return kept

    def counters(self) -> dict[str, int]:
        sizes = {"events": len(self._events), "drifts": len(self._drifts), "facts": len(self._facts)}
        return sizes | {"edges": len(self.graph.edges), "incidents": len(self._told), "evicted": self.evicted}

    def snapshot(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {
            "graph": self.graph.snapshot(),
            "linked": self.linked,
            "watched": {model: sorted(names) for model, names in self.watched.items()},
            "events": [dataclasses.asdict(row) for row in self._events.values()],
            "drifts": [dataclasses.asdict(row) for row in self._drifts.values()],
            "facts": [dataclasses.asdict(row) for row in self._facts.values()],
            "history": [[key, ts, odds] for key, (ts, odds) in self._history.items()],
            "started": self._started,
            "evicted": self.evicted,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """What was told before is told again once, as ids stay the same."""
        self.graph.restore(state["graph"])
        self.linked = dict(state["linked"])
        self.watched = {model: frozenset(names) for model, names in state["watched"].items()}
        self._events = {r["event_id"]: Event(**(r | {"techniques": tuple(r["techniques"])})) for r in state["events"]}
        self._drifts = {row["drift_id"]: DriftAlert(**row) for row in state["drifts"]}
        self._facts = {}
        self.facts(Fact(**row) for row in state["facts"])
        self._history = {key: (ts, odds) for key, ts, odds in state["history"]}
        self._started, self.evicted = state["started"], state["evicted"]
        self._told = {}
