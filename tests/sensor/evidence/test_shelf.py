"""The directory of slices: whole or not there, for the owner alone, not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from sensor.case_name import LIVE
from sensor.evidence.shelf import DRAFT, PCAPNG, Shelf, folder_of
from sensor.evidence.slices import Slice


def made(data: bytes = b"packets") -> Slice:
    return Slice(data, sha256(data).hexdigest(), 3, (1, 2), "")


def test_what_was_put_there_is_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "evidence", LIVE)
    shelf.open()
    facts = shelf.put("ab12", made())
    path = tmp_path / "evidence" / facts.evidence_file
    assert path.name == f"ab12{PCAPNG}"
    assert sha256(path.read_bytes()).hexdigest() == facts.evidence_sha256
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    assert Shelf(tmp_path / "evidence", LIVE).facts("ab12") == facts, "also after a restart"
    assert shelf.facts("cd34") is None
    path.unlink()
    assert shelf.facts("ab12") is None


_KILLED = """
import sys
from pathlib import Path
from tests.sensor.evidence.test_shelf import made
from sensor.evidence.shelf import Shelf
shelf = Shelf(Path(sys.argv[1]), "live")
shelf.open()
sys.stdout.write("begun\\n")
sys.stdout.flush()
for number in range(10**9):
    shelf.put(f"{number:08x}", made(number.to_bytes(4, "big") * 50_000))
"""


def test_a_kill_leaves_no_half_slice_under_a_final_name(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    for round_ in range(5):
        command = [sys.executable, "-c", _KILLED, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.1 + 0.05 * round_)
            child.kill()
        for path in (tmp_path / "live").glob(f"*{PCAPNG}"):
            assert path.read_bytes() == int(path.stem, 16).to_bytes(4, "big") * 50_000
    shelf = Shelf(tmp_path, LIVE)
    shelf.open()
    assert list((tmp_path / "live").glob(f"*{DRAFT}")) == []
    assert list((tmp_path / "live").glob(f"*{PCAPNG}"))


def test_old_slices_go_and_those_of_open_incidents_last(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, LIVE)
    shelf.open()
    for age, name in enumerate(("new", "middle", "spared", "old")):
        file = shelf.root / shelf.put(name, made(bytes(1000))).evidence_file
        os.utime(file, (time.time() - age * 86_400, time.time() - age * 86_400))
    assert shelf.retain(1000, 4000, ()) == (0, 0)
    assert shelf.retain(1000, 3500, {"spared"}) == (1, 1000)
    assert [shelf.facts(name) is not None for name in ("new", "middle", "spared", "old")] == [True, True, True, False]
    assert shelf.retain(0.5, 10**9, {"spared"}) == (1, 1000)
    assert [shelf.facts(name) is not None for name in ("new", "middle", "spared")] == [True, False, True]
    assert shelf.retain(0.5, 0, {"spared"}) == (2, 2000), "there is no room for any"
    assert list(tmp_path.glob("*/*")) == []


def test_a_replay_begins_with_an_empty_directory(tmp_path: Path) -> None:
    for case in ("a", "b"):
        Shelf(tmp_path, case).open()
        Shelf(tmp_path, case).put("ab12", made())
    Shelf(tmp_path, "a").open(anew=True)
    assert [path.parent.name for path in tmp_path.glob(f"*/*{PCAPNG}")] == ["b"]


@pytest.mark.parametrize("case", ["a/b", "..", "../up", ".hidden", "ü" * 128, "plain", "with space"])
def test_any_name_of_a_case_is_one_directory(tmp_path: Path, case: str) -> None:
    name = folder_of(case)
    assert "/" not in name
    assert not name.startswith(".")
    Shelf(tmp_path, case).open()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert folder_of("plain") == "plain"
