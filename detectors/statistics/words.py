"""What a model knows, in an analyst's words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from detectors import address
from detectors.statistics.hashing import hash64
from detectors.window import number

if TYPE_CHECKING:
    from detectors.behaviours import Behaviour


def behaviour(b: Behaviour) -> str:
    """What is done, without by whom: `unit 3 read_holding_registers holding_register 0-9`."""
    unit = f"unit {b.unit}" if b.unit else ""
    return " ".join(part for part in (unit, b.operation, b.object) if part)


def conversation(client: bytes, server: bytes, protocol: str) -> str:
    return f"{address.text(client)} with {address.text(server)} by {protocol}"


@lru_cache(maxsize=1 << 16)
def key(client: bytes, server: bytes, protocol: str) -> int:
    """Of a conversation, as `Conversations` numbers it."""
    ends = [np.frombuffer(end, dtype=np.uint8)[None, :] for end in (client, server)]
    return int(hash64(np.array([number(protocol)]), *ends)[0])


def span(seconds: float) -> str:
    """A duration in its natural unit."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def rare(count: int, total: int) -> str:
    """How often something was seen among what was learnt."""
    if not count:
        return f"never in {total} windows learnt"
    return f"{count} times in {total} windows learnt (1 in {round(total / count)})"


@dataclass(frozen=True, slots=True)
class Amount:
    """A feature of a window of `window` seconds, averaged over `seconds`, against the range learnt."""

    feature: str
    window: float
    seconds: float
    seen: float
    low: float
    high: float
    count: int
    total: int

    def text(self) -> str:
        over = "" if self.seconds <= self.window else f", on average over {span(self.seconds)}"
        usual = f"{self.low:.4g}" if self.low == self.high else f"{self.low:.4g} to {self.high:.4g}"
        return (
            f"{self.seen:.6g} {self.feature} in {span(self.window)}{over}, where {usual} are usual;"
            f" an amount like that was seen {rare(self.count, self.total)}"
        )

    def facts(self) -> dict[str, object]:
        return {
            "feature": self.feature, "seen": round(self.seen, 6), "expected_low": round(self.low, 6),
            "expected_high": round(self.high, 6), "seconds": self.seconds, "seen_like_it": self.count,
            "windows_learned": self.total,
        }  # fmt: skip
