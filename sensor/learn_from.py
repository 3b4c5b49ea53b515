"""Learning from clean captures before others are judged. None of their rows are stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detectors import address
from parsers import CaptureError
from sensor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from detectors.pipeline import Pipeline
    from parsers import Engine, Window

MOST_TOLD = 5  # of what was not learnt, said one by one


@dataclass(slots=True)
class Learnt:
    """`known`: things each detector holds for normal. `notes`: what an analyst should know, the quarantine first."""

    counters: Counter[str] = field(default_factory=Counter)
    known: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        row: dict[str, object] = {name: self.counters[name] for name in ("packets", "bytes", "flows")}
        return row | {"known": sum(self.known.values()), "by_detector": self.known}


def learn_from(
    engine: Engine, pipeline: Pipeline, progress: Callable[[Counter[str], int], None] | None = None
) -> Learnt:
    """Everything in the captures is normal afterwards, but for what hosts brought at which a grave rule points."""
    learnt = Learnt()
    pipeline.begin_learning()
    while (window := _next(engine)) is not None:
        pipeline.observe(window.tables, window.start, window.end, window.last)
        learnt.counters.update(window.counters)
        if progress is not None:
            progress(learnt.counters, window.end)
    learning = pipeline.site.learning
    for entry in learning.quarantine[:MOST_TOLD]:
        what = entry["what"] or entry["detector"]
        host = address.text(bytes.fromhex(entry["host"]))
        learnt.notes.append(f"not learnt of {host}, because a grave alert points at it: {what}")
    if len(learning.quarantine) > MOST_TOLD:
        learnt.notes.append(f"not learnt for the same reason: {len(learning.quarantine) - MOST_TOLD} more things")
    pipeline.end_learning()
    learnt.warnings = engine.warnings()
    learnt.known = {
        name.removeprefix("known."): size for name, size in learning.sizes().items() if name.startswith("known.")
    }
    return learnt


def _next(engine: Engine) -> Window | None:
    try:
        return engine.next()
    except CaptureError as error:
        raise InputError(str(error)) from None
