"""How much happened by key within a sliding period, and the most a period held while that was learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = 4096  # followed at a time; what is added beyond is counted as overflow
MOST = 1 << 14  # keys whose learnt most is kept; the one learnt longest ago leaves


class Rates:
    """Keys are bytes. Whatever is added within a window is summed, in any order and any number of parts."""

    def __init__(self) -> None:
        self._now: dict[bytes, int] = {}
        self._recent: dict[bytes, list[list[int]]] = {}  # of each key: [end of the window, amount]
        self._most: dict[bytes, int] = {}
        self.overflow = 0
        self.grew = False  # whether the last window taught a greater most

    def __len__(self) -> int:
        return max(len(self._now), len(self._recent))

    def add(self, key: bytes, amount: int) -> None:
        if key not in self._now and len(self._now) >= KEYS:
            self.overflow += amount
            return
        self._now[key] = self._now.get(key, 0) + amount

    def most(self, key: bytes) -> int:
        """The most that was learnt of a period; 0: nothing."""
        return self._most.get(key, 0)

    def close(self, end: int, period: int, live: Callable[[bytes], bool]) -> dict[bytes, int]:
        """The window is over: of each key that grew in it, the total of the period. A key that is not live is learnt,
        and not told."""
        self.grew = False
        full = len(self._now) + len(self._recent) > KEYS  # then the order decides which are followed
        for key, amount in sorted(self._now.items()) if full else self._now.items():
            if key in self._recent or len(self._recent) < KEYS:
                self._recent.setdefault(key, []).append([end, amount])
            else:
                self.overflow += amount
        totals = {}
        for key in list(self._recent):
            kept = [entry for entry in self._recent[key] if entry[0] > end - period]
            if not kept:
                del self._recent[key]
                continue
            self._recent[key] = kept
            if key not in self._now:
                continue
            total = sum(amount for _, amount in kept)
            if live(key):
                totals[key] = total
            else:
                self._learn(key, total)
        self._now.clear()
        return totals

    def _learn(self, key: bytes, total: int) -> None:
        before = self._most.pop(key, 0)
        if len(self._most) >= MOST:
            del self._most[next(iter(self._most))]
        self.grew = self.grew or total > before
        self._most[key] = max(before, total)

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        recent = [[key.hex(), entries] for key, entries in self._recent.items()]
        return {"recent": recent, "most": [[k.hex(), n] for k, n in self._most.items()], "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        self._recent = {bytes.fromhex(key): [list(entry) for entry in entries] for key, entries in state["recent"]}
        self._most = {bytes.fromhex(key): most for key, most in state["most"]}
        self.overflow = state["overflow"]
