"""The process that owns the store while a sensor runs: it delivers the spool, and answers everybody else.

An embedded store has one owner. Commands that find it taken ask the owner through a Unix socket beside it, which only
the user of the store may open. A request is a line of JSON; the answer comes in pieces, each behind its length, then a
length of zero and a line of JSON that says how it ended.
"""

from __future__ import annotations

import struct
from pathlib import Path

LENGTH = struct.Struct("<I")
MOST_REQUEST = 4 * 1024 * 1024  # bytes


def socket_of(store: str) -> Path:
    """Beside the store, whose directory is the engine's own."""
    path = Path(store).absolute()
    return path.with_name(f"{path.name}.sock")
