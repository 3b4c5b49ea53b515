"""`driftspan doctor --interface` on interfaces of a namespace of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parsers.test_live import APART, possible

ROOT = Path(__file__).parents[2]
LINK = (
    "ip link add name wire0 type veth peer name port0; {then}; exec {python} -m sensor doctor --format ndjson {words}"
)


def doctor(then: str, *words: str) -> dict[str, dict[str, str]]:
    if not possible():
        pytest.skip("no network namespaces with veth pairs here (unshare, ip)")
    script = LINK.format(then=then, python=sys.executable, words=" ".join(words))
    done = subprocess.run([*APART, "sh", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "Traceback" not in done.stderr
    return {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}


def test_an_interface_that_can_be_listened_to() -> None:
    found = doctor("ip link set wire0 up; ip link set port0 up; ip link set port0 mtu 9000", "--interface", "port0")
    assert found["interface port0"]["state"] == found["right to listen"]["state"] == "ok"
    assert found["mtu port0"]["found"] == "9000"
    assert found["counters port0"]["state"] == "ok"
    assert found["ring memory"]["found"].startswith("rings take 64 MiB")
    assert found["time zone"]["found"].endswith("in UTC")
    assert "clock" in found and "libpcap" in found


def test_what_is_wrong_is_said_with_its_mend() -> None:
    found = doctor("true", "--interface", "port0", "--interface", "nosuch0")
    assert found["interface port0"]["advice"] == "switch it on: ip link set dev port0 up"
    assert found["interface nosuch0"]["state"] == "bad"
    assert "port0" in found["interface nosuch0"]["advice"]
    alone = doctor("ip link set port0 up", "--interface", "port0")
    assert alone["interface port0"]["found"] == "up, without a link"


def test_offloads_that_join_packets_are_named() -> None:
    found = doctor("ip link set wire0 up; ip link set port0 up", "--interface", "port0")["offloads port0"]
    joined = "gro" in found["found"].split(";")[0]
    assert found["advice"].startswith("ethtool -K port0") if joined else not found["advice"]


def test_without_the_right_to_listen_it_is_told_how_to_get_it() -> None:
    program = "from parsers import drop_privileges; drop_privileges(); import sys; from sensor.cli import main; "
    dropped = [sys.executable, "-c", program + "sys.exit(main(['doctor', '--format', 'ndjson']))"]
    done = subprocess.run(dropped, capture_output=True, text=True, check=False, cwd=ROOT)
    (row,) = [row for row in map(json.loads, done.stdout.splitlines()) if row["check"] == "right to listen"]
    assert row["state"] == "note" and "setcap cap_net_raw+ep" in row["advice"]
