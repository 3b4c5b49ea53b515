"""`driftspan run` on a real interface, with its store on a server that goes away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clickhouse.conftest import needed
from tests.integration.test_run import ROUND
from tests.parsers.test_live import APART, possible

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_run_delivers_to_a_server_whenever_it_is_there(tmp_path: Path) -> None:
    needed()
    if not possible():
        pytest.skip("no network namespaces with veth pairs here (unshare, ip)")
    command = [*APART, sys.executable, "-m", "tests.clickhouse.live_trial", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert {name: found["rows"][name] for name in ROUND} == {name: 2 * rows for name, rows in ROUND.items()}
    assert (found["exit"], found["status"], found["sensors"]) == (0, "running", ["running", "stopped"])
    assert found["learned"] == "learned"
    assert "the store takes rows again" in found["said"]
    assert not [name for name in found["files"] if name.endswith((".seg", ".taken"))]
