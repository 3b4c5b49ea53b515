"""How long rows are kept: on a server and in an embedded store, changed and taken back."""

from __future__ import annotations

import time
from contextlib import closing

from sensor.store import Layout, open_store
from tests.sensor.conftest import alert_row


def rules(server, database: str) -> dict[str, str]:
    rows = server.ask(
        "SELECT name, extract(engine_full, 'TTL (.*?) SETTINGS') AS ttl FROM system.tables"
        f" WHERE database = '{database}' AND ttl != '' FORMAT TabSeparatedRaw"
    ).splitlines()
    return dict(row.split("\t") for row in rows)


def test_rows_of_live_runs_end_and_replayed_ones_stay(engine, url, database) -> None:
    old, now = 10**18, time.time_ns()
    with closing(open_store(url, "", "s", Layout(keep_days=30, keep_alert_days=400, partition="week"))) as store:
        for case in ("live", "replayed"):
            for ts in (old, now):
                store.record("modbus", case, [{"ts": ts}])
        store.record("alert_rows", "live", [alert_row("a" * 32)])
    found = rules(engine, database)
    assert found["modbus"] == "toDateTime(ts) + toIntervalDay(30) WHERE case_id = 'live'"
    assert found["alert_rows"].startswith("toDateTime(ts) + toIntervalDay(400)")
    assert "verdicts" not in found
    assert "ledger_heads" not in found
    engine.ask(f"OPTIMIZE TABLE {database}.modbus FINAL")
    left = engine.ask(f"SELECT case_id, count() FROM {database}.modbus GROUP BY case_id ORDER BY case_id").split()
    assert left == ["live", "1", "replayed", "2"]
    parts = engine.ask(
        f"SELECT DISTINCT partition FROM system.parts WHERE database = '{database}' AND table = 'modbus' AND active"
    )
    assert "2001-09-03" in parts  # a Monday
    with closing(open_store(url, "", "s", Layout(keep_days=7))):
        assert rules(engine, database)["modbus"].startswith("toDateTime(ts) + toIntervalDay(7)")
        assert "alert_rows" not in rules(engine, database)
