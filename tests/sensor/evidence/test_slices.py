"""Slices as other programs read them."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from parsers import Engine, Found, packets_of
from sensor.evidence import slices
from tests.sensor.evidence.test_scope import A, B, alert

SECOND = 10**9


def capture(folder: Path, orig: int = 60) -> Path:
    """Packets of A and B in nanoseconds; of each only 60 bytes were captured."""
    path = folder / "x.pcap"
    frame = bytes(12) + b"\x08\x00" + bytes([0x45, 0, 0, 46]) + bytes(5) + b"\x11\0\0" + A[12:] + B[12:]
    frame += struct.pack(">HHHH", 1000, 2000, 26, 0) + bytes(18)
    body = b"".join(struct.pack("<IIII", 100, 123_456_000 + n, len(frame), orig) + frame for n in range(1, 6))
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1) + body)
    return path


def found(path: Path, frames: tuple[tuple[int, int], ...] = (), most: int = 100) -> Found:
    (one,) = packets_of([path], [([(A, B)], list(frames), 0, 100 * SECOND, 200 * SECOND, most, 1 << 20)])
    return one


def test_times_lengths_and_comments_survive(tmp_path: Path) -> None:
    path = capture(tmp_path, orig=1500)
    decided = replace(alert(A, B), frames=(2,))
    made = slices.made(decided, found(path, ((0, 2),)), ["eth1"], 0)
    assert made.frames == (2,)
    out = tmp_path / "s.pcapng"
    out.write_bytes(made.data)
    assert made.sha256 == sha256(made.data).hexdigest()
    assert made.packets == 5
    engine = Engine([out])
    while engine.next() is not None:
        pass
    (facts,) = engine.captures()
    assert facts["first_ts"] == 100 * SECOND + 123_456_001
    assert facts["truncated_packets"] == facts["packets"] == 5
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    fields = ["frame.number", "frame.len", "frame.time_epoch", "frame.comment", "frame.interface_name"]
    command = ["tshark", "-n", "-r", str(out), "-T", "fields", *(word for name in fields for word in ("-e", name))]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    first, second = (row.split("\t") for row in rows[:2])
    assert first[:3] == ["1", "1500", "100.123456001"]
    assert first[4] == "eth1"
    assert first[3] == ""
    assert "alert abab" in "".join(second)


def test_deciding_packets_are_numbered_in_the_slice(tmp_path: Path) -> None:
    path = capture(tmp_path)
    decided = alert(A, B)  # frames 7 and 9, which are not there
    made = slices.made(decided, found(path), ["x"], 0)
    assert made.frames == ()
    assert "2 of the packets that decide it are not at hand" in made.note


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    path = capture(tmp_path)
    assert "0 packets before and 2 after" in slices.made(alert(A, B), found(path, most=3), ["x"], 0).note
    late = slices.made(alert(A, B), found(path), ["x"], 0)  # it began at 100 s, the first packet is later
    assert "began before the first packet" in late.note


def test_the_same_packets_give_the_same_slice(tmp_path: Path) -> None:
    path = capture(tmp_path)
    one, other = (slices.made(alert(A, B), found(path), ["x"], 0) for _ in range(2))
    assert one == other
