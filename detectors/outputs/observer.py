"""Model outputs and inputs as the network carries them: windows in, `Seen` out, a row of `inference_log` an output.

Only what `[[model]] inputs` and `outputs` name is looked at; without models a window costs nothing. Parts of a window
are gathered and read in order of time when the last one came, so neither their number nor the order of rows matters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from detectors.drift.rows import Output, Reading
from detectors.outputs import answer, document
from detectors.outputs.carried import Carried, Wanted, wanted_of
from detectors.outputs.chain import Chain
from detectors.outputs.folded import Documents, Folded
from detectors.outputs.held import Held
from detectors.outputs.legs import Legs
from detectors.outputs.mqtt import Mqtt
from detectors.outputs.polled import Dnp3, Modbus, Opcua
from detectors.outputs.rows import Inference, Seen
from detectors.outputs.subscriptions import Subscriptions
from detectors.outputs.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.models import Models
    from detectors.outputs.answer import Answer, Value
    from detectors.window import Window

__all__ = ["Inference", "Observer", "Seen"]

MESSAGES = 50_000  # of one window that carry outputs or inputs; later ones are counted, not read
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)*([-+][\w.]+)?$")


class Observer:
    """`seen`: of the window that was closed last. ValueError for an entry that selects nothing."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self.chain = Chain()
        self.seen = Seen()
        self.met: set[tuple[str, str]] = set()  # model and what it names as an input, once that was seen
        self.tally = Tally()
        self._legs, self._subscriptions, self._documents = Legs(), Subscriptions(), Documents()
        self._held: dict[str, Held] = {}
        self._waiting: list[Carried] = []
        self._compile()

    def _compile(self) -> None:
        self._all = self._models.all
        self._ids = {model.id for model in self._all}
        self._wanted = [wanted for model in self._all for wanted in wanted_of(model)]
        self._sources = [source(self._wanted) for source in (Mqtt, Opcua, Modbus, Dnp3, Folded)]

    def begin(self, sensor: str, case_id: str, run: str = "") -> None:
        """The records that follow begin a chain of that name."""
        self.chain, self.tally = Chain(sensor, case_id, run), Tally()

    def learn(self, window: Window) -> None:
        """A part of a window; with the last one `seen` is of that window."""
        if self._all is not self._models.all:
            self._compile()
        if self._wanted:
            for source in self._sources:
                self._waiting += source.read(window)
            if len(self._waiting) > 2 * MESSAGES:
                self._trim()
            self.tally.window(window.start, window.end)
        if window.last:
            self.seen = self._close(window.end) if self._waiting else Seen()

    def _trim(self) -> None:
        self._waiting.sort(key=lambda carried: carried.order)
        self.tally.count("overflow", len(self._waiting[MESSAGES:]))
        del self._waiting[MESSAGES:]

    def _close(self, end: int) -> Seen:
        self._trim()
        outputs: list[Output] = []
        inputs: list[Reading] = []
        records: list[Inference] = []
        for carried in self._waiting:
            self.met |= {(wanted.model_id, wanted.selector.text) for wanted in carried.wanted if not wanted.output}
            if carried.filters:
                self._subscriptions.subscribe(carried.flow, carried.filters)
            elif self._new(carried):
                parsed, quality = self._parsed(carried)
                for wanted in carried.wanted:
                    if not wanted.output:
                        inputs += self._fed(wanted, carried, parsed, quality)
                for wanted, said in self._answers(carried, parsed, quality):
                    made = self._record(wanted, carried, parsed, said)
                    records.append(made)
                    if said.value is not None:
                        outputs.append(_output(wanted, made, said.value))
        self._waiting.clear()
        self._legs.close(end)
        return Seen(tuple(outputs), tuple(inputs), tuple(records))

    def _new(self, carried: Carried) -> bool:
        """Not the second leg of a message, nor an old one that a broker had kept."""
        if carried.retained and self._subscriptions.old(carried.flow, carried.tag):
            return False
        if carried.stamp:
            return self._legs.fresh(carried.tag, carried.stamp)
        return self._legs.first(carried.tag, carried.digest, carried.flow, carried.ts)

    def _parsed(self, carried: Carried) -> tuple[Any, str]:
        if carried.leaves is not None or (carried.cut and self._documents.holds(carried.tag)):
            return self._documents.merged(carried.tag, carried.leaves or {}), "good"
        if not isinstance(carried.payload, bytes):
            return carried.payload, "good"
        return document.parse(carried.payload, carried.cut)

    def _fed(self, wanted: Wanted, carried: Carried, parsed: Any, quality: str) -> Iterator[Reading]:
        """Inputs: every number and text of the document, or what stands at the selector's path."""
        if quality != "good":
            self.tally.count(f"inputs_{quality}")
            return
        path = wanted.selector.path
        found = document.follow(parsed, path)
        if found is document.NOTHING:
            self.tally.count("inputs_without_value")
            return
        held = self._held.setdefault(wanted.model_id, Held())
        for leaf, value in document.leaves(found, path):
            key = answer.plain(leaf.rpartition(".")[2])
            if leaf != path and (key in answer.ABOUT or document.secret(leaf)):
                continue  # of a whole document: its time and number, which say nothing of the process
            tag = f"{carried.tag}#{leaf}" if leaf else carried.tag
            told = document.number(value)
            self.tally.fed(wanted.model_id)
            held.put(
                tag, carried.ts, document.clean(value) if isinstance(value, str) else value if told is None else told
            )
            if told is not None or isinstance(value, bool):
                number = float(value) if told is None else told
                yield Reading(carried.ts, wanted.model_id, tag, number, "input")

    def _answers(self, carried: Carried, parsed: Any, quality: str) -> list[tuple[Wanted, Answer]]:
        """What the message says for each entry that names it. Where it names one of several models, for that one."""
        found: list[tuple[Wanted, Answer]] = []
        for wanted in carried.wanted:
            if not wanted.output:
                continue
            said = (
                answer.read(parsed, wanted.selector.path, wanted.kind)
                if quality == "good"
                else _unread(wanted, quality)
            )
            if said is None or document.secret(wanted.selector.path):
                self.tally.count("without_value")
            else:
                found.append((wanted, said))
        named = [pair for pair in found if pair[1].model == pair[0].model_id]
        if not named and any(said.model in self._ids for _, said in found):
            self.tally.count("other_model", len(found))
        return named or found

    def _record(self, wanted: Wanted, carried: Carried, parsed: Any, said: Answer) -> Inference:
        path = wanted.selector.path
        held = self._held.get(wanted.model_id)
        if said.quality != "good":
            self.tally.count(said.quality)
        value = said.value if said.value is not None else document.follow(parsed, path)
        row: dict[str, Any] = {
            "ts": carried.ts, "capture": carried.capture, "frame": carried.frame, "src_ip": carried.src,
            "dst_ip": carried.dst, "model_id": wanted.model_id,
            "model_version": said.version or _version(carried.tag, wanted.versions), "kind": said.kind,
            "tag": f"{carried.tag}#{path}" if path else carried.tag,
            "input_sha256": held.sha256(carried.ts) if held else "",
            "output": document.text(value, carried.payload), "confidence": said.confidence,
            "quality": said.quality, "source": "wire", "source_ts": said.time or carried.stamp,
        }  # fmt: skip
        self.tally.told(wanted.model_id)
        return self._chained(row)

    def _chained(self, row: dict[str, Any]) -> Inference:
        seq, prev, own = self.chain.add(row)
        return Inference(seq=seq, prev_hash=prev, hash=own, **row)

    def notes(self) -> list[str]:
        """What an analyst should know."""
        return list(self.tally.notes(self._all))

    def counters(self) -> dict[str, int]:
        if not self._wanted:
            return {}
        held = list(self._held.values())
        evicted = sum(inputs.evicted for inputs in held) + self._documents.evicted
        legs = {"legs": self._legs.repeated, "legs_forgotten": self._legs.forgotten}
        sizes = {"inputs": sum(map(len, held)), "evicted": evicted, "retained": self._subscriptions.retained}
        return {**self.tally.counted, **sizes, **legs}

    def snapshot(self) -> dict[str, Any]:
        """Between two windows, as JSON can carry it."""
        return {
            "met": sorted(map(list, self.met)),
            "chain": self.chain.snapshot(), "tally": self.tally.snapshot(), "legs": self._legs.snapshot(),
            "subscriptions": self._subscriptions.snapshot(), "documents": self._documents.snapshot(),
            "held": {model: held.snapshot() for model, held in self._held.items()},
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        self.met = {(model, text) for model, text in state["met"]}
        self.chain.restore(state["chain"])
        self.tally.restore(state["tally"])
        self._legs.restore(state["legs"])
        self._subscriptions.restore(state["subscriptions"])
        self._documents.restore(state["documents"])
        self._held = {}
        for model, kept in state["held"].items():
            self._held[model] = Held()
            self._held[model].restore(kept)


def _unread(wanted: Wanted, quality: str) -> Answer:
    return answer.Answer(None, wanted.kind, quality=quality)


def _output(wanted: Wanted, made: Inference, value: Value) -> Output:
    stream = made.tag if wanted.stream else ""
    return Output(
        made.ts, made.model_id, value, made.confidence, made.model_version, made.input_sha256,
        made.source, made.capture, made.frame, stream,
    )  # fmt: skip


def _version(tag: str, approved: frozenset[str]) -> str:
    """A level of the topic that is an approved version, or looks like one."""
    levels = re.split(r"[/#]", tag)
    known = [level for level in levels if level in approved or level.removeprefix("v") in approved]
    return next((level for level in known or levels if known or _VERSION.match(level)), "").removeprefix("v")
