"""`[evidence]`: which packets are kept, how many, where and how long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sensor.config_read import Reader

_MOST_SECONDS = 86_400.0
_SIZES = {"memory_mib": (1, 65_536), "ring_mib": (0, 1 << 30), "slice_mib": (1, 1024), "disk_mib": (1, 1 << 30)}
_TIMES = {"before_seconds": _MOST_SECONDS, "after_seconds": 3600.0, "ring_minutes": 525_600.0, "days": 36_600.0}


@dataclass(frozen=True, slots=True)
class EvidenceSection:
    """`memory_mib`, `ring_mib`, `ring_minutes`: of a live run's ring of raw packets, in memory, on disk and by age.
    `slice_mib`, `before_seconds`, `after_seconds`: of one alert's slice. `days`, `disk_mib`: how long slices are kept.
    `path`: of the directory; empty: the store's name with `-evidence`."""

    enabled: bool = True
    path: str = ""
    memory_mib: int = 64
    ring_mib: int = 1024
    ring_minutes: float = 60.0
    before_seconds: float = 60.0
    after_seconds: float = 10.0
    slice_mib: int = 8
    days: float = 90.0
    disk_mib: int = 4096


def check_evidence(reader: Reader, section: EvidenceSection) -> None:
    for name, (least, most) in _SIZES.items():
        if not least <= getattr(section, name) <= most:
            raise reader.error(("evidence", name), f"{name} must be between {least} and {most}")
    for name, longest in _TIMES.items():
        value = getattr(section, name)
        least_ = 0 if name.endswith("_seconds") else math.ulp(0.0)
        if not (math.isfinite(value) and least_ <= value <= longest):
            above = "not be negative" if least_ == 0 else "be above 0"
            raise reader.error(("evidence", name), f"{name} must {above} and at most {longest:g}")
