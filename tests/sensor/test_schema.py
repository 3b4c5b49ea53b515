"""What the packet path hands out and what the store takes are the same."""

from __future__ import annotations

import re

from parsers import schema
from sensor.store.migrate import available, statements
from tests.sensor.schema_of import clickhouse_type, fits


def store_columns() -> dict[str, dict[str, str]]:
    """Columns of every table in the migrations, nested ones taken apart."""
    tables: dict[str, dict[str, str]] = {}
    for _, _, sql in available():
        for statement in statements(sql):
            found = re.match(r"CREATE TABLE IF NOT EXISTS (\w+)\s*\((.*?)\n\)", statement, re.DOTALL)
            if found is not None:
                tables[found[1]] = dict(pair for line in found[2].splitlines() for pair in columns(line.strip()))
            added = re.match(r"ALTER TABLE (\w+) ADD COLUMN IF NOT EXISTS (.*?)(?: AFTER \w+)?$", statement, re.DOTALL)
            if added is not None:
                tables[added[1]] |= dict(columns(added[2]))
    return tables


def columns(line: str) -> list[tuple[str, str]]:
    if not line:
        return []
    name, _, kind = line.rstrip(",").partition(" ")
    kind = kind.split(" CODEC")[0].split(" DEFAULT")[0].split(" ALIAS")[0]
    nested = re.fullmatch(r"Nested\((.*)\)", kind)
    if nested is None:
        return [(name, kind)]
    inner = re.findall(r"(\w+) (\w+(?:\([^)]*\))?)", nested[1])
    return [(f"{name}.{field}", f"Array({kind})") for field, kind in inner]


def test_every_column_of_the_packet_path_has_its_place() -> None:
    have = store_columns()
    wrong = []
    for table, wanted in schema().items():
        for name, arrow in wanted:
            kind = clickhouse_type(arrow)
            if not fits(kind, have.get(table, {}).get(name, "")):
                wrong.append(f"{table}.{name}: {arrow} needs {kind}, store has {have.get(table, {}).get(name)}")
    assert wrong == []


def test_every_table_has_what_all_have() -> None:
    for table, found in store_columns().items():
        assert found["sensor"] == found["case_id"] == "LowCardinality(String)", table
        assert found["ts"] == "DateTime64(9, 'UTC')", table


def test_the_names_that_others_rely_on_are_there() -> None:
    have = store_columns()
    assert {
        "modbus", "dnp3", "opcua", "mqtt", "tls", "flows", "assets", "tag_changes", "files", "anomalies",
        "alert_rows", "drift", "inference_log", "incident_rows", "health", "behaviours", "captures", "sightings",
    } <= set(have)  # fmt: skip
    network = {"src_ip": "IPv6", "src_port": "UInt16", "dst_ip": "IPv6", "dst_port": "UInt16", "vlan": "UInt16",
               "flow_id": "UInt64"}  # fmt: skip
    for table in ("modbus", "dnp3", "opcua", "mqtt", "tls", "flows", "tag_changes", "files", "anomalies"):
        assert network.items() <= have[table].items(), table
