"""Selective replay: the engine's filter decides as libpcap does, and folders and patterns name captures."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from parsers import Engine, Selection
from sensor.chosen import programs
from tests.sensor.conftest import START, modbus_reads, packet, write_pcap

ROOT = Path(__file__).parents[2]
FILTERS = (
    "tcp", "udp or arp", "host 10.40.0.11", "tcp port 502 and src net 10.0.0.0/8", "not port 1883", "ip[8] > 60",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "greater 200", "less 70", "ether multicast", "vlan", "ip6",
    "portrange 20000-50000", "tcp[((tcp[12:1] & 0xf0) >> 2):2] = 0x0001", "ether proto 0x88cc", "icmp", "len % 3 = 1",
)  # fmt: skip


def counted(path: Path, **options: object) -> int:
    engine = Engine([path], **options)
    total = 0
    while (window := engine.next()) is not None:
        total += window.counters["packets"]
    return total


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed: it asks libpcap")
@pytest.mark.parametrize("words", FILTERS)
def test_a_filter_decides_as_libpcap_does(tmp_path, words) -> None:
    path = tmp_path / "mixed.pcap"
    noise = random.Random(1)
    frames = [(i / 100, bytes(noise.randbytes(noise.randrange(1, 90)))) for i in range(300)]
    frames += [(3 + i, packet("10.40.0.11", "10.2.0.1", 502, 40_000 + i, 1, noise.randbytes(i))) for i in range(40)]
    write_pcap(path, frames)
    for of in (path, ROOT / "pcaps" / "demo.pcap"):
        out = tmp_path / "chosen.pcap"
        subprocess.run(["tcpdump", "-r", str(of), "-w", str(out), words], check=True, capture_output=True)
        data, at, number = out.read_bytes(), 24, 0
        while at < len(data):
            at, number = at + 16 + struct.unpack_from("<I", data, at + 8)[0], number + 1
        assert counted(of, selection=Selection(programs=programs(words))) == number


def test_only_the_packets_of_a_time_and_a_host_are_replayed(driftspan, make_capture) -> None:
    one, two = make_capture("one.pcap", 50), make_capture("two.pcap", 50, host=2)
    options = ("--case", "c", "--host", "10.1.0.1", "--from", f"{iso(1)}", "--to", f"{iso(2)}")
    [summary] = driftspan.rows("replay", one, two, *options)
    assert (summary["packets"], summary["flows"]) == (21, 1)
    message = driftspan.refused("replay", one, "--filter", "prot 502")
    assert "filter 'prot 502'" in message
    assert "later than" in driftspan.refused("replay", one, "--from", iso(2), "--to", iso(1))
    assert "is no address" in driftspan.refused("replay", one, "--host", "plc")


def iso(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(START + seconds, UTC).isoformat()


def test_two_taps_that_saw_the_same_are_one(driftspan, tmp_path) -> None:
    packets = modbus_reads(50)
    write_pcap(tmp_path / "a.pcap", packets)
    write_pcap(tmp_path / "b.pcap", [(at + 0.000_4, data) for at, data in packets[20:]])
    [summary] = driftspan.rows("replay", tmp_path / "a.pcap", tmp_path / "b.pcap")
    assert (summary["packets"], summary["duplicates"], summary["modbus"], summary["gaps"]) == (180, 80, 50, 0)


def test_a_folder_and_a_pattern_are_their_captures(driftspan, make_capture, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for number in (1, 2):
        shutil.move(make_capture(f"p{number}.pcap", 10, host=number), tmp_path / "in")
    (tmp_path / "in" / "notes.txt").write_text("x")
    done = driftspan("replay", "in", "--case", "folder", "--format", "ndjson")
    assert (done.returncode, '"packets":40,' in done.stdout, "notes.txt" in done.stderr) == (0, True, True)
    [summary] = driftspan.rows("replay", "in/p*.pcap", "--case", "pattern")
    assert summary["packets"] == 40
    assert "no file has such a name" in driftspan.refused("replay", "in/*.cap")
    (tmp_path / "empty").mkdir()
    assert "no capture lies in this folder" in driftspan.refused("replay", "empty")
