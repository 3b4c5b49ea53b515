"""Suricata's EVE JSON: the records as `alert` events, so that dashboards made for it show them. What Suricata has no
field for stands under `driftspan`."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sensor.export.record import facts

if TYPE_CHECKING:
    from sensor.export.record import Record

GENERATOR = 1337  # `gid`: whose rule it is; Suricata's own are 1 and 2
_WORST_FIRST = {"critical": 1, "high": 1, "medium": 2, "low": 3, "info": 4}
_PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "icmp": "ICMP", "icmp6": "IPv6-ICMP", "sctp": "SCTP"}
_TRANSPORTS = ("tcp", "udp", "icmp", "icmp6", "arp", "")


def to_eve(record: Record) -> dict[str, Any]:
    event: dict[str, Any] = {"timestamp": stamp(record.last), "event_type": "alert", "host": record.sensor}
    event |= _tuple(record)
    event["alert"] = {
        "action": "allowed",  # a passive sensor blocks nothing
        "gid": GENERATOR,
        "signature_id": signature_id(record.kind),
        "rev": 1,
        "signature": record.title,
        "category": record.kind.partition(".")[0],
        "severity": _WORST_FIRST[record.severity],
        "metadata": _metadata(record),
    }
    event["driftspan"] = {
        "record": record.what, "severity": record.severity, "confidence": record.confidence, "count": record.count,
        "summary": record.summary, "first": stamp(record.first), "last": stamp(record.last), **facts(record),
        **({"flow_id": str(record.flow.flow_id)} if record.flow else {}),
    }  # fmt: skip
    return event


def _tuple(record: Record) -> dict[str, Any]:
    src, src_port, dst, dst_port = record.ends
    flow = record.flow
    found: dict[str, Any] = {"src_ip": src, "src_port": src_port, "dest_ip": dst, "dest_port": dst_port}
    found["flow_id"] = flow_number(flow.flow_id) if flow else 0
    if flow is not None:
        found |= {"proto": protocol(flow.transport), "community_id": flow.community_id}
        found |= {"vlan": [flow.vlan]} if flow.vlan else {}
    app = (flow.app if flow else "") or (record.protocol if record.protocol not in _TRANSPORTS else "")
    found |= {"app_proto": app, "pcap_cnt": record.frames[0] if record.frames else 0}
    return {name: value for name, value in found.items() if value or name == "flow_id"}


def _metadata(record: Record) -> dict[str, list[str]]:
    """Lists of texts, as Suricata's rules have them."""
    found = {
        record.id_name: [record.id],
        "driftspan_severity": [record.severity],
        "confidence": [_words(record.confidence)],
        "mitre_technique_id": list(record.techniques),
        "mitre_version": [record.attack_version] if record.attack_version else [],
    }
    return {name: values for name, values in found.items() if values}


def _words(confidence: float) -> str:
    return "High" if confidence >= 0.75 else "Medium" if confidence >= 0.4 else "Low"


def flow_number(flow_id: int) -> int:
    """What EVE's readers can take: Elasticsearch's numbers have 63 bits, JavaScript's 53. The whole id stands under
    `driftspan`, as text."""
    return flow_id >> 11


def signature_id(kind: str) -> int:
    """The same for a kind for ever, above what Suricata's own rules use."""
    return 0x4000_0000 | (zlib.crc32(kind.encode()) & 0x3FFF_FFFF)


def protocol(transport: str) -> str:
    return _PROTOCOLS.get(transport, transport.upper())


def stamp(moment: int) -> str:
    """Suricata's own form of a time."""
    second, rest = divmod(moment, 10**9)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}+0000"
