"""What the packets that decide an alert did, in sentences: from the rows that the packet path made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sensor.store import Reading

    Row = dict[str, Any]

MOST_VALUES = 8  # of one message
MOST_SENTENCES = 16
# Names of Modbus's four tables and where field engineers begin to count in them.
_TABLES = {
    "coil": ("coil", 1), "discrete_input": ("discrete input", 10_001),
    "input_register": ("input register", 30_001), "holding_register": ("holding register", 40_001),
}  # fmt: skip
_READS = {1: "coil", 2: "discrete_input", 3: "holding_register", 4: "input_register", 23: "holding_register"}
_WRITES = {5: "coil", 15: "coil", 6: "holding_register", 16: "holding_register", 22: "holding_register"}
_WHO = "replaceOne(toString(src_ip), '::ffff:', '') AS src, replaceOne(toString(dst_ip), '::ffff:', '') AS dst"


def sentences(store: Reading, alert: Row) -> list[Row]:
    """`frame` and `text` for each deciding packet of which rows tell something, in order."""
    frames = sorted({int(frame) for frame in alert["frames"]})[:MOST_SENTENCES]
    if not frames or not alert["capture"]:
        return []
    told: dict[int, str] = {}
    for table, places, columns, text in _KINDS:
        for row in _rows(store, alert, table, places, columns, frames):
            for place in places:
                frame = int(row[place])
                if frame in frames and frame not in told:
                    told[frame] = text(row, place == "response_frame")
    return [{"frame": frame, "text": told[frame]} for frame in sorted(told)]


def _rows(
    store: Reading, alert: Row, table: str, places: tuple[str, ...], columns: str, frames: Iterable[int]
) -> list[Row]:
    listed = ", ".join(map(str, frames))
    at = " OR ".join(f"{place} IN ({listed})" for place in places)
    condition = f"case_id = {quote(alert['case_id'])} AND capture = {quote(alert['capture'])} AND ({at})"
    chosen = ", ".join((*places, columns))
    return ask(store, f"SELECT {chosen}, {_WHO} FROM {table} WHERE {condition} LIMIT {4 * MOST_SENTENCES}")


def _modbus(row: Row, answer: bool) -> str:
    code, unit = row["function_code"], f"unit {row['unit_id']}"
    name = str(row["function"]).replace("_", " ")
    if answer and row["status"] == "exception":
        why = f"exception {row['exception_code']}{_asked(row)}"
        return f"{row['dst']} ({unit}) refuses to {name} for {row['src']}: {why}"
    return _command(row, code, unit, name) + (f", which confirms it{_asked(row)}" if answer else "")


def _command(row: Row, code: int, unit: str, name: str) -> str:
    kind, verb = (_WRITES[code], "writes") if code in _WRITES else (_READS.get(code, ""), "reads")
    if not kind or row["address"] is None:
        return f"{row['src']} asks {row['dst']} ({unit}): {name}"
    first = row["write_address"] if verb == "writes" and row["write_address"] is not None else row["address"]
    where = _registers(kind, first, row["quantity"] or 1)
    values = _values(row["values"]) if verb == "writes" else ""
    return f"{row['src']} {verb} {where}{values} of {row['dst']} ({unit})"


def _asked(row: Row) -> str:
    return f" (asked in frame {row['request_frame']})" if int(row["request_frame"]) else ""


def _registers(kind: str, first: int, quantity: int) -> str:
    name, begin = _TABLES[kind]
    if quantity == 1:
        return f"{name} {begin + first}"
    return f"{name}s {begin + first} to {begin + first + quantity - 1}"


def _values(values: list[Any]) -> str:
    if not values:
        return ""
    listed = ", ".join(map(str, values[:MOST_VALUES]))
    return f" = {listed}" + (", …" if len(values) > MOST_VALUES else "")


def _dnp3(row: Row, _: bool) -> str:
    who = (row["src"], row["link_src"], row["dst"], row["link_dst"])
    if not row["from_master"]:
        who = (who[2], who[1], who[0], who[3])
    name = str(row["function"] or "a link frame").replace("_", " ")
    objects = ", ".join(row["objects"][:MOST_VALUES])
    of = f" of objects {objects}" if objects else ""
    side, other = ("master", "outstation") if row["from_master"] else ("outstation", "master")
    return f"{who[0]} ({side} {who[1]}) sends {name}{of} to {who[2]} ({other} {who[3]})"


def _opcua(row: Row, answer: bool) -> str:
    name = row["service"] or row["message_type"]
    nodes = ", ".join(dict.fromkeys(row["nodes"][:MOST_VALUES]))
    of = f" for {nodes}" if nodes else ""
    if answer:
        bad = f", status {row['status']}" if row["status"] not in ("", "Good", None) else ""
        return f"{row['dst']} answers {name} of {row['src']}{of}{bad}{_asked(row)}"
    return f"{row['src']} calls {name} of {row['dst']}{of}"


def _mqtt(row: Row, _: bool) -> str:
    topic = f" of {row['topic']}" if row["topic"] else ""
    size = f" with {row['payload_size']} bytes" if row["payload_size"] else ""
    client = f" (client {row['client_id']})" if row["client_id"] else ""
    return f"MQTT {row['packet_type']}{topic}{size} between {row['src']}{client} and {row['dst']}"


def _tls(row: Row, _: bool) -> str:
    name = f" for {row['sni']}" if row["sni"] else ""
    return f"{row['src']} and {row['dst']} shake hands by {row['version'] or 'TLS'}{name}"


def _file(row: Row, _: bool) -> str:
    what = f"{row['name'] or 'a file without a name'}, {row['size']} bytes"
    kind = f" of a model ({row['model_format']})" if row["model_format"] else ""
    return f"{what}{kind}, is whole: carried by {row['carrier']} between {row['src']} and {row['dst']}"


def _oddity(row: Row, _: bool) -> str:
    what = f"{row['kind']}, {row['detail']}"
    return f"between {row['src']} and {row['dst']} {row['protocol']} is not as it should be: {what}"


_MODBUS = "function_code, function, unit_id, address, quantity, write_address, values, status, exception_code"
# Table, the columns with its frame numbers, what else is read, and the sentence of a row. What tells more comes first.
_KINDS: tuple[tuple[str, tuple[str, ...], str, Callable[[Row, bool], str]], ...] = (
    ("modbus", ("request_frame", "response_frame"), _MODBUS, _modbus),
    ("dnp3", ("frame",), "function, objects, link_src, link_dst, from_master", _dnp3),
    ("opcua", ("request_frame", "response_frame"), "service, message_type, status, items.node_id AS nodes", _opcua),
    ("files", ("frame",), "name, size, model_format, carrier", _file),
    ("mqtt", ("frame",), "packet_type, topic, payload_size, client_id", _mqtt),
    ("tls", ("frame",), "version, sni", _tls),
    ("anomalies", ("frame",), "protocol, kind, detail", _oddity),
)
