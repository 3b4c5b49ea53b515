"""Data of the plant that goes where it never went.

Detects: a plant host that begins to send payload out of its zone to a host it never sent anything to; a host outside
that fetches something from the plant for the first time and then sends about as much on; a new client in another zone
that subscribes to everything, or nearly, and is given it.
Why it matters: readings, recipes and models are what a spy comes for, and their way out is the last one to close.
Evidence: sender, destination, payload, what the policy says; for a subscription its filters or number of items, what
was delivered, and to whom the client sent afterwards; first frames.
False positives: a cloud service that is taken into use, a server that moved, a new historian or dashboard.
Techniques: T0882, T0883, T0861, T0802, AML.T0025 by kind, in the catalogue.
Fires on: pcaps/exfiltration_telemetry.pcap, pcaps/mqtt_wildcard.pcap
Silent on: pcaps/normal_plant.pcap
Cost: a dictionary look-up for each flow that carries payload across zones; behaviours are read once.
Blind when: the data go to a destination that was in use before, or stay within the zone of their sender.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors import address
from detectors.alert import worse
from detectors.base import SECOND, Address, Detector
from detectors.behaviours import Behaviour, Behaviours
from detectors.book import MEMBERS
from detectors.memory import Ids, latest
from detectors.remote import in_plant, weight
from detectors.subscriptions import is_wide
from detectors.volumes import Volumes, place

if TYPE_CHECKING:
    from detectors.window import Window
    from detectors.zones import Zone

DIRECTIONS = 1 << 16  # (sender, receiver) known
WATCHED = 4096  # new directions whose payload is still summed up; the one quiet for longest leaves
HELD = 4096  # hosts outside that fetched something; the one of the longest ago leaves
CLIENTS = 4096  # wide subscribers followed; the one quiet for longest leaves
SENT = 1 << 16  # flows of one window that carried payload, and wide subscriptions
_UTILITY = ("ntp", "dns")


@dataclass(frozen=True, slots=True)
class Settings:
    """Payload in bytes that makes a new destination worth an alert: in the internet, and in another zone. `items`: of
    an OPC UA subscription that is wide; `delivered`: messages until a subscription counts; `horizon`: seconds after
    which what was fetched is forgotten."""

    internet_bytes: int = 64
    zone_bytes: int = 4096
    items: int = 50
    delivered: int = 5
    horizon: float = 3600.0
    ignore: tuple[Address, ...] = ()  # addresses of destinations that are meant


class _Sent(NamedTuple):
    first: int
    last: int
    src: bytes
    dst: bytes
    out: int  # payload
    back: int
    place: tuple[int, int, str]
    protocol: str


class Exfiltration(Detector):
    name = "exfiltration"
    kinds = ("exfiltration.new_destination", "exfiltration.subscription")
    reads = ("flows", "behaviours")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._known = self.learning.novelty(self.name, DIRECTIONS)
        self._volumes = Volumes()
        self._seen = Ids()
        self._sent: list[_Sent] = []
        self._wide: list[Behaviour] = []
        self._sums: dict[bytes, list[int]] = {}  # sender and receiver: payload, last time
        self._fetched: dict[bytes, list[Any]] = {}  # host outside: when, how much, of whom
        self._clients: dict[bytes, list[Any]] = {}  # client and server of a wide subscription: messages, last, alert
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        table = window["flows"]
        if len(table):
            carried = table.where("transport", ("tcp", "udp")) & ~table.where("service", _UTILITY)
            for g in self._volumes.grown(table, carried):
                if len(self._sent) >= SENT:
                    self.overflow += 1
                elif (g.out or g.back) and g.dst not in self._ignored and address.scope(g.dst) != "group":
                    protocol = table.text("app", g.row) or table.text("service", g.row)
                    self._sent.append(_Sent(g.first, g.last, g.src, g.dst, g.out, g.back, place(table, g), protocol))
        behaviours = window.derive(Behaviours)
        for at in self._seen.fresh(behaviours.ids):
            b = behaviours.row(at)
            if b.access == "read" and is_wide(b, self.settings.items) and len(self._wide) < SENT:
                self._wide.append(b)
        if self._clients:
            self._deliveries(behaviours)

    def _deliveries(self, behaviours: Behaviours) -> None:
        reports = behaviours.where("access", ("report",))
        count = behaviours.array("count")
        for at in reports.tolist():
            b = behaviours.row(at)
            held = self._clients.get(b.client + b.server)
            if held is not None and b.operation in ("deliver", "Publish"):
                held[0] += int(count[at])
                held[1] = max(held[1], b.last_ts)

    def judge(self, window: Window) -> None:
        for b in sorted(self._wide):
            self._subscription(b)
        for sent in sorted(self._sent):
            self._direction(sent)
        for pair in sorted(self._clients):
            self._delivered(pair, self._clients[pair])
        self._wide.clear()
        self._sent.clear()
        horizon = window.end - int(self.settings.horizon * SECOND)
        self._fetched = {host: kept for host, kept in self._fetched.items() if kept[0] >= horizon}
        self._clients = {pair: kept for pair, kept in self._clients.items() if kept[1] >= horizon}
        self._sums = latest(self._sums, WATCHED, lambda kept: kept[1])
        self._fetched = latest(self._fetched, HELD, lambda kept: kept[0])
        self._clients = latest(self._clients, CLIENTS, lambda kept: kept[1])

    def _direction(self, sent: _Sent) -> None:
        here, there = self.places.zone(sent.src), self.places.zone(sent.dst)
        if here is not None and there is not None and here.name == there.name:
            return
        if in_plant(there) and not in_plant(here) and sent.back:
            self._fetch(sent)
        outward = here is not None and in_plant(here) and (there is None or there.level > here.level)
        carried = sent.src in self._fetched and not in_plant(here) and not in_plant(there)
        if not sent.out or not (outward or carried):
            return
        key = sent.src + sent.dst
        text = f"{address.text(sent.src)} sends to {address.text(sent.dst)}"
        if self._known.fresh(key, sent.src, text):
            self._known.report(key, "watched")
            self._sums[key] = [0, 0]
        held = self._sums.get(key)
        if held is None:
            return
        held[0], held[1] = held[0] + sent.out, max(held[1], sent.last)
        internet = there is not None and there.kind == "internet"
        if in_plant(here):
            least = self.settings.internet_bytes if internet else self.settings.zone_bytes
        else:
            least = max(self.settings.internet_bytes, self._fetched[sent.src][1] // 2)
        if held[0] >= least:
            self._destination(sent, held[0], here, there, internet)

    def _fetch(self, sent: _Sent) -> None:
        """A host outside was given something by the plant; the first time is remembered for a while."""
        key = b"\0".join((b"fetch", sent.src, sent.dst))
        new = self._known.fresh(key, sent.src, f"{address.text(sent.src)} fetches from {address.text(sent.dst)}")
        if new:
            self._known.report(key, "watched")
        elif sent.src not in self._fetched or not self._known.told(key):
            return
        if sent.back >= self.settings.internet_bytes:
            before = self._fetched.get(sent.src, [0, 0, ""])
            self._fetched[sent.src] = [max(before[0], sent.last), before[1] + sent.back, address.text(sent.dst)]

    def _destination(self, sent: _Sent, total: int, here: Zone | None, there: Zone | None, internet: bool) -> None:
        severity = weight(self.places, here, there, sent.protocol)
        if internet and severity != "low":
            severity = "high"
        elif severity != "low":
            severity = "medium"
        carried = self._fetched.get(sent.src) if not in_plant(here) else None
        _, cause = self.book.cause(
            "exfiltration.new_destination", (sent.src, sent.dst), protocol=sent.protocol,
            severity="low", confidence=0.6 if carried else self.learning.confidence(self.name),
        )  # fmt: skip
        cause.raise_to(severity)
        cause.between(sent.first, sent.src, sent.dst, here.name if here else "", there.name if there else "")
        cause.seen(1, sent.first, sent.last)
        cause.shown(*sent.place)
        cause.add("protocols", [sent.protocol] if sent.protocol else [])
        policy = self.places.decide(here, there, sent.protocol, "", None).reason
        cause.facts |= {"payload_bytes": total, "policy": policy}
        what = (
            f"sent {total} bytes to {address.text(sent.dst)} ({cause.zones[1] or 'no zone'}), where it never sent any"
        )
        if carried:
            cause.facts |= {"fetched_bytes": carried[1], "fetched_from": carried[2]}
            what = f"fetched {carried[1]} bytes from {carried[2]} for the first time and {what}"
        cause.summary = f"{address.text(sent.src)} ({cause.zones[0] or 'no zone'}) {what}"
        for pair in sorted(self._clients):
            onward, name = self._clients[pair][3], address.text(sent.dst)
            if pair[:16] == sent.src and pair[16:] != sent.dst and name not in onward and len(onward) < MEMBERS:
                onward.append(name)

    def _subscription(self, b: Behaviour) -> None:
        here, there = self.places.zone(b.client), self.places.zone(b.server)
        if here is not None and there is not None and here.name == there.name:
            return
        pair = b.client + b.server
        key = b"\0".join((b"wide", pair, b.protocol.encode(), b.object.encode()))
        if not self._known.fresh(key, b.client, f"subscribes to {b.object} of {address.text(b.server)}"):
            return
        _, cause = self.book.cause(
            "exfiltration.subscription", (b.client, b.server, b.protocol), protocol=b.protocol,
            severity="low", confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        cause.between(b.ts, b.client, b.server, here.name if here else "", there.name if there else "")
        cause.seen(0, b.ts, b.last_ts)
        cause.shown(b.ts, b.frame, b.capture)
        cause.add("filters", [b.object[:200]])
        cause.summary = (
            f"{address.text(b.client)} ({cause.zones[0] or 'no zone'}) subscribed to {cause.sets['filters'][0]} of "
            f"{address.text(b.server)} ({cause.zones[1] or 'no zone'}), as no client of that zone was seen to do"
        )
        self._clients.setdefault(pair, [0, b.last_ts, b.protocol, []])

    def _delivered(self, pair: bytes, held: list[Any]) -> None:
        messages, last, protocol, onward = held
        if messages < self.settings.delivered:
            return
        _, cause = self.book.cause("exfiltration.subscription", (pair[:16], pair[16:], protocol), protocol=protocol)
        grown = messages - cause.count
        if grown > 0:
            cause.seen(grown, last, last)
        cause.raise_to("medium")
        if onward:
            cause.add("sent_on_to", onward)
            cause.raise_to(worse("medium"))

    def sizes(self) -> dict[str, int]:
        held = {"sums": len(self._sums), "fetched": len(self._fetched), "clients": len(self._clients)}
        return super().sizes() | held | {"flows": len(self._volumes), "behaviours": len(self._seen)}

    def snapshot(self) -> dict[str, Any]:
        names = ("sums", "fetched", "clients")
        held = {n: {k.hex(): v for k, v in sorted(getattr(self, f"_{n}").items())} for n in names}
        return super().snapshot() | held | {"volumes": self._volumes.snapshot(), "seen": self._seen.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._volumes.restore(state["volumes"])
        self._seen.restore(state["seen"])
        for name in ("sums", "fetched", "clients"):
            setattr(self, f"_{name}", {bytes.fromhex(k): list(v) for k, v in state[name].items()})
