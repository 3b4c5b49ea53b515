"""Times of the packets of a capture."""

from __future__ import annotations

import struct
from pathlib import Path

_GLOBAL, _RECORD = 24, struct.Struct("<IIII")


def times(path: Path) -> list[int]:
    """Nanoseconds since the epoch, of a classic little-endian pcap in microseconds."""
    blob = path.read_bytes()
    if blob[:4] != b"\xd4\xc3\xb2\xa1":
        raise ValueError(f"{path} is no little-endian pcap in microseconds")
    found, place = [], _GLOBAL
    while place + _RECORD.size <= len(blob):
        seconds, fraction, kept, _ = _RECORD.unpack_from(blob, place)
        found.append(seconds * 10**9 + fraction * 1000)
        place += _RECORD.size + kept
    return found
