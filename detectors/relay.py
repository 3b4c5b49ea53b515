"""Hosts that pass on what they were given.

Detects: a host that received an amount of payload from one peer and, at once, sends about the same amount to
another one it never sent anything to, where the two peers are in different zones and the host itself began to send.
Why it matters: a proxy, a port forward or a carried-off file shows by its amounts even where its content is encrypted.
Evidence: the three hosts, both amounts, the time between, frames of both flows.
False positives: a new forwarder, broker bridge or mail relay; two transfers that happen to be of one size.
Techniques: T0884, T0886 in the catalogue.
Fires on: pcaps/exfiltration_model.pcap
Silent on: pcaps/normal_plant.pcap, pcaps/planned_update.pcap
Cost: a dictionary look-up for each flow that carried enough payload.
Blind when: the content is compressed, split or held back for longer than the period; one of the flows is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors import address
from detectors.base import SECOND, Detector
from detectors.learning import EVEN
from detectors.remote import in_plant, weight
from detectors.volumes import Volumes, place

if TYPE_CHECKING:
    from detectors.window import Table, Window

DIRECTIONS = 1 << 16  # (sender, receiver) known
RECEIVED = 8192  # receipts remembered; those of the longest ago leave
SENT = 1 << 14  # new directions of one window


@dataclass(frozen=True, slots=True)
class Settings:
    """`bytes`: least payload that counts; `share`: how near the amounts must be, 0.25 allows a quarter more or less;
    `seconds` between the end of one flow and the beginning of the next."""

    bytes: int = 512
    share: float = 0.25
    seconds: float = 120.0


class _Moved(NamedTuple):
    """Payload that went from one host to another in one flow; `began` is when the flow did."""

    began: int
    ended: int
    sender: bytes
    receiver: bytes
    amount: int
    place: tuple[int, int, str]
    app: str


class Relay(Detector):
    name = "relay"
    kinds = ("lateral.relay",)
    reads = ("flows",)
    settings_class = Settings
    anomaly = True
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._directions = self.learning.novelty(self.name, DIRECTIONS)
        self._volumes = Volumes()
        self._received: list[_Moved] = []
        self._sent: list[_Moved] = []

    def gather(self, window: Window) -> None:
        table = window["flows"]
        if not len(table):
            return
        least = self.settings.bytes
        enough = (table.numbers("bytes_out") >= least) | (table.numbers("bytes_in") >= least)
        for growth in self._volumes.grown(table, enough):
            where = place(table, growth)
            app = _protocol(table, growth.row)
            if growth.out >= least:
                moved = _Moved(growth.first, growth.last, growth.src, growth.dst, growth.out, where, app)
                self._received.append(moved)
                if growth.began and len(self._sent) < SENT:
                    self._sent.append(moved)
                elif growth.began:
                    self.overflow += 1
            if growth.back >= least:
                self._received.append(
                    _Moved(growth.first, growth.last, growth.dst, growth.src, growth.back, where, app)
                )
            if len(self._received) > 4 * RECEIVED:
                self._received = sorted(self._received)[-RECEIVED:]

    def judge(self, window: Window) -> None:
        horizon = window.end - int(self.settings.seconds * SECOND)
        kept = sorted(moved for moved in self._received if moved.ended >= horizon)
        self._received = kept[-RECEIVED:]
        into: dict[bytes, list[_Moved]] = {}
        for sent in sorted(self._sent):
            key = sent.sender + sent.receiver
            text = f"{address.text(sent.sender)} sends to {address.text(sent.receiver)}"
            if not self._directions.fresh(key, sent.sender, text):
                continue
            if not into:
                for moved in self._received:
                    into.setdefault(moved.receiver, []).append(moved)
            came = [m for m in into.get(sent.sender, ()) if self._matches(m, sent)]
            if came:
                source = min(came, key=lambda m: (abs(m.amount - sent.amount), m))
                self._directions.report(key, self._report(source, sent))
        self._sent.clear()

    def _matches(self, came: _Moved, sent: _Moved) -> bool:
        wait = sent.began - came.began
        if wait < 0 or sent.began - came.ended > self.settings.seconds * SECOND:
            return False
        if came.sender == sent.receiver or abs(came.amount - sent.amount) > self.settings.share * came.amount:
            return False
        here, there = self.places.zone(came.sender), self.places.zone(sent.receiver)
        across = (here.name if here else "") != (there.name if there else "")
        return across and (in_plant(here) or in_plant(self.places.zone(sent.sender)) or in_plant(there))

    def _report(self, came: _Moved, sent: _Moved) -> str:
        zones = [self.places.zone(host) for host in (came.sender, sent.sender, sent.receiver)]
        severity = weight(self.places, zones[1], zones[2], sent.app)
        identity, cause = self.book.cause(
            "lateral.relay", (came.sender, sent.sender, sent.receiver), protocol=sent.app,
            severity="low" if severity == "low" else "medium", confidence=0.6,
        )  # fmt: skip
        names = [zone.name if zone else "" for zone in zones]
        cause.between(sent.began, sent.sender, sent.receiver, names[1], names[2])
        cause.seen(1, came.began, sent.ended)
        for moved in (came, sent):
            cause.shown(*moved.place)
        cause.scored(self.learning.surprise(), EVEN)
        wait = max(0, sent.began - came.ended) / SECOND
        cause.facts |= {"received_bytes": came.amount, "sent_bytes": sent.amount, "seconds_between": round(wait, 3)}
        cause.facts |= {"received_from": address.text(came.sender), "received_by": came.app}
        cause.summary = (
            f"{address.text(sent.sender)} received {came.amount} bytes from {address.text(came.sender)} "
            f"({names[0] or 'no zone'}) and {wait:.1f} s later sent {sent.amount} to {address.text(sent.receiver)} "
            f"({names[2] or 'no zone'}), to which it never sent anything"
        )
        return identity

    def sizes(self) -> dict[str, int]:
        held = {"flows": len(self._volumes), "received": len(self._received)}
        return super().sizes() | held

    def snapshot(self) -> dict[str, Any]:
        received = [list(m._replace(sender=m.sender.hex(), receiver=m.receiver.hex())) for m in self._received]  # type: ignore[arg-type]
        held = {"received": received, "volumes": self._volumes.snapshot()}
        return super().snapshot() | held | {"overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._volumes.restore(state["volumes"])
        self._received = [
            _Moved(began, ended, bytes.fromhex(src), bytes.fromhex(dst), amount, tuple(where), app)
            for began, ended, src, dst, amount, where, app in state["received"]
        ]
        self.overflow = state["overflow"]


def _protocol(table: Table, row: int) -> str:
    return table.text("app", row) or table.text("service", row)
