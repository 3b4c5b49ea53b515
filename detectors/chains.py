"""Remote sessions of the recent past, and the paths that lead through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detectors import address

if TYPE_CHECKING:
    from collections.abc import Iterable

SESSIONS = 4096  # followed at a time; the one quiet for longest leaves
LONGEST = 8  # hops of a path


class Hop(NamedTuple):
    """One step from host to host: a session, a write, a command."""

    first: int
    last: int
    src: bytes
    dst: bytes
    protocol: str
    access: str
    frame: int
    capture: str

    def joined(self, other: Hop) -> Hop:
        """The same step seen twice: the earliest packet speaks for it."""
        return min(self, other)._replace(last=max(self.last, other.last))


def told(hop: Hop) -> str:
    """One line for the evidence, in the order of time."""
    when = np.datetime64(hop.first, "ns").astype("datetime64[ms]")
    what = hop.protocol if hop.access == "session" else f"{hop.protocol} {hop.access}"
    frame = f", frame {hop.frame}" if hop.frame else ""
    return f"{when}Z {address.text(hop.src)} -> {address.text(hop.dst)} {what}{frame}"


class Chains:
    """`horizon`: nanoseconds within which one step may follow another."""

    def __init__(self, horizon: int) -> None:
        self._horizon = horizon
        self._into: dict[bytes, dict[tuple[bytes, str], Hop]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._into.values()))

    def add(self, hop: Hop) -> None:
        """A remote session, new or known. One that comes again after the horizon is another."""
        hops = self._into.setdefault(hop.dst, {})
        before = hops.get((hop.src, hop.protocol))
        if before is not None and hop.first - before.last <= self._horizon:
            hop = before.joined(hop)
        hops[hop.src, hop.protocol] = hop

    def path(self, last: Hop) -> list[Hop]:
        """The steps that end with this one: each into the host from which the next was made, latest first chosen."""
        found = [last]
        hosts = {last.src, last.dst}
        while len(found) < LONGEST:
            step = found[0]
            before = [
                hop
                for hop in self._into.get(step.src, {}).values()
                if hop.src not in hosts and hop.first <= step.first <= hop.last + self._horizon
            ]
            if not before:
                break
            found.insert(0, max(before))
            hosts.add(found[0].src)
        return found

    def prune(self, now: int) -> None:
        kept = [hop for hop in self._all() if now - hop.last <= self._horizon]
        if len(kept) > SESSIONS:
            kept = sorted(kept, key=lambda hop: (hop.last, hop))[-SESSIONS:]
        if len(kept) < len(self):
            self._take(kept)

    def _all(self) -> Iterable[Hop]:
        return (hop for hops in self._into.values() for hop in hops.values())

    def _take(self, hops: Iterable[Hop]) -> None:
        self._into = {}
        for hop in hops:
            self._into.setdefault(hop.dst, {})[hop.src, hop.protocol] = hop

    def snapshot(self) -> list[list[Any]]:
        return [list(hop._replace(src=hop.src.hex(), dst=hop.dst.hex())) for hop in sorted(self._all())]  # type: ignore[arg-type]

    def restore(self, state: list[list[Any]]) -> None:
        hops = [Hop(*cells) for cells in state]
        self._take(hop._replace(src=bytes.fromhex(str(hop.src)), dst=bytes.fromhex(str(hop.dst))) for hop in hops)
