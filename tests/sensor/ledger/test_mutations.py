"""Random edits of every stream: each is found, and what was edited is named."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

from tests.sensor.ledger.conftest import ROOT

EDITS = 300  # `make bench-ledger` makes ten thousand


@pytest.mark.slow
def test_every_edit_is_found_and_named(tmp_path) -> None:
    command = [sys.executable, "-m", "tests.sensor.ledger.lab", str(tmp_path), str(EDITS), "20260301"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    *wrong, figures = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert wrong == []
    assert figures["edits"] >= EDITS and len(figures["kinds"]) == 14
