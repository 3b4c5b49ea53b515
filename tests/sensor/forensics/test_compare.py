"""A case against another, and against what was learnt."""

from __future__ import annotations

import pytest

from sensor.cli_forensics import ASPECTS as TOLD
from sensor.forensics import compare
from sensor.forensics.differences import COLUMNS

WRITER, PLC = "10.30.0.77", "10.40.0.11"


def test_aspects_are_those_of_the_command_line() -> None:
    assert set(compare.ASPECTS) == set(TOLD)


@pytest.mark.parametrize("aspect", compare.ASPECTS)
def test_a_case_is_no_other_than_itself(desk, aspect: str) -> None:
    assert desk.rows("compare", "swap", "swap", "--only", aspect) == []


def test_what_is_new_one_way_is_gone_the_other(desk) -> None:
    only = ("--only", "asset,conduit,behaviour,version")
    there = desk.rows("compare", "clean", "writer", *only)
    back = desk.rows("compare", "writer", "clean", *only)
    turned = {"new": "gone", "gone": "new"}

    def keys(found: list[dict]) -> set[tuple]:
        return {(r["aspect"], r["change"], r["host"], r["peer"], r["what"]) for r in found if r["change"] in turned}

    assert keys(there) == {(aspect, turned[change], *rest) for aspect, change, *rest in keys(back)}
    assert all(tuple(row) == COLUMNS for row in there)


def test_a_writer_that_was_never_there(desk) -> None:
    found = desk.rows("compare", "clean", "writer", "--host", WRITER, "--new")
    assert [row["host"] for row in found if row["aspect"] == "asset"] == [WRITER]
    writes = [row for row in found if row["aspect"] == "behaviour" and " write " in row["what"]]
    assert writes
    assert all(row["host"] == WRITER and row["before"] == "0" and row["frame"] > 0 for row in writes)
    assert any(row["aspect"] == "alert" and "new_writer.write" in row["what"] for row in found)
    assert all(row["change"] != "gone" for row in found)


def test_values_are_outside_only_where_they_are(desk) -> None:
    found = desk.rows("compare", "clean", "writer", "--only", "value")
    for row in (row for row in found if row["change"] == "outside" and " to " in row["before"]):
        low, high = map(float, row["before"].split(" to "))
        seen = list(map(float, row["after"].split(" to ")))
        assert min(seen) < low or max(seen) > high, row
    limits = desk.rows(
        "query", "SELECT min(value) AS lo, max(value) AS hi FROM tag_values WHERE case_id = 'clean' AND"
        f" tag = 'u1/holding_register/50' AND dst_ip = toIPv6('{PLC}')",
    )  # fmt: skip
    [register] = [row for row in found if row["what"] == "u1/holding_register/50"]
    assert register["before"] == f"{limits[0]['lo']:g} to {limits[0]['hi']:g}"


def test_an_exchanged_model_is_another_version(desk) -> None:
    found = desk.rows("compare", "clean", "swap", "--only", "version")
    assert any(row["what"].startswith("model pump-wear version") and row["change"] == "new" for row in found)
    assert any(row["what"].startswith("artefact ") for row in found)


def test_what_a_baseline_does_not_know(desk) -> None:
    same = desk.rows("compare", "clean", "--baseline", "plant.baseline", "--only", "asset,behaviour")
    assert same == []
    found = desk.rows("compare", "writer", "--baseline", "plant.baseline", "--new")
    assert any(row["aspect"] == "asset" and row["host"] == WRITER for row in found)
    by_case = desk.rows("compare", "clean", "writer", "--only", "behaviour", "--new")
    written = {row["what"] for row in by_case if " write " in row["what"]}
    assert written <= {row["what"] for row in found if row["aspect"] == "behaviour"}


def test_the_question_that_is_printed_gives_the_same_rows(desk) -> None:
    sql = desk("compare", "clean", "writer", "--only", "behaviour", "--sql").stdout
    assert desk.rows("query", sql) == desk.rows("compare", "clean", "writer", "--only", "behaviour")


def test_a_report_names_every_difference(desk) -> None:
    done = desk("compare", "clean", "writer", "--output", "c.md")
    assert done.returncode == 0, done.stderr
    text = (desk.folder / "c.md").read_text()
    assert f"{len(desk.rows('compare', 'clean', 'writer'))} differences" in text
    assert "## Behaviours" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("clean",), "name two cases, A and B, or one case and --baseline"),
        (("clean", "nobody"), "there is no case 'nobody'"),
        (("clean", "swap", "--baseline", "plant.baseline"), "name two cases"),
        (("clean", "swap", "--only", "colour"), "--only: there is no 'colour'"),
        (("clean", "swap", "--host", "plc"), "--host 'plc' is no IP address"),
        (("clean", "--baseline", "plant.baseline", "--only", "conduit"), "a baseline knows of asset, behaviour, value"),
        (("clean", "--baseline", "none.baseline"), "none.baseline"),
        (("clean", "--baseline"), "no sensor has saved what it learnt there"),
    ],
)
def test_what_cannot_be_compared_is_said(desk, arguments: tuple[str, ...], said: str) -> None:
    assert said in desk.refused("compare", *arguments)
