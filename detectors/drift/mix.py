"""The mix of classes a model gives, hour by hour: chi² against the learnt shares, with a one-sided CUSUM on it.

A plant's classes come in runs, so chi² is larger than its degrees of freedom even when nothing changed. How much
larger is learnt; the CUSUM's threshold comes from the learnt hours as for numbers.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Any

import numpy as np

from detectors.drift.cusum import Cusum, threshold
from detectors.drift.episode import Episode
from detectors.drift.profile import PER_HOUR

HOUR = 3600 * 10**9
LABELS = 32  # told apart; the rest is one class
REST = "(other)"
LEARN_MOST = 28 * 24
LEAST_HOURS = 48
_SMOOTH = 0.5  # added to every class: one never learnt is rare, not impossible
_LEAN = 60.0  # counts that the whole day's shares weigh in those of an hour
_BACK = 3  # hours inside the usual, and the drift is over


class Mix:
    def __init__(self, model_id: str, name: str, arl_days: float) -> None:
        self.model_id, self.name, self.arl_days = model_id, name, arl_days
        self.labels: list[str] = []
        self.learnt: list[tuple[int, list[int]]] = []  # hour, counts in the order of `labels`
        self.shares: list[list[float]] = []  # by UTC hour of day
        self.mean, self.sd = 0.0, 1.0
        self.cusum: Cusum | None = None
        self.hour = -1
        self.counts: dict[str, int] = {}
        self.open: Episode | None = None
        self.calm = 0
        self.seen: dict[str, int] = {}  # of the hours since the alarm
        self.chi2, self.df = 0.0, 1
        self.last_ts = 0

    @property
    def watching(self) -> bool:
        return self.cusum is not None

    def restart(self) -> None:
        """Time leapt: the hour under way is left."""
        self.hour, self.counts = -1, {}

    def take(self, ts: int, label: str) -> list[Episode]:
        news = self.tick(ts)
        self.last_ts = max(self.last_ts, ts)
        if label not in self.counts and len(self.counts) >= LABELS:
            label = REST
        self.counts[label] = self.counts.get(label, 0) + 1
        return news

    def tick(self, now: int) -> list[Episode]:
        """An hour that is over is judged."""
        hour = now // HOUR
        if hour <= self.hour:
            return []
        over, counts, self.hour, self.counts = self.hour, self.counts, hour, {}
        if not counts:
            return []
        if self.cusum is not None:
            return self._judge(over, counts)
        for label in sorted(counts):
            if label not in self.labels and len(self.labels) < LABELS:
                self.labels.append(label)
        self.learnt.append((over, [counts.get(label, 0) for label in self.labels]))
        del self.learnt[:-LEARN_MOST]
        return []

    def calibrate(self) -> bool:
        if self.watching or len(self.learnt) < LEAST_HOURS:
            return False
        rows = np.zeros((len(self.learnt), len(self.labels) + 1))
        for at, (_, row) in enumerate(self.learnt):
            rows[at, : len(row)] = row
        hours = np.array([hour for hour, _ in self.learnt])
        values = np.zeros(len(rows))
        for day in np.unique(hours // 24):  # under the shares of the other days
            out = hours // 24 == day
            shares = _shares(rows[~out], hours[~out])
            values[out] = np.log(_chi2(rows[out], shares[hours[out] % 24]) / (rows.shape[1] - 1) + 0.1)
        self.shares = _shares(rows, hours).tolist()
        self.mean, self.sd = float(values.mean()), max(float(values.std()), 0.1)
        seed = int.from_bytes(blake2b(f"{self.model_id}\0{self.name}".encode(), digest_size=4).digest(), "big")
        h = threshold((values - self.mean) / self.sd, 0.5, 24.0, self.arl_days, seed, one_sided=True)
        self.cusum = Cusum(0.5, h, one_sided=True)
        self.learnt = []
        return True

    def _judge(self, hour: int, counts: dict[str, int]) -> list[Episode]:
        cusum = self.cusum
        if cusum is None:
            return []
        row = np.array([[*(counts.get(label, 0) for label in self.labels), 0]], dtype=np.float64)
        row[0, -1] = sum(counts.values()) - row.sum()
        self.chi2, self.df = float(_chi2(row, np.array(self.shares[hour % 24]))[0]), len(self.labels)
        z = (math.log(self.chi2 / self.df + 0.1) - self.mean) / self.sd
        alarm = cusum.step(hour, z)
        if self.open is not None:
            self.calm = self.calm + 1 if z < 1.0 else 0
            _add(self.seen, counts)
            if self.calm >= _BACK:
                over, self.open = self.open, None
                over.returned = (hour + 1) * HOUR
                cusum.reset()
                return [over]
            return []
        if not alarm:
            return []
        since = cusum.high_from * PER_HOUR
        made = Episode("class_mix", "mix", hour * PER_HOUR, cusum.high, cusum.h, shape="mix")
        made.since, made.low, made.high = since, since - PER_HOUR, hour * PER_HOUR
        self.open, self.calm, self.seen = made, 0, {}
        _add(self.seen, counts)
        return [made]

    @property
    def p_value(self) -> float:
        """Of the last judged hour, chi² taken down by the dispersion learnt (Wilson and Hilferty's approximation)."""
        usual = max(1.0, math.exp(self.mean))
        ratio, spread = self.chi2 / usual / self.df, 2 / (9 * self.df)
        return 0.5 * math.erfc((ratio ** (1 / 3) - (1 - spread)) / math.sqrt(spread) / math.sqrt(2))

    def snapshot(self) -> dict[str, Any]:
        state = dict(vars(self))
        state["cusum"] = None if self.cusum is None else {n: getattr(self.cusum, n) for n in Cusum.__slots__}
        state["open"] = None if self.open is None else self.open.snapshot()
        return {k: dict(v) if isinstance(v, dict) else list(v) if isinstance(v, list) else v for k, v in state.items()}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Mix:
        made = cls(state["model_id"], state["name"], state["arl_days"])
        vars(made).update(state)
        made.cusum = None if state["cusum"] is None else Cusum(**state["cusum"])
        made.open = None if state["open"] is None else Episode.restored(state["open"])
        return made


def _shares(rows: Any, hours: Any) -> Any:
    """Of each class by hour of day, an hour with few counts leaning on the whole day. (24, classes)."""
    total = rows.sum(axis=0) + _SMOOTH
    by_hour = np.zeros((24, rows.shape[1]))
    np.add.at(by_hour, hours % 24, rows)
    by_hour += _LEAN * total / total.sum()
    return by_hour / by_hour.sum(axis=1, keepdims=True)


def _chi2(rows: Any, shares: Any) -> Any:
    expected = rows.sum(axis=1, keepdims=True) * shares
    return ((rows - expected) ** 2 / expected).sum(axis=1)


def _add(into: dict[str, int], counts: dict[str, int]) -> None:
    for label, count in counts.items():
        if label in into or len(into) < LABELS:
            into[label] = into.get(label, 0) + count
