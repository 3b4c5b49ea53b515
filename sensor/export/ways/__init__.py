"""Ways out. `send` gives what was taken for good; AwayError: the receiver is not there, everything is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensor.export.record import Record


class AwayError(Exception):
    """The receiver does not take anything now. The text says why, in words for a person."""


@dataclass(frozen=True, slots=True)
class Message:
    """`data`: the record in the chosen format, one line without its end."""

    record: Record
    data: bytes


class Way(Protocol):
    longest: int  # bytes of a message; 0: any

    def send(self, messages: Sequence[Message]) -> list[Message]:
        """When this returns the receiver has them, but for those given back, which it will never take."""

    def close(self) -> None: ...
