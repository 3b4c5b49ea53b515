"""Through the program: records of files beside a capture, in the store."""

from __future__ import annotations

import json

from tests.sensor.conftest import START
from tests.sensor.intake.test_documents import PLAIN

COUNTS = "SELECT (SELECT count() FROM drift) AS drift, (SELECT count() FROM inference_log) AS inference, (SELECT count() FROM intake_rejects) AS rejects"


def write(path, *records: object) -> str:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records))
    return str(path)


def test_records_beside_a_capture_are_stored_once(driftspan, capture, tmp_path) -> None:
    record = {"model_id": "m", "ts": START + 1.5, "output": {"ok": 0.9}, "inputs": {"flow": 3}, "version": "1.2"}
    log = write(tmp_path / "a.jsonl", record, "{", record, record | {"output": 0.5})
    drift = write(tmp_path / "d.jsonl", PLAIN | {"ts": START + 1, "stream": "flow", "since": "2020-01-01"})
    arguments = ("replay", capture, "--case", "c", "--inference", log, "--drift", drift)
    done = driftspan(*arguments)
    assert done.returncode == 0, done.stderr
    assert f"{log}:2: is no JSON" in done.stderr
    assert driftspan.rows("query", COUNTS) == [{"drift": 1, "inference": 2, "rejects": 1}]
    [alert] = driftspan.rows("query", "SELECT * FROM drift")
    assert (alert["source"], alert["stream"], alert["case_id"]) == ("external", "flow", "c")
    assert alert["since"] == "2020-01-01 00:00:00.000000000"
    host = driftspan.rows("query", "SELECT * FROM inference_log ORDER BY output DESC")[0]
    assert (host["source"], host["output"], host["input"], host["model_version"]) == (
        "host", '{"ok": 0.9}', '{"flow": 3.0}', "1.2",
    )  # fmt: skip
    assert host["place"] == f"{log}:3"
    [reject] = driftspan.rows("query", "SELECT * FROM intake_rejects")
    assert (reject["text"], reject["kind"], reject["place"]) == ("{", "inference", f"{log}:2")
    health = {
        row["counter"]: row["value"]
        for row in driftspan.rows("query", "SELECT counter, value FROM health WHERE startsWith(counter, 'intake.')")
    }
    assert (health["intake.inference"], health["intake.rejected"]) == (3, 1)
    assert driftspan(*arguments).returncode == 0
    assert driftspan.rows("query", COUNTS) == [{"drift": 1, "inference": 2, "rejects": 1}]


def test_the_configuration_names_files_as_well(driftspan, capture, tmp_path) -> None:
    log = write(tmp_path / "a.jsonl", {"model_id": "m", "ts": START + 1.5, "output": 1})
    config = tmp_path / "driftspan.toml"
    config.write_text(f"[intake]\ninference = [{json.dumps(log)}]\n")
    driftspan.rows("replay", capture, "--config", config)
    assert driftspan.rows("query", COUNTS, "--config", config)[0]["inference"] == 1


def test_a_file_that_is_not_there_is_said_before_a_store_is_made(driftspan, capture) -> None:
    done = driftspan("replay", capture, "--inference", "nowhere")
    assert done.returncode == 2
    assert done.stderr == "driftspan: nowhere: there is no such file or directory\n"
    assert not (driftspan.folder / "driftspan-store").exists()
