"""Protocol rows as the store gives them, made to EVE events."""

from __future__ import annotations

from sensor.export import events

_ROW = {
    "sensor": "plant-1", "case_id": "live", "ts": "2026-03-01 12:00:00.123456789", "src_ip": "::ffff:10.0.0.1", "src_port": 40000, "dst_ip": "::ffff:10.0.0.2",
    "dst_port": 502, "vlan": 7, "flow_id": 1 << 63, "community_id": "1:x=", "capture": "1" * 32, "frame": 9,
}  # fmt: skip
_MODBUS = _ROW | {
    "request_frame": 9, "response_frame": 10, "transaction_id": 1, "unit_id": 3, "function_code": 3, "function": "read_holding_registers", "address": 100, "quantity": 2,
    "write_address": None, "write_quantity": None, "values": [1, 65535], "sub_function": None, "exception_code": None, "status": "ok", "latency_us": 5,
}  # fmt: skip
_DNP3 = _ROW | {
    "link_src": 1, "link_dst": 10, "link_function": 4, "from_master": False, "transport_seq": 1, "app_function": 129, "function": "response", "app_seq": 2, "fir": True,
    "fin": True, "con": False, "uns": False, "iin": 0x9000, "objects": ["30:1", "60:2"], "points.group": [30], "points.variation": [1], "points.index": [4], "points.value": [1.5],
}  # fmt: skip
_MQTT = _ROW | {
    "packet_type": 3, "packet": "PUBLISH", "version": 4, "client_id": "", "username_seen": False, "password_seen": False, "topic": "plant/\u202eline", "qos": 1,
    "retain": False, "dup": False, "packet_id": 5, "payload": "{}", "reason_code": None, "session_flag": False, "filters": [],
}  # fmt: skip
_FLOW = _ROW | {
    "first_ts": "2026-03-01 12:00:00.000000000", "last_ts": "2026-03-01 12:00:30.000000000", "transport": "tcp", "state": "closed", "app": "modbus", "service": "",
    "packets_out": 3, "packets_in": 2, "bytes_out": 300, "bytes_in": 200,
}  # fmt: skip
_STATS = [
    {"ts": "2026-03-01 12:00:00.000000000", "sensor": "plant-1", "counter": name, "value": value}
    for name, value in (("messages.modbus", 5), ("packets", 9), ("packets.lost", 1))
]

EVENTS = [
    events.modbus(_MODBUS),
    events.modbus(_MODBUS | {"function_code": 23, "write_address": 5, "write_quantity": 1}),
    events.modbus(_MODBUS | {"function_code": 6, "status": "exception", "exception_code": 2}),
    events.modbus(
        _MODBUS | {"function_code": 99, "address": None, "quantity": None, "values": [], "status": "unanswered"}
    ),
    events.dnp3(_DNP3),
    events.dnp3(_DNP3 | {"from_master": True, "iin": None, "app_function": None}),
    events.mqtt(_MQTT),
    events.mqtt(_MQTT | {"packet": "CONNECT", "client_id": "hmi", "username_seen": True, "password_seen": True}),
    events.mqtt(_MQTT | {"packet": "CONNACK", "reason_code": 0}),
    events.mqtt(_MQTT | {"packet": "SUBSCRIBE", "filters": ["plant/#"]}),
    events.mqtt(_MQTT | {"packet": "DISCONNECT", "reason_code": 0}),
    events.flow(_FLOW),
    events.anomaly(_ROW | {"protocol": "modbus", "kind": "length_mismatch", "detail": "7 bytes"}),
    *events.make_stats(iter(_STATS)),
]
