"""Histograms that find their own range: a fixed number of bins, whose width doubles when a value lies too far out.

Many at a time: `cells` are positions in flat arrays. The range that was seen is kept exactly beside the bins, so that
"how far outside" is known even where the bins are coarse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from detectors.window import Array

BINS = 24
FULL = 60_000  # observations after which all counts are halved: about a week of windows of 10 s
_DOUBLINGS = 64
_WIDEST = np.float32(2.0**60)


@dataclass(frozen=True, slots=True)
class Histograms:
    """Flat views into arrays that somebody else owns. `counts` (n, BINS), all others (n,). `base`: number of the
    first bin, counted from zero in units of `width`; `low`, `high`: range seen; `total`: values seen."""

    counts: Array
    base: Array
    width: Array
    low: Array
    high: Array
    total: Array

    def seen(self, cells: Array, x: Array) -> Array:
        """How often the bin of each value was seen."""
        at = np.floor(x / self.width[cells]) - self.base[cells]
        inside = (at >= 0) & (at < BINS)
        found: Array = np.where(inside, self.counts[cells, np.where(inside, at, 0).astype(np.int64)], 0)
        return found

    def surprisal(self, cells: Array, x: Array) -> Array:
        """Nats of each value: minus the logarithm of how often its bin was seen, times one plus its distance from the
        range that was seen, in ranges."""
        low, high = self.low[cells], self.high[cells]
        rare = np.log((self.total[cells] + 0.5 * BINS) / (self.seen(cells, x) + 0.5))
        # A constant has no range; a unit, or a third of it, is what it may move without that being far.
        spread = np.maximum(high - low, np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)) / 3))
        beyond = np.maximum(np.maximum(low - x, x - high), 0.0) / spread
        result: Array = rare * (1.0 + beyond)
        return result

    def learn(self, cells: Array, x: Array) -> None:
        """Takes one value into each of the histograms, which are distinct."""
        first = self.total[cells] == 0
        if first.any():
            self.low[cells[first]] = self.high[cells[first]] = x[first]
        self.low[cells] = np.minimum(self.low[cells], x)
        self.high[cells] = np.maximum(self.high[cells], x)
        at = np.floor(x / self.width[cells]) - self.base[cells]
        outside = (at < 0) | (at >= BINS)
        if outside.any():
            self._widen(cells[outside])
            at = np.floor(x / self.width[cells]) - self.base[cells]
        self.counts[cells, at.astype(np.int64)] += 1
        self.total[cells] += 1
        full = cells[self.total[cells] >= FULL]
        if len(full):
            self.counts[full] //= 2
            self.total[full] //= 2

    def _widen(self, cells: Array) -> None:
        """Moves the bins over the whole range seen, wider where that is needed."""
        for _ in range(_DOUBLINGS):
            first = np.floor(self.low[cells] / self.width[cells])
            span = np.floor(self.high[cells] / self.width[cells]) - first
            fits = span < BINS
            if fits.any():
                self._move(cells[fits], first[fits] - np.floor((BINS - 1 - span[fits]) / 2))
            cells = cells[~fits]
            if not len(cells):
                return
            old = self.base[cells]
            half = np.floor(old / 2)
            into = ((old[:, None] + np.arange(BINS)) // 2 - half[:, None]).astype(np.int64)
            merged = np.zeros((len(cells), BINS), dtype=self.counts.dtype)
            np.add.at(merged, (np.arange(len(cells))[:, None], into), self.counts[cells])
            self.counts[cells] = merged
            self.base[cells] = half
            self.width[cells] = np.minimum(self.width[cells] * 2, _WIDEST)

    def _move(self, cells: Array, to: Array) -> None:
        shift = (self.base[cells] - to)[:, None] + np.arange(BINS)
        # Bins that fall off are empty: all that was counted lies within the range seen.
        row, column = np.nonzero((shift >= 0) & (shift < BINS))
        moved = np.zeros((len(cells), BINS), dtype=self.counts.dtype)
        moved[row, shift[row, column].astype(np.int64)] = self.counts[cells][row, column]
        self.counts[cells] = moved
        self.base[cells] = to
