"""`driftspan run` on a real interface: rows, alerts and verdicts arrive, whatever is killed meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.parsers.test_live import APART, possible

ROOT = Path(__file__).parents[2]
# One round of pcaps/demo.pcap
ROUND = {"modbus": 743, "dnp3": 273, "opcua": 126, "mqtt": 725}


def trial(name: str, folder: Path) -> dict[str, Any]:
    if not possible():
        pytest.skip("no network namespaces with veth pairs here (unshare, ip)")
    command = [*APART, sys.executable, "-m", "tests.integration.live_trial", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_run_stores_what_it_sees_and_goes_on_where_it_ended(tmp_path: Path) -> None:
    found = trial("whole", tmp_path)
    assert found["exit"] == [0, 0]
    assert found["status"]["state"] == "running"
    assert found["status"]["dropped"] == 0
    assert {name: found["rows"][name] for name in ROUND} == {name: 2 * rows for name, rows in ROUND.items()}
    assert found["muted"] == found["states"][found["chosen"]] == "muted"
    assert "going on with what was learnt before" in found["said"]
    assert found["left"] == ["name", "reader.lock", "state", "writer.lock"]


def test_what_was_committed_is_stored_once_whatever_is_killed(tmp_path: Path) -> None:
    found = trial("killed", tmp_path)
    assert found["exit"] == 0
    for name, rows in ROUND.items():
        # The sensor was killed after its last commit: nothing is lost; a batch delivered twice is seen once.
        assert found["rows"][name] == found["rounds"] * rows


def test_the_configuration_is_read_again_on_sighup(tmp_path: Path) -> None:
    found = trial("reloaded", tmp_path)
    assert found["exit"] == 0
    assert "nonsense" in found["said"]
    assert ["cleartext.protocol", "muted"] in found["statuses"]


def test_a_store_that_a_sensor_keeps_is_not_written_by_others(tmp_path: Path) -> None:
    found = trial("busy", tmp_path)
    assert found["exit"] == 0
    assert found["second"][0] == 1
    assert "another driftspan" in found["second"][1]
    assert found["replay"][0] == 1
    assert "has this store open" in found["replay"][1]


def test_a_sensor_has_a_console_that_comes_back_and_ends_with_it(tmp_path: Path) -> None:
    found = trial("console", tmp_path)
    assert found["exit"] == 0, found["said"]
    assert len(found["first"]) == len(found["second"]) == 1
    assert found["engine"] == []  # the keeper owns the store, and only there is the engine loaded
    assert found["orphans"] == found["left"] == [] and not found["answers"]
    assert "the console ended with status -9; it begins again" in found["said"]
    assert found["said"].count("one-time password") >= 1


def test_what_other_programs_say_reaches_a_sensor_that_runs(tmp_path: Path) -> None:
    """A drift report in a followed file, another over HTTP: both are stored by the keeper and joined by the sensor."""
    found = trial("told", tmp_path)
    assert found["exit"] == [0, 0]
    assert found["answers"] == [[200, {"new": 1, "known": 0}]] * 2
    assert [(row["stream"], row["source"]) for row in found["drift"]] == [("other", "external"), ("score", "external")]
    assert found["host"] == [{"n": 1}]
    joined = {drift for incident in found["incidents"] for drift in incident["drift_ids"]}
    assert joined & {row["drift_id"] for row in found["drift"]}
    assert "network showed no output of it" not in found["said"]


def test_alerts_get_their_packets_while_the_sensor_runs(tmp_path: Path) -> None:
    found = trial("evidence", tmp_path)
    assert found["exit"] == 0
    worth = [row for row in found["alerts"] if row["severity"] in ("medium", "high", "critical")]
    worth = [row for row in worth if not row["kind"].startswith("mirror.")]  # those are of a port, not of hosts
    assert worth
    for row in worth:
        assert row["evidence_packets"] > 0, row
        assert found["files"][row["evidence_file"]] == row["evidence_sha256"]
    assert found["left"] == [".ring", "live"], "nothing of the ring, and no draft"
    assert {"counter": "evidence.slices", "n": len(found["files"])} in found["health"]


def test_a_sensor_exports_to_a_receiver_that_comes_and_goes(tmp_path: Path) -> None:
    found = trial("exported", tmp_path)
    assert found["exit"] == 0, found["said"]
    assert found["missing"] == []
    assert found["raised"] == found["rules"] > 0
    assert found["cursor"]
    assert "export siem: goes on" in found["said"]


def test_a_live_run_stores_what_a_replay_of_the_same_packets_stores(tmp_path: Path) -> None:
    """Every row of every table and every alert, times included; and nothing is sent, as both ends of the wire count."""
    found = trial("same", tmp_path)
    assert found["exit"] == [0, 0]
    assert int(found["lost"]["packets"]) + int(found["lost"]["dropped"]) == found["sent"]
    assert found["recorded"] == found["sent"]
    assert found["differ"] == {}
    assert found["transmitted"] == [0, 0]
    assert min(found["rows"][name] for name in ("modbus", "dnp3", "opcua", "mqtt", "flows", "alerts", "mirror")) > 0


def test_an_interface_that_goes_away_under_the_sensor_is_said_and_loses_nothing(tmp_path: Path) -> None:
    found = trial("vanished", tmp_path)
    assert found["exit"] == [0, 0]
    assert found["said"].count("port0: went down") == 2 and found["said"].count("port0: is back") == 2
    assert "Traceback" not in found["said"]
    assert {name: found["rows"][name] for name in ROUND} == {name: 4 * rows for name, rows in ROUND.items()}


def test_each_process_has_what_it_needs_and_no_more(tmp_path: Path) -> None:
    found = trial("confined", tmp_path)
    kept = {name: about["capabilities"] for name, about in found["processes"].items()}
    assert kept == {"sensor": 0, "keeper": 0, "starter": 0, "listener": 1 << 13}, "CAP_NET_RAW, where the sockets are"
    assert {name for name, about in found["processes"].items() if about["packet_sockets"]} == {"listener"}
    filtered = {name for name, about in found["processes"].items() if about["seccomp"] == 2}
    assert filtered == {"sensor", "keeper", "listener"}, "the starter's children need what it has"
    assert all(about["no_new_privileges"] for about in found["processes"].values())
    assert found["exit"] == 0 and "Traceback" not in found["said"]
    assert found["rows"]["modbus"] == 2 * ROUND["modbus"], "the memory of the rings outlives who opened them"
    assert "what the kernel drops is not counted any more" in found["said"]
