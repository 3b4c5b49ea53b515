"""Logs of Zeek, and of Bro before it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.golden.expected.compare import Rows, ends, flows, multisets

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.golden.corpus import Row

Log = list[dict[str, str]]

# Zeek's names where they are not those of the standards.
MODBUS_NAMES: dict[str, str | int] = {
    "REPORT_SLAVE_ID": "REPORT_SERVER_ID",
    "ENCAP_INTERFACE_TRANSPORT": "READ_DEVICE_IDENTIFICATION",
    "PROGRAM_484": 9, "POLL_484": 10, "PROGRAM_584_984": 13, "POLL_584_984": 14, "PROGRAM_884_U84": 18,
    "RESET_COMM_LINK_884_U84": 19, "PROGRAM_CONCEPT": 40, "FIRMWARE_REPLACEMENT": 125,
    "PROGRAM_584_984_2": 126, "REPORT_LOCAL_ADDRESS_MB": 127,
}  # fmt: skip
DNP3_NAMES = {"STOP_APPL": "STOP_APPLICATION", "START_APPL": "START_APPLICATION"}
EXCEPTION_CODES = {"ILLEGAL_FUNCTION": 1, "ILLEGAL_DATA_ADDRESS": 2, "ILLEGAL_DATA_VALUE": 3, "-": None}


def read(path: pathlib.Path) -> Log:
    fields: list[str] = []
    rows = []
    for line in path.read_text().splitlines():
        if line.startswith("#fields"):
            fields = line.split("\t")[1:]
        elif line and not line.startswith("#"):
            rows.append(dict(zip(fields, line.split("\t"), strict=False)))
    return rows


def sides(row: dict[str, str]) -> tuple[str, int, str, int]:
    return row["id.orig_h"], int(row["id.orig_p"]), row["id.resp_h"], int(row["id.resp_p"])


def modbus_code(name: str) -> str | int:
    """Zeek counts the exception bit to the code where it has no name for it."""
    plain = name.removesuffix("_EXCEPTION")
    if plain.startswith("unknown-"):
        return int(plain.removeprefix("unknown-")) & 127
    return MODBUS_NAMES.get(plain, plain)


def our_code(row: Row, named: set[str | int]) -> str | int:
    name = row["function"].upper()
    return name if name in named else int(row["function_code"])


def modbus(log: Log, rows: Rows) -> list[str]:
    named = {modbus_code(row["func"]) for row in log}
    ours = [
        (*ends(row), row["transaction_id"], row["unit_id"], our_code(row, named), side, exception)
        for row in rows.get("modbus", [])
        for side, exception in (("REQ", None), ("RESP", row["exception_code"]))
        if row["request_frame" if side == "REQ" else "response_frame"]
    ]
    if "tid" not in log[0]:  # Bro logged responses alone, exceptions in one row or in two
        told = [((*sides(row), modbus_code(row["func"])), row["exception"]) for row in log]
        plain = Counter(key for key, exception in told if exception == "-")
        refused = Counter(key for key, exception in told if exception != "-")
        answers = [(*key[:4], key[6]) for key in ours if key[7] == "RESP"]
        return multisets("responses", (plain | refused).elements(), answers)
    wanted = [
        (*sides(row), int(row["tid"]), int(row["unit"]), modbus_code(row["func"]), row["pdu_type"],
         EXCEPTION_CODES.get(row["exception"], row["exception"]))
        for row in log
    ]  # fmt: skip
    return multisets("messages", wanted, ours)


def dnp3(log: Log, rows: Rows) -> list[str]:
    ours = [row for row in rows.get("dnp3", []) if row["app_function"] is not None]
    names = [(sides(row), row["fc_request"]) for row in log if row["fc_request"] not in {"-", "CONFIRM"}]
    asked = [(*both, DNP3_NAMES.get(name, name)) for both, name in names]
    told = [(*sides(row), row["fc_reply"], int(row["iin"])) for row in log if row["fc_reply"] != "-"]
    logged = [row for row in ours if 0 < row["app_function"] < 128]  # of CONFIRM Zeek logs few
    requests = [(*ends(row), row["function"].upper()) for row in logged]
    replies = [(*ends(row), row["function"].upper(), row["iin"]) for row in ours if row["app_function"] >= 128]
    return multisets("requests", asked, requests) + multisets("replies", told, replies)


def mqtt_connect(log: Log, rows: Rows) -> list[str]:
    versions = {"3.1": 3, "3.1.1": 4, "5.0": 5}
    expected = [(*sides(row), row["client_id"], versions[row["proto_version"]]) for row in log]
    packets = rows.get("mqtt", [])
    ours = [(*ends(row), row["client_id"], row["version"]) for row in packets if row["packet"] == "CONNECT"]
    accepted = [sides(row) for row in log if row["connect_status"] == "Connection Accepted"]
    answers = [ends(row) for row in packets if row["packet"] == "CONNACK" and row["reason_code"] == 0]
    return multisets("CONNECT", expected, ours) + multisets("accepted", accepted, answers)


def mqtt_publish(log: Log, rows: Rows) -> list[str]:
    levels = {"at most once": 0, "at least once": 1, "exactly once": 2}
    expected = [
        (*sides(row), row["topic"], levels[row["qos"]], row["retain"] == "T", int(row["payload_len"])) for row in log
    ]
    ours = [
        (*ends(row), row["topic"], row["qos"], bool(row["retain"]), row["payload_size"])
        for row in rows.get("mqtt", [])
        if row["packet"] == "PUBLISH"
    ]
    return multisets("PUBLISH", expected, ours)


def mqtt_subscribe(log: Log, rows: Rows) -> list[str]:
    expected = [(*sides(row), row["action"].removeprefix("MQTT::"), row["topics"]) for row in log]
    ours = [
        (*ends(row), row["packet"], ",".join(row["filters"]))
        for row in rows.get("mqtt", [])
        if row["packet"] in {"SUBSCRIBE", "UNSUBSCRIBE"}
    ]
    return multisets("filters", expected, ours)


def ssl(log: Log, rows: Rows) -> list[str]:
    def empty(value: str) -> str:
        return "" if value == "-" else value

    expected = [
        (*sides(row), row["version"], row["cipher"], empty(row["server_name"]), row.get("resumed") == "T")
        for row in log
    ]
    ours = [
        (*ends(row), row["version"].replace(".", ""), row["cipher"], row["sni"], bool(row["resumed"]))
        for row in rows.get("tls", [])
    ]
    return multisets("handshakes", expected, ours)


def x509(log: Log, rows: Rows) -> list[str]:
    """Look for our servers' certificates in the log, which has whole chains, names in the other order."""
    known = {
        (parts(row["certificate.subject"], ","), parts(row["certificate.issuer"], ","),
         *(round(float(row[f"certificate.not_valid_{when}"])) for when in ("before", "after")))
        for row in log
    }  # fmt: skip
    ours = [
        (parts(row["server_cert_subject"], ", "), parts(row["issuer"], ", "),
         row["not_before"] // 10**9, row["not_after"] // 10**9)
        for row in rows.get("tls", [])
    ]  # fmt: skip
    return [f"not in the log: {one}" for one in ours if one not in known] + ([] if ours else ["no certificate"])


def parts(name: str, by: str) -> tuple[str, ...]:
    return tuple(sorted(part.replace("street=", "streetAddress=") for part in name.split(by)))


def conn(log: Log, rows: Rows) -> list[str]:
    """Compare packets of each way, whoever is taken for the client; a tuple used again counts together."""
    expected, ours = Counter[Any](), Counter[Any]()
    for row in log:
        if row["proto"] in {"tcp", "udp"} and row["orig_pkts"] != "-":
            client, server = sides(row)[:2], sides(row)[2:]
            expected[row["proto"], client, server] += int(row["orig_pkts"])
            expected[row["proto"], server, client] += int(row["resp_pkts"])
    for flow in flows(rows):
        if flow["transport"] in {"tcp", "udp"}:
            client, server = ends(flow)[:2], ends(flow)[2:]
            ours[flow["transport"], client, server] += flow["packets_out"]
            ours[flow["transport"], server, client] += flow["packets_in"]
    return multisets("packets", (+expected).elements(), (+ours).elements())


LOGS: dict[str, Callable[[Log, Rows], list[str]]] = {
    "modbus.log": modbus,
    "dnp3.log": dnp3,
    "mqtt_connect.log": mqtt_connect,
    "mqtt_publish.log": mqtt_publish,
    "mqtt_subscribe.log": mqtt_subscribe,
    "ssl.log": ssl,
    "x509.log": x509,
    "conn.log": conn,
}


NEEDED = {"modbus.log": "func", "conn.log": "orig_pkts"}


def readable(path: pathlib.Path) -> bool:
    """Tell whether a log has what is compared: some tests of Zeek cut or rename columns."""
    if path.name not in LOGS:
        return False
    log = read(path)
    needed = {"id.orig_h", NEEDED.get(path.name, "id.orig_h")} if path.name != "x509.log" else set()
    return bool(log) and needed <= log[0].keys()


def differences(path: pathlib.Path, rows: Rows) -> list[str]:
    return LOGS[path.name](read(path), rows)
