"""Approved changes: maintenance windows and change tickets, in which work that would else be reported is expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors import address

if TYPE_CHECKING:
    from collections.abc import Iterable

ACTIONS = ("write", "control", "deploy", "update", "session")


@dataclass(frozen=True, slots=True)
class Change:
    """`start` and `end`: nanoseconds since the epoch, `start <= ts < end`. `hosts`: addresses or networks it is about;
    none: the whole site. `actions`: what is done (`write control deploy update session`); none: anything."""

    id: str
    start: int
    end: int
    hosts: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    note: str = ""


class Changes:
    """ValueError for a change that ends before it begins or names no network."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self.all = tuple(sorted(changes, key=lambda change: (change.start, change.id)))
        self._networks: list[tuple[Change, list[tuple[int, int]]]] = []
        for change in self.all:
            if change.end <= change.start:
                raise ValueError(f"change {change.id!r} ends before it begins")
            try:
                networks = [address.prefix(host) for host in change.hosts]
            except ValueError as error:
                raise ValueError(f"change {change.id!r}: {error}") from None
            self._networks.append((change, networks))

    def __bool__(self) -> bool:
        return bool(self.all)

    def covering(self, ts: int, action: str, *hosts: bytes) -> Change | None:
        """The earliest change that covers this moment, this action and one of these hosts (16 bytes each). No action is
        what shows when any of them is done: reading before a write, values and traffic that move after it."""
        for change, networks in self._networks:
            if change.start > ts:
                break
            if ts >= change.end or (action and change.actions and action not in change.actions):
                continue
            if not networks or any(_inside(host, network) for host in hosts for network in networks):
                return change
        return None


def _inside(host: bytes, network: tuple[int, int]) -> bool:
    value, length = network
    return (int.from_bytes(host, "big") ^ value) >> (128 - length) == 0
