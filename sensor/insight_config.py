"""`[drift]` and `[context]`: how drift of models is watched, and what the site knows of who works when."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import address
from sensor.config_read import Reader  # noqa: TC001  beside what reads it

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.insight import Settings

_LONGEST = 366.0  # days
_DAY = 24  # hours


@dataclass(frozen=True, slots=True)
class DriftSection:
    """`learn_days`: of a stream, before it is watched. `arl_days`: days between two false alarms of one stream that its
    thresholds are set for."""

    learn_days: float = 7.0
    arl_days: float = 30.0


@dataclass(frozen=True, slots=True)
class ContextSection:
    """`approved_sources`: addresses or networks whose work is wanted. `shift_begin`, `shift_end`: UTC hours of work; a
    shift over midnight has the greater first."""

    approved_sources: tuple[str, ...] = ()
    shift_begin: int = 6
    shift_end: int = 18


def check(reader: Reader, drift: DriftSection, context: ContextSection) -> None:
    for name in ("learn_days", "arl_days"):
        value = getattr(drift, name)
        if not (math.isfinite(value) and 0 < value <= _LONGEST):
            raise reader.error(("drift", name), f"{name} must be above 0 and at most {_LONGEST:g}")
    for name in ("shift_begin", "shift_end"):
        if not 0 <= getattr(context, name) <= _DAY:
            raise reader.error(("context", name), f"{name} must be an hour of the day (UTC), 0 to {_DAY}")
    for source in context.approved_sources:
        try:
            address.prefix(source)
        except ValueError:
            message = f"{source!r} is neither an address nor a network, as in 10.1.0.5 or 10.1.0.0/24"
            raise reader.error(("context", "approved_sources"), message) from None


def settings(drift: DriftSection, context: ContextSection, sources: Iterable[Any]) -> Settings:
    """`sources`: the `[[data_source]]` entries."""
    from detectors.drift.monitor import Settings as DriftSettings
    from detectors.insight import Settings

    return Settings(
        DriftSettings(drift.learn_days, drift.arl_days),
        context.approved_sources,
        (context.shift_begin, context.shift_end),
        tuple(sources),
    )
