"""What a question to a store may cost."""

from __future__ import annotations

import os
from dataclasses import dataclass

LONGEST = 600  # seconds


@dataclass(frozen=True, slots=True)
class Bounds:
    """`threads` 0: as many as the store would take."""

    seconds: int = LONGEST
    threads: int = 0

    def settings(self) -> dict[str, int]:
        return {"max_execution_time": self.seconds} | ({"max_threads": self.threads} if self.threads else {})


ANY = Bounds()


def beside_others(seconds: int) -> Bounds:
    """Of a question that must leave cores for those that come meanwhile."""
    return Bounds(seconds, max(1, (os.cpu_count() or 1) // 2))
