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
        out, back = (_payload(table, side, rows) for side in ("out", "in"))
        last, flow, first = (
            table.numbers("last_ts")[rows],
            table.numbers("flow_id")[rows],
            table.numbers("first_ts")[rows],
        )
        order = np.lexsort((out, flow, last))
        rows = rows[order]
        identity = flow.astype(np.uint64) ^ first.astype(np.uint64)  # an id may come again
        src, dst = (_ends(table.addresses(name)[rows]) for name in ("src_ip", "dst_ip"))
        columns = (column[order].tolist() for column in (identity, first, last, out, back))
        frames = table.numbers("frame")[rows].tolist()
        for known, began, ended, sent, received, frame, row, client, server in zip(
            *columns, frames, rows.tolist(), src, dst, strict=True
        ):
            before = self._before(known)
            self._put(known, (sent, received))
            was, had = before or (0, 0)
            out_by, back_by = (sent - was if sent > was else 0), (received - had if received > had else 0)
            yield Growth(began, ended, client, server, out_by, back_by, frame, row, before is None)

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


def _ends(rows: Array) -> list[bytes]:
    flat = np.ascontiguousarray(rows).tobytes()
    return [flat[at : at + 16] for at in range(0, len(flat), 16)]


def place(table: Table, growth: Growth) -> tuple[int, int, str]:
    """Where to find it: time, frame, capture."""
    return growth.first, growth.frame, capture_of(table, growth.row)
