"""Addresses as the tables carry them: 16 bytes, IPv4 mapped into IPv6."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_MAPPED = bytes(10) + b"\xff\xff"
_BROADCAST = _MAPPED + b"\xff\xff\xff\xff"


def is_v4(ip: bytes) -> bool:
    return ip.startswith(_MAPPED)


@lru_cache(maxsize=65536)
def text(ip: bytes) -> str:
    """The usual notation; an IPv4 address without its mapping."""
    if is_v4(ip):
        return ".".join(map(str, ip[12:]))
    return str(ipaddress.IPv6Address(ip))


def parse(address: str) -> bytes:
    """16 bytes of an address in the usual notation; ValueError if it is none."""
    parsed = ipaddress.ip_address(address)
    return _MAPPED + parsed.packed if parsed.version == 4 else parsed.packed


@lru_cache(maxsize=65536)
def scope(ip: bytes) -> str:
    """`public`, `private` (RFC 1918, ULA, link-local, loopback, reserved), `group` (multicast, broadcast) or `none`."""
    if not any(ip) or ip == _MAPPED + bytes(4):
        return "none"
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    address = ipaddress.IPv4Address(ip[12:]) if is_v4(ip) else ipaddress.IPv6Address(ip)
    if address.is_multicast or ip == _BROADCAST:
        return "group"
    return "public" if address.is_global else "private"


def link_local(ip: bytes) -> bool:
    """fe80::/10 and 169.254.0.0/16."""
    return ip[12:14] == b"\xa9\xfe" if is_v4(ip) else (ip[0] == 0xFE and ip[1] & 0xC0 == 0x80)


def subnet(ip: bytes) -> bytes:
    """The usual network of a host where nobody said otherwise: /24 for IPv4, /64 for IPv6."""
    return ip[:15] if is_v4(ip) else ip[:8]


def prefix(cidr: str) -> tuple[int, int]:
    """A network as (128-bit value, prefix length in 128 bits); ValueError if it is none."""
    network = ipaddress.ip_network(cidr, strict=False)
    if network.version == 4:
        return int.from_bytes(_MAPPED + network.network_address.packed, "big"), network.prefixlen + 96
    return int(network.network_address), network.prefixlen


def within(ip: bytes, network: tuple[int, int]) -> bool:
    """Whether an address (16 bytes) is in a network as `prefix` gives it."""
    value, length = network
    return (int.from_bytes(ip, "big") ^ value) >> (128 - length) == 0
