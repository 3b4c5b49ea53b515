"""The log of model outputs: written once, verified, and every edit in the store is named."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sensor.store import open_reading
from sensor.store.chdb_session import Session

PCAPS = Path(__file__).parents[2] / "pcaps"
STORE = "driftspan-store"


@pytest.fixture
def replayed(driftspan) -> Any:
    driftspan.rows("replay", PCAPS / "denial_of_inference.pcap", "--config", PCAPS / "plant.toml", "--case", "c")
    return driftspan


def edit(folder: Path, *statements: str) -> None:
    with closing(open_reading(str(folder / STORE), "driftspan")):
        pass  # the store is one, and nobody holds it
    with closing(Session(folder / STORE)) as session:
        session.use("driftspan")
        session.run("SET mutations_sync = 2, lightweight_deletes_sync = 2")
        for statement in statements:
            session.run(statement)


def faults(driftspan) -> list[tuple[str, int, int]]:
    done = driftspan("ledger", "verify")
    assert done.returncode == 1
    assert "tampered" in done.stderr
    import orjson

    rows = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert all(row["ts"] for row in rows if row["seq"] > 1)
    return [(row["result"], row["seq"], row["last"]) for row in rows]


def test_an_empty_store_is_said_to_be(driftspan, capture) -> None:
    driftspan.rows("replay", capture)
    done = driftspan("ledger", "verify")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing to verify" in done.stderr


def test_a_replay_repeated_gives_the_same_chain(replayed) -> None:
    [whole] = replayed.rows("ledger", "verify")
    assert (whole["result"], whole["case"], whole["records"]) == ("whole", "c", 52)
    rows = "SELECT * FROM inference_log ORDER BY seq"
    before = replayed.rows("query", rows)
    replayed.rows("replay", PCAPS / "denial_of_inference.pcap", "--config", PCAPS / "plant.toml", "--case", "c")
    assert replayed.rows("query", rows) == before
    assert replayed.rows("ledger", "verify") == [whole]
    assert whole["head"] == before[-1]["hash"]
    replayed.rows("replay", PCAPS / "denial_of_inference.pcap", "--config", PCAPS / "plant.toml", "--case", "d")
    assert {row["case"] for row in replayed.rows("ledger", "verify")} == {"c", "d"}
    assert [row["case"] for row in replayed.rows("ledger", "verify", "--case", "d")] == ["d"]


COPY = (
    "sensor, case_id, run, {seq}, ts, capture, frame, src_ip, dst_ip, model_id, model_version, kind, tag,"
    " input_sha256, '0.9', confidence, quality, source, source_ts, prev_hash, hash"
)


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
            [f"INSERT INTO inference_log SELECT {COPY.format(seq='seq')} FROM inference_log WHERE seq = 7"],
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
    columns = "sensor, case_id, run, if(seq = 4, 40, 4), * EXCEPT (sensor, case_id, run, seq)"
    edit(
        replayed.folder,
        "CREATE TABLE moved AS inference_log",
        f"INSERT INTO moved SELECT {columns} FROM inference_log WHERE seq IN (4, 40)",
        "DELETE FROM inference_log WHERE seq IN (4, 40)",
        "INSERT INTO inference_log SELECT * FROM moved",
        "DROP TABLE moved SYNC",
    )
    assert faults(replayed) == [("reordered", 4, 4), ("reordered", 40, 40)]
