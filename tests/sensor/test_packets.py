"""The packets of an alert through tshark, and every reason why they may not be there."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import orjson
import pytest

from parsers import Engine
from sensor import packets
from tests.sensor.conftest import Program

PCAPS = Path(__file__).parents[2] / "pcaps"
needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None or find_spec("pyshark") is None, reason="tshark or pyshark is not installed"
)


def identity(capture: Path) -> str:
    return str(Engine([capture]).captures()[0]["id"])


def written(capture: Path) -> list[int]:
    """Frames of requests that write a register."""
    wanted = "modbus.func_code == 6 && tcp.dstport == 502"
    command = ["tshark", "-n", "-r", str(capture), "-Y", wanted, "-T", "fields", "-e", "frame.number"]
    return [int(n) for n in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


@needs_tshark
def test_frames_are_dissected() -> None:
    capture = PCAPS / "rogue_writer.pcap"
    first, second = written(capture)[:2]
    found, note = packets.dissected(str(capture), identity(capture), [second, first, first])
    assert [packet["frame"] for packet in found] == [first, second]
    assert [layer["name"] for layer in found[0]["layers"]] == ["MBTCP", "MODBUS"]
    assert any("Write Single Register (6)" in text for text in found[0]["layers"][1]["fields"])
    assert note == ""


@needs_tshark
def test_no_more_than_a_few() -> None:
    capture = PCAPS / "rogue_writer.pcap"
    found, note = packets.dissected(str(capture), identity(capture), list(range(1, 21)))
    assert len(found) == packets.MOST_FRAMES
    assert note == "12 more frames are named above"


@needs_tshark
def test_secrets_are_not_shown() -> None:
    capture = PCAPS / "cleartext_credentials.pcap"
    command = ["tshark", "-n", "-r", str(capture), "-Y", "mqtt.passwd || ftp.request.command == PASS || http.authbasic",
               "-T", "fields", "-e", "frame.number", "-e", "mqtt.passwd", "-e", "ftp.request.arg", "-e", "http.authbasic"]  # fmt: skip
    rows = [
        line.split("\t")
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    ]
    secrets = {part for row in rows for cell in row[1:] if cell for part in (cell, cell.rpartition(":")[2])}
    assert len(secrets) >= 3, "the capture holds passwords"
    secrets |= {base64.b64encode(secret.encode()).decode() for secret in secrets}
    found, _ = packets.dissected(str(capture), identity(capture), [int(row[0]) for row in rows])
    text = "\n".join(field for packet in found for layer in packet["layers"] for field in layer["fields"])
    assert "may hold a secret" in text
    assert {secret for secret in secrets if secret in text} == set()


@needs_tshark
def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = PCAPS / "rogue_writer.pcap"
    known = identity(capture)
    with monkeypatch.context() as patch:
        patch.setattr(packets, "SECONDS", 0.01)
        found, note = packets.dissected(str(capture), known, [1])
        assert (found, "it took longer than" in note) == ([], True)
    monkeypatch.setattr(packets, "MEMORY", 30 * 1024**2)
    found, note = packets.dissected(str(capture), known, [1])
    assert (found, "could not dissect" in note) == ([], True)


PROBE = """
import json, socket, subprocess, sys
from pathlib import Path
from sensor import packets_child
packets_child.give_up([sys.argv[1]])
def told(what):
    try:
        what()
        return "done"
    except OSError as error:
        return type(error).__name__
listening = subprocess.run(["tshark", "-n", "-i", "lo", "-c", "1"], capture_output=True, text=True)
reading = subprocess.run(["tshark", "-n", "-r", sys.argv[1], "-c", "1"], capture_output=True, text=True)
print(json.dumps({
    "socket": told(lambda: socket.socket().close()), "write": told(lambda: Path(sys.argv[2], "x").write_text("x")),
    "other": told(lambda: Path(sys.argv[2], "secret").read_text()),
    "listening": listening.returncode, "reading": reading.returncode, "said": listening.stderr + reading.stderr,
}))
"""


@needs_tshark
def test_tshark_has_no_network_and_no_files_of_others(tmp_path: Path) -> None:
    capture = PCAPS / "rogue_writer.pcap"
    (tmp_path / "secret").write_text("secret")
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(capture), str(tmp_path)],
        capture_output=True, text=True, check=True, preexec_fn=packets._limit,
    )  # fmt: skip
    found = orjson.loads(done.stdout)
    assert (found["socket"], found["write"]) == ("PermissionError", "PermissionError")
    assert found["listening"] != 0 and found["reading"] == 0, found["said"]
    assert found["other"] == "PermissionError" or os.uname().release < "5.13", "where there is Landlock"


def test_why_packets_may_not_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = shutil.copy(PCAPS / "rogue_writer.pcap", tmp_path)
    assert packets.dissected(str(capture), "x", []) == ([], "the alert names no packets")
    assert "is not here any more" in packets.dissected("gone.pcap", "x", [1])[1]
    with monkeypatch.context() as patch:
        patch.setattr(packets, "find_spec", lambda name: None)
        assert "pip install 'driftspan[show]'" in packets.dissected(str(capture), "x", [1])[1]
    monkeypatch.setattr(packets, "find_spec", lambda name: object())
    with monkeypatch.context() as patch:
        patch.setattr(packets.shutil, "which", lambda name: None)
        assert "install Wireshark's tshark" in packets.dissected(str(capture), "x", [1])[1]
    monkeypatch.setattr(packets.shutil, "which", lambda name: name)
    assert "not what it was" in packets.dissected(str(capture), "x", [1])[1]


@needs_tshark
def test_show_ends_with_the_packets(driftspan: Program, capture) -> None:
    driftspan.rows("replay", capture)
    [alert] = driftspan.rows("alerts", "--where", "kind = 'cleartext.protocol'")
    done = driftspan("show", alert["alert_id"], "--format", "table")
    assert done.returncode == 0, done.stderr
    assert "Packets" in done.stdout
    assert "Read Holding Registers" in done.stdout
    [whole] = driftspan.rows("show", alert["alert_id"])
    assert whole["packets"][0]["layers"][-1]["name"] == "MODBUS"
    assert driftspan.rows("show", alert["alert_id"], "--no-packets")[0]["packets"] == []
    capture.unlink()
    told = driftspan("show", alert["alert_id"], "--format", "table").stdout
    assert "is not here any more" in " ".join(told.split())
