"""Hosts that were regular and are not heard any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = 1 << 14
_NEVER = 2**63 - 1


@dataclass(slots=True)
class _Heard:
    """Times in nanoseconds."""

    last: int
    longest: int = 0
    windows: int = 0
    gone: bool = False


class Silence:
    """`times` its longest silence, and at least `least` nanoseconds, make a host missed that was heard in `windows`."""

    def __init__(self, times: float, least: int, windows: int) -> None:
        self._times, self._least, self._windows = times, least, windows
        self._heard: dict[bytes, _Heard] = {}
        self._watched = 0  # end of the latest window
        self._due = _NEVER  # before that nobody can be missed

    def __len__(self) -> int:
        return len(self._heard)

    def begin(self, start: int, end: int) -> None:
        """A window. After a time in which the sensor saw nothing, everybody begins anew."""
        if self._watched and start - self._watched > self._least:
            self._heard.clear()
        self._watched = end

    def hear(self, ip: bytes, last: int) -> bool:
        """False if there is no room for one more host."""
        heard = self._heard.get(ip)
        if heard is None:
            if len(self._heard) >= HOSTS:
                return False
            heard = self._heard[ip] = _Heard(last)
        if not heard.gone:
            heard.longest = max(heard.longest, last - heard.last)
        heard.windows += 1
        heard.last, heard.gone = max(heard.last, last), False
        self._due = min(self._due, self._deadline(heard))
        return True

    def missed(self, now: int) -> Iterator[tuple[bytes, int, int]]:
        """Hosts missed since now, each once: for how long, and their longest silence before."""
        if now < self._due:
            return
        self._due = _NEVER
        for ip, heard in sorted(self._heard.items()):
            if heard.gone:
                continue
            if heard.windows >= self._windows and now >= self._deadline(heard):
                heard.gone = True
                yield ip, now - heard.last, heard.longest
            else:
                self._due = min(self._due, max(now + 1, self._deadline(heard)))

    def _deadline(self, heard: _Heard) -> int:
        return heard.last + max(int(self._times * heard.longest), self._least)

    def snapshot(self) -> dict[str, Any]:
        heard = {ip.hex(): [h.last, h.longest, h.windows, h.gone] for ip, h in self._heard.items()}
        return {"heard": heard, "watched": self._watched, "due": self._due}

    def restore(self, state: dict[str, Any]) -> None:
        self._heard = {bytes.fromhex(ip): _Heard(*kept) for ip, kept in state["heard"].items()}
        self._watched, self._due = state["watched"], state["due"]
