"""Protocol rows, flows, oddities and counters as Suricata's EVE has them (`--events`)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from sensor.errors import InputError
from sensor.export.eve import flow_number, protocol, stamp
from sensor.export.record import address, clean, nanoseconds
from sensor.export.source import rows
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sensor.store import Reading

    Row = Mapping[str, Any]

_PAGE = 1000
_WRITES = (5, 6, 15, 16, 21, 22, 23)  # function codes
_READS = (1, 2, 3, 4, 20, 23, 24)
_IIN = (
    "all_stations", "class_1_events", "class_2_events", "class_3_events", "need_time", "local_control",
    "device_trouble", "device_restart", "no_func_code_support", "object_unknown", "parameter_error",
    "event_buffer_overflow", "already_executing", "config_corrupt", "reserved_2", "reserved_1",
)  # fmt: skip


def names(text: str) -> tuple[str, ...]:
    """Of `modbus,flow`; InputError if one is none."""
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = [name for name in found if name not in _EVENTS]
    if wrong or not found:
        raise InputError(f"there are no events {', '.join(wrong) or text!r}; there are {', '.join(_EVENTS)}")
    return tuple(dict.fromkeys(found))


def lines(store: Reading, wanted: tuple[str, ...], since: str, until: str, case: str) -> Iterator[bytes]:
    """Kind by kind, each in the order of time. `since`, `until`: SQL of a time, or empty."""
    for name in wanted:
        table, time, make = _EVENTS[name]
        found = [f"{time} >= {since}"] if since else []
        found += [f"{time} < {until}"] if until else []
        found += [f"case_id = {quote(case)}"] if case else []
        order = "flow_id" if name == "flow" else "counter" if name == "stats" else "frame"
        if table in ("modbus", "opcua"):
            order = "request_frame"
        sql = f"SELECT * FROM {table} WHERE {' AND '.join(found) or '1'} ORDER BY {time}, case_id, {order}"
        events = make_stats(rows(store, sql)) if name == "stats" else map(make, rows(store, sql))
        while page := list(islice(events, _PAGE)):
            yield b"".join(orjson.dumps(clean(e), option=orjson.OPT_APPEND_NEWLINE) for e in page)


def _base(row: Row, kind: str, transport: str = "tcp", time: str = "ts") -> dict[str, Any]:
    event = {
        "timestamp": stamp(nanoseconds(row[time])), "flow_id": flow_number(row["flow_id"]), "event_type": kind,
        "host": row["sensor"], "src_ip": address(row["src_ip"]), "src_port": row["src_port"],
        "dest_ip": address(row["dst_ip"]), "dest_port": row["dst_port"], "proto": protocol(transport),
        "community_id": row["community_id"],
        "pcap_cnt": row.get("frame") or row.get("request_frame") or row.get("response_frame"),
    }  # fmt: skip
    if row["vlan"]:
        event["vlan"] = [row["vlan"]]
    return {name: value for name, value in event.items() if value is not None and value != ""}


def modbus(row: Row) -> dict[str, Any]:
    """A transaction: what was asked, and what was answered if it was seen."""
    code = row["function_code"]
    access = [word for word, codes in (("READ", _READS), ("WRITE", _WRITES)) if code in codes]
    common = {"transaction_id": row["transaction_id"], "protocol_id": 0, "unit_id": row["unit_id"]}
    common |= {"function_raw": code, "function_code": row["function"]}
    common |= {"access_type": " | ".join(access) or "NONE"}
    place = {"address": row["address"], "quantity": row["quantity"]}
    further = {"address": row["write_address"], "quantity": row["write_quantity"]}
    request = dict(common)
    response = dict(common)
    if "READ" in access and row["address"] is not None:
        request["read"] = place
        response["read"] = {"data": _words(row["values"])} if row["values"] and row["status"] == "ok" else {}
    elif row["address"] is not None:
        request["write"] = place | ({"data": _words(row["values"])} if row["values"] else {})
    if row["write_address"] is not None:
        request["write"] = further
    if row["sub_function"] is not None:
        request["diagnostic"] = {"raw": row["sub_function"]}
    if row["exception_code"] is not None:
        response["exception"] = {"raw": row["exception_code"]}
    event = _base(row, "modbus") | {"app_proto": "modbus"}
    event["modbus"] = {"id": row["transaction_id"]}
    if row["status"] != "unsolicited":
        event["modbus"]["request"] = {k: v for k, v in request.items() if v != {}}
    if row["status"] != "unanswered":
        event["modbus"]["response"] = {k: v for k, v in response.items() if v != {}}
    return event


def _words(values: list[int]) -> str:
    return "".join(f"{value:04x}" for value in values)


def dnp3(row: Row) -> dict[str, Any]:
    event = _base(row, "dnp3") | {"app_proto": "dnp3"}
    master = row["from_master"]
    if not master:  # the row names client and server, the event who speaks
        event |= {"src_ip": event["dest_ip"], "src_port": event["dest_port"], "dest_ip": event["src_ip"]}
        event["dest_port"] = row["src_port"]
    found: dict[str, Any] = {
        "type": "request" if master else "unsolicited_response" if row["uns"] else "response",
        "control": {"dir": master, "function_code": row["link_function"]},
        "src": row["link_src"],
        "dst": row["link_dst"],
    }
    if row["app_function"] is not None:
        control = {
            "fir": row["fir"],
            "fin": row["fin"],
            "con": row["con"],
            "uns": row["uns"],
            "sequence": row["app_seq"],
        }
        points = zip(*(row[f"points.{name}"] for name in ("group", "variation", "index", "value")), strict=True)
        objects: dict[str, list[dict[str, Any]]] = {name: [] for name in row["objects"]}
        for group, variation, index, value in points:
            objects.setdefault(f"{group}:{variation}", []).append({"index": index, "value": value})
        found["application"] = {
            "control": control,
            "function_code": row["app_function"],
            "objects": [_object(name, points) for name, points in objects.items()],
            "complete": True,
        }
    if row["iin"] is not None:
        found["iin"] = {"indicators": [name for bit, name in enumerate(_IIN) if _bit(row["iin"], bit)]}
    event["dnp3"] = found
    return event


def _object(name: str, points: list[dict[str, Any]]) -> dict[str, Any]:
    group, _, variation = name.partition(":")
    return {"group": int(group), "variation": int(variation), "count": len(points), "points": points}


def _bit(iin: int, number: int) -> bool:
    """IIN1 is the first octet on the wire, the high one of the number."""
    octet = iin >> 8 if number < 8 else iin & 0xFF
    return bool(octet >> (number % 8) & 1)


def mqtt(row: Row) -> dict[str, Any]:
    event = _base(row, "mqtt") | {"app_proto": "mqtt"}
    kind = row["packet"].lower()
    found: dict[str, Any] = {"qos": row["qos"], "retain": row["retain"], "dup": row["dup"]}
    if kind == "connect":
        flags = {
            "username": row["username_seen"],
            "password": row["password_seen"],
            "clean_session": row["session_flag"],
        }
        found |= {"protocol_string": "MQTT" if row["version"] > 3 else "MQIsdp", "protocol_version": row["version"]}
        found |= {"client_id": row["client_id"], "flags": flags}
    elif kind == "publish":
        found |= {"topic": row["topic"], "message_id": row["packet_id"], "message": row["payload"]}
    elif kind in ("subscribe", "unsubscribe"):
        topics = [{"topic": f, "qos": 0} for f in row["filters"]] if kind == "subscribe" else list(row["filters"])
        found |= {"message_id": row["packet_id"], "topics": topics}
    elif kind == "suback":
        found |= {"message_id": row["packet_id"]}
    else:
        found |= {"message_id": row["packet_id"]} if row["packet_id"] else {}
    if row["reason_code"] is not None:
        found["return_code" if kind == "connack" else "reason_code"] = row["reason_code"]
    if kind == "connack":
        found["session_present"] = row["session_flag"]
    event["mqtt"] = {kind: found}
    return event


def flow(row: Row) -> dict[str, Any]:
    event = _base(row, "flow", row["transport"], "last_ts")
    if app := row["app"] or row["service"]:
        event["app_proto"] = app
    begin, end = nanoseconds(row["first_ts"]), nanoseconds(row["last_ts"])
    event["flow"] = {
        "pkts_toserver": row["packets_out"], "pkts_toclient": row["packets_in"],
        "bytes_toserver": row["bytes_out"], "bytes_toclient": row["bytes_in"],
        "start": stamp(begin), "end": stamp(end), "age": (end - begin) // 10**9, "state": row["state"],
    }  # fmt: skip
    return event


def anomaly(row: Row) -> dict[str, Any]:
    event = _base(row, "anomaly") | {"app_proto": row["protocol"]}
    event["anomaly"] = {"type": "applayer", "event": row["kind"], "layer": "proto_parser"}
    event["driftspan"] = {"detail": row["detail"]}
    return event


def make_stats(found: Iterator[Row]) -> Iterator[dict[str, Any]]:
    """One event a minute, counters in the groups that their names say."""
    held: dict[str, Any] = {}
    key = ("", "")
    for row in found:
        if (row["ts"], row["sensor"]) != key:
            if held:
                yield held
            key = (row["ts"], row["sensor"])
            held = {
                "timestamp": stamp(nanoseconds(row["ts"])),
                "event_type": "stats",
                "host": row["sensor"],
                "stats": {},
            }
        *groups, name = row["counter"].split(".")
        place = held["stats"]
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                place, name = held["stats"], row["counter"]
                break
        place[name] = row["value"]
    if held:
        yield held


_EVENTS: dict[str, tuple[str, str, Callable[[Row], dict[str, Any]]]] = {
    "modbus": ("modbus", "ts", modbus),
    "dnp3": ("dnp3", "ts", dnp3),
    "mqtt": ("mqtt", "ts", mqtt),
    "flow": ("flows", "last_ts", flow),
    "anomaly": ("anomalies", "ts", anomaly),
    "stats": ("health", "ts", dict),
}
