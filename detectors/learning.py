"""How far learning has come, for the sensor, for each detector and for each host; on packet time alone.

Three modes, as commercial sensors have them. *learning*: what is new is learnt and not reported.
*dynamic*: the least learning time is over; each detector, and each host within it, goes live on its own once
it brings nothing new. *operational*: all are live. A host first seen after that is new itself and has its own
learning time (`young`), in which detectors that model amounts stay silent about it; exact novelty
(a first write) is reported from its first packet.

What is new is kept in `Novelty` sets, one a detector. What a host brings while a grave rule points at it is not
learnt: it is quarantined and shown, and stays new until an analyst says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors.behaviours import Behaviours
from detectors.memory import Ids
from detectors.novelty import Novelty
from detectors.protocols import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detectors.window import Window

SECOND = 10**9
OWNERS = 1 << 16  # (detector, host) pairs whose last novelty is remembered
HOSTS = 1 << 16  # hosts whose first packet is remembered
QUARANTINE = 1024  # entries shown; what comes later is still not learnt
MODES = ("learning", "dynamic", "operational")
EVEN = math.log(2.0)  # nats of what comes in every other window: with that no novelty is news
_SURE = 24 * 3600.0  # learning that long earns full confidence


@dataclass(frozen=True, slots=True)
class Settings:
    """`seconds`: the longest a detector learns. `quiet_windows`: windows with OT traffic and nothing new after
    which a detector, or a host within it, is live sooner. `device_seconds`: a new host's own learning time."""

    seconds: float = 300.0
    quiet_windows: int = 6
    device_seconds: float = 3600.0


