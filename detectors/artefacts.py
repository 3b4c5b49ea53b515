"""Model files on the wire, held against the list of approved ones.

Detects: a model artefact that is on no list, that was revoked, that is an older approved version (a rollback), that
differs from what the same name carried minutes before, that would run code when it is loaded, or whose name or end is
not what its content says; and that a host which runs a model took something large by an encrypted connection.
Why it matters: whoever replaces a model decides what the plant believes; a pickle runs code where it is loaded.
Evidence: both ends, file name and path, carrier, size, SHA-256, format, verdict and version, what a pickle imports.
False positives: a new version that nobody put on the list yet, experiments of data scientists outside the plant.
Techniques: AML.T0018, AML.T0010, AML.T0011.000, T0867, T0830, T0849, T0863 by kind, in the catalogue.
Fires on: pcaps/model_swap.pcap, pcaps/model_tampering.pcap, pcaps/approved_rollback.pcap
Silent on: pcaps/planned_update.pcap (nothing unapproved), pcaps/normal_plant.pcap, pcaps/encrypted_plant.pcap
Cost: one look-up for each file of a window, and for each encrypted flow that grew.
Blind when: the transfer is encrypted, or bytes of it were not captured: then there is no hash, which is said. An
encrypted transfer below `sealed_bytes` is not told from talk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors import address
from detectors.base import SECOND, Detector
from detectors.models import APPROVED, OLD, REVOKED, UNKNOWN, Verdict
from detectors.sealed import Sealed, Transfer
from detectors.sessions import capture_of

if TYPE_CHECKING:
    from detectors.window import Window

NAMES = 4096  # artefact names whose last content is remembered


@dataclass(frozen=True, slots=True)
class Settings:
    """`changed_seconds`: one name with two contents within this time is a file changed on its way. `sealed_bytes`:
    encrypted payload to a model's host that is taken for a transfer, which cannot be looked into."""

    changed_seconds: float = 600.0
    sealed_bytes: int = 65_536


class File(NamedTuple):
    """A row of the table `files`. `source` sends it, `target` receives it."""

    ts: int
    source: bytes
    target: bytes
    name: str
    path: str
    carrier: str
    size: int
    missing: int
    sha256: str
    model_format: str
    warnings: str
    frame: int
    capture: str


