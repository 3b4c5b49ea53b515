"""Faults of the mirror port itself: what it does not show, nobody can judge.

Detects: TCP bytes that were acknowledged and never seen; packets that the kernel dropped; copies; cut packets; frames
that a network card put together; connections of which one side is missing; an interface that falls silent; a VLAN that
is gone while others go on; clocks that were set.
Why it matters: a sensor on half a mirror reports a quiet plant.
Evidence: interface, VLANs with the share of each, first packets.
False positives: captures that were cut or filtered on purpose; asymmetric routes; a cell that is switched off.
Techniques: none: these are faults of the sensor's own senses, of the class `operational`.
Fires on: captures that tests/mirror_faults.py makes of pcaps/normal_plant.pcap, one a kind
Silent on: pcaps/normal_plant.pcap
Cost: a few additions a window, interface and VLAN.
Blind when: the loss is of datagrams, which nobody acknowledges, or shows in fewer than three windows, or merged frames
stay below the size of a jumbo frame.

Each interface is judged by itself, and each VLAN of it, in periods of packet time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors.base import SECOND, Detector
from detectors.mirror_counts import COUNTED, SHARES, WHOLE, Period
from detectors.mirror_presence import LEAST, Presence

if TYPE_CHECKING:
    from detectors.book import Cause
    from detectors.mirror_counts import Share
    from detectors.window import Window

PORTS = 256  # interfaces or captures followed; further ones are counted, not judged
VLANS = 1024  # of one of them
SHOWN = 32  # VLANs named in an alert
_LIVE = "live-"  # how the engine's names of interfaces begin: live-INTERFACE-OPENED


@dataclass(frozen=True, slots=True)
class Settings:
    """Shares in per cent of a period of `seconds`, and how many there must be; loss in so many windows of it, where it
    has as many: one hole alone is more likely a forged sequence number than a fault of the mirror. `silent_seconds`,
    `vlan_seconds`: without a packet, or `factor` times the longest pause so far; a VLAN counts after `steady_seconds`.
    `clock_seconds`: by how much a clock must be set."""

    seconds: float = 60.0
    loss: float = 1.0
    loss_bytes: int = 500
    loss_windows: int = 3
    dropped: float = 0.0
    duplicates: float = 5.0
    duplicate_packets: int = 20
    truncated: float = 1.0
    truncated_packets: int = 10
    one_sided: float = 50.0
    one_sided_flows: int = 3
    silent_seconds: float = 60.0
    vlan_seconds: float = 60.0
    steady_seconds: float = 600.0
    factor: float = 10.0
    clock_seconds: float = 1.0

    def of(self, kind: str) -> tuple[float, float]:
        """Per cent from which on a share is a fault, and the least there must be of it."""
        least = {"loss": self.loss_bytes, "duplicates": self.duplicate_packets, "truncated": self.truncated_packets,
                 "one_sided": self.one_sided_flows}  # fmt: skip
        return float(getattr(self, kind, 0.0)), least.get(kind, 1)


@dataclass(slots=True)
class Row:
    """What one window shows of an interface and VLAN. `place`: of its first packet."""

    sums: dict[str, int]
    first: int
    last: int
    place: tuple[int, str]
    back: int
    step: int

    def add(self, other: Row) -> None:
        if other.sums["packets"] and (
            not self.sums["packets"] or (other.first, other.place) < (self.first, self.place)
        ):
            self.first, self.place = other.first, other.place
        self.last = max(self.last, other.last)
        self.sums = {name: self.sums[name] + other.sums[name] for name in COUNTED}
        self.back, self.step = max(self.back, other.back), max(self.step, other.step, key=abs)


class Port:
    def __init__(self, begun: int) -> None:
        self.period = Period(begun, VLANS)
        self.here = Presence(first=begun, last=begun)
        self.vlans: dict[int, Presence] = {}


class Mirror(Detector):
    name = "mirror"
    kinds = (*(f"mirror.{share.kind}" for share in SHARES), "mirror.silent", "mirror.vlan_lost", "mirror.clock")
    reads = ("mirror",)
    settings_class = Settings
    settings: Settings
    watches_silence = True

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._ports: dict[str, Port] = {}
        self._now: dict[str, dict[int, Row]] = {}

    def gather(self, window: Window) -> None:
        table = window["mirror"]
        if not len(table):
            return
        columns = {name: table.numbers(name).tolist() for name in (*COUNTED, "vlan", "frame", "backward_ns",
                   "clock_step_ns", "ts", "last_ts")}  # fmt: skip
        for at in range(len(table)):
            of = {name: values[at] for name, values in columns.items()}
            capture = table.text("capture", at)
            name = interface(capture)
            if name not in self._now and len(self._now) >= PORTS:
                self.overflow += 1
                continue
            row = Row({n: of[n] for n in COUNTED}, of["ts"], of["last_ts"], (of["frame"], capture), of["backward_ns"],
                      of["clock_step_ns"])  # fmt: skip
            known = self._now.setdefault(name, {}).setdefault(of["vlan"], row)
            if known is not row:
                known.add(row)

    def judge(self, window: Window) -> None:
        for name, rows in sorted(self._now.items()):
            port = self._ports.get(name)
            if port is None:
                if len(self._ports) >= PORTS:
                    quiet = min(self._ports, key=lambda other: (self._ports[other].here.last, other))
                    del self._ports[quiet]
                port = self._ports[name] = Port(window.start)
            if not 0 <= window.end - port.period.begun <= self.settings.seconds * SECOND:
                port.period = Period(window.start, VLANS)
            for vlan, row in sorted(rows.items()):
                port.period.add(vlan, row.sums)
            self._shares(name, port, rows, window.end - window.start)
            self._clock(name, port, rows)
            came = {vlan: row for vlan, row in rows.items() if row.sums["packets"]}
            self._silence(name, port, came, window)
            self._vlans(name, port, came, window)
        self._now.clear()

    def _shares(self, name: str, port: Port, rows: dict[int, Row], length: int) -> None:
        most = max(1, int(self.settings.seconds * SECOND) // max(1, length))  # windows of a period
        for share in SHARES:
            times = min(self.settings.loss_windows, most) if share.kind == "loss" else 1
            found = dict(port.period.over(share, *self.settings.of(share.kind), times))
            if share.kind == "dropped":
                found = {vlan: percent for vlan, percent in found.items() if vlan == WHOLE}
            if not found or not any(row.sums[share.part] for row in rows.values()):
                continue
            cause = self._cause(share.kind, name)
            shown = {vlan: row for vlan, row in rows.items() if row.sums[share.part]}
            fresh = max(port.period.counts[vlan].news(share) for vlan in found)
            first = min(row.first for row in shown.values())
            cause.seen(fresh, first, max(row.last for row in shown.values()))
            for row in shown.values():
                cause.shown(row.first, *row.place)
            self._tell(cause, share, name, found)

    def _tell(self, cause: Cause, share: Share, name: str, found: dict[int, float]) -> None:
        worst = {int(vlan): percent for vlan, percent in cause.facts.get("vlans", {}).items()}
        for vlan, percent in found.items():
            if vlan != WHOLE:
                worst[vlan] = max(round(percent, 2), worst.get(vlan, 0.0))
        kept = sorted(worst, key=lambda vlan: (-worst[vlan], vlan))[:SHOWN]
        percent = max(cause.facts.get("percent", 0.0), round(max(found.values()), 2))
        cause.facts |= {"percent": percent, "vlans": {str(vlan): worst[vlan] for vlan in sorted(kept)}}
        cause.summary = f"{name}: {percent:g} % {share.says}{_of_vlans(kept)}"

    def _clock(self, name: str, port: Port, rows: dict[int, Row]) -> None:
        step = sum(row.step for row in rows.values())
        for seen in (port.here, *port.vlans.values()):
            seen.last += step  # what was skipped or came a second time is no pause
        limit = int(self.settings.clock_seconds * SECOND)
        for row in rows.values():
            moved = max((-row.back, row.step), key=abs)
            if abs(moved) >= max(1, limit):
                cause = self._cause("clock", name)
                cause.seen(1, min(row.first, row.last), row.last)
                cause.shown(row.first, *row.place)
                farthest = max((round(moved / SECOND, 3), cause.facts.get("seconds", 0.0)), key=lambda s: (abs(s), s))
                cause.facts["seconds"] = farthest
                way = "back" if farthest < 0 else "forward"
                cause.summary = f"{name}: the clock that stamps packets was set {way} by {abs(farthest):g} s"

    def _silence(self, name: str, port: Port, came: dict[int, Row], window: Window) -> None:
        here = port.here
        patience = here.patience(int(self.settings.silent_seconds * SECOND), self.settings.factor)
        if not came:
            pause = window.end - here.last
            if pause >= patience and not here.gone:
                here.gone = here.told = True
                self._silent(name, here.last, window.end, pause).seen(1, here.last, window.end)
            return
        first, last = min(row.first for row in came.values()), max(row.last for row in came.values())
        before, told = here.last, here.told
        pause = max(0, first - before) if here.packets else 0
        here.told = told or (pause >= patience and here.packets >= LEAST)
        if here.told and pause >= patience:
            self._silent(name, before, first, pause).seen(0 if told else 1, before, first)
        here.came(first, last, sum(row.sums["packets"] for row in came.values()))

    def _silent(self, name: str, since: int, until: int, pause: int) -> Cause:
        cause = self._cause("silent", name)
        seconds = max(round(pause / SECOND, 1), cause.facts.get("seconds", 0.0))
        cause.facts["seconds"] = seconds
        cause.summary = f"{name}: no packet came for {seconds:g} s"
        cause.dirty = True
        return cause

    def _vlans(self, name: str, port: Port, came: dict[int, Row], window: Window) -> None:
        for vlan, row in came.items():
            if vlan not in port.vlans and len(port.vlans) >= VLANS:
                self.overflow += 1
                continue
            port.vlans.setdefault(vlan, Presence()).came(row.first, row.last, row.sums["packets"])
        if not came:
            return
        least = int(self.settings.vlan_seconds * SECOND)
        for vlan, seen in sorted(port.vlans.items()):
            away = window.end - seen.last
            if vlan in came or seen.gone or away < seen.patience(least, self.settings.factor):
                continue
            seen.gone = True
            seen.told = seen.steady(int(self.settings.steady_seconds * SECOND))
            if seen.told:
                cause = self._cause("vlan_lost", name)
                cause.seen(1, seen.last, window.end)
                cause.add("vlans", [vlan])
                lost = cause.sets["vlans"]
                cause.summary = f"{name}: nothing comes any more{_of_vlans(lost)}, while other packets do"

    def _cause(self, kind: str, name: str) -> Cause:
        _, cause = self.book.cause(f"mirror.{kind}", (name,))
        cause.facts["interface"] = name
        return cause

    def sizes(self) -> dict[str, int]:
        held = max((len(port.vlans) for port in self._ports.values()), default=0)
        counted = max((len(port.period.counts) - 1 for port in self._ports.values()), default=0)
        return super().sizes() | {"ports": len(self._ports), "vlans": held, "counted": counted}

    def snapshot(self) -> dict[str, Any]:
        ports = {
            name: {
                "period": port.period.snapshot(),
                "here": port.here.snapshot(),
                "vlans": {str(vlan): seen.snapshot() for vlan, seen in port.vlans.items()},
            }
            for name, port in self._ports.items()
        }
        return super().snapshot() | {"ports": ports, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.overflow = state["overflow"]
        self._ports = {}
        for name, kept in state["ports"].items():
            port = self._ports[name] = Port(0)
            port.period.restore(kept["period"])
            port.here = Presence(**kept["here"])
            port.vlans = {int(vlan): Presence(**seen) for vlan, seen in kept["vlans"].items()}


def interface(capture: str) -> str:
    """The interface that the engine's name of a capture means; a file's is its own."""
    return capture.removeprefix(_LIVE).rpartition("-")[0] if capture.startswith(_LIVE) else capture


def _of_vlans(vlans: list[int]) -> str:
    tagged = ", ".join(map(str, sorted(vlan for vlan in vlans if vlan)))
    return f" (VLAN {tagged})" if tagged else ""
