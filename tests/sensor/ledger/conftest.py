"""A filled store, made once and copied for each test; what writes to it is a process of its own, as chDB wants it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sensor.conftest import Program

ROOT = Path(__file__).parents[3]
STORE = "driftspan-store"
HEAD = """
import os, sys, time
from sensor.store import Layout
from sensor.store.chdb_writing import ChdbStore
from pathlib import Path
from sensor.ledger.config import LedgerSection
from tests.sensor.ledger import filled
def opened(**section):
    return ChdbStore(Path("driftspan-store"), "driftspan", "s", Layout(ledger=LedgerSection(**section)))
"""


def write(folder: Path, script: str, *, status: int = 0) -> str:
    """Runs it with `opened` and `filled`; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script], cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    write(folder, "store = opened()\nfilled.fill(store)\nstore.close()\n")
    return folder


@pytest.fixture
def site(driftspan: Program, made: Path) -> Program:
    for name in (STORE, f"{STORE}-ledger"):
        shutil.copytree(made / name, driftspan.folder / name, symlinks=True)
    return driftspan
