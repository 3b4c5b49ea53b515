"""Where writers write, and what: the learnt range of addresses of each, and of the values at each address.

A range grows by what is learnt, one window later, so that a host a grave rule has pointed at meanwhile teaches nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detectors.sessions import capture_of
from detectors.window import plain

if TYPE_CHECKING:
    from detectors.learning import Learning
    from detectors.window import Window

RANGES = 1 << 14  # kept; further ones are not learnt, and counted
LEAST = 8  # values learnt at an address before another counts as outside of them
WRITES = 4096  # of single values, looked at in one window
# Modbus functions whose `values` are what was written, and where.
_WRITES = {5: "coil", 6: "holding_register", 15: "coil", 16: "holding_register", 23: "holding_register"}

Key = tuple[bytes, bytes, str, str]  # client, server, unit, what


class Outside(NamedTuple):
    """A value outside what was learnt: written by `key` at `ts`, in `frame` of `capture`."""

    key: Key
    value: int
    learnt: tuple[int, int]
    ts: int
    frame: int
    capture: str


class WriteRanges:
    def __init__(self, detector: str, learning: Learning) -> None:
        self._detector, self._learning = detector, learning
        self._ranges: dict[Key, list[int]] = {}  # least, greatest, and how often it was learnt
        self._queue: list[tuple[Key, int, int]] = []  # to be learnt when the next window is judged
        self._written: list[tuple[int, int, str, Key, int]] = []
        self.overflow = 0

    def __len__(self) -> int:
        return max(len(self._ranges), len(self._written))

    def gather(self, window: Window) -> None:
        """Values written by Modbus in this part of a window."""
        table = window["modbus"]
        if not len(table) or not table.has("values"):
            return
        codes = table.numbers("function_code")
        rows = np.flatnonzero(np.isin(codes, list(_WRITES)) & table.where("status", ("ok",)) & table.valid("values"))
        if not len(rows):
            return
        lists = table.column("values")
        edges = np.frombuffer(lists.buffers()[1], dtype=np.int32)[lists.offset : lists.offset + len(lists) + 1]
        values = plain(lists.values)
        at = np.where(codes == 23, table.numbers("write_address"), table.numbers("address"))[rows].tolist()
        units, times = table.numbers("unit_id")[rows].tolist(), table.numbers("ts")[rows].tolist()
        frames, functions = table.numbers("request_frame")[rows].tolist(), codes[rows].tolist()
        for nth, row in enumerate(rows.tolist()):
            ends = table.ip("src_ip", row), table.ip("dst_ip", row), str(units[nth])
            place, what = (times[nth], frames[nth], capture_of(table, row)), _WRITES[functions[nth]]
            for offset, value in enumerate(values[edges[row] : edges[row + 1]].tolist()):
                if len(self._written) >= WRITES:
                    self.overflow += 1
                    break
                self._written.append((*place, (*ends, f"{what} {at[nth] + offset}"), int(value)))

    def judge(self) -> list[Outside]:
        """The window is whole: values outside of what was learnt at their address, the earliest first."""
        for key, low, high in self._queue:
            if not self._learning.suspected(key[0]):
                self._learn(key, low, high)
        self._queue = []
        found = []
        live = {key[0]: self._learning.live(self._detector, key[0]) for *_, key, _ in self._written}
        for ts, frame, capture, key, value in sorted(self._written):
            if not live[key[0]]:
                self._queue.append((key, value, value))
            elif (learnt := self.learnt(key, LEAST)) and not learnt[0] <= value <= learnt[1]:
                found.append(Outside(key, value, learnt, ts, frame, capture))
        self._written.clear()
        return found

    def learnt(self, key: Key, least: int = 1) -> tuple[int, int] | None:
        """Least and greatest of what was learnt, if that was often enough; else None."""
        found = self._ranges.get(key)
        return (found[0], found[1]) if found and found[2] >= least else None

    def learn(self, key: Key, low: int, high: int) -> None:
        """From the next window on it is known."""
        self._queue.append((key, low, high))

    def _learn(self, key: Key, low: int, high: int) -> None:
        found = self._ranges.get(key)
        if found is not None:
            found[:] = min(found[0], low), max(found[1], high), found[2] + 1
        elif len(self._ranges) < RANGES:
            self._ranges[key] = [low, high, 1]
        else:
            self.overflow += 1

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        ranges = [[*_plain(key), *ends] for key, ends in self._ranges.items()]
        return {"ranges": ranges, "queue": [[*_plain(key), low, high] for key, low, high in self._queue]}

    def restore(self, state: dict[str, Any]) -> None:
        self._ranges = {_key(cells): list(cells[4:7]) for cells in state["ranges"]}
        self._queue = [(_key(cells), cells[4], cells[5]) for cells in state["queue"]]


def _plain(key: Key) -> tuple[str, str, str, str]:
    return key[0].hex(), key[1].hex(), key[2], key[3]


def _key(cells: list[Any]) -> Key:
    return bytes.fromhex(cells[0]), bytes.fromhex(cells[1]), cells[2], cells[3]
