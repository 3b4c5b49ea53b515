"""How soon alerts come, by the class of their detector.

Of exact rules and of what judges by amounts: seconds from the first packet of the event that an alert speaks of to the
end of the window that told it. Of periods: how many of them had passed since the last one that came in time.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from detectors import registry
from tests.evaluate.data import SECOND
from tests.evaluate.judge import WINDOW, Seen

RULES, AMOUNTS, PERIODS = "rules", "amounts", "periodicity"
WANTED = 3  # periods


def class_of(detector: str) -> str:
    if detector == "period":
        return PERIODS
    usual = detector in registry.BUILTIN and registry.builtin(detector).anomaly
    return AMOUNTS if usual else RULES


@dataclass(slots=True)
class Delays:
    """`seconds` by class. `periods`: passed when it was told. `late`: of them those told after the window in which the
    last of WANTED ended."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    periods: list[float] = field(default_factory=list)
    late: int = 0

    def tells(self, seen: Seen, first: int, told: int) -> None:
        """An alert tells an event of which it shows something at `first`, in the window that ends at `told`."""
        self.seconds.setdefault(class_of(seen.alert.detector), []).append((told - first) / SECOND)

    def missed(self, seen: Seen) -> None:
        """An alert of something that stays away, whether or not an event asks for it."""
        evidence = seen.alert.evidence
        if seen.alert.kind == "period.missing" and evidence.get("period_seconds"):
            told, period = min(end for _, end in seen.moments), evidence["period_seconds"] * SECOND
            self.periods.append((told - seen.alert.first_ts) / period)
            self.late += told > seen.alert.first_ts + WANTED * period + WINDOW

    def figures(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            name: {
                "alerts": len(found),
                "median_s": round(statistics.median(found), 1),
                "within_window": round(sum(s <= WINDOW / SECOND for s in found) / len(found), 3),
            }
            for name, found in sorted(self.seconds.items())
        }
        if self.periods:
            told[PERIODS] = {
                "alerts": len(self.periods),
                "median_periods": round(statistics.median(self.periods), 1),
                "within_window": round(1 - self.late / len(self.periods), 3),
            }
        return told
