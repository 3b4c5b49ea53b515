"""How surprising a window of a stream is, by each of its features and at several time scales.

Learns histograms of the values and of their running means, scores before it learns, and learns only what is not
surprising, one window later: by then it is known whether somebody was up to something. Score of a cell (feature and
scale): see `Histograms.surprisal`. A stream alarms when a cell reaches `margin * max(worst score while learning,
floor)`; the floor comes from the budget of false alarms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.statistics.histogram import BINS, Histograms
from detectors.statistics.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.window import Array

# Windows a mean runs over: 10 s, 20 s, 1, 5 and 30 min at windows of 10 s.
SCALES = (1, 2, 6, 30, 180)
LEAST = 30  # windows learnt before a cell is judged
_LONG = 2  # from this scale on, running means hold only what is usual
_VALUE = 2.0**50  # no feature is larger; float32 must tell its bins apart


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of each stream asked for. `ratio`: highest score over `threshold`, in the cell `feature`, `scale` (indices);
    `seen`: the value there; `low`, `high`: range learnt; `count` of `total` values learnt were in its bin; `over`:
    (streams, features), which features alarm at any scale; `windows`: learnt or seen so far."""

    alarm: Array
    ratio: Array
    threshold: Array
    feature: Array
    scale: Array
    seen: Array
    low: Array
    high: Array
    count: Array
    total: Array
    over: Array
    windows: Array


