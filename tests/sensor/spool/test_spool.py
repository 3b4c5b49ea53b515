"""The spool: what was committed comes out whole, in order, once; what does not fit is counted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sensor.errors import StoreError
from sensor.spool import MESSAGES, RECORDS, Batch, directory
from sensor.spool.reader import Reader
from sensor.spool.writer import Writer

ROOT = Path(__file__).parents[3]
PLENTY = 1 << 30


def batch(number: int, rows: int = 1, size: int = 10) -> Batch:
    return Batch("modbus", ("a", "b"), "Native", rows, number.to_bytes(4, "little") * (size // 4 or 1))


def drained(path: Path) -> list[Batch]:
    reader, found = Reader(path), []
    reader.drain(found.append, lambda: True)
    reader.close()
    return found


def number(one: Batch) -> int:
    return int.from_bytes(one.payload[:4], "little")


def test_what_was_committed_comes_out_in_order_and_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path, PLENTY)
    for at in range(5):
        writer.add(MESSAGES, batch(at * 2))
        writer.add(RECORDS, batch(at * 2 + 1))
        writer.commit()
    found = drained(tmp_path)
    assert [number(one) for one in found] == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]  # of one commit, records first
    assert found[0].columns == ("a", "b")
    assert len({one.token for one in found}) == 10
    assert drained(tmp_path) == []


def test_what_was_not_committed_was_never_there(tmp_path: Path) -> None:
    writer = Writer(tmp_path, PLENTY)
    writer.add(MESSAGES, batch(1))
    writer.close()
    assert drained(tmp_path) == []
    Writer(tmp_path, PLENTY).close()
    assert not list(tmp_path.glob("*.draft"))


def test_a_delivery_that_fails_is_made_again_with_the_same_token(tmp_path: Path) -> None:
    writer = Writer(tmp_path, PLENTY)
    for at in range(3):
        writer.add(MESSAGES, batch(at))
    writer.commit()
    reader, seen = Reader(tmp_path), []

    def fails(one: Batch) -> None:
        seen.append(one.token)
        if len(seen) == 2:
            raise StoreError("away")

    with pytest.raises(StoreError):
        reader.drain(fails, lambda: True)
    assert reader.backlog()[0] == 1
    reader.close()
    again = [one.token for one in drained(tmp_path)]
    assert again[:2] == seen
    assert len(again) == 3


def test_tokens_never_repeat_after_the_spool_was_empty(tmp_path: Path) -> None:
    tokens = []
    for _ in range(3):
        writer = Writer(tmp_path, PLENTY)
        writer.add(MESSAGES, batch(0))
        writer.commit()
        writer.close()
        tokens += [one.token for one in drained(tmp_path)]
    assert len(set(tokens)) == 3


def test_a_full_spool_gives_up_the_oldest_messages_and_never_records(tmp_path: Path) -> None:
    writer = Writer(tmp_path, 20_000)
    for at in range(20):
        writer.add(MESSAGES, batch(at, rows=7, size=2000))
        writer.add(RECORDS, batch(1000 + at))
        writer.commit()
    found = [number(one) for one in drained(tmp_path)]
    kept = [one for one in found if one < 1000]
    assert [one for one in found if one >= 1000] == [1000 + at for at in range(20)]
    assert kept == list(range(20 - len(kept), 20))
    assert 0 < len(kept) < 10
    assert writer.lost["messages"] == 7 * (20 - len(kept))


def test_what_a_keeper_has_begun_with_is_not_given_up(tmp_path: Path) -> None:
    writer = Writer(tmp_path, 5_000)
    writer.add(MESSAGES, batch(0, size=4000))
    writer.commit()
    reader, found = Reader(tmp_path), []

    def slow(one: Batch) -> None:
        writer.add(MESSAGES, batch(1, size=4000))
        writer.commit()
        found.append(number(one))

    reader.drain(slow, lambda: True)
    reader.close()
    assert found == [0]
    assert writer.lost["messages"] == 1  # the one that waited


@pytest.mark.parametrize("at", [3, 20, -1])
def test_a_damaged_file_is_said_kept_and_passed_over(tmp_path: Path, at: int) -> None:
    writer = Writer(tmp_path, PLENTY)
    for value in range(2):
        writer.add(MESSAGES, batch(value))
        writer.commit()
    first = min(tmp_path.glob("*.seg"))
    data = bytearray(first.read_bytes())
    data[at] ^= 0x55
    first.write_bytes(data)
    reader, found = Reader(tmp_path), []
    reader.drain(found.append, lambda: True)
    assert [number(one) for one in found] == [1]
    assert len(reader.damaged) == 1
    assert len(list(tmp_path.glob("*.damaged"))) == 1


def test_the_backlog_is_what_lies_in_the_directory(tmp_path: Path) -> None:
    writer = Writer(tmp_path, 12_000)

    def told() -> tuple[float, float]:
        said, files = writer.backlog(), directory.waiting(tmp_path)
        assert (said["spool_waiting_files"], said["spool_waiting_bytes"]) == (
            len(files), sum(file.stat().st_size for file in files),
        )  # fmt: skip
        return said["spool_waiting_files"], said["store_delay_seconds"]

    assert told() == (0, 0.0)
    for at in range(10):  # some are given up, between records that are not
        writer.add(RECORDS, batch(100 + at))
        writer.add(MESSAGES, batch(at, size=2000))
        writer.commit()
    assert told()[0] < 20
    oldest = directory.waiting(tmp_path)[0]
    os.utime(oldest, (time.time() - 50, time.time() - 50))
    oldest.rename(oldest.with_suffix(".taken"))  # a keeper has begun with it
    assert told()[1] >= 50
    reader, seen = Reader(tmp_path), []
    reader.drain(lambda one: seen.append((number(one), told()[0])), lambda: True)
    reader.close()
    assert [waiting for _, waiting in seen] == list(range(len(seen), 0, -1))
    assert told() == (0, 0.0)
    writer.close()


def test_what_a_look_at_the_backlog_costs_does_not_grow_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, looks = Writer(tmp_path, PLENTY), []
    for at in range(300):
        writer.add(MESSAGES, batch(at))
        writer.commit()
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda *args, **more: looks.append(args) or real(*args, **more))
    monkeypatch.setattr(os, "scandir", lambda *args: pytest.fail("a walk through the directory"))
    monkeypatch.setattr(os, "listdir", lambda *args: pytest.fail("a walk through the directory"))
    assert writer.backlog()["spool_waiting_files"] == 300
    assert 1 <= len(looks) <= 4
    writer.close()


def test_two_sensors_cannot_share_a_spool(tmp_path: Path) -> None:
    writer = Writer(tmp_path, PLENTY)
    with pytest.raises(StoreError, match="another driftspan"):
        Writer(tmp_path, PLENTY)
    writer.close()
    Writer(tmp_path, PLENTY).close()


WRITE = """
import sys
from pathlib import Path
from sensor.spool import MESSAGES, Batch
from sensor.spool.writer import Writer
writer = Writer(Path(sys.argv[1]), 1 << 30)
for at in range(1 << 30):
    for part in range(3):
        writer.add(MESSAGES, Batch("t", ("a",), "Native", 1, (at * 3 + part).to_bytes(4, "little") * 500))
    writer.commit()
    print(at, flush=True)
