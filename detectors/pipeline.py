"""All detectors over one stream of windows.

The only place with a broad catch: a detector is a plug-in, and one that raises must not take the others with
it. It is switched off for the rest of the run, which is counted and said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from detectors import registry
from detectors.alert import NOWHERE, SEVERITIES, Alert
from detectors.base import Detector, parse_settings
from detectors.book import Book, in_order
from detectors.budget import PER_DAY
from detectors.insight import Insight
from detectors.knowledge import Known, of_quarantine
from detectors.memory import Memo
from detectors.site import site
from detectors.verdicts import OPEN, STATUS, Verdicts
from detectors.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from detectors.arrived import HostOutput
    from detectors.assets import AssetRow
    from detectors.changes import Change
    from detectors.drift.rows import DriftAlert
    from detectors.insight import Settings as InsightSettings
    from detectors.learning import Settings
    from detectors.models import DataSource, Model
    from detectors.zones import Policy

GRAVE = SEVERITIES[SEVERITIES.index("high") :]  # an exact rule of this severity makes a host suspect
T = TypeVar("T")


class Pipeline:
    """`settings`: the table `[detectors]` of the configuration. ValueError for a setting that makes no sense.

    Snapshots are taken between windows.
    """

    def __init__(
        self,
        policy: Policy,
        settings: Mapping[str, Mapping[str, object]],
        sensor: str = "",
        case_id: str = "live",
        learning: Settings | None = None,
        changes: Iterable[Change] = (),
        models: Iterable[Model] = (),
        verdicts: Verdicts | None = None,
        false_alarms: float = PER_DAY,
        insight: InsightSettings | None = None,
        sources: Iterable[DataSource] = (),
    ) -> None:
        self._verdicts = verdicts or Verdicts()
        self._sensor, self._case_id = sensor, case_id
        self.site = site(policy, learning, changes, models, false_alarms, sources)
        self.site.observer.begin(sensor, case_id)
        self._places, self._inventory = self.site.places, self.site.inventory
        self.insight = Insight(self.site, insight)
        self._finished = False
        self.failures: dict[str, str] = {}  # detectors switched off, and why
        self.raised: dict[str, int] = {}  # alerts by kind; an update is not counted again
        self.severities: dict[str, int] = {}  # the same alerts by severity, as it was when they were raised
        self.quiet: dict[str, int] = {}  # alerts not shown, by status; one closed and seen again was raised too
        self._ids, self._quiet_ids = Memo(), Memo()
        self.detectors: dict[str, Detector] = {}
        for name, wanted in registry.enabled(settings).items():
            if wanted:
                self._add(name, settings.get(name, {}))

    def _add(self, name: str, section: Mapping[str, object]) -> None:
        if name in registry.BUILTIN:
            kind = registry.builtin(name)
            self.detectors[name] = kind(parse_settings(kind, section), self.site)
            return
        try:
            kind = registry.load(registry.installed()[name])
            self.detectors[name] = kind(parse_settings(kind, section), self.site)
        except Exception as error:  # noqa: BLE001 - the border of a plug-in: see the module's text
            self._fail(name, error)

    def arrive(self, drift: Iterable[DriftAlert] = (), inference: Iterable[HostOutput] = ()) -> None:
        """Records from outside, before the first part of the window in which their time lies; late ones before the
        next. Several calls add up."""
        self.site.arrived.take(drift, inference)

    def observe(self, tables: Mapping[str, object], start: int, end: int, last: bool) -> list[Alert]:
        """One window or part of one: new and changed alerts, in order; none before the window's last part."""
        window = Window(tables, start, end, last)
        if window.silent:
            return self._ask(lambda detector: detector.observe(window) if detector.watches_silence else [])
        self.site.learn(window)
        alerts = self._ask(lambda detector: detector.observe(window))
        self.insight.gather(window)
        if last:
            self.insight.judge(window, alerts)
            self._close(end, alerts)
            self.site.arrived.clear()
        return alerts

    @property
    def _anomalies(self) -> set[str]:
        """Detectors that judge by what is usual."""
        return {name for name, detector in self.detectors.items() if detector.anomaly}

    def _close(self, end: int, alerts: list[Alert]) -> None:
        exact = set(self.detectors) - self._anomalies
        grave = [
            a.src_ip
            for a in alerts
            if a.severity in GRAVE and a.detector in exact and a.src_ip != NOWHERE and a.status != STATUS["learn"]
        ]
        self.site.learning.suspect(grave)
        self.site.learning.close(end)
        self.site.budget.close(end)

    def hear(self, verdicts: Verdicts) -> None:
        """What people said by now, in place of what they had said before."""
        self._verdicts = verdicts

    def begin_learning(self) -> None:
        """Everything that comes is learnt, until `end_learning`."""
        self.site.learning.begin()

    def end_learning(self) -> None:
        """What was seen is known, everything else is new. Alerts raised so far are forgotten: they were of what
        was learnt from."""
        self.site.learning.end()
        for detector in self.detectors.values():
            detector.book = Book(detector.name)
        self._inventory.restart()
        self.insight.end_learning()
        for counted in (self.raised, self.severities, self.quiet, self._ids, self._quiet_ids):
            counted.clear()
        self._finished = False

    def finish(self) -> list[Alert]:
        """The stream is over: alerts whose last state was not given out yet."""
        self._finished = True
        alerts = self._ask(lambda detector: detector.finish())
        self.insight.finish(alerts)
        self.site.arrived.clear()
        return alerts

    def assets(self) -> list[AssetRow]:
        """Hosts of which something new is known since the last call."""
        rows = self._inventory.changed(everything=self._finished)
        return [replace(row, sensor=self._sensor, case_id=self._case_id) for row in rows]

    def zone(self, ip: bytes, vlan: int = 0, mac: str = "") -> str:
        """Name of the zone an address (16 bytes) is in, as far as is known by now; empty: in none."""
        zone = self._places.zone(ip, vlan, mac) if ip != NOWHERE else None
        return zone.name if zone else ""

    def notes(self) -> list[str]:
        """What an analyst should know about this run: detectors switched off, still learning, or over a limit."""
        told = [f"detector {name} was switched off: {why}" for name, why in sorted(self.failures.items())]
        if self._places.inferred:
            told.append("no zones are configured: they were inferred from addresses and roles")
        told += self.site.learning.notes()
        told += self.insight.notes()
        told += self.site.observer.notes()
        if self.quiet:
            quiet = ", ".join(f"{count} {status}" for status, count in sorted(self.quiet.items()))
            told.append(f"alerts that were stored but are not shown: {quiet}")
        return told + [note for _, notes in self._each(lambda detector: detector.notes()) for note in notes]

    def knowledge(self) -> list[Known]:
        """What was learnt and what was kept out, in sentences: by kind, hosts and what it is of."""
        told = [known for _, found in self._each(lambda detector: list(detector.knowledge())) for known in found]
        return sorted([*told, *of_quarantine(self.site.learning)])

    def counters(self) -> dict[str, int]:
        """For the table `health`: alerts by kind, entries held, what limits cost."""
        told = {f"alerts.{kind}": count for kind, count in self.raised.items()}
        told |= {f"alerts_{status}": count for status, count in self.quiet.items()}
        told["detectors.failed"] = len(self.failures)
        told |= {f"learning.{name}": size for name, size in self.site.learning.counters().items()}
        told["arrived.overflow"] = self.site.arrived.overflow
        told |= self.insight.counters()
        told |= {f"outputs.{name}": size for name, size in self.site.observer.counters().items()}
        told["assets.overflow"] = self._inventory.overflow
        told |= {f"assets.{name}": size for name, size in self._inventory.sizes().items()}
        for name, sizes in self._each(lambda detector: detector.counters()):
            told |= {f"{name}.{what}": size for what, size in sizes.items()}
        return dict(sorted(told.items()))

    def _ask(self, question: Callable[[Detector], list[Alert]]) -> list[Alert]:
        alerts = [alert for _, found in self._each(question) for alert in found]
        return [self._complete(alert) for alert in sorted(alerts, key=in_order)]

    def _each(self, question: Callable[[Detector], T]) -> list[tuple[str, T]]:
        """Every detector's answer, by name. One that raises answers nothing any more."""
        answers = []
        for name, detector in sorted(self.detectors.items()):
            try:
                answers.append((name, question(detector)))
            except Exception as error:  # noqa: BLE001 - the border of a plug-in: see the module's text
                self._fail(name, error)
        return answers

    def _fail(self, name: str, error: Exception) -> None:
        self.failures[name] = f"{type(error).__name__}: {error}"
        self.detectors.pop(name, None)

    def _complete(self, alert: Alert) -> Alert:
        status, suppressed = self._verdicts.judge(alert)
        ids, counts, what = (
            (self._ids, self.raised, alert.kind) if status == OPEN else (self._quiet_ids, self.quiet, status)
        )
        if ids.fresh([bytes.fromhex(alert.alert_id)]):
            counts[what] = counts.get(what, 0) + 1
            if status == OPEN:
                self.severities[alert.severity] = self.severities.get(alert.severity, 0) + 1
            if status == STATUS["learn"] and alert.detector in self._anomalies:
                self.site.budget.false(alert.last_ts)  # an analyst says that it was normal
        return replace(
            alert,
            status=status,
            suppressed=suppressed,
            src_zone=alert.src_zone or self.zone(alert.src_ip),
            dst_zone=alert.dst_zone or self.zone(alert.dst_ip),
            sensor=self._sensor,
            case_id=self._case_id,
        )

    def snapshot(self) -> dict[str, Any]:
        """The state between two windows, as JSON can carry it."""
        return {
            "site": self.site.snapshot(),
            "insight": self.insight.snapshot(),
            "detectors": {name: detector.snapshot() for name, detector in self.detectors.items()},
            "failures": dict(self.failures),
            "raised": dict(self.raised),
            "severities": dict(self.severities),
            "quiet": dict(self.quiet),
            "ids": self._ids.snapshot(),
            "quiet_ids": self._quiet_ids.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where a snapshot of the same configuration was taken."""
        self.site.restore(state["site"])
        self.insight.restore(state["insight"])
        self.failures, self.raised, self.quiet = (dict(state[name]) for name in ("failures", "raised", "quiet"))
        self.severities = dict(state.get("severities", {}))  # a state of earlier versions has none
        self._ids.restore(state["ids"])
        self._quiet_ids.restore(state["quiet_ids"])
        for name in list(self.detectors):
            if name in state["detectors"]:
                self.detectors[name].restore(state["detectors"][name])
            elif name in self.failures:
                del self.detectors[name]
