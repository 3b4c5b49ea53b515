"""One line on a terminal that says how far a replay is."""

from __future__ import annotations

import shutil
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

_EVERY = 0.2  # seconds
_WIDTH = 24  # characters of the bar
_SURE = 2.0  # seconds after which it is told how long the rest takes


class Progress:
    """`total`: bytes of all captures, 0 where that is not known; `taken` tells how many of them were read."""

    def __init__(self, total: int = 0, taken: Callable[[], int] = lambda: 0) -> None:
        self._total, self._taken = total, taken
        self._begun = time.monotonic()
        self._last = 0.0
        self._shown = False

    def __call__(self, counters: Counter[str], packet_time: int) -> None:
        now = time.monotonic()
        if now - self._last < _EVERY:
            return
        self._last, self._shown = now, True
        reached = datetime.fromtimestamp(packet_time / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
        told = f"{counters['packets']:,} packets, packet time {reached}"
        if self._total:
            told = f"{bar(self._taken(), self._total, now - self._begun)}  {told}"
        sys.stderr.write(f"\r\x1b[K{told[: shutil.get_terminal_size().columns - 1]}")
        sys.stderr.flush()

    def done(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def bar(done: int, total: int, seconds: float) -> str:
    """How much is done, and how long the rest takes at the same pace."""
    share = min(1.0, done / total)
    full = round(share * _WIDTH)
    left = seconds * (1 - share) / share if share > 0 else 0.0
    rest = f", {duration(left)} left" if seconds >= _SURE and share < 1 else ""
    return f"[{'#' * full}{'.' * (_WIDTH - full)}] {share:4.0%}{rest}"


def duration(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes:02} min" if hours else f"{minutes}:{whole % 60:02}"


def progress(total: int = 0, taken: Callable[[], int] = lambda: 0) -> Progress | None:
    """None where stderr is no terminal: logs are not for drawing on."""
    return Progress(total, taken) if sys.stderr.isatty() else None
