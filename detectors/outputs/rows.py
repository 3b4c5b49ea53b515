"""What the observer gives for a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors.alert import NOWHERE

if TYPE_CHECKING:
    from detectors.drift.rows import Output, Reading


@dataclass(frozen=True, slots=True)
class Inference:
    """A row of `inference_log`. Times in nanoseconds since the epoch.

    `output`: the value as JSON; what could not be read as one stands there as it came, and `quality` is not `good`:
    `cut` (longer than what is kept of a payload), `unparsable`, `wrong_type` (no value of the model's kind),
    `not_finite`. `kind`: `classification`, `regression`, `score`, `vector`. `tag`: topic, node, registers, points or
    path it came by. `source`: `wire` or `external`. `source_ts`: the time that the payload names; 0: none.
    """

    seq: int
    ts: int
    capture: str
    frame: int
    model_id: str
    model_version: str
    kind: str
    tag: str
    input_sha256: str
    output: str
    confidence: float | None
    quality: str
    source: str
    source_ts: int
    prev_hash: str
    hash: str
    src_ip: bytes = NOWHERE
    dst_ip: bytes = NOWHERE


@dataclass(frozen=True, slots=True)
class Seen:
    """One window, in order of time. `outputs`: those that are values; `records`: all; `inputs`: numbers only."""

    outputs: tuple[Output, ...] = ()
    inputs: tuple[Reading, ...] = ()
    records: tuple[Inference, ...] = ()
