"""What `inputs` and `outputs` of a `[[model]]` may name.

```
MQTT topic filter   plant/+/score        plant/line1/pump#result.score        plant/##score
Sparkplug metric    spBv1.0/plant/+/edge1/pump#Wear/Score        (node `edge1`, device `pump`)
OPC UA node         ns=2;s=PumpWear.Score
Modbus registers    u1/holding_register/100-101:float32        u1/40101-40102:float32
DNP3 points         10/analog_input/3-5
HTTP                /v1/predict#predictions[0].score   of a response        POST /v1/predict#rows   of a request
```

What follows a `#` that is no wildcard is a path in the JSON document; without one the whole document is read (see
`answer`). Modbus: unit, table (`coil discrete_input holding_register input_register`) and addresses from 0, as
`tag_values` has them; or unit and Modicon's numbers (40001 is the first holding register). After a colon the type:
`uint16` (also without one), `int16 uint32 int32 float32 uint64 int64 float64`, with `.swapped` where the low word
comes first; several values make a vector. DNP3: outstation, type of point, index or indices.

A name of OPC UA, Modbus, DNP3 or HTTP means nothing without its server: `@ADDRESS` or `@NETWORK` behind it names that.
Without one an end of the connection must be a host of the model; a model without hosts takes any. `mqtt: opcua: modbus:
dnp3: http:` in front say what a name is that looks like something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from detectors import address

TABLES = {"coil": 0, "discrete_input": 1, "input_register": 3, "holding_register": 4}  # and Modicon's leading digit
POINTS = (
    "binary_input", "double_bit_input", "binary_output", "counter", "frozen_counter", "analog_input",
    "frozen_analog_input", "analog_input_deadband", "analog_output", "decimal", "unsigned_integer", "octet_string",
    "extended_octet_string",
)  # fmt: skip
TYPES = {
    "uint16": "H", "int16": "h", "uint32": "I", "int32": "i", "float32": "f", "uint64": "Q", "int64": "q",
    "float64": "d",
}  # fmt: skip
SPARKPLUG = "spBv1.0"
WIDEST = 4096  # values of one selector
_PREFIX = re.compile(r"(mqtt|opcua|modbus|dnp3|http):")
_MODBUS = re.compile(r"u(\d+)/(?:([a-z_]+)/)?(\d+)(?:-(\d+))?(?::([a-z0-9]+)(\.swapped)?)?$")
_DNP3 = re.compile(r"(\d+)/([a-z_]+)/(\d+)(?:-(\d+))?$")
_URL = r"([A-Z]+ )?/"
_NODE = re.compile(r"(?:(?:ns=\d+|nsu=[^;]+);)?[isgb]=.+$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Selector:
    """`name`: topic filter, node id, path of a URL, or for registers and points what stands in `tag_values` in front of
    the number. `path`: in the JSON document; of Sparkplug the metric's name. `first`, `last`: addresses or indices."""

    text: str
    protocol: str
    name: str
    path: str = ""
    first: int = 0
    last: int = 0
    encoding: str = "H"
    swapped: bool = False
    server: tuple[int, int] | None = None

    @property
    def words(self) -> int:
        """Registers that a value takes."""
        return {"H": 1, "h": 1, "I": 2, "i": 2, "f": 2}.get(self.encoding, 4)


def parse(text: str) -> Selector:
    """ValueError, one sentence, for what is none."""
    if not text or text.isspace():
        raise ValueError("an empty text selects nothing; name a topic, node, register, point or path")
    prefix = _PREFIX.match(text)
    protocol = prefix[1] if prefix else _guess(text)
    rest = text[prefix.end() :] if prefix else text
    if protocol == "mqtt":
        return _topic(text, rest)
    rest, server = _server(rest)
    return {"opcua": _node, "modbus": _registers, "dnp3": _points, "http": _url}[protocol](text, rest, server)


def _guess(text: str) -> str:
    if re.match(_URL, text):
        return "http"
    if re.match(r"(ns=\d+|nsu=[^;]+);|[isgb]=", text):
        return "opcua"
    if re.match(r"u\d+/", text):
        return "modbus"
    return "dnp3" if re.match(r"\d+/[a-z_]+/\d+", text) else "mqtt"


def _server(rest: str) -> tuple[str, tuple[int, int] | None]:
    name, at, where = rest.rpartition("@")
    if not at:
        return rest, None
    try:
        return name, address.prefix(where)
    except ValueError:
        return rest, None  # the sign is part of the name


