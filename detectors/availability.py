"""Devices and services that are kept from their work.

Detects: floods of the same message, of sessions or of packets; storms of exceptions; a device that answered and does
not answer any more while it is asked; devices and clients that restart again and again.
Why it matters: a controller or a model that does not answer in time is a process out of control.
Evidence: who, whom, how many in which time, the most that was learnt, first frames.
False positives: a fast poll that begins after learning; a device under maintenance; a bad network.
Techniques: T0814, T1691.001, T1691.002, T0816, AML.T0029 by kind, in the catalogue.
Fires on: pcaps/denial_of_inference.pcap, pcaps/modbus_unit_scan.pcap, pcaps/device_gone.pcap
Silent on: pcaps/normal_plant.pcap, pcaps/many_controllers.pcap
Cost: numpy over the window's behaviours and flows; dictionary entries for what is frequent, failed or unanswered.
Blind when: the flood comes from many hosts that each stay below the threshold, or the tap drops most of it.

Thresholds follow those Microsoft publishes for Defender for IoT: 50 sessions a minute, 3,000 connections a minute, 8
tries in 5 minutes without an answer, 2 restarts in 10 minutes. Each must also exceed a multiple of what was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Detector
from detectors.behaviours import Behaviour, Behaviours
from detectors.rates import Rates
from detectors.restarts import Restarts
from detectors.sessions import UNOPENED
from detectors.unresponsive import Silence

if TYPE_CHECKING:
    from detectors.window import Window

MINUTE = 60 * SECOND
FLOWS = 4096  # large flows whose packets are followed
SHOWN = 4096  # places kept of one window
_COMMANDS = ("write", "control")  # too many of these are brute force, which `commands` tells

Place = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """`messages`: of one kind a second; `sessions`, `connections`: opened, and tried, a minute; `packets`: of one flow
    a second; `exceptions`: a minute. `factor`: times the learnt most that are too many. `tries` within `try_seconds`
    without an answer; `restarts` of a device within `restart_seconds`, `connects` of a client within a minute."""

    messages: float = 15.0
    sessions: int = 50
    connections: int = 3000
    packets: float = 3000.0
    exceptions: int = 20
    factor: float = 5.0
    tries: int = 8
    try_seconds: float = 300.0
    restarts: int = 2
    restart_seconds: float = 600.0
    connects: int = 5


class Availability(Detector):
    name = "availability"
    kinds = tuple(f"availability.{kind}" for kind in ("flood", "exception_storm", "unresponsive", "restarts"))
    reads = ("behaviours", "flows", "dnp3")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self.learning.novelty(self.name)  # it learns amounts, not keys; by its set the learning knows it
        self._window, self._minute, self._errors = Rates(), Rates(), Rates()
        self._places: dict[
            bytes, tuple[Place, str, bytes, bytes]
        ] = {}  # of keys of this window: where, what, who, whom
        self._packets: dict[int, int] = {}  # large flows: packets so far
        self._silence, self._restarts = Silence(), Restarts()

    def gather(self, window: Window) -> None:
        self._restarts.gather(window)
        if len(window["flows"]):
            self._flows(window)
        behaviours = window.derive(Behaviours)
        if not len(behaviours):
            return
        seconds = max(1.0, (window.end - window.start) / SECOND)
        counts, errors = behaviours.array("count"), behaviours.array("errors")
        for at in np.flatnonzero(counts >= self.settings.messages * seconds).tolist():
            b = behaviours.row(at)
            if b.access not in _COMMANDS:
                self._add(
                    self._window,
                    _key("messages", b, b.operation, b.object),
                    b,
                    b.occurrences,
                    f"{b.operation} {b.object}",
                )
        for at in np.flatnonzero(errors > 0).tolist():
            b = behaviours.row(at)
            if b.access != "session":
                self._add(self._errors, _key("errors", b), b, b.errors, b.operation)
        self._silence.gather(behaviours)
        self._restarts.connects(behaviours)

    def _add(self, rates: Rates, key: bytes, b: Behaviour, amount: int, what: str) -> None:
        self._put(rates, key, amount, ((b.ts, b.frame, b.capture), f"{b.protocol} {what}".strip(), b.client, b.server))

    def _put(self, rates: Rates, key: bytes, amount: int, shown: tuple[Place, str, bytes, bytes]) -> None:
        rates.add(key, amount)
        if key in self._places or len(self._places) < SHOWN:
            self._places[key] = min(shown, self._places.get(key, shown))

    def _flows(self, window: Window) -> None:
        table = window["flows"]
        src, dst, port = table.addresses("src_ip"), table.addresses("dst_ip"), table.numbers("dst_port")
        first, frames, ids = table.numbers("first_ts"), table.numbers("frame"), table.numbers("flow_id")
        fresh = np.flatnonzero((first >= window.start) & table.where("transport", ("tcp",)))
        fresh = fresh[np.unique(ids[fresh], return_index=True)[1]]
        unopened = table.where("state", UNOPENED)
        keys = table.keys(
            src[fresh], dst[fresh], port[fresh].astype(">u2"), unopened[fresh], np.ones(len(fresh), np.uint8)
        )
        _, index, counts = np.unique(keys, return_index=True, return_counts=True)
        for at, count in zip(fresh[index].tolist(), counts.tolist(), strict=True):
            tried = bool(unopened[at])
            if not tried or count * 60 >= self.settings.connections:
                what = "connections tried" if tried else "sessions opened"
                who, whom = src[at].tobytes(), dst[at].tobytes()
                key = b"\0".join((b"tried" if tried else b"opened", who, whom, int(port[at]).to_bytes(2, "big")))
                place = (int(first[at]), int(frames[at]), table.text("capture", at) if table.has("capture") else "")
                self._put(self._minute, key, count, (place, f"{what} on port {int(port[at])}", who, whom))
        self._large(window, ids, src, dst)

    def _large(self, window: Window, ids: Any, src: Any, dst: Any) -> None:
        """Packets that large flows grew by in this window."""
        table, seconds = window["flows"], max(1.0, (window.end - window.start) / SECOND)
        packets = table.numbers("packets_out").astype(np.int64)
        for at in np.flatnonzero(packets >= self.settings.packets * seconds).tolist():
            flow, now = int(ids[at]), int(packets[at])
            begun = int(table.numbers("first_ts")[at]) >= window.start
            grown = now - self._packets.get(flow, 0 if begun else now)
            if flow not in self._packets and len(self._packets) >= FLOWS:
                del self._packets[next(iter(self._packets))]
                self.overflow += 1
            self._packets[flow] = max(now, self._packets.get(flow, 0))
            if grown >= self.settings.packets * seconds:
                ends = src[at].tobytes(), dst[at].tobytes()
                place = (int(table.numbers("ts")[at]), int(table.numbers("frame")[at]), "")
                self._put(self._window, b"\0".join((b"packets", *ends)), grown, (place, "packets of one flow", *ends))

    def judge(self, window: Window) -> None:
        settings, length = self.settings, window.end - window.start
        seconds = max(1.0, length / SECOND)

        def live(_: bytes) -> bool:
            return self.learning.live(self.name)

        for key, total in self._window.close(window.end, length, live).items():
            least = settings.packets if key.startswith(b"packets") else settings.messages
            if total >= max(least * seconds, settings.factor * self._window.most(key)):
                self._flood(key, total, seconds, self._window.most(key), window)
        for key, total in self._minute.close(window.end, MINUTE, live).items():
            least = settings.connections if key.startswith(b"tried") else settings.sessions
            if total >= max(least, settings.factor * self._minute.most(key)):
                self._flood(key, total, 60, self._minute.most(key), window)
        for key, total in self._errors.close(window.end, MINUTE, live).items():
            if total >= max(settings.exceptions, settings.factor * self._errors.most(key)):
                self._storm(key, total, window)
        if any(rates.grew for rates in (self._window, self._minute, self._errors)):
            self.learning.note(self.name, b"")
        self._places.clear()
        self._silence.judge(self, window)
        self._restarts.judge(self, window)

    def _flood(self, key: bytes, total: int, seconds: float, most: int, window: Window) -> None:
        place, what, src, dst = self._places[key]
        cause = self.cause("flood", (src, dst, what.split(" ")[0]), src, dst, place)
        cause.seen(total if seconds != 60 else max(0, total - cause.count), place[0], window.end)
        cause.add("of", [what])
        cause.facts["in_period"] = max(total, cause.facts.get("in_period", 0))
        cause.facts |= {"period_seconds": seconds, "most_learnt": most}
        before = f"at most {most} before" if most else "fewer than that before"
        cause.summary = f"{address.text(src)} sent {address.text(dst)} {total} x {what} within {seconds:g} s ({before})"

    def _storm(self, key: bytes, total: int, window: Window) -> None:
        place, what, src, dst = self._places[key]
        cause = self.cause("exception_storm", (src, dst), src, dst, place)
        cause.seen(max(0, total - cause.count), place[0], window.end)
        cause.add("of", [what])
        cause.facts |= {"in_period": max(total, cause.facts.get("in_period", 0)), "most_learnt": self._errors.most(key)}
        cause.summary = f"{address.text(dst)} refused {total} requests of {address.text(src)} within 60 s"

    def cause(self, kind: str, subject: tuple[bytes | str, ...], src: bytes, dst: bytes, place: Place) -> Any:
        change = self.site.changes.covering(place[0], "update", src, dst)
        severity = "info" if change else ""
        full = f"availability.{kind}"
        _, cause = self.book.cause(full, subject, severity=severity, confidence=self.learning.confidence(self.name))
        zones = self.places.zone(src), self.places.zone(dst)
        cause.between(place[0], src, dst, *(zone.name if zone else "" for zone in zones))
        cause.shown(*place)
        return cause

    def sizes(self) -> dict[str, int]:
        rates = max(map(len, (self._window, self._minute, self._errors)))
        held = {"rates": rates, "places": len(self._places), "flows": len(self._packets)}
        return super().sizes() | held | self._silence.sizes() | self._restarts.sizes()

    def counters(self) -> dict[str, int]:
        parts = (self, *self._parts().values())
        return super().counters() | {"overflow": sum(part.overflow for part in parts)}

    def snapshot(self) -> dict[str, Any]:
        parts = {name: part.snapshot() for name, part in self._parts().items()}
        packets = [[flow, count] for flow, count in self._packets.items()]
        return super().snapshot() | parts | {"packets": packets, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        for name, part in self._parts().items():
            part.restore(state[name])
        self._packets = dict(state["packets"])
        self.overflow = state["overflow"]

    def _parts(self) -> dict[str, Any]:
        return {"window": self._window, "minute": self._minute, "errors": self._errors, "silence": self._silence,
                "restarts": self._restarts}  # fmt: skip


def _key(what: str, b: Behaviour, *more: str) -> bytes:
    return b"\0".join((what.encode(), b.client, b.server, b.protocol.encode(), *(part.encode() for part in more)))
