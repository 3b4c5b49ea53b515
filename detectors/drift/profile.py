"""The daily profile of a stream: medians by hour of day, smooth or stepped, weekends apart where that is seen.

Which of them holds is decided by how well each foretells days it was not fitted on, so a stream without a cycle
keeps a flat profile and a shift plant its steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BLOCK_SECONDS = 300
BLOCK = BLOCK_SECONDS * 10**9
PER_HOUR = 3600 // BLOCK_SECONDS
PER_DAY = 24 * PER_HOUR
FOLDS = 7
_SIMPLER = 0.99  # a richer profile has to foretell at least this much better
_WEEKEND_DAYS, _WEEK_DAYS = 4, 8  # seen, before weekends get a profile of their own
_THURSDAY = 3  # day 0 of the epoch


@dataclass(frozen=True, slots=True)
class Profile:
    """`medians`: 24 by UTC hour, or 48 with those of weekends behind."""

    kind: str
    medians: tuple[float, ...]

    def at(self, blocks: Array) -> Array:
        """The value expected in each block (5-minute numbers since the epoch)."""
        table = np.asarray(self.medians)
        offset = np.where(_weekend(blocks), 24, 0) if len(table) > 24 else np.zeros(len(blocks), dtype=np.int64)
        if self.kind != "smooth":
            found: Array = table[offset + (blocks // PER_HOUR) % 24]
            return found
        place = ((blocks % PER_DAY) + 0.5) / PER_HOUR - 0.5
        before = np.floor(place).astype(np.int64)
        share = place - before
        smooth: Array = (1 - share) * table[offset + before % 24] + share * table[offset + (before + 1) % 24]
        return smooth


def fit(blocks: Array, values: Array) -> tuple[Profile, Array]:
    """The profile that foretells unseen days best, and the residuals of each day under a profile fitted without it."""
    days = blocks // PER_DAY
    best, residuals, error = _candidate("flat", False, blocks, values, days)
    weekend = np.unique(days[_weekend(blocks)]).size
    splits = [False] if weekend < _WEEKEND_DAYS or np.unique(days).size - weekend < _WEEK_DAYS else [False, True]
    if np.unique(days).size < 2:
        return best, residuals
    for kind in ("smooth", "stepped"):
        for split in splits:
            profile, rest, mistake = _candidate(kind, split, blocks, values, days)
            if mistake < error * _SIMPLER:
                best, residuals, error = profile, rest, mistake
    return best, residuals


def _candidate(kind: str, split: bool, blocks: Array, values: Array, days: Array) -> tuple[Profile, Array, float]:
    residuals = np.zeros(len(values))
    fold = days % FOLDS
    groups = np.unique(fold)
    for group in groups:
        out = fold == group
        kept = ~out if len(groups) > 1 else out
        residuals[out] = values[out] - _medians(kind, split, blocks[kept], values[kept]).at(blocks[out])
    return _medians(kind, split, blocks, values), residuals, float(np.mean(np.abs(residuals)))


def _medians(kind: str, split: bool, blocks: Array, values: Array) -> Profile:
    everything = float(np.median(values))
    if kind == "flat":
        return Profile(kind, (everything,) * 24)
    hour = (blocks // PER_HOUR) % 24
    medians = []
    for part in (~_weekend(blocks), _weekend(blocks)) if split else (np.ones(len(blocks), dtype=bool),):
        for wanted in range(24):
            chosen = values[part & (hour == wanted)]
            medians.append(float(np.median(chosen)) if chosen.size else everything)
    return Profile(kind, tuple(medians))


def _weekend(blocks: Array) -> Array:
    weekend: Array = (blocks // PER_DAY + _THURSDAY) % 7 >= 5
    return weekend
