"""Several sensors on one server: what no one of them sees is joined there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from sensor.case_name import LIVE
from sensor.commands.sensors import fleet
from sensor.intake.keep import keep
from sensor.intake.lines import of_line
from sensor.store import open_reading, open_store
from tests.clickhouse.test_cluster import asked
from tests.sensor.test_fleet import CAPTURE, DRIFT, configured

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_what_one_sensor_saw_explains_what_another_was_told(driftspan, url) -> None:
    """Joined by the console's process, which nobody told that there is anything new."""
    edge, office = configured(driftspan, "edge"), configured(driftspan, "office")
    driftspan.rows("replay", CAPTURE, "--case", "plant", "--config", edge, "--store", url)
    with closing(open_store(url, "", "office")) as store:
        assert keep(store, "plant", of_line("drift", json.dumps(DRIFT).encode(), "told", None), 1)["drift"] == 1
    command = [sys.executable, "-m", "sensor", "serve", "--port", "0", "--store", url, "--config", str(office)]
    with subprocess.Popen(command, cwd=driftspan.folder, stderr=subprocess.PIPE, env=os.environ) as server:
        try:
            end = time.monotonic() + 60
            while not (found := asked(url, "SELECT cause, alert_ids FROM incidents WHERE case_id = 'plant'")):
                assert time.monotonic() < end and server.poll() is None
                time.sleep(0.3)
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=60)
    assert [row["cause"] for row in found] == ["model_swap"]
    seen = {row["alert_id"]: row["sensor"] for row in asked(url, "SELECT alert_id, sensor FROM alerts")}
    assert {seen[one] for one in found[0]["alert_ids"]} == {"edge"}
    again = driftspan.rows("correlate", "--config", office, "--case", "plant", "--store", url)
    assert again == [{"case": "plant", "incidents_changed": 0}]


def test_how_each_sensor_was(url) -> None:
    now, minute = time.time_ns(), 60 * 10**9
    told = {
        "version": "1.2",
        "since": now - 9 * minute,
        "packet_ts": now - minute,
        "packets": 7,
        "interfaces": ["a", "b"],
        "problem": "",
        "ended": False,
    }
    for name, more in (
        ("new", {"ts": now}), ("ill", {"ts": now, "problem": "the disk is full"}), ("old", {"ts": now - 5 * minute}),
        ("off", {"ts": now - 5 * minute, "ended": True}),
    ):  # fmt: skip
        with closing(open_store(url, "", name)) as store:
            store.record("sensor_states", LIVE, [told | {"ts": now - 8 * minute}, told | more])
    with closing(open_reading(url, "")) as store:
        rows = {row["sensor"]: row for row in fleet(store, now + 10**9)}
    assert {name: row["state"] for name, row in rows.items()} == {
        "ill": "failing", "new": "running", "off": "stopped", "old": "silent",
    }  # fmt: skip
    assert rows["new"] | {"last_seen": ""} == {
        "sensor": "new", "state": "running", "last_seen": "", "silent_seconds": 1.0, "lag_seconds": 60.0, "packets": 7,
        "dropped": 0, "alerts_open": 0, "version": "1.2", "learning": "", "interfaces": "a, b", "spool_rows_lost": 0,
        "replayed_cases": 0, "problem": "",
    }  # fmt: skip
    assert rows["old"]["silent_seconds"] == 301.0
