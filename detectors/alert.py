"""An alert, as it is stored and shown: one cause, however often it was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SEVERITIES = ("info", "low", "medium", "high", "critical")
NOWHERE = bytes(16)  # `::`, where an alert has no address


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of the table `alerts`. Times are nanoseconds since the epoch, addresses 16 bytes.

    `alert_id` names the cause and nothing that grows with it: an update has the same id and replaces the
    row. `count` counts what the kind's catalogue entry says it counts. `frames` are 1-based frame numbers
    in `capture`, of the earliest packets that show the cause. `status` and `suppressed` (the configuration's
    reason for keeping it quiet) are the pipeline's.
    """

    alert_id: str
    detector: str
    kind: str
    title: str
    severity: str
    confidence: float
    src_ip: bytes
    dst_ip: bytes
    protocol: str
    summary: str
    count: int
    first_ts: int
    last_ts: int
    src_zone: str = ""
    dst_zone: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    techniques: tuple[str, ...] = ()
    attack_version: str = ""
    controls: tuple[str, ...] = ()
    frames: tuple[int, ...] = ()
    capture: str = ""
    status: str = "open"
    suppressed: str = ""
    sensor: str = ""
    case_id: str = ""

    @property
    def ts(self) -> int:
        """The row's time: that of the first occurrence, so that an update stays at its place."""
        return self.first_ts


def alert_id(kind: str, *parts: bytes | str | int) -> str:
    """128 bits of a hash of what makes the cause, hexadecimal: the same in every run and for every case."""
    digest = blake2b(kind.encode(), digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()


def worse(severity: str, steps: int = 1) -> str:
    """The severity some steps up (or, negative, down) the scale, within it."""
    return SEVERITIES[max(0, min(len(SEVERITIES) - 1, SEVERITIES.index(severity) + steps))]


def worst(*severities: str) -> str:
    return max(severities, key=SEVERITIES.index)
