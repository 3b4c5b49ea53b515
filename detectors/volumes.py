"""What flows carried since they were looked at last.

A flow's row counts from its beginning and is written again while it lives; what is asked for is the growth. Payload
is estimated from bytes and packets, since rows count whole IP packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detectors.sessions import capture_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.window import Array, Table

FLOWS = 1 << 16  # flows remembered; when full the older half is forgotten, and their next row says nothing
_HEADERS = {"tcp": 52, "udp": 28, "icmp": 28, "icmp6": 48}  # of a packet without options but TCP's time stamps


class Growth(NamedTuple):
    """One flow's payload since its last row. `out` from client to server. `row`: in the table of flows."""

    first: int
    last: int
    src: bytes
    dst: bytes
    out: int
    back: int
    frame: int
    row: int
    began: bool  # this is its first row


class Volumes:
    def __init__(self) -> None:
        self._young: dict[int, tuple[int, int]] = {}
        self._old: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def grown(self, table: Table, chosen: Array) -> Iterator[Growth]:
        """Growth of the chosen rows, in the order of time; a flow with several rows in the window grows by its last."""
        rows = np.flatnonzero(chosen)
        if not len(rows):
            return
        payload = {side: _payload(table, side, rows).tolist() for side in ("out", "in")}
        last, flow = table.numbers("last_ts")[rows], table.numbers("flow_id")[rows]
        first, frame = table.numbers("first_ts")[rows], table.numbers("frame")[rows]
        src, dst = table.addresses("src_ip"), table.addresses("dst_ip")
        for at in np.lexsort((payload["out"], flow, last)).tolist():
            row, identity = int(rows[at]), int(flow[at]) ^ int(first[at])  # an id may come again
            now = payload["out"][at], payload["in"][at]
            before = self._before(identity)
            self._put(identity, now)
            out, back = (max(0, new - old) for new, old in zip(now, before or (0, 0), strict=True))
            ends = src[row].tobytes(), dst[row].tobytes()
            yield Growth(int(first[at]), int(last[at]), *ends, out, back, int(frame[at]), row, before is None)

    def _before(self, identity: int) -> tuple[int, int] | None:
        found = self._young.get(identity)
        return found if found is not None else self._old.pop(identity, None)

    def _put(self, identity: int, now: tuple[int, int]) -> None:
        if len(self._young) >= FLOWS and identity not in self._young:
            self._old, self._young = self._young, {}
        self._young[identity] = now

    def snapshot(self) -> list[list[list[int]]]:
        return [[[identity, *told] for identity, told in part.items()] for part in (self._young, self._old)]

    def restore(self, state: list[list[list[int]]]) -> None:
        self._young, self._old = ({i: (out, back) for i, out, back in part} for part in state)


def _payload(table: Table, side: str, rows: Array) -> Array:
    codes, names = table.codes("transport")
    headers = np.array([_HEADERS.get(name, 20) for name in names] or [0], dtype=np.int64)[codes[rows]]
    carried = table.numbers(f"bytes_{side}")[rows].astype(np.int64)
    found: Array = np.maximum(0, carried - headers * table.numbers(f"packets_{side}")[rows].astype(np.int64))
    return found


def place(table: Table, growth: Growth) -> tuple[int, int, str]:
    """Where to find it: time, frame, capture."""
    return growth.first, growth.frame, capture_of(table, growth.row)
