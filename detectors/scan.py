"""Hosts that look for others: ports, addresses, controllers, Modbus units, functions, nodes, topics, points.

Detects: many ports of one host, many hosts of one network, many controllers, many units behind one server or many
refused functions of it, many blocks of its points, many nodes of an OPC UA server, tried by one host within the
period; subscriptions to all topics, integrity polls of DNP3 and calls to all devices of a network by hosts that never
did so.
Why it matters: it comes before nearly everything else, and it upsets fragile devices.
Evidence: how many targets in the period, some of them by name, ports, first frames.
False positives: asset inventories and vulnerability scanners of one's own; a network manager that pings; a client that
keeps trying devices which are switched off; a client that walks a server's nodes as it starts.
Techniques: T0846.001, T0846.002, T0846, T0888, T0861, T0802, T0801 by kind, in the catalogue.
Fires on: pcaps/port_scan.pcap, pcaps/address_scan.pcap, pcaps/modbus_unit_scan.pcap, pcaps/opcua_browse.pcap,
pcaps/mqtt_wildcard.pcap, pcaps/dnp3_restart.pcap, pcaps/broadcast_discovery.pcap,
pcaps/point_sweep.pcap
Silent on: pcaps/normal_plant.pcap, pcaps/many_controllers.pcap
Cost: numpy over the flows of a window; a dictionary entry for each probe.
Blind when: the scan is slower than the threshold in a period (default two minutes); ARP asks in the name of nobody
(RFC 5227); a client that was learnt sweeps points that all answer, which `baseline` tells.

Only *probes* count: flows that were never opened, or that ended at once with nothing recognised in them. A client
that polls fifty controllers is no scan, however it starts. Of ARP requests those count that ask for a host nobody ever
heard. Points count that are refused, and for a client that is new to the server those that answer as well. The period
ends with the window, so it is up to one window longer than configured. The defaults are those Microsoft publishes for
Defender for IoT: 25 ports, 50 addresses of a /16, 10 controllers, in two minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Address, Detector
from detectors.behaviours import Behaviours
from detectors.book import FRAMES
from detectors.memory import Ids, Memo
from detectors.protocols import OT_PORTS
from detectors.scan_arp import Asked
from detectors.scan_words import CALLED, CONFIDENCE, DONE, FAILING, PROTOCOL, PROTOCOLS, counted, learnt
from detectors.sessions import GLANCE, UNOPENED, capture_of
from detectors.window import Array, Table, Window, groups

SUSPECTS = 4096  # followed at a time; the one quiet for longest leaves
TARGETS = 2048  # targets counted of one suspect; beyond this the count says "at least"
_ENDED = ("reset", "closed", "closing")

_KINDS = (
    "ports", "addresses", "controllers", "units", "functions", "points", "browse", "wildcard", "integrity_poll",
    "broadcast",
)  # fmt: skip

Try = tuple[int, int, str]  # when, frame, capture: the latest probe of a target
Suspect = tuple[str, bytes, bytes]  # kind, who, and where: a host, a network


@dataclass(frozen=True, slots=True)
class Settings:
    seconds: float = 120.0
    ports: int = 25
    addresses: int = 50
    controllers: int = 10
    units: int = 10
    functions: int = 8
    points: int = 50
    browse: int = 50
    wildcard: int = 1
    integrity_poll: int = 1
    broadcast: int = 1
    ignore: tuple[Address, ...] = ()  # addresses of scanners of one's own


class Scan(Detector):
    name = "scan"
    kinds = tuple(f"scan.{k}" for k in _KINDS)
    reads = ("flows", "behaviours", "sightings")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._tried: dict[Suspect, dict[str, Try]] = {}
        self._known = self.learning.novelty(self.name)
        self._asked = Asked()
        self._looked_at = Ids()
        self._answering = Memo()  # client and server of which answers are seen at all
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        self._asked.gather(window)
        table = window["flows"]
        if len(table):
            self._probes(table)
            self._calls(table)
        behaviours = window.derive(Behaviours)
        if not len(behaviours):
            return
        asked = behaviours.where("protocol", PROTOCOLS)
        for fresh in self._looked_at.fresh(behaviours.ids[asked]):
            b = behaviours.row(int(asked[fresh]))
            if b.client in self._ignored:
                continue
            if b.answered and b.protocol == "modbus":
                self._answering.put(b.client + b.server)
            this = (b.ts, b.frame, b.capture)
            for kind, target in counted(b):
                self._try(kind, b.client, b.server, target, this)
            for kind, target in learnt(b):
                # Which points a client is known to read, `baseline` knows; here it matters whether it reads any.
                if self._never(kind, b.client, b.server, "" if kind == "scan.points" else target):
                    self._try(kind, b.client, b.server, target, this)

    def _never(self, kind: str, who: bytes, where: bytes, target: str = "") -> bool:
        """Whether the host was not known to do so when learning ended."""
        key = b"\0".join((kind.encode(), who, where, target.encode()))
        if self._known.fresh(key, who, f"{kind} {target}"):
            self._known.report(key, kind)
        return bool(self._known.told(key))

    def _probes(self, table: Table) -> None:
        rows = np.flatnonzero(_is_probe(table))
        if not len(rows):
            return
        ts = table.numbers("last_ts")
        src, dst, port = table.addresses("src_ip"), table.addresses("dst_ip"), table.numbers("dst_port")
        transports, names = table.codes("transport")
        rows = rows[np.lexsort((table.numbers("flow_id")[rows], -ts[rows]))]  # the latest speaks for its group
        first, _, _ = groups(table.keys(src[rows], dst[rows], port[rows], transports[rows]))
        for row in rows[first].tolist():
            who, where = src[row].tobytes(), dst[row].tobytes()
            this = (int(ts[row]), int(table.numbers("frame")[row]), capture_of(table, row))
            transport, number = names[int(transports[row])], int(port[row])
            scope = address.scope(where)
            if who in self._ignored or scope in ("group", "none"):
                continue
            if transport in ("tcp", "udp", "sctp"):
                self._try("scan.ports", who, where, f"{transport}/{number}", this)
            self._try("scan.addresses", who, _network(where), address.text(where), this)
            if number in OT_PORTS and transport in ("tcp", "udp"):
                self._try("scan.controllers", who, b"", address.text(where), this)

    def _calls(self, table: Table) -> None:
        """Discovery protocols are recognised by content, so that a call upon all devices is no probe."""
        called = np.isin(table.numbers("dst_port"), np.array(sorted(CALLED)))
        rows = np.flatnonzero(called & table.where("transport", ("udp",)))
        ts, src, dst = table.numbers("last_ts"), table.addresses("src_ip"), table.addresses("dst_ip")
        for row in rows[np.lexsort((table.numbers("flow_id")[rows], -ts[rows]))].tolist():
            who, group = src[row].tobytes(), dst[row].tobytes()
            if address.scope(group) != "group" or who in self._ignored:
                continue
            target = f"{address.text(group)} udp/{int(table.numbers('dst_port')[row])}"
            if self._never("scan.broadcast", who, group, target):
                this = (int(ts[row]), int(table.numbers("frame")[row]), capture_of(table, row))
                self._try("scan.broadcast", who, group, target, this)

    def _try(self, kind: str, who: bytes, where: bytes, target: str, this: Try) -> None:
        suspect = (kind, who, where)
        targets = self._tried.get(suspect)
        if targets is None:
            if len(self._tried) >= 2 * SUSPECTS:
                self.overflow += 1
                return
            targets = self._tried[suspect] = {}
        if target in targets or len(targets) < TARGETS:
            targets[target] = max(this, targets.get(target, this))

    def judge(self, window: Window) -> None:
        for who, ip, this in self._asked.close(window.end, lambda ip: bool(self.site.inventory.last_seen(ip))):
            if who not in self._ignored:
                self._try("scan.addresses", who, _network(ip), address.text(ip), this)
        self.overflow += self._asked.overflow
        self._asked.overflow = 0
        horizon = window.end - int(self.settings.seconds * SECOND)
        for suspect in sorted(self._tried):
            targets = {t: this for t, this in self._tried[suspect].items() if this[0] >= horizon}
            kind, who, where = suspect
            if not targets:
                del self._tried[suspect]
                continue
            self._tried[suspect] = targets
            if len(targets) < getattr(self.settings, kind.removeprefix("scan.")):
                continue
            if kind == "scan.browse" and not self._never(kind, who, where):
                continue
            # A tap that sees one direction only shows no answer at all.
            if kind not in FAILING or self._answering.get(who + where) is not None:
                self._report(kind, who, where, targets)
        if len(self._tried) > SUSPECTS:
            quiet = sorted(self._tried, key=lambda s: (max(self._tried[s].values()), s))
            for suspect in quiet[: len(self._tried) - SUSPECTS]:
                del self._tried[suspect]

    def _report(self, kind: str, who: bytes, where: bytes, targets: dict[str, Try]) -> None:
        host = len(where) == 16
        _, cause = self.book.cause(kind, (who, where), protocol=PROTOCOL.get(kind, ""), confidence=CONFIDENCE[kind])
        tries = sorted(targets.values())
        more = [one for one in tries if one[0] > cause.last_ts]  # since it was told last
        if len(targets) > cause.count or more:
            cause.seen(max(0, len(targets) - cause.count), (more or tries)[0][0], tries[-1][0])
        cause.between(tries[0][0], who, where if host else _first_target(targets))
        for ts, frame, capture in tries[:FRAMES]:
            cause.shown(ts, frame, capture)
        cause.add("targets", targets)
        cause.facts["seconds"] = self.settings.seconds
        cause.facts["threshold"] = getattr(self.settings, kind.removeprefix("scan."))
        cause.facts["at_least"] = len(targets) >= TARGETS
        what = DONE[kind].format(cause.count) + (f" of {address.text(where)}" if host else "")
        cause.summary = f"{address.text(who)} {what} within {self.settings.seconds:g} s"

    def sizes(self) -> dict[str, int]:
        held = {"suspects": len(self._tried), "behaviours": len(self._looked_at), "asked": len(self._asked)}
        return super().sizes() | held | {"targets": max(map(len, self._tried.values()), default=0)}

    def snapshot(self) -> dict[str, Any]:
        tried = [[k, a.hex(), b.hex(), targets] for (k, a, b), targets in self._tried.items()]
        memos = {
            "asked": self._asked.snapshot(),
            "looked_at": self._looked_at.snapshot(),
            "answering": self._answering.snapshot(),
        }
        return super().snapshot() | memos | {"tried": tried, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._asked.restore(state["asked"])
        self._looked_at.restore(state["looked_at"])
        self._answering.restore(state["answering"])
        self.overflow = state["overflow"]
        self._tried = {}
        for kind, who, where, targets in state["tried"]:
            suspect = (kind, bytes.fromhex(who), bytes.fromhex(where))
            self._tried[suspect] = {t: (ts, frame, capture) for t, (ts, frame, capture) in targets.items()}


def _first_target(targets: dict[str, Try]) -> bytes:
    return address.parse(min(targets, key=lambda t: (targets[t], t)))


def _is_probe(table: Table) -> Array:
    unopened = table.where("state", UNOPENED)
    tcp = table.where("transport", ("tcp",))
    glance = (table.numbers("packets_out") <= GLANCE) & table.where("app", ("",))
    ended = tcp & glance & table.where("state", _ENDED)
    # Without connections: a datagram nobody answered, or a ping, which a scanner sends once or twice.
    unanswered = ~tcp & glance & (table.numbers("packets_in") == 0)
    ping = glance & table.where("transport", ("icmp", "icmp6", "icmpv6"))
    found: Array = unopened | ended | unanswered | ping
    return found


def _network(ip: bytes) -> bytes:
    """The /16 of an IPv4 address, the /48 of an IPv6 address."""
    return ip[:14] if address.is_v4(ip) else ip[:6]
