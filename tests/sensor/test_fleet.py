"""Drift joined with alerts over the store of a plant whose model is exchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sensor.conftest import Program

ROOT = Path(__file__).parents[2]
CAPTURE = ROOT / "pcaps" / "model_swap.pcap"
DRIFT = {"model_id": "pump-wear", "kind": "output", "statistic": 9.0, "threshold": 5.0, "ts": "2026-11-02T10:00:00Z",
         "since": "2026-11-02T09:14:00Z", "stream": "plant/line1/pump-wear/score"}  # fmt: skip


def configured(program: Program, sensor: str = "driftspan", drift: list[str] = []) -> Path:  # noqa: B006  never changed
    path = program.folder / f"{sensor}.toml"
    plant = (ROOT / "pcaps" / "plant.toml").read_text()
    path.write_text(f'[sensor]\nname = "{sensor}"\n[intake]\ndrift = {json.dumps(drift)}\n{plant}')
    return path


def report(program: Program, name: str, *more: dict[str, Any]) -> str:
    path = program.folder / name
    path.write_text("".join(json.dumps(DRIFT | one) + "\n" for one in more))
    return str(path)


def incidents(program: Program) -> list[dict[str, Any]]:
    return program.rows("query", "SELECT * FROM incidents ORDER BY incident_id")


@pytest.mark.slow
def test_what_one_sensor_saw_explains_what_another_was_told(driftspan) -> None:
    edge, office = configured(driftspan, "edge"), configured(driftspan, "office")
    driftspan.rows("replay", CAPTURE, "--case", "plant", "--config", edge)
    assert driftspan.rows("correlate", "--config", office) == []
    assert tell(driftspan, "office", "plant", DRIFT) == 1
    assert driftspan.rows("correlate", "--case", "plant", "--config", office) == [
        {"case": "plant", "incidents_changed": 1}
    ]
    [incident] = [row for row in incidents(driftspan) if row["case_id"] == "plant"]
    [drift] = driftspan.rows("query", "SELECT * FROM drift WHERE case_id = 'plant'")
    assert (drift["sensor"], incident["drift_ids"]) == ("office", [drift["drift_id"]])
    seen = driftspan.rows("query", "SELECT alert_id, sensor, kind FROM alerts WHERE case_id = 'plant'")
    by_id = {row["alert_id"]: row for row in seen}
    assert {by_id[one]["sensor"] for one in incident["alert_ids"]} == {"edge"}
    assert "artefacts.unknown" in {by_id[one]["kind"] for one in incident["alert_ids"]}
    assert incident["cause"] == "model_swap"
    assert "isolate" in incident["runbook"].lower()

    assert driftspan.rows("correlate", "--config", office, "--case", "plant") == [
        {"case": "plant", "incidents_changed": 0}
    ]
    tell(driftspan, "edge", "plant", DRIFT | {"kind": "confidence", "ts": "2026-11-02T10:05:00Z"})
    assert driftspan.rows("correlate", "--config", office, "--case", "plant")[0]["incidents_changed"] == 1
    [later] = [row for row in incidents(driftspan) if row["case_id"] == "plant"]
    assert later["incident_id"] == incident["incident_id"]
    assert len(later["drift_ids"]) == 2 and later["version"] > incident["version"]
    everything = driftspan.rows("correlate", "--case", "plant", "--since", "2026-11-02T11:00:00Z", "--config", office)
    assert everything == [{"case": "plant", "incidents_changed": 0}]


def tell(program: Program, sensor: str, case: str, document: dict[str, Any]) -> int:
    """Drift from outside into a case, by a process of its own, as chDB wants it."""
    script = """
import json, sys
from sensor.intake.keep import keep
from sensor.intake.lines import of_line
from sensor.store import open_store
store = open_store(sys.argv[1], "driftspan", sys.argv[2])
print(keep(store, sys.argv[3], of_line("drift", sys.stdin.buffer.read(), "told", None), 1)["drift"])
store.close()
"""
    command = [sys.executable, "-c", script, str(program.folder / "driftspan-store"), sensor, case]
    done = subprocess.run(command, input=json.dumps(document).encode(), capture_output=True, check=True, timeout=120)
    return int(done.stdout)


@pytest.mark.slow
def test_drift_beside_a_capture_is_joined_in_the_window_of_its_time(driftspan) -> None:
    """In a replay the sensor's own correlator takes it; the join over the store then has nothing to add."""
    config = configured(driftspan, drift=[report(driftspan, "d.jsonl", {})])
    [summary] = driftspan.rows("replay", CAPTURE, "--case", "plant", "--config", config)
    assert summary["incidents"] == 1
    [incident] = incidents(driftspan)
    [drift] = driftspan.rows("query", "SELECT drift_id, source FROM drift WHERE source = 'external'")
    assert drift["drift_id"] in incident["drift_ids"]
    assert incident["cause"] == "model_swap"
    assert driftspan.rows("correlate", "--config", config) == [{"case": "plant", "incidents_changed": 0}]
    assert incidents(driftspan) == [incident]
