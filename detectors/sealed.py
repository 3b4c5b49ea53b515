"""Transfers to hosts that run a model which nobody on the path can look into: what is left is how much, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors.volumes import Volumes, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.models import Models
    from detectors.volumes import Growth
    from detectors.window import Table, Window

TRANSFERS = 4096  # under way at a time; the ones that began first leave
STEP = 16 * 1024  # bytes of payload in a window below which a transfer is over: what is left is talk
_CARRIERS = ("tls", "ssh", "quic", "smb")
_PROCESS = ("mqtts", "mqtt", "modbus_tls", "modbus", "opcua", "dnp3", "dnp3_tls", "ntp")


class Transfer(NamedTuple):
    """`began`: it is large enough for the first time; `grown`: bytes that came since it was told last."""

    ts: int
    last: int
    source: bytes
    target: bytes
    app: str
    port: int
    size: int
    grown: int
    began: bool
    frame: int
    capture: str


@dataclass(slots=True)
class _Run:
    first: int
    size: int
    told: int = 0


class Sealed:
    def __init__(self, models: Models, least: int) -> None:
        self._models, self._least = models, least
        self._volumes = Volumes()
        self._runs: dict[tuple[int, int], _Run] = {}  # by flow: its id and when it began
        self._new: list[Transfer] = []

    def gather(self, window: Window) -> None:
        """Flows come with the last part of a window."""
        table = window["flows"]
        if not self._models or not len(table) or not table.has("encrypted"):
            return
        chosen = (table.numbers("encrypted") == 1) & table.where("app", _CARRIERS)
        chosen &= ~table.where("service", _PROCESS)
        for growth in self._volumes.grown(table, chosen) if chosen.any() else ():
            self._grow(table, growth)

    def _grow(self, table: Table, growth: Growth) -> None:
        down, up = self._models.on(growth.src) is not None, self._models.on(growth.dst) is not None
        if not down and not up:
            return
        came, went = (growth.back, growth.out) if down else (growth.out, growth.back)
        key = int(table.numbers("flow_id")[growth.row]), growth.first
        if came < STEP or came < went:
            self._runs.pop(key, None)
            return
        run = self._runs.pop(key, None) or _Run(growth.first if growth.began else growth.last, 0)
        self._runs[key] = run
        run.size += came
        if run.size >= self._least:
            ends = (growth.dst, growth.src) if down else (growth.src, growth.dst)
            _, frame, capture = place(table, growth)
            port = int(table.numbers("dst_port")[growth.row])
            grown = run.size - run.told
            self._new.append(
                Transfer(run.first, growth.last, *ends, table.text("app", growth.row), port, run.size, grown,
                         not run.told, frame, capture)
            )  # fmt: skip
            run.told = run.size
        if len(self._runs) > TRANSFERS:
            del self._runs[min(self._runs, key=lambda k: (self._runs[k].first, k))]

    def due(self) -> Iterator[Transfer]:
        """At the end of a window: transfers that are large, in order."""
        found, self._new = sorted(self._new), []
        yield from found

    def sizes(self) -> dict[str, int]:
        return {"sealed_flows": len(self._volumes), "sealed_transfers": len(self._runs)}

    def snapshot(self) -> dict[str, Any]:
        runs = [[flow, began, run.first, run.size, run.told] for (flow, began), run in self._runs.items()]
        return {"volumes": self._volumes.snapshot(), "runs": runs}

    def restore(self, state: dict[str, Any]) -> None:
        self._volumes.restore(state["volumes"])
        self._runs = {(flow, began): _Run(first, size, told) for flow, began, first, size, told in state["runs"]}
