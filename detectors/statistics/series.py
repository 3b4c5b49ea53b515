"""Values of tags: range, steps, how long they rest, and whether a stretch of them was heard before.

A stream is a tag. It is told its values in the order of time, one window at a time; scores come before learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.statistics.hashing import hash_runs
from detectors.statistics.store import Store
from detectors.window import packed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.window import Array

LEAST = 30  # values before a tag is judged
RUN = 8  # values that have to come again in the same order to be a replay
HEARD = 64  # stretches remembered of each tag
VARIED = 0.5  # share of distinct values in a stretch: below that repeating itself says nothing
_CHUNK = 1 << 12  # stretches looked up at a time
_SECOND = 1e9
_HUGE = 1e30
_32, _ROW = np.uint64(32), np.uint64(0xFFFFFFFF)


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
    """`rows` are those of the store; values of a window come sorted by tag and time, and are finite.

    `heard` holds marks of stretches and `print` sixteen bits of each, by which most are told apart.
    """

    def __init__(self, limit: int = 0, fields: Mapping[str, tuple[Any, tuple[int, ...]]] | None = None) -> None:
        one: tuple[int, ...] = ()
        self.store = Store(
            {
                **dict.fromkeys(("values", "time"), (np.int64, one)), "tail": (np.float64, (RUN,)),
                **dict.fromkeys(("low", "high", "value", "step", "rest"), (np.float64, one)),
                "heard": (np.uint64, (HEARD,)), "print": (np.uint16, (HEARD,)), "place": (np.int32, one),
                "repeats": (np.bool_, one), "run": (np.int32, one), **(fields or {}),
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
        for name in ("tail", "heard", "print", "run", "time"):
            self.store[name][:] = 0

    def moving(self) -> Array:
        """Tags of which enough moves were learnt to say that they always move."""
        found: Array = (self.store["values"] >= LEAST) & (self.store["rest"] > 0) & (self.store["time"] > 0)
        return found

    def take(self, rows: Array, starts: Array, ts: Array, values: Array) -> Seen:
        """Scores of a window. `starts`: where in `ts` and `values` each row's begin; each has at least one."""
        store = self.store
        values = np.clip(values, -_HUGE, _HUGE)
        ends = np.append(starts[1:], len(values)) - 1
        fresh = store["time"][rows] == 0
        before = np.empty_like(values)
        before[1:] = values[:-1]
        before[starts] = np.where(fresh, values[starts], store["value"][rows])
        steps = np.abs(values - before)
        low, high, step = store["low"][rows], store["high"][rows], store["step"][rows]
        judged = store["values"][rows] >= LEAST
        rare = np.where(judged, np.log(2.0 * (store["values"][rows] + 1.0)), 0.0)
        spread = np.maximum(high - low, np.maximum(1e-6, 0.05 * np.maximum(np.abs(low), np.abs(high))))
        # Most tags of most windows stay within what was seen: where in the window they did is nobody's business.
        over = (np.minimum.reduceat(values, starts) < low) | (np.maximum.reduceat(values, starts) > high)
        worst, range_at = np.zeros(len(rows)), ends.copy()
        if over.any():
            places, group, firsts = _members(starts, ends, over)
            lo, hi, unit = (column[over][group] for column in (low, high, spread))
            beyond = np.maximum(np.maximum(lo - values[places], values[places] - hi), 0.0) / unit
            worst[over], best = _last_best(beyond, firsts, group)
            range_at[over] = places[best]
        over = np.maximum.reduceat(steps, starts) > step
        stepped, step_at = np.zeros(len(rows)), ends.copy()
        if over.any():
            places, group, firsts = _members(starts, ends, over)
            # Back towards the range is no news: that it was left is told.
            lo, hi = low[over][group], high[over][group]
            now, then = (np.maximum(np.maximum(lo - v[places], v[places] - hi), 0.0) for v in (values, before))
            steps[places[judged[over][group] & (now < then)]] = 0.0
            unit = np.maximum(step, 0.05 * spread)[over][group]
            excess = np.maximum(steps[places] - step[over][group], 0.0) / unit
            stepped[over], best = _last_best(excess, firsts, group)
            step_at[over] = places[best]
        gaps = np.empty_like(ts)
        gaps[1:] = ts[1:] - ts[:-1]
        gaps[starts] = np.where(fresh, 0, ts[starts] - store["time"][rows])
        return Seen(
            np.where(worst > 0, rare * (1.0 + worst), 0.0), values[range_at], range_at,
            np.where(stepped > 0, rare * (1.0 + stepped), 0.0), steps[step_at], step_at,
            self._again(rows, starts, values), np.maximum.reduceat(gaps, starts) / _SECOND,
        )  # fmt: skip

    def learn(self, rows: Array, starts: Array, ts: Array, values: Array, seen: Seen, taught: Array) -> None:
        """Takes the window in. Of tags not taught only the last value and its time are remembered."""
        if not len(rows):
            return
        store = self.store
        values = np.clip(values, -_HUGE, _HUGE)
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

    def _again(self, rows: Array, starts: Array, values: Array) -> Array:
        """Length of the longest stretch of values, ending in this window, that was heard before; remembers its
        stretches, `HEARD` of each tag."""
        store, count = self.store, np.arange(len(rows))
        sizes = np.diff(np.append(starts, len(values)))
        group = np.repeat(count, sizes)
        # Each tag's values behind the last ones of the windows before: every stretch lies in one piece.
        firsts = starts + RUN * count
        at = np.arange(len(values)) + RUN * (group + 1)
        whole = np.empty(len(values) + RUN * len(rows))
        whole[at] = values
        whole[firsts[:, None] + np.arange(RUN)] = store["tail"][rows]
        store["tail"][rows] = whole[(firsts + sizes)[:, None] + np.arange(RUN)]
        told = np.flatnonzero(_distinct(whole)[at] >= VARIED * RUN)
        if not len(told):
            store["run"][rows] = 0
            return np.zeros(len(rows), dtype=np.int64)
        marks, owner = hash_runs(whole.view(np.uint64), RUN)[at[told]], group[told]
        marks = np.maximum(marks, np.uint64(1))
        # The number of each stretch, counted on in each tag: in place `number % HEARD` it is remembered.
        many = np.bincount(owner, minlength=len(rows))
        number = np.arange(len(told)) - (np.cumsum(many) - many)[owner] + store["place"][rows][owner]
        known = np.zeros(len(values), dtype=bool)
        known[told] = self._remembered(rows, owner, number, marks) | _repeated(owner, number, marks)
        store["place"][rows] += many.astype(np.int32)
        kept = number >= store["place"][rows][owner] - HEARD
        place = rows[owner[kept]], number[kept] % HEARD
        store["print"][place], store["heard"][place] = marks[kept].astype(np.uint16), marks[kept]
        return self._runs(rows, starts, group, known)

    def _remembered(self, rows: Array, owner: Array, number: Array, marks: Array) -> Array:
        """Which stretches are among those remembered from earlier windows, and not yet replaced by one of this."""
        store, prints = self.store, marks.astype(np.uint16)
        found = np.zeros(len(marks), dtype=bool)
        for first in range(0, len(marks), _CHUNK):
            chunk = slice(first, first + _CHUNK)
            alike = store["print"][rows[owner[chunk]]] == prints[chunk, None]
            # Eight flags at a time are looked at: prints that agree are few.
            at, place = np.divmod(np.flatnonzero(alike.view(np.uint64)), HEARD // 8)
            at, place = np.repeat(at, 8), np.repeat(place * 8, 8) + np.tile(np.arange(8), len(place))
            alike_at = alike[at, place]
            at, place = at[alike_at] + first, place[alike_at]
            same = store["heard"][rows[owner[at]], place] == marks[at]
            latest = store["place"][rows[owner[at]]] - 1
            same &= latest - (latest - place) % HEARD >= number[at] - HEARD
            found[at[same]] = True
        return found

    def _runs(self, rows: Array, starts: Array, group: Array, known: Array) -> Array:
        """The longest stretch of each tag, of marks known one after the other."""
        longest, store = np.zeros(len(rows), dtype=np.int64), self.store
        some = np.zeros(len(rows), dtype=bool)
        some[group[known]] = True
        before = store["run"][rows[some]]
        store["run"][rows] = 0
        if not some.any():
            return longest
        places, owner, firsts = _members(starts, np.append(starts[1:], len(known)) - 1, some)
        known, place = known[places], np.arange(len(places))
        unknown = np.maximum.accumulate(np.where(known, -1, place))
        run = place - np.where(unknown >= firsts[owner], unknown, firsts[owner] - 1 - before[owner])
        store["run"][rows[some]] = run[np.append(firsts[1:], len(known)) - 1]
        longest[some] = np.maximum.reduceat(np.where(known, run + RUN - 1, 0), firsts)
        return longest

    def snapshot(self) -> dict[str, Any]:
        return self.store.snapshot()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.store.restore(state)


def _members(starts: Array, ends: Array, chosen: Array) -> tuple[Array, Array, Array]:
    """Places of the values of the chosen groups, the group of each among the chosen, and where each begins."""
    sizes = (ends - starts + 1)[chosen]
    firsts = np.cumsum(sizes) - sizes
    group = np.repeat(np.arange(len(sizes)), sizes)
    return np.arange(len(group)) + (starts[chosen] - firsts)[group], group, firsts


def _last_best(score: Array, starts: Array, group: Array) -> tuple[Array, Array]:
    """Each group's highest score and where it is, the latest of equals."""
    best = np.maximum.reduceat(score, starts)
    return best, np.maximum.reduceat(np.where(score == best[group], np.arange(len(score)), -1), starts)


def _distinct(whole: Array) -> Array:
    """How many different values the `RUN` have that end at each place."""
    # How far back the same value was before: RUN if not within a stretch.
    back = np.full(len(whole), RUN, dtype=np.uint8)
    for by in range(RUN - 1, 0, -1):
        back[by:][whole[by:] == whole[:-by]] = by
    found = np.zeros(len(whole), dtype=np.uint8)
    for by in range(RUN):
        # It is the first of its kind in a stretch that ends `by` later.
        found[by:] += back[: len(back) - by] > RUN - 1 - by
    return found


def _repeated(owner: Array, number: Array, marks: Array) -> Array:
    """Which stretches came earlier in the same window, at most `HEARD` stretches of their tag ago."""
    again = np.zeros(len(marks), dtype=bool)
    # Sorted by tag and sixteen bits of the mark: what may be equal lies side by side, and the rest is not looked at.
    alike = np.sort(packed((owner << 16) | (marks & np.uint64(0xFFFF)).astype(np.int64)))
    near = np.flatnonzero(alike[1:] >> _32 == alike[:-1] >> _32)
    if not len(near):
        return again
    some = np.unique((alike[np.concatenate((near, near + 1))] & _ROW).astype(np.int64))
    order = some[np.lexsort((number[some], marks[some], owner[some]))]
    first, second = order[:-1], order[1:]
    same = (owner[first] == owner[second]) & (marks[first] == marks[second])
    again[second[same & (number[second] - number[first] <= HEARD)]] = True
    return again
