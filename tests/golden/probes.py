"""Which codes of a protocol have a name here, and which have a reader: asked by sending each of them.

*Named*: the row gives the code a name of the standard. *Read*: what stands behind the code is taken apart:
values come out of it, or a body that is cut short is noticed.
"""

from __future__ import annotations

import math
import struct
from itertools import product
from typing import TYPE_CHECKING

from tests.golden.talk import Talk, dnp3

if TYPE_CHECKING:
    import pathlib

    from tests.golden import corpus

Found = dict[str, list[str]]  # "named" and "read"

# Requests by function code as clause 6 of the Modbus Application Protocol Specification draws them.
MODBUS_REQUESTS = {
    1: "0000 0001", 2: "0000 0001", 3: "0000 0001", 4: "0000 0001", 5: "0000 ff00", 6: "0000 0001", 7: "",
    8: "0000 a537", 11: "", 12: "", 15: "0000 0001 01 01", 16: "0000 0001 02 0001", 17: "",
    20: "07 06 0001 0000 0001", 21: "09 06 0001 0000 0001 abcd", 22: "0004 00f2 0025",
    23: "0000 0001 0000 0001 02 0001", 24: "0000", 43: "0e 01 00",
}  # fmt: skip
NOT_OF_THE_STANDARD = ("invalid", "reserved", "unassigned", "user_defined", "unknown")


def modbus_functions(folder: pathlib.Path) -> Found:
    talk, whole, cut = Talk(502), {}, {}
    for code in range(128):
        body = bytes([1, code]) + bytes.fromhex(MODBUS_REQUESTS.get(code, ""))
        whole[talk.client(struct.pack("!HHH", code, 0, len(body)) + body)] = code
        if len(body) > 2:  # there is something to cut
            cut[talk.client(struct.pack("!HHH", code, 0, len(body) - 1) + body[:-1])] = code
    rows = talk.rows(folder)
    odd = {row["frame"] for row in rows["anomalies"] if row["kind"] == "malformed"}
    names = {row["request_frame"]: row["function"] for row in rows["modbus"]}
    named = {code: names[frame] for frame, code in whole.items() if not names[frame].startswith(NOT_OF_THE_STANDARD)}
    understood = {code for frame, code in whole.items() if code in named and frame not in odd}
    noticed = {code for frame, code in cut.items() if frame in odd}
    empty = {code for code, body in MODBUS_REQUESTS.items() if not body}
    return {
        "named": [f"{code} {name}" for code, name in sorted(named.items())],
        "read": [f"{code} {named[code]}" for code in sorted(understood & (noticed | empty))],
    }


def dnp3_functions(folder: pathlib.Path) -> Found:
    talk, whole, cut = Talk(20000), {}, {}
    for code in range(256):
        master = code < 0x81  # the responses begin there
        start = bytes([0xC0 | code % 16, code]) + (b"" if master else b"\0\0")
        say = talk.client if master else talk.server
        whole[say(dnp3(start + b"\x3c\x02\x06", master=master))] = code
        cut[say(dnp3(start + b"\x3c\x02", master=master))] = code
    rows = talk.rows(folder)
    names = {row["frame"]: row["function"] for row in rows["dnp3"]}
    headers = {row["frame"] for row in rows["dnp3"] if row["objects"] == ["60:2"]}
    odd = {row["frame"] for row in rows["anomalies"]}
    named = {code: names[frame] for frame, code in whole.items() if names[frame] != "unknown"}
    read = {code for frame, code in whole.items() if frame in headers} & {cut[frame] for frame in cut if frame in odd}
    return {
        "named": [f"{code} {name}" for code, name in sorted(named.items())],
        "read": [f"{code} {named[code]}" for code in sorted(read & named.keys())],
    }


def dnp3_objects(folder: pathlib.Path) -> Found:
    """Probe variations 1 to 20: those of device attributes and octet strings go to 255."""
    talk, asked = Talk(20000), {}
    content = b"\x01\x04text"  # as a device attribute: visible string of four octets
    for group, variation in product(range(256), range(1, 21)):
        ranged = bytes([group, variation, 0x00, 0, 0]) + content.ljust(60, b"\0")  # one, as large as may be
        sized = bytes([group, variation, 0x5B, 1, 20, 0]) + content.ljust(20, b"t")  # one and its size
        for objects in (ranged, sized):
            asked[talk.server(dnp3(b"\xc0\x81\0\0" + objects, master=False))] = (group, variation)
    rows = talk.rows(folder)
    unknown = {
        asked[row["frame"]]
        for row in rows["anomalies"]
        if row["detail"].startswith("object {}:{} is not in the library".format(*asked[row["frame"]]))
    }
    read = {asked[row["frame"]] for row in rows["dnp3"] if has_content(row)} - unknown
    return {
        "named": [f"{group}:{variation}" for group, variation in sorted(set(asked.values()) - unknown)],
        "read": [f"{group}:{variation}" for group, variation in sorted(read)],
    }


def has_content(row: corpus.Row) -> bool:
    """Tell whether a value, a text or a time came out of an object."""
    values = (value for value in row["points.value"] if not math.isnan(value))
    return any(True for _ in values) or any(row["points.text"]) or any(row["points.time"])


OPCUA_TYPES = (*range(1, 1024), *range(12_000, 12_300), *range(15_800, 16_000), *range(21_000, 21_010))
WITHOUT_BODY = "CloseSecureChannel"  # Part 4 section 5.5.3: nothing behind the request header


