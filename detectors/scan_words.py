"""What one behaviour looks for, as against what it uses. For `scan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.command_words import station

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.behaviours import Behaviour

PROTOCOLS = ("modbus", "opcua", "mqtt", "dnp3")
_IDENTIFY = frozenset(("read_device_identification", "report_server_id"))
_BROWSE = frozenset(("Browse", "TranslateBrowsePathsToNodeIds"))
_CLASS_0 = "60:1"  # all static data: DNP3's integrity poll
# UDP ports at which devices of a network are called upon to name themselves: BACnet Who-Is, EtherNet/IP List Identity,
# HART-IP, OPC UA discovery, Siemens and Schneider tools, KNX, Niagara.
CALLED = frozenset((1740, 1911, 2222, 3671, 4840, 5094, 27126, 27127, 34964, 44818, 47808, 55000))

FAILING = ("scan.units", "scan.functions", "scan.points")  # told by answers that fail or fail to come
PROTOCOL = {
    "scan.units": "modbus",
    "scan.functions": "modbus",
    "scan.points": "modbus",
    "scan.browse": "opcua",
    "scan.wildcard": "mqtt",
    "scan.integrity_poll": "dnp3",
}
DONE = {
    "scan.ports": "tried {} ports",
    "scan.addresses": "tried {} addresses",
    "scan.controllers": "tried {} hosts on ports of controllers",
    "scan.units": "tried {} Modbus units",
    "scan.functions": "tried {} refused Modbus functions",
    "scan.points": "asked for {} blocks of Modbus points, never the same twice,",
    "scan.browse": "browsed {} OPC UA nodes",
    "scan.wildcard": "subscribed by {} filters to all topics",
    "scan.integrity_poll": "asked by {} kinds of read for all points",
    "scan.broadcast": "called {} times upon all devices",
}
CONFIDENCE = dict.fromkeys(DONE, 0.8) | {
    "scan.ports": 0.9,
    "scan.addresses": 0.85,
    "scan.controllers": 0.85,
    "scan.integrity_poll": 0.7,
    "scan.broadcast": 0.7,
}


def learnt(b: Behaviour) -> Iterator[tuple[str, str]]:
    """Kind and target of searches that are none if the client always did so."""
    if b.protocol == "mqtt" and b.operation == "subscribe" and _everything(b.object):
        yield "scan.wildcard", b.object
    elif b.protocol == "modbus" and _once(b) and b.answered > b.errors:
        yield "scan.points", b.object
    elif b.protocol == "dnp3" and b.operation == "read" and _CLASS_0 in b.object.split():
        yield "scan.integrity_poll", f"outstation {station(b)}: {b.object}"


def counted(b: Behaviour) -> Iterator[tuple[str, str]]:
    """Kind and target of what is a search if there is much of it."""
    if b.protocol == "opcua" and b.operation in _BROWSE and b.object:
        yield "scan.browse", b.object
    elif b.protocol == "modbus" and b.unit:  # without a unit it is the connection
        failed = b.answered <= b.errors
        # A unit that answers is there, and polling it is no search; asking who it is may be one.
        if failed or b.operation in _IDENTIFY:
            yield "scan.units", f"unit {b.unit}"
        if failed:
            yield "scan.functions", b.operation
            if _once(b):
                yield "scan.points", b.object


def _once(b: Behaviour) -> bool:
    """Whether it asks for points, and not again and again, as who polls them does. The unit is no part of the target:
    one point of many units is a search for units."""
    return b.access == "read" and bool(b.object) and b.occurrences == 1


def _everything(filters: str) -> bool:
    """Whether a topic filter names no topic at its first level, or the broker's own."""
    return any(f.split("/", 1)[0] in ("#", "+", "$SYS") for f in filters.split(" "))
