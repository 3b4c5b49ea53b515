from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sensor.errors import InputError
from sensor.intake import feed as module
from sensor.intake.feed import AROUND, Feed
from sensor.intake.lines import LONGEST_LINE
from tests.sensor.intake.test_documents import EVIDENTLY, PLAIN, RECORD
from tests.sensor.intake.test_times import NOON

SECOND = 10**9


def log(path: Path, *records: object) -> str:
    path.write_text("".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records))
    return str(path)


def at(seconds: float) -> dict[str, object]:
    return RECORD | {"ts": NOON + round(seconds * SECOND)}


def test_each_window_gets_its_records_once_and_in_order(tmp_path) -> None:
    one = log(tmp_path / "a.jsonl", at(25), at(3), at(3))
    two = log(tmp_path / "b.jsonl", at(12), "\n", at(3) | {"output": 7})
    drift = log(tmp_path / "d.jsonl", PLAIN | {"ts": NOON + 11 * SECOND})
    feed = Feed([drift], [one, two])
    given = []
    for start in (0, 10, 20):
        found = feed.until(NOON + start * SECOND, NOON + (start + 10) * SECOND)
        given.append([(row.ts - NOON) // SECOND for row in found["inference"]])
        assert len(found["drift"]) == (start == 10)
        assert feed.until(NOON + start * SECOND, NOON + (start + 10) * SECOND) == {"drift": [], "inference": []}
    assert given == [[3, 3], [12], [25]]
    assert feed.rest() == {"drift": [], "inference": []}
    assert feed.notes() == []
    assert feed.counters() == {
        "intake.drift": 1, "intake.inference": 5, "intake.drift_given": 1, "intake.inference_given": 4,
        "intake.rejected": 0, "intake.overflow": 0,
    }  # fmt: skip


def test_a_directory_is_its_files(tmp_path) -> None:
    log(tmp_path / "b.log", at(1))
    log(tmp_path / "a.json", [at(2), at(3)])  # type: ignore[list-item]
    log(tmp_path / "notes.txt", "no record")
    feed = Feed((), [str(tmp_path), str(tmp_path / "b.log")])
    assert feed.read == {"inference": 3}
    with pytest.raises(InputError, match="no such file"):
        Feed([str(tmp_path / "none")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file that ends in"):
        Feed([str(tmp_path / "empty")])


def test_bad_lines_are_counted_and_the_first_of_a_file_is_named(tmp_path) -> None:
    long = '{"a": "' + "x" * LONGEST_LINE + '"}\n'
    path = log(tmp_path / "a.jsonl", at(1), "{\n", long, long, {"model_id": "m"}, "\x00\x01\n", at(2))
    feed = Feed((), [path])
    assert feed.read["inference"] == 2
    assert sum(feed.rejected.values()) == 5
    assert [reject.place.rpartition(":")[2] for reject in feed.rejects] == ["2", "3", "4", "5", "6"]
    [note] = feed.notes()
    assert note.startswith(f"{path}:2: is no JSON")
    assert note.endswith("(4 more lines of this file cannot be read)")
    assert feed.rejects[0].text == "{"
    assert all(len(reject.text) <= 4096 for reject in feed.rejects)


def test_records_around_the_capture_are_given_and_those_of_another_time_told(tmp_path) -> None:
    around = AROUND // SECOND
    path = log(tmp_path / "a.jsonl", at(-around - 1), at(-around + 1), at(5), at(10 + around - 1), at(10 + around + 1))
    feed = Feed((), [path])
    assert len(feed.until(NOON, NOON + 10 * SECOND)["inference"]) == 2
    assert len(feed.rest()["inference"]) == 1
    [note] = feed.notes()
    assert note == "4 of 5 inference records lie outside the capture's time (2 before and 2 after it)"


def test_a_log_of_another_day_is_told_with_both_times(tmp_path) -> None:
    feed = Feed((), [log(tmp_path / "a.jsonl", at(-86400), at(-86000))])
    assert feed.until(NOON, NOON + 10 * SECOND)["inference"] == []
    [note] = feed.notes()
    assert "2026-02-28T12:00:00Z to 2026-02-28T12:06:40Z" in note
    assert note.endswith("look at the clocks and time zones")


def test_drift_that_was_reported_later_but_began_in_the_capture(tmp_path) -> None:
    later = PLAIN | {"ts": NOON + 86400 * SECOND}
    path = log(
        tmp_path / "d.jsonl",
        later | {"since": "2026-03-01T12:00:05Z"},
        later | {"since": "2026-03-01T13:00:00Z", "kind": "input"},
    )
    feed = Feed([path])
    assert feed.until(NOON, NOON + 10 * SECOND)["drift"] == []
    assert [row.kind for row in feed.rest()["drift"]] == ["output"]


def test_a_report_without_time_and_model_has_those_of_its_file(tmp_path) -> None:
    path = log(tmp_path / "pump-wear.evidently.json", EVIDENTLY)
    os.utime(path, ns=(NOON, NOON))
    [found] = Feed([path], models=["pump-wear", "other"]).records.drift
    assert (found.model_id, found.ts) == ("pump-wear", NOON)
    assert "which model" in Feed([path]).notes()[0]
    lines = log(tmp_path / "pump-wear.jsonl", EVIDENTLY)
    assert "names no time" in Feed([lines], models=["pump-wear"]).notes()[0]


def test_no_more_records_than_the_limit(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_RECORDS", 3)
    monkeypatch.setattr(module, "MOST_REJECTS", 1)
    path = log(tmp_path / "a.jsonl", *(at(n) for n in range(5)), "{\n", "{\n")
    feed = Feed((), [path])
    assert len(feed.records.inference) == 3
    assert len(feed.records.rejects) == 1
    assert feed.counters()["intake.overflow"] == 2
    assert "2 inference records are beyond the 3" in feed.notes()[1]