def opcua_services(folder: pathlib.Path) -> Found:
    talk, asked = opened(), {}
    for number, type_id in enumerate(OPCUA_TYPES, start=11):
        secured = struct.pack("<IIII", 7, 9, number, number)  # channel, token, sequence, request
        body = b"\x01\0" + struct.pack("<H", type_id) + request_header(number)
        asked[talk.client(chunk(b"MSG", secured + body))] = type_id
    rows = talk.rows(folder)
    odd = {row["frame"] for row in rows.get("anomalies", []) if row["kind"] == "malformed"}
    service = {row["request_frame"]: row["service"] for row in rows["opcua"] if row["request_frame"] in asked}
    named = {frame: name for frame, name in service.items() if name}
    return {
        "named": sorted(set(named.values())),
        "read": sorted({name for frame, name in named.items() if frame in odd or name == WITHOUT_BODY}),
    }


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + b"F" + struct.pack("<I", 8 + len(body)) + body


def request_header(number: int) -> bytes:
    return b"\0\0" + struct.pack("<qII", 0, number, 0) + b"\xff\xff\xff\xff" + struct.pack("<I", 0) + b"\0\0\0"


def opened() -> Talk:
    """Open a connection with a secure channel that secures nothing."""
    talk = Talk(4840)
    url = b"opc.tcp://10.0.0.2:4840"
    sizes = struct.pack("<IIIII", 0, 65536, 65536, 0, 0)
    talk.client(chunk(b"HEL", sizes + struct.pack("<I", len(url)) + url))
    talk.server(chunk(b"ACK", sizes))
    ask = struct.pack("<IIII", 0, 0, 1, 0xFFFFFFFF) + struct.pack("<I", 3_600_000)
    talk.client(chunk(b"OPN", unsecured(0, 446) + request_header(1) + ask))
    header = struct.pack("<qII", 0, 1, 0) + b"\0" + struct.pack("<i", 0) + b"\0\0\0"
    token = struct.pack("<IIIqI", 0, 7, 9, 0, 3_600_000) + struct.pack("<I", 1) + b"\0"
    talk.server(chunk(b"OPN", unsecured(7, 449) + header + token))
    return talk


def unsecured(channel: int, type_id: int) -> bytes:
    """Begin a message of an asymmetric channel without security (Part 6 section 6.7.2)."""
    policy = b"http://opcfoundation.org/UA/SecurityPolicy#None"
    security = struct.pack("<II", channel, len(policy)) + policy + b"\xff" * 8
    return security + struct.pack("<II", 1, 1) + b"\x01\0" + struct.pack("<H", type_id)


# By the first four bits: a well-formed packet of MQTT 5 (chapter 3).
CONNECT5 = "10 0d 0004 4d515454 05 02 003c 00 0000"
MQTT_PACKETS = {
    1: CONNECT5, 2: "20 03 00 00 00", 3: "30 06 0001 74 00 6869", 4: "40 02 0001", 5: "50 02 0001",
    6: "62 02 0001", 7: "70 02 0001", 8: "82 07 0001 00 0001 74 00",
    9: "90 04 0001 00 00", 10: "a2 06 0001 00 0001 74", 11: "b0 04 0001 00 00",
    12: "c0 00", 13: "d0 00", 14: "e0 00", 15: "f0 00",
}  # fmt: skip
TO_THE_CLIENT = {2, 9, 11, 13}
SHAPES = ("01", "0001", "00000001", "0001 74", "0001 6b 0001 76")  # byte or variable, two, four, text, pair


def mqtt_packets(folder: pathlib.Path) -> Found:
    named, read = {}, set()
    for kind, text in MQTT_PACKETS.items():
        talk = Talk(1883)
        if kind != 1:
            talk.client(bytes.fromhex(CONNECT5))
        say, packet = talk.server if kind in TO_THE_CLIENT else talk.client, bytes.fromhex(text)
        whole = say(packet)
        cut = say(bytes([packet[0], 1, packet[2]])) if packet[1] else 0  # one octet of its body
        rows = talk.rows(folder)
        odd = {row["frame"] for row in rows.get("anomalies", [])}
        named.update((kind, row["packet"]) for row in rows["mqtt"] if row["frame"] == whole)
        if whole not in odd and (not cut or cut in odd):
            read.add(kind)
    return {
        "named": [f"{kind} {name}" for kind, name in sorted(named.items())],
        "read": [f"{kind} {named[kind]}" for kind in sorted(read & named.keys())],
    }


def mqtt_properties(folder: pathlib.Path) -> Found:
    """Send each identifier with a value of every shape, in a PUBLISH: the one shape that fits is shown."""
    talk, asked = Talk(1883), {}
    talk.client(bytes.fromhex(CONNECT5))
    for identifier, shape in product(range(1, 128), SHAPES):
        section = bytes([identifier]) + bytes.fromhex(shape)
        body = b"\0\x01t" + bytes([len(section)]) + section
        asked[talk.client(bytes([0x30, len(body)]) + body)] = identifier
    rows = talk.rows(folder)
    odd = {row["frame"] for row in rows["anomalies"] if row["kind"] == "malformed"}
    shown = {
        asked[row["frame"]]: row["properties"][0].split("=")[0]
        for row in rows["mqtt"]
        if row["frame"] in asked and row["properties"] and row["frame"] not in odd
    }
    names = [f"{identifier} {name}" for identifier, name in sorted(shown.items())]
    return {"named": names, "read": names}


PROBES = {
    "Modbus function codes": modbus_functions,
    "DNP3 function codes": dnp3_functions,
    "DNP3 objects": dnp3_objects,
    "OPC UA services": opcua_services,
    "MQTT packet types": mqtt_packets,
    "MQTT properties": mqtt_properties,
}
