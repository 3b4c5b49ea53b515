"""Commands that a process does not see every day.

Detects: restart, stop, mode change and muting of a device; files to and from it; commands to all stations; operating
without select where selecting was the habit; steps out of their usual order; brute-force writing; functions, addresses
and values that a known writer never used; two masters of one unit; commands nobody answers; writes outside of approved
changes.
Why it matters: this is where an intruder, or an error, moves the process.
Evidence: client, server, unit, operations and objects, what was learnt, first frames.
False positives: maintenance nobody entered as a change; standby masters; recipes written for the first time.
Techniques: T0816, T0858, T0878, T0838, T0843, T0845, T0806, T0836, T0848, T1691.001, T1692.001 by
kind, in the catalogue.
Fires on: pcaps/dnp3_restart.pcap, pcaps/dnp3_silence.pcap, pcaps/dnp3_file.pcap, pcaps/brute_force_io.pcap,
pcaps/dnp3_direct_operate.pcap, pcaps/modbus_unit_scan.pcap, pcaps/maintenance_window.pcap, pcaps/dnp3_stop.pcap,
pcaps/modbus_broadcast.pcap, pcaps/changed_master.pcap, pcaps/skipped_step.pcap
Silent on: pcaps/normal_plant.pcap
Cost: numpy over the window's behaviours; a dictionary entry for each that is new, and for each write.
Blind when: the protocol is encrypted, or a known master does harm by the commands it always gives.

A master that starts disables unsolicited responses, reads everything and enables them again (IEEE 1815, 5.1.1.1): that
is no alert for a known master. An approved change that covers it makes any of these `info`; a known master, or a
station named in `engineering`, one step milder than a newcomer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.alert import worse
from detectors.base import SECOND, Address, Detector
from detectors.behaviours import Behaviour, Behaviours
from detectors.catalogue import entry
from detectors.command_habits import Habits
from detectors.command_load import Load
from detectors.command_order import Order
from detectors.command_words import CALLS, COMMANDED, DIRECT, WORDS, call, like_firmware, moves_file, word
from detectors.memory import Ids
from detectors.write_ranges import WriteRanges

if TYPE_CHECKING:
    from detectors.book import Cause
    from detectors.window import Window

WAITING = 1024  # masters that disabled unsolicited responses and may enable them again
_KINDS = (
    "restart", "stop", "mode_change", "disable_unsolicited", "file_transfer", "broadcast_write", "direct_operate",
    "brute_force", "new_function", "range", "unanswered", "two_masters", "outside_window", "order",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """`brute_force`: writes of a client to a server, `unanswered`: commands without an answer, each within `seconds`.
    `settle_seconds`: a known master that starts enables unsolicited responses again within these. `select_required`:
    every operate must follow a select. `engineering`: stations known to maintain devices; `ignore`: not looked at."""

    seconds: float = 60.0
    brute_force: int = 40
    unanswered: int = 3
    settle_seconds: float = 10.0
    select_required: bool = False
    engineering: tuple[Address, ...] = ()
    ignore: tuple[Address, ...] = ()


class Commands(Detector):
    name = "commands"
    kinds = tuple(f"commands.{kind}" for kind in _KINDS)
    reads = ("behaviours", "modbus")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._looked_at = Ids()
        self._ranges = WriteRanges(self.name, self.learning)
        self._habits = Habits(self.learning.novelty(self.name), self.learning, self._ranges, self.report)
        self._load = Load(self)
        self._order = Order(self)
        self._fresh: list[Behaviour] = []
        self._words: list[Behaviour] = []
        self._enabled: dict[bytes, int] = {}  # master and outstation: when it last enabled unsolicited responses
        self._waiting: dict[bytes, Behaviour] = {}
        self._ignored = self.ignored
        self._engineers = {address.parse(a) for a in self.settings.engineering}

    def gather(self, window: Window) -> None:
        self._ranges.gather(window)
        behaviours = window.derive(Behaviours)
        if not len(behaviours):
            return
        for at in self._looked_at.fresh(behaviours.ids):
            b = behaviours.row(at)
            if b.protocol in COMMANDED and b.access in ("read", "write", "control") and b.client not in self._ignored:
                self._fresh.append(b)
        for at in behaviours.where("operation", (*WORDS, *DIRECT, "enable_unsolicited")).tolist():
            b = behaviours.row(at)
            if b.access == "control" and b.client not in self._ignored:
                self._words.append(b)
        self._load.gather(behaviours, self._ignored)
        self._order.gather(behaviours)

    def judge(self, window: Window) -> None:
        for b in sorted(self._words):
            self._word(b)
        for b in sorted(self._fresh):
            self._new(b)
        self._settle(window.end)
        for outside in self._ranges.judge():
            self._habits.value(outside)
        self._load.judge(window)
        self._order.judge(window, self._ignored)
        self._fresh.clear()
        self._words.clear()

    def _word(self, b: Behaviour) -> None:
        """An operation that says by its name what it does, however often it was seen."""
        if b.operation == "enable_unsolicited":
            key = _pair(b)
            self._enabled[key] = max(b.last_ts, self._enabled.get(key, 0))
        elif b.operation in DIRECT:
            self._habits.direct(b, required=self.settings.select_required)
        elif kind := word(b):
            if kind == "disable_unsolicited" and not self._habits.newcomer(b):
                if len(self._waiting) < WAITING or _pair(b) in self._waiting:
                    self._waiting[_pair(b)] = max(b, self._waiting.get(_pair(b), b))
                else:
                    self.overflow += 1
                return
            self.report(kind, b, told=_TOLD[kind])

    def _settle(self, end: int) -> None:
        """Masters that start enable again what they disabled; of the others it is told."""
        for key, b in sorted(self._waiting.items()):
            if self._enabled.get(key, 0) >= b.ts:
                del self._waiting[key]
            elif end - b.ts >= self.settings.settle_seconds * SECOND:
                self.report("disable_unsolicited", b, told=_TOLD["disable_unsolicited"])
                del self._waiting[key]
        self._enabled = {k: ts for k, ts in self._enabled.items() if end - ts < self.settings.settle_seconds * SECOND}

    def _new(self, b: Behaviour) -> None:
        """A behaviour never seen before."""
        known = self._habits.function(b)
        if moves_file(b):
            self._habits.file(b, firmware=like_firmware(b))
        elif b.operation in CALLS and (kind := call(b)):
            self._habits.once(kind, b, told=_TOLD[kind])
        self._habits.stations(b)
        if b.access in ("write", "control"):
            self._habits.where(b, known=known)

    def report(self, kind: str, b: Behaviour, *, told: str, severity: str = "", subject: tuple[str, ...] = ()) -> Cause:
        """One cause for what a client does to a unit of a server. `told`: what it did, between both their names."""
        full = f"commands.{kind}"
        change = self.site.changes.covering(b.ts, "update" if kind == "file_transfer" else b.access, b.client, b.server)
        milder = b.client in self._engineers or not self._habits.newcomer(b)
        severity = severity or worse(entry(full).severity, -1 if milder else 0)
        severity = "info" if change else severity
        confidence = 0.95 if kind in _TOLD else self.learning.confidence(self.name)
        unit = () if kind == "brute_force" else (b.unit,)
        _, cause = self.book.cause(
            full, (b.client, b.server, b.protocol, *unit, *subject), protocol=b.protocol, severity=severity,
            confidence=confidence,
        )  # fmt: skip
        src, dst = self.places.zone(b.client), self.places.zone(b.server)
        cause.between(b.ts, b.client, b.server, src.name if src else "", dst.name if dst else "")
        cause.seen(b.occurrences, b.ts, b.last_ts)
        cause.shown(b.ts, b.frame, b.capture)
        cause.add("operations", [b.operation])
        cause.add("objects", [b.object] if b.object else [])
        cause.facts |= {"unit": b.unit, "newcomer": self._habits.newcomer(b), "change": change.id if change else ""}
        if b.errors:
            cause.facts["refused"] = cause.facts.get("refused", 0) + b.errors
        unit_text = f" (unit {b.unit})" if b.unit and unit else ""
        cause.summary = f"{address.text(b.client)} {told} {address.text(b.server)}{unit_text} by {b.protocol}"
        if cause.facts["newcomer"]:
            cause.summary += "; it was never a client of it before"
        if change:
            cause.summary += f"; change {change.id} covers it"
        return cause

    def sizes(self) -> dict[str, int]:
        held = {"behaviours": len(self._looked_at), "ranges": len(self._ranges), "waiting": len(self._waiting)}
        return super().sizes() | held | self._habits.sizes() | self._load.sizes() | self._order.sizes()

    def counters(self) -> dict[str, int]:
        lost = (
            self.overflow + self._ranges.overflow + self._load.overflow + self._habits.overflow + self._order.overflow
        )
        return super().counters() | {"overflow": lost}

    def snapshot(self) -> dict[str, Any]:
        waiting = [_plain(b) for b in self._waiting.values()]
        enabled = [[key.hex(), ts] for key, ts in self._enabled.items()]
        parts = {name: part.snapshot() for name, part in self._parts().items()}
        own = {"looked_at": self._looked_at.snapshot(), "waiting": waiting, "enabled": enabled}
        return super().snapshot() | parts | own | {"overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        for name, part in self._parts().items():
            part.restore(state[name])
        self._looked_at.restore(state["looked_at"])
        self._enabled = {bytes.fromhex(key): ts for key, ts in state["enabled"]}
        self._waiting = {_pair(b): b for b in map(_behaviour, state["waiting"])}
        self.overflow = state["overflow"]

    def _parts(self) -> dict[str, Any]:
        return {"ranges": self._ranges, "habits": self._habits, "load": self._load, "order": self._order}


_TOLD = {
    "restart": "restarted, or told to listen only,",
    "stop": "stopped",
    "mode_change": "changed the mode or configuration of",
    "disable_unsolicited": "silenced the reports of",
}


def _pair(b: Behaviour) -> bytes:
    return b"\0".join((b.client, b.server, b.unit.encode()))


def _plain(b: Behaviour) -> list[Any]:
    return list(b._replace(client=b.client.hex(), server=b.server.hex()))  # type: ignore[arg-type]


def _behaviour(cells: list[Any]) -> Behaviour:
    b = Behaviour(*cells)
    return b._replace(client=bytes.fromhex(str(b.client)), server=bytes.fromhex(str(b.server)))