class Layer:
    """`features`: their number. `both`: of each feature, whether less than usual is surprising too."""

    def __init__(self, features: int, both: tuple[bool, ...] = (), limit: int = 0, least: int = 0) -> None:
        self.features = features
        self.least = least or LEAST
        self._both = np.array(both or (True,) * features)
        self._cells = features * len(SCALES)
        cells = (features, len(SCALES))
        self.store = Store(
            {
                "windows": (np.int64, ()), "counts": (np.uint16, (*cells, BINS)), "base": (np.float32, cells),
                "width": (np.float32, cells), "low": (np.float32, cells), "high": (np.float32, cells),
                "total": (np.int32, cells), "mean": (np.float32, cells), "before": (np.float32, (features,)),
                "worst": (np.float32, (2, len(SCALES))), "next": (np.float32, cells), "due": (np.bool_, ()),
            },
            limit,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.store)

    @property
    def _histograms(self) -> Histograms:
        names = ("base", "width", "low", "high", "total")
        return Histograms(self.store["counts"].reshape(-1, BINS), *(self.store[n].reshape(-1) for n in names))

    def _at(self, rows: Array) -> Array:
        return (rows[:, None] * self._cells + np.arange(self._cells)).ravel()

    def settle(self, banned: Array) -> Array:
        """Learns what was put aside a window ago, except of the streams `banned` (keys), whose rows it answers."""
        held = self.store.find(banned)
        held = held[held >= 0]
        held = held[self.store["due"][held]]
        self.store["due"][held] = False
        self._learn(np.flatnonzero(self.store["due"]))
        self.store["due"][:] = False
        return held

    def judge(
        self,
        rows: Array,
        x: Array,
        *,
        floor: float,
        margin: float,
        learn: Array | bool = True,
        live: Array | bool = True,
    ) -> Verdict:
        """What to think of a window of these streams, which `begin` or the store gave the rows of.

        `x`: (streams, features). `learn`: which streams may be learnt from. `live`: which are judged; the others
        calibrate their thresholds.
        """
        x = np.clip(x, -_VALUE, _VALUE).astype(np.float32)
        means = self._means(rows, x)
        score = self._score(rows, means)
        limit = margin * np.maximum(self.store["worst"][rows].max(axis=1), floor)
        ratio = score / limit[:, None, :]
        highest = ratio.max(axis=(1, 2), initial=0.0)
        judged = np.broadcast_to(live, len(rows))
        alarm = judged & (highest >= 1.0)
        verdict = self._verdict(rows, means, ratio, alarm, limit)
        # What lies beyond anything learnt, alarm or not, teaches nothing: else ranges creep, a little at a time.
        beyond = (means < self.store["low"][rows]) | (means > self.store["high"][rows])
        beyond &= self.store["total"][rows] >= self.least
        taught = ~(judged & ((highest * margin >= 1.0) | beyond.any(axis=(1, 2)))) & learn
        self._calibrate(rows, score, ~judged & learn)
        self.store["before"][rows] = x
        self.store["mean"][rows[taught], :, _LONG:] = means[taught, :, _LONG:]
        self.store["next"][rows[taught]] = means[taught]
        self.store["due"][rows[taught]] = True
        self.store["windows"][rows] += 1
        return verdict

    def begin(self, keys: Array, x: Array, now: int) -> tuple[Array, Array, Array]:
        """Rows of distinct streams, which of the keys have one, and which of those are new."""
        rows, new = self.store.at(keys, now)
        found = rows >= 0
        rows, new = rows[found], new[found]
        fresh, store = rows[new], self.store
        store["before"][fresh] = x[found][new]
        store["mean"][fresh] = x[found][new][:, :, None]
        store["width"][fresh] = 1.0 / np.minimum(SCALES, 2)
        return rows, found, new

    def _means(self, rows: Array, x: Array) -> Array:
        """The value, the mean of it and the one before, and running means that forget at 1/scale."""
        means = self.store["mean"][rows]
        means += (x[:, :, None] - means) / np.array(SCALES, dtype=np.float32)
        means[:, :, 0] = x
        means[:, :, 1] = (x + self.store["before"][rows]) / 2
        return means

    def _score(self, rows: Array, means: Array) -> Array:
        score = self._histograms.surprisal(self._at(rows), means.ravel()).reshape(means.shape)
        # Running means settle only after their own length.
        idle = self.store["total"][rows] < np.maximum(self.least, SCALES)
        if not self._both.all():
            middle = (self.store["low"][rows] + self.store["high"][rows]) / 2
            idle = idle | (~self._both[None, :, None] & (means <= middle))
        found: Array = np.where(idle, np.float32(0), score)
        return found

    def _verdict(self, rows: Array, means: Array, ratio: Array, alarm: Array, limit: Array) -> Verdict:
        flat = ratio.reshape(len(rows), self._cells).argmax(axis=1)
        feature, scale = np.divmod(flat, len(SCALES))
        cells, histograms = rows * self._cells + flat, self._histograms
        seen = means[np.arange(len(rows)), feature, scale]
        over = (ratio >= 1.0).any(axis=2) & alarm[:, None]
        return Verdict(
            alarm, ratio.reshape(len(rows), self._cells)[np.arange(len(rows)), flat],
            limit[np.arange(len(rows)), scale], feature, scale, seen,
            histograms.low[cells], histograms.high[cells], histograms.seen(cells, seen), histograms.total[cells], over,
            self.store["windows"][rows],
        )  # fmt: skip

    def _calibrate(self, rows: Array, score: Array, learning: Array) -> None:
        """The worst score of the later half or so of what was learnt: forgotten whenever the time learnt doubles."""
        store = self.store
        windows = store["windows"][rows]
        doubled = rows[learning & (windows & (windows - 1) == 0)]
        store["worst"][doubled, 1] = store["worst"][doubled, 0]
        store["worst"][doubled, 0] = 0.0
        at = rows[learning]
        store["worst"][at, 0] = np.maximum(store["worst"][at, 0], score[learning].max(axis=1))

    def _learn(self, rows: Array) -> None:
        settled = self.store["windows"][rows][:, None, None] > np.array(SCALES)
        settled = np.broadcast_to(settled, (len(rows), self.features, len(SCALES))).ravel()
        self._histograms.learn(self._at(rows)[settled], self.store["next"][rows].ravel()[settled])

    def sizes(self) -> dict[str, int]:
        return {"streams": len(self.store)}

    def snapshot(self) -> dict[str, Any]:
        return self.store.snapshot()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.store.restore(state)
