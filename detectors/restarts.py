"""Devices that restart, and clients that connect again and again. For `availability`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND
from detectors.rates import Rates
from detectors.sessions import capture_of
from detectors.statistics.hashing import hash64

if TYPE_CHECKING:
    from detectors.availability import Availability
    from detectors.behaviours import Behaviour, Behaviours
    from detectors.window import Window

MINUTE = 60 * SECOND
STATIONS = 1 << 13  # whose restart flag is remembered
CONNECTS = 4096  # of one window
RESTARTED = 0x8000  # IIN1.7, device restart (IEEE 1815, 4.5)

Station = tuple[bytes, bytes, int]  # server, client, link address: an outstation has a flag for each of its masters


class Restarts:
    def __init__(self) -> None:
        self._set: dict[Station, bool] = {}
        self._flags: dict[Station, list[tuple[int, int, bool, str]]] = {}
        self._restarts, self._connects = Rates(), Rates()
        self._connected: dict[bytes, Behaviour] = {}
        self._lost = 0

    @property
    def overflow(self) -> int:
        return self._lost + self._restarts.overflow + self._connects.overflow

    def gather(self, window: Window) -> None:
        """Restart flags of DNP3 responses: rows at which a station's flag changes, and the first of each part."""
        table = window["dnp3"]
        if not len(table):
            return
        rows = np.flatnonzero(table.valid("iin") & (table.numbers("from_master") == 0))
        if not len(rows):
            return
        ts, frames, links = table.numbers("ts"), table.numbers("frame"), table.numbers("link_src")
        server, client, iin = table.addresses("dst_ip"), table.addresses("src_ip"), table.numbers("iin")
        masters = hash64(client[rows], server[rows])
        order = np.lexsort((frames[rows], ts[rows], links[rows], masters))
        rows, masters = rows[order], masters[order]
        flag = (iin[rows] & RESTARTED) > 0
        # Only where the flag differs from that of the row before is there anything to see.
        change = np.ones(len(rows), dtype=bool)
        same = (links[rows][1:] == links[rows][:-1]) & (masters[1:] == masters[:-1])
        change[1:] = ~same | (flag[1:] != flag[:-1])
        for row, is_set in zip(rows[change].tolist(), flag[change].tolist(), strict=True):
            station = (server[row].tobytes(), client[row].tobytes(), int(links[row]))
            if station not in self._flags and len(self._flags) >= STATIONS:
                self._lost += 1
                continue
            place = (int(ts[row]), int(frames[row]), bool(is_set), capture_of(table, row))
            self._flags.setdefault(station, []).append(place)

    def connects(self, behaviours: Behaviours) -> None:
        for at in behaviours.where("operation", ("connect",)).tolist():
            b = behaviours.row(at)
            if b.protocol != "mqtt" or not b.unit:
                continue
            key = b"\0".join((b.server, b.unit.encode()))
            if key in self._connected or len(self._connected) < CONNECTS:
                self._connected[key] = min(b, self._connected.get(key, b))
                self._connects.add(key, b.occurrences)
            else:
                self._lost += 1

    def judge(self, owner: Availability, window: Window) -> None:
        settings = owner.settings
        shown: dict[bytes, tuple[Station, tuple[int, int, str]]] = {}
        for station, flags in sorted(self._flags.items()):
            for ts, frame, is_set, capture in sorted(flags):
                if is_set and self._set.get(station) is False:
                    key = station[0] + station[1] + station[2].to_bytes(2, "big")
                    self._restarts.add(key, 1)
                    shown.setdefault(key, (station, (ts, frame, capture)))
                if station not in self._set and len(self._set) >= STATIONS:
                    del self._set[next(iter(self._set))]
                self._set[station] = is_set
        live = owner.learning.live(owner.name)
        for key, total in self._restarts.close(
            window.end, int(settings.restart_seconds * SECOND), lambda _: live
        ).items():
            if total >= max(settings.restarts, settings.factor * self._restarts.most(key)):
                self._restarted(owner, *shown[key], total)
        for key, total in self._connects.close(window.end, MINUTE, lambda _: live).items():
            if total >= max(settings.connects, settings.factor * self._connects.most(key)):
                self._reconnected(owner, self._connected[key], total)
        self._flags.clear()
        self._connected.clear()

    def _restarted(self, owner: Availability, station: Station, place: Any, total: int) -> None:
        """One cause for the outstation: what two masters see of one restart is counted once."""
        server, client, link = station
        cause = owner.cause("restarts", (server, str(link)), client, server, place)
        cause.protocol = "dnp3"
        cause.seen(max(0, total - cause.count), place[0], place[0])
        cause.facts |= {"unit": str(link), "within_seconds": owner.settings.restart_seconds}
        within = f"within {owner.settings.restart_seconds:g} s"
        cause.summary = f"outstation {link} at {address.text(server)} restarted {total} times {within}"

    def _reconnected(self, owner: Availability, b: Behaviour, total: int) -> None:
        cause = owner.cause("restarts", (b.server, b.unit), b.client, b.server, (b.ts, b.frame, b.capture))
        cause.protocol = "mqtt"
        cause.seen(max(0, total - cause.count), b.ts, b.last_ts)
        cause.facts |= {"client_id": b.unit, "within_seconds": 60}
        cause.add("clients", [address.text(b.client)])
        cause.summary = f"client {b.unit!r} connected {total} times to {address.text(b.server)} within a minute"

    def sizes(self) -> dict[str, int]:
        return {"stations": max(len(self._set), len(self._flags)), "connects": len(self._connected)}

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        flags = [[s.hex(), c.hex(), link, is_set] for (s, c, link), is_set in self._set.items()]
        rates = {"restarts": self._restarts.snapshot(), "connects": self._connects.snapshot()}
        return rates | {"set": flags, "lost": self._lost}

    def restore(self, state: dict[str, Any]) -> None:
        self._set = {(bytes.fromhex(s), bytes.fromhex(c), link): is_set for s, c, link, is_set in state["set"]}
        self._restarts.restore(state["restarts"])
        self._connects.restore(state["connects"])
        self._lost = state["lost"]
