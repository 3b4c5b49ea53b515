"""What a model's own host logged, held against what the network showed.

Detects: an output, version or input that the network shows otherwise than the host's log; outputs on the network that
the log does not have; lines of the log whose output never came over the network.
Why it matters: who stands between a model and its consumers, or owns its host, can change what the plant believes; the
two accounts are kept by different machines, so both must be forged to agree.
Evidence: both values with time, frame and line of the log, how many were compared and agreed, the clocks' difference.
False positives: a log that rounds more than `value_tolerance`, writes other units or means of inputs; see `agreed`.
Techniques: T0830, T1692.002, AML.T0043, AML.T0031 by kind, in the catalogue.
Fires on: pcaps/model_swap.pcap with a log of its outputs in which one is changed (tests/integration)
Silent on: pcaps/normal_plant.pcap, and pcaps/day_clean.pcap.gz with a log of its outputs as they are
Cost: nothing without a log; with one, a search by time for each output and line of it.
Blind when: the outputs are not on the network in clear or the model is not configured; the log is written from the
network; clocks differ by more than `clock_seconds`; a log's values never agree: then its units are in doubt, said once.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import inference_words as words
from detectors.base import SECOND, Detector
from detectors.compared import Judged, Logged, Shown, Span
from detectors.comparison import Comparison

if TYPE_CHECKING:
    from detectors.alert import Alert
    from detectors.book import Cause
    from detectors.window import Window

MODELS = 256
COUNTS = 4096  # of models and their inputs
MISSING = 4096  # of each model that wait to be believed
LEAST = 5  # that must have agreed before what one side lacks counts
CONFIRMED = 20  # readings of an input that must be in the log before one that is not counts
DENIED = 0.1  # of the confirmed ones that may be missing
LACKING = ("unlogged", "unseen")
COUNTED = ("agreed", "differs", "incomparable", *LACKING)


@dataclass(frozen=True, slots=True)
class Settings:
    """`time_tolerance`: seconds between an output and its line, the clocks' difference aside. `value_tolerance`: share
    of a value. `clock_seconds`: the largest difference of clocks looked for. `patience`: seconds a log may come later
    than the packets. `input_age`: seconds after which a reading is too old for an output to be made from it."""

    time_tolerance: float = 2.0
    value_tolerance: float = 0.005
    clock_seconds: float = 300.0
    patience: float = 30.0
    input_age: float = 60.0


class Inference(Detector):
    name = "inference"
    kinds = ("inference.disagreement", "inference.unlogged", "inference.unseen")
    reads = ("mqtt",)
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        s = self.settings
        seconds = (s.time_tolerance, s.clock_seconds, s.patience, s.input_age)
        self._span = Span(*(round(value * SECOND) for value in seconds))
        self._models: dict[str, Comparison] = {}
        self._counted: Counter[str] = Counter()  # `model agreed` and so on; of an input `model\0stream agreed`
        self._missing: dict[str, list[Judged]] = {}  # what one side lacks, until enough agreed to believe it
        self._end = 0

    def gather(self, window: Window) -> None:
        """The observer gathers."""

    def judge(self, window: Window) -> None:
        self._end = window.end
        self._take()
        for model in sorted(self._models):
            self._tell(model, self._models[model].judge(window.end))

    def finish(self) -> list[Alert]:
        self._take_log()
        for model in sorted(self._models):
            self._tell(model, self._models[model].judge(self._end + self._span.search, over=True))
        return super().finish()

    def _take(self) -> None:
        self._take_log()
        seen = self.site.observer.seen
        for row in seen.records:
            if row.quality == "good" and row.source == "wire" and (held := self._of(row.model_id)):
                ends = (row.src_ip, row.dst_ip, row.capture, row.frame, row.tag)
                held.shown(Shown(row.ts, _value(row.output), row.model_version, *ends))
        for reading in seen.inputs:
            if held := self._of(reading.model_id):
                held.reading(reading.stream, reading.ts, reading.value)

    def _take_log(self) -> None:
        for line in self.site.arrived.inference:
            if held := self._of(line.model_id):
                held.logged(Logged.of(line))

    def _of(self, model: str) -> Comparison | None:
        found = self._models.get(model)
        if found is None:
            if len(self._models) >= MODELS:
                self.overflow += 1
                return None
            found = self._models[model] = Comparison(self._span, self.settings.value_tolerance)
        return found

    def _tell(self, model: str, judged: list[Judged]) -> None:
        if not judged:
            return
        for one in judged:
            if one.stream and len(self._counted) >= COUNTS and _name(model, one) not in self._counted:
                self.overflow += 1
                continue
            self._counted[_name(model, one)] += 1
        for one in judged:
            if one.what in (*LACKING, "denied"):
                self._wait(model, one)
            elif one.what in words.SUBJECTS:
                self._disagreement(model, one)
        self._believe(model)

    def _disagreement(self, model: str, one: Judged) -> None:
        """A cause for each output, version or input of a model."""
        agreed, differ = self._agreed(model, one)
        severity, confidence = ("high", 0.9) if differ <= agreed else ("medium", 0.4)
        what = words.subject(one)
        _, cause = self.book.cause("inference.disagreement", (model, what), severity=severity, confidence=confidence)
        cause.confidence = max(cause.confidence, confidence)
        self._fill(model, cause, one)
        cause.add("pairs", [words.pair(one)])
        cause.facts.setdefault("first", words.first(model, one))
        cause.facts |= {"what": what, "target": one.shown.tag if one.shown else one.stream}
        cause.facts |= {"agreed": agreed, "differ": differ}
        cause.summary = f"{cause.facts['first']}; {words.totals(agreed, differ, self.settings.value_tolerance)}"

    def _agreed(self, model: str, one: Judged) -> tuple[int, int]:
        """How many of the kind agreed and differed so far."""
        if one.stream:
            name = f"{model}\0{one.stream}"
            differ = self._counted[f"{name} input"] + self._counted[f"{name} denied"]
            return self._counted[f"{name} input_agreed"], differ
        agreed, differ = self._counted[f"{model} agreed"], self._counted[f"{model} {one.what}"]
        return (agreed - differ if one.what == "version" else agreed), differ

    def _wait(self, model: str, one: Judged) -> None:
        waiting = self._missing.setdefault(f"{model} {one.what}", [])
        if len(waiting) < MISSING:
            waiting.append(one)
        else:
            self.overflow += 1

    def _believe(self, model: str) -> None:
        """What one side lacks is reported once most agree: a log of samples, or a host that does not publish all, lacks
        most and means nothing."""
        agreed = self._counted[f"{model} agreed"]
        for what in LACKING:
            waiting, lacking = self._missing.get(f"{model} {what}", []), self._counted[f"{model} {what}"]
            if not waiting or agreed < max(LEAST, lacking):
                continue
            _, cause = self.book.cause(f"inference.{what}", (model,), confidence=0.7)
            for one in waiting:
                self._fill(model, cause, one)
                cause.add("records", [words.record(one)])
            cause.facts |= {"agreed": agreed, what: lacking}
            cause.summary = words.lacking(model, what, lacking, cause.first_ts, agreed)
            waiting.clear()
        self._deny(model)

    def _deny(self, model: str) -> None:
        """Readings that a log lacks which has nearly all others."""
        waiting, kept = self._missing.get(f"{model} denied", []), []
        for one in waiting:
            name = f"{model}\0{one.stream}"
            confirmed, denied = self._counted[f"{name} confirmed"], self._counted[f"{name} denied"]
            if confirmed >= max(CONFIRMED, denied / DENIED):
                self._disagreement(model, one)
            else:
                kept.append(one)
        waiting[:] = kept

    def _fill(self, model: str, cause: Cause, one: Judged) -> None:
        held = self._models[model]
        shown = one.shown or held.last  # of an input no packet is known: the ends are those of the model's last output
        if shown:
            here, there = self.places.zone(shown.src), self.places.zone(shown.dst)
            cause.between(one.ts, shown.src, shown.dst, here.name if here else "", there.name if there else "")
        if one.shown:
            cause.shown(one.ts, one.shown.frame, one.shown.capture)
        cause.seen(1, one.ts, one.ts)
        offset = held.clock.offset
        cause.facts |= {"model": model, "clock_offset_seconds": None if offset is None else round(offset / SECOND, 3)}

    def notes(self) -> list[str]:
        told = []
        for model, held in sorted(self._models.items()):
            if held.covered[1]:
                counted = {what: self._counted[f"{model} {what}"] for what in COUNTED}
                unreported = {what for what in LACKING if self._missing.get(f"{model} {what}")}
                told += words.notes(model, held, counted, unreported)
        return told

    def sizes(self) -> dict[str, int]:
        held = {"models": len(self._models), "counted": len(self._counted)}
        held["waiting"] = sum(map(len, self._missing.values()))
        return super().sizes() | held

    def counters(self) -> dict[str, int]:
        totals: Counter[str] = Counter()
        for name, count in self._counted.items():
            totals[name.rpartition(" ")[2]] += count
        held = sum(comparison.size() for comparison in self._models.values())
        lost = sum(comparison.overflow for comparison in self._models.values())
        return super().counters() | dict(totals) | {"records": held, "unjudged": lost}

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {
            "models": {model: held.snapshot() for model, held in self._models.items()},
            "counted": dict(self._counted),
            "missing": {name: [one.snapshot() for one in waiting] for name, waiting in self._missing.items()},
            "end": self._end,
        }

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._end = state["end"]
        self._counted = Counter(state["counted"])
        self._missing = {name: [Judged.restored(one) for one in kept] for name, kept in state["missing"].items()}
        self._models = {}
        for model, kept in state["models"].items():
            self._models[model] = Comparison(self._span, self.settings.value_tolerance)
            self._models[model].restore(kept)


def _name(model: str, one: Judged) -> str:
    return f"{model}\0{one.stream} {one.what}" if one.stream else f"{model} {one.what}"


def _value(output: str) -> Any:
    value = json.loads(output)
    return tuple(value) if isinstance(value, list) else value
