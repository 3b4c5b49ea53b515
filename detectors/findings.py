"""What a window shows of traffic in the clear: who, how often, and what kind of data it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detectors.alert import alert_id
from detectors.behaviours import Behaviours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.book import Book
    from detectors.memory import Ids
    from detectors.window import Window

# What a reader on the path learns, or a forger reaches, by the access of what is done.
_DATA = {"read": "readings asked for", "report": "readings reported", "write": "set points", "control": "commands"}
_CARRYING = ("cleartext.protocol", "cleartext.opcua_none", "cleartext.opcua_weak", "cleartext.opcua_signed")

Carried = tuple[bytes, str, str]  # server, protocol, kind of data
WHAT = {
    "cleartext.protocol": "without encryption or authentication",
    "cleartext.login": "without encryption",
    "cleartext.credentials": "and accepts credentials in the clear",
    "cleartext.opcua_none": "with security policy None",
    "cleartext.opcua_weak": "with a deprecated security policy",
    "cleartext.opcua_signed": "with messages signed but not encrypted",
    "cleartext.tls": "with an outdated version or a weak cipher",
}

Told = tuple[tuple[str, str], ...]


class Finding(NamedTuple):
    """What one client does to one server; `told` goes into sets of the evidence."""

    kind: str
    src: bytes
    dst: bytes
    port: int
    vlan: int
    protocol: str
    told: Told


class Extent(NamedTuple):
    """How often and when, and the `place` (time, frame, capture) of the first."""

    times: int
    first_ts: int
    last_ts: int
    place: tuple[int, int, str]

    def joined(self, other: Extent) -> Extent:
        first, last = min(self.first_ts, other.first_ts), max(self.last_ts, other.last_ts)
        return Extent(self.times + other.times, first, last, min(self.place, other.place))


def carried(window: Window, seen: Ids) -> set[Carried]:
    """Kinds of data by server and protocol, of behaviours that are new."""
    behaviours = window.derive(Behaviours)
    rows = (behaviours.row(at) for at in seen.fresh(behaviours.ids))
    return {(b.server, b.protocol, _DATA[b.access]) for b in rows if b.access in _DATA}


def tell(book: Book, told: Iterable[Carried]) -> None:
    """Adds kinds of data to the open causes of their server and protocol."""
    for server, protocol, data in sorted(told):
        for kind in _CARRYING:
            cause = book.get(alert_id(kind, server, protocol))
            if cause is not None:
                cause.add("data", [data])
