"""A line or a whole file of documents → records, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sensor.intake import documents

if TYPE_CHECKING:
    from collections.abc import Collection

    from detectors.arrived import HostOutput
    from detectors.drift.rows import DriftAlert

DRIFT, INFERENCE = "drift", "inference"
KINDS = (DRIFT, INFERENCE)
LONGEST_LINE = 1 << 20  # bytes
KEPT_TEXT = 4096  # characters of a rejected line that are stored


@dataclass(frozen=True, slots=True)
class Reject:
    """A document that could not be read, with the reason in a sentence and its first characters as they are."""

    kind: str
    place: str
    reason: str
    text: str

    @property
    def said(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(slots=True)
class Batch:
    """What a file, a part of one or a request gave."""

    drift: list[DriftAlert] = field(default_factory=list)
    inference: list[HostOutput] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def add(self, other: Batch) -> None:
        self.drift += other.drift
        self.inference += other.inference
        self.rejects += other.rejects

    def __len__(self) -> int:
        return len(self.drift) + len(self.inference)


def of_line(kind: str, data: bytes, place: str, received: int | None, model_id: str = "") -> Batch:
    """One document. A line of nothing but white space gives nothing."""
    if not data.strip():
        return Batch()
    if len(data) > LONGEST_LINE:
        return _rejected(kind, data, place, f"is longer than {LONGEST_LINE // 1024} KiB")
    try:
        return _records(kind, documents.parsed(data), place, received, model_id)
    except ValueError as error:
        return _rejected(kind, data, place, str(error))


def of_whole(kind: str, data: bytes, place: str, received: int | None, model_id: str = "") -> Batch:
    """A file or body that is one document: a report, a record, or a list of records."""
    try:
        document = documents.parsed(data)
    except ValueError as error:
        return _rejected(kind, data, place, str(error))
    if not isinstance(document, list) or _is_result(document):
        return _one(kind, document, place, received, model_id)
    found = Batch()
    for at, entry in enumerate(document, 1):
        found.add(_one(kind, entry, f"{place}[{at}]", received, model_id))
    return found


def _is_result(document: list[Any]) -> bool:
    """NannyML's result by records is a list, and one report."""
    first = document[0] if document else None
    return isinstance(first, dict) and bool({"chunk_key", "chunk_index"} & set(first))


def _one(kind: str, document: Any, place: str, received: int | None, model_id: str) -> Batch:
    try:
        return _records(kind, document, place, received, model_id)
    except ValueError as error:
        import orjson

        return _rejected(kind, orjson.dumps(document)[: 2 * KEPT_TEXT], place, str(error))


def _records(kind: str, document: Any, place: str, received: int | None, model_id: str) -> Batch:
    if kind == DRIFT:
        return Batch(drift=documents.drift(document, received, model_id))
    return Batch(inference=[documents.inference(document, model_id, place)])


def _rejected(kind: str, data: bytes, place: str, reason: str) -> Batch:
    text = data[: 4 * KEPT_TEXT].decode("utf-8", "replace").strip()[:KEPT_TEXT]
    return Batch(rejects=[Reject(kind, place, reason, text)])


def model_of(name: str, models: Collection[str]) -> str:
    """The configured model that a file is named after: `pump-wear.json`, `pump-wear.2026-03-01.jsonl`."""
    parts = name.split(".")
    stems = (".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1))
    return next((stem for stem in stems if stem in models), "")
