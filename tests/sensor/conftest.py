"""Small captures made by hand, and the program as a process of its own."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

START = 1_760_000_000  # seconds: some moment in 2025


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def packet(src: str, dst: str, sport: int, dport: int, seq: int, payload: bytes) -> bytes:
    """Ethernet, IPv4, TCP with PSH and ACK set."""
    addresses = bytes(map(int, f"{src}.{dst}".split(".")))
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, 1, 5 << 4, 0x18, 8192, 0, 0) + payload
    padded = addresses + struct.pack("!HH", 6, len(tcp)) + tcp + b"\0" * (len(tcp) % 2)
    tcp = tcp[:16] + struct.pack("!H", checksum(padded)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0) + addresses
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + tcp


def modbus_reads(count: int, *, every: float = 0.1, host: int = 1) -> list[tuple[float, bytes]]:
    """A client that reads ten registers again and again, and its answers."""
    packets = []
    client, server, out, back = f"10.1.0.{host}", f"10.1.1.{host}", 1000, 5000
    for number in range(count):
        request = struct.pack("!HHHBBHH", number % 65536, 0, 6, 1, 3, 100, 10)
        values = struct.pack("!10H", *[(number + i) % 65536 for i in range(10)])
        answer = struct.pack("!HHHBBB", number % 65536, 0, 23, 1, 3, 20) + values
        at = number * every
        packets.append((at, packet(client, server, 40000, 502, out, request)))
        packets.append((at + every / 10, packet(server, client, 502, 40000, back, answer)))
        out, back = out + len(request), back + len(answer)
    return packets


def write_pcap(path: Path, packets: list[tuple[float, bytes]], cut: int = 0) -> Path:
    """Microsecond pcap; `cut` bytes are missing at its end."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for at, frame in packets:
        micros = round((START + at) * 1_000_000)
        data += struct.pack("<IIII", *divmod(micros, 1_000_000), len(frame), len(frame)) + frame
    path.write_bytes(data[: len(data) - cut] if cut else data)
    return path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """50 transactions in 5 seconds."""
    return write_pcap(tmp_path / "plant.pcap", modbus_reads(50))


class Program:
    """Runs `driftspan` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return self._run("-m", "sensor", *map(str, arguments), **options)

    def python(self, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A program that does what `code` says, with these arguments."""
        return self._run("-c", code, *map(str, arguments))

    def _run(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COLUMNS": "120"}
        environment.pop("DRIFTSPAN_TRACEBACK", None)
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
            **options,  # type: ignore[call-overload]
        )  # fmt: skip

    def rows(self, *arguments: object) -> list[dict[str, object]]:
        """The rows of a command that must succeed."""
        done = self(*arguments, "--format", "ndjson")
        assert done.returncode == 0, done.stderr
        return [orjson.loads(line) for line in done.stdout.splitlines()]

    def refused(self, *arguments: object, status: int = 2) -> str:
        """The one sentence of a command that must fail."""
        done = self(*arguments)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("driftspan: ")
        assert "Traceback" not in done.stderr
        return lines[0].removeprefix("driftspan: ")


@pytest.fixture
def driftspan(tmp_path: Path) -> Program:
    return Program(tmp_path)


def alert_row(identity: str, **more: object) -> dict[str, object]:
    """An alert as the store takes it."""
    row: dict[str, object] = {
        "ts": START * 10**9, "alert_id": identity, "detector": "made", "kind": "made.up", "title": "Made up",
        "severity": "low", "confidence": 0.5, "src_ip": "::1", "dst_ip": "::2", "src_zone": "", "dst_zone": "",
        "protocol": "", "summary": "made up", "evidence": {}, "techniques": [], "attack_version": "", "controls": [],
        "frames": [], "capture": "", "count": 1, "first_ts": START * 10**9, "last_ts": START * 10**9, "suppressed": "",
    }  # fmt: skip
    return row | more


def write_alerts(store: Path, rows: list[dict[str, object]], days: float = 1.0) -> None:
    """Alerts of a case `c` with so much traffic, through the store itself: in a process of its own, as chDB wants it."""
    script = """
import json, sys
from sensor.store import CaptureFacts, open_store
rows, days = json.load(sys.stdin)
opened = open_store(sys.argv[1], "driftspan", "s")
opened.begin_case("c", [CaptureFacts("1" * 32, "c.pcap")])
opened.upsert("alert_rows", rows)
first = rows[0]["ts"] if rows else 0
opened.finish_case({"1" * 32: {"packets": 1, "first_ts": first, "last_ts": first + round(days * 86400e9)}})
opened.close()
"""
    subprocess.run(
        [sys.executable, "-c", script, str(store)], input=orjson.dumps([rows, days]), check=True, timeout=120
    )


Captures = Callable[..., Path]


@pytest.fixture
def make_capture(tmp_path: Path) -> Captures:
    def make(name: str, count: int, **options: object) -> Path:
        return write_pcap(tmp_path / name, modbus_reads(count, **options))  # type: ignore[arg-type]

    return make
