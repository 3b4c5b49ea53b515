"""Period and jitter of things that come again and again.

A stream is told of each window in which it came: how often, first and last time. Gaps between windows are samples of
the period; those inside one enter by their mean. `longest` is the longest gap learnt, `most` the most in one window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.statistics.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.window import Array

GAPS = 8  # before a stream is said to have a period
SAMPLES = 3  # of them between windows
JITTER = 0.2  # of the period: what varies more has none
_SLOW = 0.02  # share of a new gap in the period, once many are known
_SECOND = 1e9


class Rhythms:
    """Times in nanoseconds, periods in seconds."""

    def __init__(self, limit: int = 0, fields: Mapping[str, tuple[Any, tuple[int, ...]]] | None = None) -> None:
        self.store = Store(
            {
                "last": (np.int64, ()), "gaps": (np.int32, ()), "samples": (np.int32, ()),
                "period": (np.float32, ()), "square": (np.float32, ()), "longest": (np.float32, ()),
                "quick": (np.int32, ()), **(fields or {}),
            },
            limit,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.store)

    def jitter(self, rows: Array) -> Array:
        """Spread of the gaps, in seconds."""
        spread: Array = np.sqrt(self.store["square"][rows])
        return spread

    def regular(self, rows: Array) -> Array:
        """Which streams have a period."""
        store = self.store
        enough = (store["gaps"][rows] >= GAPS) & (store["samples"][rows] >= SAMPLES)
        found: Array = enough & (self.jitter(rows) <= JITTER * store["period"][rows]) & (store["period"][rows] > 0)
        return found

    def gap(self, rows: Array, first: Array, last: Array, count: Array) -> tuple[Array, Array, Array]:
        """Of streams that came `count` times from `first` to `last`: seconds since they came before (0: never), mean
        gap inside the window (0: came once), and mean gap since they came before."""
        before = self.store["last"][rows]
        known = before > 0
        since = np.where(known, (first - before) / _SECOND, 0.0)
        inside = np.where(count > 1, (last - first) / _SECOND / np.maximum(1, count - 1), 0.0)
        mean = np.where(known, (last - before) / _SECOND / count, inside)
        return np.maximum(0.0, since), np.maximum(0.0, inside), np.maximum(0.0, mean)

    def limit(self, rows: Array, periods: float, margin: float) -> Array:
        """Seconds of silence that are too long: some periods, and some longest gaps."""
        store = self.store
        found: Array = np.maximum(periods * store["period"][rows], margin * store["longest"][rows])
        return found

    def learn(self, rows: Array, first: Array, last: Array, count: Array, taught: Array) -> None:
        """Streams that came. Of those not taught only when they came is remembered."""
        store = self.store
        since, inside, mean = self.gap(rows, first, last, count)
        fresh = store["last"][rows] == 0
        gaps = np.where(fresh, count - 1, count)
        some = taught & (gaps > 0)
        at, g = rows[some], gaps[some]
        share = np.maximum(g / np.maximum(1, store["gaps"][at] + g), _SLOW)
        store["period"][at] += share * (mean[some] - store["period"][at])
        store["gaps"][at] = np.minimum(store["gaps"][at].astype(np.int64) + g, 1 << 30)
        store["longest"][at] = np.maximum(store["longest"][at], np.maximum(since, inside)[some])
        sampled = some & ~fresh
        at = rows[sampled]
        store["samples"][at] = np.minimum(store["samples"][at] + 1, 1 << 30)
        share = np.maximum(1.0 / store["samples"][at], _SLOW)
        off = since[sampled] - store["period"][at]
        store["square"][at] += share * (off * off - store["square"][at])
        store["last"][rows] = np.maximum(store["last"][rows], last)

    def snapshot(self) -> dict[str, Any]:
        return self.store.snapshot()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.store.restore(state)
