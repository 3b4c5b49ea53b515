"""Checks of `[[zone]]` and `[[conduit]]`, each error at the line it is about."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from detectors.crypto import VERSIONS
from detectors.zones import DIRECTIONS, INTERNET, KINDS, OPERATIONS, Conduit, Zone, told_apart
from sensor.config_read import Reader, unknown

if TYPE_CHECKING:
    from sensor.toml_lines import Path

T = TypeVar("T")
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
LEVELS = (0, 1, 2, 3, 3.5, 4, 5)
_VLANS = range(1, 4095)


def check_policy(reader: Reader, zones: tuple[Zone, ...], conduits: tuple[Conduit, ...]) -> None:
    networks: list[tuple[int, Network]] = []
    macs: dict[str, str] = {}
    vlans: dict[int, str] = {}
    for index, zone in enumerate(zones):
        path: Path = ("zone", index)
        _check_zone(reader, path, zone, [z.name for z in zones[:index]])
        for mac in zone.macs:
            _claim(reader, (*path, "macs"), macs, (mac.lower(), zone.name))
        for vlan in zone.vlans if not zone.cidrs else ():
            _claim(reader, (*path, "vlans"), vlans, (vlan, zone.name))
        for cidr in zone.cidrs:
            network = _network(reader, (*path, "cidrs"), zone, cidr)
            _check_overlap(reader, zones, index, network, networks)
            networks.append((index, network))
    names = [zone.name for zone in zones]
    for index, conduit in enumerate(conduits):
        _check_conduit(reader, ("conduit", index), conduit, names)


def _check_zone(reader: Reader, path: Path, zone: Zone, earlier: list[str]) -> None:
    if not zone.name:
        raise reader.error((*path, "name"), "this zone has an empty name")
    if zone.name in earlier:
        raise reader.error((*path, "name"), f"zone {zone.name!r} is defined twice; rename one or join them")
    if zone.level not in LEVELS:
        levels = ", ".join(f"{level:g}" for level in LEVELS)
        raise reader.error((*path, "level"), f"level {zone.level:g} is no Purdue level; use one of {levels}")
    if zone.kind not in KINDS:
        raise reader.error((*path, "kind"), unknown("kind of zone", zone.kind, KINDS))
    if not (zone.cidrs or zone.vlans or zone.macs) and zone.kind != INTERNET.kind:
        raise reader.error(path, f"zone {zone.name!r} names no network; add cidrs, vlans or macs")
    for vlan in zone.vlans:
        if vlan not in _VLANS:
            raise reader.error((*path, "vlans"), f"VLAN {vlan} does not exist; VLANs are 1 to 4094")
    for mac in zone.macs:
        if _MAC.fullmatch(mac) is None:
            raise reader.error((*path, "macs"), f"{mac!r} is no hardware address; write aa:bb:cc:dd:ee:ff")


def _network(reader: Reader, path: Path, zone: Zone, cidr: str) -> Network:
    try:
        return ipaddress.ip_network(cidr)
    except ValueError as error:
        try:
            mend = f"; write {ipaddress.ip_network(cidr, strict=False)}"
        except ValueError:
            mend = "; write it as 10.1.0.0/16"
        raise reader.error(path, f"zone {zone.name!r}: {error}{mend}") from None


def _check_overlap(
    reader: Reader, zones: tuple[Zone, ...], index: int, network: Network, earlier: list[tuple[int, Network]]
) -> None:
    """Nested networks are right, the longest prefix decides; equal ones need VLANs that tell the zones apart."""
    zone = zones[index]
    for place, other in earlier:
        rival = zones[place]
        if place == index or network != other or told_apart(zone, rival):
            continue
        raise reader.error(
            ("zone", index, "cidrs"),
            f"{network} is a network of zone {zone.name!r} and of zone {rival.name!r}; "
            "leave it in one, or name vlans in both that tell them apart",
        )


def _claim(reader: Reader, path: Path, owners: dict[T, str], claim: tuple[T, str]) -> None:
    what, name = claim
    other = owners.setdefault(what, name)
    if other != name:
        raise reader.error(path, f"{what} is claimed by zone {other!r} and zone {name!r}; leave it in one")


def _check_conduit(reader: Reader, path: Path, conduit: Conduit, names: list[str]) -> None:
    for key, end in (("from", conduit.source), ("to", conduit.target)):
        if end not in names and end != INTERNET.name:
            raise reader.error((*path, key), unknown("zone", end, [*names, INTERNET.name]))
    if conduit.source == conduit.target:
        raise reader.error((*path, "to"), f"zone {conduit.source!r} needs no conduit to itself; remove it")
    if not conduit.protocols:
        raise reader.error(path, 'this conduit allows no protocol; name some, or protocols = ["any"]')
    for operation in conduit.operations:
        if operation not in OPERATIONS:
            raise reader.error((*path, "operations"), unknown("operation", operation, OPERATIONS))
    if conduit.tls and conduit.tls not in VERSIONS:
        raise reader.error((*path, "tls"), unknown("version of TLS", conduit.tls, VERSIONS))
    if conduit.direction not in DIRECTIONS:
        raise reader.error((*path, "direction"), unknown("direction", conduit.direction, DIRECTIONS))