def _topic(text: str, rest: str) -> Selector:
    cut = next((i for i, c in enumerate(rest) if c == "#" and i > 0 and rest[i - 1] != "/"), len(rest))
    name, path = rest[:cut], rest[cut + 1 :]
    parts = name.split("/")
    if not name or any(("#" in part or "+" in part) and len(part) > 1 for part in parts) or "#" in parts[:-1]:
        raise ValueError(f"{text!r} is no MQTT topic filter: + stands for one whole level, # for all that follow")
    if cut < len(rest):
        _check_path(text, path)
    if parts[0] == SPARKPLUG and path:
        if len(parts) not in (4, 5) or "#" in parts:
            raise ValueError(f"{text!r}: write {SPARKPLUG}/GROUP/+/NODE#METRIC, or with a DEVICE behind the node")
        return Selector(text, "sparkplug", "/".join([parts[1], *parts[3:]]), path)
    return Selector(text, "mqtt", name, path)


def _check_path(text: str, path: str) -> None:
    if not path or path.endswith((".", "[")) or path.startswith("."):
        raise ValueError(f"{text!r}: what follows # must name a value, as in #result.score or #scores[0]")


def _node(text: str, rest: str, server: tuple[int, int] | None) -> Selector:
    if not _NODE.match(rest):
        raise ValueError(f"{text!r} is no OPC UA node id, as in ns=2;s=PumpWear.Score or i=2258")
    return Selector(text, "opcua", rest.removeprefix("ns=0;"), server=server)


def _url(text: str, rest: str, server: tuple[int, int] | None) -> Selector:
    name, mark, path = rest.partition("#")
    if not re.match(_URL, name):
        raise ValueError(f"{text!r} is no HTTP path: it begins with /, or with a method, as in POST /v1/predict")
    if mark:
        _check_path(text, path)
    return Selector(text, "http", name, path, server=server)


def _registers(text: str, rest: str, server: tuple[int, int] | None) -> Selector:
    found = _MODBUS.match(rest)
    meant = "as in u1/holding_register/100, u1/40101-40102:float32 (write mqtt: in front of a topic)"
    if not found:
        raise ValueError(f"{text!r} names no Modbus registers, {meant}")
    unit, table, low, high, kind, swapped = found.groups()
    first, last = int(low), int(high or low)
    if table is None:
        digit, base = divmod(first, 10 ** (len(low) - 1))
        table = next((name for name, d in TABLES.items() if d == digit and len(low) in (5, 6)), "")
        first, last = base - 1, last - first + base - 1
    if table not in TABLES or int(unit) > 255 or not 0 <= first <= last <= 0xFFFF:
        raise ValueError(f"{text!r} names no Modbus registers, {meant}; tables are {', '.join(TABLES)}")
    if kind is not None and (kind not in TYPES or table in ("coil", "discrete_input")):
        raise ValueError(f"{text!r}: there is no type {kind!r} of registers; there are {', '.join(TYPES)}")
    made = Selector(
        text, "modbus", f"u{int(unit)}/{table}/", "", first, last, TYPES[kind or "uint16"], bool(swapped), server
    )
    if high is None and made.words > 1:
        made = Selector(
            text, "modbus", made.name, "", first, first + made.words - 1, made.encoding, made.swapped, server
        )
    if (made.last - made.first + 1) % made.words:
        raise ValueError(
            f"{text!r}: {made.last - made.first + 1} registers are no whole number of {kind}, of {made.words} each"
        )
    if made.last > 0xFFFF or made.last - made.first >= WIDEST:
        raise ValueError(f"{text!r} names more than {WIDEST} registers, or some beyond the last address")
    return made


def _points(text: str, rest: str, server: tuple[int, int] | None) -> Selector:
    found = _DNP3.match(rest)
    if not found or found[2] not in POINTS or int(found[1]) > 0xFFFF:
        raise ValueError(
            f"{text!r} names no DNP3 points, as in 10/analog_input/3-5 (write mqtt: in front of a topic);"
            f" types are {', '.join(POINTS)}"
        )
    first, last = int(found[3]), int(found[4] or found[3])
    if not first <= last < first + WIDEST:
        raise ValueError(f"{text!r}: the indices must grow, and be at most {WIDEST}")
    return Selector(text, "dnp3", f"{int(found[1])}/{found[2]}/", "", first, last, server=server)


def covers(pattern: str, name: str) -> bool:
    """Whether an MQTT filter (or a path with + for a level) matches. Topics that begin with $ are matched by no
    wildcard at the start (MQTT 5, 4.7.2)."""
    if pattern == name:
        return True
    wanted, given = pattern.split("/"), name.split("/")
    if name.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for at, part in enumerate(wanted):
        if part == "#":
            return True
        if at >= len(given) or part not in ("+", given[at]):
            return False
    return len(wanted) == len(given)
