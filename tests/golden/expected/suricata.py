"""Checks of suricata-verify: how many events have these values.

Read: filters on `mqtt` and `dnp3` events and on Modbus requests. Left out: alerts of rules, events of the
flow engine, shell commands, and passwords (never kept here).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pathlib

    from tests.golden.corpus import Row
    from tests.golden.expected.compare import Rows

Check = tuple[int, dict[str, str]]
LINE = re.compile(r"^\s+([a-z][\w.\[\]-]*):\s*(.*?)\s*$")


def checks(path: pathlib.Path) -> list[Check]:
    """Read `- filter: count: N, match: {…}` of the few forms of YAML that these files use."""
    out = []
    for block in re.split(r"^\s*-\s+filter:", path.read_text(), flags=re.MULTILINE)[1:]:
        count, _, match = block.partition("match:")
        fields = [found.groups() for line in match.splitlines() if (found := LINE.match(line))]
        number = re.search(r"count:\s*(\d+)", count)
        out.append((int(number[1]) if number else 0, {key: value.strip("\"'") for key, value in fields}))
    return out


def differences(path: pathlib.Path, rows: Rows) -> list[str]:
    out = []
    for count, match in checks(path):
        for table, wanted in questions(match):
            found = sum(all(agrees(row, key, value) for key, value in wanted.items()) for row in rows.get(table, []))
            if found != count:
                out.append(f"{table}: {found} instead of {count} of {wanted}")
    return out


def questions(match: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """One question a packet: Suricata joins a PUBLISH and what acknowledges it to one event."""
    kind = match.get("event_type")
    if "has-key" in match and kind == "mqtt":
        return [("mqtt", {"packet": match["has-key"].removeprefix("mqtt.").upper()})]
    if kind == "modbus" and set(match) <= {"event_type", "modbus.id", "modbus.request.function_code"}:
        return [("modbus", {key: value for key, value in match.items() if key != "event_type"})]
    if kind == "dnp3":
        return [("dnp3", {key: value for key, value in match.items() if key in DNP3})]
    if kind != "mqtt":
        return []
    packets: dict[str, dict[str, str]] = {}
    for key, value in match.items():
        if key.startswith("mqtt."):
            _, packet, field = key.split(".", 2)
            # Of other packets these bits are reserved: SUBSCRIBE has "qos 1" because its flags are 0010.
            if packet == "publish" or field not in {"qos", "retain", "dup"}:
                packets.setdefault(packet.upper(), {})[field] = value
    return [("mqtt", {"packet": packet, **fields}) for packet, fields in packets.items()]


def number(value: str) -> int:
    return {"true": 1, "false": 0}.get(value.lower()) if value.lower() in {"true", "false"} else int(value)  # type: ignore[return-value]


def agrees(row: Row, key: str, value: str) -> bool:
    if key in DNP3:
        return bool(row[DNP3[key]] == number(value))
    if key.startswith("modbus."):
        return str(row["transaction_id" if key == "modbus.id" else "function"]) == MODBUS.get(value, value)
    if key in MQTT:
        return bool(row[MQTT[key]] == number(value))
    return bool(SPECIAL.get(key, lambda _row, _value: True)(row, value))


MODBUS = {"RdCoils": "read_coils"}
MQTT = {
    "qos": "qos", "retain": "retain", "dup": "dup", "message_id": "packet_id", "return_code": "reason_code",
    "reason_code": "reason_code", "protocol_version": "version", "flags.username": "username_seen",
    "flags.password": "password_seen", "flags.clean_session": "session_flag",
    "session_present": "session_flag",
}  # fmt: skip
DNP3 = {
    "dnp3.src": "link_src", "dnp3.dst": "link_dst", "dnp3.control.function_code": "link_function",
    "dnp3.control.dir": "from_master", "dnp3.application.function_code": "app_function",
    "dnp3.application.control.con": "con", "dnp3.application.control.fin": "fin",
    "dnp3.application.control.fir": "fir", "dnp3.application.control.uns": "uns",
    "dnp3.application.control.sequence": "app_seq",
}  # fmt: skip


def message(row: Row, value: str) -> bool:
    """Compare a payload, of which Suricata may show the start."""
    start, _, cut = value.partition("[truncated ")
    more = int(cut.split()[0]) if cut else 0
    return bool(row["payload"][: len(start)] == start.encode() and row["payload_size"] == len(start) + more)


def whole(row: Row) -> int:
    """Count what Suricata skips of a PUBLISH: the whole packet with its fixed header."""
    behind = int(row["payload_size"]) + 2 + len(row["topic"].encode()) + 2 * (row["qos"] > 0)
    return 1 + (behind.bit_length() + 6) // 7 + behind


def topics(row: Row, value: str) -> bool:
    names = re.findall(r"topic: ([^,}\s]+)", value) or re.findall(r"[^\[\],\s]+", value)
    return bool(row["filters"] == names)


SPECIAL: dict[str, Any] = {
    "packet": lambda row, value: row["packet"] == value,
    "topic": lambda row, value: row["topic"] == value,
    "client_id": lambda row, value: row["client_id"] == value,
    "topics": topics,
    "message": message,
    "skipped_length": lambda row, value: whole(row) == int(value),
    "properties.receive_maximum": lambda row, value: f"receive_maximum={value}" in row["properties"],
    "properties.topic_alias_maximum": lambda row, value: f"topic_alias_maximum={value}" in row["properties"],
}
