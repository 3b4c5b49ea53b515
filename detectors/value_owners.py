"""In whose name values of a tag are told that several clients hear. For `values`.

A broker hands a publisher's value on to all who subscribe to it, a controller tells it to all who poll it: one value
out of range is one cause, however many hear it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from detectors.window import Array


class Owners:
    """By kind of alert, server, source and tag: the client in whose name it was told first. At most `limit`, the one
    first told longest ago leaves: its tag may be told in another name then."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._first: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._first)

    def of(self, kind: str, client: bytes, server: bytes, source: str, tag: str) -> bytes:
        key = f"{server.hex()} {source} {tag} {kind}"
        if key not in self._first:
            if len(self._first) >= self._limit:
                del self._first[next(iter(self._first))]
            self._first[key] = client
        return self._first[key]

    def snapshot(self) -> list[list[str]]:
        return [[key, client.hex()] for key, client in self._first.items()]

    def restore(self, state: list[list[str]]) -> None:
        self._first = {key: bytes.fromhex(client) for key, client in state}


def earliest(chosen: Array, ts: Array) -> list[int]:
    """Where `chosen` holds, the earliest of `ts` first: who says a value comes before those it is handed on to."""
    at = np.flatnonzero(chosen)
    found: list[int] = at[np.argsort(ts[at], kind="stable")].tolist()
    return found
