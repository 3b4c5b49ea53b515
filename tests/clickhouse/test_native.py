"""A server holds what an embedded store holds, and answers in the same bytes."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from contextlib import closing

import pytest

from sensor.store import open_reading
from sensor.store.migrate import available
from tests.clickhouse.conftest import PCAPS, Program

TABLES = (
    "modbus", "dnp3", "opcua", "mqtt", "flows", "sightings", "tag_values", "behaviours", "assets", "captures",
    "alerts", "health",
)  # fmt: skip


DUMP = """
import base64, json, sys
from sensor.store import open_reading
store = open_reading("s", "driftspan")
formats = ("JSONEachRow", "CSVWithNames", "JSONCompactEachRowWithNames")
for table in sys.argv[1:]:
    for fmt in formats:
        found = b"".join(store.query(f"SELECT * FROM {table} ORDER BY ALL", fmt))
        print(json.dumps([table, fmt, base64.b64encode(found).decode()]))
"""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory) -> dict[tuple[str, str], bytes]:
    """The tables of an embedded store in all formats; it is read by a process of its own, as chDB wants it."""
    made = Program(tmp_path_factory.mktemp("embedded"))
    made.rows("replay", PCAPS / "demo.pcap", "--store", "s", "--case", "demo")
    command = [sys.executable, "-c", DUMP, *TABLES]
    done = subprocess.run(command, cwd=made.folder, capture_output=True, check=True, timeout=120)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {(table, fmt): base64.b64decode(found) for table, fmt, found in rows}


def answer(url: str, sql: str, fmt: str) -> bytes:
    with closing(open_reading(url, "")) as store:
        return b"".join(store.query(sql, fmt))


def test_replayed_twice_it_is_as_an_embedded_store_is(driftspan, embedded, url) -> None:
    for _ in range(2):
        [row] = driftspan.rows("replay", PCAPS / "demo.pcap", "--store", url, "--case", "demo")
        assert row["alerts"] == 14
    for table in TABLES:
        for fmt in ("JSONEachRow", "CSVWithNames", "JSONCompactEachRowWithNames"):
            found = answer(url, f"SELECT * FROM {table} ORDER BY ALL", fmt)
            assert found == embedded[table, fmt], (table, fmt)
            assert found


def test_what_the_server_does_not_write_itself(driftspan, capture, url) -> None:
    driftspan.rows("replay", capture, "--store", url)
    names = {row["name"] for row in driftspan.rows("query", "SHOW TABLES", "--store", url)}
    assert {"modbus", "alerts", "tag_values"} <= names
    assert driftspan.rows("query", "EXISTS TABLE modbus", "--store", url) == [{"result": 1}]
    shown = driftspan("query", "SELECT toInt8(1) AS `a b`, 'x' AS c LIMIT 0", "--format", "table", "--store", url)
    assert shown.stdout.split() == ["a", "b", "c", "───", "─"]
    [row] = driftspan.rows("query", "SELECT count() AS n FROM modbus -- all", "--store", url)
    assert row["n"] == 50
    assert "refused" in driftspan.refused("query", "SELECT nothing FROM modbus", "--store", url)


def test_an_analyst_works_there(driftspan, capture, url) -> None:
    driftspan.rows("replay", capture, "--store", url, "--case", "c")
    alert = driftspan.rows("alerts", "--store", url)[0]
    [said] = driftspan.rows("learn", alert["alert_id"][:12], "--store", url, "--note", "as it's meant")
    assert said["status"] == "learned"
    assert alert["alert_id"] not in [row["alert_id"] for row in driftspan.rows("alerts", "--store", url)]
    [shown] = driftspan.rows("show", alert["alert_id"], "--store", url, "--no-packets")
    assert shown["status_note"] == "as it's meant"
    driftspan.rows("models", "add", "wear", "--host", "10.0.0.1", "--store", url)
    assert driftspan.rows("models", "--store", url)[0]["model"] == "wear"
    applied = driftspan.rows("query", "SELECT number FROM migrations ORDER BY number", "--store", url)
    assert [row["number"] for row in applied] == [number for number, _, _ in available()]
