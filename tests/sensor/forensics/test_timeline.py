"""What happened, in one order: each kind against the rows that it comes from."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

import pytest

from sensor.cli_forensics import KINDS as TOLD
from sensor.forensics import timeline
from sensor.forensics.rows import COLUMNS
from sensor.forensics.scope import Scope

WRITER, PLC, TAG = "10.30.0.77", "10.40.0.11", "u1/holding_register/50"


def test_kinds_are_those_of_the_command_line() -> None:
    assert tuple(timeline.KINDS) == TOLD


@pytest.mark.parametrize("kind", timeline.KINDS)
@pytest.mark.parametrize("fold", [0, 3600])
def test_each_kind_has_the_one_shape(desk, kind: str, fold: int) -> None:
    found = desk.rows("timeline", "--case", "swap", "--kinds", kind, "--fold", f"{fold}s" if fold else "0")
    assert all(tuple(row) == COLUMNS and row["kind"] == kind for row in found)
    assert all(row["at"] <= row["until"] for row in found)
    assert found or kind in ("anomaly", "command"), kind


def test_everything_is_in_one_order(desk) -> None:
    found = desk.rows("timeline", "--case", "writer")
    assert all(a["at"] <= b["at"] for a, b in pairwise(found))
    assert {"alert", "command", "session", "value"} <= {row["kind"] for row in found}


def test_commands_carry_the_values_that_were_written(desk) -> None:
    written = desk.rows(
        "query", f"SELECT values[1] AS v, address FROM modbus WHERE case_id = 'writer' AND src_ip = toIPv6('{WRITER}')"
        " AND function_code = 6 ORDER BY ts",
    )  # fmt: skip
    assert written
    told = desk.rows("timeline", "--case", "writer", "--asset", WRITER, "--kinds", "command", "--fold", "0")
    singles = [row["what"] for row in told if "write_single_register" in row["what"]]
    assert singles == [f"modbus write_single_register unit 1 address {w['address']} = {w['v']}" for w in written]
    folded = desk.rows("timeline", "--case", "writer", "--asset", WRITER, "--kinds", "command", "--fold", "1d")
    assert sum(row["count"] for row in folded) == len(told) > len(folded)


def test_a_fold_loses_no_session(desk) -> None:
    [flows] = desk.rows("query", "SELECT count() AS n FROM flows WHERE case_id = 'writer'")
    for fold in ("0", "10m", "1d"):
        told = desk.rows("timeline", "--case", "writer", "--kinds", "session", "--fold", fold)
        assert sum(row["count"] for row in told) == flows["n"]


def test_a_tag_is_followed_from_command_to_value(desk) -> None:
    told = desk.rows("timeline", "--case", "writer", "--tag", TAG, "--fold", "0")
    assert {row["kind"] for row in told} >= {"command", "value"}
    assert all("address 50" in row["what"] for row in told if row["kind"] == "command")
    assert all(row["what"].startswith(TAG) for row in told if row["kind"] == "value")
    elsewhere = desk.rows("timeline", "--case", "writer", "--tag", TAG, "--asset", "10.20.0.5")
    assert [row for row in elsewhere if row["kind"] in ("command", "value")] == []


def test_a_model_is_followed_over_its_versions(desk) -> None:
    told = desk.rows("timeline", "--case", "swap", "--model", "pump-wear")
    outputs = [row["what"] for row in told if row["kind"] == "output"]
    versions = {text.split(" says ")[0] for text in outputs}
    assert len(versions) > 1, versions
    assert any("a model (safetensors)" in row["what"] for row in told if row["kind"] == "file")
    assert any(row["kind"] == "drift" for row in told)


def test_an_incident_is_its_alerts_and_drift_and_what_its_hosts_did(desk) -> None:
    [incident] = desk.rows(
        "query",
        "SELECT * FROM incidents WHERE case_id = 'swap' AND level = 'incident' ORDER BY probability DESC LIMIT 1",
    )
    told = desk.rows("timeline", "--incident", incident["incident_id"][:12])
    of = {kind: {row["id"] for row in told if row["kind"] == kind} for kind in ("alert", "drift", "incident")}
    assert of["alert"] == set(incident["alert_ids"])
    assert of["drift"] == set(incident["drift_ids"])
    assert of["incident"] == {incident["incident_id"]}
    assert any(row["kind"] == "file" for row in told)


def test_time_is_cut_at_both_ends(desk) -> None:
    everything = desk.rows("timeline", "--case", "writer", "--kinds", "value", "--fold", "0")
    middle = everything[len(everything) // 2]["at"]
    before = desk.rows("timeline", "--case", "writer", "--kinds", "value", "--fold", "0", "--until", middle)
    after = desk.rows("timeline", "--case", "writer", "--kinds", "value", "--fold", "0", "--since", middle)
    assert len(before) + len(after) == len(everything)
    assert before
    assert max(row["at"] for row in before) < middle <= min(row["at"] for row in after)


def test_the_question_that_is_printed_gives_the_same_rows(desk) -> None:
    arguments = ("timeline", "--case", "writer", "--asset", WRITER)
    sql = desk(*arguments, "--sql").stdout
    assert desk.rows("query", sql) == desk.rows(*arguments)


def test_a_page_shows_all_rows_and_the_question(desk) -> None:
    done = desk("timeline", "--case", "writer", "--asset", WRITER, "--output", "t.html")
    assert done.stdout == "t.html\n", done.stderr
    page = (desk.folder / "t.html").read_text()
    tags = Counted()
    tags.feed(page)
    assert tags.rows == 1 + len(desk.rows("timeline", "--case", "writer", "--asset", WRITER))
    assert "Asked of the store" in page


class Counted(HTMLParser):
    rows = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.rows += tag == "tr"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--case", "nobody"), "there is no case 'nobody' in this store; there are"),
        ((), "choose a case with --case"),
        (("--case", "swap", "--asset", "no-such"), "'no-such' is no address, and no host of case 'swap'"),
        (("--case", "writer", "--tag", "holding_register/50"), "near it are 'u1/holding_register/50'"),
        (("--case", "swap", "--model", "no-such"), "there is no model 'no-such'"),
        (("--case", "swap", "--kinds", "alarms"), "--kinds: there is no 'alarms'"),
        (("--case", "swap", "--fold", "soon"), "--fold 'soon' is no length of time"),
        (("--case", "swap", "--model", "pump-wear", "--tag", "x"), "choose one of --asset"),
        (("--case", "swap", "--limit", "-1"), "--limit must not be negative"),
        (("--case", "swap", "--output", "t.txt"), "the ending tells no format"),
    ],
)
def test_what_cannot_be_told_is_said(desk, arguments: tuple[str, ...], said: str) -> None:
    assert said in desk.refused("timeline", *arguments)


def test_text_of_the_wire_stays_text() -> None:
    scope = Scope("x' OR 1 --", tags=("t'; DROP",))
    sql = timeline.statement(scope)
    assert "x\\' OR 1 --" in sql
    assert "t\\'; DROP" in sql
