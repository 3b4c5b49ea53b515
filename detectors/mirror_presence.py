"""Whether something that came steadily still comes: an interface, or a VLAN of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

LEAST = 50  # packets from which on pauses say what is usual


@dataclass(slots=True)
class Presence:
    """Times in nanoseconds. `longest`: pause that is known to be usual; `gone`: its absence has been told."""

    first: int = 0
    last: int = 0
    longest: int = 0
    packets: int = 0
    gone: bool = False

    def came(self, first: int, last: int, packets: int) -> int:
        """Packets came; gives the pause before them, 0 if it was none or time went back."""
        pause = max(0, first - self.last) if self.packets else 0
        if not self.packets or self.gone:
            self.first = first  # what was gone has to be steady anew
        self.last, self.packets = last, self.packets + packets
        return pause

    def usual(self, pause: int) -> None:
        self.longest = max(self.longest, pause)

    def patience(self, least: int, factor: float) -> int:
        """How long nothing may come before that is said."""
        return max(least, int(factor * self.longest))

    def steady(self, seconds: int) -> bool:
        return self.packets >= LEAST and self.last - self.first >= seconds

    def snapshot(self) -> dict[str, Any]:
        return asdict(self)
