"""What the sensor sees of a model that is neither an event nor a drift: version, training, canaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.correlate.factory import words
from detectors.correlate.rows import FEATURES, Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detectors.alert import Alert
    from detectors.correlate.flow import Artefact, Flow
    from detectors.correlate.rows import Event
    from detectors.drift.rows import Output
    from detectors.models import Models
    from detectors.window import Window

HOUR = 3600 * 10**9
REFERENCES = 4096  # outputs for frozen inputs that are remembered
TOLERANCE = 0.01  # of a reference's size: what rounding may do to the same input
_HASH = "sha256:"


class Clues:
    """`canary` of a `[[model]]`: tags on which the plant gives the outputs for its frozen reference inputs, or
    `sha256:` and the hash of such inputs as `inference_log` has it."""

    def __init__(self, models: Models, flow: Flow) -> None:
        self._models, self._flow = models, flow
        self._versions: dict[str, str] = {}  # model → as its outputs say
        self._artefacts: dict[str, str] = {}  # model → SHA-256 of what its host was given last
        self._references: dict[str, float | str] = {}  # model, canary and place → value
        self._same: dict[str, int] = {}  # model → hour in which its canary was last found the same
        self._tags, self._hashes = _canaries(models)
        self._configured = models.all
        self.overflow = 0

    def outputs(self, rows: Iterable[Output]) -> list[Fact]:
        found: list[Fact] = []
        for row in sorted(rows, key=lambda r: (r.ts, r.model_id, r.model_version, r.output)):
            before = self._versions.get(row.model_id)
            if row.model_version:
                self._versions[row.model_id] = row.model_version
                if before is not None and before != row.model_version:
                    told = f"{row.model_id} says that it is version {row.model_version}, it was {before}"
                    found.append(Fact(row.ts, row.model_id, "version", "changed", told))
            if row.input_sha256 and row.input_sha256 in self._hashes.get(row.model_id, ()):
                found += self._canary(row.ts, row.model_id, row.input_sha256, row.output)
        return found

    def tags(self, window: Window) -> list[Fact]:
        """Canaries that have a tag of their own."""
        if self._configured is not self._models.all:
            self._tags, self._hashes = _canaries(self._models)
            self._configured = self._models.all
        table = window["tag_values"]
        if not self._tags or not len(table):
            return []
        rows = [at for at, hit in enumerate(table.where("tag", lambda tag: self._of(tag) is not None)) if hit]
        seen = []
        for at in rows:
            tag = table.text("tag", at)
            value: float | str = (
                float(table.numbers("value")[at]) if table.valid("value")[at] else table.text("text", at)
            )
            seen.append((int(table.numbers("ts")[at]), tag, value))
        found: list[Fact] = []
        for ts, tag, value in sorted(set(seen), key=lambda one: (one[0], one[1], str(one[2]))):
            found += self._canary(ts, self._of(tag) or "", tag, value)
        return found

    def _of(self, tag: str) -> str | None:
        """The model whose canary it is: the tag itself, or a field of the message that is named."""
        return self._tags.get(tag) or self._tags.get(tag.partition("#")[0])

    def _canary(self, ts: int, model: str, place: str, value: float | str) -> list[Fact]:
        key = f"{model}\0{place}"
        before = self._references.get(key)
        if before is None:
            if len(self._references) >= REFERENCES:
                self.overflow += 1
                return []
            self._references[key] = value
            return []
        if not _differs(before, value):
            if self._same.get(model) == ts // HOUR:
                return []
            self._same[model] = ts // HOUR
            return [Fact(ts, model, "canary", "same", f"the canary {place[:80]} of {model} gives {value} as before")]
        self._references[key] = value
        return [Fact(ts, model, "canary", "changed", f"the canary {place[:80]} of {model} gives {value}, not {before}")]

    def artefacts(self, rows: Iterable[Artefact]) -> list[Fact]:
        """A host that is given another file of its model than the last time."""
        found = []
        for row in rows:
            runs = self._models.on(row.target)
            if runs is None or not row.sha256 or self._artefacts.get(runs.id) == row.sha256:
                continue
            self._artefacts[runs.id] = row.sha256
            host = address.text(row.target)
            found.append(Fact(row.ts, runs.id, "version", "changed", f"{host} was given {row.name or row.sha256[:12]}"))
        return found

    def alert(self, alert: Alert, event: Event | None) -> list[Fact]:
        """What an alert says of models: a new source of training data, a value that differs on its way."""
        table: Mapping[str, str] = words()["facts"]
        feature, _, value = table.get(alert.kind, "").partition(" ")
        marks = event.marks if event is not None else {}
        if feature and value in FEATURES[feature]:
            named = alert.evidence.get("models") or alert.evidence.get("model") or alert.evidence.get("model_id")
            models = [named] if isinstance(named, str) else list(named or self._fed(alert))
        elif event is not None and event.type == "training_source":
            feature, models = "lineage", list(self._flow.trains.get(event.dst, ()))
        else:
            return []
        if feature == "lineage":
            planned = marks.get("source") == "approved" or marks.get("ticket") == "yes"
            value = "new_approved" if planned else "new_source"
        return [Fact(alert.first_ts, model, feature, value, alert.summary) for model in sorted(set(models))]

    def _fed(self, alert: Alert) -> list[str]:
        """Models that the ends of an alert feed, or train."""
        ends = {address.text(alert.src_ip), address.text(alert.dst_ip)}
        return [model.id for model in self._models.all if ends & self._flow.graph.reach(model.id).keys()]

    def watched(self, model: str) -> set[str]:
        """Facts that would be seen of a model."""
        seen = {"version"} if self._versions.get(model) or self._artefacts.get(model) else set()
        return seen | ({"lineage"} if any(model in fed for fed in self._flow.trains.values()) else set())

    def sizes(self) -> dict[str, int]:
        return {"references": len(self._references), "clues_overflow": self.overflow}

    def snapshot(self) -> dict[str, Any]:
        return {
            "versions": dict(self._versions), "artefacts": dict(self._artefacts), "same": dict(self._same),
            "references": dict(self._references), "overflow": self.overflow,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        self._versions, self._artefacts = dict(state["versions"]), dict(state["artefacts"])
        self._same, self._references = dict(state["same"]), dict(state["references"])
        self.overflow = state["overflow"]


def _canaries(models: Models) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    tags: dict[str, str] = {}
    hashes: dict[str, frozenset[str]] = {}
    for model in models.all:
        for named in model.canary:
            if not named.startswith(_HASH):
                tags[named] = model.id
        hashes[model.id] = frozenset(n.removeprefix(_HASH).lower() for n in model.canary if n.startswith(_HASH))
    return tags, hashes


def _differs(before: float | str, value: float | str) -> bool:
    if isinstance(before, str) or isinstance(value, str):
        return before != value
    return abs(value - before) > TOLERANCE * max(abs(before), 1e-6)
