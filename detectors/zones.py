"""Zones, conduits, and what a policy of both says about a session.

A zone is known by hardware addresses, networks or VLANs, in this order of weight: a MAC names one
host, the longest matching network names a place, and the VLAN is where a packet was *seen*, which for
a routed session is the VLAN of one of its ends only. So the VLAN decides between zones that use the
same network, and places a private address no network matches; it never places a public address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors import address
from detectors.crypto import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KINDS = ("ot", "it", "dmz", "edge_ai", "internet")
OPERATIONS = ("read", "write", "control", "any")
DIRECTIONS = ("push_only", "both")
_REMEMBERED = 65536  # addresses whose zone is kept; emptied when full, lookups are cheap


@dataclass(frozen=True, slots=True)
class Zone:
    name: str
    level: float
    cidrs: tuple[str, ...]
    vlans: tuple[int, ...] = ()
    macs: tuple[str, ...] = ()
    kind: str = "ot"


@dataclass(frozen=True, slots=True)
class Conduit:
    """Sessions `source` may open towards `target`; with direction `both` also the other way round. `tls`: the oldest
    version of TLS that is good enough here; it asks for encryption as well."""

    source: str
    target: str
    protocols: tuple[str, ...]
    operations: tuple[str, ...] = ("any",)
    encrypted: bool = False
    direction: str = "both"
    tls: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason`: `same_zone conduit no_policy` (allowed), `unknown_zone no_conduit push_only protocol operation
    not_encrypted` (not allowed). `conduit`: the one that allows, or that comes nearest."""

    allowed: bool
    reason: str
    conduit: Conduit | None = None


INTERNET = Zone("internet", 5.0, (), kind="internet")
# How near a refused session came to being allowed: the nearest reason is the one worth telling.
_NEARNESS = ("protocol", "operation", "not_encrypted")


class Policy:
    """Which zone an address is in, and whether two zones may talk so. ValueError for an impossible one."""

    inferred = False

    def __init__(self, zones: Iterable[Zone] = (), conduits: Iterable[Conduit] = ()) -> None:
        self.zones = tuple(zones)
        self.conduits = tuple(conduits)
        wrong = next(problems(self.zones, self.conduits), None)
        if wrong is not None:
            raise ValueError(wrong)
        self._internet = next((z for z in self.zones if z.kind == "internet"), INTERNET)
        self._macs = {mac.lower(): zone for zone in self.zones for mac in zone.macs}
        self._vlans = {vlan: zone for zone in self.zones for vlan in zone.vlans if not zone.cidrs}
        self._networks = _by_length(self.zones)
        self._known: dict[tuple[bytes, int, str], Zone | None] = {}

    def zone_of(self, ip: bytes, vlan: int = 0, mac: str = "") -> Zone | None:
        """The zone of an address (16 bytes); None: in none of them. A public address no zone claims is `internet`."""
        key = (ip, vlan, mac)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = self._look_up(ip, vlan, mac.lower())
        return self._known[key]

    def _look_up(self, ip: bytes, vlan: int, mac: str) -> Zone | None:
        if mac in self._macs:
            return self._macs[mac]
        value = int.from_bytes(ip, "big")
        for length, networks in self._networks:
            candidates = networks.get(value >> (128 - length))
            if candidates:
                return next((z for z in candidates if vlan in z.vlans), candidates[0])
        if address.scope(ip) == "public":
            return self._internet
        return self._vlans.get(vlan)

    def decide(
        self, src: Zone | None, dst: Zone | None, protocol: str, operation: str, encrypted: bool | None
    ) -> Verdict:
        """Whether a session opened from `src` to `dst` may do this. `operation`: an access of the behaviours, or
        empty when unknown; `encrypted` None: not known, never held against it."""
        if src is None or dst is None:
            return Verdict(False, "unknown_zone")
        if src.name == dst.name:
            return Verdict(True, "same_zone")
        if not self.conduits:
            return Verdict(True, "no_policy")
        nearest: tuple[int, Verdict] = (-1, Verdict(False, "no_conduit"))
        for conduit in self.conduits:
            forward = (conduit.source, conduit.target) == (src.name, dst.name)
            backward = (conduit.source, conduit.target) == (dst.name, src.name)
            if backward and not forward and conduit.direction == "push_only":
                nearest = max(nearest, (0, Verdict(False, "push_only", conduit)), key=_first)
            elif forward or backward:
                refusal = _refusal(conduit, protocol, operation, encrypted)
                if not refusal:
                    return Verdict(True, "conduit", conduit)
                found = (1 + _NEARNESS.index(refusal), Verdict(False, refusal, conduit))
                nearest = max(nearest, found, key=_first)
        return nearest[1]

    def least_tls(self, src: Zone | None, dst: Zone | None) -> str:
        """The oldest version of TLS that conduits between two zones accept, the strictest of several; empty: none says.
        What runs inside TLS is not seen, so that protocols do not tell conduits apart."""
        ends = {src.name if src else "", dst.name if dst else ""}
        return max((c.tls for c in self.conduits if {c.source, c.target} == ends), default="")


