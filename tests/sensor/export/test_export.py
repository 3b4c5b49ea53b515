"""`driftspan export`: a store's records and rows, to a file or stdout."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import stix2

from sensor.cli import BAD_INPUT, main
from tests.sensor.conftest import START, Program, alert_row, write_alerts

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((Path(__file__).parent / "eve.schema.json").read_text())


@pytest.fixture(scope="module")
def plant(tmp_path_factory) -> Program:
    program = Program(tmp_path_factory.mktemp("plant"))
    done = program("replay", ROOT / "pcaps" / "rogue_writer.pcap", "--store", "site", "--case", "c")
    assert done.returncode == 0, done.stderr
    return program


def exported(program: Program, *arguments: object) -> list[dict]:
    done = program("export", "--store", "site", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_alerts_carry_the_flow_that_they_are_about(plant) -> None:
    alerts = {row["alert_id"]: row for row in plant.rows("alerts", "--store", "site", "--status", "all")}
    flows = {str(row["flow_id"]): row for row in plant.rows("flows", "--store", "site")}
    made = exported(plant, "--to", "eve", "--status", "all", "--records", "alerts")
    assert {event["driftspan"]["alert_id"] for event in made} == set(alerts)
    joined = 0
    for event in made:
        jsonschema.validate(event, SCHEMA)
        if "flow_id" in event["driftspan"]:
            flow = flows[event["driftspan"]["flow_id"]]
            ends = {flow["src_ip"].removeprefix("::ffff:"), flow["dst_ip"].removeprefix("::ffff:")}
            assert {event["src_ip"], event["dest_ip"]} == ends
            assert event["community_id"] == flow["community_id"]
            joined += 1
    assert joined >= len(made) / 2


def test_rows_as_suricata_has_them(plant) -> None:
    made = exported(plant, "--to", "eve", "--events", "modbus,flow,anomaly,stats,dnp3,mqtt")
    counts = {kind: sum(e["event_type"] == kind for e in made) for kind in ("modbus", "flow", "stats")}
    stored = {
        table: plant.rows("query", f"SELECT count() AS n FROM {table}", "--store", "site")[0]["n"]
        for table in ("modbus", "flows")
    }
    assert (counts["modbus"], counts["flow"]) == (stored["modbus"], stored["flows"])
    assert counts["stats"] > 0
    for event in made:
        jsonschema.validate(event, SCHEMA)
    numbers = {e["flow_id"] for e in made if e["event_type"] == "flow"}
    assert {e["flow_id"] for e in made if e["event_type"] == "modbus"} <= numbers


def test_one_bundle_of_everything(plant) -> None:
    done = plant("export", "--store", "site", "--to", "stix", "--output", "out.json")
    assert done.returncode == 0, done.stderr
    bundle = json.loads((plant.folder / "out.json").read_text())
    stix2.parse(bundle, allow_custom=True)
    ids = [item["id"] for item in bundle["objects"]]
    assert len(set(ids)) == len(ids)
    opened = plant.rows("alerts", "--store", "site")
    assert sum(item["type"] == "sighting" for item in bundle["objects"]) == len(opened)
    assert (plant.folder / "out.json").stat().st_mode & 0o077 == 0


def test_what_is_chosen(plant) -> None:
    grave = exported(plant, "--to", "ocsf", "--severity", "high")
    assert grave and {event["severity_id"] for event in grave} <= {4, 5}
    assert exported(plant, "--to", "ecs", "--case", "another") == []
    assert exported(plant, "--to", "zeek", "--until", "2000-01-01") == []
    chosen = exported(plant, "--to", "ecs", "--where", "kind = 'new_writer.write'")
    assert chosen and {event["rule"]["id"] for event in chosen} == {"new_writer.write"}
    layer = plant("export", "--store", "site", "--to", "navigator")
    assert json.loads(layer.stdout)["techniques"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a format"),
        (("--to", "eve", "--where", "1) OR (1"), "one condition"),
        (("--to", "cef", "--events", "modbus"), "they need --to eve"),
        (("--to", "eve", "--events", "modbus,made"), "there are no events 'made'"),
        (("--to", "navigator", "--follow"), "--to navigator goes to a file"),
        (("--to", "eve", "--syslog", "smtp://mail"), "is no syslog receiver"),
        (("--to", "eve", "--syslog", "tls://127.0.0.1:1", "--ca", "none.pem"), "none.pem"),
        (("--to", "eve", "--webhook", "ftp://x/"), "a webhook is"),
        (("--to", "eve", "--webhook", "http://127.0.0.1:1/", "--secret-file", "none"), "none: the secret cannot be read"),
        (("--to", "eve", "--key", "k.pem"), "--certificate"),
        (("--to", "eve", "--output", "no/such/folder/file"), "cannot be written"),
    ],
)  # fmt: skip
def test_bad_usage_is_one_sentence(plant, arguments, words, capsys, monkeypatch) -> None:
    monkeypatch.chdir(plant.folder)
    monkeypatch.setattr("sensor.commands.export.open_reading", lambda *_: pytest.fail("the store was opened first"))
    assert main(["export", "--store", "site", *arguments]) == BAD_INPUT
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert words in said.err


def test_a_wrong_condition_is_one_sentence(plant) -> None:
    assert "nothing" in plant.refused("export", "--store", "site", "--to", "eve", "--where", "nothing = 1")


def test_many_pages_none_twice(driftspan) -> None:
    rows = [alert_row(f"{n:032x}", last_ts=(START + n // 3) * 10**9) for n in range(450)]
    write_alerts(driftspan.folder / "site", rows)
    made = exported(driftspan, "--to", "eve")
    assert [event["driftspan"]["alert_id"] for event in made] == [f"{n:032x}" for n in range(450)]
