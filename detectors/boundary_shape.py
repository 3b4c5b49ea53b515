"""The shape of the boundary itself: hosts and VLANs that join zones, and edges between zones that were not there.

Detects: a host with addresses of two zones on one hardware address that is no router; hosts of an AI zone and of
enterprise IT in one VLAN; a protocol between two zones that was not used while the sensor learnt.
Why it matters: a second cable or a shared VLAN leads past every firewall, and segmentation decays one rule at a time.
Evidence: addresses and zones of the hardware address; hosts of both zones by VLAN; both zones, protocol and first pair.
False positives: a router or firewall that forwarded nothing yet; a conduit that is allowed but was not used so far.
Techniques: T0886, T0822, AML.T0040 by kind, in the catalogue.
Fires on: pcaps/trunk_port.pcap, pcaps/misplugged.pcap, pcaps/planned_update.pcap
Silent on: pcaps/normal_plant.pcap, pcaps/allowed_conduits.pcap
Cost: one look at each ARP sighting that is new, and at each distinct session that is.
Blind when: the second address has a hardware address of its own, or the VLAN carries no tag at the tap.

What a conduit forbids is `boundary`'s to tell; drift is about what nobody forbids. With zones inferred it is not told:
they move with what is learnt of hosts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import Detector
from detectors.memory import Memo
from detectors.remote import ENTERPRISE, in_plant
from detectors.sessions import Sessions, capture_of

if TYPE_CHECKING:
    from detectors.window import Window

EDGES = 1 << 15  # (zone, zone, protocol) known
MACS = 1 << 14  # hardware addresses followed
ADDRESSES = 32  # of each; one with more is a router or a cluster
VLANS = 4096
HOSTS = 64  # of each zone in a VLAN

Place = tuple[int, int, str]  # when, frame, capture


@dataclass(frozen=True, slots=True)
class Settings:
    """`ignore`: hardware addresses of hosts that join zones on purpose."""

    ignore: tuple[str, ...] = ()


class BoundaryShape(Detector):
    name = "boundary_shape"
    kinds = ("boundary_shape.dual_homed", "boundary_shape.shared_vlan", "boundary_shape.drift")
    reads = ("flows", "sightings")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._looked_at = Memo()  # sessions, and sightings
        self._edges = self.learning.novelty(self.name, EDGES)
        self._own: dict[str, dict[str, list[Any]]] = {}  # MAC: addresses it speaks for by ARP, each with its place
        self._carried: dict[str, str] = {}  # MAC: the one host whose packets it brings; empty for a router
        self._vlans: dict[int, dict[str, dict[str, list[Any]]]] = {}  # VLAN: zone: hosts
        self._new: list[tuple[str, str, str, Place, bytes, bytes, int]] = []
        self._touched: set[str] = set()
        self._ignored = {mac.lower() for mac in self.settings.ignore}

    def gather(self, window: Window) -> None:
        self._sightings(window)
        found = window.derive(Sessions)
        for at in self._looked_at.fresh(found.keys):
            s = found.session(at)
            for mac, ip in ((s.src_mac, s.src), (s.dst_mac, s.dst)):
                self._bring(mac, ip.hex())
            if not s.opened or self.places.inferred or address.scope(s.dst) in ("group", "none"):
                continue
            ends = self.places.zone(s.src, s.vlan, s.src_mac), self.places.zone(s.dst, s.vlan, s.dst_mac)
            if ends[0] is None or ends[1] is None or not (in_plant(ends[0]) or in_plant(ends[1])):
                continue
            if self.places.decide(*ends, s.protocol, "", s.encrypted).allowed and ends[0].name != ends[1].name:
                if len(self._new) >= EDGES:
                    self.overflow += 1
                    return
                place = (found.first_ts[at], found.frame[at], found.capture(at))
                self._new.append((ends[0].name, ends[1].name, s.protocol, place, s.src, s.dst, found.last_ts[at]))

    def _bring(self, mac: str, ip: str) -> None:
        before = self._carried.get(mac)
        if before is None and mac and len(self._carried) < MACS:
            self._carried[mac] = ip
        elif before and before != ip:
            # Packets of two hosts: a router's, unless both are the host's own addresses.
            if not {before, ip} <= self._own.get(mac, {}).keys():
                self._carried[mac] = ""
            self._touched.add(mac)

    def _sightings(self, window: Window) -> None:
        table = window["sightings"]
        if not len(table) or self.places.inferred:
            return
        ips, vlans, ts, frames = (table.addresses("ip"), *(table.numbers(n) for n in ("vlan", "ts", "frame")))
        for row in np.flatnonzero(table.where("source", ("arp",))).tolist():
            mac, ip, vlan = table.text("mac", row), ips[row].tobytes(), int(vlans[row])
            if not mac or not any(ip) or address.scope(ip) in ("group", "none"):
                continue
            place = [int(ts[row]), int(frames[row]), capture_of(table, row)]
            own = self._own.get(mac)
            if own is None and len(self._own) >= MACS:
                self.overflow += 1
                continue
            own = self._own.setdefault(mac, {})
            if ip.hex() in own or len(own) < ADDRESSES:
                own[ip.hex()] = min(place, own.get(ip.hex(), place))
                self._touched.add(mac)
            self._neighbour(vlan, ip, place)

    def _neighbour(self, vlan: int, ip: bytes, place: list[Any]) -> None:
        """ARP is not routed: whoever is heard by it in a VLAN is in it."""
        zone = self.places.zone(ip)
        if not vlan or zone is None or zone.kind not in ("edge_ai", "it"):
            return
        hosts = self._vlans.setdefault(vlan, {}).setdefault(zone.kind, {})
        if ip.hex() in hosts or len(hosts) < HOSTS:
            hosts[ip.hex()] = min(place, hosts.get(ip.hex(), place))

    def judge(self, window: Window) -> None:
        for mac in sorted(self._touched):
            if mac not in self._ignored and len(self._own.get(mac, {})) > 1:
                self._joins(mac, self._own[mac])
        for vlan, kinds in sorted(self._vlans.items()):
            if len(kinds) == 2:
                self._shares(vlan, kinds)
        for edge in sorted(self._new):
            self._drift(*edge)
        self._new.clear()
        self._touched.clear()

    def _joins(self, mac: str, own: dict[str, list[Any]]) -> None:
        carried = self._carried.get(mac)
        if carried == "" or (carried and carried not in own):
            return  # it brings packets of others: a router, whose work it is
        zones: dict[str, list[str]] = {}
        for ip in sorted(own):
            zone = self.places.zone(bytes.fromhex(ip))
            if zone is not None:
                zones.setdefault(zone.name, []).append(ip)
        if len(zones) < 2:
            return
        levels = [self.places.zone(bytes.fromhex(ips[0])) for ips in zones.values()]
        outside = any(zone is not None and zone.level >= ENTERPRISE for zone in levels)
        _, cause = self.book.cause(
            "boundary_shape.dual_homed", (mac,), severity="high" if outside else "", confidence=0.8
        )
        first, second = (bytes.fromhex(ips[0]) for ips in list(zones.values())[:2])
        new = sorted(own.values())
        cause.between(new[0][0], first, second, *list(zones)[:2])
        cause.seen(0 if cause.count else 1, new[0][0], new[-1][0])
        for place in new:
            cause.shown(*place)
        cause.add("addresses", [address.text(bytes.fromhex(ip)) for ips in zones.values() for ip in ips])
        cause.add("zones", list(zones))
        cause.facts["mac"] = mac
        told = ", ".join(f"{address.text(bytes.fromhex(ips[0]))} ({zone})" for zone, ips in zones.items())
        cause.summary = f"one host ({mac}) is in {len(zones)} zones past the boundary between them: {told}"

    def _shares(self, vlan: int, kinds: dict[str, dict[str, list[Any]]]) -> None:
        hosts = sorted((place, ip) for held in kinds.values() for ip, place in held.items())
        ai, it = (bytes.fromhex(min(kinds[kind])) for kind in ("edge_ai", "it"))
        _, cause = self.book.cause("boundary_shape.shared_vlan", (vlan,), confidence=0.8)
        names = [zone.name if zone else "" for zone in (self.places.zone(ai), self.places.zone(it))]
        cause.between(hosts[0][0][0], ai, it, *names)
        cause.seen(0 if cause.count else 1, hosts[0][0][0], hosts[-1][0][0])
        for place, _ in hosts:
            cause.shown(*place)
        cause.add("hosts", [address.text(bytes.fromhex(ip)) for _, ip in hosts])
        cause.facts["vlan"] = vlan
        cause.summary = f"VLAN {vlan} carries hosts of {names[0]} and of {names[1]}: nothing filters between them"

    def _drift(self, src: str, dst: str, protocol: str, place: Place, one: bytes, other: bytes, last: int) -> None:
        key = f"{src}\0{dst}\0{protocol}".encode()
        new = self._edges.fresh(key, one, f"{protocol} from {src} to {dst}")
        told = self._edges.told(key)
        if not new and not told:
            return
        identity, cause = self.book.cause(
            "boundary_shape.drift", (src, dst, protocol), protocol=protocol,
            severity="low" if self.places.policy.conduits else "medium", confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        self._edges.report(key, identity)
        cause.between(place[0], one, other, src, dst)
        cause.seen(1, place[0], last)
        cause.shown(*place)
        cause.add("pairs", [f"{address.text(one)} -> {address.text(other)}"])
        cause.facts["learned_seconds"] = round(self.learning.learnt(self.name), 3)
        cause.summary = f"{protocol} from {src} to {dst} was not used before; {address.text(one)} began it"

    def sizes(self) -> dict[str, int]:
        held = {"macs": len(self._own), "carriers": len(self._carried), "vlans": len(self._vlans)}
        return super().sizes() | held | {"sessions": len(self._looked_at)}

    def snapshot(self) -> dict[str, Any]:
        vlans = [[vlan, kinds] for vlan, kinds in sorted(self._vlans.items())]
        held = {"own": self._own, "carried": self._carried, "vlans": vlans, "looked_at": self._looked_at.snapshot()}
        return super().snapshot() | held | {"overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._looked_at.restore(state["looked_at"])
        self._own = {mac: {ip: list(place) for ip, place in own.items()} for mac, own in state["own"].items()}
        self._carried = dict(state["carried"])
        self._vlans = {
            vlan: {kind: {ip: list(place) for ip, place in hosts.items()} for kind, hosts in kinds.items()}
            for vlan, kinds in state["vlans"]
        }
        self.overflow = state["overflow"]
