"""Captures as a faulty mirror port would have shown them: each fault of the catalogue, made of a sound capture."""

from __future__ import annotations

import gzip
import struct
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 10**9


@dataclass(frozen=True, slots=True)
class Packet:
    """`ts` in nanoseconds; `length` on the wire, of which `data` may be the start."""

    ts: int
    data: bytes
    length: int

    @property
    def vlan(self) -> int:
        return int.from_bytes(self.data[14:16], "big") & 0xFFF if self.data[12:14] == b"\x81\x00" else 0

    @property
    def _ip(self) -> int:
        return 18 if self.vlan else 14

    @property
    def ends(self) -> tuple[bytes, bytes]:
        """Addresses and ports of a TCP segment, source first; empty: it is none."""
        at = self._ip
        if self.data[at - 2 : at] != b"\x08\x00" or self.data[at + 9] != 6:
            return b"", b""
        ports = self.data[at + 20 : at + 24]
        return self.data[at + 12 : at + 16] + ports[:2], self.data[at + 16 : at + 20] + ports[2:]

    @property
    def payload(self) -> int:
        at = self._ip
        total = int.from_bytes(self.data[at + 2 : at + 4], "big")
        return total - 20 - (self.data[at + 32] >> 4) * 4 if self.ends[0] else 0


def read(path: Path) -> list[Packet]:
    """A pcap of either resolution, little-endian, as the plant records them."""
    raw = path.read_bytes()
    data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    scale = 1 if data[:4] == b"\x4d\x3c\xb2\xa1" else 1000
    found, at = [], 24
    while at < len(data):
        seconds, fraction, kept, length = struct.unpack_from("<IIII", data, at)
        at += 16
        found.append(Packet(seconds * SECOND + fraction * scale, data[at : at + kept], length))
        at += kept
    return found


def write(path: Path, packets: list[Packet]) -> Path:
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)
    body = [struct.pack("<IIII", p.ts // SECOND, p.ts % SECOND, len(p.data), p.length) + p.data for p in packets]
    path.write_bytes(head + b"".join(body))
    return path


def repeated(packets: list[Packet], times: int) -> list[Packet]:
    """The capture again and again, each time later and between other client ports: a longer run of the same plant."""
    span = packets[-1].ts - packets[0].ts + SECOND
    made = []
    for n in range(times):
        made += [replace(p, ts=p.ts + n * span, data=_other_addresses(p, n)) for p in packets]
    return made


def _other_addresses(p: Packet, n: int) -> bytes:
    """Flows of one round must not go on in the next, whose sequence numbers begin anew."""
    at = p.data.find(b"\x08\x00\x45", 12, 18)
    if n == 0 or at < 0:
        return p.data
    data = bytearray(p.data)
    for place in (at + 2 + 12 + 1, at + 2 + 16 + 1):
        data[place] ^= n
    return bytes(data)


def loss(packets: list[Packet]) -> list[Packet]:
    """Every seventh segment with payload is not in the mirror."""
    seen: Counter[bool] = Counter()
    kept = []
    for p in packets:
        seen[p.payload > 0] += 1
        if not (p.payload > 0 and seen[True] % 7 == 0):
            kept.append(p)
    return kept


def duplicates(packets: list[Packet]) -> list[Packet]:
    return [copy for p in packets for copy in (p, replace(p, ts=p.ts + 10_000))]


def truncated(packets: list[Packet]) -> list[Packet]:
    return [replace(p, data=p.data[:64]) for p in packets]


def one_sided(packets: list[Packet]) -> list[Packet]:
    """Of TCP the mirror shows what comes into the port only."""
    return [p for p in packets if not p.ends[0] or p.ends[0] < p.ends[1]]


def oversized(packets: list[Packet]) -> list[Packet]:
    """A card put datagrams together: one frame of 20,000 bytes."""
    first = next(p for p in packets if p.payload > 0)
    at = 18 if first.vlan else 14
    data = bytearray(first.data + bytes(20_000 - len(first.data)))
    data[at + 2 : at + 4] = (20_000 - at).to_bytes(2, "big")
    return sorted([*packets, Packet(first.ts + 1, bytes(data), 20_000)], key=lambda p: p.ts)


def silent(packets: list[Packet]) -> list[Packet]:
    """Nothing for ten minutes in the middle."""
    middle = packets[len(packets) // 2].ts
    return [replace(p, ts=p.ts + 600 * SECOND if p.ts >= middle else p.ts) for p in packets]


def vlan_lost(packets: list[Packet]) -> list[Packet]:
    """The busiest VLAN is taken off the mirror session after two thirds of the time."""
    busiest = Counter(p.vlan for p in packets).most_common(1)[0][0]
    moment = packets[0].ts + (packets[-1].ts - packets[0].ts) * 2 // 3
    return [p for p in packets if p.vlan != busiest or p.ts < moment]


def clock(packets: list[Packet]) -> list[Packet]:
    """The clock is set back by an hour in the middle."""
    half = len(packets) // 2
    return [*packets[:half], *(replace(p, ts=p.ts - 3600 * SECOND) for p in packets[half:])]


FAULTS: dict[str, Callable[[list[Packet]], list[Packet]]] = {
    f"mirror.{f.__name__}": f for f in (loss, duplicates, truncated, one_sided, oversized, silent, vlan_lost, clock)
}
LONG = {"mirror.vlan_lost": 10}  # rounds of the capture: a VLAN has to be steady first
