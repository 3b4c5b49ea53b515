"""Retained messages of MQTT: who subscribes is first given the last message of a topic, which is nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors.outputs.selectors import covers

if TYPE_CHECKING:
    from collections.abc import Iterable

FLOWS = 4096  # connections remembered; the one that subscribed longest ago leaves
TOPICS = 1024  # of one of them


class Subscriptions:
    def __init__(self) -> None:
        self._filters: dict[int, list[str]] = {}
        self._given: dict[int, set[str]] = {}
        self.retained = 0

    def subscribe(self, flow: int, filters: Iterable[str]) -> None:
        """Whatever these cover is given anew."""
        known = self._filters.pop(flow, [])
        given = self._given.pop(flow, set())
        for pattern in filters:
            if pattern not in known and len(known) < TOPICS:
                known.append(pattern)
        self._filters[flow] = known
        self._given[flow] = {topic for topic in given if not any(covers(pattern, topic) for pattern in filters)}
        if len(self._filters) > FLOWS:
            oldest = next(iter(self._filters))
            del self._filters[oldest], self._given[oldest]

    def old(self, flow: int, topic: str) -> bool:
        """Whether a message that says it is retained is what a subscription gives: once a topic."""
        given = self._given.get(flow)
        if given is None or topic in given or not any(covers(pattern, topic) for pattern in self._filters[flow]):
            return False
        if len(given) < TOPICS:
            given.add(topic)
        self.retained += 1
        return True

    def snapshot(self) -> dict[str, Any]:
        flows = [[flow, filters, sorted(self._given[flow])] for flow, filters in self._filters.items()]
        return {"flows": flows, "retained": self.retained}

    def restore(self, state: dict[str, Any]) -> None:
        self._filters = {flow: list(filters) for flow, filters, _ in state["flows"]}
        self._given = {flow: set(given) for flow, _, given in state["flows"]}
        self.retained = state["retained"]
