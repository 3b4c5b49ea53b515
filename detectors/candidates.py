"""Hosts that may be models nobody named, and models of which nothing is seen.

Detects: a host that reads values of the process and publishes something that is called like what a model says, and is
no model of the configuration; a model whose inputs did not appear on the network in one learning period.
Why it matters: a model that nobody knows of is watched by nobody, and what it decides is drift that goes unnoticed; a
model whose inputs are not seen is watched in name only.
Evidence: the host, what it reads and publishes, first frames, and the [[model]] that would make it known; the inputs
that never appeared.
False positives: programs that compute limits or labels without learning from anything; inputs that are encrypted, or
pass where the sensor does not listen.
Techniques: AML.T0040, AML.T0043 by kind, in the catalogue.
Fires on: pcaps/normal_plant.pcap (where no model is configured), pcaps/spoofed_publisher.pcap
Silent on: pcaps/cleartext_modbus.pcap
Cost: a look at each name of a value a window, remembered; one set look-up for each new behaviour.
Blind when: names say nothing, the model answers requests over HTTP only, or the protocol is encrypted.

A candidate is proposed, never assumed: nothing else is concluded from it until somebody adds it.
"""

from __future__ import annotations

import re
from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Detector
from detectors.behaviours import Behaviour, Behaviours
from detectors.memory import Ids
from detectors.scores import called, is_score, snippet
from detectors.sessions import capture_of

if TYPE_CHECKING:
    from detectors.models import Model
    from detectors.window import Table, Window

HOSTS = 4096  # of which it is known what they read, and publish
NAMES = 32  # kept of each; the smallest ones
FOLLOWED = 16  # hosts that say scores, whose subscriptions are looked at
ROWS = 4096  # scores of one window that are looked at
_FURTHER = re.compile(r"\+\d+$")
_SERVER = re.compile(r"(ns=0;)?i=")  # nodes of the server itself, which are no process


@dataclass(frozen=True, slots=True)
class Settings:
    """`values`: scores a host must have published before it is proposed. `ignore`: addresses that are no models."""

    values: int = 5
    ignore: tuple[str, ...] = ()


Names = dict[bytes, list[str]]


