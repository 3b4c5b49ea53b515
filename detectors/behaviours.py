"""The window's behaviours. Ids and counts are arrays; a row becomes an object only when it is new."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detectors.statistics.hashing import hash64

if TYPE_CHECKING:
    from collections.abc import Callable

    from detectors.window import Array, Window


class Behaviour(NamedTuple):
    """One distinct thing a client does to a server; `ts` and `frame` are its first occurrence's."""

    id: int
    ts: int
    last_ts: int
    frame: int
    protocol: str
    client: bytes
    server: bytes
    port: int
    unit: str
    operation: str
    access: str
    object: str
    occurrences: int
    errors: int
    answered: int
    capture: str


_NOWHERE = np.zeros(0, dtype=np.int64)


class Behaviours:
    """In the order of their ids, whatever the order of the rows."""

    def __init__(self, window: Window) -> None:
        self.table = window["behaviours"]
        self._flows = window["flows"]
        self._rows: dict[int, Behaviour] = {}
        self._arrays: dict[str, Array] = {}
        self._named = self.table.has("capture")
        ids = self.table.numbers("behaviour_id").astype(np.uint64)
        self._order = np.argsort(ids, kind="stable")
        self.ids: Array = ids[self._order]

    def __len__(self) -> int:
        return len(self.ids)

    def array(self, name: str) -> Array:
        """A column of numbers in the order of the ids; not to be written into."""
        found = self._arrays.get(name)
        if found is None:
            found = self._arrays[name] = self.table.numbers(name)[self._order]
        return found

    def addresses(self, name: str, rows: Array | None = None) -> Array:
        """A column of addresses, rows of 16 bytes, in the order of the ids; of some positions, if they are given."""
        return self.table.addresses(name)[self._order if rows is None else self._order[rows]]

    def where(self, name: str, wanted: tuple[str, ...]) -> Array:
        """Positions at which a column holds one of the texts."""
        if not self.table.rows:
            return _NOWHERE
        return np.flatnonzero(self.table.where(name, wanted)[self._order])

    def texts(self, name: str) -> Array:
        """A column of texts as numbers that are the same in every run, in the order of the ids."""
        return self.table.stable(name)[self._order]

    @cached_property
    def _capture(self) -> str:
        """Behaviours do not name their capture; where all flows of the window are of one, it is that."""
        captures = self._flows.codes("capture")[1] if self._flows.has("capture") else []
        return captures[0] if len(captures) == 1 and not self._named else ""

    def conversations(self) -> Array:
        """A number for each row's client, server and protocol, the same in every run, in the order of the ids."""
        table = self.table
        keys = hash64(table.stable("protocol"), table.addresses("client_ip"), table.addresses("server_ip"))
        return keys[self._order]

    def row(self, at: int) -> Behaviour:
        """One behaviour, made once however many ask for it."""
        if at not in self._rows:
            self._rows[at] = self._make(int(self._order[at]), at)
        return self._rows[at]

    @cached_property
    def _numbers(self) -> list[Array]:
        """The columns of numbers in the order of `Behaviour`, found once a window."""
        names = ("ts", "last_ts", "frame", "server_port", "count", "errors", "answered")
        return [self.table.numbers(name) for name in names]

    @cached_property
    def _ends(self) -> list[bytes]:
        return [self.table.addresses(name).tobytes() for name in ("client_ip", "server_ip")]

    @cached_property
    def _texts(self) -> list[Callable[[int], str]]:
        return [self.table.reader(name) for name in ("protocol", "unit", "operation", "access", "object")]

    def _make(self, row: int, at: int) -> Behaviour:
        ts, last_ts, frame, port, count, errors, answered = [int(column[row]) for column in self._numbers]
        protocol, unit, operation, access, what = [read(row) for read in self._texts]
        client, server = (flat[16 * row : 16 * row + 16] for flat in self._ends)
        capture = self._capture or (self.table.text("capture", row) if self._named else "")
        return Behaviour(
            int(self.ids[at]), ts, last_ts, frame, protocol, client, server, port, unit, operation, access, what,
            count, errors, answered, capture,
        )  # fmt: skip


def mixed(*addresses: Array) -> Array:
    """A number for the addresses of each row, equal where they are: sorting numbers is cheaper than sorting bytes."""
    out = np.zeros(len(addresses[0]), dtype=np.uint64)
    for ends in addresses:
        for half in np.ascontiguousarray(ends).view(np.uint64).T:
            out = (out ^ half) * np.uint64(0x9E3779B97F4A7C15)
            out ^= out >> np.uint64(29)
    return out
