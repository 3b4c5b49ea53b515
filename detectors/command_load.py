"""Commands by number: too many in a short time, unanswered ones, those outside of approved changes. For `commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.base import SECOND
from detectors.behaviours import mixed
from detectors.command_words import COMMANDED, expects_answer
from detectors.memory import Ids, Memo
from detectors.rates import Rates

if TYPE_CHECKING:
    from detectors.behaviours import Behaviour, Behaviours
    from detectors.commands import Commands
    from detectors.window import Window

FACTOR = 3  # times the learnt most that are too many
POINTS = 4  # fewer written over and over are brute force only at STEADY times the rate: loops of control do that
STEADY = 5
SHOWN = 64  # behaviours of one client and server kept of a window: they are the evidence
PAIRS = 4096  # clients and servers that write, of one window

Pair = tuple[bytes, bytes]


class Load:
    def __init__(self, owner: Commands) -> None:
        self._owner = owner
        self._writes, self._silence = Rates(), Rates()
        self._answering = Ids()  # numbers of client and server between which commands are answered
        self._planned = Memo()  # behaviours looked at, where changes are configured
        self._rows: tuple[Behaviours, Any, Any] | None = None  # of this window: writes, and their pairs' numbers
        self._silent: dict[Pair, list[Behaviour]] = {}
        self._uncovered: list[Behaviour] = []
        self._lost = 0

    @property
    def overflow(self) -> int:
        return self._lost + self._writes.overflow + self._silence.overflow

    def gather(self, behaviours: Behaviours, ignored: frozenset[bytes]) -> None:
        changing = behaviours.where("access", ("write", "control"))
        if not changing.size:
            return
        counts, answered = behaviours.array("count")[changing], behaviours.array("answered")[changing]
        ends = behaviours.addresses("client_ip", changing), behaviours.addresses("server_ip", changing)
        pairs = mixed(*ends)
        self._rows = behaviours, changing, pairs
        self._frequent(counts, pairs, ends, ignored)
        for at in changing[answered < counts].tolist():
            b = behaviours.row(at)
            if b.client not in ignored and expects_answer(b):
                self._unanswered(b)
        self._answering.fresh(np.unique(pairs[answered > 0]))
        owner = self._owner
        if owner.site.changes or not owner.learning.live(owner.name):  # what is usual is learnt without a calendar, too
            ids = behaviours.ids[changing].tolist()
            new = [at for at, i in zip(changing.tolist(), ids, strict=True) if self._planned.get(i) is None]
            self._uncovered += map(behaviours.row, new)

    def _frequent(self, counts: Any, pairs: Any, ends: tuple[Any, Any], ignored: frozenset[bytes]) -> None:
        """Sums what each pair wrote. Only those that wrote often enough in this window to matter are followed."""
        _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
        totals = np.bincount(inverse, counts.astype(np.float64))
        for group in np.flatnonzero(totals >= max(1, self._owner.settings.brute_force // 8)).tolist():
            client, server = ends[0][first[group]].tobytes(), ends[1][first[group]].tobytes()
            if client not in ignored:
                self._writes.add(client + server, int(totals[group]))

    def _shown(self, key: bytes) -> list[Behaviour]:
        """What a pair wrote in this window, the earliest behaviours of it."""
        if self._rows is None:
            return []
        behaviours, changing, pairs = self._rows
        rows = changing[pairs == _pair_number(key)]
        found = [behaviours.row(at) for at in rows[np.argsort(behaviours.array("ts")[rows])][:SHOWN].tolist()]
        return sorted(b for b in found if b.protocol in COMMANDED)

    def _unanswered(self, b: Behaviour) -> None:
        pair = (b.client, b.server)
        self._silence.add(b.client + b.server, b.occurrences - b.answered)
        if len(self._silent) < PAIRS or pair in self._silent:
            self._silent.setdefault(pair, []).append(b)

    def judge(self, window: Window) -> None:
        owner, settings = self._owner, self._owner.settings
        period = int(settings.seconds * SECOND)

        def live(key: bytes) -> bool:
            return owner.learning.live(owner.name, key[:16])

        bursts = set()
        for key, total in self._writes.close(window.end, period, live).items():
            if total < max(settings.brute_force, FACTOR * self._writes.most(key)):
                continue
            shown = self._shown(key)
            points = len({b.object for b in shown})
            if shown and (points >= POINTS or total >= STEADY * settings.brute_force):
                bursts.add(key)
                self._burst(key, total, shown)
        for key, total in self._silence.close(window.end, period, live).items():
            answering = bool(self._answering.known(np.array([_pair_number(key)], dtype=np.uint64))[0])
            if key in bursts:
                continue  # who is flooded leaves some unanswered: that is the same cause
            if answering and total >= max(settings.unanswered, FACTOR * self._silence.most(key)):
                for b in sorted(self._silent.get((key[:16], key[16:]), [])):
                    cause = owner.report("unanswered", b, told="got no answer to its commands from", severity="medium")
                    cause.facts["unanswered"] = max(total, cause.facts.get("unanswered", 0))
        for b in sorted(self._uncovered):
            self._outside(b)
        self._rows = None
        self._silent.clear()
        self._uncovered.clear()

    def _burst(self, key: bytes, total: int, shown: list[Behaviour]) -> None:
        cause = None
        for b in shown:
            told = (
                f"wrote to or commanded {len(shown)} points {total} times within {self._owner.settings.seconds:g} s on"
            )
            cause = self._owner.report("brute_force", b, told=told)
        if cause is not None:
            cause.facts["most_learnt"] = self._writes.most(key)
            cause.facts["in_period"] = max(total, cause.facts.get("in_period", 0))

    def _outside(self, b: Behaviour) -> None:
        """A write or command the client is not known for, while changes are configured and none covers it."""
        owner = self._owner
        if b.protocol not in COMMANDED or owner.site.changes.covering(b.ts, b.access, b.client, b.server):
            return  # what is done under a change stays unknown: without one it is told
        self._planned.put(b.id)
        known = owner.learning.novelty(owner.name)
        key = b"\0".join((b"planned", b.client, b.server, b.protocol.encode(), b.access.encode()))
        if known.fresh(key, b.client, f"{b.operation} outside of changes"):
            owner.report("outside_window", b, told="changes, while no approved change is under way,", severity="medium")
            known.report(key, "outside")

    def sizes(self) -> dict[str, int]:
        return {"writers": max(len(self._writes), len(self._silence)), "planned": len(self._planned),
                "answering": len(self._answering)}  # fmt: skip

    def snapshot(self) -> dict[str, Any]:
        return {
            "writes": self._writes.snapshot(), "silence": self._silence.snapshot(), "lost": self._lost,
            "answering": self._answering.snapshot(), "planned": self._planned.snapshot(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        self._writes.restore(state["writes"])
        self._silence.restore(state["silence"])
        self._answering.restore(state["answering"])
        self._planned.restore(state["planned"])
        self._lost = state["lost"]


def _pair_number(key: bytes) -> Any:
    ends = np.frombuffer(key, np.uint8).reshape(2, 1, 16)
    return mixed(ends[0], ends[1])[0]
