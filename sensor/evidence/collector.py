"""Brings alerts and packets together while windows come: each alert worth it gets its slice once its time is over.

Slices are found and written by a thread of their own: neither disk nor search holds up a window.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from detectors.alert import SEVERITIES
from detectors.verdicts import OPEN
from sensor.evidence import slices
from sensor.evidence.scope import question
from sensor.evidence.shelf import Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from detectors.alert import Alert
    from parsers import Found
    from sensor.evidence.scope import Question
    from sensor.evidence.shelf import Shelf
    from sensor.evidence_config import EvidenceSection

WORTH = SEVERITIES[SEVERITIES.index("medium") :]
MOST_WAITING = 10_000  # alerts without a slice yet; more get none, which is counted
MOST_KNOWN = 20_000  # alerts whose slice is remembered; of others the directory is asked
_COMING = Facts(evidence_note="not complete yet")
_SECOND = 10**9


class Source(Protocol):
    """Where packets come from."""

    group: int  # alerts for which packets are searched at once

    def select(self, questions: Sequence[Question]) -> list[Found]: ...
    def captures(self) -> list[tuple[str, str]]:
        """Id and name of each capture or interface."""


class Collector:
    """`at_end`: slices are only made when everything was read, as a capture is read once for many. `spared`: gives the
    alerts whose slices are removed last. `say`: a sentence for the user."""

    def __init__(
        self,
        source: Source,
        shelf: Shelf,
        settings: EvidenceSection,
        say: Callable[[str], None],
        spared: Callable[[], Container[str]] = frozenset,
        *,
        at_end: bool = False,
    ) -> None:
        self._source, self._shelf, self._settings, self._say = source, shelf, settings, say
        self._spared, self._at_end = spared, at_end
        self._fresh: list[str] = []
        self._waiting: dict[str, Alert] = {}
        self._due: dict[str, int] = {}  # end of the window in which the alert was told first
        self._known: dict[str, Facts] = {}
        self._jobs: queue.Queue[list[tuple[Alert, int]] | None] = queue.Queue()
        self._done: queue.SimpleQueue[tuple[str, Facts]] = queue.SimpleQueue()
        self._counted: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._spared_now: Container[str] = ()
        self._failing = ""
        self._thread = threading.Thread(target=self._work, name="slices", daemon=True)
        self._thread.start()

    def note(self, alerts: Iterable[Alert]) -> None:
        """New and changed alerts."""
        for alert in alerts:
            if alert.alert_id in self._waiting:
                self._waiting[alert.alert_id] = alert
            elif alert.severity in WORTH and alert.status == OPEN and self._facts(alert.alert_id) is None:
                if len(self._waiting) >= MOST_WAITING:
                    self._count("evidence.skipped")
                    continue
                self._waiting[alert.alert_id] = alert
                self._fresh.append(alert.alert_id)

    def close(self, end: int) -> None:
        """A window is whole."""
        self._due |= dict.fromkeys(self._fresh, end)
        self._fresh.clear()
        if self._at_end:
            return
        after = round(self._settings.after_seconds * _SECOND)
        self._submit([alert_id for alert_id, told in self._due.items() if told + after <= end])

    def _submit(self, ids: list[str]) -> None:
        jobs = [(self._waiting[alert_id], self._due.pop(alert_id)) for alert_id in ids]
        jobs.sort(key=lambda job: (-SEVERITIES.index(job[0].severity), job[0].first_ts, job[0].alert_id))
        if jobs:
            self._spared_now = self._spared()  # asked here: what it looks at changes with every window
        for at in range(0, len(jobs), self._source.group):
            self._jobs.put(jobs[at : at + self._source.group])

    def finish(self, end: int) -> None:
        """Nothing more comes: what waits gets what there is."""
        self.close(end)
        self._submit(list(self._due))
        self._jobs.put(None)
        self._thread.join()

    def finished(self) -> list[Alert]:
        """Alerts whose slice was made, or could not be, since this was asked last: their rows are written anew."""
        alerts = []
        while not self._done.empty():
            alert_id, facts = self._done.get()
            self._remember(alert_id, facts)
            alerts.append(self._waiting.pop(alert_id))
        return alerts

    def columns(self, alert_id: str) -> dict[str, Any]:
        """What the row of an alert says of its packets."""
        if alert_id in self._waiting:
            return asdict(_COMING)
        return asdict(self._facts(alert_id) or Facts())

    def _facts(self, alert_id: str) -> Facts | None:
        found = self._known.get(alert_id) or self._shelf.facts(alert_id)
        if found is not None:
            self._remember(alert_id, found)
        return found

    def _remember(self, alert_id: str, facts: Facts) -> None:
        self._known[alert_id] = facts
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    def counted(self) -> dict[str, int]:
        """What happened since this was asked last."""
        with self._counting:
            told, self._counted = self._counted, Counter()
        return dict(told)

    def _count(self, name: str, number: int = 1) -> None:
        with self._counting:
            self._counted[name] += number

    def _work(self) -> None:
        while (jobs := self._jobs.get()) is not None:
            for (alert, _), facts in zip(jobs, self._made(jobs), strict=True):
                self._done.put((alert.alert_id, facts))
            self._retain()

    def _made(self, jobs: list[tuple[Alert, int]]) -> list[Facts]:
        captures = self._source.captures()
        ids, names = [identity for identity, _ in captures], [name for _, name in captures]
        try:
            asked = [question(alert, end, ids, self._settings) for alert, end in jobs]
            found = self._source.select(asked)
        except ValueError as error:  # a capture that can be read no more
            return [self._failed(str(error)) for _ in jobs]
        return [self._put(alert, packets, names, ids) for (alert, _), packets in zip(jobs, found, strict=True)]

    def _put(self, alert: Alert, found: Found, names: list[str], ids: list[str]) -> Facts:
        if not found.packets:
            self._count("evidence.without_packets")
            return Facts(evidence_note="no packet of it is at hand")
        index = ids.index(alert.capture) if alert.capture in ids else 0
        try:
            facts = self._shelf.put(alert.alert_id, slices.made(alert, found, names, index))
        except OSError as error:
            return self._failed(f"{self._shelf.root}: evidence cannot be written: {error.strerror}")
        self._count("evidence.slices")
        if self._failing:
            self._failing = ""
            self._say("evidence is written again")
        return facts

    def _failed(self, why: str) -> Facts:
        self._count("evidence.failed")
        if why != self._failing:
            self._failing = why
            self._say(why)
        return Facts(evidence_note=why)

    def _retain(self) -> None:
        try:
            count, freed = self._shelf.retain(self._settings.days, self._settings.disk_mib << 20, self._spared_now)
        except OSError as error:
            self._failed(f"{self._shelf.root}: old evidence cannot be removed: {error.strerror}")
            return
        if count:
            self._count("evidence.deleted", count)
            self._count("evidence.deleted_bytes", freed)
