"""Exports that go on: nothing lost, from where they were, with receivers that go away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sensor.errors import InputError, StoreError
from sensor.export.cursor import Cursor, default_cursor
from sensor.export.follow import Follow
from sensor.export.job import Job
from sensor.export.source import Wanted
from sensor.export.ways import AwayError
from sensor.export.ways.syslog import Trust
from tests.sensor.conftest import START, Program, alert_row, write_alerts

JOB = Job("test", "eve", Wanted(("alert",), status=("open",)), output="x")


class Flaky:
    """A receiver that is away for some tries, and refuses some records for good."""

    longest = 0

    def __init__(self, away: int = 0, refuse: tuple[str, ...] = ()) -> None:
        self.away, self.refuse, self.got = away, refuse, []

    def send(self, messages):
        if self.away:
            self.away -= 1
            raise AwayError("it is away")
        self.got += [m.record.id for m in messages if m.record.id not in self.refuse]
        return [m for m in messages if m.record.id in self.refuse]

    def close(self) -> None:
        pass


class Answers:
    """The two questions that are asked of a store, answered from a list of (stored, id)."""

    def __init__(self, rows: list[tuple[int, str]]) -> None:
        self.rows = rows
        self.asked: list[str] = []

    def query(self, sql, fmt, *, final=True):
        self.asked.append(sql)
        if "toString(stored)" in sql:
            after = sql.partition("toDateTime64('")[2].partition("'")[0]
            found = [r for r in self.rows if f"{r[0]:02d}" > after][:200]
            yield b"".join(
                json.dumps({"at": f"{at:02d}", "case_id": "c", "id": identity}).encode() + b"\n"
                for at, identity in found
            )
        elif "arrayJoin" not in sql:
            for _, identity in self.rows:
                if f"('c', '{identity}')" in sql:
                    row = alert_row(identity) | {
                        "sensor": "s",
                        "case_id": "c",
                        "status": "open",
                        "evidence": "",
                        "first_ts": "2026-01-01 00:00:00.0",
                        "last_ts": "2026-01-01 00:00:00.0",
                    }
                    yield json.dumps(row).encode() + b"\n"

    def close(self) -> None:
        pass


def test_nothing_is_lost_while_the_receiver_is_away(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sensor.export.follow.LOOK", 0.01)
    said: list[str] = []
    store, way, cursor = (
        Answers([(n, f"{n:032x}") for n in range(1, 6)]),
        Flaky(away=1, refuse=(f"{2:032x}",)),
        Cursor(tmp_path / "c.json"),
    )
    follow = Follow(JOB, way, cursor, lambda: store, lambda text, level: said.append(text))
    send, looks = way.send, []

    def ended(messages):
        taken = send(messages)
        looks.append(1)
        follow.end()
        return taken

    monkeypatch.setattr(way, "send", ended)
    follow.run()
    assert way.got == [f"{n:032x}" for n in (1, 3, 4, 5)]
    assert (follow.sent, follow.refused) == (4, 1)
    assert "it is away; everything waits in the store" in said[0]
    assert json.loads((tmp_path / "c.json.refused").read_text())["driftspan"]["alert_id"] == f"{2:032x}"
    cursor.close()
    again = Cursor(tmp_path / "c.json")
    assert Follow(JOB, way, again, lambda: store, lambda *_: None).look() is False
    assert len(way.got) == 4
    store.rows.append((6, f"{6:032x}"))
    Follow(JOB, way, again, lambda: store, lambda *_: None).look()
    assert way.got[-1] == f"{6:032x}"
    again.close()


def test_a_cursor_moves_only_when_the_receiver_took_all(tmp_path) -> None:
    store, cursor = Answers([(1, "a" * 32)]), Cursor(tmp_path / "c.json")
    with pytest.raises(AwayError):
        Follow(JOB, Flaky(away=1), cursor, lambda: store, lambda *_: None).look()
    assert not (tmp_path / "c.json").exists()
    assert cursor.after("alert", "alert_id") == "1"
    cursor.close()


def test_a_store_that_is_away_is_waited_for(tmp_path) -> None:
    cursor = Cursor(tmp_path / "c.json")
    said: list[str] = []

    def none():
        follow.end()
        raise StoreError("another process has it")

    follow = Follow(JOB, Flaky(), cursor, none, lambda text, level: said.append(text))
    follow.run()
    assert "another process has it" in said[0]
    cursor.close()


def test_cursors_that_cannot_be_used(tmp_path) -> None:
    path = tmp_path / "c.json"
    held = Cursor(path)
    with pytest.raises(InputError, match="another export goes on"):
        Cursor(path)
    held.close()
    for text in ("", "{}", '{"form":2,"marks":{}}', '{"form":1,"marks":{"alert":[1]}}', "[]"):
        path.write_text(text)
        with pytest.raises(InputError, match="is no cursor"):
            Cursor(path)
    other = Job("test", "cef", JOB.wanted, syslog="tcp://10.0.0.1", trust=Trust())
    assert default_cursor("site", JOB) != default_cursor("site", other)


def test_following_a_store(driftspan: Program) -> None:
    """Begun, killed, begun again; and a second time nothing comes twice."""
    site, out = driftspan.folder / "site", driftspan.folder / "out.json"
    write_alerts(site, [alert_row(f"{n:032x}") for n in range(3)])
    child = _follow(driftspan.folder)
    assert _ids(out, 3, child) == {f"{n:032x}" for n in range(3)}
    child.kill()
    child.communicate()
    # A later state of one alert, and a new one with an earlier time than what was sent.
    write_alerts(
        site,
        [
            alert_row("0" * 32, last_ts=(START + 9) * 10**9),
            alert_row("f" * 32, first_ts=5 * 10**9, last_ts=5 * 10**9, ts=5 * 10**9),
        ],
    )
    child = _follow(driftspan.folder)
    assert _ids(out, 5, child) == {f"{n:032x}" for n in (0, 1, 2, int("f" * 32, 16))}
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 0 and "2 records were exported" in said
    assert len(out.read_text().splitlines()) == 5


def _follow(folder: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "sensor",
        "export",
        "--to",
        "eve",
        "--store",
        "site",
        "--follow",
        "--output",
        "out.json",
    ]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env={**os.environ})


def _ids(path: Path, lines: int, child: subprocess.Popen[str]) -> set[str]:
    end = time.monotonic() + 90
    while time.monotonic() < end and child.poll() is None:
        found = path.read_text().splitlines() if path.exists() else []
        if len(found) >= lines:
            time.sleep(0.5)  # the cursor is saved a moment later
            return {json.loads(line)["driftspan"]["alert_id"] for line in found}
        time.sleep(0.1)
    child.kill()
    raise AssertionError(child.communicate()[1])
