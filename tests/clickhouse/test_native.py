"""A server holds what an embedded store holds, and answers in the same bytes, over either protocol."""

from __future__ import annotations

import pytest

from sensor.store.migrate import available
from tests.clickhouse.conftest import PCAPS
from tests.clickhouse.dump import dumped


def test_replayed_twice_it_is_as_an_embedded_store_is(driftspan, embedded, url) -> None:
    for _ in range(2):
        [row] = driftspan.rows("replay", PCAPS / "demo.pcap", "--store", url, "--case", "demo")
        assert row["alerts"] == 14
    found = dumped(url)
    for asked, wanted in embedded.items():
        assert found[asked] == wanted, asked
    assert all(len(lines.splitlines()) > 10 for (table, _), lines in found.items() if table in ("modbus", "alerts"))


def test_over_http_it_is_the_same(driftspan, embedded, engine, database) -> None:
    url = engine.url(database, scheme="http")
    for _ in range(2):
        driftspan.rows("replay", PCAPS / "demo.pcap", "--store", url, "--case", "demo")
    assert dumped(url) == embedded
    assert dumped(engine.url(database)) == embedded


@pytest.mark.parametrize("scheme", ["clickhouse", "http"])
def test_what_the_server_does_not_write_itself(driftspan, capture, engine, database, scheme) -> None:
    url = engine.url(database, scheme=scheme)
    driftspan.rows("replay", capture, "--store", url)
    names = {row["name"] for row in driftspan.rows("query", "SHOW TABLES", "--store", url)}
    assert {"modbus", "alerts", "tag_values"} <= names
    shown = driftspan("query", "SELECT toInt8(1) AS `a b`, 'x' AS c LIMIT 0", "--format", "table", "--store", url)
    assert shown.stdout.split() == ["a", "b", "c", "───", "─"]
    [row] = driftspan.rows("query", "SELECT count() AS n FROM modbus -- all", "--store", url)
    assert row["n"] == 50
    assert "refused" in driftspan.refused("query", "SELECT nothing FROM modbus", "--store", url)
    failing = "SELECT throwIf(number = 3000000) FROM numbers(4000000)"
    assert "refused" in driftspan("query", failing, "--store", url).stderr


def test_an_analyst_works_there(driftspan, capture, url) -> None:
    driftspan.rows("replay", capture, "--store", url, "--case", "c")
    alert = driftspan.rows("alerts", "--store", url)[0]
    [said] = driftspan.rows("learn", alert["alert_id"][:12], "--store", url, "--note", "as it's meant")
    assert said["status"] == "learned"
    [shown] = driftspan.rows("show", alert["alert_id"], "--store", url, "--no-packets")
    assert shown["status_note"] == "as it's meant"
    driftspan.rows("models", "add", "wear", "--host", "10.0.0.1", "--store", url)
    assert driftspan.rows("models", "--store", url)[0]["model"] == "wear"
    applied = driftspan.rows("query", "SELECT number FROM migrations ORDER BY number", "--store", url)
    assert [row["number"] for row in applied] == [number for number, _, _ in available()]
    [sensor] = driftspan.rows("sensors", "--store", url)
    assert (sensor["sensor"], sensor["state"], sensor["replayed_cases"]) == ("driftspan", "replays only", 1)
