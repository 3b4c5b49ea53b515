"""The zones of both ends of each flow, as columns beside its addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from detectors.window import Table, groups

if TYPE_CHECKING:
    from detectors.pipeline import Pipeline
    from detectors.window import Array


def with_zones(flows: Any, pipeline: Pipeline) -> Any:
    """The table with `src_zone` and `dst_zone`; empty where an address is in no zone. VLAN and hardware address decide
    where networks alone do not, as they do for the detectors."""
    rows = Table(flows)
    vlans = rows.numbers("vlan")
    for side in ("src", "dst"):
        names = _zones(rows, side, vlans, pipeline)
        flows = flows.append_column(f"{side}_zone", names)
    return flows


def _zones(rows: Table, side: str, vlans: Array, pipeline: Pipeline) -> Any:
    ips, macs = rows.addresses(f"{side}_ip"), f"{side}_mac"
    # numpy drops the zero bytes at a string's end: the constant keeps keys whole
    end = np.ones(len(rows), dtype=np.uint8)
    first, group, _ = groups(rows.keys(ips, vlans, rows.stable(macs), end))
    names: dict[str, int] = {}
    codes = np.zeros(len(first), dtype=np.int32)
    for at, row in enumerate(first.tolist()):
        name = pipeline.zone(ips[row].tobytes(), int(vlans[row]), rows.text(macs, row))
        codes[at] = names.setdefault(name, len(names))
    indices = pa.Array.from_buffers(pa.int32(), len(rows), [None, pa.py_buffer(codes[group].astype(np.int32))])
    return pa.DictionaryArray.from_arrays(indices, _texts(list(names) or [""]))


def _texts(texts: list[str]) -> Any:
    """A text array from buffers: `pa.array` of a list would import pandas."""
    encoded = [text.encode() for text in texts]
    offsets, end = bytearray((0).to_bytes(4, "little")), 0
    for text in encoded:
        end += len(text)
        offsets += end.to_bytes(4, "little")
    buffers = [None, pa.py_buffer(bytes(offsets)), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)
