"""Requests that are answered twice, and streams whose numbers do not follow each other. For `spoofing`.

Both rest on the packet path's oddities. Where bytes are missing between two hosts, either may be the sensor's own loss,
and nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND
from detectors.behaviours import Behaviours
from detectors.rates import Rates
from detectors.sessions import capture_of, pairs

if TYPE_CHECKING:
    from detectors.spoofing import Spoofing
    from detectors.window import Table, Window

PAIRS = 4096  # pairs of hosts with oddities, of one window
FACTOR = 3  # times the learnt most
_ODDITIES = {
    "unsolicited_response": "two_answers",
    "transport_sequence": "sequence",
    "sequence_gap": "sequence",
    "wrong_direction": "sequence",
}
_LOSS = ("gap", "resynchronised", "truncated", "fragment_incomplete")

_MIX = np.uint64(0x9E3779B97F4A7C15)  # spreads flow ids, so that unit and function can be mixed in

Key = tuple[str, bytes, bytes, str]  # kind, client, server, protocol


class Answers:
    def __init__(self) -> None:
        self._rates = Rates()
        self._now: dict[Key, list[Any]] = {}  # first time, frame, capture, last time, count, detail
        self._lossy: set[tuple[bytes, bytes]] = set()
        self._answered: list[Any] = []  # Modbus transactions of the window that have their answer
        self._second: list[tuple[int, int, int, str, bytes, bytes, int]] = []  # and answers that found no request
        self._lost = 0

    @property
    def overflow(self) -> int:
        return self._lost + self._rates.overflow

    def gather(self, window: Window) -> None:
        if len(window["modbus"]):
            self._transactions(window["modbus"])
        table = window["anomalies"]
        if not len(table):
            return
        kinds, names = table.codes("kind")
        protocols, protocol_names = table.codes("protocol")
        wanted = table.where("kind", (*_ODDITIES, *_LOSS))
        for pair in pairs(table, wanted, kinds, protocols):
            oddity = names[int(kinds[pair.row])]
            if oddity in _LOSS:
                self._lossy.add((pair.src, pair.dst))
                continue
            key = (_ODDITIES[oddity], pair.src, pair.dst, protocol_names[int(protocols[pair.row])])
            if key[0] == "two_answers" and key[3] == "modbus":
                continue  # its table says more
            place = (pair.first_ts, int(table.numbers("frame")[pair.row]), capture_of(table, pair.row))
            detail = f"{oddity}: {table.text('detail', pair.row)[:200]}"
            self._add(key, place, pair.last_ts, pair.rows, detail)

    def _add(self, key: Key, place: tuple[int, int, str], last: int, count: int, detail: str) -> None:
        if key not in self._now and len(self._now) >= PAIRS:
            self._lost += count
            return
        kept = self._now.setdefault(key, [place, 0, 0, detail])
        kept[0], kept[3] = min((kept[0], kept[3]), (place, detail))
        kept[1], kept[2] = max(kept[1], last), kept[2] + count

    def _transactions(self, table: Table) -> None:
        """Of Modbus, an answer that found no request, while requests of its function and unit have theirs, is a second
        one: who answers in another's place need not know the transaction's number."""
        function = table.numbers("unit_id").astype(np.uint64) << np.uint64(8) | table.numbers("function_code")
        numbers = table.numbers("flow_id").astype(np.uint64) * _MIX ^ function
        self._answered.append(numbers[table.where("status", ("ok", "exception"))])
        ts, frames = table.numbers("ts"), table.numbers("response_frame")
        for row in np.flatnonzero(table.where("status", ("unsolicited",))).tolist():
            if len(self._second) >= PAIRS:
                self._lost += 1
                continue
            place = int(ts[row]), int(frames[row]), capture_of(table, row)
            ends = table.ip("src_ip", row), table.ip("dst_ip", row)
            self._second.append((int(numbers[row]), *place, *ends, int(table.numbers("function_code")[row])))

    def _seconds(self) -> None:
        if self._second:
            wanted = np.array([number for number, *_ in self._second], dtype=np.uint64)
            among = np.isin(wanted, np.concatenate(self._answered))
            for (_, ts, frame, capture, src, dst, code), second in zip(self._second, among.tolist(), strict=True):
                if second:
                    self._add(("two_answers", src, dst, "modbus"), (ts, frame, capture), ts, 1, f"function {code}")
        self._answered, self._second = [], []

    def judge(self, owner: Spoofing, window: Window) -> None:
        settings = owner.settings
        self._seconds()
        for (kind, src, dst, protocol), kept in self._now.items():
            if (src, dst) not in self._lossy:
                self._rates.add(_packed(kind, src, dst, protocol), kept[2])
        least = {"two_answers": settings.answers, "sequence": settings.sequence}
        totals = self._rates.close(
            window.end, int(settings.seconds * SECOND), lambda _: owner.learning.live(owner.name)
        )
        told = [(key, totals.get(_packed(*key), 0)) for key in sorted(self._now)]
        told = [(k, n) for k, n in told if n >= max(least[k[0]], FACTOR * self._rates.most(_packed(*k)))]
        answered = answered_pairs(window, {key[1:3] for key, _ in told}) if told else set()
        for key, total in told:
            if key[0] == "sequence" or key[3] == "modbus" or key[1:3] in answered:
                self._report(owner, key, total)
        self._now.clear()
        self._lossy.clear()

    def _report(self, owner: Spoofing, key: Key, total: int) -> None:
        kind, src, dst, protocol = key
        place, last, count, detail = self._now[key]
        _, cause = owner.book.cause(f"spoofing.{kind}", (src, dst, protocol), protocol=protocol, confidence=0.8)
        zones = owner.places.zone(src), owner.places.zone(dst)
        cause.between(place[0], src, dst, *(zone.name if zone else "" for zone in zones))
        cause.seen(count, place[0], last)
        cause.shown(*place)
        cause.add("details", [detail])
        cause.facts["in_period"] = max(total, cause.facts.get("in_period", 0))
        what = "requests were answered twice" if kind == "two_answers" else "messages were out of sequence, none lost,"
        cause.summary = f"{total} {what} between {address.text(src)} and {address.text(dst)} ({protocol})"

    def sizes(self) -> dict[str, int]:
        return {"pairs": max(len(self._now), len(self._rates)), "lossy": len(self._lossy), "second": len(self._second)}

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        return {"rates": self._rates.snapshot(), "lost": self._lost}

    def restore(self, state: dict[str, Any]) -> None:
        self._rates.restore(state["rates"])
        self._lost = state["lost"]


def _packed(kind: str, src: bytes, dst: bytes, protocol: str) -> bytes:
    return src + dst + f"{kind} {protocol}".encode()


def answered_pairs(window: Window, wanted: set[tuple[bytes, bytes]]) -> set[tuple[bytes, bytes]]:
    """Of these pairs, those whose requests of the window were answered as well: then an answer too many is a second."""
    behaviours = window.derive(Behaviours)
    found: set[tuple[bytes, bytes]] = set()
    if not len(behaviours):
        return found
    clients, servers = behaviours.addresses("client_ip"), behaviours.addresses("server_ip")
    answered = behaviours.array("answered") > 0
    for src, dst in sorted(wanted):
        client = (clients == np.frombuffer(src, np.uint8)).all(axis=1)
        server = (servers == np.frombuffer(dst, np.uint8)).all(axis=1)
        if (client & server & answered).any():
            found.add((src, dst))
    return found
