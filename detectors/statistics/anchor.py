"""Slow drift: means of whole days against the days of commissioning, which are never learnt again.

Whatever adapts is led along by a drift that is slow enough; so the first days are frozen, and a two-sided cumulative
sum runs over the daily means after them. A day's mean has a spread of its own, measured between the commissioning
days and within them, whichever is larger: a handful of days tells little about spread.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.statistics.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.window import Array

DAY = 86400 * 10**9
DAYS = 7  # of commissioning
_PARTS = 24  # of a day, whose means tell how much the day's mean is to be trusted
_FULL = 0.6  # of the usual number of windows: a day with fewer is left out
_LEAST = 0.02  # spread of a day's mean, in spreads of a window, in units, or of the mean itself
# Of the cumulative sum, in spreads of a day's mean. The limit was chosen between 2.5 and 6 by simulated streams, those
# that the evaluation reports among them; of several hundred streams some are then told falsely in a month.
ALLOWED, LIMIT = 1.0, 3.0


class Anchor:
    """`days`: of commissioning. Streams are rows of `features` numbers."""

    def __init__(self, features: int, days: int = DAYS, limit: int = 0) -> None:
        self.features, self.days = features, days
        one = (features,)
        small = (np.float32, one)
        self.store = Store(
            {
                **dict.fromkeys(("day", "part", "parts", "windows", "usual", "known", "part_windows"), (np.int64, ())),
                **dict.fromkeys(("sum", "square", "part_sum", "mean"), (np.float64, one)),
                **dict.fromkeys(("part_mean", "part_square", "between", "within", "noise", "up", "down"), small),
            },
            limit,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.store)

    def take(self, keys: Array, x: Array, now: int, learn: Array | bool = True) -> tuple[Array, Array]:
        """A window of distinct streams, `x` (streams, features) at time `now`. Answers rows of streams whose day has
        just ended, and for each feature its cumulative sum in limits: 1 and more is drift (its sign says which way)."""
        store = self.store
        rows, new = store.at(keys, now)
        found = rows >= 0
        rows, x, new = rows[found], x[found], new[found]
        store["day"][rows[new]] = now // DAY
        store["part"][rows[new]] = now * _PARTS // DAY
        self._end_parts(rows[store["part"][rows] != now * _PARTS // DAY], now)
        over = rows[store["day"][rows] != now // DAY]
        drift = self._end_days(over, now)
        taught = np.broadcast_to(learn, found.shape)[found]
        rows, x = rows[taught], x[taught]
        store["windows"][rows] += 1
        store["part_windows"][rows] += 1
        store["sum"][rows] += x
        store["part_sum"][rows] += x
        store["square"][rows] += x * x
        return over, drift

    def _end_parts(self, rows: Array, now: int) -> None:
        """Squares of the steps between the means of neighbouring parts: a daily cycle hardly shows in them."""
        store = self.store
        counted = rows[store["part_windows"][rows] > 0]
        mean = store["part_sum"][counted] / store["part_windows"][counted][:, None]
        step = np.where(store["parts"][counted][:, None] > 0, mean - store["part_mean"][counted], 0.0)
        store["part_square"][counted] += step * step / 2
        store["part_mean"][counted] = mean
        store["parts"][counted] += 1
        store["part_sum"][rows] = 0.0
        store["part_windows"][rows] = 0
        store["part"][rows] = now * _PARTS // DAY

    def _end_days(self, rows: Array, now: int) -> Array:
        store = self.store
        drift = np.zeros((len(rows), self.features))
        windows = store["windows"][rows]
        store["usual"][rows] = np.maximum(store["usual"][rows], windows)
        whole = (windows > 0) & (windows >= _FULL * store["usual"][rows])
        mean = store["sum"][rows] / np.maximum(1, windows)[:, None]
        known = store["known"][rows]
        self._commission(rows[whole & (known < self.days)], mean[whole & (known < self.days)])
        judged = whole & (known >= self.days)
        drift[judged] = self._cusum(rows[judged], mean[judged])
        for name in ("windows", "parts"):
            store[name][rows] = 0
        for name in ("sum", "square", "part_mean", "part_square"):
            store[name][rows] = 0.0
        store["day"][rows] = now // DAY
        return drift

    def _commission(self, rows: Array, mean: Array) -> None:
        store = self.store
        store["known"][rows] += 1
        known = store["known"][rows][:, None]
        off = mean - store["mean"][rows]
        store["mean"][rows] += off / known
        store["between"][rows] += off * (mean - store["mean"][rows])
        windows = store["windows"][rows][:, None]
        variance = np.maximum(0.0, store["square"][rows] / windows - mean * mean)
        store["noise"][rows] += (variance - store["noise"][rows]) / known
        # The variance of the mean of a day, were its parts independent: too little where they are not, hence "between".
        parts = np.maximum(2, store["parts"][rows])[:, None]
        store["within"][rows] += (store["part_square"][rows] / (parts - 1) / parts - store["within"][rows]) / known

    def spread(self, rows: Array) -> Array:
        """Of a day's mean. The few days that were learnt make it larger: the mean is uncertain, and so is this."""
        store = self.store
        between = np.sqrt(store["between"][rows] / max(1, self.days - 1)) * (1.0 + 2.0 / self.days)
        within = np.sqrt(store["within"][rows])
        # Of what hardly varies, a day with one more is no drift.
        least = _LEAST * np.maximum(
            np.sqrt(store["noise"][rows]), np.maximum(1.0, _LEAST * np.abs(store["mean"][rows]))
        )
        widest: Array = np.maximum(np.maximum(between, within) * math.sqrt(1.0 + 1.0 / self.days), least)
        return widest

    def _cusum(self, rows: Array, mean: Array) -> Array:
        store = self.store
        z = (mean - store["mean"][rows]) / self.spread(rows)
        store["up"][rows] = np.maximum(0.0, store["up"][rows] + z - ALLOWED)
        store["down"][rows] = np.maximum(0.0, store["down"][rows] - z - ALLOWED)
        up, down = store["up"][rows], store["down"][rows]
        # With more streams the limit is higher: each factor of e costs half a spread at this allowance.
        limit = LIMIT + math.log(max(1, len(store)) * self.features) / (2 * ALLOWED)
        result: Array = np.where(up >= down, up, -down) / limit
        return result

    def snapshot(self) -> dict[str, Any]:
        return self.store.snapshot()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.store.restore(state)