def _first(pair: tuple[int, Verdict]) -> int:
    return pair[0]


def _refusal(conduit: Conduit, protocol: str, operation: str, encrypted: bool | None) -> str:
    """What of a conduit a session offends; empty: nothing."""
    if "any" not in conduit.protocols and protocol not in conduit.protocols:
        return "protocol"
    if not _permits(conduit.operations, operation):
        return "operation"
    return "not_encrypted" if (conduit.encrypted or conduit.tls) and encrypted is False else ""


def _permits(operations: tuple[str, ...], operation: str) -> bool:
    if "any" in operations or operation in operations:
        return True
    # Opening a session is part of every use of it. Reports are what a reader subscribed to, or what a
    # writer publishes: whoever may only `control` has no use for them.
    return operation in ("", "session") or (operation == "report" and operations != ("control",))


def _by_length(zones: Iterable[Zone]) -> list[tuple[int, dict[int, list[Zone]]]]:
    """Networks by prefix length, longest first."""
    lengths: dict[int, dict[int, list[Zone]]] = {}
    for zone in zones:
        for cidr in zone.cidrs:
            value, length = address.prefix(cidr)
            lengths.setdefault(length, {}).setdefault(value >> (128 - length), []).append(zone)
    return sorted(lengths.items(), reverse=True)


def problems(zones: Iterable[Zone], conduits: Iterable[Conduit]) -> Iterator[str]:
    """What is wrong with a policy, a sentence each. Nested networks are right: the longest prefix decides."""
    zones = tuple(zones)
    names: set[str] = set()
    for zone in zones:
        if zone.name in names:
            yield f"zone {zone.name!r} is defined twice"
        names.add(zone.name)
        if zone.kind not in KINDS:
            yield f"zone {zone.name!r}: kind {zone.kind!r} is none of {', '.join(KINDS)}"
        if not 0 <= zone.level <= 5:
            yield f"zone {zone.name!r}: level {zone.level} is not between 0 and 5"
    yield from _overlaps(zones)
    for conduit in conduits:
        yield from _problems(conduit, names)


def _problems(conduit: Conduit, names: set[str]) -> Iterator[str]:
    label = f"conduit {conduit.source!r} to {conduit.target!r}"
    for end in (conduit.source, conduit.target):
        if end not in names and end != INTERNET.name:
            yield f"{label}: there is no zone {end!r}"
    if conduit.source == conduit.target:
        yield f"{label}: a zone needs no conduit to itself"
    for operation in conduit.operations:
        if operation not in OPERATIONS:
            yield f"{label}: operation {operation!r} is none of {', '.join(OPERATIONS)}"
    if conduit.tls and conduit.tls not in VERSIONS:
        yield f"{label}: tls {conduit.tls!r} is none of {', '.join(VERSIONS)}"
    if conduit.direction not in DIRECTIONS:
        yield f"{label}: direction {conduit.direction!r} is none of {', '.join(DIRECTIONS)}"
    if not conduit.protocols:
        yield f"{label}: no protocol is named; name them, or 'any'"


def told_apart(zone: Zone, other: Zone) -> bool:
    """Whether VLANs decide between two zones that use the same network."""
    return bool(zone.vlans) and bool(other.vlans) and not set(zone.vlans) & set(other.vlans)


def _overlaps(zones: tuple[Zone, ...]) -> Iterator[str]:
    """Two zones may share a network only where VLANs tell them apart, and never a MAC or a bare VLAN."""
    claims: dict[tuple[str, object], list[Zone]] = {}
    for zone in zones:
        keys: list[tuple[str, object]] = [("MAC", mac.lower()) for mac in zone.macs]
        for cidr in zone.cidrs:
            try:
                keys.append(("network", address.prefix(cidr)))
            except ValueError as error:
                yield f"zone {zone.name!r}: {error}"
        if not zone.cidrs:
            keys += [("VLAN", vlan) for vlan in zone.vlans]
        for key in keys:
            for other in claims.setdefault(key, []):
                if other is not zone and not (key[0] == "network" and told_apart(zone, other)):
                    yield f"zones {other.name!r} and {zone.name!r} overlap: both claim the same {key[0]}"
            claims[key].append(zone)
