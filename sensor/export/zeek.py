"""Zeek's notice.log as JSON, as `LogAscii::use_json` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensor.export.record import Record

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def to_zeek(record: Record) -> dict[str, Any]:
    src, _, dst, dst_port = record.ends
    flow = record.flow
    found: dict[str, Any] = {
        "ts": record.last / 10**9, "note": f"Driftspan::{_name(record.kind)}", "msg": record.summary,
        "sub": record.title, "src": src, "dst": dst, "p": dst_port, "n": record.count, "peer_descr": record.sensor,
        "actions": ["Notice::ACTION_LOG"], "suppress_for": 0.0, record.id_name: record.id,
        "severity": record.severity, "techniques": list(record.techniques),
    }  # fmt: skip
    if flow is not None:
        found |= {
            "uid": uid(flow.flow_id), "id.orig_h": flow.src, "id.orig_p": flow.src_port, "id.resp_h": flow.dst,
            "id.resp_p": flow.dst_port, "proto": flow.transport, "community_id": flow.community_id,
            "flow_id": str(flow.flow_id),
        }  # fmt: skip
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def _name(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.replace(".", "_").split("_"))


def uid(flow_id: int) -> str:
    """The flow's id in Zeek's manner: `C` for connections, and digits to the base 62."""
    digits = ""
    while flow_id:
        flow_id, digit = divmod(flow_id, 62)
        digits = _DIGITS[digit] + digits
    return "C" + (digits or "0")
