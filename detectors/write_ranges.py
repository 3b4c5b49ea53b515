"""Where writers write, and what: the learnt range of addresses of each, and of the values at each address.

A range grows by what is learnt, one window later, so that a host a grave rule has pointed at meanwhile teaches nothing.
Values stay columns: what is done one by one is done once for each address that was written in a window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detectors.statistics.hashing import hash64
from detectors.window import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.learning import Learning
    from detectors.window import Array, Table, Window

RANGES = 1 << 14  # kept; further ones are not learnt, and counted
LEAST = 8  # values learnt at an address before another counts as outside of them
WRITES = 4096  # of single values, looked at in one window
# Modbus functions whose `values` are what was written, and where: a place in _WHAT.
_WRITES = {5: 0, 6: 1, 15: 0, 16: 1, 23: 1}
_WHAT = ("coil", "holding_register")

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
        self._ranges: dict[Key, list[int]] = {}  # of addresses: least, greatest, and how often it was learnt
        self._values: dict[int, list[int]] = {}  # the same of values, by the number of client, server, unit and address
        # To be learnt when the next window is judged; of values the client and how many there were, too.
        self._queue: list[tuple[Key, int, int]] = []
        self._heard: list[tuple[bytes, int, int, int, int]] = []
        self._written: list[dict[str, Array]] = []  # by part of the window
        self._captures: dict[str, int] = {}
        self._waiting = 0
        self.overflow = 0

    def __len__(self) -> int:
        return max(len(self._ranges) + len(self._values), self._waiting)

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
        sizes = edges[rows + 1] - edges[rows]
        kept = np.clip(WRITES - self._waiting - (np.cumsum(sizes) - sizes), 0, sizes)
        self.overflow += int(np.count_nonzero(kept < sizes))
        self._waiting += int(kept.sum())
        nth = np.arange(kept.sum()) - np.repeat(np.cumsum(kept) - kept, kept)  # value of its message
        row = np.repeat(rows, kept)
        place = np.where(codes == 23, table.numbers("write_address"), table.numbers("address"))
        found = {name: table.numbers(name)[row] for name in ("ts", "request_frame", "unit_id")}
        found |= {name: table.addresses(name)[row] for name in ("src_ip", "dst_ip")}
        what = np.array([_WRITES.get(code, 0) for code in range(24)])[codes[row]]
        self._written.append(found | {
            "what": what, "address": place[row].astype(np.int64) + nth, "capture": self._capture(table)[row],
            "value": plain(lists.values)[edges[row] + nth].astype(np.int64),
        })  # fmt: skip

    def _capture(self, table: Table) -> Array:
        if not table.has("capture"):
            return np.full(len(table), self._captures.setdefault("", len(self._captures)))
        codes, names = table.codes("capture")
        return np.array([self._captures.setdefault(name, len(self._captures)) for name in names])[codes]

    def judge(self) -> list[Outside]:
        """The window is whole: values outside of what was learnt at their address, the earliest first."""
        self._settle()
        if not self._written:
            return []
        found = {name: np.concatenate([part[name] for part in self._written]) for name in self._written[0]}
        order = np.lexsort((found["value"], found["address"], found["request_frame"], found["ts"]))
        found = {name: column[order] for name, column in found.items()}
        outside = sorted(self._judged(found))
        told = [self._outside(found, row, learnt) for row, learnt in outside]
        self._written.clear()
        self._captures.clear()
        self._waiting = 0
        return told

    def _settle(self) -> None:
        """Learns what the window before wrote, but of those that came under suspicion since."""
        suspected = {client: self._learning.suspected(client) for client, *_ in self._heard}
        for key, low, high in self._queue:
            if not self._learning.suspected(key[0]):
                self._learn(self._ranges, key, low, high, 1)
        for client, number, low, high, times in self._heard:
            if not suspected[client]:
                self._learn(self._values, number, low, high, times)
        self._queue, self._heard = [], []

    def _judged(self, found: dict[str, Array]) -> Iterator[tuple[int, tuple[int, int]]]:
        """Rows that are outside, and of what. All of one client, server, unit and address are looked at together."""
        keys = hash64(*(found[name] for name in ("src_ip", "dst_ip", "unit_id", "what", "address")))
        numbers, first, which, times = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        order = np.argsort(which, kind="stable")  # all of a group beside each other, the earliest first
        begins = np.cumsum(times) - times
        low, high = (ends.reduceat(found["value"][order], begins) for ends in (np.minimum, np.maximum))
        clients = [found["src_ip"][row].tobytes() for row in first.tolist()]
        live = {client: self._learning.live(self._detector, client) for client in set(clients)}
        columns = (column.tolist() for column in (numbers, low, high, times, begins))
        told = list(zip(*columns, strict=True))
        for group in np.argsort(first).tolist():
            number, least, most, count, begin = told[group]
            if not live[clients[group]]:
                self._heard.append((clients[group], number, least, most, count))
                continue
            known = self._values.get(number)
            if known and known[2] >= LEAST and not known[0] <= least <= most <= known[1]:
                rows = order[begin : begin + count]
                values = found["value"][rows]
                away = rows[(values < known[0]) | (values > known[1])]
                yield from ((row, (known[0], known[1])) for row in away.tolist())

    def _outside(self, found: dict[str, Array], row: int, learnt: tuple[int, int]) -> Outside:
        what = f"{_WHAT[int(found['what'][row])]} {int(found['address'][row])}"
        key = (found["src_ip"][row].tobytes(), found["dst_ip"][row].tobytes(), str(int(found["unit_id"][row])), what)
        value, ts, frame, capture = (int(found[name][row]) for name in ("value", "ts", "request_frame", "capture"))
        return Outside(key, value, learnt, ts, frame, list(self._captures)[capture])

    def learnt(self, key: Key) -> tuple[int, int] | None:
        """Least and greatest address that was learnt."""
        found = self._ranges.get(key)
        return (found[0], found[1]) if found else None

    def learn(self, key: Key, low: int, high: int) -> None:
        """From the next window on it is known."""
        self._queue.append((key, low, high))

    def _learn(self, kept: dict[Any, list[int]], key: Key | int, low: int, high: int, times: int) -> None:
        found = kept.get(key)
        if found is not None:
            found[:] = min(found[0], low), max(found[1], high), found[2] + times
        elif len(self._ranges) + len(self._values) < RANGES:
            kept[key] = [low, high, times]
        else:
            self.overflow += 1

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        ranges = [[*_plain(key), *ends] for key, ends in self._ranges.items()]
        values = [[number, *ends] for number, ends in self._values.items()]
        heard = [[client.hex(), *told] for client, *told in self._heard]
        queue = [[*_plain(key), low, high] for key, low, high in self._queue]
        return {"ranges": ranges, "values": values, "queue": queue, "heard": heard}

    def restore(self, state: dict[str, Any]) -> None:
        self._ranges = {_key(cells): list(cells[4:7]) for cells in state["ranges"]}
        self._values = {number: list(ends) for number, *ends in state["values"]}
        self._queue = [(_key(cells), cells[4], cells[5]) for cells in state["queue"]]
        self._heard = [
            (bytes.fromhex(client), number, low, high, times) for client, number, low, high, times in state["heard"]
        ]


def _plain(key: Key) -> tuple[str, str, str, str]:
    return key[0].hex(), key[1].hex(), key[2], key[3]


def _key(cells: list[Any]) -> Key:
    return bytes.fromhex(cells[0]), bytes.fromhex(cells[1]), cells[2], cells[3]
