"""Values of tags: range, steps, how long they rest, and whether a stretch of them was heard before.

A stream is a tag. It is told its values in the order of time, one window at a time; scores come before learning. The
pass over the values themselves is native (`parsers.Readings`): what is done here is done once a tag.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.statistics.store import Store
from parsers import Readings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.samples import Samples
    from detectors.window import Array

LEAST = 30  # values before a tag is judged
RUN = 8  # values that have to come again in the same order to be a replay
_SECOND = 1e9


@dataclass(frozen=True, slots=True)
class Seen:
    """Of each tag that moved in a window: moves, range, scores in nats (0: not judged) and what they are about, the
    last value. `again`: the longest stretch of values that was heard before, in that order. `_at`, `end`: messages."""

    rows: Array
    moves: Array
    low: Array
    high: Array
    range_score: Array
    range_value: Array
    range_at: Array
    step_score: Array
    step: Array
    step_at: Array
    again: Array
    rested: Array
    value: Array
    time: Array
    end: Array

    def __len__(self) -> int:
        return len(self.rows)

    def chosen(self, some: Array) -> Seen:
        """Only these tags."""
        return self if some.all() else replace(self, **{f.name: getattr(self, f.name)[some] for f in fields(self)})


class Series:
    """`rows` are those of the store."""

    def __init__(self, limit: int = 0, fields: Mapping[str, tuple[Any, tuple[int, ...]]] | None = None) -> None:
        one: tuple[int, ...] = ()
        self.store = Store(
            {
                **dict.fromkeys(("values", "time"), (np.int64, one)),
                **dict.fromkeys(("low", "high", "value", "step", "rest"), (np.float64, one)),
                "repeats": (np.bool_, one), **(fields or {}),
            },
            limit,
        )  # fmt: skip
        self._readings = Readings()
        self._evicted = 0

    def __len__(self) -> int:
        return len(self.store)

    def interrupt(self) -> None:
        """Nothing was heard for long: the next value is no step from the last one, and no rest was seen."""
        self._readings.clear()
        self.store["time"][:] = 0

    def moving(self) -> Array:
        """Tags of which enough moves were learnt to say that they always move."""
        found: Array = (self.store["values"] >= LEAST) & (self.store["rest"] > 0) & (self.store["time"] > 0)
        return found

    def take(self, rows: Array, heard: Samples) -> Seen:
        """Scores of a window. `rows`: of the keys that were heard, -1 where there is none."""
        store, place = self.store, np.full(len(rows), -1)
        if store.evicted != self._evicted:
            self._evicted = store.evicted
            self._readings.keep(store["key"])
        found = np.flatnonzero(rows >= 0)
        place[found], rows = np.arange(len(found)), rows[found]
        many = store["values"][rows]
        judged = many >= LEAST
        known = {name: store[name][rows] for name in ("value", "time", "low", "high", "step")}
        flags = {"new": (many == 0).view(np.uint8), "judged": judged.view(np.uint8)}
        told = self._readings.take(
            heard.order, heard.edges, heard.times, heard.numbers, heard.values, place[heard.places], heard.keys[found],
            {**known, **flags},
        )  # fmt: skip
        column: dict[str, Array] = {
            name: np.frombuffer(data, dtype=_DTYPES.get(name, np.float64)) for name, data in told.items()
        }
        rare = np.where(judged, np.log(2.0 * (many + 1.0)), 0.0)
        beyond, excess = column.pop("beyond"), column.pop("excess")
        column["rested"] = column["rested"] / _SECOND
        range_score = np.where(beyond > 0, rare * (1.0 + beyond), 0.0)
        step_score = np.where(excess > 0, rare * (1.0 + excess), 0.0)
        return Seen(rows, range_score=range_score, step_score=step_score, **column).chosen(column["moves"] > 0)

    def learn(self, seen: Seen, taught: Array) -> None:
        """Takes the window in. Of tags not taught only the last value and its time are remembered."""
        store, rows = self.store, seen.rows
        fresh = store["values"][rows] == 0
        at, t = rows[taught], taught
        store["low"][at] = np.where(fresh[t], seen.low[t], np.minimum(store["low"][at], seen.low[t]))
        store["high"][at] = np.where(fresh[t], seen.high[t], np.maximum(store["high"][at], seen.high[t]))
        store["step"][at] = np.maximum(store["step"][at], seen.step[t])
        store["rest"][at] = np.maximum(store["rest"][at], seen.rested[t])
        store["values"][at] += seen.moves[t]
        store["value"][rows] = seen.value
        store["time"][rows] = seen.time

    def snapshot(self) -> dict[str, Any]:
        return {"store": self.store.snapshot(), "heard": base64.b64encode(self._readings.snapshot()).decode()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """ValueError if the state is of something else."""
        self.store.restore(state["store"])
        self._readings.restore(base64.b64decode(state["heard"]))
        self._evicted = self.store.evicted


_DTYPES = dict.fromkeys(("moves", "again", "rested", "time", "range_at", "step_at", "end"), np.int64)