class Artefacts(Detector):
    name = "artefacts"
    kinds = (
        "artefacts.unknown",
        "artefacts.revoked",
        "artefacts.rollback",
        "artefacts.changed",
        "artefacts.dangerous_pickle",
        "artefacts.contradiction",
        "artefacts.not_inspectable",
    )
    reads = ("files", "flows")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._models = site.models
        self._sealed = Sealed(site.models, self.settings.sealed_bytes)
        self._files: list[File] = []
        self._contents: dict[str, tuple[int, str]] = {}  # name: when and what it carried last

    def gather(self, window: Window) -> None:
        self._sealed.gather(window)
        table = window["files"]
        for row in range(len(table)):
            model_format, warnings = table.text("model_format", row), table.text("warnings", row)
            if not model_format and not warnings:
                continue
            client, server = table.ip("src_ip", row), table.ip("dst_ip", row)
            upload = bool(table.numbers("upload")[row])
            self._files.append(
                File(
                    ts=int(table.numbers("ts")[row]),
                    source=client if upload else server,
                    target=server if upload else client,
                    name=table.text("name", row),
                    path=table.text("path", row),
                    carrier=table.text("carrier", row),
                    size=int(table.numbers("size")[row]),
                    missing=int(table.numbers("missing")[row]),
                    sha256=table.text("sha256", row),
                    model_format=model_format,
                    warnings=warnings,
                    frame=int(table.numbers("frame")[row]),
                    capture=capture_of(table, row),
                )
            )

    def judge(self, window: Window) -> None:
        for file in sorted(self._files):
            self._odd(file)
            if file.model_format:
                self._model(file)
        self._files.clear()
        for transfer in self._sealed.due():
            self._not_inspectable(transfer)

    def _not_inspectable(self, transfer: Transfer) -> None:
        """That something came, how much and when; never that it was a model."""
        here, there = self.places.zone(transfer.source), self.places.zone(transfer.target)
        model = self._models.on(transfer.target)
        outside = here is not None and (here.kind == "internet" or (here.kind == "it" and not self.places.inferred))
        severity = "low" if outside else ""
        _, cause = self.book.cause(
            "artefacts.not_inspectable", (transfer.source, transfer.target, transfer.app), protocol=transfer.app,
            severity=severity,
        )  # fmt: skip
        cause.between(
            transfer.ts, transfer.source, transfer.target, here.name if here else "", there.name if there else ""
        )
        cause.seen(1 if transfer.began else 0, transfer.ts, transfer.last)
        cause.shown(transfer.ts, transfer.frame, transfer.capture)
        cause.add("ports", [transfer.port])
        size, seconds = cause.facts.get("bytes", 0) + transfer.grown, (transfer.last - transfer.ts) / SECOND
        change = self.site.changes.covering(transfer.ts, "deploy", transfer.source, transfer.target)
        cause.facts |= {"bytes": size, "last_bytes": transfer.size, "last_seconds": round(seconds, 3)}
        runs = model.id if model else ""
        cause.facts |= {"model": runs, "change": change.id if change else ""}
        cause.summary = (
            f"{address.text(transfer.target)}, which runs {runs}, took {transfer.size} bytes from "
            f"{address.text(transfer.source)} by {transfer.app} within {seconds:.1f} s: encrypted, so whether that was "
            "an artefact, and which, cannot be inspected"
        )

    def _model(self, file: File) -> None:
        verdict = self._models.verdict(file.sha256)
        if not file.sha256:
            if self._models:
                self._tell(
                    "artefacts.unknown", file, Verdict(""), "could not be hashed: not all of it was captured", "low"
                )
            return
        self._changed(file, verdict)
        change = self.site.changes.covering(file.ts, "deploy", file.source, file.target)
        covered = f"; approved change {change.id} covers it" if change else ""
        if verdict.state == REVOKED:
            self._tell("artefacts.revoked", file, verdict, f"is a revoked artefact of {verdict.model}")
        elif verdict.state == OLD:
            what = f"is version {verdict.version} of {verdict.model}, not the newest approved one{covered}"
            self._tell("artefacts.rollback", file, verdict, what, "info" if change else "")
        elif verdict.state in (UNKNOWN, "") and self._models:
            what = f"is on no list of approved artefacts{covered}"
            self._tell("artefacts.unknown", file, verdict, what, self._impact(file))

    def _impact(self, file: File) -> str:
        """A model's host that takes in an unapproved artefact runs it next; elsewhere it may be anything."""
        if self._models.on(file.target) is not None:
            return "high"
        zone = self.places.zone(file.target)
        return "medium" if zone is not None and zone.kind in ("ot", "edge_ai", "dmz") else "low"

    def _changed(self, file: File, verdict: Verdict) -> None:
        before = self._contents.get(file.name)
        recent = before is not None and 0 <= file.ts - before[0] <= self.settings.changed_seconds * SECOND
        if before is not None and recent and before[1] != file.sha256 and verdict.state not in (APPROVED, OLD):
            known = self._models.verdict(before[1]).state
            if known in (APPROVED, OLD):
                self._tell(
                    "artefacts.changed", file, verdict, "carries other bytes than the approved file of that name"
                )
        if len(self._contents) >= NAMES and file.name not in self._contents:
            oldest = min(self._contents, key=lambda name: (self._contents[name][0], name))
            del self._contents[oldest]
        self._contents[file.name] = (file.ts, file.sha256)

    def _odd(self, file: File) -> None:
        imports = [part.removeprefix("imports ") for part in file.warnings.split("; ") if part.startswith("imports ")]
        if imports:
            what = f"runs code when it is loaded: it imports {', '.join(imports)}"
            self._tell("artefacts.dangerous_pickle", file, Verdict(""), what)
        elif "contradicts" in file.warnings or "truncated" in file.warnings:
            self._tell("artefacts.contradiction", file, Verdict(""), file.warnings)

    def _tell(self, kind: str, file: File, verdict: Verdict, what: str, severity: str = "") -> None:
        content = file.sha256 or f"{file.name} {file.size}"
        _, cause = self.book.cause(kind, (content, file.source, file.target), protocol=file.carrier, severity=severity)
        here, there = self.places.zone(file.source), self.places.zone(file.target)
        cause.between(file.ts, file.source, file.target, here.name if here else "", there.name if there else "")
        cause.seen(1, file.ts, file.ts)
        cause.shown(file.ts, file.frame, file.capture)
        cause.add("names", [file.name] if file.name else [])
        cause.add("paths", [file.path] if file.path else [])
        cause.facts |= {
            "sha256": file.sha256,
            "size": file.size,
            "format": file.model_format,
            "carrier": file.carrier,
            "warnings": file.warnings,
        }
        if verdict.state:
            cause.facts |= {"verdict": verdict.state, "model": verdict.model, "version": verdict.version}
        kind_of = file.model_format or "file"
        cause.summary = (
            f"{file.name or 'a file'} ({kind_of}, {file.size} bytes) from {address.text(file.source)} to "
            f"{address.text(file.target)} by {file.carrier} {what}"
        )

    def sizes(self) -> dict[str, int]:
        return super().sizes() | {"names": len(self._contents), "files": len(self._files)} | self._sealed.sizes()

    def snapshot(self) -> dict[str, Any]:
        contents = {name: list(kept) for name, kept in self._contents.items()}
        return super().snapshot() | {"contents": contents, "sealed": self._sealed.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._sealed.restore(state["sealed"])
        self._contents = {name: (int(ts), sha256) for name, (ts, sha256) in state["contents"].items()}
