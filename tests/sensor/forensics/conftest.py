"""A store with three cases of the plant: an ordinary hour, one with a strange writer, one with an exchanged model."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.sensor.conftest import Program

ROOT = Path(__file__).parents[3]
PCAPS = ROOT / "pcaps"
COARSE = "[capture]\nwindow_seconds = 60\n"  # costs a sixth
CASES = {"clean": "normal_plant", "writer": "rogue_writer", "swap": "model_swap"}
# Of the exchanged model, as another tool found it: the capture is too short to learn what is usual from.
DRIFT = {"model_id": "pump-wear", "kind": "output", "statistic": 9.0, "threshold": 5.0, "ts": "2026-11-02T10:00:00Z",
         "since": "2026-11-02T09:14:00Z", "stream": "plant/line1/pump-wear/score"}  # fmt: skip

# The program's own `main`, again and again: starting Python and the engine for each command costs a second.
_SERVING = """
import base64, contextlib, io, json, sys
from sensor.cli import main
asked, answers = sys.stdin, sys.stdout
for line in asked:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(json.loads(line))
        except SystemExit as end:
            status = end.code
    said = [base64.b64encode(each.buffer.getvalue()).decode() for each in (out, err)]
    answers.write(json.dumps([status, *said]) + "\\n")
    answers.flush()
"""


class Desk(Program):
    """Commands in one process that stays, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._child = subprocess.Popen(
            [sys.executable, "-c", _SERVING], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        self._child.stdin.write(orjson.dumps([str(argument) for argument in arguments]).decode() + "\n")
        self._child.stdin.flush()
        status, *said = orjson.loads(self._child.stdout.readline())
        out, err = (base64.b64decode(text).decode("utf-8", "replace") for text in said)
        return subprocess.CompletedProcess(arguments, status, out, err)

    def end(self) -> None:
        with self._child:
            self._child.stdin.close()


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("forensics")
    plant = '[store]\npath = "site"\n' + (PCAPS / "plant.toml").read_text()
    (folder / "driftspan.toml").write_text(COARSE + plant)
    (folder / "drift.jsonl").write_bytes(orjson.dumps(DRIFT) + b"\n")
    made = Desk(folder)
    learnt = made("replay", "--learn-from", PCAPS / "normal_plant.pcap", "--save-baseline", "plant.baseline")
    assert learnt.returncode == 0, learnt.stderr
    for case, name in CASES.items():
        how = ("--drift", "drift.jsonl") if case == "swap" else ("--baseline", "plant.baseline")
        done = made("replay", PCAPS / f"{name}.pcap", "--case", case, *how)
        assert done.returncode == 0, done.stderr
    yield made
    made.end()
