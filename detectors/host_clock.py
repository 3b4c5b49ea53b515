"""By how much a host's clock is ahead of the wire's, told by values that both show."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from typing import Any

EVENTS = 512  # of each side, the latest
PARTNERS = 16  # of one event: the nearest in time; a value that repeats has many
LEAST = 3  # events that must agree
_SHARE = 0.5  # of the events that have a partner at all
_AS_GOOD = 0.9  # of the best support: of offsets that fit nearly as well the smallest is taken


class HostClock:
    """`search`: the largest offset looked for; `width`: how far apart offsets of one clock may be. Nanoseconds."""

    def __init__(self, search: int, width: int) -> None:
        self._search, self._width = search, width
        self._wire: deque[tuple[int, str]] = deque(maxlen=EVENTS)
        self._host: deque[tuple[int, str]] = deque(maxlen=EVENTS)
        self.offset: int | None = None  # None: not known yet
        self.support = 0

    def wire(self, ts: int, key: str) -> None:
        self._wire.append((ts, key))

    def host(self, ts: int, key: str) -> None:
        self._host.append((ts, key))

    def estimate(self) -> int | None:
        """The offset (host minus wire) that most events agree on, or what was known before."""
        found = self._differences()
        partnered = len({event for _, event in found})
        if partnered >= LEAST:
            support, offset = self._densest(found)
            if support >= max(LEAST, _SHARE * partnered):
                self.offset, self.support = offset, support
        return self.offset

    def _differences(self) -> list[tuple[int, int]]:
        """(host minus wire, number of the wire's event) of events that show the same value."""
        by_key: dict[str, list[int]] = {}
        for ts, key in sorted(self._host):
            by_key.setdefault(key, []).append(ts)
        found = []
        for event, (ts, key) in enumerate(self._wire):
            times = by_key.get(key, [])
            low, high = bisect_left(times, ts - self._search), bisect_right(times, ts + self._search)
            near = sorted(times[low:high], key=lambda other: (abs(other - ts), other))[:PARTNERS]
            found += [(other - ts, event) for other in near]
        return sorted(found)

    def _densest(self, found: list[tuple[int, int]]) -> tuple[int, int]:
        """Support and middle of the stretch of `width` in which most events have a difference; of those nearly as
        good, as values that repeat make them, the one nearest to zero."""
        stretches = []
        counted: dict[int, int] = {}
        low = 0
        for high, (difference, event) in enumerate(found):
            counted[event] = counted.get(event, 0) + 1
            while found[low][0] < difference - self._width:
                gone = found[low][1]
                counted[gone] -= 1
                if not counted[gone]:
                    del counted[gone]
                low += 1
            middle = found[(low + high) // 2][0]
            stretches.append((len(counted), middle))
        best = max(support for support, _ in stretches)
        good = [(abs(middle), -support, middle) for support, middle in stretches if support >= _AS_GOOD * best]
        _, support, middle = min(good)
        return -support, middle

    def snapshot(self) -> dict[str, Any]:
        return {
            "wire": [list(event) for event in self._wire],
            "host": [list(event) for event in self._host],
            "offset": self.offset,
            "support": self.support,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._wire = deque(((ts, key) for ts, key in state["wire"]), maxlen=EVENTS)
        self._host = deque(((ts, key) for ts, key in state["host"]), maxlen=EVENTS)
        self.offset, self.support = state["offset"], state["support"]
