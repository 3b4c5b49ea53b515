"""One line on a terminal that says how far a replay is."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter

_EVERY = 0.2  # seconds


class Progress:
    def __init__(self) -> None:
        self._last = 0.0
        self._shown = False

    def __call__(self, counters: Counter[str], packet_time: int) -> None:
        now = time.monotonic()
        if now - self._last < _EVERY:
            return
        self._last, self._shown = now, True
        reached = datetime.fromtimestamp(packet_time / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
        sys.stderr.write(f"\r\x1b[K{counters['packets']:,} packets, packet time {reached}")
        sys.stderr.flush()

    def done(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def progress() -> Progress | None:
    """None where stderr is no terminal: logs are not for drawing on."""
    return Progress() if sys.stderr.isatty() else None
