"""docs/evasion.md: the tricks with what was measured. `python -m tests.evasion.page` writes it, a test fails when it is stale."""

from __future__ import annotations

import pathlib
import sys
import tempfile
from typing import TYPE_CHECKING

from tests.evasion.measure import Outcome, measure
from tests.evasion.tricks import SEEN, TRICKS, Trick

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "evasion.md"

HEAD = """# Evasion

Tricks that make a monitor read what the receiver does not, and what driftspan makes of each. In each an attack is hidden: a
write of 48879 to holding register 100, a direct operate, a publication. *Seen through*: the attack is a row of its table
although something was done to hide it. *Both readings*: the stream can be read two ways; one reading is rows, every message of
the other is a behaviour and an anomaly `ambiguous_stream` that tells it. *Reported*: the attack itself is not read, an
anomaly says that something is wrong. Nothing is silent: the test that measures this table fails when it is.

The packets are built by `tests/evasion/tricks.py`; `python -m tests.evasion.page FOLDER` leaves each capture in a folder.
This page is written by `make evasion`.

What Suricata and Zeek do is what their manuals, rule files and lists of weirds say (read in 2026), not a measurement; *unknown*
where they do not say.

| trick | packets | driftspan | anomalies | Suricata | Zeek |
|---|---|---|---|---|---|
"""

TAIL = """
## How
- **Checksums** of IP, TCP and UDP are verified on every packet that carries data, SYN, FIN or RST. A wrong one from a host whose
  others in that flow were right is no part of the stream; its content is read beside it. Where a network card completes them
  (the field holds nothing, or the sum of the pseudo header) and where none of a host's was ever right, packets are taken, and
  counted as `checksums_offloaded`: then two readings still contradict each other, which is told.
- **Overlaps**: bytes that came first are the stream. What the receiver has not acknowledged is remembered (`compare_bytes` a
  direction), so that any other reading of it is found; of what it has acknowledged the last 64 bytes are. Time to live
  proves nothing by itself: a decoy that never arrives is followed by the true bytes, which contradict it.
- **Places**: what lies before the stream's start, or far outside the window, is read by itself and told (`out_of_window`). A
  hole behind which bytes wait is declared only if the receiver acknowledged them, or was not heard.
- **Ends**: a connection that goes on behind a RST or FIN is told (`data_after_end`) and read on.
- **Fragments** with two readings give both: the one with the right checksum is the datagram.

## Limits
- Where only one direction is seen, nobody knows what was acknowledged: the last 64 bytes are compared, and a hole is declared
  after sixteen packets or five seconds.
- A reading that is told beside the stream begins at its own segment: a message that a decoy spreads over several of them is
  told only where each sender has a hardware address of its own.
- More than 512 segments outside the window at once are taken for a hole; whole messages before it are then still rows.
"""


def text(outcomes: Mapping[Trick, Outcome]) -> str:
    rows = []
    for trick, out in outcomes.items():
        kinds = ", ".join(f"`{kind}`" for kind in out.kinds) or ("none" if out.result == SEEN else "")
        rows.append(f"| {trick.title} | {out.packets} | {out.result} | {kinds} | {trick.suricata} | {trick.zeek} |\n")
    return HEAD + "".join(rows) + TAIL


def measured(folder: pathlib.Path) -> dict[Trick, Outcome]:
    return {trick: measure(trick, folder) for trick in TRICKS}


def main() -> None:
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text(measured(folder)))
        return
    with tempfile.TemporaryDirectory() as folder_name:
        PAGE.write_text(text(measured(pathlib.Path(folder_name))))


if __name__ == "__main__":
    main()
