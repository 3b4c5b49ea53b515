"""More than usual: payload that leaves a zone, and questions to a model.

Detects: a host that sends many times more payload out of its zone within the period than it ever did; a client that
asks an inference endpoint many times more often than it ever did.
Why it matters: a destination may be known and the protocol allowed: then only the amount tells that something is
carried off, or that a model is copied by its answers.
Evidence: the amount and the most that was seen before, the period, the share of it in each direction, destinations.
False positives: first backups and exports, a backlog after an outage, load tests.
Techniques: T0882, AML.T0025, AML.T0024.002, AML.T0040 by kind, in the catalogue.
Fires on: pcaps/exfiltration_telemetry.pcap, pcaps/model_queries.pcap
Silent on: pcaps/normal_plant.pcap
Cost: an addition for each flow that carries payload across zones; arrays of the questions of a window.
Blind when: the data leave slowly enough, or the host itself still learns.

Amounts of a live flow are known once a minute, so that the period is at least that. What exceeds is not learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Address, Detector
from detectors.behaviours import Behaviours
from detectors.memory import Ids
from detectors.remote import in_plant
from detectors.sessions import capture_of
from detectors.volumes import Volumes, place
from detectors.window import groups

if TYPE_CHECKING:
    from detectors.window import Window

STREAMS = 1 << 14  # senders, and clients of endpoints, followed; the one quiet for longest leaves
ACTS = 1 << 18  # behaviours whose server was looked at
_SLOWLY = 50  # of what a live host sends more than ever, this part is learnt at a time
VOLUME, QUERIES = "exfiltration.volume", "exfiltration.query_volume"
_ASKING = ("read", "session")  # accesses that are questions; a new session is one where the rest is encrypted

Stream = tuple[str, bytes, bytes]  # kind, who, and of whom (nobody for a sender)


@dataclass(frozen=True, slots=True)
class Settings:
    """`times` more than the most ever seen within `seconds`, and at least `bytes` or `queries`. `endpoints`: addresses
    of inference nodes besides those of zones of kind `edge_ai`."""

    times: float = 10.0
    seconds: float = 120.0
    bytes: int = 65536
    queries: int = 300
    endpoints: tuple[Address, ...] = ()


class Outflow(Detector):
    name = "outflow"
    kinds = (VOLUME, QUERIES)
    reads = ("flows", "behaviours")
    settings_class = Settings
    anomaly = True
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._volumes = Volumes()
        self._now: dict[
            Stream, dict[bytes, list[Any]]
        ] = {}  # of this window: amount, first, last, [frame, capture], by the other host
        self._recent: dict[Stream, list[list[int]]] = {}  # window end, amount
        self._most: dict[Stream, int] = {}
        self._endpoints = {address.parse(a) for a in self.settings.endpoints}
        self._seen = Ids(ACTS)
        self._servers: set[bytes] = set()  # inference endpoints that were seen
        self._known = self.learning.novelty(self.name, STREAMS)

    def gather(self, window: Window) -> None:
        table = window["flows"]
        if len(table):
            for g in self._volumes.grown(table, table.where("transport", bool)):
                if address.scope(g.dst) in ("group", "none"):
                    continue
                here, there = self.places.zone(g.src), self.places.zone(g.dst)
                if (here.name if here else "") == (there.name if there else ""):
                    continue
                for who, zone, whom, amount in ((g.src, here, g.dst, g.out), (g.dst, there, g.src, g.back)):
                    if amount and in_plant(zone):
                        self._add((VOLUME, who, b""), whom, amount, g.first, g.last, list(place(table, g)[1:]))
        self._queries(window.derive(Behaviours))

    def _queries(self, behaviours: Behaviours) -> None:
        if not len(behaviours):
            return
        table = behaviours.table
        for at in self._seen.fresh(behaviours.ids):
            server = behaviours.row(at).server
            if len(self._servers) < STREAMS and self._is_endpoint(server):
                self._servers.add(server)
        if not self._servers:
            return
        # Half an address finds the few rows worth a closer look.
        halves = np.ascontiguousarray(table.addresses("server_ip")).view(np.uint64).reshape(-1, 2)[:, 1]
        ends = np.frombuffer(b"".join(ip[8:] for ip in sorted(self._servers)), dtype=np.uint64)
        rows = np.flatnonzero(table.where("access", _ASKING) & np.isin(halves, ends))
        if not len(rows):
            return
        clients, servers = table.addresses("client_ip")[rows], table.addresses("server_ip")[rows]
        end = np.ones(len(rows), dtype=np.uint8)
        first, group, pairs = groups(table.keys(servers, clients, end))
        wanted = [self._is_endpoint(servers[at].tobytes()) for at in first.tolist()]
        if not any(wanted):
            return
        ts, last = table.numbers("ts")[rows], table.numbers("last_ts")[rows]
        totals = np.bincount(group, table.numbers("count")[rows], minlength=pairs)
        order = np.lexsort((table.numbers("frame")[rows], ts))
        latest = np.zeros(pairs, dtype=np.int64)
        np.maximum.at(latest, group, last)
        earliest = np.zeros(pairs, dtype=np.int64)
        earliest[group[order[::-1]]] = order[::-1]
        for at in np.flatnonzero(wanted).tolist():
            client, server = clients[first[at]].tobytes(), servers[first[at]].tobytes()
            row = int(rows[earliest[at]])
            where = [int(table.numbers("frame")[row]), capture_of(table, row)]
            began = int(ts[earliest[at]])
            self._add((QUERIES, client, server), server, int(totals[at]), began, int(latest[at]), where)

    def _is_endpoint(self, host: bytes) -> bool:
        zone = self.places.zone(host)
        return host in self._endpoints or (zone is not None and zone.kind == "edge_ai")

    def _add(self, stream: Stream, whom: bytes, amount: int, first: int, last: int, frame: list[Any]) -> None:
        if stream not in self._now and len(self._now) >= STREAMS:
            self.overflow += 1
            return
        told = self._now.setdefault(stream, {})
        before = told.get(whom)
        if before is None and len(told) >= STREAMS:
            self.overflow += 1
        elif before is None:
            told[whom] = [amount, first, last, frame]
        else:
            start, where = min((before[1], before[3]), (first, frame))
            told[whom] = [before[0] + amount, start, max(before[2], last), where]

    def judge(self, window: Window) -> None:
        horizon = window.end - int(self.settings.seconds * SECOND)
        for stream in sorted(self._now):
            told = self._now[stream]
            recent = [one for one in self._recent.get(stream, ()) if one[0] > horizon]
            recent.append([window.end, sum(amount for amount, *_ in told.values())])
            self._recent[stream] = recent
            self._judge(stream, sum(amount for _, amount in recent), told)
        self._now.clear()
        if len(self._recent) > STREAMS:
            for stream in sorted(self._recent, key=lambda s: (self._recent[s][-1][0], s))[
                : len(self._recent) - STREAMS
            ]:
                del self._recent[stream]
                self._most.pop(stream, None)

    def _judge(self, stream: Stream, amount: int, told: dict[bytes, list[Any]]) -> None:
        kind, who, _ = stream
        most = self._most.get(stream, 0)
        least = self.settings.bytes if kind == VOLUME else self.settings.queries
        last = max(one[2] for one in told.values())
        # the set only says whether this host is live: amounts have no keys
        live = self.learning.live(self.name, who) and not self.learning.young(who, last)
        if live and amount >= max(least, self.settings.times * most):
            self._report(stream, amount, most, told, max(least, self.settings.times * most))
        elif amount > most and live:
            self._most[stream] = most + (amount - most) // _SLOWLY  # else a thief would raise the bar window by window
        elif amount > most:
            self._most[stream] = amount
            self.learning.note(self.name, who)

    def _report(self, stream: Stream, amount: int, most: int, told: dict[bytes, list[Any]], threshold: float) -> None:
        kind, who, _ = stream
        whom = max(told, key=lambda host: (told[host][0], host))
        ends = [self.places.zone(who), self.places.zone(whom)]
        names = [zone.name if zone else "" for zone in ends]
        severity = ""
        if kind == VOLUME and ends[1] is not None and in_plant(ends[1]):
            # It leaves its zone, but not the plant; what goes down to the process leaves nothing behind it.
            severity = "low" if ends[0] is not None and ends[1].level < ends[0].level else "medium"
        last = max(one[2] for one in told.values())
        if self.site.changes.covering(last, "", who, whom):
            severity = "info"
        _, cause = self.book.cause(kind, (who, names[1] or "none"), severity=severity, confidence=0.7)
        first, frame = min((one[1], one[3]) for one in told.values())
        cause.between(first, who, whom, *names)
        cause.seen(1 if kind == VOLUME else sum(one[0] for one in told.values()), first, last)
        cause.shown(first, *frame)
        cause.add("destinations", [address.text(host) for host in told])
        cause.facts |= {"most_before": most, "seconds": self.settings.seconds}
        cause.scored(amount, threshold)
        cause.facts["most_now"] = now = max(amount, cause.facts.get("most_now", 0))
        unit = "bytes out of its zone" if kind == VOLUME else f"requests to {address.text(whom)}"
        before = f"the most before was {most}" if most else "it never did before"
        cause.summary = (
            f"{address.text(who)} ({names[0] or 'no zone'}) sent {now} {unit} within {self.settings.seconds:g} s, "
            f"mostly to {address.text(whom)} ({names[1] or 'no zone'}); {before}"
        )

    def sizes(self) -> dict[str, int]:
        longest = max(map(len, self._recent.values()), default=0)
        held = {"streams": len(self._recent), "most": len(self._most), "windows": longest}
        return super().sizes() | held | {"flows": len(self._volumes), "servers": len(self._servers)}

    def snapshot(self) -> dict[str, Any]:
        streams = [
            [k, a.hex(), b.hex(), self._recent[k, a, b], self._most.get((k, a, b), 0)] for k, a, b in self._recent
        ]
        held = {"seen": self._seen.snapshot(), "servers": sorted(ip.hex() for ip in self._servers)}
        held |= {"streams": streams, "volumes": self._volumes.snapshot(), "overflow": self.overflow}
        return super().snapshot() | held

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._volumes.restore(state["volumes"])
        self._seen.restore(state["seen"])
        self._servers = {bytes.fromhex(ip) for ip in state["servers"]}
        self._recent, self._most, self.overflow = {}, {}, state["overflow"]
        for kind, a, b, recent, most in state["streams"]:
            stream = (kind, bytes.fromhex(a), bytes.fromhex(b))
            self._recent[stream] = [list(one) for one in recent]
            if most:
                self._most[stream] = most
