"""Whether something that came steadily still comes: an interface, or a VLAN of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from detectors.base import SECOND

LEAST = 50  # packets from which on pauses say what is usual
RATE = 0.5  # packets a second on average that make something steady: machines that poll, not people


@dataclass(slots=True)
class Presence:
    """Times in nanoseconds. `longest`: pause that is known to be usual; `packets`: since it came or came back; `gone`:
    it is away for longer than it should be, which was `told` if it had been steady."""

    first: int = 0
    last: int = 0
    longest: int = 0
    packets: int = 0
    gone: bool = False
    told: bool = False

    def came(self, first: int, last: int, packets: int) -> None:
        pause = max(0, first - self.last) if self.packets else 0
        if not self.packets or self.gone:
            self.first, self.packets = first, 0  # what was gone has to be steady anew
        if not self.told:
            self.longest = max(self.longest, pause)  # it came back by itself: that is its way
        self.last, self.packets = last, self.packets + packets
        self.gone = self.told = False

    def patience(self, least: int, factor: float) -> int:
        """How long nothing may come before that is said."""
        return max(least, int(factor * self.longest))

    def steady(self, seconds: int) -> bool:
        stayed = self.last - self.first
        return stayed >= seconds and self.packets >= max(LEAST, RATE * stayed / SECOND)

    def snapshot(self) -> dict[str, Any]:
        return asdict(self)
