"""A short form of `make bench-kill`. Of replays: tests/sensor/test_kill.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.kills import live
from tests.parsers.test_live import possible


def test_what_was_acknowledged_outlives_kills(tmp_path: Path) -> None:
    if not possible():
        pytest.skip("no network namespaces with veth pairs here (unshare, ip)")
    found = live(tmp_path, times=3, seed=5)
    assert found["faults"] == []
    assert found["tracebacks"] == 0, "the keeper goes on without the sensor"
    assert found["alerts"] > 0
    assert found["rows"]["modbus"][0] > 0
