"""All streams of all models: readings in, drift alerts out. Bounded, deterministic, restorable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.drift.mix import Mix
from detectors.drift.profile import BLOCK, PER_DAY
from detectors.drift.relation import Relation
from detectors.drift.rows import DriftAlert, Output, Reading, readings
from detectors.drift.stream import Stream
from detectors.drift.words import of_mix, of_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.drift.episode import Episode

STREAMS = 1024  # of numbers; the one that spoke longest ago leaves
MIXES = 256
RELATIONS = 256
PENDING = 1 << 20  # readings of one window
LEAP = 3600 * 10**9  # windows further apart are not one stretch of time: the sensor did not look
WHOLE = 2.0  # days below which learning gives a provisional baseline
_EDGE = 1e-3  # a probability nearer to 0 or 1 counts as this near


@dataclass(frozen=True, slots=True)
class Settings:
    """`learn_days`: of a stream, before it is watched; less than two give a provisional baseline. `arl_days`: days
    between two false alarms of one stream that its thresholds are set for (before the margin, see `cusum`)."""

    learn_days: float = 7.0
    arl_days: float = 30.0


class Monitor:
    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._streams: dict[tuple[str, str], Stream] = {}
        self._mixes: dict[tuple[str, str], Mix] = {}
        self._relations: dict[tuple[str, str], Relation] = {}
        self._held: dict[tuple[str, str], float] = {}  # last block mean of an input
        self._pending: list[Reading] = []
        self._started: dict[tuple[str, str], int] = {}
        self._block = -1
        self._now = 0
        self.evicted = 0
        self.overflow = 0
        self.unreadable = 0  # numbers that are none

    def outputs(self, rows: Iterable[Output]) -> None:
        """Outputs of the window under way, in any order."""
        for row in rows:
            self.read(readings(row))

    def read(self, rows: Iterable[Reading]) -> None:
        """Readings of the window under way, in any order; `observe` judges them when the window is whole."""
        for row in rows:
            if len(self._pending) >= PENDING:
                self.overflow += 1
            elif isinstance(row.value, str) or math.isfinite(row.value):
                self._pending.append(row)
            else:
                self.unreadable += 1

    def observe(self, now: int, start: int = 0) -> list[DriftAlert]:
        """The window that ends at `now` (nanoseconds) is whole: new alerts and changed ones, in order. `start`: its
        beginning, by which a leap of time is told from a silence."""
        if start and self._now and not 0 <= start - self._now <= LEAP:
            self._restart()
        self._now = now
        numbers: dict[tuple[str, str], list[tuple[int, float]]] = {}
        alerts: list[DriftAlert] = []
        kinds: dict[tuple[str, str], str] = {}
        for row in sorted(self._pending, key=lambda r: (r.ts, r.model_id, r.stream, str(r.value))):
            key = (row.model_id, row.stream)
            if isinstance(row.value, str):
                mix = self._mix(key)
                alerts += [of_mix(mix, episode) for episode in mix.take(row.ts, row.value)]
            else:
                value = _logit(row.value) if row.kind == "confidence" and 0 <= row.value <= 1 else row.value
                numbers.setdefault(key, []).append((row.ts, value))
                kinds[key] = row.kind
        self._pending.clear()
        for key, given in numbers.items():
            stream = self._stream(key, kinds[key], given[0][0])
            times = np.array([ts for ts, _ in given], dtype=np.int64)
            alerts += self._told(stream, stream.take(times, np.array([v for _, v in given])), now)
        if now // BLOCK != self._block:
            self._block = now // BLOCK
            alerts += self._tick(now)
        last = {alert.drift_id: alert for alert in alerts}
        return sorted(last.values(), key=lambda a: (a.ts, a.model_id, a.stream, a.kind, a.drift_id))

    def _tick(self, now: int) -> list[DriftAlert]:
        """A block is over: silence is noticed, what was learnt long enough is calibrated, outputs meet their inputs."""
        alerts: list[DriftAlert] = []
        for key, stream in self._streams.items():
            alerts += self._told(stream, stream.tick(now), now)
            self._learnt(key, stream, now)
        for mix in self._mixes.values():
            alerts += [of_mix(mix, episode) for episode in mix.tick(now)]
            if not mix.watching and len(mix.learnt) >= self.settings.learn_days * 24:
                mix.calibrate()
        return alerts + self._relate(now)

    def _learnt(self, key: tuple[str, str], stream: Stream, now: int) -> None:
        learnt = now - self._started.setdefault(key, now)
        if (not stream.watching or stream.short) and learnt >= self.settings.learn_days * PER_DAY * BLOCK:
            stream.calibrate(short=self.settings.learn_days < WHOLE)

    def _restart(self) -> None:
        """Packet time leapt, as between a capture that was learnt and the one that is judged."""
        self._block = -1
        self._started, self._held = {}, {}
        for stream in self._streams.values():
            stream.restart()
        for mix in self._mixes.values():
            mix.restart()

    def end_learning(self) -> None:
        """Whatever was seen is the baseline: a whole one, or a provisional one, as far as it is enough for either."""
        for stream in self._streams.values():
            stream.calibrate(short=True)
        for mix in self._mixes.values():
            mix.calibrate()
        for relation in self._relations.values():
            relation.calibrate()

    def accept(self, model_id: str, stream: str) -> bool:
        """An analyst says that what the stream does now is normal: it is learnt anew. False: there is none."""
        known = self._streams.get((model_id, stream))
        if known is None:
            return False
        known.relearn()
        self._started[model_id, stream] = known.last_ts
        return True

    def _told(self, stream: Stream, episodes: list[Episode], now: int) -> list[DriftAlert]:
        return [of_stream(stream, episode, now) for episode in episodes]

    def _relate(self, now: int) -> list[DriftAlert]:
        """Blocks that are over, outputs beside the inputs of their model."""
        alerts: list[DriftAlert] = []
        models: dict[str, dict[int, dict[str, float]]] = {}
        for (model, name), stream in self._streams.items():
            for block, mean in stream.closed:
                models.setdefault(model, {}).setdefault(block, {})[name] = mean
            stream.closed = []
        for model, blocks in sorted(models.items()):
            for block, means in sorted(blocks.items()):
                alerts += self._relate_block(model, block, means, now)
        for key, relation in self._relations.items():
            source = self._streams.get(key)
            if source is not None and source.watching and not relation.weights and relation.learnt:
                relation.calibrate()
                relation.learnt = []  # too little explained, or done
        return alerts

    def _relate_block(self, model: str, block: int, means: dict[str, float], now: int) -> list[DriftAlert]:
        alerts: list[DriftAlert] = []
        outputs = []
        for name, mean in means.items():
            if self._streams[model, name].kind == "input":
                self._held[model, name] = mean
            else:
                outputs.append(name)
        inputs = {name: mean for (of, name), mean in self._held.items() if of == model}
        for name in sorted(outputs):
            if not inputs or ((model, name) not in self._relations and len(self._relations) >= RELATIONS):
                continue
            relation = self._relations.setdefault((model, name), Relation(model, name, self.settings.arl_days))
            still = "frozen" in self._streams[model, name].open  # said already, and no relation is left
            if (relation.watching or not self._streams[model, name].watching) and not still:
                alerts += self._told(relation.stream, relation.row(block, means[name], inputs), now)
        return alerts

    def _stream(self, key: tuple[str, str], kind: str, ts: int) -> Stream:
        found = self._streams.get(key)
        if found is None:
            if len(self._streams) >= STREAMS:
                oldest = min(self._streams, key=lambda k: (self._streams[k].last_ts, k))
                for held in (self._streams, self._relations, self._held, self._started):
                    held.pop(oldest, None)
                self.evicted += 1
            found = self._streams[key] = Stream(*key, kind, self.settings.arl_days, leads=self._leads(*key))
            self._started[key] = ts
        return found

    def _leads(self, model: str, name: str) -> bool:
        """Whether it is the first stream of its message (`topic#value`) that came."""
        topic, mark, _ = name.partition("#")
        return not mark or not any(m == model and n.startswith(f"{topic}#") for m, n in self._streams)

    def _mix(self, key: tuple[str, str]) -> Mix:
        if key not in self._mixes:
            if len(self._mixes) >= MIXES:
                oldest = min(self._mixes, key=lambda k: (self._mixes[k].last_ts, k))
                del self._mixes[oldest]
                self.evicted += 1
            self._mixes[key] = Mix(*key, self.settings.arl_days)
        return self._mixes[key]

    def alive(self) -> list[str]:
        """Inputs whose value moves all the time; a constant or a clock is physically linked to nothing."""
        return sorted({name for (_, name), s in self._streams.items() if s.kind == "input" and "inner" in s.tracks})

    def watched(self, model_id: str) -> set[str]:
        """`relation`, where it would be seen that the model's outputs no longer follow its inputs."""
        seen = any(relation.watching for (model, _), relation in self._relations.items() if model == model_id)
        return {"relation"} if seen else set()

    def notes(self) -> list[str]:
        """What an analyst should know: streams still learning, models whose inputs explain little."""
        young = sorted(f"{model} {name}" for (model, name), s in self._streams.items() if not s.watching)
        days = f"{self.settings.learn_days:g} days, or what a clean capture teaches"
        told = [f"drift: {len(young)} streams are still learning ({days}), {young[0]} among them"] if young else []
        short = sum(stream.short for stream in self._streams.values())
        if short:
            told.append(f"drift: {short} streams are watched against less than two days of learning")
        for (model, name), relation in sorted(self._relations.items()):
            if relation.r2 and not relation.weights:
                told.append(
                    f"{model}: what is seen of its inputs explains {max(0.0, relation.r2):.0%} of {name}, too little"
                )
        return told

    def counters(self) -> dict[str, int]:
        sizes = {"streams": len(self._streams), "mixes": len(self._mixes), "relations": len(self._relations)}
        late = sum(stream.late for stream in self._streams.values())
        lost = {"evicted": self.evicted, "overflow": self.overflow, "late": late, "unreadable": self.unreadable}
        return sizes | lost

    def snapshot(self) -> dict[str, Any]:
        """Between two windows, as JSON can carry it."""
        return {
            "streams": [stream.snapshot() for stream in self._streams.values()],
            "mixes": [mix.snapshot() for mix in self._mixes.values()],
            "relations": [relation.snapshot() for relation in self._relations.values()],
            "held": [[model, name, mean] for (model, name), mean in self._held.items()],
            "started": [[model, name, ts] for (model, name), ts in self._started.items()],
            "lost": [self.evicted, self.overflow, self.unreadable, self._block, self._now],
        }

    def restore(self, state: dict[str, Any], models: set[str] | None = None) -> None:
        """`models`: those there are; what was learnt of others is left, as it will not be heard of again."""

        def kept(name: str) -> list[Any]:
            return [one for one in state[name] if models is None or one["model_id"] in models]

        self._streams = {(s.model_id, s.name): s for s in map(Stream.restored, kept("streams"))}
        self._mixes = {(m.model_id, m.name): m for m in map(Mix.restored, kept("mixes"))}
        self._relations = {(r.model_id, r.output): r for r in map(Relation.restored, kept("relations"))}
        self._held = {(model, name): mean for model, name, mean in state["held"]}
        self._started = {(model, name): ts for model, name, ts in state["started"]}
        self.evicted, self.overflow, self.unreadable, self._block, self._now = state["lost"]
        self._pending = []


def _logit(p: float) -> float:
    held = min(1 - _EDGE, max(_EDGE, p))
    return math.log(held / (1 - held))
