"""ArcSight's Common Event Format, revision 0. One line, whatever is in the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from sensor.program import version

if TYPE_CHECKING:
    from sensor.export.record import Record

_SEVERITY = {"info": 1, "low": 3, "medium": 5, "high": 8, "critical": 10}
_LONGEST = {"msg": 1023, "reason": 1023}  # characters, by the format's dictionary
_LONGEST_TEXT = 4000  # of the custom texts
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_BACKSLASH = "\\"


def to_cef(record: Record) -> str:
    head = ("driftspan", "driftspan", version(), record.kind, record.title, str(_SEVERITY[record.severity]))
    fields = " ".join(f"{name}={_value(name, text)}" for name, text in _extension(record) if text)
    return "|".join(["CEF:0", *map(_header, head)]) + "|" + fields


def _header(text: str) -> str:
    return _BREAKS.sub(" ", text).replace(_BACKSLASH, _BACKSLASH * 2).replace("|", _BACKSLASH + "|")[:1023]


def _value(name: str, text: str) -> str:
    cut = text[: _LONGEST.get(name, _LONGEST_TEXT)]
    return _BREAKS.sub(" ", cut).replace(_BACKSLASH, _BACKSLASH * 2).replace("=", _BACKSLASH + "=")


def _extension(record: Record) -> list[tuple[str, str]]:
    src, src_port, dst, dst_port = record.ends
    flow = record.flow
    found = [
        ("externalId", record.id), ("cat", record.what), ("act", "observed"), ("cnt", str(record.count)),
        ("rt", str(record.last // 1_000_000)), ("start", str(record.first // 1_000_000)),
        ("end", str(record.last // 1_000_000)), ("msg", record.summary), ("dvchost", record.sensor),
        *_address("src", "c6a2", "Source IPv6 Address", src), ("spt", str(src_port or "")),
        *_address("dst", "c6a3", "Destination IPv6 Address", dst), ("dpt", str(dst_port or "")),
        ("proto", flow.transport.upper() if flow else ""), ("app", record.protocol),
        ("sourceZoneURI", record.src_zone), ("destinationZoneURI", record.dst_zone),
    ]  # fmt: skip
    texts = (
        ("techniques", ",".join(record.techniques)),
        ("community_id", flow.community_id if flow else ""),
        ("flow_id", str(flow.flow_id) if flow else ""),
        ("controls", "; ".join(record.controls)),
        ("case_id", record.case),
        ("evidence", orjson.dumps(dict(record.evidence) or dict(record.more)).decode()),
    )
    for number, (label, text) in enumerate(texts, 1):
        found += [(f"cs{number}", text), (f"cs{number}Label", label if text else "")]
    found += [("cfp1", f"{record.confidence:g}"), ("cfp1Label", "confidence")]
    return found


def _address(name: str, six: str, label: str, ip: str) -> list[tuple[str, str]]:
    """`src` and `dst` are for IPv4 alone."""
    if ":" not in ip:
        return [(name, ip)]
    return [(six, ip), (f"{six}Label", label)]
