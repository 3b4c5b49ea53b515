"""`driftspan run` as a service: its capabilities, what it tells systemd and Prometheus, what outlives a restart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.parsers.test_live import APART, possible

ROOT = Path(__file__).parents[2]


def trial(name: str, folder: Path, *more: str) -> dict[str, Any]:
    if not possible():
        pytest.skip("no network namespaces with veth pairs here (unshare, ip)")
    command = [*APART, "--mount", sys.executable, "-m", "tests.integration.service_trial", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return trial("served", tmp_path_factory.mktemp("served"))


def samples(page: str) -> dict[tuple[str, ...], float]:
    """By name and the values of labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_systemd_is_told_how_it_goes(served: dict[str, Any]) -> None:
    assert served["exit"] == [0, 0]
    assert served["begun"][:2] == ["READY=1", "WATCHDOG_USEC=120000000"]
    assert served["told"].count("WATCHDOG=1") > 3
    assert served["told"][-1] == "STOPPING=1"
    assert any(line.startswith("STATUS=100 packets, 0 dropped") for line in served["told"])


def test_a_silent_port_is_alive(served: dict[str, Any]) -> None:
    """The watchdog, status and SIGHUP wait for no packet."""
    assert served["again"]["packets"] == 0
    assert "WATCHDOG=1" in served["silent"]


def test_prometheus_reads_what_status_says(served: dict[str, Any]) -> None:
    found, status = samples(served["page"]), served["status"]
    assert status["packets"] > 4000
    assert found["driftspan_packets_total", "port0"] == status["packets"]
    assert found["driftspan_received_bytes_total", "port0"] == status["bytes"]
    assert found["driftspan_dropped_packets_total", "port0"] == 0
    assert found["driftspan_messages_total", "modbus"] == status["counters"]["messages.modbus"]
    assert found["driftspan_learning", "operational"] == 1
    assert found["driftspan_learning", "learning"] == 0
    assert sum(found["driftspan_alerts_total", severity] for severity in status["alerts_by_severity"]) > 0
    assert found["driftspan_keeper_restarts_total",] == found["driftspan_spool_lost_rows_total",] == 0
    assert found["driftspan_stored_rows_total",] > 0
    assert found["process_resident_memory_bytes",] > 50e6
    assert found["driftspan_keeper_resident_memory_bytes",] > 50e6
    assert set(samples(served["file"])) == set(found)


def test_labels_have_few_values(served: dict[str, Any]) -> None:
    assert "10.1.0" not in served["page"]
    assert len(samples(served["page"])) < 120


def test_status_for_people_and_for_programs(served: dict[str, Any]) -> None:
    status = served["status"]
    assert (status["state"], status["problem"]) == ("running", "")
    assert status["per_interface"][0]["packets"] == status["packets"]
    assert 0 <= status["lag_seconds"] < 60
    assert status["keeper_rss_bytes"] > status["rss_bytes"] / 10 > 0
    lines = dict(line.split(None, 1) for line in served["table"].splitlines() if len(line.split()) > 1)
    assert lines["state"] == "running"
    assert lines["interfaces"] == "port0"
    assert served["gone"][0] == 1
    assert served["gone"][1]["state"] == "not running"


def test_the_log_is_json(served: dict[str, Any]) -> None:
    assert {line["program"] for line in served["log"]} == {"driftspan"}
    assert {line["level"] for line in served["log"]} == {"info"}
    assert served["log"][0]["event"].startswith("listening on port0")


def test_a_page_that_another_has_is_a_sentence(served: dict[str, Any]) -> None:
    code, said = served["taken"]
    assert code == 1
    assert (
        json.loads(said)["event"] == "[metrics] listen 127.0.0.1:9642: nothing can listen there: Address already in use"
    )


def test_a_flow_outlives_a_reload(served: dict[str, Any]) -> None:
    assert served["flows"] == [{"n": 1, "gaps": 0}]
    assert served["rows"] == [{"n": 50}]


def test_a_restart_learns_nothing_anew(served: dict[str, Any]) -> None:
    assert served["status"]["learning"] == served["again"]["learning"] == "operational"
    assert served["again"]["alerts"] == served["status"]["alerts"]


def test_a_full_disk_is_a_sentence_and_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    found = trial("full", tmp_path)
    assert found["exit"] == [1, 0]
    assert "the spool cannot be written: No space left on device" in found["said"]
    assert "Traceback" not in found["said"]
    assert found["before"]["modbus"] % 743 in (0, found["before"]["modbus"])
    assert found["rows"]["modbus"] >= found["before"]["modbus"] + 743


@pytest.mark.parametrize("disk", ["full", "read_only"])
def test_evidence_that_finds_no_room_costs_nothing_else(disk: str, without_room: dict[str, Any]) -> None:
    found = without_room[disk]
    assert found["exit"] == 0
    assert found["rows"]["modbus"] == 2 * 743
    assert int(found["alerts"]["n"]) > 0 and int(found["alerts"]["kept"]) == 0
    assert "No space left on device" in found["said"] if disk == "full" else "Read-only file system" in found["said"]
    assert "Traceback" not in found["said"]
    assert found["failed"] == found["counted"]["evidence.failed"] > 0


@pytest.fixture(scope="module")
def without_room(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return trial("no_evidence", tmp_path_factory.mktemp("no_evidence"))
