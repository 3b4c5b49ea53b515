"""What is evaluated: runs of captures with the events that happened in them. Times are nanoseconds of packet time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from detectors.changes import Change
from sensor.config import Config

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("DRIFTSPAN_CORPUS", ROOT.parent / "shared" / "corpus"))
SECOND = 10**9
DAY = 86400 * SECOND


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened between `start` and `end`.

    `expected`: kinds of alert that tell it, one is enough unless `every`; an event
    without any is not asked for, yet alerts of its time and hosts may be true. `also`: kinds that are true of it and do
    not count. `hosts`: addresses (16 bytes) of which an alert must name one; none: any.
    """

    name: str
    start: int
    end: int
    expected: frozenset[str]
    also: frozenset[str] = frozenset()
    every: bool = False
    hosts: frozenset[bytes] = frozenset()

    @property
    def detectors(self) -> list[str]:
        return sorted({kind.partition(".")[0] for kind in self.expected})


@dataclass(frozen=True, slots=True)
class Part:
    """A capture, played `shift` nanoseconds later than it was recorded."""

    capture: Path
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A capture and what happened in it. Up to `learn_until` it is clean and learnt from; `standing` kinds are true
    all the time; `silent` ones (kinds or detectors) must not come at any severity. `cause`: of the model's drift. `changes`: what was
    approved. `absent`: hosts of what was learnt that were not recorded here; nothing about them alone is judged. `until`:
    where the judging ends; 0: with the capture."""

    name: str
    part: Part
    events: tuple[Event, ...] = ()
    learn_until: int = 0
    standing: frozenset[str] = frozenset()
    silent: tuple[str, ...] = ()
    cause: str = ""
    changes: tuple[Change, ...] = ()
    absent: frozenset[bytes] = frozenset()
    until: int = 0


@dataclass(frozen=True, slots=True)
class DataSet:
    """Runs that share a configuration and clean captures, which are learnt from first, up to `learn_end`."""

    name: str
    config: Config
    learn: tuple[Part, ...]
    runs: tuple[Run, ...]
    learn_end: int = 0
    notes: tuple[str, ...] = ()


class NotThereError(Exception):
    """A data set that this machine does not have; the text says where it was looked for."""


def wanted(folder: Path, names: Iterable[str] = ()) -> Path:
    """The folder, if it and these files in it are there."""
    missing = [path for path in (folder, *(folder / name for name in names)) if not path.exists()]
    if missing:
        raise NotThereError(f"no {missing[0]}: set DRIFTSPAN_CORPUS to the folder of the public captures")
    return folder
