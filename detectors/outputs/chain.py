"""The hash chain of the inference log: every row names the hash of the one before it.

One chain a sensor, case and run (a run is the set of captures that were replayed together; live there is one run):
its first row's `prev_hash` is the hash of those three names, so rows cannot pass from one chain to another. A row's
hash is SHA-256 over the hash before it (32 bytes) and its canonical bytes: JSON with sorted keys, of all columns but
the chain's name and the hashes, times as nanoseconds, addresses as hexadecimal digits. Other logs are chained in the
same way over columns of their own.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLUMNS = (
    "seq", "ts", "capture", "frame", "src_ip", "dst_ip", "model_id", "model_version", "kind", "tag", "input_sha256",
    "output", "confidence", "quality", "source", "source_ts",
)  # fmt: skip


def canonical(row: Mapping[str, Any], columns: Sequence[str] = COLUMNS) -> bytes:
    return orjson.dumps({name: row[name] for name in columns}, default=bytes.hex, option=orjson.OPT_SORT_KEYS)


def genesis(sensor: str, case_id: str, run: str) -> str:
    name = {"sensor": sensor, "case_id": case_id, "run": run}
    return sha256(orjson.dumps(name, option=orjson.OPT_SORT_KEYS)).hexdigest()


def hashed(prev_hash: str, row: Mapping[str, Any], columns: Sequence[str] = COLUMNS) -> str:
    return sha256(bytes.fromhex(prev_hash) + canonical(row, columns)).hexdigest()


class Chain:
    """The end of a chain that grows: `seq` rows, the last one's hash is `head`."""

    def __init__(self, sensor: str = "", case_id: str = "", run: str = "", columns: Sequence[str] = COLUMNS) -> None:
        self._columns = columns
        self.seq = 0
        self.head = genesis(sensor, case_id, run)

    def add(self, row: Mapping[str, Any]) -> tuple[int, str, str]:
        """A row without `seq` becomes the next one: its number, `prev_hash` and `hash`."""
        prev, self.seq = self.head, self.seq + 1
        self.head = hashed(prev, {**row, "seq": self.seq}, self._columns)
        return self.seq, prev, self.head

    def snapshot(self) -> list[Any]:
        return [self.seq, self.head]

    def restore(self, state: list[Any]) -> None:
        self.seq, self.head = state
