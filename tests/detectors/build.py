"""Tables as the engine hands them over, a row a dictionary; what a test does not name has a default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from detectors import address
from detectors.base import Detector, parse_settings
from detectors.changes import Change
from detectors.learning import Settings as Learning
from detectors.models import DataSource, Model
from detectors.site import site
from detectors.window import Window
from detectors.zones import Policy

SECOND = 10**9
T0 = 1_700_000_000 * SECOND
NAME = pa.dictionary(pa.int32(), pa.utf8())
IP = pa.binary(16)
TIME = pa.timestamp("ns", tz="UTC")
FLOW = {
    "src_ip": IP, "src_port": pa.uint16(), "dst_ip": IP, "dst_port": pa.uint16(), "vlan": pa.uint16(),
    "flow_id": pa.uint64(), "community_id": pa.utf8(), "capture": NAME,
}  # fmt: skip
SCHEMAS: dict[str, dict[str, Any]] = {
    "flows": {
        "ts": TIME, **FLOW, "frame": pa.uint64(), "first_ts": TIME, "last_ts": TIME, "transport": NAME, "state": NAME,
        "app": NAME, "service": NAME, "packets_out": pa.uint64(), "bytes_out": pa.uint64(), "packets_in": pa.uint64(),
        "bytes_in": pa.uint64(), "encrypted": pa.uint8(), "midstream": pa.uint8(), "credentials": NAME,
        "info": pa.utf8(), "src_mac": pa.utf8(), "dst_mac": pa.utf8(),
    },
    "behaviours": {
        "ts": TIME, "behaviour_id": pa.uint64(), "protocol": NAME, "client_ip": IP, "server_ip": IP,
        "server_port": pa.uint16(), "unit": pa.utf8(), "operation": NAME, "access": NAME, "object": pa.utf8(),
        "count": pa.uint64(), "errors": pa.uint64(), "bytes": pa.uint64(), "last_ts": TIME, "frame": pa.uint64(),
        "last_frame": pa.uint64(), "answered": pa.uint64(), "latency_sum_us": pa.uint64(),
    },
    "opcua": {
        "ts": TIME, **FLOW, "request_frame": pa.uint64(), "response_frame": pa.uint64(), "message_type": NAME,
        "service": NAME, "security_policy": NAME, "security_mode": NAME, "identity_token": NAME, "info": pa.utf8(),
        "status": pa.uint32(),
    },
    "mqtt": {
        "ts": TIME, **FLOW, "frame": pa.uint64(), "packet_type": pa.uint8(), "packet": NAME, "client_id": NAME,
        "username_seen": pa.uint8(), "password_seen": pa.uint8(), "topic": NAME, "reason_code": pa.uint8(),
        "retain": pa.uint8(), "payload": pa.binary(), "payload_cut": pa.uint8(), "filters": pa.list_(pa.utf8()),
    },
    "tls": {
        "ts": TIME, **FLOW, "frame": pa.uint64(), "version": NAME, "version_number": pa.uint16(), "cipher": NAME,
        "sni": NAME, "server_cert_subject": pa.utf8(), "issuer": pa.utf8(), "not_before": pa.int64(), "not_after": pa.int64(),
        "self_signed": pa.uint8(), "server_cert_sha256": pa.utf8(), "client_cert_subject": pa.utf8(),
    },
    "files": {
        "ts": TIME, **FLOW, "frame": pa.uint64(), "first_frame": pa.uint64(), "first_ts": TIME, "sha256": pa.utf8(),
        "size": pa.uint64(), "missing": pa.uint64(), "name": pa.utf8(), "path": pa.utf8(), "mime": NAME,
        "model_format": NAME, "carrier": NAME, "upload": pa.uint8(), "warnings": pa.utf8(),
    },
    "modbus": {
        "ts": TIME, **FLOW, "request_frame": pa.uint64(), "response_frame": pa.uint64(), "transaction_id": pa.uint16(),
        "unit_id": pa.uint8(), "function_code": pa.uint8(),
        "address": pa.uint16(), "write_address": pa.uint16(), "values": pa.list_(pa.uint16()), "status": NAME,
    },
    "dnp3": {
        "ts": TIME, **FLOW, "frame": pa.uint64(), "link_src": pa.uint16(), "link_dst": pa.uint16(),
        "from_master": pa.uint8(), "app_function": pa.uint8(), "app_seq": pa.uint8(), "iin": pa.uint16(),
    },
    "tag_values": {
        "ts": TIME, **FLOW, "frame": pa.uint64(), "source": NAME, "tag": NAME, "value": pa.float64(), "text": pa.utf8(),
        "quality": NAME,
    },
    "anomalies": {"ts": TIME, **FLOW, "frame": pa.uint64(), "protocol": NAME, "kind": NAME, "detail": pa.utf8()},
    "mirror": {
        "ts": TIME, "capture": NAME, "frame": pa.uint64(), "vlan": pa.uint16(), "last_ts": TIME, "packets": pa.uint64(),
        "bytes": pa.uint64(), "cut_packets": pa.uint64(), "oversized": pa.uint64(), "duplicates": pa.uint64(),
        "backward": pa.uint64(), "backward_ns": pa.uint64(), "tcp_bytes": pa.uint64(), "unseen_bytes": pa.uint64(),
        "tcp_flows": pa.uint64(), "one_sided": pa.uint64(), "dropped": pa.uint64(), "clock_step_ns": pa.int64(),
    },
    "sightings": {
        "ts": TIME, "frame": pa.uint64(), "ip": IP, "mac": pa.utf8(), "vlan": pa.uint16(), "source": NAME,
        "field": NAME, "value": pa.utf8(),
    },
}  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "transport": "tcp", "state": "established", "packets_out": 9, "packets_in": 9, "count": 1, "answered": None,
    "message_type": "MSG", "src_port": 40000, "encrypted": None, "values": (), "capture": "a.pcap",
    "payload": b"", "filters": (),
}  # fmt: skip
PORTS = {"modbus": 502, "dnp3": 20000, "opcua": 4840, "mqtt": 1883, "http": 80, "tls": 443, "ssh": 22, "ftp": 21}


def rows(table: str, *given: Mapping[str, Any]) -> pa.Table:
    """Addresses as text, times in seconds after `T0`; `ts first_ts last_ts` follow each other."""
    schema = SCHEMAS[table]
    filled = [_fill(table, dict(row), number) for number, row in enumerate(given, 1)]
    columns = {name: pa.array([row[name] for row in filled], type=_plain(kind)) for name, kind in schema.items()}
    for name, kind in schema.items():
        if kind == NAME:
            columns[name] = columns[name].dictionary_encode()
    return pa.table(columns)


def _plain(kind: Any) -> Any:
    return pa.utf8() if kind == NAME else kind


def _fill(table: str, row: dict[str, Any], number: int) -> dict[str, Any]:
    if table == "modbus":
        row.setdefault("status", "ok")
    ts = row.setdefault("ts", row.get("first_ts", 0.0))
    row.setdefault("first_ts", ts)
    row.setdefault("last_ts", max(ts, row["first_ts"]))
    row.setdefault("flow_id", number)
    row.setdefault("frame", number)
    row.setdefault("request_frame", row["frame"])
    row.setdefault("answered", row.get("count", 1))
    if "behaviour_id" not in row and table == "behaviours":
        from detectors.alert import alert_id

        key = (row.get(k, "") for k in ("client_ip", "server_ip", "protocol", "unit", "operation", "object"))
        row["behaviour_id"] = int(alert_id("behaviour", *key)[:16], 16)
    for name, kind in SCHEMAS[table].items():
        if name not in row:
            empty: Any = "" if kind in (NAME, pa.utf8()) else "::" if kind == IP else 0
            row[name] = DEFAULTS.get(name, empty)
        if kind == IP:
            row[name] = address.parse(row[name])
        elif kind == TIME:
            row[name] = T0 + round(row[name] * SECOND)
    return row


def flow(src: str, dst: str, app: str = "", **more: Any) -> dict[str, Any]:
    port = more.pop("port", PORTS.get(app, 9999))
    return {"src_ip": src, "dst_ip": dst, "app": app, "dst_port": port, **more}


def act(client: str, server: str, protocol: str, operation: str, access: str, **more: Any) -> dict[str, Any]:
    ends = {"client_ip": client, "server_ip": server, "server_port": PORTS[protocol]}
    return {**ends, "protocol": protocol, "operation": operation, "access": access, **more}


def window(at: float = 0, length: float = 10, last: bool = True, **tables: Iterable[Mapping[str, Any]]) -> Window:
    made = {name: rows(name, *given) for name, given in tables.items()}
    return Window(made, T0 + round(at * SECOND), T0 + round((at + length) * SECOND), last)


def detector(
    kind: type[Detector],
    policy: Policy | None = None,
    learning: Learning | None = None,
    changes: Iterable[Change] = (),
    models: Iterable[Model] = (),
    sources: Iterable[DataSource] = (),
    **settings: object,
) -> Detector:
    return kind(parse_settings(kind, settings), site(policy or Policy(), learning, changes, models, sources=sources))


def step(made: Detector, one: Window) -> list[Any]:
    """One window or part of one, as the pipeline gives it to a single detector. `made.hears`, where a test sets it,
    says which records from outside come with a window."""
    if hasattr(made, "hears"):
        made.site.arrived.take((), made.hears(one))
    made.site.learn(one)
    alerts = made.observe(one)
    if one.last:
        made.learning.close(one.end)
        made.site.arrived.clear()
    return alerts


def run(made: Detector, *windows: Window) -> list[Any]:
    """The alerts of a whole run, each in its last state, by kind."""
    last = {}
    for one in windows:
        for alert in step(made, one):
            last[alert.alert_id] = alert
    for alert in made.finish():
        last[alert.alert_id] = alert
    return sorted(last.values(), key=lambda a: (a.kind, a.first_ts, a.alert_id))


def kinds(made: Detector, *windows: Window) -> list[str]:
    return [alert.kind for alert in run(made, *windows)]
