"""The open alerts of one detector: one cause an entry, however many windows show it.

Whatever is added within a window gives the same entry in any order: sets keep their smallest members,
frames their earliest, severities only rise. So neither the order of rows nor the number of parts a
window comes in can be seen in an alert.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detectors import address, catalogue
from detectors.alert import NOWHERE, SEVERITIES, Alert, alert_id, worst

if TYPE_CHECKING:
    from collections.abc import Iterable

MEMBERS = 32  # kept of each set of the evidence
FRAMES = 16  # kept of the earliest frames
CAUSES = 4096  # open at a time; the one seen longest ago leaves, it is stored already
STORM = 1000  # new alerts of a kind in a window; further ones are told together, by one alert
REFRESH = 300 * 10**9  # an alert of which nothing but the count changes is written again after this


@dataclass(slots=True)
class Cause:
    """An alert under way. `dirty`: an analyst would read something new; `grown`: only the count differs."""

    kind: str
    protocol: str
    severity: str
    confidence: float
    src: bytes = NOWHERE
    dst: bytes = NOWHERE
    count: int = 0
    first_ts: int = 2**63 - 1
    last_ts: int = 0
    summary: str = ""
    sets: dict[str, list[Any]] = field(default_factory=dict)
    more: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    frames: list[tuple[int, str, int]] = field(default_factory=list)
    zones: list[str] = field(default_factory=lambda: ["", ""])
    since: int = 2**63 - 1
    emitted: int = -1
    dirty: bool = True
    grown: bool = False

    def seen(self, count: int, first_ts: int, last_ts: int) -> None:
        self.count += count
        self.first_ts = min(self.first_ts, first_ts)
        self.last_ts = max(self.last_ts, last_ts)
        self.grown = True

    def between(self, ts: int, src: bytes, dst: bytes, src_zone: str = "", dst_zone: str = "") -> None:
        """Two hosts that show it. An alert names the earliest pair; all are in the evidence."""
        if (ts, src, dst) < (self.since, self.src, self.dst):
            self.since, self.src, self.dst = ts, src, dst
            self.zones = [src_zone, dst_zone]

    def shown(self, ts: int, frame: int, capture: str) -> None:
        """A packet that shows it; 0 is none."""
        place = (ts, capture, frame)
        if frame and place not in self.frames:
            insort(self.frames, place)
            del self.frames[FRAMES:]

    def add(self, name: str, members: Iterable[Any]) -> None:
        """Adds to a set of the evidence, which keeps the smallest members and says that there are more."""
        kept = self.sets.setdefault(name, [])
        for member in members:
            if member in kept:
                continue
            insort(kept, member)
            if len(kept) > MEMBERS:
                if name not in self.more:
                    self.more.append(name)
                if kept.pop() == member:
                    continue
            self.dirty = True

    def scored(self, score: float, threshold: float) -> None:
        """How far an anomaly went beyond what was allowed, both in the same unit; the worst of it is kept."""
        worst_yet = self.facts.get("score", 0.0) / self.facts.get("threshold", 1.0)
        if score / threshold > worst_yet:
            self.facts |= {"score": round(score, 4), "threshold": round(threshold, 4)}

    def raise_to(self, severity: str) -> None:
        if worst(severity, self.severity) != self.severity:
            self.severity = severity
            self.dirty = True

    def alert(self, detector: str, identity: str) -> Alert:
        entry = catalogue.entry(self.kind)
        evidence: dict[str, Any] = dict(sorted(self.facts.items()))
        evidence |= {name: list(kept) for name, kept in sorted(self.sets.items())}
        if self.more:
            evidence["truncated"] = sorted(self.more)
        capture = self.frames[0][1] if self.frames else ""
        return Alert(
            alert_id=identity,
            detector=detector,
            kind=self.kind,
            title=entry.title,
            severity=self.severity,
            confidence=round(self.confidence, 3),
            src_ip=self.src,
            dst_ip=self.dst,
            protocol=self.protocol,
            summary=self.summary or entry.title,
            count=max(1, self.count),
            first_ts=self.first_ts,
            last_ts=max(self.first_ts, self.last_ts),
            src_zone=self.zones[0],
            dst_zone=self.zones[1],
            evidence=evidence,
            techniques=entry.techniques,
            attack_version=entry.attack_version,
            controls=entry.controls,
            frames=tuple(sorted({frame for _, of, frame in self.frames if of == capture})),
            capture=capture,
        )


class Book:
    """Causes by alert id."""

    def __init__(self, detector: str) -> None:
        self.detector = detector
        self.evicted = self.grouped = 0
        self._causes: dict[str, Cause] = {}

    def __len__(self) -> int:
        return len(self._causes)

    def cause(
        self,
        kind: str,
        subject: tuple[bytes | str | int, ...],
        *,
        protocol: str = "",
        severity: str = "",
        confidence: float = 1.0,
    ) -> tuple[str, Cause]:
        """The cause and its id; opened if it is new. `subject` is what makes it one cause; `severity` the
        catalogue's unless told."""
        identity = alert_id(kind, *subject)
        found = self._causes.get(identity)
        if found is None:
            found = Cause(kind, protocol, severity or catalogue.entry(kind).severity, confidence)
            self._causes[identity] = found
        elif severity:
            found.raise_to(severity)
        return identity, found

    def get(self, identity: str) -> Cause | None:
        return self._causes.get(identity)

    def due(self, end: int) -> list[Alert]:
        """At a window's end: what is new or says more than before, and now and then what only grew."""
        alerts = []
        self._group()
        for identity, cause in self._causes.items():
            if cause.dirty or (cause.grown and end - cause.emitted >= REFRESH):
                alerts.append(self._emit(identity, cause, end))
        self._evict()
        return sorted(alerts, key=in_order)

    def _group(self) -> None:
        """Of a storm the earliest alerts are told one by one, and what came after them by one that counts them. Who
        raises alerts to hide another among them shall find neither the store full nor the analyst's list."""
        kinds = Counter(cause.kind for cause in self._causes.values() if cause.emitted < 0)
        for kind in sorted(kind for kind, count in kinds.items() if count > STORM):
            new = [(c.first_ts, i) for i, c in self._causes.items() if c.emitted < 0 and c.kind == kind]
            further = [self._causes.pop(identity) for _, identity in sorted(new)[STORM:]]
            self.grouped += len(further)
            storm = self.cause(kind, ("storm",), severity="info", confidence=min(c.confidence for c in further))[1]
            storm.facts["grouped"] = storm.facts.get("grouped", 0) + len(further)
            for cause in further:
                storm.raise_to(cause.severity)
                storm.seen(cause.count, cause.first_ts, cause.last_ts)
                storm.between(cause.first_ts, cause.src, cause.dst, *cause.zones)
                storm.add("sources", [address.text(cause.src)])
                storm.add("targets", [address.text(cause.dst)])
                for ts, capture, frame in cause.frames[:1]:
                    storm.shown(ts, frame, capture)
            told = f"{storm.facts['grouped']} further alerts of this kind that came in a storm"
            storm.summary = f"{told}, at most {STORM} of a kind and window are told one by one"

    def rest(self) -> list[Alert]:
        """At the end: everything not written in its last state."""
        self._group()
        left = [(i, c) for i, c in self._causes.items() if c.dirty or c.grown]
        return sorted((self._emit(i, c, c.last_ts) for i, c in left), key=in_order)

    def _emit(self, identity: str, cause: Cause, end: int) -> Alert:
        cause.dirty = cause.grown = False
        cause.emitted = end
        return cause.alert(self.detector, identity)

    def _evict(self) -> None:
        excess = len(self._causes) - CAUSES
        if excess > 0:
            oldest = sorted(self._causes, key=lambda i: (self._causes[i].last_ts, i))[:excess]
            for identity in oldest:
                del self._causes[identity]
            self.evicted += excess

    def snapshot(self) -> dict[str, Any]:
        causes = {}
        for identity, c in sorted(self._causes.items()):
            state = {name: getattr(c, name) for name in Cause.__slots__}
            causes[identity] = state | {"src": c.src.hex(), "dst": c.dst.hex(), "frames": [list(f) for f in c.frames]}
        return {"causes": causes, "evicted": self.evicted, "grouped": self.grouped}

    def restore(self, state: dict[str, Any]) -> None:
        self.evicted, self.grouped = state["evicted"], state.get("grouped", 0)  # which earlier states have not
        self._causes = {}
        for identity, kept in state["causes"].items():
            frames = [(ts, capture, frame) for ts, capture, frame in kept["frames"]]
            ends = {"src": bytes.fromhex(kept["src"]), "dst": bytes.fromhex(kept["dst"])}
            self._causes[identity] = Cause(**(kept | ends | {"frames": frames}))


def in_order(alert: Alert) -> tuple[int, int, str]:
    """Earliest first; of the same time the gravest first."""
    return alert.first_ts, -SEVERITIES.index(alert.severity), alert.alert_id
