"""What the packet path makes of a trick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.evasion.tricks import BOTH, REPORTED, SEEN, Trick
from tests.golden import corpus

if TYPE_CHECKING:
    import pathlib

# What is told of any stream that was broken by somebody, or of a connection that the capture cuts.
ORDINARY = {"truncated", "resynchronised", "gap", "fragment_incomplete", "unsolicited_response", "trailing_bytes"}


@dataclass(frozen=True)
class Outcome:
    row: bool  # the attack is a row of its table
    also: bool  # an anomaly tells it as another reading
    kinds: tuple[str, ...]  # the oddities
    packets: int
    size: int

    @property
    def result(self) -> str:
        if self.also and not self.row:
            return BOTH
        if self.row:
            return SEEN
        return REPORTED if self.kinds else "silent"


def measure(trick: Trick, folder: pathlib.Path) -> Outcome:
    wire = trick.build()
    path = folder / f"{trick.name}.pcap"
    wire.write(path)
    rows = corpus.rows(path, limits={"anomalies_per_flow": 10_000})
    told = rows.get("anomalies", [])
    also = any(
        row["kind"] == "ambiguous_stream" and all(f"{fact} " in row["detail"] + " " for fact in trick.attack)
        for row in told
    )
    # The answer alone tells of a write as well; here the request must be read.
    asked = [row for row in rows.get(trick.table, []) if row.get("request_frame") != 0]
    row = any(all(shown(row, fact) for fact in trick.attack) for row in asked)
    kinds = tuple(sorted({row["kind"] for row in told} - ORDINARY))
    return Outcome(row, also, kinds, len(wire.records), path.stat().st_size)


def shown(row: dict[str, Any], fact: str) -> bool:
    column, _, wanted = fact.partition("=")
    value = row[column]
    return wanted == (f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value))
