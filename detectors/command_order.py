"""In which order a client gives its commands: which step follows which. For `commands`.

A step is a write or command with its object; polls are none, so that they never come between. What is learnt of a step
is after which others of the same client, server and unit it came. A step that has come often enough after the same few
is *settled*: after another known step it is told. Steps are put in order by when each was first given in its window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.behaviours import mixed
from detectors.command_words import COMMANDED, broadcast, housekeeping
from detectors.statistics.continuity import Continuity
from detectors.window import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from detectors.behaviours import Behaviour, Behaviours
    from detectors.commands import Commands
    from detectors.window import Array, Window

NAME = "commands.order"  # of what is learnt: irregular orders must not keep the other commands in learning
STEPS = 1 << 14  # known, and as many clients and units whose latest step is known; the oldest leaves
WINDOW = 4096  # steps of one window; more of them are no order that anybody gives, and are left out
SETTLED = 8  # times in a row that a step came after known ones, and
FACTOR = 8  # so many for each of those: else an operator who works in any order would be told
MOST = 3  # predecessors of a step that has an order at all
_COMMANDED = np.array([number(protocol) for protocol in COMMANDED], dtype=np.uint32)


class Order:
    def __init__(self, owner: Commands) -> None:
        self._owner = owner
        self._known = owner.learning.novelty(NAME, STEPS)
        self._steps: dict[int, list[Any]] = {}  # by behaviour: times in a row, known predecessors, what it does
        self._last: dict[int, int] = {}  # by client, server and unit: the latest step
        self._now: list[tuple[Array, ...]] = []  # of this window, a part each: steps, first, last, whose, where
        self._parts: list[Behaviours] = []
        self._seen = Continuity()
        self._flooded = False  # too many steps in this window
        self.overflow = 0  # windows left out, steps forgotten

    def gather(self, behaviours: Behaviours) -> None:
        steps = behaviours.where("access", ("write", "control"))
        if not steps.size:
            return
        steps = steps[np.isin(behaviours.texts("protocol")[steps], _COMMANDED)]
        self._flooded |= len(steps) > WINDOW
        if not steps.size or self._flooded:
            return
        ends = behaviours.addresses("client_ip", steps), behaviours.addresses("server_ip", steps)
        whose = mixed(*ends) + behaviours.texts("unit")[steps].astype(np.uint64)
        first, last = (behaviours.array(name)[steps] for name in ("ts", "last_ts"))
        part = np.full(len(steps), len(self._parts))
        self._now.append((behaviours.ids[steps], first, last, whose, steps, part))
        self._parts.append(behaviours)

    def judge(self, window: Window, ignored: frozenset[bytes]) -> None:
        if self._seen.broken(window.start, window.end):
            self._last.clear()
        if self._flooded:
            self._left_out()
        elif self._now:
            self._judge(ignored)
        self._now.clear()
        self._parts.clear()
        self._flooded = False

    def _left_out(self) -> None:
        self.overflow += 1
        self._last.clear()

    def _judge(self, ignored: frozenset[bytes]) -> None:
        steps, first, last, whose, where, part = (np.concatenate(columns) for columns in zip(*self._now, strict=True))
        if len(self._now) > 1:  # a step may stand in several parts
            steps, at, which = np.unique(steps, return_index=True, return_inverse=True)
            begin, end = first[at], last[at]
            np.minimum.at(begin, which, first)
            np.maximum.at(end, which, last)
            first, last, whose, where, part = begin, end, whose[at], where[at], part[at]
        if len(steps) > WINDOW:
            self._left_out()
            return
        order = np.lexsort((steps, first))
        columns = (column[order].tolist() for column in (steps, whose, first, where, part))
        for step, owner, ts, row, place in zip(*columns, strict=True):
            self._step(step, owner, ts, self._parts[place], row, ignored)
        order = np.lexsort((steps, last))
        for step, owner in zip(steps[order].tolist(), whose[order].tolist(), strict=True):
            if step in self._steps:
                self._last[owner] = step
        _bound(self._last)

    def _step(self, step: int, whose: int, ts: int, behaviours: Behaviours, at: int, ignored: frozenset[bytes]) -> None:
        held = self._steps.get(step)
        if held is None and (held := self._new(step, behaviours.row, at, ignored)) is None:
            return
        before, self._last[whose] = self._last.get(whose), step
        if before is None or before not in self._steps:
            return
        key = _number(before, step)
        told = self._known.told(key)
        if told == "":
            held[0] += 1
            return
        b = behaviours.row(at)
        text = f"{held[2]} after {self._steps[before][2]}"
        fresh = told is None and self._known.fresh(key, b.client, text)
        if told or (fresh and held[1] <= MOST and held[0] >= max(SETTLED, FACTOR * held[1])):
            self._known.report(key, "order")
            self._report(b._replace(ts=ts), held, before)
        else:
            held[0], held[1] = 0, held[1] + 1

    def _new(self, step: int, row: Callable[[int], Behaviour], at: int, ignored: frozenset[bytes]) -> list[Any] | None:
        """A step met for the first time. What is new after learning is told as such; it says nothing of the order of
        the rest."""
        b = row(at)
        if b.client in ignored or self._owner.learning.live(NAME, b.client) or housekeeping(b) or broadcast(b):
            return None
        held = self._steps[step] = [0, 0, f"{b.operation} {b.object}".strip()]
        self._owner.learning.note(NAME, b.client)
        self.overflow += _bound(self._steps)
        return held

    def _report(self, b: Behaviour, held: list[Any], before: int) -> None:
        after = self._steps[before][2]
        cause = self._owner.report(
            "order", b, told=f"gave {held[2]} directly after {after}, out of the order it always kept, on",
            severity="medium",
        )  # fmt: skip
        cause.add("orders", [f"{after} > {held[2]}"])
        cause.facts["times_in_order"] = max(held[0], cause.facts.get("times_in_order", 0))

    def sizes(self) -> dict[str, int]:
        return {"steps": len(self._steps), "latest": len(self._last)}

    def snapshot(self) -> dict[str, Any]:
        steps = [[step, *held] for step, held in self._steps.items()]
        latest = list(self._last.items())
        return {"steps": steps, "latest": latest, "seen": self._seen.latest, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        self._steps = {step: list(held) for step, *held in state["steps"]}
        self._last = dict(map(tuple, state["latest"]))
        self._seen, self.overflow = Continuity(state["seen"]), state["overflow"]


def _number(before: int, step: int) -> int:
    """Of one step after another."""
    return (before * 0x9E3779B97F4A7C15 + step) & 0xFFFFFFFFFFFFFFFF


def _bound(held: dict[int, Any]) -> int:
    """Forgets what is oldest; says how many."""
    excess = max(0, len(held) - STEPS)
    for _ in range(excess):
        del held[next(iter(held))]
    return excess
