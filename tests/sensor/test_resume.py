"""A replay that is killed and resumed leaves the same rows as one that was not; nothing is stored twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sensor.conftest import modbus_reads, write_pcap
from tests.sensor.same_rows import rows_of

DEMO = Path(__file__).parents[2] / "pcaps" / "demo.pcap"
# The process dies at an insert: before it, or when it was done and nobody was told so.
DIES = """
import os, sys
from sensor.store.chdb_session import Session
real, at, done, seen = Session.insert, int(sys.argv[1]), sys.argv[2] == "done", []
def insert(self, *given, **named):
    seen.append(1)
    if len(seen) == at and not done:
        os._exit(9)
    real(self, *given, **named)
    if len(seen) == at:
        os._exit(9)
Session.insert = insert
from sensor.cli import main
sys.exit(main(sys.argv[3:]))
"""


def replay(store: str, *more: object) -> list[object]:
    return ["replay", DEMO, "--case", "c", "--store", store, "--checkpoint", "0.001", *more]


@pytest.mark.parametrize("deaths", [((40, "before"), (55, "done"), (9, "done")), ((70, "done"), (31, "before"))])
def test_killed_at_any_insert_and_resumed_the_rows_are_the_same(driftspan, deaths) -> None:
    driftspan.rows(*replay("whole"))
    wanted = rows_of(driftspan, "whole", "c")
    for number, (at, moment) in enumerate(deaths):
        more = ["--resume"] if number else []
        died = driftspan.python(DIES, at, moment, *replay("killed", *more))
        assert died.returncode == 9, died.stderr
    assert (driftspan.folder / "killed-resume" / "c" / "state").is_file()
    [summary] = driftspan.rows(*replay("killed", "--resume"))
    assert rows_of(driftspan, "killed", "c") == wanted
    assert summary["packets"] == 4418
    assert not (driftspan.folder / "killed-resume" / "c").exists()
    assert driftspan("ledger", "verify", "--store", "killed").returncode == 0


def test_what_cannot_be_gone_on_with_is_refused(driftspan, tmp_path) -> None:
    assert driftspan.python(DIES, 60, "done", *replay("s")).returncode == 9
    assert "is of other captures" in driftspan.refused(*replay("s", "--resume", "--host", "10.40.0.11"))
    state = driftspan.folder / "s-resume" / "c" / "state"
    kept = state.read_bytes()
    state.write_bytes(kept[: len(kept) // 2])
    assert "cannot be read" in driftspan.refused(*replay("s", "--resume"))
    state.write_bytes(kept)
    assert "neither --evidence" in driftspan.refused(*replay("s", "--resume", "--evidence"))
    path = write_pcap(tmp_path / "a.pcap", modbus_reads(5))
    anew = driftspan("replay", path, "--resume", "--case", "other", "--store", "s")
    assert (anew.returncode, "begins at the start" in anew.stderr) == (0, True)
