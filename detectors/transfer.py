"""Files that are put on plant hosts, and model files that leave their zone.

Detects: the first transfer of files (SMB, FTP, TFTP, NFS, rsync, or HTTP PUT and POST with enough payload) from a
host to a host of the plant; the first time a host outside is given a file whose name is that of a model, or any host
that runs none is given a file whose content is an artefact of one of the plant's models.
Why it matters: tools travel before they are used, and a model is both the plant's knowledge and its weak point: who
has it can build inputs that it misjudges.
Evidence: both hosts, protocol, payload, method and path of the request, what the policy says, first frames.
False positives: a new backup or patch server; a registry that is taken into use in another zone.
Techniques: T0867, T0882, AML.T0035, AML.T0025 by kind, in the catalogue.
Fires on: pcaps/model_swap.pcap, pcaps/exfiltration_model.pcap
Silent on: pcaps/normal_plant.pcap, pcaps/planned_update.pcap (no model leaves)
Cost: a look at each new session; the summary of each HTTP flow is read, a category once.
Blind when: the transfer is encrypted; the file has another name and is on no list of the plant's artefacts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.alert import worse
from detectors.base import Address, Detector
from detectors.model_names import done, is_model, uploads, web_files
from detectors.remote import CARRIERS, ENTERPRISE, in_plant, weight
from detectors.sessions import capture_of
from detectors.volumes import Growth, Volumes, place

if TYPE_CHECKING:
    from detectors.book import Cause
    from detectors.window import Window
    from detectors.zones import Zone

EDGES = 1 << 15  # (sender, receiver, protocol) known
PENDING = 1 << 14  # transfers of one window


@dataclass(frozen=True, slots=True)
class Settings:
    """`bytes`: payload below which an upload is a request like any other."""

    bytes: int = 512
    ignore: tuple[Address, ...] = ()  # addresses of hosts that distribute files


class Transfer(Detector):
    name = "transfer"
    kinds = ("lateral.file_transfer", "exfiltration.model_file")
    reads = ("flows", "files")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._edges = self.learning.novelty(self.name, EDGES)
        self._volumes = Volumes()
        self._ours: list[tuple[int, bytes, bytes, str, str, int, str]] = []
        self._moved: list[tuple[Growth, tuple[int, int, str], str, str]] = []
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        self._contents(window)
        table = window["flows"]
        if not len(table):
            return
        wanted = table.where("app", CARRIERS) & (table.numbers("bytes_out") >= self.settings.bytes)
        wanted[window.derive(web_files)] = True
        for growth in self._volumes.grown(table, wanted):
            if len(self._moved) >= PENDING:
                self.overflow += 1
                break
            self._moved.append(
                (growth, place(table, growth), table.text("app", growth.row), table.text("info", growth.row))
            )

    def _contents(self, window: Window) -> None:
        """Files that are, byte by byte, an artefact of one of the plant's models."""
        table = window["files"]
        for row in np.flatnonzero(table.where("model_format", bool)).tolist() if len(table) else ():
            if self.site.models.verdict(table.text("sha256", row)).model and len(self._ours) < PENDING:
                ends = [table.ip("src_ip", row), table.ip("dst_ip", row)]
                sender, receiver = ends if table.numbers("upload")[row] else ends[::-1]
                shown = int(table.numbers("frame")[row]), capture_of(table, row)
                named = table.text("carrier", row), table.text("path", row)
                self._ours.append((int(table.numbers("ts")[row]), sender, receiver, *named, *shown))

    def judge(self, window: Window) -> None:
        for ts, sender, receiver, carrier, path, frame, capture in sorted(self._ours):
            self._own_model(ts, sender, receiver, carrier, path, (ts, frame, capture))
        self._ours.clear()
        for growth, where, app, info in sorted(self._moved):
            if growth.src in self._ignored:
                continue
            upload = app != "http" or uploads(info)
            if app == "http" and is_model(info) and done(info):
                ends = (growth.src, growth.dst) if upload else (growth.dst, growth.src)
                self._model(*ends, growth, where, info)
            if upload and growth.out >= self.settings.bytes:
                self._put(growth, where, app, info)
        self._moved.clear()

    def _put(self, growth: Growth, where: tuple[int, int, str], app: str, info: str) -> None:
        src, dst = self.places.zone(growth.src), self.places.zone(growth.dst)
        if not in_plant(dst):
            return
        key = b"\0".join((growth.src, growth.dst, app.encode()))
        new = self._edges.fresh(key, growth.src, f"files by {app} to {address.text(growth.dst)}")
        identity = self._edges.told(key)
        if not new and not identity:
            return
        severity = weight(self.places, src, dst, app)
        if severity == "low" and src is not None and src.level >= ENTERPRISE:
            severity = "medium"  # what the enterprise puts into the plant is worth a look where policy allows it, too
        covering = self.site.changes.covering
        if any(covering(growth.last, action, growth.src, growth.dst) for action in ("deploy", "update")):
            severity = "info"
        identity, cause = self.book.cause(
            "lateral.file_transfer", (growth.src, growth.dst, app), protocol=app, severity=severity,
            confidence=self.learning.confidence(self.name),
        )  # fmt: skip
        self._edges.report(key, identity)
        self._tell(cause, growth, where, (src, dst), info)
        cause.facts["payload_bytes"] = cause.facts.get("payload_bytes", 0) + growth.out
        cause.summary = (
            f"{address.text(growth.src)} ({cause.zones[0] or 'no zone'}) put {cause.facts['payload_bytes']} bytes on "
            f"{address.text(growth.dst)} ({cause.zones[1] or 'no zone'}) by {app}, as it never did before"
        )

    def _model(self, sender: bytes, receiver: bytes, growth: Growth, where: tuple[int, int, str], info: str) -> None:
        """A file named like a model went from one host to another. What stays in its zone, or goes where models live,
        is no loss."""
        here, there = self.places.zone(sender), self.places.zone(receiver)
        names = [zone.name if zone else "" for zone in (here, there)]
        if not in_plant(here) or names[0] == names[1] or (there is not None and there.kind == "edge_ai"):
            return
        key = b"\0".join((b"model", sender, receiver))
        new = self._edges.fresh(key, receiver, f"took a model file of {address.text(sender)}")
        if not new and not self._edges.told(key):
            return
        severity = "low" if weight(self.places, there, here, "http") == "low" else "high"
        if there is not None and there.kind == "internet":
            severity = worse(severity)
        identity, cause = self.book.cause(
            "exfiltration.model_file", (sender, receiver), protocol="http", severity=severity, confidence=0.85
        )
        self._edges.report(key, identity)
        self._tell(cause, growth, where, (self.places.zone(growth.src), self.places.zone(growth.dst)), info)
        cause.add("evidence_level", ["name of the file"])
        cause.summary = (
            f"{address.text(receiver)} ({names[1] or 'no zone'}) was given a model file by {address.text(sender)} "
            f"({names[0]}), which it never asked for before"
        )

    def _own_model(
        self, ts: int, sender: bytes, receiver: bytes, carrier: str, path: str, shown: tuple[int, int, str]
    ) -> None:
        here, there = self.places.zone(sender), self.places.zone(receiver)
        if self.site.models.on(receiver) is not None or (there is not None and there.kind == "edge_ai"):
            return
        key = b"\0".join((b"model", sender, receiver))
        new = self._edges.fresh(key, receiver, f"took a model of {address.text(sender)}")
        if not new and not self._edges.told(key):
            return
        identity, cause = self.book.cause(
            "exfiltration.model_file", (sender, receiver), protocol=carrier, severity="high", confidence=0.95
        )
        self._edges.report(key, identity)
        cause.between(ts, sender, receiver, here.name if here else "", there.name if there else "")
        cause.seen(1, ts, ts)
        cause.shown(*shown)
        cause.add("evidence_level", ["content of the file"])
        cause.add("requests", [path[:200]] if path else [])
        cause.summary = (
            f"{address.text(receiver)} ({cause.zones[1] or 'no zone'}), on which no model runs, was given a model of "
            f"the plant by {address.text(sender)} ({cause.zones[0] or 'no zone'}) by {carrier}"
        )

    def _tell(
        self,
        cause: Cause,
        growth: Growth,
        where: tuple[int, int, str],
        ends: tuple[Zone | None, Zone | None],
        info: str,
    ) -> None:
        src, dst = ends
        cause.between(growth.first, growth.src, growth.dst, src.name if src else "", dst.name if dst else "")
        cause.seen(1, growth.first, growth.last)
        cause.shown(*where)
        cause.facts["policy"] = self.places.decide(src, dst, cause.protocol, "", None).reason
        if info:
            cause.add("requests", [info[:200]])

    def sizes(self) -> dict[str, int]:
        return super().sizes() | {"flows": len(self._volumes), "moved": len(self._moved)}

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"volumes": self._volumes.snapshot(), "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._volumes.restore(state["volumes"])
        self.overflow = state["overflow"]
