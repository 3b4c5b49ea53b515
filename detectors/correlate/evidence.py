"""All events as arrays: codes of type, marks and reach, and how many like each happen anyway."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from detectors.correlate.factory import type_of
from detectors.correlate.rows import MARKS, REACHES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.correlate.factory import Factory
    from detectors.correlate.graph import Graph
    from detectors.correlate.rows import Event

Array = npt.NDArray[Any]

HOUR = 3600 * 10**9
DAY = 24 * HOUR
RATE_WEIGHT = 48.0  # hours of watching that a factory rate weighs as much as
SHARE_WEIGHT = 100.0  # events of a type that its factory marks and reaches weigh as much as; with 8, chance decides
SOURCED = 900 * 10**9  # an event this near to a new source of training data is about it
_TRAINING = ("historian_write", "training_source")
_CODE = {name: {value: at for at, value in enumerate(values)} for name, values in MARKS.items()}
_REACH = {reach: at for at, reach in enumerate(REACHES)}


class Evidence:
    """Events in order of time. `hours`: how long they were gathered."""

    def __init__(self, events: Sequence[Event], hours: float, factory: Factory) -> None:
        self.events = sorted(events, key=lambda e: (e.ts, e.event_id))
        self.factory = factory
        self.hours = max(hours, 1.0)
        index = {name: at for at, name in enumerate(factory.types)}
        other = index["other"]
        self.ts = np.array([e.ts for e in self.events], dtype=np.int64)
        self.type = np.array([index.get(e.type or type_of(e.kind), other) for e in self.events], dtype=np.int64)
        nodes: dict[str, int] = {}
        ends = [[nodes.setdefault(n, len(nodes)) for n in (e.src, e.dst, e.target)] for e in self.events]
        self._ends = np.array(ends, dtype=np.int64).reshape(-1, 3)
        self._nodes = list(nodes)
        self.marks = {
            mark: np.array([code.get(e.marks.get(mark, ""), 0) for e in self.events], dtype=np.int64)
            for mark, code in _CODE.items()
        }
        self.marks["chain"] = self._chain()
        self._feeds_training = np.isin(self.type, [index[name] for name in _TRAINING if name in index])
        self._artefacts = self.type == index.get("artefact", -1)
        self._acts = self._first_of_act()
        self._counts = np.bincount(self.type[self._acts], minlength=len(factory.types))

    def _first_of_act(self) -> Array:
        """Where an act begins: what a source does of a type within the hour is one, however many detectors tell it."""
        first = np.ones(len(self.events), dtype=bool)
        last: dict[tuple[int, int], int] = {}
        for at, key in enumerate(zip(self.type.tolist(), self._ends[:, 0].tolist(), strict=True)):
            ts = int(self.ts[at])
            first[at] = ts - last.get(key, -HOUR) >= HOUR
            if first[at]:
                last[key] = ts
        return first

    def _chain(self) -> Array:
        """How many other types of event came from the same source in the day before: none, one, more."""
        chain = np.zeros(len(self.events), dtype=np.int64)
        recent: dict[int, list[tuple[int, int]]] = {}
        types, sources, times = self.type.tolist(), self._ends[:, 0].tolist(), self.ts.tolist()
        for at, (kind, source, ts) in enumerate(zip(types, sources, times, strict=True)):
            before = recent.setdefault(source, [])
            if before and before[0][0] < ts - DAY:
                del before[: bisect_left(before, (ts - DAY, -1))]
            chain[at] = min(2, len({other for _, other in before if other != kind}))
            before.append((ts, kind))
        return chain

    def reach(self, graph: Graph, model: str, moved: Sequence[str] = (), sourced: Sequence[int] = ()) -> Array:
        """Of each event: what it touches decides, first the object, then the host. `moved`: inputs that drifted;
        `sourced`: when a new source began to feed the model's training."""
        table = graph.reach(model) | graph.above(moved)
        by_node = np.array([_REACH[table.get(node, "none")] for node in self._nodes], dtype=np.int64)
        if not len(by_node):
            return np.zeros(0, dtype=np.int64)
        codes = by_node[self._ends]
        target, dst = codes[:, 2], codes[:, 1]
        found: Array = np.where(target > 0, target, dst)
        # An artefact put where the model's host takes its artefacts from is as good as given to the host.
        found[self._artefacts & (found == _REACH["supply"])] = _REACH["host"]
        for ts in sourced:
            near = slice(*np.searchsorted(self.ts, (ts - SOURCED, ts + SOURCED)))
            training = np.isin(found[near], (_REACH["none"], _REACH["training"])) & self._feeds_training[near]
            found[near][training] = _REACH["lineage"]
        return found

    def final(self, at: Array, reach: Array) -> Array:
        """Of candidates (places `at`, in order of time) that meet the data flow: 1 the last of its source's, 0 one that
        others follow. -1: it does not meet it."""
        found = np.where(reach > 0, 0, -1)
        meets = np.flatnonzero(reach > 0)
        if len(meets):
            _, last = np.unique(self._ends[at[meets], 0][::-1], return_index=True)
            found[meets[len(meets) - 1 - last]] = 1
        return found

    def log_rate(self, reach: Array) -> Array:
        """log λ an hour, of events of the same type, reach and marks: counts here, leaning on the factory's (Gamma
        smoothing of the rate of the type, Dirichlet smoothing of the shares within it). The event itself does not
        count."""
        background = self.factory.background
        combined = self.type * len(REACHES) + reach
        expected = background.reaches[self.type, reach].copy()
        for mark, values in MARKS.items():
            code = self.marks[mark]
            combined = combined * len(values) + code
            expected *= background.marks[mark][self.type, code]
        _, inverse = np.unique(combined, return_inverse=True)
        counts = np.bincount(inverse, weights=self._acts, minlength=int(inverse.max(initial=-1)) + 1)
        of_type = np.maximum(0, self._counts[self.type] - 1)
        same = np.maximum(0, counts[inverse] - 1)
        rate = (of_type + background.rates[self.type] * RATE_WEIGHT) / (self.hours + RATE_WEIGHT)
        share = (same + SHARE_WEIGHT * expected) / (of_type + SHARE_WEIGHT)
        log_rate: Array = np.log(rate) + np.log(share)
        return log_rate
