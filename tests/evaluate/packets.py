"""Times of the packets of a capture."""

from __future__ import annotations

import gzip
import struct
from functools import lru_cache
from pathlib import Path

_GLOBAL, _RECORD = 24, struct.Struct("<IIII")


@lru_cache(maxsize=4)
def times(path: Path) -> list[int]:
    """Nanoseconds since the epoch, of a classic little-endian pcap in microseconds."""
    blob = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if blob[:4] != b"\xd4\xc3\xb2\xa1":
        raise ValueError(f"{path} is no little-endian pcap in microseconds")
    found, place = [], _GLOBAL
    while place + _RECORD.size <= len(blob):
        seconds, fraction, kept, _ = _RECORD.unpack_from(blob, place)
        found.append(seconds * 10**9 + fraction * 1000)
        place += _RECORD.size + kept
    return found
