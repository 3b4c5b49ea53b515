"""The zones of both ends of each flow, as columns beside its addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from parsers import Table


class Zoned:
    """Flows with `src_zone` and `dst_zone`; empty where an address is in no zone."""

    def __init__(self, flows: Table, zone: Callable[[bytes], str]) -> None:
        self._flows = flows
        self._told = {"src_zone": ("src_ip", zone), "dst_zone": ("dst_ip", zone)}
        self.num_rows = flows.num_rows
        self.column_names = [*self._told, *flows.column_names]

    def native(self, constants: Mapping[str, str]) -> bytes:
        return self._flows.native(constants, self._told)
