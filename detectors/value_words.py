"""What a value did, against what was learnt of its tag. For `values`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.base import SECOND
from detectors.statistics import words

if TYPE_CHECKING:
    from detectors.statistics.series import Seen
    from detectors.statistics.store import Store


def told(
    store: Store, kind: str, row: int, at: int, seen: Seen | None, ts: int
) -> tuple[str, dict[str, object], float]:
    """In words, as facts, and how much it weighs against other tags of the same cause."""
    low, high, step, count = (store[name][row].item() for name in ("low", "high", "step", "values"))
    learnt = f"in {count} values learnt"
    if seen is None:
        rested = (ts - int(store["time"][row])) / SECOND
        rest = float(store["rest"][row])
        return (
            f"not moved for {words.span(rested)}, though {learnt} it never rested longer than {words.span(rest)}",
            {"seen_seconds": round(rested, 3), "longest_learned": round(rest, 3)}, rested / max(rest, 1e-9),
        )  # fmt: skip
    if kind == "values.range":
        value = float(seen.range_value[at])
        return (
            f"{value:.6g}, where {low:.6g} to {high:.6g} is all that was seen {learnt}",
            {"seen": value, "expected_low": low, "expected_high": high}, float(seen.range_score[at]),
        )  # fmt: skip
    if kind == "values.step":
        leap = float(seen.step[at])
        return (
            f"a step of {leap:.6g}, where {step:.6g} was the largest {learnt}",
            {"seen": leap, "largest_learned": step}, float(seen.step_score[at]),
        )  # fmt: skip
    again = int(seen.again[at])
    return f"the last {again} values came before, in the same order", {"seen": again}, float(again)
