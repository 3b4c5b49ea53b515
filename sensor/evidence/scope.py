"""Which packets belong to an alert."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.alert import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detectors.alert import Alert
    from sensor.evidence_config import EvidenceSection

    Pair = tuple[bytes, bytes]
    Question = tuple[list[Pair], list[tuple[int, int]], int, int, int, int, int]

MOST_HOSTS = 16  # of one alert, those named in its evidence among them
MOST_PACKETS = 20_000  # of one slice
_SECOND = 10**9
_V4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")


def question(alert: Alert, end: int, captures: Sequence[str], settings: EvidenceSection) -> Question:
    """What the ring, or a capture, is asked for. `end`: of the window in which the alert came to be told; `captures`:
    ids, in their order."""
    index = captures.index(alert.capture) if alert.capture in captures else 0
    return (
        pairs(alert),
        [(index, frame) for frame in alert.frames],
        alert.first_ts - round(settings.before_seconds * _SECOND),
        alert.first_ts,
        end + round(settings.after_seconds * _SECOND),
        MOST_PACKETS,
        settings.slice_mib << 20,
    )


def pairs(alert: Alert) -> list[Pair]:
    """The alert's own two hosts and those that its evidence names, each with each other. Of an alert about one host
    (a scan, a flood, a device that fell silent): whatever that host sends and gets. Of one told by ARP: all of it."""
    return pairs_of(alert.protocol, [alert.src_ip, alert.dst_ip], alert.evidence)


def pairs_of(protocol: str, both: Sequence[bytes], evidence: object) -> list[Pair]:
    """The same of an alert of which this is known."""
    if protocol == "arp":
        return [(NOWHERE, NOWHERE)]
    ends = [ip for ip in both if ip != NOWHERE]
    named = [ip for ip in dict.fromkeys(_addresses(evidence)) if ip not in ends]
    if len(ends) == 1:
        return [(ends[0], NOWHERE)]
    hosts = [*dict.fromkeys(ends), *named][:MOST_HOSTS]
    if len(hosts) == 1:
        return [(hosts[0], NOWHERE)]
    return list(combinations(hosts, 2))


def _addresses(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes) and len(value) == len(NOWHERE):
        yield value
    elif isinstance(value, str):
        yield from _in_text(value)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _addresses(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in sorted(value, key=str):
            yield from _addresses(part)


def _in_text(text: str) -> Iterator[bytes]:
    words = _V4.findall(text) if "." in text else [text] if text.count(":") > 1 else []
    for word in words:
        try:
            yield address.parse(word)
        except ValueError:
            continue
