"""The log of model outputs: written once, verified, and every edit in the store is named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.sensor.conftest import Program

PCAPS = Path(__file__).parents[3] / "pcaps"
STORE = "driftspan-store"


def replay(program: Program, case: str) -> None:
    program.rows("replay", PCAPS / "denial_of_inference.pcap", "--config", PCAPS / "plant.toml", "--case", case)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    replay(Program(folder), "c")
    return folder


@pytest.fixture
def replayed(driftspan, written: Path) -> Any:
    """A copy of a store with 52 outputs."""
    shutil.copytree(written / STORE, driftspan.folder / STORE, symlinks=True)
    return driftspan


def edit(folder: Path, *statements: str) -> None:
    """With the rights of who owns the directory, past the program; in a process of its own, as chDB wants it."""
    script = """
import json, sys
from pathlib import Path
from sensor.store.chdb_session import Session
session = Session(Path(sys.argv[1]))
session.use("driftspan")
session.run("SET mutations_sync = 2, lightweight_deletes_sync = 2")
for statement in json.load(sys.stdin):
    session.run(statement)
session.close()
"""
    subprocess.run(
        [sys.executable, "-c", script, str(folder / STORE)], input=orjson.dumps(statements), check=True, timeout=120
    )


def chains(driftspan, *more: str) -> list[dict[str, Any]]:
    return [row for row in driftspan.rows("ledger", "verify", *more) if "stream" not in row]


def faults(driftspan) -> list[tuple[str, int, int]]:
    done = driftspan("ledger", "verify")
    assert done.returncode == 1
    assert "tampered" in done.stderr
    rows = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert all(row["ts"] for row in rows if row["seq"] > 1)
    return [(row["result"], row["seq"], row["last"]) for row in rows]


def test_an_empty_store_is_said_to_be(driftspan, capture) -> None:
    (driftspan.folder / "driftspan.toml").write_text("[ledger]\nenabled = false\n")
    driftspan.rows("replay", capture)
    done = driftspan("ledger", "verify")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing to verify" in done.stderr


def test_a_replay_repeated_gives_the_same_chain(replayed) -> None:
    [whole] = chains(replayed)
    assert (whole["result"], whole["case"], whole["records"]) == ("whole", "c", 52)
    rows = "SELECT * FROM inference_log ORDER BY seq"
    before = replayed.rows("query", rows)
    replay(replayed, "c")
    assert replayed.rows("query", rows) == before
    assert chains(replayed) == [whole]
    assert whole["head"] == before[-1]["hash"]
    replay(replayed, "d")
    assert {row["case"] for row in chains(replayed)} == {"c", "d"}
    assert [row["case"] for row in chains(replayed, "--case", "d")] == ["d"]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["ALTER TABLE inference_log UPDATE output = '0.01' WHERE seq = 20"], [("changed", 20, 20)]),
        (["ALTER TABLE inference_log UPDATE confidence = 0.5 WHERE seq = 52"], [("changed", 52, 52)]),
        (["ALTER TABLE inference_log UPDATE hash = 'x' WHERE seq = 9"], [("changed", 9, 9)]),
        (["DELETE FROM inference_log WHERE seq BETWEEN 30 AND 33"], [("removed", 30, 33)]),
        (["DELETE FROM inference_log WHERE seq > 50"], [("removed", 51, 52)]),
        (["DELETE FROM inference_log WHERE 1"], [("removed", 1, 52)]),
        (["DELETE FROM ledger_heads WHERE 1"], [("removed", 0, 0)]),
        (
            ["INSERT INTO inference_log SELECT * REPLACE ('0.9' AS output) FROM inference_log WHERE seq = 7"],
            [("inserted", 7, 7)],
        ),
        (["INSERT INTO inference_log SELECT * FROM inference_log WHERE seq = 7"], [("doubled", 7, 7)]),
        (["ALTER TABLE inference_log UPDATE source = 'host' WHERE seq = 12"], [("removed", 12, 12)]),
    ],
)
def test_edits_in_the_store_are_named(replayed, statements: list[str], expected: list[Any]) -> None:
    edit(replayed.folder, *statements)
    assert faults(replayed) == expected


def test_records_that_changed_places_are_named(replayed) -> None:
    columns = "* REPLACE (if(inference_log.seq = 4, 40, 4) AS seq)"
    edit(
        replayed.folder,
        "CREATE TABLE moved AS inference_log",
        f"INSERT INTO moved SELECT {columns} FROM inference_log WHERE inference_log.seq IN (4, 40)",
        "DELETE FROM inference_log WHERE seq IN (4, 40)",
        "INSERT INTO inference_log SELECT * FROM moved",
        "DROP TABLE moved SYNC",
    )
    assert faults(replayed) == [("reordered", 4, 4), ("reordered", 40, 40)]
