"""Alerts of the detectors as events of the correlator, with the context that decides most: who, planned, when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from detectors import address
from detectors.alert import NOWHERE, alert_id
from detectors.correlate.factory import SYMPTOM, type_of, words
from detectors.correlate.rows import MARKS, Event

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from detectors.alert import Alert
    from detectors.changes import Changes
    from detectors.correlate.flow import Artefact

HOUR = 3600 * 10**9
_ACTIONS = ("write", "control", "deploy", "update", "session")
# Where evidence says what was touched, in order; the first that the data flow knows counts.
_TARGETS = ("target", "topics", "objects", "tag", "tags", "addresses", "owners")
_FEEDING = ("lateral.file_transfer", "new_writer.write")  # of a host that hands out training data
_VERDICTS = {"approved": "approved", "old": "known_old", "revoked": "unknown", "unknown": "unknown"}


class FirstSeen(Protocol):
    def get(self, ip: bytes, /) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """`approved`: addresses or networks whose work is wanted. `first_seen`: address (16 bytes) → its first packet, of
    hosts that were not always there.
    `shift`: UTC hours of work, begin and end; a shift over midnight has the greater first. `trains`: hosts of sources
    of training data. `retrained`: SHA-256 of artefacts that the site's own training was seen to make. `origins`: of
    artefacts the host that had it first, which is who did it, whoever handed it on."""

    changes: Changes
    approved: tuple[str, ...] = ()
    first_seen: FirstSeen = field(default_factory=dict[bytes, int])
    shift: tuple[int, int] = (6, 18)
    new_for_hours: float = 72.0
    trains: Container[str] = frozenset()
    retrained: Container[str] = frozenset()
    origins: Mapping[str, str] = field(default_factory=dict)

    def event(self, alert: Alert, flow: Container[str] = frozenset()) -> Event | None:
        """None: a symptom of the drift itself, not its cause. `flow`: nodes of the data flow, by which the object that
        was touched is told among those that the evidence names."""
        evidence: dict[str, Any] = dict(alert.evidence)
        of = self._type(alert)
        if of == SYMPTOM:
            return None
        return Event(
            alert.alert_id, alert.first_ts, alert.kind, _name(alert.src_ip), _name(alert.dst_ip),
            _target(evidence, flow), self._marks(alert, evidence), alert.summary, alert.techniques, alert.severity, of,
        )  # fmt: skip

    def artefact(self, seen: Artefact) -> Event:
        """A model file on its way, whatever the list says of it: an approved one is lawful work that moves outputs."""
        marks = self._who(self._origin(seen.source, seen.sha256), seen.ts) | {
            "ticket": "yes" if self._covered(seen.ts, seen.source, seen.target) else "no",
            "shift": "in" if self._working(seen.ts) else "out",
            "verdict": _VERDICTS.get(seen.state, "unknown") if seen.sha256 else "opaque",
        }
        source, target = address.text(seen.source), address.text(seen.target)
        identity = alert_id("artefact", seen.ts, seen.source, seen.target, seen.sha256 or seen.name)
        what = f"version {seen.version} of {seen.model}" if seen.version else "no approved version"
        told = f"{seen.name or 'an artefact'} ({what}) went from {source} to {target}"
        return Event(identity, seen.ts, "artefact.transfer", source, target, "", marks, told, alert=False)

    def _type(self, alert: Alert) -> str:
        of = type_of(alert.kind)
        table: Mapping[str, str] = words()["refined"]
        by_protocol = table.get(f"{alert.kind} {alert.protocol}", of)
        if alert.kind in _FEEDING and _name(alert.dst_ip) in self.trains:
            return "training_source"
        return by_protocol

    def _marks(self, alert: Alert, evidence: Mapping[str, Any]) -> dict[str, str]:
        marks = self._who(self._origin(alert.src_ip, str(evidence.get("sha256", ""))), alert.first_ts) | {
            "ticket": "yes" if self._planned(alert) else "no",
            "shift": "in" if self._working(alert.first_ts) else "out",
        }
        if alert.kind == "artefacts.changed":
            marks["verdict"] = "changed"
        elif evidence.get("verdict") == "unknown" and evidence.get("sha256") in self.retrained:
            marks["verdict"] = "retrained"
        elif alert.kind.startswith("artefact") and "verdict" in evidence:
            marks["verdict"] = _VERDICTS.get(str(evidence["verdict"]), str(evidence["verdict"]))
        elif evidence.get("verdict") in MARKS["verdict"]:
            marks["verdict"] = str(evidence["verdict"])
        return {name: value for name, value in marks.items() if value in MARKS[name]}

    def _origin(self, source: bytes, sha256: str) -> bytes:
        first = self.origins.get(sha256)
        return address.parse(first) if first else source

    def _who(self, ip: bytes, ts: int) -> dict[str, str]:
        value = int.from_bytes(ip, "big")
        for network, length in map(address.prefix, self.approved):
            if (value ^ network) >> (128 - length) == 0:
                return {"source": "approved"}
        first = self.first_seen.get(ip)
        return {"source": "new" if first is not None and ts - first < self.new_for_hours * HOUR else "known"}

    def _planned(self, alert: Alert) -> bool:
        return self._covered(alert.first_ts, alert.src_ip, alert.dst_ip)

    def _covered(self, ts: int, *hosts: bytes) -> bool:
        known = [ip for ip in hosts if ip != NOWHERE]
        return any(self.changes.covering(ts, action, *known) for action in _ACTIONS)

    def _working(self, ts: int) -> bool:
        begin, end = self.shift
        hour = ts // HOUR % 24
        return begin <= hour < end if begin <= end else hour >= begin or hour < end


def _target(evidence: Mapping[str, Any], flow: Container[str]) -> str:
    named: list[Any] = []
    for key in _TARGETS:
        value = evidence.get(key)
        named += [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    texts = [text for text in named if isinstance(text, str)]
    stated = evidence.get("target")
    return next((text for text in texts if text in flow), stated if isinstance(stated, str) else "")


def _name(ip: bytes) -> str:
    return "" if ip == NOWHERE else address.text(ip)
