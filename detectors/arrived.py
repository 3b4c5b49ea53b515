"""What came from outside for a window: drift that other tools found, and outputs that the models' own hosts logged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detectors.alert import alert_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detectors.drift.rows import DriftAlert

RECORDS = 1 << 16  # of each kind and window; what is beyond is counted


@dataclass(frozen=True, slots=True)
class HostOutput:
    """One line of a host's own inference log. `ts`: nanoseconds since the epoch by the host's clock.

    `value`: as `detectors.drift.rows.Output` has it. `inputs`: name → what the host says that it read. `place`: where
    the line stands (`file:line`), for people; it is no part of what the record is.
    """

    ts: int
    model_id: str
    value: float | str | tuple[float, ...] | Mapping[str, float]
    confidence: float | None = None
    model_version: str = ""
    input_sha256: str = ""
    inputs: Mapping[str, float | str] = field(default_factory=dict)
    place: str = ""

    @property
    def output(self) -> str:
        """As the table has it: JSON, keys sorted."""
        return _json(self.value)

    @property
    def input(self) -> str:
        return _json(self.inputs) if self.inputs else ""

    @property
    def record_id(self) -> str:
        """Of the content: a line that is read again is the same record."""
        words = (self.model_id, self.ts, self.output, repr(self.confidence), self.model_version, self.input_sha256)
        return alert_id("inference", *words, self.input)


class Arrived:
    """Of one window, earliest first. The pipeline fills it before the window's first part and clears it after the
    last: `drift` and `inference` hold nothing of other windows."""

    def __init__(self) -> None:
        self.drift: tuple[DriftAlert, ...] = ()
        self.inference: tuple[HostOutput, ...] = ()
        self.overflow = 0

    def take(self, drift: Iterable[DriftAlert], inference: Iterable[HostOutput]) -> None:
        """Adds records; one that is there already is not added again."""
        alerts = {row.drift_id: row for row in (*self.drift, *drift)}
        outputs = {row.record_id: row for row in (*self.inference, *inference)}
        self.overflow += max(0, len(alerts) - RECORDS) + max(0, len(outputs) - RECORDS)
        self.drift = tuple(sorted(alerts.values(), key=lambda row: (row.ts, row.drift_id))[:RECORDS])
        self.inference = tuple(sorted(outputs.values(), key=lambda row: (row.ts, row.record_id))[:RECORDS])

    def clear(self) -> None:
        self.drift, self.inference = (), ()


def _json(value: Any) -> str:
    if not isinstance(value, float | int | str):
        value = list(value) if isinstance(value, tuple) else dict(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
