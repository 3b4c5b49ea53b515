"""Findings on segmentation: what crossed between zones, against the conduits that were meant; the IT/OT boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors.zones import INTERNET
from sensor.alerts import ask
from sensor.audit import EVIDENCE, FACT, VIOLATION, queries
from sensor.audit.making import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.zones import Policy, Verdict, Zone
    from sensor.audit import Finding
    from sensor.audit.queries import Scope
    from sensor.store import Reading

    Row = dict[str, Any]

ENTERPRISE = 4.0  # Purdue level at which IT begins
_REASONS = {
    "conduit": "allowed", "same_zone": "allowed", "no_policy": "no conduit is configured",
    "unknown_zone": "one end is in no zone", "no_conduit": "no conduit joins these zones",
    "push_only": "against the direction of a push-only conduit", "protocol": "not a protocol of the conduit",
    "operation": "not an operation of the conduit", "not_encrypted": "in clear, where the conduit asks for encryption",
}  # fmt: skip
TRIED = "(tried)"
_SECTION = "Segmentation"
_CROSSING = ("src_zone", "dst_zone", "protocol")


class Segmentation:
    def __init__(self, store: Reading, scope: Scope, policy: Policy) -> None:
        self._store, self._scope, self._policy = store, scope, policy
        self._zones = {zone.name: zone for zone in (INTERNET, *policy.zones)}
        self._query = queries.crossings(scope)
        self.crossings = ask(store, self._query)

    def findings(self) -> Iterator[Finding]:
        yield self._violated()
        yield self._alerts()
        yield self._allowed()
        yield self._unused()
        yield from self._boundary()

    def verdict(self, row: Row) -> Verdict:
        """In clear is held against a conduit where any flow was; an attempt that nobody answered has no protocol."""
        clear = False if row["clear_flows"] else (True if row["encrypted_flows"] else None)
        return self._policy.decide(self.zone(row["src_zone"]), self.zone(row["dst_zone"]), row["protocol"], "", clear)

    def zone(self, name: str) -> Zone | None:
        return self._zones.get(name)

    def _violated(self) -> Finding:
        rows = [row | {"why": _REASONS[self.verdict(row).reason]} for row in self.crossings if not self._fine(row)]
        rows = folded(rows, ("src_zone", "dst_zone"))
        if not self._policy.conduits:
            text = (
                "No conduits are configured, so nothing can be said to be against them: what follows is all that "
                "crossed between zones. Zones and conduits in the configuration make this an observation of violations."
            )
            return finding(
                "segmentation.crossings", _SECTION, "Crossings between zones", FACT, text, self._query,
                [row | {"why": _REASONS["no_policy"]} for row in self.crossings], _CROSSING,
            )  # fmt: skip
        text = (
            f"{len(rows)} kinds of crossings, by zones and protocol, are allowed by no conduit."
            if rows
            else "Every crossing between zones that was seen is allowed by a conduit."
        )
        stance = VIOLATION if rows else EVIDENCE
        return finding(
            "segmentation.violated", _SECTION, "Crossings that no conduit allows", stance, text, self._query, rows,
            _CROSSING,
        )  # fmt: skip

    def _fine(self, row: Row) -> bool:
        return self.verdict(row).allowed

    def _alerts(self) -> Finding:
        query = queries.crossing_alerts(self._scope)
        rows = ask(self._store, query)
        text = "Alerts on the boundary, which know operations (read, write, control) that the flows above do not tell."
        return finding(
            "segmentation.alerts", _SECTION, "Alerts on crossings", VIOLATION if rows else EVIDENCE,
            text if rows else "No alert on a crossing was raised.", query, rows,
            ("kind", "source", "target", "protocol"),
        )  # fmt: skip

    def _allowed(self) -> Finding:
        rows = [row for row in self.crossings if self._policy.conduits and self._fine(row)]
        text = "Crossings that a conduit allows." if rows else "No crossing that a conduit allows was seen."
        return finding(
            "segmentation.allowed",
            _SECTION,
            "Crossings that conduits allow",
            EVIDENCE,
            text,
            self._query,
            rows,
            _CROSSING,
        )

    def _unused(self) -> Finding:
        used: dict[int, int] = {}
        for row in self.crossings:
            verdict = self.verdict(row)
            if verdict.allowed and verdict.conduit is not None:
                at = next(i for i, conduit in enumerate(self._policy.conduits) if conduit is verdict.conduit)
                used[at] = used.get(at, 0) + row["flows"]
        rows = [
            {
                "from": conduit.source, "to": conduit.target, "protocols": ", ".join(conduit.protocols),
                "operations": ", ".join(conduit.operations), "direction": conduit.direction,
            }
            for at, conduit in enumerate(self._policy.conduits)
            if at not in used
        ]  # fmt: skip
        text = (
            f"{len(rows)} of {len(self._policy.conduits)} conduits carried nothing in this time. What is open and not "
            "used is a candidate for closing; ask who needs it before."
            if rows
            else f"All {len(self._policy.conduits)} configured conduits were used."
        )
        return finding(
            "segmentation.unused", _SECTION, "Conduits that nobody used", FACT, text, self._query, rows,
            ("from", "to", "protocols", "operations"),
        )  # fmt: skip

    def _boundary(self) -> Iterator[Finding]:
        """Levels of configured zones; of inferred ones what the inventory says."""
        seen = ask(self._store, queries.zones(self._scope))
        levels = {row["zone"]: row["level"] for row in seen if row["zone"] and row["level"] is not None}
        levels |= {name: zone.level for name, zone in self._zones.items()}
        low = sorted(name for name, level in levels.items() if level < ENTERPRISE)
        high = sorted(name for name, level in levels.items() if level >= ENTERPRISE)
        query = queries.boundary(self._scope, low, high)
        rows = [row | {"verdict": _REASONS[self._direct(row).reason]} for row in ask(self._store, query)]
        wrong = folded([row for row in rows if not self._direct(row).allowed], ("source", "target"))
        rows = [*wrong, *(row for row in rows if self._direct(row).allowed)]
        text = (
            f"{len(rows)} pairs of hosts and protocols crossed between zones below Purdue level {ENTERPRISE:g} and the "
            f"enterprise or the internet, {len(wrong)} of them against the policy."
            if rows
            else "Nothing crossed directly between zones below the enterprise and the enterprise or the internet."
        )
        stance = VIOLATION if wrong else (FACT if rows and not self._policy.conduits else EVIDENCE)
        yield finding(
            "boundary.pairs", "IT/OT boundary", "Hosts that cross the IT/OT boundary", stance, text, query, rows,
            ("source", "target", "protocol"), [at < len(wrong) for at in range(len(rows))] if wrong else None,
        )  # fmt: skip

    def _direct(self, row: Row) -> Verdict:
        return self._policy.decide(self.zone(row["src_zone"]), self.zone(row["dst_zone"]), row["protocol"], "", None)


def folded(rows: list[Row], ends: tuple[str, ...]) -> list[Row]:
    """What was only tried is one crossing, whatever ports it was tried on: a scan is not twenty protocols."""
    found: list[Row] = []
    tried: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in ends)
        if row["opened"]:
            found.append(row)
        elif key not in tried:
            tried[key] = {**row, "protocol": TRIED}
            found.append(tried[key])
        else:
            tried[key]["flows"] += row["flows"]
            tried[key]["bytes"] += row["bytes"]
    return found
