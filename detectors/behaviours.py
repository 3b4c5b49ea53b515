"""The window's behaviours. Ids and counts are arrays; a row becomes an object only when it is new."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

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
        ids = self.table.numbers("behaviour_id").astype(np.uint64)
        self._order = np.argsort(ids, kind="stable")
        self.ids: Array = ids[self._order]

    def __len__(self) -> int:
        return len(self.ids)

    def array(self, name: str) -> Array:
        """A column of numbers in the order of the ids."""
        return self.table.numbers(name)[self._order]

    def where(self, name: str, wanted: tuple[str, ...]) -> Array:
        """Positions at which a column holds one of the texts."""
        if not self.table.rows:
            return _NOWHERE
        return np.flatnonzero(self.table.where(name, wanted)[self._order])

    @cached_property
    def _names(self) -> dict[str, tuple[Array, list[str]]]:
        return {name: self.table.codes(name) for name in ("protocol", "operation", "access")}

    def _name(self, column: str, row: int) -> str:
        codes, categories = self._names[column]
        return categories[int(codes[row])]

    @cached_property
    def _capture(self) -> str:
        """Behaviours do not name their capture; where all flows of the window are of one, it is that."""
        captures = self._flows.codes("capture")[1] if self._flows.has("capture") else []
        return captures[0] if len(captures) == 1 and not self.table.has("capture") else ""

    def row(self, at: int) -> Behaviour:
        """One behaviour, made once however many ask for it."""
        if at not in self._rows:
            self._rows[at] = self._make(int(self._order[at]), at)
        return self._rows[at]

    def _make(self, row: int, at: int) -> Behaviour:
        table = self.table
        return Behaviour(
            id=int(self.ids[at]),
            ts=int(table.numbers("ts")[row]),
            last_ts=int(table.numbers("last_ts")[row]),
            frame=int(table.numbers("frame")[row]),
            protocol=self._name("protocol", row),
            client=table.ip("client_ip", row),
            server=table.ip("server_ip", row),
            port=int(table.numbers("server_port")[row]),
            unit=table.text("unit", row),
            operation=self._name("operation", row),
            access=self._name("access", row),
            object=table.text("object", row),
            occurrences=int(table.numbers("count")[row]),
            errors=int(table.numbers("errors")[row]),
            answered=int(table.numbers("answered")[row]),
            capture=self._capture or (table.text("capture", row) if table.has("capture") else ""),
        )