"""


@pytest.mark.parametrize("seconds", [0.02, 0.05, 0.11])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, seconds: float) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(seconds)
    os.kill(writer.pid, 9)
    acknowledged = int((writer.stdout.read().split() or [b"0"])[-1])
    writer.wait()
    writer.stdout.close()
    found = [number(one) for one in drained(tmp_path)]
    assert found == list(range(len(found)))
    assert len(found) >= 3 * (acknowledged + 1)
    assert len(found) % 3 == 0


def test_a_commit_does_not_look_at_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that has to make room: days without a store are thousands of files."""
    writer = Writer(tmp_path, 10_000)
    for at in range(50):
        writer.add(MESSAGES, batch(at, size=100))
        writer.commit()
    looked: list[Path] = []
    exists = Path.exists
    monkeypatch.setattr(directory, "waiting", lambda _: pytest.fail("the directory is listed"))
    monkeypatch.setattr(Path, "exists", lambda path: looked.append(path) or exists(path))
    for at in range(50, 150):
        writer.add(MESSAGES, batch(at, size=100))
        writer.commit()
    assert len(looked) < 6 * 100
    monkeypatch.undo()
    held = sum(file.stat().st_size for file in tmp_path.glob("*.seg"))
    assert held <= 10_000
    kept = [number(one) for one in drained(tmp_path)]
    assert kept == list(range(150 - len(kept), 150))
    assert writer.lost.total() == 150 - len(kept)


def test_what_was_delivered_meanwhile_makes_room(tmp_path: Path) -> None:
    writer = Writer(tmp_path, 3_000)
    for at in range(100):
        writer.add(MESSAGES, batch(at, size=100))
        writer.add(RECORDS, batch(at, size=100))
        writer.commit()
        if at % 5 == 4:
            assert len(drained(tmp_path)) == 10
    assert writer.lost.total() == 0
    for at in range(10):
        writer.add(RECORDS, batch(at, size=1000))
        writer.commit()
    assert writer.lost.total() == 0, "records are never given up"
    writer.close()
    again = Writer(tmp_path, 3_000)
    again.add(MESSAGES, batch(1, size=100))
    again.commit()
    assert again.lost.total() == 1, "what an earlier one left is counted as well"
