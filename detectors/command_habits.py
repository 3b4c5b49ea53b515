"""What clients are used to: functions, addresses, selecting before operating, being the only master. For `commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from detectors import address
from detectors.behaviours import Behaviour
from detectors.command_words import DIRECT, broadcast, housekeeping, moves_file, span, station, word

if TYPE_CHECKING:
    from detectors.book import Cause
    from detectors.learning import Learning
    from detectors.novelty import Novelty
    from detectors.write_ranges import Outside, WriteRanges

STATIONS = 8192  # of which the masters, or the last writers of an object, are remembered; the oldest leaves
MASTERS = 8  # remembered of one
NEWCOMER = "newcomer"  # in place of an alert's id: reported as such by other detectors, not normal


class Report(Protocol):
    def __call__(
        self, kind: str, b: Behaviour, *, told: str, severity: str = "", subject: tuple[str, ...] = ()
    ) -> Cause: ...


class Habits:
    def __init__(self, known: Novelty, learning: Learning, ranges: WriteRanges, report: Report) -> None:
        self._known, self._learning, self._ranges, self._report = known, learning, ranges, report
        self._stations: dict[bytes, dict[bytes, int]] = {}  # station, or object: clients and when each was last seen
        self._selected: dict[bytes, int] = {}  # stations that were operated by select
        self.overflow = 0

    def newcomer(self, b: Behaviour) -> bool:
        """Whether this client was not yet known to use this server when learning ended."""
        return self._learning.live("commands", b.client) and self._known.told(_key("client", b)) != ""

    def function(self, b: Behaviour) -> bool:
        """Whether client and function are known; a known client that uses a function for the first time is told."""
        client, function = _key("client", b), _key("function", b, b.operation)
        known = self._known.told(client) == ""
        if housekeeping(b):
            return known
        if self._known.fresh(client, b.client, f"client of {address.text(b.server)} by {b.protocol}"):
            self._known.report(client, NEWCOMER)
        used = self._known.told(function)
        if self._known.fresh(function, b.client, f"{b.operation} on {address.text(b.server)}"):
            self._known.report(function, NEWCOMER)
            if known and not (b.operation in DIRECT or word(b) or moves_file(b)):  # those are told by their own names
                changing = b.access in ("write", "control")
                cause = self._report("new_function", b, told=f"used {b.operation} for the first time on",
                                     severity="medium" if changing else "low", subject=(b.operation,))  # fmt: skip
                cause.facts["access"] = b.access
        return known and used == ""

    def once(self, kind: str, b: Behaviour, *, told: str) -> None:
        """A call that may be an operator's daily work: told when it is new."""
        key = _key(kind, b, b.object)
        if self._known.fresh(key, b.client, f"{b.operation} {b.object}"):
            self._known.report(key, NEWCOMER)
            self._report(kind, b, told=told)

    def file(self, b: Behaviour, *, firmware: bool) -> None:
        """Files that a client moves for the first time; what looks like firmware is always told when it is new."""
        key = _key("file", b, b.access, b.object if firmware else "")
        if self._known.fresh(key, b.client, f"{b.operation} {b.object}"):
            self._known.report(key, NEWCOMER)
            what = f"file {b.object!r}" if b.object else "a file"
            verb = "read" if b.access == "read" else "wrote or changed"
            cause = self._report("file_transfer", b, told=f"{verb} {what} on")
            if firmware and not cause.facts["change"]:
                cause.raise_to("high")
            cause.facts["like_firmware"] = firmware or cause.facts.get("like_firmware", False)
        elif self._known.told(key):
            self._report("file_transfer", b, told="moves files to or from")

    def direct(self, b: Behaviour, *, required: bool) -> None:
        """An operate without select, where the station was selected before by anybody."""
        habit = b"select\0" + b.server + station(b).encode() in self._selected
        key = _key("direct", b, b.unit)
        if required:
            self._report("direct_operate", b, told="operated without select, which the policy requires, on")
        elif habit and (self._known.fresh(key, b.client, "operates without select") or self._known.told(key)):
            self._known.report(key, NEWCOMER)
            self._report("direct_operate", b, told="operated without select, unlike others before, on")

    def stations(self, b: Behaviour) -> None:
        """Who talks to which station: a second master of a DNP3 outstation, a second writer of one object."""
        if b.operation == "select":
            self._remember(self._selected, b"select\0" + b.server + station(b).encode(), b.ts)
        if b.protocol in ("dnp3", "iec104"):
            self._second(b, b"master\0" + b.server + station(b).encode(), "medium", "is a second master of")
        elif b.access == "write" and b.object:
            key = b"\0".join((b"writer", b.server, b.unit.encode(), b.object.encode()))
            self._second(b, key, "low", f"writes {b.object}, as another client does, on")

    def _second(self, b: Behaviour, key: bytes, severity: str, told: str) -> None:
        others = self._stations.get(key)
        if others is None:
            others = {}
            self._remember(self._stations, key, others)
        ours = _key("master", b, key.hex())
        fresh = self._known.fresh(ours, b.client, told)
        if fresh and any(o != b.client for o in others):
            cause = self._report("two_masters", b, told=told, severity=severity,
                                 subject=(station(b),))  # fmt: skip
            cause.add("others", [address.text(o) for o in others if o != b.client])
        if fresh:
            self._known.report(ours, NEWCOMER)
        if b.client in others or len(others) < MASTERS:
            others[b.client] = max(b.last_ts, others.get(b.client, 0))

    def _remember(self, kept: dict[bytes, Any], key: bytes, value: Any) -> None:
        if key not in kept and len(kept) >= STATIONS:
            del kept[next(iter(kept))]
            self.overflow += 1
        kept[key] = value

    def where(self, b: Behaviour, *, known: bool) -> None:
        """Commands to everybody, and objects a known writer never wrote."""
        key = _key("broadcast", b, b.unit, b.operation)
        if broadcast(b) and self._known.fresh(key, b.client, f"{b.operation} to all stations"):
            self._known.report(key, NEWCOMER)
            self._report("broadcast_write", b, told=f"sent {b.operation} to all stations behind")
        if not b.object or b.operation in DIRECT or housekeeping(b) or word(b):
            return
        place = span(b.object)
        text = (b.client, b.server, b.unit, f"{b.operation} {place[0]}" if place else "")
        key = _key("object", b, b.unit, b.operation, b.object)
        if not self._known.fresh(key, b.client, f"{b.operation} {b.object}"):
            if place is not None and not self._learning.live("commands", b.client):
                self._ranges.learn(text, place[1], place[2])
            return
        self._known.report(key, NEWCOMER)
        learnt = self._ranges.learnt(text) if place else None
        if not known or (learnt and place and learnt[0] <= place[1] and place[2] <= learnt[1]):
            return
        cause = self._report("range", b, told=f"wrote {b.object}, which it never did, on", severity="medium")
        cause.facts["learnt_addresses"] = [learnt[0], learnt[1]] if learnt else []

    def value(self, outside: Outside) -> None:
        """A value outside of all that this client wrote there. Set points move: it is worth a note, no more."""
        client, server, unit, what = outside.key
        b = Behaviour(0, outside.ts, outside.ts, outside.frame, "modbus", client, server, 502, unit, "write", "write",
                      what, 1, 0, 1, outside.capture)  # fmt: skip
        low, high = outside.learnt
        told = f"wrote {outside.value} to {what} (learnt: {low} to {high}) on"
        cause = self._report("range", b, told=told, severity="low", subject=(what,))
        cause.add("values", [outside.value])
        cause.facts["learnt_values"] = [low, high]

    def sizes(self) -> dict[str, int]:
        return {"stations": len(self._stations), "selected": len(self._selected)}

    def snapshot(self) -> dict[str, Any]:
        stations = [[key.hex(), {c.hex(): ts for c, ts in known.items()}] for key, known in self._stations.items()]
        selected = [[key.hex(), ts] for key, ts in self._selected.items()]
        return {"stations": stations, "selected": selected, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        self._stations = {
            bytes.fromhex(key): {bytes.fromhex(c): ts for c, ts in known.items()} for key, known in state["stations"]
        }
        self._selected = {bytes.fromhex(key): ts for key, ts in state["selected"]}
        self.overflow = state["overflow"]


def _key(what: str, b: Behaviour, *more: str) -> bytes:
    return b"\0".join((what.encode(), b.client, b.server, b.protocol.encode(), *(part.encode() for part in more)))
