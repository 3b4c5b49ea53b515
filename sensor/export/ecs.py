"""Elastic Common Schema 8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors import attack
from sensor.export.record import facts, iso
from sensor.program import version

if TYPE_CHECKING:
    from sensor.export.record import Record

SCHEMA = "8.11.0"


def to_ecs(record: Record) -> dict[str, Any]:
    document: dict[str, Any] = {
        "@timestamp": iso(record.last, 9),
        "ecs": {"version": SCHEMA},
        "message": record.summary,
        "event": {
            "kind": "alert", "category": ["network", "intrusion_detection"], "type": ["info"], "module": "driftspan",
            "dataset": f"driftspan.{record.what}", "provider": record.detector, "action": record.kind, "id": record.id,
            "severity": record.rank * 25, "risk_score": round(record.rank * 25 * record.confidence, 2),
            "start": iso(record.first, 9), "end": iso(record.last, 9),
        },
        "rule": {"id": record.kind, "name": record.title, "category": record.kind.partition(".")[0]},
        "observer": {"type": "sensor", "vendor": "driftspan", "product": "driftspan", "version": version(),
                     "name": record.sensor},
        "log": {"level": record.severity},
        "labels": {"case_id": record.case, "status": record.status, record.id_name: record.id},
        "driftspan": facts(record),
    }  # fmt: skip
    document |= _network(record)
    if record.techniques:
        ids = list(record.techniques)
        threat = {"id": ids, "name": [attack.NAMES.get(t, t) for t in ids]}
        document["threat"] = {"framework": record.attack_version or attack.ATTACK_VERSION, "technique": threat}
    return document


def _network(record: Record) -> dict[str, Any]:
    src, src_port, dst, dst_port = record.ends
    found: dict[str, Any] = {}
    for name, ip, port in (("source", src, src_port), ("destination", dst, dst_port)):
        if ip:
            found[name] = {"ip": ip, "address": ip} | ({"port": port} if port else {})
    if ips := [ip for ip in dict.fromkeys((src, dst)) if ip]:
        found["related"] = {"ip": ips}
    network: dict[str, Any] = {"protocol": record.protocol} if record.protocol else {}
    if flow := record.flow:
        network |= {"transport": flow.transport, "community_id": flow.community_id}
        network |= {"vlan": {"id": str(flow.vlan)}} if flow.vlan else {}
        network["flow_id"] = str(flow.flow_id)  # no field of ECS, but everybody joins by it
    return found | ({"network": network} if network else {})
