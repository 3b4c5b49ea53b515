"""Alerts of the detectors as events of the correlator, with the context that decides most: who, planned, when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.alert import NOWHERE
from detectors.correlate.rows import MARKS, Event

if TYPE_CHECKING:
    from detectors.alert import Alert
    from detectors.changes import Changes

HOUR = 3600 * 10**9
_ACTIONS = ("write", "control", "deploy", "update", "session")


@dataclass(frozen=True, slots=True)
class Context:
    """`approved`: addresses or networks whose work is wanted. `first_seen`: address (16 bytes) → its first packet.
    `shift`: UTC hours of work, begin and end; a shift over midnight has the greater first."""

    changes: Changes
    approved: tuple[str, ...] = ()
    first_seen: dict[bytes, int] = field(default_factory=dict)
    shift: tuple[int, int] = (6, 18)
    new_for_hours: float = 72.0

    def event(self, alert: Alert) -> Event:
        """`evidence` may name `target` (topic, node id, path) and `verdict` (of an artefact)."""
        evidence: dict[str, Any] = dict(alert.evidence)
        marks = {
            "source": self._source(alert.src_ip, alert.first_ts),
            "ticket": "yes" if self._planned(alert) else "no",
            "shift": "in" if self._working(alert.first_ts) else "out",
        }
        verdict = evidence.get("verdict")
        if isinstance(verdict, str) and verdict in MARKS["verdict"]:
            marks["verdict"] = verdict
        target = evidence.get("target")
        return Event(
            alert.alert_id, alert.first_ts, alert.kind, _name(alert.src_ip), _name(alert.dst_ip),
            target if isinstance(target, str) else "", marks, alert.summary, alert.techniques, alert.severity,
        )  # fmt: skip

    def _source(self, ip: bytes, ts: int) -> str:
        value = int.from_bytes(ip, "big")
        for network, length in map(address.prefix, self.approved):
            if (value ^ network) >> (128 - length) == 0:
                return "approved"
        first = self.first_seen.get(ip)
        return "new" if first is not None and ts - first < self.new_for_hours * HOUR else "known"

    def _planned(self, alert: Alert) -> bool:
        hosts = [ip for ip in (alert.src_ip, alert.dst_ip) if ip != NOWHERE]
        return any(self.changes.covering(alert.first_ts, action, *hosts) for action in _ACTIONS)

    def _working(self, ts: int) -> bool:
        begin, end = self.shift
        hour = ts // HOUR % 24
        return begin <= hour < end if begin <= end else hour >= begin or hour < end


def _name(ip: bytes) -> str:
    return "" if ip == NOWHERE else address.text(ip)
