"""Who came late to a capture that is too short to learn from.

While a detector learns, this keeps when each client was first seen at all, and what each writer wrote. If
the capture ends before the learning does, a client that was not there from the beginning stands out
against those that were; if the learning ends in time, all of this is forgotten.
"""

from __future__ import annotations

from typing import Any

from detectors.base import SECOND
from detectors.behaviours import Behaviour, Behaviours
from detectors.memory import Ids
from detectors.protocols import LEVELS

CLIENTS = 4096
WRITERS = 1024
ACTS = 16  # kept of one writer
_LEAST = 5 * SECOND  # sooner than this after the first message nobody is late


class Latecomers:
    def __init__(self) -> None:
        self._looked_at = Ids()
        self._first: dict[bytes, int] = {}
        self._acts: dict[bytes, dict[int, Behaviour]] = {}
        self._end = 0

    def __len__(self) -> int:
        return max(len(self._first), len(self._acts))

    def clear(self) -> None:
        self._looked_at.clear()
        self._first.clear()
        self._acts.clear()

    def clients(self, behaviours: Behaviours) -> None:
        for at in self._looked_at.fresh(behaviours.ids):
            b = behaviours.row(at)
            if b.protocol in LEVELS and (b.client in self._first or len(self._first) < CLIENTS):
                self._first[b.client] = min(b.ts, self._first.get(b.client, b.ts))
        self._end = max(self._end, int(behaviours.array("last_ts").max(initial=0)))

    def act(self, writer: bytes, b: Behaviour) -> None:
        acts = self._acts.get(writer)
        if acts is None:
            if len(self._acts) >= WRITERS:
                return
            acts = self._acts[writer] = {}
        before = acts.get(b.id)
        if before is not None:
            b = before._replace(occurrences=before.occurrences + b.occurrences, last_ts=max(before.last_ts, b.last_ts))
        if before is not None or len(acts) < ACTS:
            acts[b.id] = b

    def late(self, share: float) -> list[tuple[int, Behaviour]]:
        """What clients wrote that came after this share of the capture, with the time before they came."""
        if not self._first:
            return []
        start = min(self._first.values())
        least = max(_LEAST, int(share * (self._end - start)))
        found = [(self._first.get(b.client, start) - start, b) for acts in self._acts.values() for b in acts.values()]
        return sorted((waited, b) for waited, b in found if waited >= least)

    def snapshot(self) -> dict[str, Any]:
        acts = {
            writer.hex(): [list(b._replace(client=b.client.hex(), server=b.server.hex())) for b in kept.values()]  # type: ignore[arg-type]
            for writer, kept in self._acts.items()
        }
        first = {client.hex(): ts for client, ts in self._first.items()}
        return {"looked_at": self._looked_at.snapshot(), "first": first, "acts": acts, "end": self._end}

    def restore(self, state: dict[str, Any]) -> None:
        self._looked_at.restore(state["looked_at"])
        self._first = {bytes.fromhex(client): ts for client, ts in state["first"].items()}
        self._end = state["end"]
        self._acts = {bytes.fromhex(writer): dict(map(_act, kept)) for writer, kept in state["acts"].items()}


def _act(cells: list[Any]) -> tuple[int, Behaviour]:
    b = Behaviour(*cells)
    b = b._replace(client=bytes.fromhex(str(b.client)), server=bytes.fromhex(str(b.server)))
    return b.id, b
