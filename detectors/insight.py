"""Why a model drifted: after a window's detectors, drift of what models said, joined with what the network did.

`Insight` owns the drift monitor and the correlator. It feeds them from the site's observer of model outputs, from drift
that other tools reported, from alerts, and from artefacts on the wire; what it finds anew waits until `due` is asked.
Everything goes by packet time; the same windows give the same rows and ids.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors.correlate.clues import Clues
from detectors.correlate.correlator import Correlator
from detectors.correlate.events import Context
from detectors.correlate.flow import Flow, Source
from detectors.correlate.graph import Graph
from detectors.correlate.rollback import Clock
from detectors.drift.monitor import Monitor
from detectors.drift.monitor import Settings as DriftSettings
from detectors.models import APPROVED
from detectors.verdicts import STATUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detectors.alert import Alert
    from detectors.correlate.rows import Incident
    from detectors.drift.rows import DriftAlert
    from detectors.learning import Learning
    from detectors.site import Site
    from detectors.window import Window

AGAIN = 300 * 10**9  # new events alone are joined anew after this; new drift at once
HOSTS = 1 << 16  # known when learning ended
SECOND = 10**9


@dataclass(frozen=True, slots=True)
class Settings:
    """`approved`: addresses or networks whose work is wanted. `shift`: UTC hours of work. `sources`: the configured
    data sources; streams of one, and values of one message, are taken to be physically linked."""

    drift: DriftSettings = field(default_factory=DriftSettings)
    approved: tuple[str, ...] = ()
    shift: tuple[int, int] = (6, 18)
    sources: tuple[Source, ...] = ()


class Due(NamedTuple):
    """Rows that are new or say something else than before, in order of time."""

    drift: tuple[DriftAlert, ...]
    incidents: tuple[Incident, ...]


class _FirstSeen:
    """When a host came that was not there while the sensor learnt."""

    def __init__(self, learning: Learning) -> None:
        self._learning = learning
        self.known: set[bytes] = set()

    def get(self, ip: bytes, /) -> int | None:
        first = self._learning.first(ip)
        start = self._learning.start
        if first is None or start is None or ip in self.known:
            return None
        if not self._learning.ended and first - start <= self._learning.settings.seconds * SECOND:
            return None
        return first


class Insight:
    def __init__(self, site: Site, settings: Settings | None = None) -> None:
        self._site = site
        self.settings = settings or Settings()
        self.monitor = Monitor(self.settings.drift)
        self.flow = Flow(Graph(), site.models, self.settings.sources)
        self.correlator = Correlator(self.flow.graph, changes=site.changes)
        self._clues, self._clock = Clues(site.models, self.flow), Clock(site.models, self.flow.graph)
        self._first = _FirstSeen(site.learning)
        self._context = Context(
            site.changes,
            self.settings.approved,
            self._first,
            self.settings.shift,
            trains=self.flow.trains,
            retrained=self.flow.retrained,
            origins=self.flow.origins,
        )
        self._ids: dict[str, str] = {}  # drift → the incident it was told as part of
        self._told: dict[str, Incident] = {}
        self._drift: dict[str, DriftAlert] = {}
        self._incidents: dict[str, Incident] = {}
        self._pending = 0  # when evidence came that was not joined yet; 0: none
        self._now = 0

    def gather(self, window: Window) -> None:
        """A part of a window, before it is whole."""
        artefacts = self.flow.learn(window)
        facts = [*self._clues.artefacts(artefacts), *self._clues.tags(window)]
        self._clock.saw(artefacts)
        if not self._site.learning.held:
            self.correlator.facts(facts)
            # Of any other an alert tells; what is approved moves outputs as well, and lawfully.
            lawful = [artefact for artefact in artefacts if artefact.state == APPROVED]
            self.correlator.events(map(self._context.artefact, lawful))
            if artefacts or facts:
                self._pending = self._pending or window.start

    def judge(self, window: Window, alerts: Sequence[Alert]) -> None:
        """The window is whole, and its detectors have spoken."""
        self._now = window.end
        outputs, inputs = self._site.observer.seen.outputs, self._site.observer.seen.inputs
        self.flow.streams(outputs, inputs)
        facts = self._clues.outputs(outputs)
        self.monitor.outputs(outputs)
        self.monitor.read(inputs)
        found = self.monitor.observe(window.end, window.start)
        if self._site.learning.held:
            return
        self.correlator.facts(facts)
        self._hear(alerts)
        self._drift |= {alert.drift_id: alert for alert in found}
        outside = self._site.arrived.drift
        self.correlator.drifts([*found, *outside])
        self._pending = self._pending or (window.end if facts or alerts else 0)
        if found or outside or (self._pending and window.end - self._pending >= AGAIN):
            self._join(window.end)

    def _hear(self, alerts: Iterable[Alert]) -> None:
        """Alerts as events; what an analyst called normal explains nothing."""
        for alert in alerts:
            if alert.status == STATUS["learn"]:
                continue
            event = self._context.event(alert, self.flow.graph)
            self.correlator.facts(self._clues.alert(alert, event))
            if event is not None:
                self.correlator.events([event])

    def _join(self, now: int) -> None:
        self._pending = 0
        if not self.correlator.drifting:
            return
        self.correlator.linked = self._linked()
        self.correlator.watched = {
            model.id: frozenset(self._clues.watched(model.id) | self.monitor.watched(model.id))
            for model in self._site.models.all
        }
        found: dict[str, Incident] = {}
        for made in self.correlator.incidents(now):
            mine = sorted({self._ids[drift] for drift in made.drift_ids if drift in self._ids}, key=self._since)
            identity = next((one for one in mine if one not in found), made.incident_id)
            found[identity] = self._clock.read(dataclasses.replace(made, incident_id=identity))
            self._ids |= dict.fromkeys(made.drift_ids, identity)
        self._merged(found)
        self._incidents |= {i: made for i, made in found.items() if self._told.get(i) != made}
        self._told = found
        self._ids = {drift: identity for drift, identity in self._ids.items() if identity in found}

    def _since(self, identity: str) -> tuple[int, str]:
        known = self._told.get(identity)
        return (known.ts if known is not None else 0), identity

    def _merged(self, found: dict[str, Incident]) -> None:
        """An incident that turned out to be part of another says so in its last row."""
        into = {drift: identity for identity, made in found.items() for drift in made.drift_ids}
        for identity, before in self._told.items():
            other = next((into[drift] for drift in before.drift_ids if drift in into), None)
            if identity in found or other is None:
                continue
            told = f"{before.title} (now part of incident {other[:12]})"
            gone = dataclasses.replace(before, title=told, status="merged", level="note", severity="info")
            self._incidents[identity] = gone

    def _linked(self) -> dict[str, str]:
        """Stream → group: the message that it came in, else the source that names it."""
        groups: dict[str, str] = {}
        for stream in self.monitor.alive():
            topic, mark, _ = stream.partition("#")
            named = next((source.id for source in self.settings.sources if stream in source.tags), "")
            if mark or named:
                groups[stream] = topic if mark else named
        return groups

    def end_learning(self) -> None:
        """What was seen is the baseline. Evidence gathered so far is of what was learnt from."""
        self.monitor.end_learning()
        self._first.known = set(sorted(self._site.learning.hosts())[:HOSTS])
        self.correlator.clear()
        for held in (self._ids, self._told, self._drift, self._incidents):
            held.clear()
        self._pending = 0

    def finish(self, alerts: Sequence[Alert]) -> None:
        """The stream is over."""
        self._hear(alerts)
        if not self._site.learning.held:
            self.correlator.drifts(self._site.arrived.drift)
            self._join(self._now)

    def due(self) -> Due:
        """What is new since it was asked last."""
        drift = sorted(self._drift.values(), key=lambda row: (row.ts, row.drift_id))
        incidents = sorted(self._incidents.values(), key=lambda row: (row.ts, row.incident_id))
        self._drift, self._incidents = {}, {}
        return Due(tuple(drift), tuple(incidents))

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All as they were told last."""
        return tuple(sorted(self._told.values(), key=lambda row: (row.ts, row.incident_id)))

    def notes(self) -> list[str]:
        return self.monitor.notes()

    def counters(self) -> dict[str, int]:
        told = {f"drift.{name}": size for name, size in self.monitor.counters().items()}
        told |= {f"correlator.{name}": size for name, size in self.correlator.counters().items()}
        return told | {f"flow.{name}": size for name, size in (self.flow.sizes() | self._clues.sizes()).items()}

    def snapshot(self) -> dict[str, Any]:
        """Between two windows, as JSON can carry it."""
        return {
            "monitor": self.monitor.snapshot(), "correlator": self.correlator.snapshot(),
            "flow": self.flow.snapshot(), "clues": self._clues.snapshot(), "clock": self._clock.snapshot(),
            "known": sorted(ip.hex() for ip in self._first.known), "ids": dict(self._ids),
            "pending": self._pending, "now": self._now,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """What was told before is told again once, as ids stay the same."""
        self.monitor.restore(state["monitor"], {model.id for model in self._site.models.all})
        self.correlator.restore(state["correlator"])
        self.flow.restore(state["flow"])
        self.flow.configured()
        self._clues.restore(state["clues"])
        self._clock.restore(state["clock"])
        self._first.known = {bytes.fromhex(ip) for ip in state["known"]}
        self._ids, self._pending, self._now = dict(state["ids"]), state["pending"], state["now"]
        self._told = {}
