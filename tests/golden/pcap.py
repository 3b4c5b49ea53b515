"""Classic captures as lists of packets: enough to take packets away and to see which segments carry bytes."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

HEADER = 24
RECORD = struct.Struct("<IIII")
IPV4, VLAN = 0x0800, 0x8100
TCP, UDP = 6, 17

Ends = tuple[bytes, bytes, int, int]


@dataclass(frozen=True)
class Packet:
    frame: int  # 1-based in the capture it was read from
    record: bytes  # its header of 16 bytes and what was captured


def read(path: pathlib.Path) -> tuple[bytes, list[Packet]]:
    """Header and packets of a little-endian classic capture."""
    data = path.read_bytes()
    packets, at = [], HEADER
    while at < len(data):
        size = RECORD.size + RECORD.unpack_from(data, at)[2]
        packets.append(Packet(len(packets) + 1, data[at : at + size]))
        at += size
    return data[:HEADER], packets


def write(path: pathlib.Path, header: bytes, packets: Iterable[Packet]) -> None:
    path.write_bytes(header + b"".join(packet.record for packet in packets))


def without(packets: list[Packet], share: float, seed: int) -> list[Packet]:
    """Lose each packet with the same chance."""
    chance = random.Random(seed).random
    return [packet for packet in packets if chance() >= share]


def carried(packet: Packet) -> tuple[Ends, int] | None:
    """Direction (addresses, ports) and payload bytes of an IPv4 TCP or UDP packet."""
    frame = packet.record[RECORD.size :]
    at = 18 if frame[12:14] == VLAN.to_bytes(2, "big") else 14
    if frame[at - 2 : at] != IPV4.to_bytes(2, "big") or frame[at + 9] not in (TCP, UDP):
        return None
    inner = at + 4 * (frame[at] & 15)
    ports = struct.unpack_from("!HH", frame, inner)
    headers = inner - at + (4 * (frame[inner + 12] >> 4) if frame[at + 9] == TCP else 8)
    total = int.from_bytes(frame[at + 2 : at + 4], "big")
    return (frame[at + 12 : at + 16], frame[at + 16 : at + 20], *ports), total - headers
