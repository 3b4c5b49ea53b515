"""Recording itself: what it says without its privilege, and that nothing of it stays behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.pcaps.conftest import PLANT

import record  # isort: skip

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
STACKS = ("asyncua", "cryptography", "paho", "pymodbus")  # of the extra `plant`
ready = (
    os.geteuid() == 0
    and all(shutil.which(program, path=PATH) for program in record.NEEDED)
    and all(find_spec(stack) for stack in STACKS)
)
needs_plant = pytest.mark.skipif(not ready, reason="recording needs root, the plant's servers and stacks (make plant)")


def test_without_the_privilege_it_says_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["record.py", "old_tls"])
    assert record.main() == 1
    assert "CAP_SYS_ADMIN and CAP_NET_ADMIN" in capsys.readouterr().err


def spaces() -> set[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines()}


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def of_the_plant(scratch: Path) -> list[str]:
    """Command lines of processes that work for a recording in this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = entry.read_bytes()
        except OSError:
            continue
        if f"PLANT_PROCESS={scratch}".encode() in environment:
            found.append((entry.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.slow
@needs_plant
def test_nothing_stays_and_nothing_leaves(tmp_path: Path) -> None:
    before, own = spaces(), links()
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.update(links() - own)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    command = [sys.executable, PLANT / "record.py", "--one", "old_tls", "--out", tmp_path, "--scratch", tmp_path / "s",
               "--number", "977"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    finally:
        over.set()
        watcher.join()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "old_tls.pcap").stat().st_size > 1000
    assert (tmp_path / "old_tls.labels.json").exists()
    assert spaces() == before
    assert of_the_plant(tmp_path) == []
    assert seen == set(), "the plant put an interface into the machine's own network"
