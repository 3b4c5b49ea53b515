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
    """Two generations of three columns, by rising identity: identity, octets out, octets back. A site with many short
    connections fills both, and an object each would be ten times their size."""

    def __init__(self) -> None:
        self._young, self._old = _NONE, _NONE

    def __len__(self) -> int:
        return int(self._young.shape[1] + self._old.shape[1])

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
        identity, first, last, out, back = (column[order] for column in (identity, first, last, out, back))
        before, began = self._passed(identity, out, back)
        grown = [np.maximum(now - was, 0).tolist() for now, was in zip((out, back), before, strict=True)]
        frames = table.numbers("frame")[rows].tolist()
        yield from map(Growth, first.tolist(), last.tolist(), src, dst, *grown, frames, rows.tolist(), began.tolist())

    def _passed(self, identity: Array, out: Array, back: Array) -> tuple[Array, Array]:
        """Of each row octets out and back of the row before it, and whether there was none. What is last is kept."""
        flows, which = np.unique(identity, return_inverse=True)
        order = np.argsort(which, kind="stable")  # rows of a flow beside each other, the earliest first
        now = np.stack([out, back])[:, order]
        starts = np.flatnonzero(np.diff(which[order], prepend=-1))
        was = np.roll(now, 1, axis=1)
        was[:, starts], known = self._known(flows)
        self._keep(flows, now[:, np.append(starts[1:], len(order)) - 1])
        before, began = np.empty_like(was), np.zeros(len(order), dtype=bool)
        before[:, order] = was
        began[order[starts]] = ~known
        return before, began

    def _known(self, flows: Array) -> tuple[Array, Array]:
        """What was kept of these flows, 0 where nothing was, and of which something was."""
        told, known = np.zeros((2, len(flows)), dtype=np.int64), np.zeros(len(flows), dtype=bool)
        for part in (self._old, self._young):
            at, found = _among(part, flows)
            told[:, found] = part[1:, at[found]].astype(np.int64)
            known |= found
        return told, known

    def _keep(self, flows: Array, now: Array) -> None:
        """In the young generation; one that is full becomes the old one."""
        at, found = _among(self._young, flows)
        self._young[1:, at[found]] = now[:, found]
        new = np.vstack([flows[~found], now[:, ~found].astype(np.uint64)])
        if self._young.shape[1] + new.shape[1] > FLOWS:
            self._old, self._young = self._young, _NONE
        places = np.searchsorted(self._young[0], new[0])
        self._young = np.insert(self._young, places, new, axis=1)[:, -FLOWS:]

    def snapshot(self) -> list[list[list[int]]]:
        return [part.T.tolist() for part in (self._young, self._old)]

    def restore(self, state: list[list[list[int]]]) -> None:
        columns = (np.array(part, dtype=np.uint64).reshape(-1, 3).T for part in state)
        self._young, self._old = (part[:, np.argsort(part[0])] for part in columns)


_NONE = np.zeros((3, 0), dtype=np.uint64)


def _among(part: Array, flows: Array) -> tuple[Array, Array]:
    """Where each flow stands in a generation, and which of them do."""
    if not part.shape[1]:
        return np.zeros(len(flows), dtype=np.int64), np.zeros(len(flows), dtype=bool)
    at = np.searchsorted(part[0], flows)
    at[at == part.shape[1]] = 0
    return at, part[0][at] == flows


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
