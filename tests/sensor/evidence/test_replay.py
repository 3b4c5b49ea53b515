"""`replay --evidence` and `show`: slices beside the store, told in words, dissected, checked, and raised again."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.sensor.conftest import Program
from tests.sensor.evidence.again import trials

ROOT = Path(__file__).parents[3]
PCAPS = ROOT / "pcaps"
# Kinds of these captures whose slice does not raise them again even where the sensor knows what the run had learnt, and
# why: what one packet path sees of an alert's hosts alone is not what made it.
NOT_AGAIN = {
    "values.step": "the reading before the step comes from long before the slice, or by other hosts",
}


@pytest.fixture
def replayed(driftspan: Program) -> Program:
    done = driftspan("replay", PCAPS / "rogue_writer.pcap", "--evidence", "--config", PCAPS / "plant.toml")
    assert done.returncode == 0, done.stderr
    return driftspan


def writer(driftspan: Program) -> dict[str, Any]:
    (row,) = driftspan.rows("alerts", "--where", "kind = 'new_writer.write'")
    return row


def slice_of(driftspan: Program, row: dict[str, Any]) -> Path:
    return driftspan.folder / "driftspan-store-evidence" / row["evidence_file"]


def test_every_alert_worth_it_has_a_slice_that_its_row_names(replayed: Program) -> None:
    rows = replayed.rows("alerts", "--status", "all")
    for row in rows:
        assert bool(row["evidence_file"]) == (row["severity"] in ("medium", "high", "critical"))
        if row["evidence_file"]:
            path = slice_of(replayed, row)
            assert path.name == f"{row['alert_id']}.pcapng"
            assert sha256(path.read_bytes()).hexdigest() == row["evidence_sha256"]
            assert len(row["evidence_frames"]) == len(row["frames"])
    assert {row["evidence_file"] for row in rows} > {""}
    (told,) = replayed.rows("query", "SELECT value FROM health WHERE counter = 'evidence.slices'")
    assert told["value"] == len(list((replayed.folder / "driftspan-store-evidence").glob("*/*.pcapng")))


def test_show_says_what_the_packets_did(replayed: Program) -> None:
    row = writer(replayed)
    page = " ".join(replayed("show", row["alert_id"], "--format", "table", "--no-packets").stdout.split())
    first, there = row["frames"][0], row["evidence_frames"][0]
    said = (
        f"frame {first} ({there} in the slice): 10.30.0.77 writes holding register 40051 = 1750 of 10.40.0.11 (unit 1)"
    )
    assert said in page
    (whole,) = replayed.rows("show", row["alert_id"], "--no-packets")
    assert [told["frame"] for told in whole["explained"]] == row["frames"]


@pytest.mark.skipif(
    shutil.which("tshark") is None or find_spec("pyshark") is None, reason="tshark or pyshark is not installed"
)
def test_show_dissects_the_slice_if_it_is_what_was_written(replayed: Program, tmp_path: Path) -> None:
    row = writer(replayed)
    (whole,) = replayed.rows("show", row["alert_id"])
    assert [packet["frame"] for packet in whole["packets"]] == row["evidence_frames"]
    assert whole["packets"][0]["layers"][-1]["name"] == "MODBUS"
    path = slice_of(replayed, row)
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    (forged,) = replayed.rows("show", row["alert_id"])
    assert forged["packets"] == []
    assert "was altered" in forged["packets_note"]
    path.unlink()
    (gone,) = replayed.rows("show", row["alert_id"])
    assert [packet["frame"] for packet in gone["packets"]] == row["frames"], "the capture itself is still there"
    assert "is not here any more" in gone["packets_note"]


def test_a_replay_of_the_slice_raises_the_alert_again(driftspan: Program) -> None:
    config = ("--config", PCAPS / "plant.toml")
    taught = ("--learn-from", PCAPS / "normal_plant.pcap")
    assert driftspan("replay", *taught, "--save-baseline", "known", *config).returncode == 0
    known = ("--baseline", "known", *config)
    assert driftspan("replay", PCAPS / "rogue_writer.pcap", "--evidence", *known).returncode == 0
    row = writer(driftspan)
    again = driftspan("replay", slice_of(driftspan, row), "--store", "again", *known)
    assert again.returncode == 0, again.stderr
    where = ("--where", f"alert_id = '{row['alert_id']}'", "--store", "again")
    assert [(found["kind"], found["src_ip"]) for found in driftspan.rows("alerts", *where)] == [
        ("new_writer.write", row["src_ip"])
    ]


@pytest.mark.parametrize("name", ["rogue_writer", "dnp3_restart"])
def test_slices_raise_their_alerts_again(name: str) -> None:
    """With what the sensor knew, each; of kinds that need no learning also without."""
    made = list(trials(PCAPS / f"{name}.pcap"))
    missed = {t.alert.kind for t in made if t.mode == "baseline" and not t.again} - set(NOT_AGAIN)
    assert missed == set()
    assert sum(t.mode == "baseline" for t in made) >= 3
    for trial in made:
        if trial.alert.kind.startswith(("commands.restart", "boundary.", "cleartext.")):
            assert trial.again, trial


def test_bad_input(driftspan: Program, capture: Path) -> None:
    done = driftspan("replay", "-", "--evidence", input="")
    assert (done.returncode, "stdin" in done.stderr, done.stderr.count("\n")) == (2, True, 1)
    blocked = driftspan.folder / "blocked"
    blocked.write_text("")
    settings = driftspan.folder / "c.toml"
    settings.write_text(f"[evidence]\npath = {json.dumps(str(blocked))}\n")
    done = driftspan("replay", capture, "--evidence", "--config", settings)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "evidence cannot be kept there" in done.stderr
    for line, said in (
        ("slice_mib = 0", "slice_mib must be between 1 and 1024"),
        ("before_seconds = -1.0", "before_seconds must not be negative and at most 86400"),
        ("days = 0.0", "days must be above 0 and at most 36600"),
        ("nonsense = 1", "nonsense"),
    ):
        settings.write_text(f"[evidence]\n{line}\n")
        done = driftspan("replay", capture, "--config", settings)
        assert done.returncode == 2
        assert said in done.stderr
        assert "c.toml:2:" in done.stderr
