"""What goes into the watch for drift and what comes out: model outputs, single readings, drift alerts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors.alert import alert_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMPONENTS = 16  # of a vector that are watched; the first ones
SHAPES = ("step", "ramp", "variance", "frozen", "mode_switch", "periodic", "missing", "rate", "mix", "unknown")
KINDS = ("output", "confidence", "input", "rate", "missing", "frozen", "class_mix", "relation")


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a model: a row of `inference_log` before it is chained. `ts`: nanoseconds since the epoch.

    `value`: a number (regression, score), a text (label), a list of numbers (vector, or probabilities of classes
    by place) or a table label → probability. `source`: `wire` or `external`. `frame`: 0 for one from outside.
    `stream`: what names it among several outputs of its model; empty: there is one.
    """

    ts: int
    model_id: str
    value: float | str | tuple[float, ...] | Mapping[str, float]
    confidence: float | None = None
    model_version: str = ""
    input_sha256: str = ""
    source: str = "wire"
    capture: str = ""
    frame: int = 0
    stream: str = ""

    @property
    def output(self) -> str:
        """As the table has it: JSON, keys sorted."""
        plain = self.value if isinstance(self.value, float | int | str) else _plain(self.value)
        return json.dumps(plain, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """One number (or label) of one stream. `kind`: `output`, `confidence` or `input`."""

    ts: int
    model_id: str
    stream: str
    value: float | str
    kind: str = "output"


@dataclass(frozen=True, slots=True)
class DriftAlert:
    """A row of the table `drift`, and what the correlator reads beside it.

    `since` lies in `since_low .. since_high` with 95 % (nanoseconds). `magnitude`: in standard deviations of the
    stream's own samples after the daily profile is taken off; 0 where that has no meaning. `baseline`, `current`,
    `window`: words and numbers for the analyst. `drift_id` names model, stream, what moved and the block of the alarm,
    so an update keeps it. `returned`: when the stream was back inside its baseline; 0: not yet.
    """

    drift_id: str
    ts: int
    model_id: str
    kind: str
    detector: str
    statistic: float
    threshold: float
    p_value: float | None
    baseline: str
    current: str
    window: str
    source: str = "wire"
    stream: str = ""
    shape: str = "unknown"
    magnitude: float = 0.0
    since: int = 0
    since_low: int = 0
    since_high: int = 0
    returned: int = 0
    summary: str = ""


def drift_id(model_id: str, stream: str, kind: str, ts: int) -> str:
    return alert_id("drift", model_id, stream, kind, ts)


def readings(output: Output) -> Iterator[Reading]:
    """The streams an output feeds. A probability is watched as it is: `Monitor` takes its logit."""
    ts, model, value = output.ts, output.model_id, output.value
    name, before = output.stream or "output", f"{output.stream} " if output.stream else ""
    if isinstance(value, str):
        yield Reading(ts, model, f"{before}label", value, "label")
    elif isinstance(value, int | float):
        yield Reading(ts, model, name, float(value))
    elif isinstance(value, tuple):
        for at, part in enumerate(value[:COMPONENTS]):
            yield Reading(ts, model, f"{name}[{at}]", float(part))
    else:
        for label in sorted(value)[:COMPONENTS]:
            yield Reading(ts, model, f"{before}p({label})", float(value[label]), "confidence")
        if value:
            yield Reading(ts, model, f"{before}label", max(sorted(value), key=lambda label: value[label]), "label")
    if output.confidence is not None:
        yield Reading(ts, model, f"{before}confidence", output.confidence, "confidence")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value)
