"""The zones of both ends of each flow, as columns beside its addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.window import Table, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.pipeline import Pipeline
    from detectors.window import Array
    from parsers import Table as Rows

Words = tuple[bytes, list[str]]  # which text each row has, 32 bits each, and the texts


class Zoned:
    """Flows with `src_zone` and `dst_zone`, for the store."""

    def __init__(self, flows: Rows, pipeline: Pipeline) -> None:
        self._flows = flows
        self._zones = zones(flows, pipeline)
        self.num_rows = flows.num_rows
        self.column_names = [*self._zones, *flows.column_names]

    def native(self, constants: Mapping[str, str]) -> bytes:
        return self._flows.native(constants, self._zones)


def zones(flows: object, pipeline: Pipeline) -> dict[str, Words]:
    """`src_zone` and `dst_zone` of each row; empty where an address is in no zone. VLAN and hardware address decide
    where networks alone do not, as they do for the detectors."""
    rows = Table(flows)
    vlans = rows.numbers("vlan")
    return {f"{side}_zone": _zones(rows, side, vlans, pipeline) for side in ("src", "dst")}


def _zones(rows: Table, side: str, vlans: Array, pipeline: Pipeline) -> Words:
    ips, macs = rows.addresses(f"{side}_ip"), f"{side}_mac"
    # numpy drops the zero bytes at a string's end: the constant keeps keys whole
    end = np.ones(len(rows), dtype=np.uint8)
    first, group, _ = groups(rows.keys(ips, vlans, rows.stable(macs), end))
    names: dict[str, int] = {}
    codes = np.zeros(len(first), dtype="<u4")
    for at, row in enumerate(first.tolist()):
        name = pipeline.zone(ips[row].tobytes(), int(vlans[row]), rows.text(macs, row))
        codes[at] = names.setdefault(name, len(names))
    return codes[group].astype("<u4").tobytes(), list(names)
