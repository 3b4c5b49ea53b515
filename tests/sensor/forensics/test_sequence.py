"""docs/forensics.md: its commands, one after the other, over the plant's campaign day and its clean day."""

from __future__ import annotations

import re
import shlex

import pyarrow.parquet as pq
import pytest

from tests.sensor.forensics.conftest import PCAPS, ROOT, Desk

# Windows of ten minutes instead of ten seconds: a tenth of the time, and nothing that is asked for below hangs on them.
COARSE = '[capture]\nwindow_seconds = 600\n[store]\npath = "site"\n'


@pytest.mark.slow
def test_the_documented_sequence(tmp_path) -> None:
    (tmp_path / "plant.toml").write_text(COARSE + (PCAPS / "plant.toml").read_text())
    (tmp_path / "pcaps").symlink_to(PCAPS)
    block = re.search(r"```sh\n(.*?)```", (ROOT / "docs" / "forensics.md").read_text(), re.DOTALL)[1]
    lines = [shlex.split(line) for line in block.splitlines()]
    assert len(lines) == 8 and all(line[0] == "driftspan" for line in lines)
    desk = Desk(tmp_path)
    try:
        said = []
        for line in lines:
            done = desk(*line[1:])
            assert done.returncode == 0, (line, done.stderr)
            said.append(done.stdout)
    finally:
        desk.end()
    told, new, unknown = said[2], said[3], said[4]
    assert "write_single_register unit 1 address 50 = 1520, 1540, 1560" in told
    assert "dnp3 direct_operate outstation 10 12:1[3] = 4" in told
    assert "pump-wear-1.5.1.safetensors" in told
    for text in (
        "modbus write write_single_register unit 1 holding_register 50",
        "dnp3 control direct_operate unit 1>10 12:1[3]",
    ):
        assert text in new and text in unknown
    assert "edge → cell by modbus" in new
    assert "model pump-wear version 1.5.1" in new
    assert (tmp_path / "write.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "campaign.pdf").read_bytes().startswith(b"%PDF-")
    assert pq.read_metadata(tmp_path / "tables" / "alerts.parquet").num_rows > 0
