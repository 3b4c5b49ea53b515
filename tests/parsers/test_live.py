"""The live ring on a real interface: a veth pair in a network namespace that the test makes and leaves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from parsers import Engine

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "pcaps" / "demo.pcap")
APART = ["unshare", "--user", "--map-root-user", "--net"]


@cache
def possible() -> bool:
    """Whether this machine lets us make network namespaces, and links in them."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    made = [*APART, "ip", "link", "add", "name", "a0", "type", "veth", "peer", "name", "b0"]
    return subprocess.run(made, capture_output=True, check=False).returncode == 0


def trial(name: str) -> dict[str, Any]:
    if not possible():
        pytest.skip("no network namespaces with veth pairs here (unshare, ip)")
    command = [*APART, sys.executable, "-m", "tests.parsers.mirror_port", name, DEMO]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@cache
def replayed() -> tuple[dict[str, int], dict[str, int]]:
    counters: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    engine = Engine([DEMO], window_seconds=3600)
    while (window := engine.next()) is not None:
        counters.update(window.counters)
        rows.update({name: table.num_rows for name, table in window.tables.items()})
    return dict(counters), dict(rows)


MESSAGES = ("modbus", "dnp3", "opcua", "mqtt", "tls", "tag_changes", "anomalies", "files", "sightings")


def same_messages(found: dict[str, Any]) -> None:
    _, rows = replayed()
    assert {name: found["rows"].get(name, 0) for name in MESSAGES} == {name: rows.get(name, 0) for name in MESSAGES}


def test_what_comes_live_is_what_a_replay_reads_and_nothing_is_sent() -> None:
    found = trial("plain")
    counters, _ = replayed()
    assert found["counters"]["packets"] == found["done"] == counters["packets"]
    assert found["counters"]["bytes"] == counters["bytes"]
    assert found["counters"]["dropped.kernel"] == found["counters"]["dropped.damaged"] == 0
    assert found["counters"]["kernel.received"] == found["done"]
    assert found["transmitted"] == 0
    same_messages(found)
    (facts,) = found["captures"]
    assert (facts["path"], facts["format"], facts["packets"]) == ("port0", "live", counters["packets"])


def test_vlan_tags_that_the_kernel_takes_out_are_put_back() -> None:
    found = trial("tagged")
    counters, _ = replayed()
    assert set(found["vlans"]) == {"10", "20", "30", "40", "50"}  # the inner tag, as in the capture
    assert found["counters"]["bytes"] == counters["bytes"] + 4 * counters["packets"]
    same_messages(found)


def test_what_the_ring_cannot_hold_is_counted_exactly() -> None:
    found = trial("overrun")
    seen, lost = found["counters"]["packets"], found["counters"]["dropped.kernel"]
    assert lost > 0
    assert seen + lost == found["done"]
    assert found["counters"]["kernel.received"] == seen
    assert found["counters"]["kernel.freezes"] > 0
    assert found["captures"][0]["dropped"] == lost


def test_packets_are_taken_while_nobody_takes_windows() -> None:
    found = trial("busy")
    assert found["counters"]["dropped.kernel"] == 0
    assert found["first"] + found["counters"]["packets"] == found["done"] + 1
    assert found["counters"]["capture.held_up_ms"] == 0


def test_windows_that_wait_are_bounded_and_then_the_ring_takes_what_comes() -> None:
    found = trial("full")
    assert found["counters"]["capture.held_up_ms"] > 0
    assert found["first"] + found["counters"]["packets"] == found["done"] + 1
    assert found["counters"]["dropped.kernel"] == 0


def test_it_ends_under_a_flood() -> None:
    assert trial("flooded")["counters"]["packets"] > 0


def test_a_snap_length_cuts_packets() -> None:
    found = trial("cut")
    assert found["counters"]["packets"] == found["done"]
    assert found["counters"]["cut_packets"] == found["captures"][0]["truncated_packets"] > 0
    assert found["captures"][0]["bytes"] <= (60 + 4) * found["done"]  # a tag is no part of what the kernel cuts


def test_a_filter_chooses_packets_in_the_kernel() -> None:
    found = trial("chosen")
    assert 0 < found["counters"]["packets"] == found["counters"]["not_ip"] < found["done"]


@pytest.mark.parametrize("name", ["both", "shared"])
def test_packets_of_several_sockets_come_in_time_order(name: str) -> None:
    found = trial(name)
    assert found["counters"]["packets"] == found["done"]
    same_messages(found)


def test_a_silent_interface_is_told_window_by_window() -> None:
    windows = trial("silence")["windows"]
    counters, _ = replayed()
    assert sum(packets for _, _, packets, _ in windows) == counters["packets"]
    silent = [(start, end) for start, end, packets, _ in windows if not packets]
    assert len(silent) >= 2
    assert all(end - start == 200_000_000 and start % 200_000_000 == 0 for start, end in silent)
    assert [start for start, *_ in windows] == sorted({start for start, *_ in windows})
    assert all(tables == 1 for _, _, packets, tables in windows if not packets)  # nothing but the interface's own row


def test_an_interface_that_went_down_or_away_is_listened_to_again() -> None:
    found = trial("down")
    assert found["counters"]["packets"] == found["done"]
    assert [text.split(": ")[1][:9] for text in found["warnings"]] == ["went down", "is back"] * 2


def test_privileges_are_given_up_and_the_socket_stays_open() -> None:
    found = trial("unprivileged")
    assert int(found["effective"], 16) == 0
    assert "CAP_NET_RAW" in found["refused"]
    assert found["open"] == 1


def test_an_interface_that_is_not_there() -> None:
    assert trial("missing")["refused"].startswith("nosuch0: there is no such interface")
