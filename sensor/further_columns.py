"""Columns that the store has beside those of the packet path: zones of flows, verdicts on files."""

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


class Extended:
    """A table of the packet path with further columns of words, for the store."""

    def __init__(self, table: Rows, words: Mapping[str, Words]) -> None:
        self._table = table
        self._words = dict(words)
        self.num_rows = table.num_rows
        self.column_names = [*self._words, *table.column_names]

    def native(self, constants: Mapping[str, str]) -> bytes:
        return self._table.native(constants, self._words)


def extended(name: str, table: Rows, pipeline: Pipeline) -> Rows | Extended:
    """The table as the store takes it."""
    if name == "flows":
        return Extended(table, zones(table, pipeline))
    if name == "files":
        return Extended(table, {"registry_verdict": verdicts(table, pipeline)})
    return table


def verdicts(files: object, pipeline: Pipeline) -> Words:
    """What the list of approved artefacts says of each model file; empty for other files and without a list."""
    rows = Table(files)
    models, known = pipeline.site.models, {"": 0}
    codes = np.zeros(len(rows), dtype="<u4")
    for row in np.flatnonzero(rows.where("model_format", bool)).tolist():
        codes[row] = known.setdefault(models.verdict(rows.text("sha256", row)).state, len(known))
    return codes.tobytes(), list(known)


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
