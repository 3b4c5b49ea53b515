"""PUBLISH messages of topics that a model's entry names, and subscriptions that cover one of them."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.outputs.carried import Carried
from detectors.outputs.folded import value_of
from detectors.outputs.selectors import covers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detectors.outputs.carried import Wanted
    from detectors.window import Array, Table, Window

PUBLISH, SUBSCRIBE = 3, 8
TOPICS = 65_536  # whose selectors are remembered


class Mqtt:
    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self._wanted = [w for w in wanted if w.selector.protocol == "mqtt"]
        self._found: dict[str, tuple[Wanted, ...]] = {}

    def of(self, topic: str) -> tuple[Wanted, ...]:
        found = self._found.get(topic)
        if found is None:
            if len(self._found) >= TOPICS:
                self._found.clear()
            found = self._found[topic] = tuple(w for w in self._wanted if covers(w.selector.name, topic))
        return found

    def read(self, window: Window) -> Iterator[Carried]:
        table = window["mqtt"]
        if not self._wanted or not table.rows:
            return
        kinds = table.numbers("packet_type")
        yield from self._subscriptions(table, np.flatnonzero(kinds == SUBSCRIBE).tolist())
        codes, topics = table.codes("topic")
        chosen = np.fromiter((bool(self.of(topic)) for topic in topics), dtype=bool, count=len(topics))
        rows = np.flatnonzero(chosen[codes] & (kinds == PUBLISH))
        payloads = _bytes(table.column("payload"), rows)
        columns = [table.numbers(name)[rows].tolist() for name in ("ts", "frame", "flow_id", "payload_cut", "retain")]
        captures, names = table.codes("capture")
        rest = self._rest(window, topics, codes[rows][table.numbers("payload_cut")[rows] > 0])
        for row, payload, ts, frame, flow, cut, retain in zip(rows.tolist(), payloads, *columns, strict=True):
            topic = topics[codes[row]]
            digest = blake2b(payload, digest_size=8).digest()
            leaves = rest.get((frame, flow, topic)) if cut else None
            yield Carried(
                ts, names[captures[row]], frame, topic, digest, flow, table.ip("src_ip", row),
                table.ip("dst_ip", row), payload, self.of(topic), bool(cut), bool(retain), leaves=leaves,
            )  # fmt: skip

    def _rest(self, window: Window, topics: list[str], cut: Array) -> dict[tuple[int, int, str], dict[str, Any]]:
        """What the packet path read of payloads of which not all is kept: the values that changed, by message."""
        values = window["tag_values"] if len(cut) else None
        if values is None or not values.rows:
            return {}
        wanted = {topics[code] for code in np.unique(cut).tolist()}
        rows = np.flatnonzero(
            values.where("source", ("mqtt",)) & values.where("tag", lambda tag: tag.partition("#")[0] in wanted)
        )
        codes, tags = values.codes("tag")
        frames, flows = values.numbers("frame"), values.numbers("flow_id")
        found: dict[tuple[int, int, str], dict[str, Any]] = {}
        for row in rows.tolist():
            topic, _, leaf = tags[codes[row]].partition("#")
            found.setdefault((int(frames[row]), int(flows[row]), topic), {})[leaf] = value_of(values, row)
        return found

    def _subscriptions(self, table: Table, rows: list[int]) -> Iterator[Carried]:
        captures, names = table.codes("capture")
        for row in rows:
            filters = tuple(table.column("filters")[row].as_py() or ())
            if filters:
                place = (names[captures[row]], int(table.numbers("frame")[row]), "", b"")
                flow = int(table.numbers("flow_id")[row])
                ends = (table.ip("src_ip", row), table.ip("dst_ip", row))
                yield Carried(int(table.numbers("ts")[row]), *place, flow, *ends, None, (), filters=filters)


def _bytes(column: Any, rows: Array) -> list[bytes]:
    """Cells of a binary column, straight from its buffers: pyarrow's own way imports pandas, a quarter of a second."""
    _, offsets, data = column.buffers()
    edges = np.frombuffer(offsets, dtype=np.int32)[column.offset :]
    octets = memoryview(data or b"")
    ends = zip(edges[rows].tolist(), edges[rows + 1].tolist(), strict=True)
    return [bytes(octets[start:end]) for start, end in ends]
