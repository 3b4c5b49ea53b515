"""The data-flow graph: who writes what, what feeds which model, what hangs on its outputs.

Nodes are texts: hosts, streams (topics, registers, node ids), models. Edges are learnt from the wire (a publisher and
its topic, a poll and its registers, an artefact and where it went) or named in the inventory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = ("data", "host", "supply", "training")  # value flows, runs on, artefact flows, training data flow
EDGES = 1 << 16
DEPTH = 6  # edges followed upstream


class Graph:
    """An edge leads the way the data go: `add("plc1", "topic/a", "data")`, `add("topic/a", "model-1", "data")`,
    `add("edge-3", "model-1", "host")`, `add("registry", "edge-3", "supply")`, `add("historian", "trainer",
    "training")`, `add("trainer", "model-1", "training")`. ValueError for a kind there is not."""

    def __init__(self, edges: Iterable[tuple[str, str, str]] = ()) -> None:
        self._into: dict[str, dict[str, set[str]]] = {}
        self._out: dict[str, set[str]] = {}
        self._cache: dict[str, dict[str, str]] = {}
        self._nodes: set[str] = set()  # that something leads away from
        self.edges: set[tuple[str, str, str]] = set()
        self.overflow = 0
        for edge in edges:
            self.add(*edge)

    def add(self, src: str, dst: str, kind: str) -> None:
        if kind not in KINDS:
            raise ValueError(f"there is no edge {kind!r}; there are {', '.join(KINDS)}")
        if (src, dst, kind) in self.edges:
            return
        if len(self.edges) >= EDGES:
            self.overflow += 1
            return
        self.edges.add((src, dst, kind))
        self._into.setdefault(dst, {}).setdefault(kind, set()).add(src)
        self._nodes.add(src)
        if kind == "data":
            self._out.setdefault(src, set()).add(dst)
        self._cache.clear()

    def reach(self, model: str) -> dict[str, str]:
        """How each node that matters meets the model: see `REACHES`; a node that is not in it reaches nothing."""
        known = self._cache.get(model)
        if known is None:
            known = self._cache[model] = self._reach(model)
        return known

    def above(self, streams: Iterable[str]) -> dict[str, str]:
        """`moved` for the streams and what writes them, `above` for what lies before that."""
        near = set(streams)
        near |= self._sources(near, "data")
        far = self._all(near, "data") - near
        return dict.fromkeys(sorted(near), "moved") | dict.fromkeys(sorted(far), "above")

    def _reach(self, model: str) -> dict[str, str]:
        found: dict[str, str] = {}

        def mark(nodes: Iterable[str], how: str) -> None:
            for node in nodes:
                if node not in found and node != model:
                    found[node] = how

        hosts = self._sources({model}, "host")
        mark(sorted(hosts), "host")
        streams = self._sources({model}, "data") - hosts
        direct = streams | self._sources(streams, "data")
        training = self._all(self._sources({model}, "training"), "training")
        supply = self._all(self._sources({model, *hosts}, "supply"), "supply")
        mark(sorted(supply), "supply")
        mark(sorted(direct), "feed")
        mark(sorted(training), "training")
        mark(sorted(self._all(direct, "data")), "upstream")
        mark(sorted(self.downstream(model)), "downstream")
        return found

    def sources(self, node: str, kind: str) -> set[str]:
        """What leads to a node directly."""
        return set(self._into.get(node, {}).get(kind, ()))

    def __contains__(self, node: object) -> bool:
        return node in self._nodes or node in self._into

    def _sources(self, nodes: set[str], kind: str) -> set[str]:
        return {src for node in nodes for src in self._into.get(node, {}).get(kind, ())}

    def _all(self, nodes: set[str], kind: str) -> set[str]:
        seen, edge = set(nodes), set(nodes)
        for _ in range(DEPTH):
            edge = self._sources(edge, kind) - seen
            if not edge:
                break
            seen |= edge
        return seen

    def downstream(self, model: str) -> set[str]:
        """What hangs on the model's outputs, however far."""
        seen: set[str] = set()
        edge = {model}
        for _ in range(DEPTH):
            edge = {dst for node in edge for dst in self._out.get(node, ())} - seen - {model}
            if not edge:
                break
            seen |= edge
        return seen

    def snapshot(self) -> dict[str, Any]:
        return {"edges": sorted(map(list, self.edges)), "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        self.__init__([(src, dst, kind) for src, dst, kind in state["edges"]])  # type: ignore[misc]
        self.overflow = state["overflow"]
