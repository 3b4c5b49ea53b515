"""What another budget of false alarms would have meant, reckoned from alerts that are stored.

An anomaly's evidence holds `score` and `threshold`. A smaller budget raises all thresholds by one factor: the least at
which no more alerts than the budget allows are left of those presumed false. Presumed false is every one that no
analyst closed, so what is said to go is the most that would go. What stayed below the thresholds was never stored:
of a larger budget only the least can be said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BUDGETS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """`ratio` of score to threshold: how far above what was allowed."""

    alert_id: str
    case: str
    ratio: float
    real: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """`factor` by which thresholds rise; `shown` is of all, `false_per_day` of those presumed false."""

    budget: float
    factor: float
    shown: int
    gone: int
    false_per_day: float


def effect(anomalies: Sequence[Anomaly], days: float, budget: float) -> Effect:
    """`days` of traffic that the anomalies are of, above 0."""
    factor = raised(anomalies, days, budget)
    shown = [a for a in anomalies if stays(a, factor)]
    false = sum(not a.real for a in shown)
    return Effect(budget, factor, len(shown), len(anomalies) - len(shown), false / days)


def raised(anomalies: Sequence[Anomaly], days: float, budget: float) -> float:
    """The factor; 1 where the budget is kept as it is."""
    allowed = int(budget * days + 1e-9)
    ratios = sorted((a.ratio for a in anomalies if not a.real), reverse=True)
    return max(1.0, ratios[allowed]) if len(ratios) > allowed else 1.0


def stays(anomaly: Anomaly, factor: float) -> bool:
    return factor == 1.0 or anomaly.ratio > factor
