"""Our rules on the project's captures: each fires on one, and on none of a plant's usual day."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sensor.conftest import Program, alert_row, write_alerts

ROOT = Path(__file__).parents[3]
FIRES = {
    "modbus_broadcast_write": "modbus_broadcast", "modbus_undefined_function": "fuzzed_modbus", "modbus_illegal_address": "point_sweep",
    "modbus_no_path": "modbus_unit_scan", "dnp3_restart": "dnp3_restart", "dnp3_direct_operate": "dnp3_direct_operate", "dnp3_application": "dnp3_stop",
    "dnp3_file": "dnp3_file", "opcua_write_in_the_clear": "opcua_none", "opcua_browse": "opcua_browse", "mqtt_everything": "mqtt_wildcard",
    "mqtt_password": "cleartext_credentials", "flow_controller_to_internet": "plc_to_internet", "tls_old": "old_tls", "files_model": "model_files",
}  # fmt: skip
SILENT = "normal_plant"
# The rows of captures alone, through the packet path: what detectors make of them is no matter here.
SCRIPT = """
import json, sys
from parsers import Engine
from sensor.replay import facts_of, found_of
from sensor.store import open_store
store = open_store("site", "driftspan", "s")
for name in sys.argv[2:]:
    engine = Engine([f"{sys.argv[1]}/{name}.pcap"], window_seconds=10.0, workers=1, limits={}, vlan_in_key=False)
    store.begin_case(name, [facts_of(c) for c in engine.captures()])
    while (window := engine.next()) is not None:
        for table, rows in window.tables.items():
            if table in ("modbus", "dnp3", "opcua", "mqtt", "tls", "flows", "files"):
                store.append(table, rows)
    store.finish_case({c["id"]: found_of(c) for c in engine.captures()})
store.close()
"""


@pytest.fixture(scope="module")
def plant(tmp_path_factory) -> Program:
    program = Program(tmp_path_factory.mktemp("plant"))
    names = sorted({*FIRES.values(), SILENT})
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT / "pcaps"), *names], cwd=program.folder, check=True, timeout=300
    )
    return program


def test_each_rule_fires_on_its_capture_and_not_on_a_usual_day(plant) -> None:
    rules = {row["id"]: Path(row["file"]).stem for row in plant.rows("sigma", "list")}
    assert set(rules.values()) == {*FIRES, "alerts_critical"}
    plant.rows("sigma", "run", "--store", "site")
    stored = plant.rows("alerts", "--store", "site", "--where", "detector = 'sigma'")
    fired: dict[str, set[str]] = {}
    for row in stored:
        fired.setdefault(rules[json.loads(row["evidence"])["rule"]], set()).add(row["case_id"])
        assert row["count"] >= 1 and row["run"] and row["summary"]
    for rule, capture in FIRES.items():
        assert capture in fired.get(rule, ()), rule
    assert not [rule for rule, cases in fired.items() if SILENT in cases]
    # Asked again, the same rows give the same alerts.
    plant.rows("sigma", "run", "--store", "site")
    again = plant.rows("alerts", "--store", "site", "--where", "detector = 'sigma'")
    assert again == stored
    shown = plant("show", stored[0]["alert_id"], "--store", "site", "--no-packets")
    assert shown.returncode == 0, shown.stderr


def test_a_rule_over_alerts_but_not_over_its_own(driftspan) -> None:
    write_alerts(
        driftspan.folder / "site",
        [alert_row("a" * 32, kind="new_writer.write", severity="critical"), alert_row("b" * 32)],
    )
    for _ in range(2):
        (found,) = driftspan.rows("sigma", "run", "--store", "site")
        assert (found["title"], found["count"]) == ("Grave alert of a host that writes", 1)
    assert len(driftspan.rows("alerts", "--store", "site")) == 3


def test_a_replay_asks_the_rules_of_the_configuration(driftspan) -> None:
    (driftspan.folder / "own.yml").write_text(
        "title: A write\nid: 5f3e2c1a-0000-4000-8000-000000000001\nlogsource: {product: driftspan, service: modbus}\n"
        "detection: {selection: {function|startswith: write}, condition: selection}\nlevel: high\n"
    )
    (driftspan.folder / "driftspan.toml").write_text('[sigma]\nenabled = true\nshipped = false\nrules = ["own.yml"]\n')
    (summary,) = driftspan.rows("replay", ROOT / "pcaps" / "modbus_broadcast.pcap", "--store", "site", "--case", "c")
    alerts = driftspan.rows("alerts", "--store", "site", "--status", "all")
    assert summary["alerts"] == len(alerts)
    ours = [row for row in alerts if row["detector"] == "sigma"]
    assert ours and {(row["title"], row["severity"], row["kind"]) for row in ours} == {
        ("A write", "high", "sigma.modbus")
    }
    assert ours[0]["frames"]
    (driftspan.folder / "own.yml").write_text("title: A write\n")
    assert "own.yml:1: the rule lacks 'id'" in driftspan.refused(
        "replay", ROOT / "pcaps" / "modbus_broadcast.pcap", "--store", "other"
    )
    assert not (driftspan.folder / "other").exists()


def test_what_a_rule_matches_beyond_its_limit_is_counted_and_said(driftspan) -> None:
    rows = [
        alert_row(f"{n:032x}", kind="new_writer.write", severity="critical", src_ip=f"10.0.0.{n}") for n in range(1, 8)
    ]
    write_alerts(driftspan.folder / "site", rows)
    few = "import sys, sensor.sigma.run as run, sensor.cli as cli; run.MOST = 3; sys.exit(cli.program())"
    done = subprocess.run(
        [sys.executable, "-c", few, "sigma", "run", "--store", "site", "--format", "ndjson"],
        cwd=driftspan.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    assert "matched 4 times more than the 3 alerts that it may raise at once" in done.stderr
    assert "3 alerts of" in done.stderr


def test_the_reader_of_rules_is_loaded_where_rules_are_read_alone() -> None:
    script = "import sys, sensor.cli, sensor.commands.replay, sensor.commands.run, sensor.commands.serve, sensor.sigma.beside"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; print('sigma' in sys.modules)"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "False\n"
