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

if TYPE_CHECKING:
    from detectors.behaviours import Behaviour, Behaviours
    from detectors.commands import Commands
    from detectors.window import Window

NAME = "commands.order"  # of what is learnt: irregular orders must not keep the other commands in learning
STEPS = 1 << 14  # known, and as many clients and units whose latest step is known; the oldest leaves
WINDOW = 4096  # steps of one window; more of them are no order that anybody gives, and are left out
SETTLED = 8  # times in a row that a step came after known ones, and
FACTOR = 8  # so many for each of those: else an operator who works in any order would be told
MOST = 3  # predecessors of a step that has an order at all


class Order:
    def __init__(self, owner: Commands) -> None:
        self._owner = owner
        self._known = owner.learning.novelty(NAME, STEPS)
        self._steps: dict[int, list[Any]] = {}  # by behaviour: times in a row, known predecessors, what it does
        self._last: dict[int, int] = {}  # by client, server and unit: the latest step
        self._now: dict[int, tuple[int, int, int, Behaviours, int]] = {}  # of this window: first, last, whose, where
        self._seen = Continuity()
        self.overflow = 0

    def gather(self, behaviours: Behaviours) -> None:
        steps = np.intersect1d(
            behaviours.where("access", ("write", "control")), behaviours.where("protocol", COMMANDED)
        )
        if not steps.size:
            return
        ends = behaviours.addresses("client_ip", steps), behaviours.addresses("server_ip", steps)
        whose = (mixed(*ends) + behaviours.texts("unit")[steps].astype(np.uint64)).tolist()
        first, last = behaviours.array("ts")[steps].tolist(), behaviours.array("last_ts")[steps].tolist()
        for at, step, *told in zip(steps.tolist(), behaviours.ids[steps].tolist(), first, last, whose, strict=True):
            before = self._now.get(step)
            if before is None:
                self._now[step] = (*told, behaviours, at)
            else:
                self._now[step] = (min(told[0], before[0]), max(told[1], before[1]), *before[2:])

    def judge(self, window: Window, ignored: frozenset[bytes]) -> None:
        if self._seen.broken(window.start, window.end):
            self._last.clear()
        if len(self._now) > WINDOW:
            self.overflow += len(self._now)
            self._last.clear()
        else:
            for first, step in sorted((told[0], step) for step, told in self._now.items()):
                _, _, whose, behaviours, at = self._now[step]
                self._step(step, whose, behaviours, at, first, ignored)
            for _, step in sorted((told[1], step) for step, told in self._now.items()):
                if step in self._steps:
                    self._last[self._now[step][2]] = step
            _bound(self._last)
        self._now.clear()

    def _step(self, step: int, whose: int, behaviours: Behaviours, at: int, ts: int, ignored: frozenset[bytes]) -> None:
        held = self._steps.get(step)
        if held is None:
            b = behaviours.row(at)
            if b.client in ignored or self._owner.learning.live(NAME, b.client) or housekeeping(b) or broadcast(b):
                return  # what is new after learning is told as such; it says nothing of the order of the rest
            held = self._steps[step] = [0, 0, f"{b.operation} {b.object}".strip()]
            self._owner.learning.note(NAME, b.client)
            self.overflow += _bound(self._steps)
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
    for key in list(held)[:excess]:
        del held[key]
    return excess
