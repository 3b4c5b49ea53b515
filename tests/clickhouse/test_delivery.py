"""Rows of a sensor on their way to a server that goes away, is killed, or whose keeper is: there once, in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clickhouse.conftest import needed
from tests.clickhouse.engine import Engine
from tests.clickhouse.traffic import Keeper, Sensor, tables
from tests.sensor.test_kill import COUNTS

ROWS = 500  # of a window


@pytest.fixture
def own(tmp_path: Path):
    """A server that may be killed."""
    needed()
    made = Engine(tmp_path / "server").start()
    yield made
    made.kill()


def counted(server: Engine, *, quiet: bool = False) -> list[int] | None:
    """Windows there, the last of them, alerts, rows of messages, and what was summed up of them; None: nobody answers."""
    sql = (
        "SELECT (SELECT count() FROM d.health WHERE counter = 'commit'), (SELECT max(value) FROM d.health),"
        " (SELECT count() FROM d.alert_rows), (SELECT count() FROM d.modbus), (SELECT sum(messages) FROM d.protocol_minutes),"
        " (SELECT sum(count) FROM d.behaviours)"
    )
    try:
        return [int(number) for number in server.ask(sql).split()]
    except (OSError, RuntimeError):
        if quiet:
            return None
        raise


def test_a_server_that_is_away_gets_all_when_it_returns(own, tmp_path) -> None:
    sensor = Sensor(tmp_path / "spool", tables(tmp_path, ROWS))
    keeper = Keeper(own.url("d"), tmp_path / "spool", tmp_path / "said")
    for _ in range(3):
        sensor.commit()
        keeper.nudge()
    while (found := counted(own, quiet=True)) is None or found[0] < 3:
        time.sleep(0.2)
    own.kill()
    for _ in range(60):
        sensor.commit()
        keeper.nudge()
    while "rows wait in the spool" not in (tmp_path / "said").read_text():
        time.sleep(0.1)
    own.start()
    seen = []
    end = time.monotonic() + 90
    while not seen or seen[-1][0] < 63:
        assert time.monotonic() < end, (seen[-1:], (tmp_path / "said").read_text())
        if (found := counted(own, quiet=True)) is not None:
            seen.append(found)
        time.sleep(0.05)
    assert all(count == last for count, last, *_ in seen), "a window comes after all that were before it, and once"
    assert keeper.end() == 0
    assert counted(own) == [63, 63, 63, 63 * ROWS, counted(own)[5], counted(own)[5]]
    assert "takes rows again" in (tmp_path / "said").read_text()
    assert [file.suffix for file in (tmp_path / "spool").iterdir() if file.suffix in (".seg", ".taken")] == []


def test_whatever_is_killed_each_row_is_there_once(own, tmp_path) -> None:
    dice = random.Random(5)
    sensor = Sensor(tmp_path / "spool", tables(tmp_path, ROWS))
    keeper = Keeper(own.url("d"), tmp_path / "spool", tmp_path / "said")
    for round_ in range(4):
        for _ in range(12):
            sensor.commit()
            keeper.nudge()
        time.sleep(dice.uniform(0.0, 1.0))  # a delivery is under way
        if round_ % 2:
            own.kill()
            own.start()
        else:
            keeper.kill()
            time.sleep(0.5)
            own.revive()
            keeper.restart()
    assert keeper.end() == 0, (tmp_path / "said").read_text()
    found = counted(own)
    assert found == [48, 48, 48, 48 * ROWS, found[5], found[5]]
    assert found[5] % 48 == 0


def test_a_keeper_begins_without_the_server(tmp_path) -> None:
    """What was said before holds; what is seen waits."""
    needed()
    server = Engine(tmp_path / "server")
    sensor = Sensor(tmp_path / "spool", tables(tmp_path, 10))
    keeper = Keeper(server.url("d"), tmp_path / "spool", tmp_path / "said")
    sensor.commit()
    while "rows wait in the spool" not in (tmp_path / "said").read_text():
        time.sleep(0.1)
    server.start()
    try:
        assert keeper.end() == 0
        assert counted(server)[:4] == [1, 1, 1, 10]
    finally:
        server.kill()


def test_a_replay_that_is_killed_can_be_repeated(driftspan, make_capture, own) -> None:
    capture, url = make_capture("plant.pcap", 1200, every=0.1), own.url("d")
    driftspan.rows("replay", capture, "--store", own.url("clean"), "--case", "c")
    [wanted] = driftspan.rows("query", COUNTS, "--store", own.url("clean"))
    dice = random.Random(7)
    command = [sys.executable, "-m", "sensor", "replay", str(capture), "--store", url, "--case", "c", "--pace", "100"]
    for _ in range(4):
        process = subprocess.Popen(
            command, cwd=driftspan.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
        )
        time.sleep(dice.uniform(0.5, 3.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.5)
        own.revive()
    for _ in range(2):
        driftspan.rows("replay", capture, "--store", url, "--case", "c")
        assert driftspan.rows("query", COUNTS, "--store", url) == [wanted]
