"""Sessions of Arkime: what each connection was seen to carry."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.golden.expected.compare import Rows, multisets

if TYPE_CHECKING:
    import pathlib

    from tests.golden.corpus import Row

VERSIONS = {3: "3.1", 4: "3.1.1", 5: "5.0"}


def differences(path: pathlib.Path, rows: Rows) -> list[str]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    expected: dict[str, set[str]] = defaultdict(set)
    for session in json.loads(text)["sessions3"]:
        body = session.get("body", session)
        if flow := body["network"].get("community_id"):
            expected[flow] |= told(body)
    ours: dict[str, set[str]] = defaultdict(set)
    for table, say in OURS.items():
        for row in rows.get(table, []):
            ours[row["community_id"]] |= say(row)
    found = {key: values & expected[key] | marks(values) for key, values in ours.items()}
    want = [f"{key} {value}" for key, values in expected.items() for value in values]
    return multisets("facts", want, (f"{key} {value}" for key, values in found.items() for value in values))


def marks(values: set[str]) -> set[str]:
    """Give the protocols alone: facts of kinds that Arkime did not tell of a connection are not compared."""
    return {value for value in values if value.startswith("protocol ")}


def told(body: dict[str, Any]) -> set[str]:
    out = {f"protocol {name}" for name in body["protocol"] if name in OURS}
    for protocol, kinds in FACTS.items():
        for kind in kinds:
            value = body.get(protocol, {}).get(kind, [])
            values = [str(one) for one in (value if isinstance(value, list) else [value])]
            out |= {f"{protocol} {kind} {plain(one)}" for one in values}
    return out


def plain(value: str) -> str:
    """Leave of the URI of a security policy its name, as our rows do."""
    return value.rsplit("#", 1)[-1].lower() if value.startswith("http://opcfoundation.org/") else value


FACTS = {
    "modbus": ("unitid", "funccode", "exccode"),
    "dnp3": ("src", "dst", "func"),
    "mqtt": ("type", "topic", "clientId", "version"),
    "opcua": ("securityPolicyUri",),
}


def modbus(row: Row) -> set[str]:
    out = {"protocol modbus", f"modbus unitid {row['unit_id']}", f"modbus funccode {row['function_code']}"}
    return out | {f"modbus exccode {row['exception_code']}"}


def dnp3(row: Row) -> set[str]:
    out = {"protocol dnp3", f"dnp3 src {row['link_src']}", f"dnp3 dst {row['link_dst']}"}
    return out | {f"dnp3 func {row['app_function']}"}


def mqtt(row: Row) -> set[str]:
    out = {"protocol mqtt", f"mqtt type {row['packet']}", f"mqtt clientId {row['client_id']}"}
    topics = {row["topic"], *row["filters"]}
    return out | {f"mqtt topic {topic}" for topic in topics} | {f"mqtt version {VERSIONS.get(row['version'])}"}


def opcua(row: Row) -> set[str]:
    return {"protocol opcua", f"opcua securityPolicyUri {row['security_policy'].lower()}"}


OURS = {"modbus": modbus, "dnp3": dnp3, "mqtt": mqtt, "opcua": opcua}
