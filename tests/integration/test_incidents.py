"""A swapped model from its packets to what an analyst reads: drift, incident, cause, runbook; and a verdict on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sensor.conftest import Program

PCAPS = Path(__file__).parents[2] / "pcaps"
CONFIG = "[drift]\nlearn_days = 0.05\n\n"


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("incidents")
    (folder / "driftspan.toml").write_text(CONFIG + (PCAPS / "plant.toml").read_text())
    made = Program(folder)
    made.rows("replay", PCAPS / "model_swap.pcap")
    return made


def test_the_summary_counts_what_is_stored(replayed: Program) -> None:
    [row] = replayed.rows("replay", PCAPS / "model_swap.pcap")
    [stored] = replayed.rows("query", "SELECT count() AS incidents FROM incidents WHERE status != 'merged'")
    assert row["incidents"] == stored["incidents"] == 1
    assert replayed.rows("drift", "--where", "kind = 'output' AND shape = 'step' AND version > 0")


def test_an_incident_is_listed_and_shown_with_its_cause(replayed: Program) -> None:
    [row] = replayed.rows("incidents", "--severity", "high", "--where", "cause = 'model_swap'")
    assert row["level"] == "incident" and row["probability"] > 0.9 and row["status"] == "open"
    shown = replayed("show", row["incident_id"][:12], "--format", "table").stdout
    for words in ("model_swap", "Speaks for an attack", "Would settle it", "Timeline", "Rollback clock", "Runbook",
                  "10.10.0.23 -> 10.50.0.20 -> 10.50.0.10 -> pump-wear", "Isolate pump-wear", "no approved one was seen"):  # fmt: skip
        assert words in " ".join(shown.split()), words
    [whole] = replayed.rows("show", row["incident_id"])
    assert whole["suspects"][0]["event"]["kind"] == "artefacts.unknown"
    assert abs(sum(whole["causes"].values()) - 1) < 0.01
    assert set(whole["alert_ids"]) <= {alert["alert_id"] for alert in replayed.rows("alerts", "--status", "all")}


def test_a_replay_repeated_gives_the_same_ids_and_doubles_nothing(replayed: Program) -> None:
    ids = "SELECT incident_id, drift_ids FROM incidents ORDER BY incident_id"
    drift = "SELECT drift_id, summary FROM drift ORDER BY drift_id"
    before = replayed.rows("query", ids), replayed.rows("query", drift)
    replayed.rows("replay", PCAPS / "model_swap.pcap")
    assert (replayed.rows("query", ids), replayed.rows("query", drift)) == before


def test_a_verdict_on_an_incident_holds_and_is_taken_back(replayed: Program) -> None:
    [row] = replayed.rows("incidents")
    [said] = replayed.rows("close", row["incident_id"][:12], "--note", "rolled back")
    assert said["status"] == "closed"
    assert replayed.rows("incidents") == []
    [closed] = replayed.rows("incidents", "--status", "closed")
    assert closed["status_note"] == "rolled back"
    replayed.rows("unlearn", row["incident_id"])
    assert len(replayed.rows("incidents")) == 1
