"""The unit as systemd itself reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sensor import config
from sensor.service import unit

ROOT = Path(__file__).parents[3]
MOST_EXPOSED = 2.0  # of 10, as systemd-analyze security counts; sshd has 9.6


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("no systemd-analyze here")
    return found


@pytest.fixture
def written(driftspan, tmp_path) -> Path:
    done = driftspan("init", "--systemd", "--dir", "etc")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["etc/driftspan.toml", "etc/driftspan.service"]
    assert "systemctl daemon-reload" in done.stderr
    return tmp_path / "etc"


def test_systemd_understands_it(analyze: str, written: Path) -> None:
    done = subprocess.run([analyze, "verify", written / unit.NAME], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_it_exposes_little(analyze: str, written: Path) -> None:
    command = [analyze, "security", "--offline=true", "--no-pager", written / unit.NAME]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for driftspan.service: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    print(found[0])
    assert float(found[1]) <= MOST_EXPOSED


def test_system_calls_that_the_sensor_makes_are_let_through(analyze: str) -> None:
    """capset gives privileges up, and is among those that @privileged takes away."""
    filters = re.findall(r"(?m)^SystemCallFilter=(.*)$", unit.text(Path("x")))
    assert filters.index("capset") > filters.index("~@privileged")
    assert "MemoryDenyWriteExecute=yes" not in unit.text(Path("x")), "ClickHouse compiles expressions"


def test_the_program_and_the_store_of_the_service(written: Path) -> None:
    text = (written / unit.NAME).read_text()
    assert f"\nExecStart={unit.program()} run\n" in text
    assert config.load(written / "driftspan.toml").store.path == unit.STORE
    assert unit.STORE.startswith("/var/lib/driftspan/"), "what StateDirectory= makes writable"


def test_paths_are_quoted_as_systemd_wants_it(analyze: str, tmp_path: Path) -> None:
    program = tmp_path / "100% of it" / "driftspan"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / unit.NAME).write_text(unit.text(program))
    done = subprocess.run([analyze, "verify", tmp_path / unit.NAME], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_what_is_there_is_kept(driftspan, written: Path) -> None:
    (written / "driftspan.toml").unlink()
    assert "driftspan.service: is there already" in driftspan.refused("init", "--systemd", "--dir", "etc")
    assert not (written / "driftspan.toml").exists(), "all or nothing"
