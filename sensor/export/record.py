"""What is exported: an alert, an incident or drift, whichever the format. Text from the wire is made harmless here,
once for all formats: whatever is no printable character is written out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from detectors.alert import SEVERITIES
from sensor.textwidth import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

ALERT, INCIDENT, DRIFT = KINDS = ("alert", "incident", "drift")
DRIFT_SEVERITY = "medium"  # drift has none of its own: what it means is said by its incident
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAPPED = "::ffff:"
_SECOND = 10**9
_INCIDENT = (
    "level", "cause", "probability", "model_id", "models", "alert_ids", "drift_ids", "speaks_for", "speaks_against",
    "would_settle", "runbook",
)  # fmt: skip
_DRIFT = (
    "model_id", "detector", "statistic", "threshold", "p_value", "baseline", "current", "window", "source", "stream",
    "shape", "magnitude",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flow:
    """The flow that an alert is about, client first."""

    flow_id: int
    community_id: str
    transport: str
    src: str
    src_port: int
    dst: str
    dst_port: int
    app: str = ""
    vlan: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """Times are nanoseconds since the epoch; addresses are in the usual notation, empty where there is none. `more`:
    what only incidents, or only drift, have."""

    what: str
    id: str
    kind: str
    title: str
    summary: str
    severity: str
    confidence: float
    first: int
    last: int
    count: int
    status: str
    sensor: str
    case: str
    detector: str = ""
    protocol: str = ""
    src: str = ""
    dst: str = ""
    src_zone: str = ""
    dst_zone: str = ""
    techniques: tuple[str, ...] = ()
    attack_version: str = ""
    controls: tuple[str, ...] = ()
    capture: str = ""
    frames: tuple[int, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    flow: Flow | None = None

    @property
    def rank(self) -> int:
        """0 (info) to 4 (critical)."""
        return SEVERITIES.index(self.severity)

    @property
    def id_name(self) -> str:
        return f"{self.what}_id"

    @property
    def ends(self) -> tuple[str, int, str, int]:
        """Source, its port, target and its port; a port is 0 where no flow tells it."""
        flow = self.flow
        if flow is None:
            return self.src, 0, self.dst, 0
        if not self.src and not self.dst:
            return flow.src, flow.src_port, flow.dst, flow.dst_port
        turned = flow.src == self.dst
        ports = (flow.dst_port, flow.src_port) if turned else (flow.src_port, flow.dst_port)
        return self.src, ports[0], self.dst, ports[1]


def alert(row: Mapping[str, Any], flow: Flow | None = None) -> Record:
    """`row`: one of the view `alerts`, as JSON has it."""
    plain = {name: clean(row[name]) for name in ("kind", "title", "summary", "detector", "protocol")}
    plain |= {name: clean(row[name]) for name in ("src_zone", "dst_zone", "attack_version", "capture")}
    return Record(
        what=ALERT,
        id=row["alert_id"],
        **_common(row),
        **plain,
        confidence=round(float(row["confidence"]), 4),
        count=int(row["count"]),
        src=address(row["src_ip"]),
        dst=address(row["dst_ip"]),
        techniques=tuple(clean(row["techniques"])),
        controls=tuple(clean(row["controls"])),
        frames=tuple(row["frames"]),
        evidence=_json(row["evidence"]),
        flow=flow,
    )


def incident(row: Mapping[str, Any], flow: Flow | None = None) -> Record:
    """`row`: one of the view `incidents`."""
    more = {name: clean(row[name]) for name in _INCIDENT}
    return Record(
        what=INCIDENT,
        id=row["incident_id"],
        **_common(row),
        kind=f"incident.{clean(row['cause'])}",
        title=clean(row["title"]),
        summary=clean("; ".join(row["speaks_for"])) or clean(row["title"]),
        confidence=round(float(row["probability"]), 4),
        count=len(row["alert_ids"]) + len(row["drift_ids"]),
        detector="correlate",
        techniques=tuple(clean(row["techniques"])),
        controls=tuple(clean(row["controls"])),
        evidence={"suspects": _json(row["suspects"]), "timeline": _json(row["timeline"])},
        more=more,
        flow=flow,
    )


def drift(row: Mapping[str, Any]) -> Record:
    """`row`: one of the table `drift`."""
    named = f"Drift of {row['stream'] or 'outputs'} of model {row['model_id']}"
    return Record(
        what=DRIFT,
        id=row["drift_id"],
        sensor=clean(row["sensor"]),
        case=clean(row["case_id"]),
        status="open",
        severity=DRIFT_SEVERITY,
        first=nanoseconds(row["since"]) or nanoseconds(row["ts"]),
        last=nanoseconds(row["ts"]),
        kind=f"drift.{clean(row['kind'])}",
        title=clean(named),
        summary=clean(row["summary"]) or clean(named),
        confidence=1.0 if row["p_value"] is None else round(1.0 - float(row["p_value"]), 4),
        count=1,
        detector=clean(row["detector"]),
        more={name: clean(row[name]) for name in _DRIFT},
    )


def _common(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sensor": clean(row["sensor"]),
        "case": clean(row["case_id"]),
        "status": row["status"],
        "severity": row["severity"],
        "first": nanoseconds(row["first_ts"]),
        "last": nanoseconds(row["last_ts"]),
    }


def clean(value: Any) -> Any:
    """The value with every text in it made harmless."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {safe(str(key)): clean(item) for key, item in value.items()}
    return value


def _json(text: str) -> Any:
    try:
        return clean(orjson.loads(text or "{}"))
    except orjson.JSONDecodeError:
        return {"text": clean(text)}


def address(text: str) -> str:
    """As people write it; empty for none."""
    if text in ("::", "::ffff:0.0.0.0", ""):
        return ""
    return text.removeprefix(_MAPPED) if "." in text else text


def nanoseconds(text: str) -> int:
    """Of `2026-03-01 12:00:00.123456789`, as ClickHouse writes times in UTC; 0 for none."""
    if not text:
        return 0
    whole, _, part = text.partition(".")
    seconds = int((datetime.fromisoformat(whole).replace(tzinfo=UTC) - _EPOCH).total_seconds())
    return seconds * _SECOND + int(part.ljust(9, "0")[:9] or 0)


def iso(moment: int, digits: int = 6) -> str:
    """`2026-03-01T12:00:00.123456Z`."""
    second, rest = divmod(moment, _SECOND)
    text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09d}"[: len(text) + 1 + digits] + "Z"


def facts(record: Record) -> dict[str, Any]:
    """What no other tool has a field for; empty values left out."""
    found: dict[str, Any] = {
        record.id_name: record.id, "kind": record.kind, "case_id": record.case, "status": record.status,
        "src_zone": record.src_zone, "dst_zone": record.dst_zone, "controls": list(record.controls),
        "capture": record.capture, "frames": list(record.frames), "evidence": record.evidence, **record.more,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value not in ("", [], {}, None)}
