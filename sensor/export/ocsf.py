"""OCSF 1.5, Detection Finding (class 2004)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors import attack
from sensor.export.record import DRIFT, INCIDENT, facts
from sensor.program import version

if TYPE_CHECKING:
    from sensor.export.record import Record

SCHEMA = "1.5.0"
CLASS, CATEGORY, CREATE, UPDATE = 2004, 2, 1, 2
_SEVERITY = {"info": (1, "Informational"), "low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"),
             "critical": (5, "Critical")}  # fmt: skip
_STATUS = {"open": (1, "New"), "muted": (3, "Suppressed"), "learned": (3, "Suppressed"), "closed": (4, "Resolved"),
           "returned": (4, "Resolved"), "merged": (4, "Resolved")}  # fmt: skip
_ANALYTIC = {DRIFT: (3, "Statistical"), INCIDENT: (2, "Behavioral")}
_RULE = (1, "Rule")
_IP_ADDRESS = 2  # type_id of an observable
_UNKNOWN = 0  # direction: which side is inside is a matter of zones, not of OCSF


def to_ocsf(record: Record) -> dict[str, Any]:
    severity, severity_name = _SEVERITY[record.severity]
    status, status_name = _STATUS.get(record.status, (99, "Other"))
    activity = CREATE if record.count <= 1 or record.first == record.last else UPDATE
    event = {
        "activity_id": activity, "activity_name": "Create" if activity == CREATE else "Update",
        "category_uid": CATEGORY, "category_name": "Findings", "class_uid": CLASS, "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity, "time": _ms(record.last), "timezone_offset": 0,
        "start_time": _ms(record.first), "end_time": _ms(record.last), "count": max(1, record.count),
        "severity_id": severity, "severity": severity_name, "status_id": status, "status": status_name,
        "confidence_id": 3 if record.confidence >= 0.75 else 2 if record.confidence >= 0.4 else 1,
        "confidence_score": round(record.confidence * 100), "is_alert": True, "message": record.summary,
        "metadata": _metadata(record), "finding_info": _finding(record), "evidences": [_evidence(record)],
        "unmapped": {"driftspan": facts(record)},
    }  # fmt: skip
    if observables := _observables(record):
        event["observables"] = observables
    return event


def _ms(moment: int) -> int:
    return moment // 1_000_000


def _metadata(record: Record) -> dict[str, Any]:
    product = {"name": "driftspan", "vendor_name": "driftspan", "version": version(), "feature": {"name": record.what}}
    found = {"version": SCHEMA, "product": product, "uid": record.id, "log_name": record.sensor}
    return found | ({"correlation_uid": record.flow.community_id} if record.flow else {})


def _finding(record: Record) -> dict[str, Any]:
    number, name = _ANALYTIC.get(record.what, _RULE)
    found: dict[str, Any] = {
        "uid": record.id, "title": record.title, "desc": record.summary, "types": [record.what],
        "first_seen_time": _ms(record.first), "last_seen_time": _ms(record.last), "created_time": _ms(record.first),
        "analytic": {"uid": record.kind, "name": record.kind, "type_id": number, "type": name,
                     "category": record.detector},
    }  # fmt: skip
    if record.techniques:
        found["attacks"] = [_attack(t, record.attack_version or attack.ATTACK_VERSION) for t in record.techniques]
    related = [*record.more.get("alert_ids", ()), *record.more.get("drift_ids", ())]
    if related:
        found["related_events"] = [{"uid": uid} for uid in related]
    return found


def _attack(technique: str, versions: str) -> dict[str, Any]:
    """ATLAS counts its sub-techniques in a third part of the id, ATT&CK in a second."""
    known = attack.NAMES.get(technique, technique)
    atlas = technique.startswith("AML.")
    of = next((v for v in versions.split("; ") if v.startswith("ATLAS") == atlas), versions)
    parts = technique.split(".")
    parent = ".".join(parts[: 2 if atlas else 1])
    found: dict[str, Any] = {"version": of}
    if parent == technique:
        return found | {"technique": {"uid": technique, "name": known}}
    above = attack.NAMES.get(parent, known.partition(": ")[0])
    return found | {"technique": {"uid": parent, "name": above}, "sub_technique": {"uid": technique, "name": known}}


def _evidence(record: Record) -> dict[str, Any]:
    src, src_port, dst, dst_port = record.ends
    found: dict[str, Any] = {"name": record.kind, "data": {record.id_name: record.id, "evidence": record.evidence}}
    for name, ip, port, zone in (
        ("src_endpoint", src, src_port, record.src_zone),
        ("dst_endpoint", dst, dst_port, record.dst_zone),
    ):
        if ip:
            found[name] = {"ip": ip} | ({"port": port} if port else {}) | ({"zone": zone} if zone else {})
    if record.flow is not None:
        flow = record.flow
        found["connection_info"] = {
            "uid": str(flow.flow_id), "community_uid": flow.community_id, "protocol_name": flow.transport,
            "direction_id": _UNKNOWN, "direction": "Unknown",
        }  # fmt: skip
    return found


def _observables(record: Record) -> list[dict[str, Any]]:
    ends = (("evidences[0].src_endpoint.ip", record.ends[0]), ("evidences[0].dst_endpoint.ip", record.ends[2]))
    return [{"name": n, "type_id": _IP_ADDRESS, "type": "IP Address", "value": ip} for n, ip in ends if ip]
