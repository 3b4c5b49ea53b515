"""Whether the sensor has seen without a break: gaps and steps across one tell nothing of the plant."""

from __future__ import annotations

BLIND = 120 * 10**9  # nanoseconds without a packet from anybody


class Continuity:
    """`latest`: packet time seen last; 0: none yet."""

    def __init__(self, latest: int = 0) -> None:
        self.latest = latest

    def broken(self, start: int, end: int) -> bool:
        """A window follows. True if there was nothing for long before it, or if time went back: another capture."""
        broken = bool(self.latest) and (start - self.latest > BLIND or end <= self.latest)
        self.latest = end
        return broken
