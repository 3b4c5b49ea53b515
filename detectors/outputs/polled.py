"""OPC UA reads, writes and notifications, Modbus registers and coils, DNP3 points that a model's entry names.

Every message that carries the value counts, changed or not. A sample that several clients read is one output: by its
source time (OPC UA, DNP3 events), else by its value, see `legs`.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.outputs.carried import Carried

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detectors.outputs.carried import Wanted
    from detectors.outputs.selectors import Selector
    from detectors.window import Array, Table, Window

_SERVICES = ("Read", "Publish", "Republish", "Write")
_CUT = "…"  # ends a text of which not all is kept
_TABLES = {1: "coil", 2: "discrete_input", 3: "holding_register", 4: "input_register", 5: "coil", 6: "holding_register",
           15: "coil", 16: "holding_register", 23: "holding_register"}  # fmt: skip
_BOTH = 23  # reads and writes
_TYPES = {
    1: "binary_input", 2: "binary_input", 3: "double_bit_input", 4: "double_bit_input", 10: "binary_output",
    11: "binary_output", 20: "counter", 22: "counter", 21: "frozen_counter", 23: "frozen_counter", 30: "analog_input",
    32: "analog_input", 31: "frozen_analog_input", 33: "frozen_analog_input", 34: "analog_input_deadband",
    40: "analog_output", 42: "analog_output", 101: "decimal", 102: "unsigned_integer", 110: "octet_string",
    111: "octet_string", 114: "extended_octet_string", 115: "extended_octet_string",
}  # fmt: skip
_TEXTS = ("octet_string", "extended_octet_string")
_FLAGLESS = ("analog_input_deadband", "decimal", "unsigned_integer", *_TEXTS)
_BAD = 0x8000_0000  # of a status code (Part 4, 7.39)
_RESPONSES = (129, 130)


class _Source(ABC):
    protocol = ""
    table = ""
    frame = "response_frame"

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self._wanted = [w for w in wanted if w.selector.protocol == self.protocol]

    def read(self, window: Window) -> Iterator[Carried]:
        table = window[self.table] if self._wanted else None
        if table is not None and table.rows:
            for row in np.flatnonzero(self._chosen(table)).tolist():
                yield from self._row(table, row)

    @abstractmethod
    def _chosen(self, table: Table) -> Any:
        """Which rows may name a value that is wanted."""

    @abstractmethod
    def _row(self, table: Table, row: int) -> Iterator[Carried]: ...

    def _here(self, table: Table, row: int) -> list[Wanted]:
        src, dst = table.ip("src_ip", row), table.ip("dst_ip", row)
        return [wanted for wanted in self._wanted if wanted.at(src, dst)]

    def _carried(
        self,
        table: Table,
        row: int,
        wanted: tuple[Wanted, ...],
        name: str,
        payload: Any,
        stamp: int = 0,
        *,
        cut: bool = False,
    ) -> Carried:
        """`name` is the tag at its server, whose address stands behind it as in a selector."""
        captures, names = table.codes("capture")
        src, dst = table.ip("src_ip", row), table.ip("dst_ip", row)
        digest = blake2b(payload if isinstance(payload, bytes) else repr(payload).encode(), digest_size=8).digest()
        place = (names[captures[row]], int(table.numbers(self.frame)[row]), f"{name}@{address.text(dst)}", digest)
        flow = int(table.numbers("flow_id")[row])
        return Carried(int(table.numbers("ts")[row]), *place, flow, src, dst, payload, wanted, cut, stamp=stamp)


class Opcua(_Source):
    protocol = table = "opcua"

    def _chosen(self, table: Table) -> Any:
        good = (table.numbers("status") < _BAD) & table.valid("status")
        good &= table.where("service", _SERVICES) & (table.numbers("response_frame") > 0)
        return good & self._named(table.column("items.node_id")) if good.any() else good

    def _named(self, nodes: Any) -> Any:
        """Rows that name one of the nodes, found without making a text of every node id."""
        _, offsets, data = nodes.values.buffers()
        edges = np.frombuffer(offsets, dtype=np.int32)[nodes.values.offset :]
        octets, hits = bytes(data or b""), np.zeros(len(nodes.values), dtype=bool)
        for name in {w.selector.name.encode() for w in self._wanted}:
            at = octets.find(name)
            while at >= 0:
                item = int(np.searchsorted(edges[: len(hits)], at, side="right")) - 1
                hits[item] |= edges[item] == at and edges[item + 1] == at + len(name)
                at = octets.find(name, at + len(name))
        ends = np.frombuffer(nodes.buffers()[1], dtype=np.int32)[nodes.offset : nodes.offset + len(nodes) + 1]
        before = np.concatenate(([0], np.cumsum(hits)))
        found: Array = before[ends[1:]] > before[ends[:-1]]
        return found

    def _row(self, table: Table, row: int) -> Iterator[Carried]:
        here = self._here(table, row)
        nodes = table.column("items.node_id")[row].as_py() if here else ()
        chosen = [(at, node) for at, node in enumerate(nodes) if any(w.selector.name == node for w in here)]
        if not chosen:
            return
        attributes, values, states, times = (
            table.column(f"items.{name}")[row] for name in ("attribute", "value", "status", "source_time")
        )
        for at, node in chosen:
            text, stamp = values[at].as_py(), times[at].value or 0
            if attributes[at].as_py() == "Value" and (states[at].as_py() or 0) < _BAD and text:
                wanted = tuple(w for w in here if w.selector.name == node)
                yield self._carried(table, row, wanted, node, text.encode(), stamp, cut=text.endswith(_CUT))


class Modbus(_Source):
    protocol = table = "modbus"

    def _chosen(self, table: Table) -> Any:
        units = {int(w.selector.name.partition("/")[0][1:]) for w in self._wanted}
        chosen = np.isin(table.numbers("function_code"), list(_TABLES)) & table.where("status", ("ok",))
        chosen &= np.isin(table.numbers("unit_id"), list(units))
        first, size = (table.numbers(name).astype(np.int64) for name in ("address", "quantity"))
        covered = table.valid("write_address")
        for wanted in self._wanted:
            covered = covered | ((first <= wanted.selector.first) & (wanted.selector.last < first + size))
        return chosen & covered

    def _row(self, table: Table, row: int) -> Iterator[Carried]:
        here = self._here(table, row)
        code = int(table.numbers("function_code")[row])
        prefix = f"u{int(table.numbers('unit_id')[row])}/{_TABLES[code]}/"
        here = [wanted for wanted in here if wanted.selector.name == prefix]
        if not here:
            return
        values = table.column("values")[row].as_py() or []
        written = int(table.numbers("write_quantity")[row]) if code == _BOTH else 0
        pieces = [(int(table.numbers("address")[row]), values[written:])]
        if written:
            pieces.append((int(table.numbers("write_address")[row]), values[:written]))
        for wanted in here:
            selector = wanted.selector
            for first, words in pieces:
                part = words[selector.first - first : selector.last - first + 1] if first <= selector.first else []
                if len(part) == selector.last - selector.first + 1:
                    name = prefix + _range(selector)
                    yield self._carried(table, row, (wanted,), name, decoded(selector, part))


class Dnp3(_Source):
    protocol = table = "dnp3"
    frame = "frame"

    def _chosen(self, table: Table) -> Any:
        stations = {int(w.selector.name.partition("/")[0]) for w in self._wanted}
        told = np.isin(table.numbers("app_function"), _RESPONSES) & (table.numbers("from_master") == 0)
        return told & np.isin(table.numbers("link_src"), list(stations))

    def _row(self, table: Table, row: int) -> Iterator[Carried]:
        here = self._here(table, row)
        station = int(table.numbers("link_src")[row])
        if not here:
            return
        columns = [table.column(f"points.{name}")[row].as_py() for name in ("group", "index", "value", "flags", "text")]
        times = table.column("points.time")[row].values
        points: dict[str, dict[int, list[tuple[Any, int]]]] = {}
        for at, (group, index, value, flag, text) in enumerate(zip(*columns, strict=True)):
            kind = _TYPES.get(group, "")
            if kind and (flag & 1 or kind in _FLAGLESS):  # offline: no value of the point
                told = (text if kind in _TEXTS else value), times[at].value or 0
                points.setdefault(f"{station}/{kind}/", {}).setdefault(index, []).append(told)
        for wanted in here:
            selector = wanted.selector
            found = points.get(selector.name, {})
            span = range(selector.first, selector.last + 1)
            name = selector.name + _range(selector)
            if len(span) == 1:  # events of one point that an outstation kept come together
                for value, stamp in found.get(selector.first, ()):
                    yield self._carried(table, row, (wanted,), name, value, stamp)
            elif all(index in found for index in span):
                yield self._carried(table, row, (wanted,), name, [found[index][-1][0] for index in span])


def decoded(selector: Selector, words: list[int]) -> Any:
    """Registers as what the selector says they are: a number, or a list of them."""
    size, values = selector.words, []
    for at in range(0, len(words), size):
        part = words[at : at + size]
        raw = struct.pack(f">{size}H", *(reversed(part) if selector.swapped else part))
        values.append(struct.unpack(">" + selector.encoding, raw)[0])
    return values if len(values) > 1 else values[0]


def _range(selector: Selector) -> str:
    return f"{selector.first}-{selector.last}" if selector.last > selector.first else str(selector.first)
