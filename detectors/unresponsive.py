"""Devices that answered and do not answer any more. For `availability`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detectors import address
from detectors.base import SECOND
from detectors.behaviours import mixed
from detectors.command_words import expects_answer, station
from detectors.memory import Ids

if TYPE_CHECKING:
    from detectors.availability import Availability
    from detectors.behaviours import Behaviours
    from detectors.window import Window

DEVICES = 1 << 14  # that answered; the one that was first to answer leaves
ASKED = 4096  # devices asked without an answer, followed at a time

Device = tuple[bytes, str, str]  # server, protocol, unit


class _Tries(NamedTuple):
    made: int
    first: int
    last: int
    frame: int
    capture: str
    client: bytes


class Silence:
    def __init__(self) -> None:
        self._answered: dict[Device, int] = {}
        self._good = Ids()  # behaviours that were answered at least once: others say nothing by not being answered
        self._tries: dict[Device, _Tries] = {}
        self._now: dict[Device, _Tries] = {}
        self._back: set[Device] = set()
        self.overflow = 0

    def gather(self, behaviours: Behaviours) -> None:
        counts, answered = behaviours.array("count"), behaviours.array("answered")
        good, bad = np.flatnonzero(answered > 0), np.flatnonzero((counts > answered) & (answered == 0))
        bad = bad[self._good.known(behaviours.ids[bad])]
        news = set(good[self._good.fresh(behaviours.ids[good])].tolist())
        if bad.size or self._tries:
            # Of the devices that somebody waits for: did they answer anybody?
            servers = mixed(behaviours.addresses("server_ip"))
            waited = np.frombuffer(b"".join(d[0] for d in self._tries), np.uint8).reshape(-1, 16)
            wanted = np.concatenate([servers[bad], mixed(waited)])
            news |= set(good[np.isin(servers[good], wanted)].tolist())
        self._answers(behaviours, news)
        self._misses(behaviours, bad)

    def _answers(self, behaviours: Behaviours, rows: set[int]) -> None:
        for at in sorted(rows):
            b = behaviours.row(at)
            device = (b.server, b.protocol, station(b))
            if device not in self._answered and len(self._answered) >= DEVICES:
                del self._answered[next(iter(self._answered))]
                self.overflow += 1
            self._answered[device] = b.last_ts
            self._back.add(device)

    def _misses(self, behaviours: Behaviours, rows: Any) -> None:
        for at in rows.tolist():
            b = behaviours.row(at)
            if b.access in ("session", "report") or not expects_answer(b):
                continue
            device, before = (b.server, b.protocol, station(b)), self._now.get((b.server, b.protocol, station(b)))
            tries = _Tries(b.occurrences, b.ts, b.last_ts, b.frame, b.capture, b.client)
            if before is None and len(self._now) >= ASKED:
                self.overflow += 1
                continue
            if before is not None:
                early = min(before[1:], tries[1:])
                tries = _Tries(before.made + tries.made, *early)._replace(last=max(before.last, tries.last))
            self._now[device] = tries

    def judge(self, owner: Availability, window: Window) -> None:
        settings = owner.settings
        for device in self._back:
            self._tries.pop(device, None)
        for device, now in sorted(self._now.items()):
            if device in self._back or device not in self._answered:
                continue
            tries, before = now, self._tries.get(device)
            if before is not None:
                tries = before._replace(made=before.made + now.made, last=max(before.last, now.last))
            elif len(self._tries) >= ASKED:
                self.overflow += 1
                continue
            self._tries[device] = tries
            if tries.made >= settings.tries and owner.learning.live(owner.name):
                self._report(owner, device, tries)
        horizon = window.end - int(settings.try_seconds * SECOND)
        self._tries = {device: tries for device, tries in self._tries.items() if tries.last >= horizon}
        self._now.clear()
        self._back.clear()

    def _report(self, owner: Availability, device: Device, tries: _Tries) -> None:
        server, protocol, unit = device
        place = (tries.first, tries.frame, tries.capture)
        cause = owner.cause("unresponsive", (server, protocol, unit), tries.client, server, place)
        cause.protocol = protocol
        cause.seen(max(0, tries.made - cause.count), tries.first, tries.last)
        cause.add("clients", [address.text(tries.client)])
        cause.facts |= {"unit": unit, "answered_last": self._answered[device]}
        of = f" (unit {unit})" if unit else ""
        since = f"has not for {tries.made} tries in {(tries.last - tries.first) / SECOND:.0f} s"
        cause.summary = f"{address.text(server)}{of} answered {protocol} before and {since}"

    def sizes(self) -> dict[str, int]:
        return {"devices": len(self._answered), "asked": max(len(self._tries), len(self._now)), "good": len(self._good)}

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        answered = [[server.hex(), *rest, ts] for (server, *rest), ts in self._answered.items()]
        tries = [[d[0].hex(), *d[1:], *t[:5], t.client.hex()] for d, t in self._tries.items()]
        return {"answered": answered, "tries": tries, "good": self._good.snapshot(), "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        self._answered = {(bytes.fromhex(s), protocol, unit): ts for s, protocol, unit, ts in state["answered"]}
        self._good.restore(state["good"])
        self._tries = {}
        for server, protocol, unit, made, first, last, frame, capture, client in state["tries"]:
            tries = _Tries(made, first, last, frame, capture, bytes.fromhex(client))
            self._tries[bytes.fromhex(server), protocol, unit] = tries
        self.overflow = state["overflow"]
