"""One stream of numbers: 5-minute blocks, learnt, then watched for level, spread, rate, silence and standstill."""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.drift.episode import Episode
from detectors.drift.profile import BLOCK, PER_DAY, PER_HOUR
from detectors.drift.track import SHORT_LEAST, Track, calibrate, provisional
from detectors.drift.watch import Watch

if TYPE_CHECKING:
    from detectors.drift.profile import Array

LEARN_MOST = 28 * PER_DAY  # blocks kept while learning; the oldest leave
LEAST_BLOCKS = 2 * PER_HOUR * 12  # of a day's 288, twice: fewer are no baseline
STILL_FACTOR = 3.0  # times the longest standstill or silence of the learnt days
STILL_LEAST = 600 * 10**9
RATE_SPREAD = 0.25  # of the root of the readings a block, taken for granted where little was learnt
MEASURES = ("level", "inner", "rate")  # block mean, spread within a block, readings a block


class Stream(Watch):
    """`kind` is what its alerts are called: `output`, `confidence`, `input`, `relation`. `leads`: it speaks for the
    values that come in one message with it where their rate and their silence are concerned."""

    def __init__(self, model_id: str, name: str, kind: str, arl_days: float, *, leads: bool = True) -> None:
        self.measures = ("level",) if kind == "relation" else MEASURES if leads else MEASURES[:2]
        super().__init__(kind)
        self.model_id, self.name, self.arl_days = model_id, name, arl_days
        self.leads = leads
        self.learnt: list[tuple[int, float, float, int]] = []  # block, mean, variance within, readings
        self.block = -1
        self._n, self._sum, self._squares, self._zero = 0, 0.0, 0.0, 0.0
        self.last_ts = 0
        self.waiting = 0  # since when, where nothing came in this stretch of time yet
        self.last_value = math.nan
        self.same_since = 0
        self.still_most = 0  # longest time with one and the same value, and longest silence, while learning
        self.gap_most = 0
        self.late = 0
        self.closed: list[tuple[int, float]] = []  # blocks over since they were last asked for, and their means

    @property
    def watching(self) -> bool:
        return bool(self.tracks)

    @property
    def short(self) -> bool:
        """Watched against a provisional baseline, while a whole one is being learnt."""
        return any(track.short for track in self.tracks.values())

    def restart(self) -> None:
        """Time leapt: what was learnt holds, what was under way is left, and no silence is made of the leap."""
        self.block, self._n, self._sum, self._squares = -1, 0, 0.0, 0.0
        self.last_ts, self.last_value, self.same_since, self.waiting = 0, math.nan, 0, 0
        self.closed = []
        for what in ("missing", "frozen"):
            self.open.pop(what, None)

    def take(self, times: Array, values: Array) -> list[Episode]:
        """Readings in order of time (nanoseconds). Episodes that opened, or that have news."""
        fresh = times >= max(self.last_ts, self.block * BLOCK)
        self.late += int(len(times) - np.count_nonzero(fresh))
        times, values = times[fresh], values[fresh]
        if not len(times):
            return []
        news: list[Episode] = []
        blocks = times // BLOCK
        cuts = np.flatnonzero(np.diff(blocks)) + 1
        for some_times, some in zip(np.split(times, cuts), np.split(values, cuts), strict=True):
            block = int(some_times[0] // BLOCK)
            if block != self.block:
                news += self._close()
                self.block = block
            news += self._still(some_times, some)
            self._add(some)
        return news

    def _add(self, values: Array) -> None:
        if self._n == 0:
            self._zero = float(values[0])
        rest = values - self._zero
        self._n += len(values)
        self._sum += float(rest.sum())
        self._squares += float((rest**2).sum())

    def _still(self, times: Array, values: Array) -> list[Episode]:
        """Silence before these readings, and how long the value has not moved."""
        news: list[Episode] = []
        if self.last_ts:
            gaps = np.diff(times, prepend=self.last_ts)
            if not self.watching:
                self.gap_most = max(self.gap_most, int(gaps.max()))
        news += self._ended("missing", int(times[0]))
        changed = np.flatnonzero(np.diff(values, prepend=self.last_value) != 0)  # the first: differs from NaN
        if len(changed):
            starts = np.concatenate(([self.same_since or int(times[0])], times[changed]))
            if not self.watching and self.last_ts:
                self.still_most = max(self.still_most, int(np.diff(starts).max()))
            self.same_since = int(starts[-1])
            news += self._ended("frozen", int(times[changed[0]]))
        self.last_ts, self.last_value = int(times[-1]), float(values[-1])
        standing = self.last_ts - self.same_since
        limit = max(STILL_LEAST, int(STILL_FACTOR * self.still_most))
        if self.watching and standing > limit and "frozen" not in self.open:
            news.append(self._stand("frozen", self.same_since, standing, limit))
        return news

    def tick(self, now: int) -> list[Episode]:
        """Time went on: silence shows, and a block that is over is closed."""
        news: list[Episode] = []
        if self.block >= 0 and now // BLOCK > self.block and self._n:
            news += self._close()
            self.block = now // BLOCK  # what comes later of the block that was over is late
        limit = max(STILL_LEAST, int(STILL_FACTOR * self.gap_most))
        self.waiting = self.waiting or now  # nobody looked before: what was silent then is not known
        since = self.last_ts or self.waiting
        if self.watching and self.leads and now - since > limit and "missing" not in self.open:
            news.append(self._stand("missing", since, now - since, limit))
        return news

    def _stand(self, what: str, since: int, lasted: int, limit: int) -> Episode:
        block = since // BLOCK
        made = Episode(what, what, block, lasted / 1e9, limit / 1e9, shape=what, since=block, low=block, high=block)
        self.open[what] = made
        return made

    def _ended(self, what: str, now: int) -> list[Episode]:
        episode = self.open.pop(what, None)
        if episode is None:
            return []
        episode.returned = now
        return [episode]

    def _close(self) -> list[Episode]:
        """The block is over."""
        if not self._n:
            return []
        mean = self._sum / self._n
        within = max(0.0, self._squares / self._n - mean**2)
        row = (self.block, self._zero + mean, within, self._n)
        self._n, self._sum, self._squares = 0, 0.0, 0.0
        return self.row(row)

    def row(self, row: tuple[int, float, float, int]) -> list[Episode]:
        """A whole block: number, mean, variance within, readings."""
        if self.kind != "relation":
            self.closed.append((row[0], row[1]))
            del self.closed[:-PER_DAY]
        news = self._watch(row) if self.watching else []
        if not self.watching or (self.short and not self.open):
            self.learnt.append(row)
            del self.learnt[:-LEARN_MOST]
        return news

    def _watch(self, row: tuple[int, float, float, int]) -> list[Episode]:
        news: list[Episode] = []
        for measure, value in zip(MEASURES, self._measures(row), strict=True):
            if measure in self.tracks and ("frozen" not in self.open or measure == "rate"):  # that is said already
                news += self._judge(measure, row[0], value)
        return news

    def _measures(self, row: tuple[int, float, float, int]) -> tuple[float, float, float]:
        _, mean, within, count = row
        return mean, math.log(within + self._least), math.sqrt(count)

    @property
    def _least(self) -> float:
        """Added to a variance before its logarithm is taken, so that a standing block is not infinitely quiet."""
        return 1e-12 if "level" not in self.tracks else max(1e-12, 1e-3 * self.tracks["level"].sigma ** 2)

    def calibrate(self, *, short: bool = False) -> bool:
        """Ends learning, if enough was seen. Deterministic: the bootstrap's seed is the stream's name. `short`: an hour
        is enough for a provisional baseline."""
        if (self.watching and not self.short) or self.open:
            return False
        whole = len(self.learnt) >= LEAST_BLOCKS and len({b // PER_DAY for b, *_ in self.learnt}) >= 2
        if not whole and (self.watching or not short or len(self.learnt) < SHORT_LEAST):
            return False
        rows = np.array(self.learnt, dtype=np.float64)
        self.tracks = {}
        if bool((np.diff(rows[:, 1]) > 0).all()):
            self._counter(rows)
        elif whole:
            self._whole(rows)
        else:
            self._provisional(rows)
        if whole:
            self.learnt = []
        self.still_most = max(self.still_most, self.last_ts - self.same_since if self.last_ts else 0)
        return True

    def _counter(self, rows: Array) -> None:
        """What only ever grows is a clock or a count: its level says nothing, that it comes does."""
        if "rate" in self.measures:
            self.tracks["rate"] = provisional(np.sqrt(rows[:, 3]), least=RATE_SPREAD)

    def _provisional(self, rows: Array) -> None:
        inner = float(np.median(rows[:, 2]))
        level = provisional(rows[:, 1])
        self.tracks["level"] = provisional(rows[:, 1], math.sqrt(level.sd**2 + inner))
        if inner > 0 and "inner" in self.measures:
            self.tracks["inner"] = provisional(np.array([self._measures(tuple(row))[1] for row in rows]))
        if "rate" in self.measures:
            self.tracks["rate"] = provisional(np.sqrt(rows[:, 3]), least=RATE_SPREAD)

    def _whole(self, rows: Array) -> None:
        blocks = rows[:, 0].astype(np.int64)
        seed = int.from_bytes(blake2b(f"{self.model_id}\0{self.name}".encode(), digest_size=4).digest(), "big")
        arl = self.arl_days * 2 * len(self.measures)  # level and spread of each measure share the stream's budget
        inner = float(np.mean(rows[:, 2]))
        level = calibrate(blocks, rows[:, 1], arl, seed)
        level = calibrate(blocks, rows[:, 1], arl, seed, math.sqrt(level.sd**2 + inner))
        self.tracks["level"] = level
        if inner > 0 and "inner" in self.measures:
            measured = np.array([self._measures(tuple(row))[1] for row in rows])
            self.tracks["inner"] = calibrate(blocks, measured, arl, seed + 2)
        if "rate" in self.measures:
            self.tracks["rate"] = calibrate(blocks, np.sqrt(rows[:, 3]), arl, seed + 4)

    def relearn(self) -> None:
        """What is seen from now on is the new baseline: an analyst accepted it."""
        self.tracks, self.open, self.over, self.recent = {}, {}, {}, {}
        self.still_most = self.gap_most = 0

    def snapshot(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in ("tracks", "open", "over", "recent")}
        state["last_value"] = None if math.isnan(self.last_value) else self.last_value
        state["tracks"] = {name: track.snapshot() for name, track in self.tracks.items()}
        state["open"] = {name: episode.snapshot() for name, episode in self.open.items()}
        state["over"] = {name: episode.snapshot() for name, episode in self.over.items()}
        state["recent"] = {name: list(rests) for name, rests in self.recent.items()}
        return state

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Stream:
        made = cls(state["model_id"], state["name"], state["kind"], state["arl_days"])
        vars(made).update(state)
        made.last_value = math.nan if state["last_value"] is None else state["last_value"]
        made.measures = tuple(state["measures"])
        made.closed = [(block, mean) for block, mean in state["closed"]]
        made.learnt = [(block, mean, within, count) for block, mean, within, count in state["learnt"]]
        made.tracks = {name: Track.restored(kept) for name, kept in state["tracks"].items()}
        made.recent = {name: [(block, rest) for block, rest in rests] for name, rests in state["recent"].items()}
        made.open = {name: Episode.restored(kept) for name, kept in state["open"].items()}
        made.over = {name: Episode.restored(kept) for name, kept in state["over"].items()}
        for name, episode in made.open.items():
            if name in made.recent:
                episode.rests = made.recent[name]
        return made
