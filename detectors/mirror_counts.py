"""Counts of a mirror port in a period, by VLAN, and what share of them shows a fault of the mirror."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTED = ("packets", "duplicates", "cut_packets", "oversized", "unseen_bytes", "tcp_bytes", "tcp_flows", "one_sided",
           "dropped")  # fmt: skip
_TIMES = " times"  # rows that showed some of a part
WHOLE = -1  # in place of a VLAN: all of the interface


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole that is a fault where it is too large."""

    kind: str
    part: str
    whole: tuple[str, ...]
    says: str


SHARES = (
    Share("loss", "unseen_bytes", ("unseen_bytes", "tcp_bytes"), "of what TCP carried was acknowledged and never seen"),
    Share("dropped", "dropped", ("dropped", "packets"), "of the packets found no room in the kernel's ring"),
    Share("duplicates", "duplicates", ("packets",), "of the packets came twice"),
    Share("truncated", "cut_packets", ("packets",), "of the packets were cut"),
    Share("oversized", "oversized", ("packets",), "of the packets are longer than any frame on the wire"),
    Share("one_sided", "one_sided", ("tcp_flows",), "of the TCP connections showed one side only"),
)  # fmt: skip


@dataclass(slots=True)
class Counts:
    """Of one VLAN, or of all, since the period began; `told`: what alerts have counted of each part."""

    sums: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)

    def percent(self, share: Share) -> float:
        whole = sum(self.sums[name] for name in share.whole)
        return 100 * self.sums[share.part] / whole if whole else 0.0

    def news(self, share: Share) -> int:
        """The part that no alert has counted yet, which it has from now on."""
        fresh = self.sums[share.part] - self.told[share.part]
        self.told[share.part] += fresh
        return fresh


class Period:
    """`begun`: packet time. At most `limit` VLANs; further ones count for the whole alone."""

    def __init__(self, begun: int, limit: int) -> None:
        self.begun, self._limit = begun, limit
        self.counts: dict[int, Counts] = {WHOLE: Counts()}

    def add(self, vlan: int, counted: dict[str, int]) -> None:
        row = counted | {share.part + _TIMES: 1 for share in SHARES if counted[share.part]}
        self.counts[WHOLE].sums.update(row)
        if vlan in self.counts or len(self.counts) <= self._limit:
            self.counts.setdefault(vlan, Counts()).sums.update(row)

    def over(self, share: Share, percent: float, least: float, times: int = 1) -> Iterator[tuple[int, float]]:
        """Where the share is too large, and was above nought so many times: VLAN (or all) and per cent."""
        for vlan, counts in sorted(self.counts.items()):
            often = counts.sums[share.part + _TIMES] >= times
            if often and counts.sums[share.part] >= max(1, least) and counts.percent(share) >= percent:
                yield vlan, counts.percent(share)

    def snapshot(self) -> dict[str, Any]:
        counts = {str(vlan): [dict(of.sums), dict(of.told)] for vlan, of in self.counts.items()}
        return {"begun": self.begun, "counts": counts}

    def restore(self, state: dict[str, Any]) -> None:
        self.begun = state["begun"]
        self.counts = {int(v): Counts(Counter(sums), Counter(told)) for v, (sums, told) in state["counts"].items()}
