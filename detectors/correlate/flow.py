"""Learns the data-flow graph off the wire: who publishes, reads and writes what, and which way artefacts travel.

What feeds a model is named by the configuration (`[[model]]` inputs and hosts, `[[data_source]]`); what lies before
that, and where outputs go, is seen: a publisher and its topic, a poll and its answer, a write, an artefact and where
it went, a host that fetches training data and supplies models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from detectors import address
from detectors.behaviours import Behaviours
from detectors.memory import Ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.behaviours import Behaviour
    from detectors.correlate.graph import Graph
    from detectors.drift.rows import Output, Reading
    from detectors.models import Model, Models
    from detectors.window import Table, Window

READERS = 4096  # hosts that fetched training data
STREAMS = 4096  # of all models
_READ, _WRITE = ("read", "report"), ("write", "control")
_FETCHES = ("GET ", "RETR ")


class Source(Protocol):
    """A `[[data_source]]`."""

    @property
    def id(self) -> str: ...
    @property
    def hosts(self) -> tuple[str, ...]: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def models(self) -> tuple[str, ...]: ...


class Artefact(NamedTuple):
    """A model file that went from `source` to `target` (16 bytes each)."""

    ts: int
    source: bytes
    target: bytes
    name: str
    sha256: str
    state: str  # what the list of approved artefacts says
    model: str
    version: str
    missing: int


@dataclass(slots=True)
class Flow:
    """`trains`: host of a source of training data → models."""

    graph: Graph
    models: Models
    sources: tuple[Source, ...] = ()
    trains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    overflow: int = 0
    _seen: Ids = field(default_factory=lambda: Ids(1 << 16))
    _readers: dict[str, str] = field(default_factory=dict)  # host → the source of training data it read
    _streams: dict[str, str] = field(default_factory=dict)  # input stream → "" or its topic
    retrained: dict[str, str] = field(default_factory=dict)  # SHA-256 → the host that trained it, as far as was seen
    origins: dict[str, str] = field(default_factory=dict)  # SHA-256 → the host that had the artefact first
    _configured: tuple[Model, ...] = ()

    def __post_init__(self) -> None:
        self.configured()

    def configured(self) -> None:
        """What the configuration says of the data flow; models may be added while the sensor runs."""
        self._configured = self.models.all
        for model in self.models.all:
            for host in map(_single, model.hosts):
                self._edge(host, model.id, "host")
        fed = {model.id: set(map(_stem, model.inputs)) for model in self.models.all}
        for source in self.sources:
            hosts = [host for host in map(_single, source.hosts) if host]
            for name in source.models:
                # What a model is not fed with while it runs is what it was trained with.
                training = not fed.get(name, set()) & set(map(_stem, source.tags)) and _by_file(source)
                for host in hosts:
                    self._edge(host, name, "training" if training else "data")
                    if training:
                        self.trains[host] = tuple(sorted({*self.trains.get(host, ()), name}))

    def _edge(self, src: str, dst: str, kind: str) -> None:
        if src and dst and src != dst:
            self.graph.add(src, dst, kind)

    def streams(self, outputs: Iterable[Output], inputs: Iterable[Reading]) -> None:
        """Streams that models were seen to read and to give."""
        for reading in inputs:
            name = reading.stream
            if name not in self._streams:
                if len(self._streams) >= STREAMS:
                    self.overflow += 1
                    continue
                topic = self._streams[name] = _stem(name) if _stem(name) != name else ""
                self._edge(topic, name, "data")
                for above in sorted(self.graph.sources(topic, "data")) if topic else ():
                    self._edge(above, name, "data")
            self._edge(name, reading.model_id, "data")
        for model in {output.model_id for output in outputs}:
            for known in self.models.all:
                for tag in known.outputs if known.id == model else ():
                    self._edge(model, _stem(tag), "data")

    def learn(self, window: Window) -> list[Artefact]:
        """Edges of a part of a window; the artefacts that were carried in it, earliest first."""
        if self._configured is not self.models.all:
            self.configured()
        behaviours = window.derive(Behaviours)
        if len(behaviours):
            for at in self._seen.fresh(behaviours.ids):
                self._behaviour(behaviours.row(at))
        self._tags(window["tag_values"])
        self._fetched(window["flows"])
        return self._artefacts(window["files"])

    def _behaviour(self, b: Behaviour) -> None:
        client, server = address.text(b.client), address.text(b.server)
        if b.protocol == "mqtt":
            if b.operation == "publish" and b.object:
                self._published(client, server, b.object)
            elif b.operation == "deliver" and b.object:
                self._edge(b.object, client, "data")
        elif b.access in _READ:
            self._edge(server, client, "data")
        elif b.access in _WRITE:
            self._edge(client, server, "data")

    def _published(self, client: str, broker: str, topic: str) -> None:
        self._edge(client, topic, "data")
        self._edge(broker, topic, "data")
        for stream in sorted(name for name, of in self._streams.items() if of == topic):
            self._edge(client, stream, "data")
            self._edge(broker, stream, "data")

    def _tags(self, table: Table) -> None:
        """Who answers for a tag that is polled, or reports it."""
        wanted = frozenset(name for name, topic in self._streams.items() if not topic)
        if not wanted or not len(table):
            return
        rows = np.flatnonzero(table.where("tag", wanted) & ~table.where("source", ("mqtt",)))
        pairs = {(table.text("tag", at), table.ip("dst_ip", at)) for at in rows.tolist()}
        for tag, server in sorted(pairs):
            self._edge(address.text(server), tag, "data")

    def _fetched(self, table: Table) -> None:
        """Hosts that fetched something from a source of training data."""
        if not self.trains or not len(table):
            return
        for row in np.flatnonzero(table.where("app", ("http", "ftp", "smb"))).tolist():
            server = address.text(table.ip("dst_ip", row))
            if server in self.trains and table.text("info", row).startswith(_FETCHES):
                reader = address.text(table.ip("src_ip", row))
                if len(self._readers) < READERS:
                    self._readers[reader] = server

    def _artefacts(self, table: Table) -> list[Artefact]:
        found = []
        for row in np.flatnonzero(table.where("model_format", bool)).tolist() if len(table) else ():
            ends = table.ip("src_ip", row), table.ip("dst_ip", row)
            source, target = ends if table.numbers("upload")[row] else ends[::-1]
            sha256 = table.text("sha256", row)
            verdict = self.models.verdict(sha256)
            runs = self.models.on(target)
            model = verdict.model or (runs.id if runs else "")
            about = table.text("name", row), sha256, verdict.state, model, verdict.version
            missing = int(table.numbers("missing")[row])
            found.append(Artefact(int(table.numbers("ts")[row]), source, target, *about, missing))
        for artefact in sorted(found):
            self._trained(artefact)
            self._supplied(address.text(artefact.source), address.text(artefact.target))
        return sorted(found)

    def _trained(self, artefact: Artefact) -> None:
        """An artefact that comes first from a host that fetched training data is what it made of them."""
        maker = address.text(artefact.source)
        if not artefact.sha256 or artefact.sha256 in self.origins:
            return
        for held in (self.origins, self.retrained):
            if held is self.origins or maker in self._readers:
                held[artefact.sha256] = maker
            if len(held) > READERS:
                del held[min(held)]
                self.overflow += 1

    def _supplied(self, source: str, target: str) -> None:
        self._edge(source, target, "supply")
        trained = self._readers.get(source)
        for model in self.trains.get(trained, ()) if trained else ():
            self._edge(trained or "", source, "training")
            self._edge(source, model, "training")

    def sizes(self) -> dict[str, int]:
        return {"readers": len(self._readers), "streams": len(self._streams), "edges": len(self.graph.edges)}

    def snapshot(self) -> dict[str, Any]:
        """Without the graph."""
        return {
            "seen": self._seen.snapshot(),
            "readers": dict(self._readers),
            "streams": dict(self._streams),
            "retrained": dict(self.retrained),
            "origins": dict(self.origins),
            "overflow": self.overflow,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._seen.restore(state["seen"])
        self._readers, self._streams = dict(state["readers"]), dict(state["streams"])
        for held, kept in ((self.retrained, state["retrained"]), (self.origins, state["origins"])):
            held.clear()  # others hold it
            held.update(kept)
        self.overflow = state["overflow"]


def _single(host: str) -> str:
    """One address as nodes name it; empty for a network."""
    try:
        return address.text(address.parse(host))
    except ValueError:
        return ""


def _stem(tag: str) -> str:
    """The topic of `topic#field`."""
    return tag.partition("#")[0]


def _by_file(source: Source) -> bool:
    """Whether the source hands out files, as for training, and not single values."""
    return any(tag.startswith(("/", "http://", "https://")) for tag in source.tags)
