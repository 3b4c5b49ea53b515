"""Log-ins that are refused again and again, and sessions without an account.

Detects: many log-ins of a client that a server refuses within the period (OPC UA, MQTT, HTTP); OPC UA servers that let
clients in without an account.
Why it matters: a password that is guessed leaves refusals first; where no account is asked for, none is needed.
Evidence: client and server, how many refusals, first frames; of anonymous sessions the clients.
False positives: a program with an old password that retries; servers that give away nothing but readings.
Techniques: T0859, T0886 in the catalogue.
Fires on: pcaps/opcua_guessing.pcap, pcaps/opcua_none.pcap
Silent on: pcaps/normal_plant.pcap, pcaps/encrypted_plant.pcap
Cost: numpy over OPC UA, MQTT and HTTP rows.
Blind when: the channel is encrypted, or each password is tried from another host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Address, Detector
from detectors.remote import allowed
from detectors.sessions import capture_of, frame_column, pairs

if TYPE_CHECKING:
    from detectors.window import Table, Window

REFUSED = 4096  # pairs of hosts with refused log-ins; the one quiet for longest leaves
GUESSES = 256  # entries kept of each
_MQTT = (4, 5, 134, 135)  # bad user name or password, not authorized: of 3.1.1 and of 5

Pair = tuple[bytes, bytes, str]  # client, server, protocol


@dataclass(frozen=True, slots=True)
class Settings:
    """`refused` log-ins within `seconds` are a guess."""

    refused: int = 5
    seconds: float = 60.0
    ignore: tuple[Address, ...] = ()  # addresses of clients


class Logins(Detector):
    name = "logins"
    kinds = ("credentials.guessing", "credentials.anonymous")
    reads = ("opcua", "mqtt", "flows")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._refused: dict[Pair, list[list[Any]]] = {}  # last, times, first, frame, capture
        self._open: dict[Pair, list[list[Any]]] = {}  # the same of this window, of sessions without an account
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        opcua, mqtt, flows = (window[name] for name in ("opcua", "mqtt", "flows"))
        if len(opcua):
            login = opcua.where("service", ("ActivateSession",))
            status = opcua.numbers("status")
            refused = login & opcua.where("identity_token", ("username", "certificate")) & (status >= 1 << 31)
            self._add(self._refused, "opcua", opcua, refused)
            anonymous = login & opcua.where("identity_token", ("anonymous",)) & (status < 1 << 31)
            self._add(self._open, "opcua", opcua, anonymous)
        if len(mqtt):
            refused = mqtt.where("packet", ("connack",)) & np.isin(mqtt.numbers("reason_code"), _MQTT)
            self._add(self._refused, "mqtt", mqtt, refused)
        if len(flows):
            web = flows.where("app", ("http",)) & flows.where("credentials", bool)
            for row in np.flatnonzero(web).tolist():
                web[row] = flows.text("info", row).endswith(" 401")
            self._add(self._refused, "http", flows, web)

    def _add(self, held: dict[Pair, list[list[Any]]], protocol: str, table: Table, chosen: Any) -> None:
        for pair in pairs(table, chosen):
            key = (pair.src, pair.dst, protocol)
            if pair.src in self._ignored or (key not in held and len(held) >= 2 * REFUSED):
                self.overflow += pair.src not in self._ignored
                continue
            frame = int(table.numbers(frame_column(table))[pair.row])
            one = [pair.last_ts, pair.rows, pair.first_ts, frame, capture_of(table, pair.row)]
            held.setdefault(key, []).append(one)

    def judge(self, window: Window) -> None:
        for key in sorted(self._open):
            self._anonymous(key, sorted(self._open[key]))
        self._open.clear()
        horizon = window.end - int(self.settings.seconds * SECOND)
        for key in sorted(self._refused):
            recent = [one for one in sorted(self._refused[key]) if one[0] >= horizon][-GUESSES:]
            self._refused[key] = recent
            if not recent:
                del self._refused[key]
            elif sum(one[1] for one in recent) >= self.settings.refused:
                self._guess(key, recent)
        if len(self._refused) > REFUSED:
            quiet = sorted(self._refused, key=lambda k: (self._refused[k][-1][0], k))
            for key in quiet[: len(self._refused) - REFUSED]:
                del self._refused[key]

    def _guess(self, key: Pair, recent: list[list[Any]]) -> None:
        src, dst, protocol = key
        _, cause = self.book.cause("credentials.guessing", key, protocol=protocol, confidence=0.9)
        here, there = self.places.zone(src), self.places.zone(dst)
        cause.between(recent[0][2], src, dst, here.name if here else "", there.name if there else "")
        since = cause.last_ts
        for last, count, first, frame, capture in recent:
            if last > since:
                cause.seen(count, first, last)
            cause.shown(first, frame, capture)
        cause.summary = (
            f"{address.text(dst)} refused {cause.count} log-ins of {address.text(src)} by {protocol}; "
            f"{self.settings.refused} within {self.settings.seconds:g} s are no slip"
        )

    def _anonymous(self, key: Pair, seen: list[list[Any]]) -> None:
        src, dst, protocol = key
        here, there = self.places.zone(src), self.places.zone(dst)
        inside = here is not None and there is not None and here.name == there.name
        severity = "info" if inside or allowed(self.places, here, there, protocol) else "low"
        _, cause = self.book.cause("credentials.anonymous", (dst, protocol), protocol=protocol, severity=severity)
        cause.between(seen[0][2], src, dst, here.name if here else "", there.name if there else "")
        for last, count, first, frame, capture in seen:
            cause.seen(count, first, last)
            cause.shown(first, frame, capture)
        cause.add("clients", [address.text(src)])
        cause.summary = f"{address.text(dst)} lets clients in by {protocol} without an account"

    def sizes(self) -> dict[str, int]:
        longest = max(map(len, self._refused.values()), default=0)
        return super().sizes() | {"refused": len(self._refused), "entries": longest}

    def snapshot(self) -> dict[str, Any]:
        refused = [[src.hex(), dst.hex(), protocol, kept] for (src, dst, protocol), kept in self._refused.items()]
        return super().snapshot() | {"refused": refused, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._refused = {
            (bytes.fromhex(a), bytes.fromhex(b), protocol): [list(one) for one in kept]
            for a, b, protocol, kept in state["refused"]
        }
        self.overflow = state["overflow"]