class Candidates(Detector):
    name = "candidates"
    kinds = ("models.candidate", "models.inputs_unseen")
    reads = ("behaviours", "tag_values")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._seen = Ids()
        self._reads: Names = {}
        self._publishes: Names = {}
        self._scores: dict[bytes, dict[str, int]] = {}  # how often a host said each
        self._new: list[tuple[int, bytes, str, str, int, str]] = []
        self._ignored = {address.parse(a) for a in self.settings.ignore}

    def gather(self, window: Window) -> None:
        behaviours = window.derive(Behaviours)
        for at in self._seen.fresh(behaviours.ids):
            self._learn(behaviours.row(at))
        table = window["tag_values"]
        if not len(table):
            return
        self._subscribed(table)
        rows = np.flatnonzero(table.where("tag", is_score) & table.where("source", ("mqtt", "opcua")))
        for row in rows.tolist():
            if len(self._new) >= ROWS:
                self.overflow += 1
                continue
            source = table.text("source", row)
            speaker = table.ip("src_ip" if source == "mqtt" else "dst_ip", row)
            ts, frame = int(table.numbers("ts")[row]), int(table.numbers("frame")[row])
            self._new.append((ts, speaker, table.text("tag", row), source, frame, capture_of(table, row)))

    def _subscribed(self, table: Table) -> None:
        """A behaviour names the first node of an OPC UA subscription only: the others show by their values."""
        for host in sorted(self._scores)[:FOLLOWED]:
            mine = (table.addresses("src_ip") == np.frombuffer(host, dtype=np.uint8)).all(axis=1)
            rows = np.flatnonzero(mine & table.where("source", ("opcua",)))
            for row in rows[:ROWS].tolist():
                tag = table.text("tag", row)
                if not _SERVER.match(tag):
                    self._put(self._reads, host, f"{tag}@{address.text(table.ip('dst_ip', row))}")

    def _learn(self, b: Behaviour) -> None:
        if b.protocol == "mqtt" and b.operation in ("publish", "deliver"):
            self._put(self._publishes if b.operation == "publish" else self._reads, b.client, b.object)
        elif b.access == "read" and b.object and b.protocol == "opcua" and not _SERVER.match(b.object):
            self._put(self._reads, b.client, f"{_FURTHER.sub('', b.object)}@{address.text(b.server)}")
        elif b.access == "read" and b.object and b.protocol == "modbus":
            table, _, numbers = b.object.partition(" ")
            self._put(self._reads, b.client, f"u{b.unit}/{table}/{numbers}@{address.text(b.server)}")

    def _put(self, kept: Names, host: bytes, name: str) -> None:
        if host not in kept and len(kept) >= HOSTS:
            self.overflow += 1
            return
        names = kept.setdefault(host, [])
        if name not in names:
            insort(names, name)
            del names[NAMES:]

    def judge(self, window: Window) -> None:
        hosts = set()
        for ts, host, tag, source, frame, capture in sorted(self._new):
            if self._says(host, tag, source):
                hosts.add((host, ts, frame, capture))
        self._new.clear()
        for host, ts, frame, capture in sorted(hosts):
            self._candidate(host, ts, frame, capture)
        self._unseen(window.end)

    def _says(self, host: bytes, tag: str, source: str) -> bool:
        """Counts a score; whether it is the host's own and no model's that is known."""
        if host in self._ignored or self.site.models.on(host) is not None:
            return False
        if source == "mqtt" and tag.partition("#")[0] not in self._publishes.get(host, ()):
            return False  # what a reader is given
        if host not in self._scores and len(self._scores) >= HOSTS:
            self.overflow += 1
            return False
        said = self._scores.setdefault(host, {})
        if tag in said or len(said) < NAMES:
            said[tag] = said.get(tag, 0) + 1
        return True

    def _candidate(self, host: bytes, ts: int, frame: int, capture: str) -> None:
        outputs = sorted(tag for tag, times in self._scores[host].items() if times >= self.settings.values)
        own = {tag.partition("#")[0] for tag in self._scores[host]}
        inputs = [name for name in self._reads.get(host, ()) if name not in own]
        if not outputs or not inputs:
            return
        _, cause = self.book.cause("models.candidate", (host,), confidence=0.6)
        zone = self.places.zone(host)
        cause.between(ts, host, bytes(16), zone.name if zone else "")
        cause.seen(1, ts, ts)
        cause.shown(ts, frame, capture)
        cause.add("inputs", inputs)
        cause.add("outputs", outputs)
        where = address.text(host)
        name = called(outputs, where)
        cause.facts |= {"suggested_id": name, "configuration": snippet(name, where, inputs, outputs)}
        cause.summary = (
            f"{where} reads {_some(inputs)} and publishes {_some(outputs)}: it may be a model that nobody named; "
            f"'driftspan models add' makes it one"
        )

    def _unseen(self, end: int) -> None:
        """Said once: after that it is known, whether somebody mends it or not."""
        learning = self.learning
        if learning.held or learning.start is None or end - learning.start < learning.settings.seconds * SECOND:
            return
        for model in self.site.models.all:
            absent = [text for text in model.inputs if (model.id, text) not in self.site.observer.met]
            if absent and len(absent) == len(model.inputs):
                self._absent(model, absent, end)

    def _absent(self, model: Model, absent: list[str], end: int) -> None:
        _, cause = self.book.cause("models.inputs_unseen", (model.id, *sorted(model.inputs)))
        if cause.count:
            return
        start = self.learning.start or end
        cause.seen(1, start, end - 1)
        if model.hosts:
            network, _ = address.prefix(model.hosts[0])
            cause.between(start, network.to_bytes(16, "big"), bytes(16))
        cause.add("inputs", absent)
        cause.facts |= {"model": model.id, "watched_seconds": round((end - start) / SECOND)}
        cause.summary = (
            f"none of the inputs of model {model.id} ({_some(absent)}) appeared in {cause.facts['watched_seconds']} s: "
            "they are named otherwise, encrypted, or pass where this sensor does not listen"
        )

    def sizes(self) -> dict[str, int]:
        held = {"reads": len(self._reads), "publishes": len(self._publishes), "scores": len(self._scores)}
        return super().sizes() | held | {"seen": len(self._seen), "new": len(self._new)}

    def snapshot(self) -> dict[str, Any]:
        kept = {"reads": self._reads, "publishes": self._publishes}
        held = {what: {host.hex(): names for host, names in found.items()} for what, found in kept.items()}
        scores = {host.hex(): said for host, said in self._scores.items()}
        return super().snapshot() | held | {"scores": scores, "seen": self._seen.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._seen.restore(state["seen"])
        for kept, what in ((self._reads, "reads"), (self._publishes, "publishes")):
            kept.clear()
            kept |= {bytes.fromhex(host): list(names) for host, names in state[what].items()}
        self._scores = {bytes.fromhex(host): dict(said) for host, said in state["scores"].items()}


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
