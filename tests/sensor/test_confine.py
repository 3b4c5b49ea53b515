"""What a process that has given something up can still do: each trial in a process of its own, as it is for good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sensor import config
from sensor.confine import read_by, written_by

TRIED = """
import ctypes, json, os, socket, subprocess, sys, tempfile, threading
from pathlib import Path
from parsers import drop_privileges, give_up_calls, give_up_files
import numpy, pyarrow, orjson
inside, outside, port, role, files = sys.argv[1:]
def told(what):
    try:
        what()
        return "done"
    except OSError as error:
        return type(error).__name__
def thread():
    heard = []
    worker = threading.Thread(target=lambda: heard.append(numpy.ones(9).sum()))
    worker.start(); worker.join()
    assert heard == [9.0]
def write(folder):
    path = Path(folder) / "made"
    path.write_text("x"); path.rename(path.with_name("named")); path.with_name("named").unlink()
def fork():
    if not os.fork():
        os._exit(0)
    os.wait()
def connect():
    with socket.socket() as out:
        out.connect(("127.0.0.1", int(port)))
def pair():
    one, other = socket.socketpair()
    one.send(b"x"); assert other.recv(1) == b"x"
    one.close(); other.close()
libc = ctypes.CDLL(None, use_errno=True)
def trace():
    if libc.ptrace(0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "")
if files == "files":
    give_up_files(read=[*filter(None, sys.path), sys.prefix, sys.base_prefix, "/usr", "/lib", "/proc"], write=[inside], run=[])
if role:
    give_up_calls(role)
print(json.dumps({
    "thread": told(thread), "inside": told(lambda: write(inside)), "outside": told(lambda: write(outside)),
    "read": told(lambda: Path(outside, "secret").read_text()), "fork": told(fork), "unix": told(pair),
    "run": told(lambda: subprocess.run(["true"], check=True)), "inet": told(connect),
    "packet": told(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()),
    "signal": told(lambda: os.kill(os.getppid(), 0)), "trace": told(trace),
}))
"""
ALLOWED = {"thread": "done", "inside": "done", "unix": "done"}


def tried(tmp_path: Path, role: str, files: str = "") -> dict[str, str]:
    import socket

    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
    (outside / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        words = [str(inside), str(outside), str(server.getsockname()[1]), role, files]
        done = subprocess.run(
            [sys.executable, "-c", TRIED, *words], capture_output=True, text=True, check=False, env={**os.environ}
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_the_sensor_begins_nothing_and_reaches_no_machine(tmp_path: Path) -> None:
    found = tried(tmp_path, "sensor")
    assert {name: found[name] for name in ALLOWED} == ALLOWED
    assert {found[name] for name in ("fork", "run", "inet", "packet", "trace")} == {"PermissionError"}
    assert found["signal"] == "OSError", "kill is not on its list"


def test_the_keeper_of_an_embedded_store_reaches_no_machine(tmp_path: Path) -> None:
    found = tried(tmp_path, "keeper")
    assert {name: found[name] for name in ALLOWED} == ALLOWED
    assert {found[name] for name in ("fork", "run", "inet", "packet", "trace")} == {"PermissionError"}


def test_who_writes_to_a_server_reaches_it_and_begins_nothing(tmp_path: Path) -> None:
    found = tried(tmp_path, "writer")
    assert found["inet"] == "done"
    assert {found[name] for name in ("fork", "run", "packet", "trace")} == {"PermissionError"}


def test_a_dissector_begins_programs_and_opens_no_socket(tmp_path: Path) -> None:
    found = tried(tmp_path, "dissector")
    assert found["run"] == found["fork"] == found["unix"] == "done"
    assert {found[name] for name in ("inet", "packet", "trace")} == {"PermissionError"}


def test_files_outside_are_gone(tmp_path: Path) -> None:
    found = tried(tmp_path, "", "files")
    if found["outside"] == "done":
        pytest.skip("this kernel has no Landlock")
    assert {name: found[name] for name in ALLOWED} == ALLOWED
    assert {found[name] for name in ("outside", "read")} == {"PermissionError"}
    assert found["inet"] == "PermissionError" or os.uname().release < "6.7"
    assert found["signal"] == "PermissionError" or os.uname().release < "6.12"


def test_places_that_a_configuration_names(tmp_path: Path) -> None:
    text = f"""
[alerting]
changes = ["{tmp_path}/changes/c.csv"]
[intake]
drift = ["{tmp_path}"]
[metrics]
textfile = "{tmp_path}/node/driftspan.prom"
"""
    loaded = config.parse(text, "d.toml")
    read = list(read_by(loaded, tmp_path / "site" / "driftspan.toml"))
    assert read == [tmp_path / "site", tmp_path / "changes", tmp_path]
    written = list(written_by(loaded, tmp_path / "spool"))
    assert written == [tmp_path / "spool", tmp_path / "node"]
    assert all(folder.is_dir() for folder in written), "Landlock knows only what is there"