class Learning:
    """`start`: of the first window with OT traffic. Times in nanoseconds since the epoch."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.start: int | None = None
        self.ended = False  # by command, not by time
        self.held = False  # learns until it is told to end, whatever the time
        self._now = 0
        self._windows = 0  # with OT traffic, so far
        self._traffic = False
        self._latest: dict[str, int] = {}  # detector: number of the window in which it last learnt
        self._owners: dict[tuple[str, bytes], int] = {}
        self._first: dict[bytes, int] = {}  # host: its first packet
        self._seen = Ids()  # behaviours whose hosts were looked at
        self._live: dict[str, int] = {}  # detector: nanoseconds it learnt before it went live
        self._sets: dict[str, Novelty] = {}
        self._suspects: set[bytes] = set()
        self.quarantine: list[dict[str, Any]] = []
        self.overflow = 0

    @property
    def mode(self) -> str:
        """Of the sensor as a whole."""
        if self.held or self.start is None:
            return "operational" if self.ended else "learning"
        if self.ended or self._so_far() >= self.settings.seconds * SECOND:
            return "operational"
        return "dynamic" if self._live else "learning"

    def learnt(self, detector: str) -> float:
        """Seconds of packet time the detector learnt, or has been learning for."""
        return self._live.get(detector, self._so_far()) / SECOND

    def confidence(self, detector: str, least: float = 0.5, most: float = 0.95) -> float:
        """Grows with the time that was learnt: full after a day."""
        share = min(1.0, self.learnt(detector) / _SURE)
        return least + (most - least) * math.sqrt(math.sqrt(share))

    @property
    def windows(self) -> int:
        """With OT traffic, so far."""
        return self._windows

    def surprise(self, times: int = 0, windows: int | None = None) -> float:
        """Nats of one more thing of a kind that came in `times` of so many windows, by the rule of succession;
        without `windows`: of all."""
        return math.log(((self._windows if windows is None else windows) + 2.0) / (times + 1.0))

    def _so_far(self) -> int:
        return 0 if self.start is None else max(0, self._now - self.start)

    def observe(self, window: Window) -> None:
        behaviours = window.derive(Behaviours)
        if not len(behaviours):
            return
        self._traffic = self._traffic or bool(behaviours.where("protocol", tuple(LEVELS)).size)
        if self.start is None and self._traffic:
            self.start = window.start
        self._hosts(behaviours)

    def _hosts(self, behaviours: Behaviours) -> None:
        for at in self._seen.fresh(behaviours.ids):
            b = behaviours.row(at)
            for ip in (b.client, b.server):
                before = self._first.get(ip)
                if before is None and len(self._first) >= HOSTS:
                    self.overflow += 1
                elif before is None or b.ts < before:
                    self._first[ip] = b.ts

    def live(self, detector: str, owner: bytes = b"") -> bool:
        """Whether what is new of this host is to be reported. Does not change within a window."""
        if self.held:
            return False
        if self.ended or detector in self._live:
            return True
        last = self._owners.get((detector, owner))
        return last is not None and self._windows - last >= self.settings.quiet_windows

    def young(self, owner: bytes, ts: int) -> bool:
        """Whether a host still has its own learning time: always while the sensor learns."""
        if self.start is None:
            return True
        first = self._first.get(owner, ts)
        if first <= self.start or (not self.ended and first - self.start <= self.settings.seconds * SECOND):
            return self.mode == "learning"  # it was there from the beginning
        return ts - first < self.settings.device_seconds * SECOND

    def first(self, host: bytes) -> int | None:
        """When a host was first seen."""
        return self._first.get(host)

    def hosts(self) -> Iterable[bytes]:
        return self._first.keys()

    def suspect(self, hosts: Iterable[bytes]) -> None:
        """Hosts a grave rule pointed at in this window: what they bring is not learnt until learning ends."""
        if self.mode != "operational":
            self._suspects |= set(hosts)

    def suspected(self, host: bytes) -> bool:
        """Whether a grave rule pointed at the host while it was learnt from."""
        return host in self._suspects

    def close(self, window_end: int) -> None:
        """The window was judged by all: what it brought becomes known."""
        self._now = max(self._now, window_end)
        for _, novelty in sorted(self._sets.items()):
            novelty.settle(self._suspects)
        if self._traffic:
            self._windows += 1
        self._traffic = False
        if self.start is None or self.held:
            return
        over = self._so_far() >= self.settings.seconds * SECOND
        for name in self._sets:
            if name not in self._live and (over or self._calm(name)):
                self._live[name] = self._so_far()
        if self.mode == "operational":
            self._suspects.clear()

    def _calm(self, name: str) -> bool:
        return self._windows - self._latest.get(name, 0) >= self.settings.quiet_windows

    def end(self) -> None:
        """Learning is over by command: everything seen is known, everything else is new."""
        self.ended, self.held = True, False
        for name in self._sets:
            self._live.setdefault(name, self._so_far())
        self._suspects.clear()

    def begin(self) -> None:
        """Learns again, keeping what is known, until `end` is called."""
        self.ended, self.held = False, True
        self.start, self._windows = None, 0
        self._live.clear()
        self._latest.clear()
        self._owners.clear()

    def note(self, detector: str, owner: bytes) -> None:
        """A detector learnt something of a host."""
        self._latest[detector] = self._windows + 1
        if (detector, owner) not in self._owners and len(self._owners) >= OWNERS:
            self.overflow += 1
            return
        self._owners[detector, owner] = self._windows + 1

    def novelty(self, detector: str, limit: int = 0) -> Novelty:
        """The detector's set of what is known; the same one however often it is asked for."""
        if detector not in self._sets:
            self._sets[detector] = Novelty(detector, self, limit)
        return self._sets[detector]

    def set_aside(self, detector: str, owner: bytes, text: str) -> None:
        entry = {"detector": detector, "host": owner.hex(), "what": text}
        if entry not in self.quarantine and len(self.quarantine) < QUARANTINE:
            self.quarantine.append(entry)

    def notes(self) -> Iterator[str]:
        """What an analyst should know about this run."""
        still = sorted(name for name in self._sets if not self.live(name))
        if self.start is not None and still:
            wanted = f"{self.settings.quiet_windows} windows without anything new or {self.settings.seconds:g} s"
            yield f"still learning at the end (needs {wanted}): {', '.join(still)}"
        if self.quarantine:
            yield f"{len(self.quarantine)} things were not learnt, because a grave alert pointed at their host"

    def sizes(self) -> dict[str, int]:
        known = {f"known.{name}": len(novelty) for name, novelty in self._sets.items()}
        return {"owners": len(self._owners), "hosts": len(self._first), "quarantine": len(self.quarantine), **known}

    def counters(self) -> dict[str, int]:
        return self.sizes() | {"overflow": self.overflow, "mode": MODES.index(self.mode)}

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        return {
            "start": self.start,
            "ended": self.ended,
            "held": self.held,
            "now": self._now,
            "windows": self._windows,
            "latest": dict(self._latest),
            "owners": [[name, ip.hex(), number] for (name, ip), number in self._owners.items()],
            "seen": self._seen.snapshot(),
            "first": {ip.hex(): ts for ip, ts in self._first.items()},
            "live": dict(self._live),
            "sets": {name: novelty.snapshot() for name, novelty in self._sets.items()},
            "suspects": sorted(ip.hex() for ip in self._suspects),
            "quarantine": [dict(entry) for entry in self.quarantine],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.start, self._now = state["start"], state["now"]
        self.ended, self.held = state["ended"], state["held"]
        self._seen.restore(state["seen"])
        self._windows, self._latest, self._live = state["windows"], dict(state["latest"]), dict(state["live"])
        self._owners = {(name, bytes.fromhex(ip)): number for name, ip, number in state["owners"]}
        self._first = {bytes.fromhex(ip): ts for ip, ts in state["first"].items()}
        self._suspects = {bytes.fromhex(ip) for ip in state["suspects"]}
        self.quarantine = [dict(entry) for entry in state["quarantine"]]
        for name, kept in state["sets"].items():
            self.novelty(name).restore(kept)
