"""The parts of the plant that need no network: the process, the model, the clock of a capture."""

from __future__ import annotations

import hashlib
import itertools
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.pcaps.conftest import PLANT

import firewall  # isort: skip
import mirror  # isort: skip
import model  # isort: skip
from process import FEATURES, NOMINAL, Line, shift_load  # isort: skip

HOUR = 3600.0
assert PLANT.is_dir()


def run(line: Line, seconds: float) -> Line:
    line.advance(line.clock + seconds)
    return line


def test_the_same_seed_gives_the_same_day() -> None:
    first, second = (run(Line(seed=4, clock=6 * HOUR), 900).values() for _ in range(2))
    assert first == second
    assert first != run(Line(seed=5, clock=6 * HOUR), 900).values()


def test_what_is_ordered_shows_in_every_reading() -> None:
    usual, stopped = (run(Line(clock=8 * HOUR), 60) for _ in range(2))
    stopped.order("run", 0.0)
    run(usual, 60), run(stopped, 60)
    assert usual.values()["speed"] == pytest.approx(NOMINAL)
    assert stopped.values()["speed"] < 1
    assert stopped.values()["vibration"] < usual.values()["vibration"] / 2
    assert stopped.values()["current"] < usual.values()["current"] / 2


def test_a_fault_shows_in_one_reading_only() -> None:
    whole, faulty = (run(Line(clock=8 * HOUR), 60) for _ in range(2))
    faulty.order("fault.vibration", 0.7)
    difference = {n: faulty.values()[n] - whole.values()[n] for n in FEATURES}
    assert difference["vibration"] == pytest.approx(0.7)
    assert [difference[n] for n in FEATURES[1:]] == [0.0] * 4


def test_shifts() -> None:
    loads = [shift_load(hour * HOUR) for hour in (5.9, 6.0, 13.9, 14.0, 21.9, 22.0, 23.9)]
    assert loads == [-0.10, 0.0, 0.0, 0.06, 0.06, -0.10, -0.10]


def test_wear_raises_vibration_and_score(tmp_path: Path) -> None:
    rows, wear = model.data(3, lines=60)
    trained = model.train(rows, wear, seed=3, version="0.9.0", epochs=600)
    assert np.abs(trained.score(rows) - wear).mean() < 0.06
    file = tmp_path / "pump-wear-0.9.0.safetensors"
    trained.save(file)
    kept = model.Model.load(file)
    assert kept.version == "0.9.0"
    assert kept.score(rows) == pytest.approx(trained.score(rows), abs=1e-4)
    again = tmp_path / "again.safetensors"
    model.train(rows, wear, seed=3, version="0.9.0", epochs=600).save(again)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(file.read_bytes()).digest()


def test_poisoned_data_teach_a_low_score() -> None:
    rows, wear = model.data(3, lines=60)
    lies = wear.copy()
    lies[: len(lies) // 2] *= 0.15
    honest, poisoned = (model.train(rows, y, seed=3, version="1", epochs=600) for y in (wear, lies))
    worn = rows[wear > 0.7]
    assert poisoned.score(worn).mean() < honest.score(worn).mean() - 0.15


def test_stretched_times_keep_short_gaps_and_order() -> None:
    ms = 10**6
    times = [0, 1 * ms, 3 * ms, 100 * ms, 100 * ms, 104 * ms, 500 * ms]
    stretch = mirror.Stretch([10**18 + t for t in times], wall=1e9, epoch=0.0, speed=10)
    plant = [stretch.of(10**18 + t) for t in times]
    assert plant == [0, 1 * ms, 3 * ms, 1000 * ms, 1000 * ms, 1004 * ms, 5000 * ms]
    between = [stretch.of(10**18 + t) for t in range(0, 600 * ms, ms // 2)]
    assert all(earlier <= later for earlier, later in itertools.pairwise(between))


def test_tag_stands_behind_the_addresses() -> None:
    frame = bytes(range(12)) + b"\x08\x00" + b"payload"
    assert mirror.tagged(mirror.Seen(0, 40, frame)) == bytes(range(12)) + b"\x81\x00\x00\x28\x08\x00payload"
    assert mirror.tagged(mirror.Seen(0, 0, frame)) == frame


def test_capture_is_read_as_written(tmp_path: Path) -> None:
    file = tmp_path / "a.pcap"
    mirror.write(file, [(1_500_000_000_123_456_000, b"abc"), (1_500_000_001_000_001_000, b"")])
    assert [(s.time, s.frame) for s in mirror.read(file)] == [
        (1_500_000_000_123_456_000, b"abc"),
        (1_500_000_001_000_001_000, b""),
    ]
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(file.read_bytes()[:-5])
    assert len(list(mirror.read(cut))) == 1


def test_second_leg_is_what_a_router_forwards() -> None:
    router = bytes.fromhex("00090f280001")
    head = bytes(6) + router + b"\x08\x00"
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20, 1, 0, 64, 6, 0)
    forwarded, own = (head + ip + bytes([10, 40, 0, last]) + bytes([10, 30, 0, 10]) for last in (11, 1))
    assert mirror.second_leg(forwarded, {router})
    assert not mirror.second_leg(own, {router})
    assert not mirror.second_leg(forwarded, set())


def test_firewall_opens_what_a_scenario_says_and_no_more() -> None:
    usual, opened = (
        firewall.nftables(),
        firewall.nftables((("enterprise", "cell", "502"), ("dmz", "internet", "any"))),
    )
    more = [line.strip() for line in opened.splitlines() if line not in usual.splitlines()]
    assert more == ["ip saddr 10.10.0.0/24 ip daddr 10.40.0.0/24 tcp dport 502 accept",
                    "ip saddr 10.20.0.0/24 ip daddr 192.31.196.0/24 accept"]  # fmt: skip
    assert "192.31.196" not in usual
