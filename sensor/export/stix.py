"""STIX 2.1: a sighting of what a kind of alert stands for, with what was observed, in a bundle. Ids are derived from
content, so that a record sent twice is the same objects twice."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import orjson

from detectors import attack
from sensor.errors import DriftspanError
from sensor.export.record import INCIDENT, facts, iso

if TYPE_CHECKING:
    from sensor.export.record import Record

_SPACE = uuid.UUID("8d5e8a36-6a39-5b0e-9f0c-6b3a53a1c6d2")  # of our own ids
_LONGEST_AGO = "2020-01-01T00:00:00.000Z"  # when objects without a time of their own were made
_MOST_SIGHTED = 999_999_999
OF_ONE_RECORD = ("sighting", "observed-data", "incident")  # no two records have these in common


def to_stix(record: Record) -> dict[str, Any]:
    """One bundle. DriftspanError where stix2 is not installed."""
    objects = objects_of(record)
    return {"type": "bundle", "id": bundle_id(record.id, record.case, str(record.last)), "objects": objects}


def bundle_id(*parts: str) -> str:
    return _id("bundle", *parts)


def objects_of(record: Record) -> list[dict[str, Any]]:
    stix = library()
    sensor = stix.Identity(
        id=_id("identity", record.sensor), name=record.sensor, identity_class="system",
        created=_LONGEST_AGO, modified=_LONGEST_AGO,
    )  # fmt: skip
    indicator = _indicator(stix, record, sensor.id)
    seen = _observed(stix, record)
    times = {"first_observed": iso(record.first), "last_observed": iso(record.last)}
    made = {"created": iso(record.first), "modified": iso(record.last), "created_by_ref": sensor.id}
    observed = [
        stix.ObservedData(
            id=_id("observed-data", record.id, record.case), number_observed=_count(record),
            object_refs=[item.id for item in seen], **times, **made,
        )
    ] if seen else []  # fmt: skip
    own = {f"x_driftspan_{name}": _plain(value) for name, value in facts(record).items()}
    if record.flow:
        own |= {"x_driftspan_flow_id": str(record.flow.flow_id), "x_driftspan_community_id": record.flow.community_id}
    sighting = stix.Sighting(
        id=_id("sighting", record.id, record.case), sighting_of_ref=indicator.id, where_sighted_refs=[sensor.id],
        first_seen=iso(record.first), last_seen=iso(record.last), count=_count(record), description=record.summary,
        confidence=round(record.confidence * 100), **made, **own, allow_custom=True,
        **({"observed_data_refs": [item.id for item in observed]} if observed else {}),
    )  # fmt: skip
    techniques = [_technique(stix, t) for t in record.techniques]
    uses = [
        stix.Relationship(
            id=_id("relationship", record.kind, t.id), relationship_type="indicates", source_ref=indicator.id,
            target_ref=t.id, created=_LONGEST_AGO, modified=_LONGEST_AGO,
        )
        for t in techniques
    ]  # fmt: skip
    further = [_incident(stix, record, sensor.id)] if record.what == INCIDENT else []
    found = [sensor, indicator, *techniques, *uses, *seen, *observed, sighting, *further]
    return [orjson.loads(item.serialize()) for item in found]


def library() -> Any:
    try:
        from stix2 import v21
    except ModuleNotFoundError as error:
        raise DriftspanError(
            f"'--to stix' needs {error.name}, which is not installed: pip install 'driftspan[stix]'"
        ) from None
    return v21


def _indicator(stix: Any, record: Record, sensor: str) -> Any:
    """What the alert's kind stands for. Its pattern is the kind itself: what the detectors look for is no pattern of
    single observations."""
    return stix.Indicator(
        id=_id("indicator", record.kind), name=record.title, pattern_type="driftspan",
        pattern=f"kind = '{record.kind}'",
        indicator_types=["anomalous-activity"], valid_from=_LONGEST_AGO, created=_LONGEST_AGO, modified=_LONGEST_AGO,
        created_by_ref=sensor, labels=[record.detector or record.what],
    )  # fmt: skip


def _technique(stix: Any, technique: str) -> Any:
    atlas = technique.startswith("AML.")
    source = {"source_name": "mitre-atlas" if atlas else "mitre-ics-attack", "external_id": technique}
    return stix.AttackPattern(
        id=_id("attack-pattern", technique), name=attack.NAMES.get(technique, technique),
        external_references=[source], created=_LONGEST_AGO, modified=_LONGEST_AGO,
    )  # fmt: skip


def _observed(stix: Any, record: Record) -> list[Any]:
    """Addresses and the traffic between them; their ids are those that STIX itself derives."""
    src, src_port, dst, dst_port = record.ends
    ends = {ip: (stix.IPv6Address if ":" in ip else stix.IPv4Address)(value=ip) for ip in (src, dst) if ip}
    if not ends or src == dst:
        return list(ends.values())
    protocols = [name for name in (record.flow.transport if record.flow else "", record.protocol) if name]
    traffic: dict[str, Any] = {"protocols": protocols or ["ip"]}
    for name, ip, port in (("src", src, src_port), ("dst", dst, dst_port)):
        traffic |= {f"{name}_ref": ends[ip].id} if ip else {}
        traffic |= {f"{name}_port": port} if port else {}
    return [*ends.values(), stix.NetworkTraffic(**traffic)]


def _incident(stix: Any, record: Record, sensor: str) -> Any:
    return stix.Incident(
        id=_id("incident", record.id, record.case), name=record.title, description=record.summary,
        created=iso(record.first), modified=iso(record.last), created_by_ref=sensor,
    )  # fmt: skip


def _count(record: Record) -> int:
    return min(max(1, record.count), _MOST_SIGHTED)


def _plain(value: Any) -> Any:
    """Custom properties are texts and lists of texts: nothing else is read alike everywhere."""
    if isinstance(value, list | tuple):
        return [item if isinstance(item, str) else orjson.dumps(item).decode() for item in value]
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(_SPACE, "\0".join(parts)))


def _id(kind: str, *parts: str) -> str:
    return f"{kind}--{_uuid(kind, *parts)}"
