"""Values of tags: range, steps, how long they rest, and whether a stretch of them was heard before.

A stream is a tag. It is told its values in the order of time, one window at a time; scores come before learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.statistics.hashing import hash64
from detectors.statistics.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.window import Array

LEAST = 30  # values before a tag is judged
RUN = 8  # values that have to come again in the same order to be a replay
HEARD = 64  # stretches remembered of each tag
VARIED = 0.5  # share of distinct values in a stretch: below that repeating itself says nothing
_SECOND = 1e9
_HUGE = 1e30


@dataclass(frozen=True, slots=True)
class Seen:
    """Of each tag of a window: scores in nats (0: not judged), and what they are about. `again`: the longest stretch
    of values that was heard before, in that order."""

    range_score: Array
    range_value: Array
    range_at: Array
    step_score: Array
    step: Array
    step_at: Array
    again: Array
    rested: Array


class Series:
    """`rows` are those of the store; values of a window come sorted by tag and time."""

    def __init__(self, limit: int = 0, fields: Mapping[str, tuple[Any, tuple[int, ...]]] | None = None) -> None:
        one: tuple[int, ...] = ()
        self.store = Store(
            {
                **dict.fromkeys(("values", "time"), (np.int64, one)), "tail": (np.float64, (RUN,)),
                **dict.fromkeys(("low", "high", "value", "step", "rest"), (np.float64, one)),
                "heard": (np.uint64, (HEARD,)), "place": (np.int32, one), "repeats": (np.bool_, one),
                "run": (np.int32, one), **(fields or {}),
            },
            limit,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.store)

    def moves(self, rows: Array, starts: Array, values: Array) -> Array:
        """Which values differ from the one before; of a tag heard for the first time its first does."""
        before = np.empty_like(values)
        before[1:] = values[:-1]
        before[starts] = np.where(self.store["values"][rows] == 0, np.nan, self.store["value"][rows])
        found: Array = values != before
        return found

    def interrupt(self) -> None:
        """Nothing was heard for long: the next value is no step from the last one, and no rest was seen."""
        for name in ("tail", "heard", "run", "time"):
            self.store[name][:] = 0

    def moving(self) -> Array:
        """Tags of which enough moves were learnt to say that they always move."""
        found: Array = (self.store["values"] >= LEAST) & (self.store["rest"] > 0) & (self.store["time"] > 0)
        return found

    def take(self, rows: Array, starts: Array, ts: Array, values: Array) -> Seen:
        """Scores of a window. `starts`: where in `ts` and `values` each row's begin; each has at least one."""
        store = self.store
        values = np.clip(np.nan_to_num(values), -_HUGE, _HUGE)
        sizes = np.diff(np.append(starts, len(values)))
        group = np.repeat(np.arange(len(rows)), sizes)
        fresh = store["time"][rows] == 0
        before = np.empty_like(values)
        before[1:] = values[:-1]
        before[starts] = np.where(fresh, values[starts], store["value"][rows])
        steps = np.abs(values - before)
        low, high = store["low"][rows], store["high"][rows]
        judged = store["values"][rows] >= LEAST
        rare = np.log(2.0 * (store["values"][rows] + 1.0))
        spread = np.maximum(high - low, np.maximum(1e-6, 0.05 * np.maximum(np.abs(low), np.abs(high))))
        # Back towards the range is no news: that it was left is told.
        away, was_away = (np.maximum(np.maximum(low[group] - v, v - high[group]), 0.0) for v in (values, before))
        steps[judged[group] & (away < was_away)] = 0.0
        beyond = away / spread[group]
        range_at = _last_best(beyond, starts, group)
        step_unit = np.maximum(store["step"][rows], 0.05 * spread)
        excess = np.maximum(steps - store["step"][rows][group], 0.0) / step_unit[group]
        step_at = _last_best(excess, starts, group)
        worst, stepped = beyond[range_at], excess[step_at]
        again = self._again(rows, starts, group, values)
        gaps = (
            ts - np.where(np.arange(len(ts)) == starts[group], store["time"][rows][group], np.roll(ts, 1))
        ) / _SECOND
        gaps[starts] = np.where(fresh, 0.0, gaps[starts])
        rested = np.maximum.reduceat(gaps, starts) if len(starts) else np.zeros(0)
        return Seen(
            np.where(judged & (worst > 0), rare * (1.0 + worst), 0.0), values[range_at], range_at,
            np.where(judged & (stepped > 0), rare * (1.0 + stepped), 0.0), steps[step_at], step_at, again, rested,
        )  # fmt: skip

    def learn(self, rows: Array, starts: Array, ts: Array, values: Array, seen: Seen, taught: Array) -> None:
        """Takes the window in. Of tags not taught only the last value and its time are remembered."""
        if not len(rows):
            return
        store = self.store
        values = np.clip(np.nan_to_num(values), -_HUGE, _HUGE)
        ends = np.append(starts[1:], len(values)) - 1
        low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        fresh = store["values"][rows] == 0
        at, t = rows[taught], taught
        store["low"][at] = np.where(fresh[t], low[t], np.minimum(store["low"][at], low[t]))
        store["high"][at] = np.where(fresh[t], high[t], np.maximum(store["high"][at], high[t]))
        store["step"][at] = np.maximum(store["step"][at], seen.step[t])
        store["rest"][at] = np.maximum(store["rest"][at], seen.rested[t])
        store["values"][at] += (ends - starts + 1)[t]
        store["value"][rows] = values[ends]
        store["time"][rows] = ts[ends]

    def _again(self, rows: Array, starts: Array, group: Array, values: Array) -> Array:
        """Length of the longest stretch of values, ending in this window, that was heard before; remembers its
        stretches. A value at a time, for all tags at once."""
        store = self.store
        longest = np.zeros(len(rows), dtype=np.int64)
        place = np.arange(len(values)) - starts[group]
        for nth in range(int(place.max(initial=-1)) + 1):
            some = np.flatnonzero(place == nth)
            at, one = rows[group[some]], values[some]
            tail = np.concatenate([store["tail"][at][:, 1:], one[:, None]], axis=1)
            store["tail"][at] = tail
            mark = hash64(np.ascontiguousarray(tail).view(np.uint8).reshape(len(at), -1))
            mark = np.maximum(mark, np.uint64(1))
            ordered = np.sort(tail, axis=1)
            varied = 1 + (np.diff(ordered, axis=1) > 0).sum(axis=1) >= VARIED * RUN
            known = varied & (store["heard"][at] == mark[:, None]).any(axis=1)
            store["run"][at] = np.where(known, store["run"][at] + 1, 0)
            longest[group[some]] = np.maximum(longest[group[some]], np.where(known, store["run"][at] + RUN - 1, 0))
            kept = at[varied]
            store["heard"][kept, store["place"][kept] % HEARD] = mark[varied]
            store["place"][kept] += 1
        return longest

    def snapshot(self) -> dict[str, Any]:
        return self.store.snapshot()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.store.restore(state)


def _last_best(score: Array, starts: Array, group: Array) -> Array:
    """Where each group's highest score is, the latest of equals."""
    best = np.maximum.reduceat(score, starts) if len(starts) else np.zeros(0)
    places = np.where(score == best[group], np.arange(len(score)), -1)
    found: Array = np.maximum.reduceat(places, starts) if len(starts) else np.zeros(0, dtype=np.int64)
    return found
