"""Evidence of a live run: the ring that the engine fills, and the slices cut out of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from parsers import Recorder
from sensor.case_name import LIVE
from sensor.evidence import SUFFIX
from sensor.evidence.collector import Collector
from sensor.evidence.shelf import RING, Shelf
from sensor.evidence.sources import Ring

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from detectors.pipeline import Pipeline
    from parsers import Engine
    from sensor.evidence_config import EvidenceSection

_TOLD = ("lost", "failures")  # counters of the ring that say what went wrong
_MIB = 1 << 20


class Keeping:
    """`where`: the store. A directory that cannot be used is said, and tried again with every slice; capture goes on
    whatever happens here."""

    def __init__(self, where: str, settings: EvidenceSection, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._shelf = Shelf(root_of(where, settings), LIVE)
        ring = self._shelf.root / RING
        try:
            self._shelf.open()
            ring.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            say(f"{self._shelf.root}: evidence cannot be kept there: {error.strerror}; listening goes on")
        self.recorder = Recorder(
            memory=settings.memory_mib * _MIB,
            folder=ring if settings.ring_mib else None,
            disk=settings.ring_mib * _MIB,
            age_seconds=settings.ring_minutes * 60,
        )
        self._collector: Collector | None = None
        self._ring_before: Counter[str] = Counter()
        self._totals: Counter[str] = Counter()

    def begin(self, engine: Engine, spared: Callable[[], Container[str]]) -> Collector:
        source = Ring(self.recorder, engine)
        self._collector = Collector(source, self._shelf, self._settings, self._say, spared)
        return self._collector

    def counts(self) -> dict[str, int]:
        """What happened since this was asked last."""
        told = self.recorder.told()
        if told is not None:
            self._say(told)
        ring = Counter({f"evidence.ring_{name}": self.recorder.counters()[name] for name in _TOLD})
        counted = dict(ring - self._ring_before) | (self._collector.counted() if self._collector else {})
        self._ring_before = ring
        self._totals.update(counted)
        return counted

    def state(self) -> dict[str, int]:
        """For the status: what is held, and what happened since the beginning."""
        held = self.recorder.counters()
        return {name: held[name] for name in ("memory_bytes", "disk_bytes")} | dict(self._totals)

    def end(self) -> None:
        """The ring is of this run only."""
        self.recorder.clear()


def root_of(where: str, settings: EvidenceSection) -> Path:
    """The directory of slices: the configuration's, else the store's name with `-evidence`."""
    return Path(settings.path or f"{local(where)}{SUFFIX}")


def local(where: str) -> str:
    """The part of a store's name that a directory beside it is called by: of one on a server, the database's."""
    return "driftspan" if "://" in where else where.rstrip("/")


def in_incidents(pipeline: Pipeline) -> frozenset[str]:
    """Alerts of incidents that are not over."""
    return frozenset(i for made in pipeline.insight.incidents if made.status == "open" for i in made.alert_ids)
