"""What rules may name: log sources and the tables behind them, fields and the columns that they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PRODUCT, CATEGORY = "driftspan", "network_alert"
TEXT, NUMBER, ADDRESS = "text", "number", "address"


@dataclass(frozen=True, slots=True)
class Table:
    """`columns`: name → kind and whether it is an array. `frame`: the column that finds the packet."""

    name: str
    columns: Mapping[str, tuple[str, bool]]
    frame: str


_PACKET_PATH = {
    "modbus": "request_frame", "dnp3": "frame", "opcua": "request_frame", "mqtt": "frame", "tls": "frame",
    "flows": "frame", "files": "frame", "anomalies": "frame",
}  # fmt: skip
_ALERTS = {
    "detector": (TEXT, False), "kind": (TEXT, False), "title": (TEXT, False), "severity": (TEXT, False),
    "confidence": (NUMBER, False), "src_ip": (ADDRESS, False), "dst_ip": (ADDRESS, False), "src_zone": (TEXT, False),
    "dst_zone": (TEXT, False), "protocol": (TEXT, False), "summary": (TEXT, False), "evidence": (TEXT, False),
    "techniques": (TEXT, True), "count": (NUMBER, False),
}  # fmt: skip
_ZONES = {"src_zone": (TEXT, False), "dst_zone": (TEXT, False)}
# As rules for other products name them: Sigma's own taxonomy, Zeek and ECS.
ALIASES = {
    "SourceIp": "src_ip", "DestinationIp": "dst_ip", "SourcePort": "src_port", "DestinationPort": "dst_port",
    "id.orig_h": "src_ip", "id.resp_h": "dst_ip", "id.orig_p": "src_port", "id.resp_p": "dst_port",
    "source.ip": "src_ip", "destination.ip": "dst_ip", "source.port": "src_port", "destination.port": "dst_port",
}  # fmt: skip


@lru_cache(maxsize=1)
def tables() -> dict[str, Table]:
    """By the `service` of a log source."""
    from parsers import schema

    known = schema()
    found = {}
    for name, frame in _PACKET_PATH.items():
        columns = {column: _kind(kind) for column, kind in known[name] if not kind.startswith("Timestamp")}
        columns.pop("capture")
        found[name] = Table(name, columns | (_ZONES if name == "flows" else {}), frame)
    found["alerts"] = Table("alert_rows", _ALERTS, "arrayElement(frames, 1)")
    return found


def _kind(arrow: str) -> tuple[str, bool]:
    array = arrow.startswith("List(")
    if "FixedSizeBinary(16)" in arrow:
        return ADDRESS, array
    return (TEXT if "Utf8" in arrow else NUMBER), array
