"""`driftspan status` where there is no sensor, or it may not be asked. Of one that runs: tests/integration."""

from __future__ import annotations

import os
import subprocess
import sys

import orjson
import pytest

FACTS = {
    "version": "0", "sensor": "s", "pid": 0, "keeper_pid": 0, "keeper_restarts": 1, "since": 10**18,
    "packet_time": 10**18, "lag_seconds": 0.5, "windows": 3, "learning": "learning", "alerts": 1,
    "severities": {"high": 1}, "detectors_failed": 1, "failures": {"scan": "ValueError: no"}, "spool_rows_lost": 0,
    "spool_limit_bytes": 1 << 20, "stored_rows": 5, "store_problem": "", "counters": {"packets": 7, "gaps": 0},
    "packets_per_second": 2.0, "rss_bytes": 1, "keeper_rss_bytes": 0, "spool_waiting_files": 2,
    "spool_waiting_bytes": 10, "store_delay_seconds": 4.0,
    "interfaces": [{"name": "eth1", "packets": 7, "bytes": 700, "dropped": 1, "truncated": 0, "last": 10**18}],
}  # fmt: skip


def test_no_sensor(driftspan) -> None:
    done = driftspan("status", "--store", "none")
    assert done.returncode == 1
    assert orjson.loads(done.stdout) == {"state": "not running", "store": "none"}


@pytest.fixture
def told(tmp_path):
    """What a sensor with this process' number would have written."""
    (tmp_path / "s-spool").mkdir()
    path = tmp_path / "s-spool" / "status.json"
    path.write_bytes(orjson.dumps(FACTS | {"pid": os.getpid()}))
    return path


def test_a_sensor_without_keeper_and_with_a_broken_detector(driftspan, told) -> None:
    done = driftspan("status", "--store", "s")
    row = orjson.loads(done.stdout)
    assert (done.returncode, row["state"]) == (1, "failing")
    assert "keeps the store does not answer" in row["problem"]
    assert "detector scan was switched off: ValueError: no" in row["problem"]
    assert row["per_interface"][0]["dropped"] == row["dropped"] == 1
    assert row["per_interface"][0]["dropped_percent"] == 12.5
    assert row["counters"] == {"packets": 7}


def test_a_sensor_that_hangs(driftspan, told) -> None:
    os.utime(told, (1, 1))
    done = driftspan("status", "--store", "s")
    row = orjson.loads(done.stdout)
    assert (done.returncode, row["state"]) == (1, "hanging")
    assert "gave no sign of life" in row["problem"]


def test_a_file_that_breaks_off(driftspan, told) -> None:
    told.write_bytes(told.read_bytes()[:50])
    assert driftspan("status", "--store", "s").returncode == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("what", ["status", "spool"])
def test_what_belongs_to_another_user_is_a_sentence(tmp_path, told, what: str) -> None:
    """The program is imported before rights are given up: its own files may lie where nobody else may look."""
    told.parent.chmod(0o700)
    tmp_path.chmod(0o755)
    script = {
        "status": "sys.exit(main(['status', '--store', 's']))",
        "spool": "from sensor.spool.writer import Writer; from pathlib import Path\n"
        "try: Writer(Path('s-spool'), 1)\n"
        "except DriftspanError as error: sys.stderr.write(str(error)); sys.exit(1)",
    }[what]
    code = f"""
import os, sys
from sensor.cli import main
from sensor.errors import DriftspanError
import sensor.commands.status, sensor.spool.writer, orjson, sensor.service.log, sensor.textwidth
os.chdir({str(tmp_path)!r})
main(["status", "--store", "none"])
os.setgid(61234); os.setuid(61234)
{script}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    wanted = "ask as the user that the sensor runs as" if what == "status" else "it belongs to the user root"
    assert wanted in done.stderr
