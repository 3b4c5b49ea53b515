"""The window's flows, one row for each way in which one host uses another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detectors.window import Array, Table, Window, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

# A TCP handshake that was never answered, or that was answered by a reset: nobody talked.
UNOPENED = ("attempt", "rejected")
GLANCE = 5  # packets a client needs to open, read a banner and go


@dataclass(frozen=True, slots=True)
class Session:
    """`key` is stable over windows: what was looked at once needs no second look. `opened`: a connection came
    about; `talked`: and was used for something, not only to see whether anybody is there."""

    key: bytes
    src: bytes
    dst: bytes
    port: int
    vlan: int
    transport: str
    app: str
    service: str
    encrypted: bool | None
    credentials: str
    opened: bool
    talked: bool
    src_mac: str
    dst_mac: str

    @property
    def protocol(self) -> str:
        """By content; else by port; else the port itself."""
        return self.app or self.service or f"{self.transport}/{self.port}"


class Sessions:
    """Distinct sessions, a struct of arrays; `Session` objects are made only for the rows asked for.

    `flows`: flows of the group that began in this window. `first_ts last_ts frame`: of its earliest flow
    in this window. `answered`: whether anything came back. `packets`: of the client, the most in one of its flows. The
    earliest flow also speaks for the group where a column is not part of the key, so the order of rows is of no
    importance.
    """

    def __init__(self, window: Window) -> None:
        self._table = table = window["flows"]
        self.keys: list[bytes] = []
        if table.rows:
            self._group(window, table)

    def _group(self, window: Window, table: Table) -> None:
        order = np.lexsort((table.numbers("flow_id"), table.numbers("first_ts")))
        encrypted = np.where(table.valid("encrypted"), table.numbers("encrypted"), 2).astype(np.uint8)
        opened = ~table.where("state", UNOPENED)
        talked = opened & (table.where("app", bool) | (table.numbers("packets_out") > GLANCE))
        keys = table.keys(
            table.addresses("src_ip"),
            table.addresses("dst_ip"),
            table.numbers("dst_port").astype(">u2"),
            table.numbers("vlan").astype(">u2"),
            table.stable("transport"),
            table.stable("app"),
            table.stable("service"),
            table.stable("credentials"),
            encrypted,
            opened,
            talked,
            # numpy drops the zero bytes at a string's end; with a constant behind them no key ends in one
            np.ones(len(table), dtype=np.uint8),
        )[order]
        # Sorting by time first, then grouping by a dictionary, is a third of what `np.unique` costs here.
        index: dict[bytes, int] = {}
        inverse = np.array([index.setdefault(key, len(index)) for key in keys.tolist()], dtype=np.int64)
        count = len(index)
        self.keys = list(index)
        first = np.zeros(count, dtype=np.int64)
        first[inverse[::-1]] = np.arange(len(inverse))[::-1]
        self.rows: Array = order[first]
        # Lists, not arrays: they are read one by one.
        self.flows: list[int] = _begun(table, window.start, order, inverse, count).tolist()
        self.first_ts: list[int] = table.numbers("first_ts")[self.rows].tolist()
        self.last_ts: list[int] = _latest(inverse, table.numbers("last_ts")[order], count).tolist()
        answered = np.bincount(inverse, table.numbers("packets_in")[order] > 0, minlength=count) > 0
        self.answered: list[bool] = answered.tolist()
        self.packets: list[int] = _latest(inverse, table.numbers("packets_out")[order].astype(np.int64), count).tolist()
        self.frame: list[int] = table.numbers("frame")[self.rows].tolist()
        self._encrypted, self._opened, self._talked = encrypted, opened, talked

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def _names(self) -> dict[str, tuple[Array, list[str]]]:
        return {name: self._table.codes(name) for name in ("transport", "app", "service", "credentials")}

    def _name(self, column: str, row: int) -> str:
        codes, categories = self._names[column]
        return categories[int(codes[row])]

    def capture(self, at: int) -> str:
        return capture_of(self._table, int(self.rows[at]))

    def session(self, at: int) -> Session:
        row = int(self.rows[at])
        table = self._table
        encrypted = int(self._encrypted[row])
        return Session(
            key=self.keys[at],
            src=table.ip("src_ip", row),
            dst=table.ip("dst_ip", row),
            port=int(table.numbers("dst_port")[row]),
            vlan=int(table.numbers("vlan")[row]),
            transport=self._name("transport", row),
            app=self._name("app", row),
            service=self._name("service", row),
            encrypted=None if encrypted == 2 else bool(encrypted),
            credentials=self._name("credentials", row),
            opened=bool(self._opened[row]),
            talked=bool(self._talked[row]),
            src_mac=table.text("src_mac", row),
            dst_mac=table.text("dst_mac", row),
        )


class Pair(NamedTuple):
    """The chosen rows of a table between one client and one server. `rows`: how many, `row`: the earliest of them."""

    src: bytes
    dst: bytes
    port: int
    vlan: int
    rows: int
    first_ts: int
    last_ts: int
    row: int


def pairs(table: Table, chosen: Array, *apart: Array) -> Iterator[Pair]:
    """Groups the chosen rows of a table that belongs to flows; rows that differ in `apart` are not of one group."""
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return
    ts = table.numbers("ts")
    src, dst, port = table.addresses("src_ip"), table.addresses("dst_ip"), table.numbers("dst_port")
    frame = table.numbers(frame_column(table))
    rows = rows[np.lexsort((table.numbers("flow_id")[rows], frame[rows], ts[rows]))]
    first, inverse, count = groups(table.keys(src[rows], dst[rows], port[rows], *(column[rows] for column in apart)))
    totals = np.bincount(inverse, minlength=count)
    last = _latest(inverse, ts[rows], count)
    for at in range(count):
        row = int(rows[first[at]])
        vlan = int(table.numbers("vlan")[row])
        ends = src[row].tobytes(), dst[row].tobytes(), int(port[row])
        yield Pair(*ends, vlan, int(totals[at]), int(ts[row]), int(last[at]), row)


def _latest(inverse: Array, values: Array, count: int) -> Array:
    out = np.full(count, np.iinfo(np.int64).min, dtype=np.int64)
    np.maximum.at(out, inverse, values)
    return out


def _begun(table: Table, start: int, order: Array, inverse: Array, count: int) -> Array:
    """Flows a group that began in the window; one that is written twice (new, then at its end) counts once."""
    new = np.flatnonzero(table.numbers("first_ts")[order] >= start)
    pairs = table.keys(inverse[new].astype(np.uint64), table.numbers("flow_id")[order][new].astype(np.uint64))
    once, _, _ = groups(pairs)
    return np.bincount(inverse[new][once], minlength=count)


def frame_column(table: Table) -> str:
    """Where a table of messages keeps the packet: one, or that of the request."""
    return "frame" if table.has("frame") else "request_frame"


def capture_of(table: Table, row: int) -> str:
    """Which capture the row's frames are numbered in; empty where a table does not say."""
    return table.capture(row)
