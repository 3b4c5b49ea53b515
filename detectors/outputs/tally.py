"""What the observer counted, and what of it an analyst should know."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detectors.models import Model

PATIENCE = (
    300 * 10**9
)  # nanoseconds after which a model that nothing was seen of is named: what a detector learns at most
_SECOND = 10**9
_BAD = {
    "cut": "were longer than what is kept of a payload",
    "unparsable": "were no JSON",
    "wrong_type": "held no value of the model's kind",
    "not_finite": "were no finite number",
}
_LOST = {
    "other_model": "model outputs name another model of the configuration than the one whose entry selects them",
    "without_value": "messages had nothing where a model's output should stand",
    "overflow": "messages of models were not read: too many in a window",
}


class Tally:
    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self._since = self._until = 0
        self._fed: set[str] = set()
        self._told: set[str] = set()

    def window(self, start: int, end: int) -> None:
        self._since, self._until = self._since or start, end

    def count(self, what: str, many: int = 1) -> None:
        if many:
            self.counted[what] += many

    def fed(self, model_id: str) -> None:
        self._fed.add(model_id)

    def told(self, model_id: str) -> None:
        self._told.add(model_id)
        self.counted["outputs"] += 1

    def notes(self, models: Iterable[Model]) -> Iterator[str]:
        """Outputs that could not be read, messages that were not looked at, models that were never heard of."""
        for name, why in _BAD.items():
            if self.counted[name]:
                yield f"{self.counted[name]} model outputs {why}; they are stored as they came"
        for name, what in _LOST.items():
            if self.counted[name]:
                yield f"{self.counted[name]} {what}"
        span = self._until - self._since
        if span >= PATIENCE:
            for model in models:
                silent = [
                    what
                    for what, named, heard in (
                        ("inputs", model.inputs, self._fed),
                        ("outputs", model.outputs, self._told),
                    )
                    if named and model.id not in heard
                ]
                if silent:
                    yield f"model {model.id!r}: none of its {' and '.join(silent)} was seen in {span // _SECOND} s"

    def snapshot(self) -> dict[str, Any]:
        return {
            "counted": dict(self.counted), "span": [self._since, self._until],
            "fed": sorted(self._fed), "told": sorted(self._told),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        self.counted = Counter(state["counted"])
        self._since, self._until = state["span"]
        self._fed, self._told = set(state["fed"]), set(state["told"])
