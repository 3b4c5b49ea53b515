"""The sensor's own model of amounts on the counts of the QUT test bed: `python -m tests.evaluate.qut_model`.

The same `Layer` that judges conversations, with one stream and both directions of surprise, under the budget's own floor
and the margin that was fixed in advance. It learns both clean days and goes on learning what is usual on the others.

Two things about the days have to be known. On two of them the labels run from another start than the counts: the only
burst of ARP of the day, which is the attack `nmap`, lies 9,660 and 10,160 s after its label, on the other ten within
its window; `shift` moves them by that. And what an attack leaves behind, retransmissions and new connections, goes on
a window or two after its label: a model that says "still the same" is not wrong, so what is *raised* (a feature that
was quiet for five minutes) is told apart from what *alarms*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.budget import Budget
from detectors.statistics.layer import SCALES, Layer
from tests.evaluate import qut

LENGTH = qut.WINDOW * 10**9
STREAM = np.array([1], dtype=np.uint64)
GAP = 30  # windows of quiet after which a feature that stands out is news
BURST = 100  # packets of ARP in a window: a search of the whole network


@dataclass(frozen=True, slots=True)
class Said:
    """Of a day, for each window: whether it stands out, and whether that is news."""

    alarms: list[bool]
    raised: list[bool]


class Model:
    """`per_day`: the budget of false alarms."""

    def __init__(self, per_day: float = 1.0) -> None:
        self._budget = Budget(per_day)
        self._layer: Layer | None = None
        self._now = 0

    def learn(self, day: Iterable[tuple[int, qut.Features]]) -> None:
        for _, features in day:
            self._judge(features, live=False)

    def judge(self, day: Iterable[tuple[int, qut.Features]]) -> Said:
        """A day after what was learnt; the model is as before afterwards."""
        assert self._layer is not None
        state, now = self._layer.snapshot(), self._now
        said, last = Said([], []), np.full(self._layer.features, -GAP - 1)
        for number, features in day:
            over = self._judge(features, live=True)
            said.alarms.append(bool(over.any()))
            said.raised.append(bool((over & (number - last > GAP)).any()))
            last[over] = number
        self._layer.restore(state)
        self._now = now
        return said

    def _judge(self, features: qut.Features, *, live: bool) -> np.ndarray:
        x = np.array([list(features.values())])
        if self._layer is None:
            self._layer = Layer(x.shape[1])
        self._now += LENGTH
        self._layer.settle(STREAM[:0])
        rows, _, _ = self._layer.begin(STREAM, x, self._now)
        floor = self._budget.floor("baseline.traffic", x.shape[1] * len(SCALES), LENGTH)
        verdict = self._layer.judge(rows, x, floor=floor, margin=self._budget.margin, live=live)
        over: np.ndarray = verdict.over[0]
        return over


def learnt(per_day: float = 1.0) -> Model:
    model = Model(per_day)
    for day in (qut.LEARN, qut.CALIBRATE):
        model.learn(qut.windows(day))
    return model


def shift(day: str) -> int:
    """Windows by which the day's labels lie too early."""
    bursts = [number for number, counts in qut.windows(day) if counts["master_arp"] > BURST]
    told = next(int(attack.start // qut.WINDOW) for attack in qut.events(day) if attack.kind == "nmap")
    return 0 if not bursts or abs(bursts[0] - told) <= 1 else bursts[0] - told


def windows_of(attack: qut.Attack, moved: int) -> range:
    return range(attack.windows.start + moved, attack.windows.stop + moved)


@dataclass(slots=True)
class Result:
    """`false`: of what alarms, `news`: of what is raised, outside of all attacks; `begun`: alerts (alarms less than
    `GAP` windows apart) without any window in an attack; `worst`: of a day, by `news`."""

    events: int = 0
    hit: int = 0
    days: int = 0
    false: int = 0
    news: int = 0
    begun: int = 0
    worst: int = 0

    def text(self) -> str:
        return (
            f"events {self.hit}/{self.events} = {self.hit / max(1, self.events):.3f}; false a day: {self.news / self.days:.2f}"
            f" raised (worst day {self.worst}), {self.begun / self.days:.2f} alerts, {self.false / self.days:.2f} if an"
            " attack's tail counts as false"
        )


def score(model: Model, days: Sequence[str], *, moved: bool, kinds: dict[str, list[int]] | None = None) -> Result:
    result = Result()
    for day in days:
        said, by = model.judge(qut.windows(day)), shift(day) if moved else 0
        alarms = [n for n, alarm in enumerate(said.alarms) if alarm]
        touched = {n for attack in qut.events(day) for n in windows_of(attack, by)}
        for attack in qut.events(day):
            hit = bool(set(alarms) & set(windows_of(attack, by)))
            result.events, result.hit = result.events + 1, result.hit + hit
            if kinds is not None:
                told = kinds.setdefault(attack.kind, [0, 0])
                told[0], told[1] = told[0] + hit, told[1] + 1
        news = qut.episodes([n for n, new in enumerate(said.raised) if new and n not in touched], GAP)
        result.days += 1
        result.news += news
        result.worst = max(result.worst, news)
        result.false += qut.episodes([n for n in alarms if n not in touched], GAP)
        result.begun += sum(not touched & set(alert) for alert in alerts(alarms))
    return result


def alerts(alarms: Sequence[int]) -> list[list[int]]:
    grouped: list[list[int]] = []
    for n in alarms:
        if grouped and n - grouped[-1][-1] <= GAP:
            grouped[-1].append(n)
        else:
            grouped.append([n])
    return grouped


def main() -> None:
    for per_day in (0.5, 1.0, 4.0):
        model, kinds = learnt(per_day), dict[str, list[int]]()
        result = score(model, qut.days(), moved=True, kinds=kinds)
        print(f"budget {per_day:g} a day: {result.text()}")
        if per_day == 1.0:
            print(f"  labels as they are: {score(model, qut.days(), moved=False).text()}")
            missed = {kind: f"{hit}/{all_}" for kind, (hit, all_) in sorted(kinds.items()) if hit < all_}
            print(f"  kinds with misses, of {len(kinds)}: {missed}")


if __name__ == "__main__":
    main()
