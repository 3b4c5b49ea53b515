"""Rows on their way to the store, on disk: what the sensor hands over and the keeper delivers.

A commit is a file a stream: `messages`, rows of the packet path, and `records`, what was made of them (alerts,
assets, incidents, health). A file is written under a draft's name, made durable (fsync of the file and of the
directory), and then named by its number: what has its name is whole, and what was acknowledged survives `kill -9`.
The keeper deletes a file when the store has acknowledged every batch in it. A batch delivered a second time is known
to the store by its token, so each row is seen once.

When the spool is full the oldest messages that no keeper has begun with are given up, never records; rows lost are
counted.
"""

from __future__ import annotations

from dataclasses import dataclass

MESSAGES, RECORDS = "messages", "records"
READY, TAKEN, DRAFT = ".seg", ".taken", ".draft"
MAGIC = b"DSF1"
MOST_FRAME = 1 << 30  # bytes; more is damage


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table in a ClickHouse format, as one insert. `token`: the same whenever it is delivered."""

    table: str
    columns: tuple[str, ...]
    format: str
    rows: int
    payload: bytes
    token: str = ""
