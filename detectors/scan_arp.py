"""Addresses that are asked for by ARP and that nobody has. For `scan`.

What answers is there, and asking for it is no search; a host that was ever heard and is asked for in vain is switched
off. A router asks for whatever somebody behind it wants to reach: that is the other one's search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors import address
from detectors.sessions import capture_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detectors.window import Table, Window

ASKED = 1 << 14  # addresses asked for in one window, by whoever asks; pairs of hosts of which one tried the other
TRIED = 600 * 10**9  # nanoseconds for which a try in vain is remembered: a router may ask later
_REQUEST = "request for "  # how the packet path begins what such a request says

Try = tuple[int, int, str]  # when, frame, capture


class Asked:
    """Of one window. `overflow`: requests left out because there were too many."""

    def __init__(self) -> None:
        self._asked: dict[tuple[bytes, bytes], Try] = {}  # who, for whom: the latest request
        self._tried: dict[tuple[bytes, bytes], int] = {}  # in vain, by flows: whom, who; when last
        self.overflow = 0

    def __len__(self) -> int:
        return max(len(self._asked), len(self._tried))

    def gather(self, window: Window) -> None:
        table = window["sightings"]
        if len(table):
            self._requests(table)
        flows = window["flows"]
        if len(flows):
            self._wanted(flows)

    def _requests(self, table: Table) -> None:
        wanted = table.where("value", lambda text: text.startswith(_REQUEST)) & table.where("source", ("arp",))
        rows = np.flatnonzero(wanted)
        if not len(rows):
            return
        ts, frames, ips = table.numbers("ts"), table.numbers("frame"), table.addresses("ip")
        for row in rows.tolist():
            target = table.text("value", row).removeprefix(_REQUEST).partition(" ")[0]
            try:
                key = ips[row].tobytes(), address.parse(target)
            except ValueError:
                continue  # no address: not a row of this packet path
            if key not in self._asked and len(self._asked) >= ASKED:
                self.overflow += 1
                continue
            this = (int(ts[row]), int(frames[row]), capture_of(table, row))
            self._asked[key] = max(this, self._asked.get(key, this))

    def _wanted(self, flows: Table) -> None:
        """Who tried to reach whom in vain: for those a router asks."""
        src, dst, last = flows.addresses("src_ip"), flows.addresses("dst_ip"), flows.numbers("last_ts")
        for row in np.flatnonzero(flows.numbers("packets_in") == 0).tolist():
            pair = dst[row].tobytes(), src[row].tobytes()
            if pair not in self._tried and len(self._tried) >= ASKED:
                self.overflow += 1
                continue
            self._tried[pair] = max(int(last[row]), self._tried.get(pair, 0))

    def close(self, end: int, heard: Callable[[bytes], bool]) -> Iterator[tuple[bytes, bytes, Try]]:
        """The window is over: who asked for whom, of those that were never heard. `heard`: whether a host was."""
        self._tried = {pair: ts for pair, ts in self._tried.items() if ts > end - TRIED}
        others: dict[bytes, set[bytes]] = {}
        for target, who in self._tried:
            others.setdefault(target, set()).add(who)
        for (who, target), this in sorted(self._asked.items()):
            if not heard(target) and not others.get(target, set()) - {who}:
                yield who, target, this
        self._asked.clear()

    def snapshot(self) -> list[list[str | int]]:
        """Between two windows."""
        return [[target.hex(), who.hex(), ts] for (target, who), ts in sorted(self._tried.items())]

    def restore(self, state: list[tuple[str, str, int]]) -> None:
        self._tried = {(bytes.fromhex(target), bytes.fromhex(who)): ts for target, who, ts in state}
