"""What the comparison of the network with a host's log reads and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from detectors.arrived import HostOutput


class Span(NamedTuple):
    """Nanoseconds. `patience`: how late a log may come; `age`: of a reading that an output may still be made from."""

    tolerance: int
    search: int
    patience: int
    age: int


class Shown(NamedTuple):
    """An output that the network showed."""

    ts: int
    value: Any
    version: str
    src: bytes
    dst: bytes
    capture: str
    frame: int
    tag: str

    def snapshot(self) -> list[Any]:
        return [*self[:3], self.src.hex(), self.dst.hex(), *self[5:]]

    @classmethod
    def restored(cls, cells: list[Any]) -> Shown:
        return cls(cells[0], _value(cells[1]), cells[2], bytes.fromhex(cells[3]), bytes.fromhex(cells[4]), *cells[5:])


class Logged(NamedTuple):
    """A line of the host's log. `ts`: by the host's clock."""

    ts: int
    value: Any
    version: str
    inputs: dict[str, float | str]
    place: str
    record_id: str

    @classmethod
    def of(cls, row: HostOutput) -> Logged:
        value = row.value if isinstance(row.value, float | int | str | tuple) else dict(row.value)
        return cls(row.ts, value, row.model_version, dict(row.inputs), row.place, row.record_id)

    @classmethod
    def restored(cls, cells: list[Any]) -> Logged:
        return cls(cells[0], _value(cells[1]), *cells[2:])


class Judged(NamedTuple):
    """`what`: `agreed`, `differs`, `version`, `unlogged`, `unseen`, or `incomparable`; of an input `input` and
    `input_agreed`. `ts`: by the wire's clock. `stream`: of an input."""

    what: str
    ts: int
    shown: Shown | None = None
    logged: Logged | None = None
    stream: str = ""
    value: Any = None

    def snapshot(self) -> list[Any]:
        shown, logged = self.shown, self.logged
        return [self.what, self.ts, shown and shown.snapshot(), logged and list(logged), self.stream, self.value]

    @classmethod
    def restored(cls, cells: list[Any]) -> Judged:
        shown, logged = cells[2:4]
        ends = (shown and Shown.restored(shown), logged and Logged.restored(logged))
        return cls(cells[0], cells[1], *ends, cells[4], _value(cells[5]))


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
