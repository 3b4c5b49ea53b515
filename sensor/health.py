"""Counters of the packet path, a row a minute of packet time and counter."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_MINUTE = 60 * 10**9


class Health:
    def __init__(self) -> None:
        self._minute = 0
        self._counters: Counter[str] = Counter()

    def add(self, start: int, counters: Mapping[str, int]) -> list[dict[str, object]]:
        """Counts a window; gives the rows of the minute before when a new one begins."""
        minute = start - start % _MINUTE
        rows = self.rest() if minute != self._minute else []
        self._minute = minute
        self._counters.update(counters)
        return rows

    def rest(self) -> list[dict[str, object]]:
        """The rows of the minute so far, which is then over."""
        rows: list[dict[str, object]] = [
            {"ts": self._minute, "counter": name, "value": value}
            for name, value in sorted(self._counters.items())
            if value
        ]
        self._counters.clear()
        return rows

    def snapshot(self) -> list[object]:
        return [self._minute, dict(self._counters)]

    def restore(self, state: list[Any]) -> None:
        self._minute, counters = state
        self._counters = Counter(counters)
