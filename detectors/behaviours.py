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


class Behaviours:
    """In the order of their ids, whatever the order of the rows."""

    def __init__(self, window: Window) -> None:
        self.table = window["behaviours"]
        self._flows = window["flows"]
        ids = self.table.numbers("behaviour_id").astype(np.uint64)
        self._order = np.argsort(ids, kind="stable")
        self.ids: list[int] = ids[self._order].tolist()

    def __len__(self) -> int:
        return len(self.ids)

    def array(self, name: str) -> Array:
        """A column of numbers in the order of the ids."""
        return self.table.numbers(name)[self._order]

    def where(self, name: str, wanted: tuple[str, ...]) -> list[int]:
        """Positions at which a column holds one of the texts."""
        if not len(self):
            return []
        found: list[int] = np.flatnonzero(self.table.where(name, wanted)[self._order]).tolist()
        return found

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
        row = int(self._order[at])
        table = self.table
        number = {
            name: int(table.numbers(name)[row])
            for name in ("ts", "last_ts", "frame", "server_port", "count", "errors", "answered")
        }
        return Behaviour(
            id=self.ids[at],
            ts=number["ts"],
            last_ts=number["last_ts"],
            frame=number["frame"],
            protocol=self._name("protocol", row),
            client=table.ip("client_ip", row),
            server=table.ip("server_ip", row),
            port=number["server_port"],
            unit=table.text("unit", row),
            operation=self._name("operation", row),
            access=self._name("access", row),
            object=table.text("object", row),
            occurrences=number["count"],
            errors=number["errors"],
            answered=number["answered"],
            capture=self._capture or (table.text("capture", row) if table.has("capture") else ""),
        )
