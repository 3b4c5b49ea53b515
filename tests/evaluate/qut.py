"""QUT DNP3 test bed: packets per 10 s window by protocol at two ports, twelve days with labelled attack runs.

There are no packets here, so what is measured is a model of counts alone: learnt on `clean_1`, calibrated on `clean_2`,
judged on the twelve days. A model gives one truth value a window; see `score`.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.evaluate.data import CORPUS, NotThereError

FOLDER = CORPUS / "labelled" / "qut_dnp3_counts"
LEARN, CALIBRATE = "clean_1", "clean_2"
WINDOW = 10  # seconds
GRACE = 1  # windows after an attack in which an alarm still counts for it, and after which it does not
Features = dict[str, float]


@dataclass(frozen=True, slots=True)
class Attack:
    """A run of an attack; seconds since the day's first window."""

    start: float
    end: float
    kind: str

    @property
    def windows(self) -> range:
        """Those it touches, and those in which its effect may still show."""
        return range(int(self.start // WINDOW), int(self.end // WINDOW) + 1 + GRACE)


def days() -> list[str]:
    """The labelled days, without the two clean ones."""
    if not FOLDER.is_dir():
        raise NotThereError(f"no {FOLDER}: set DRIFTSPAN_CORPUS to the folder of the public captures")
    return sorted(path.name.removesuffix(".labels.tsv") for path in FOLDER.glob("*.labels.tsv"))


def windows(day: str) -> Iterator[tuple[int, Features]]:
    """Number of the window and its features: the counts of both ports, and how far the two ports and the two layers
    differ (what one end sends and the other never sees is what a man in the middle looks like)."""
    with gzip.open(FOLDER / f"{day}.csv.gz", "rt") as rows:
        for row in csv.DictReader(rows):
            counts = {name: float(value) for name, value in row.items() if name != "window_start_s"}
            counts["dnp3_between"] = counts["master_dnp3"] - counts["slave_dnp3"]
            counts["tcp_between"] = counts["master_tcp"] - counts["slave_tcp"]
            counts["bare_tcp"] = counts["master_tcp"] - counts["master_dnp3"]
            yield int(row["window_start_s"]) // WINDOW, counts


@cache
def events(day: str) -> tuple[Attack, ...]:
    path: Path = FOLDER / f"{day}.labels.tsv"
    if not path.exists():
        return ()
    with path.open() as rows:
        return tuple(
            Attack(float(row["start_s"]), float(row["end_s"]), row["attack"])
            for row in csv.DictReader(rows, delimiter="\t")
        )


@dataclass(slots=True)
class Score:
    """`false` counts episodes: alarms with less than `gap` windows between them are one."""

    events: int = 0
    hit: int = 0
    true: int = 0
    false: int = 0
    windows: int = 0
    delays: tuple[float, ...] = ()

    @property
    def days(self) -> float:
        return self.windows * WINDOW / 86400

    def add(self, day: str, alarms: Sequence[int], gap: int = 30) -> None:
        """`alarms`: numbers of the windows in which the model raised one, rising."""
        touched = {n for attack in events(day) for n in attack.windows}
        alarmed = set(alarms)
        for attack in events(day):
            inside = sorted(alarmed & set(attack.windows))
            self.events += 1
            self.hit += bool(inside)
            if inside:
                self.delays += ((inside[0] + 1) * WINDOW - attack.start,)
        self.true += episodes([n for n in alarms if n in touched], gap)
        self.false += episodes([n for n in alarms if n not in touched], gap)


def episodes(alarms: Sequence[int], gap: int) -> int:
    return sum(1 for before, now in zip([-(10**9), *alarms], alarms, strict=False) if now - before > gap)


def score(model: Callable[[str], Sequence[bool]], chosen: Sequence[str] = ()) -> Score:
    """All days through a model that has learnt: `model(day)` says for each window of the day whether it alarms."""
    total = Score()
    for day in chosen or days():
        said = model(day)
        total.windows += len(said)
        total.add(day, [n for n, alarm in enumerate(said) if alarm])
    return total
