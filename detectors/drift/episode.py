"""A drift under way: what moved, since when, how it goes on, and whether it came back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.drift import changepoint, shape
from detectors.drift.profile import BLOCK, PER_DAY, PER_HOUR

RECENT = PER_HOUR  # blocks that decide whether a stream is back
RETURNED = 0.5  # of the deviation at the alarm, and of one `sd`: both have to be undercut
UPDATES = (
    PER_HOUR // 2,
    PER_HOUR,
    3 * PER_HOUR,
    12 * PER_HOUR,
    PER_DAY,
)  # blocks after the alarm at which it is told anew


@dataclass(slots=True)
class Episode:
    """`rests`: deviations from the baseline (block, value). `alarm`: block of the alarm; `by`: which sum
    raised it (`level`, `spread`, `anchor`). `began`: where that sum left zero. `offset`: the level usual before."""

    kind: str
    by: str
    alarm: int
    statistic: float
    threshold: float
    rests: list[tuple[int, float]] = field(default_factory=list)
    since: int = 0
    low: int = 0
    high: int = 0
    shape: str = "unknown"
    magnitude: float = 0.0
    returned: int = 0
    told: int = 0
    offset: float = 0.0
    began: int = 0
    settled: bool = False

    def measure(self, sd: float, sigma: float, phi: float) -> None:
        """Place, interval, shape and size anew from the deviations seen by now."""
        blocks = [block for block, _ in self.rests]
        values = np.array([value for _, value in self.rests]) - self.offset
        moved = self.by != "spread"
        judged = values if moved else np.abs(values) - float(np.mean(np.abs(values[: max(1, len(values) // 4)])))
        first = 0
        if blocks:
            # What lies well before the sum began to rise is the baseline's; a day is looked back on at most.
            first = int(np.searchsorted(blocks, self.began - 2 * PER_HOUR)) if self.by == "level" else 0
        part = judged[first:]
        at, low, high = changepoint.estimate(part, sd, phi)
        if not blocks:
            return
        self.since, self.low, self.high = (blocks[first + i] for i in (at, low, high))
        begun = max(first, int(np.searchsorted(blocks, self.began)))
        if self.by == "anchor":
            self.since = self.low = min(self.began, self.since)
            self.shape = "ramp"
        else:
            self.shape = shape.classify(values[first:], at, sd, moved=moved)
            if self.by == "level" and at > begun - first:
                # What goes to and fro has no one place where its level changed: it is judged from its beginning.
                whole = shape.classify(values[first:], begun - first, sd, moved=moved)
                if whole in ("periodic", "mode_switch", "variance"):
                    self.shape, self.since, self.low = whole, self.began, min(self.low, self.began)
        after = values[first + at :]
        level = float(np.mean(after)) if moved else float(np.std(after)) - sd
        if self.shape == "ramp" and len(after) >= 6:
            level = float(np.mean(after[-6:]))
        self.magnitude = (level + self.offset) / sigma

    def due(self, block: int) -> bool:
        """Whether enough time went by to tell it anew."""
        wanted = sum(block - self.alarm >= after for after in UPDATES)
        if wanted > self.told:
            self.told = wanted
            return True
        return False

    def back(self, sd: float, least: int = RECENT) -> bool:
        """Whether the last hour (or the last `least` blocks) lies inside the baseline again."""
        if len(self.rests) < least or self.rests[-1][0] - self.alarm < RECENT // 2:
            return False
        recent = np.array([value for _, value in self.rests[-least:]])
        if self.by == "spread":
            return bool(np.std(recent) < (1 + RETURNED) * sd and abs(recent.mean()) < sd)
        return bool(abs(recent.mean()) < RETURNED * sd)

    def snapshot(self) -> dict[str, Any]:
        """`rests` are the stream's and stand there."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "rests"}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Episode:
        return cls(**state)


def ts(block: int) -> int:
    """Nanoseconds since the epoch at which a block begins."""
    return block * BLOCK
