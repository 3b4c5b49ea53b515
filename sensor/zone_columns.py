"""The zones of both ends of each flow, as columns beside its addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from detectors.pipeline import Pipeline

_LENGTH = 16


def with_zones(flows: Any, pipeline: Pipeline) -> Any:
    """The table with `src_zone` and `dst_zone`; empty where an address is in no zone."""
    flows = flows.combine_chunks()
    for side in ("src", "dst"):
        flows = flows.append_column(f"{side}_zone", _zones(flows.column(f"{side}_ip"), pipeline))
    return flows


def _zones(column: Any, pipeline: Pipeline) -> Any:
    places: dict[bytes, int] = {}
    names: dict[str, int] = {"": 0}
    keys = bytearray()
    for chunk in column.chunks:
        buffer = chunk.buffers()[1].to_pybytes()
        for start in range(_LENGTH * chunk.offset, _LENGTH * (chunk.offset + len(chunk)), _LENGTH):
            ip = buffer[start : start + _LENGTH]
            if ip not in places:
                places[ip] = names.setdefault(pipeline.zone(ip), len(names))
            keys += places[ip].to_bytes(4, "little")
    indices = pa.Array.from_buffers(pa.int32(), len(column), [None, pa.py_buffer(bytes(keys))])
    return pa.DictionaryArray.from_arrays(indices, _texts(list(names)))


def _texts(texts: list[str]) -> Any:
    """A text array from buffers: `pa.array` of a list would import pandas."""
    encoded = [text.encode() for text in texts]
    offsets, end = bytearray((0).to_bytes(4, "little")), 0
    for text in encoded:
        end += len(text)
        offsets += end.to_bytes(4, "little")
    buffers = [None, pa.py_buffer(bytes(offsets)), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)
