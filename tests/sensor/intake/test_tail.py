from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sensor.intake import tail as module
from sensor.intake.lines import LONGEST_LINE
from sensor.intake.tail import Tail
from tests.sensor.intake.test_documents import EVIDENTLY, PLAIN, RECORD
from tests.sensor.intake.test_times import NOON


@pytest.fixture
def follow() -> Iterator[Callable[..., Tail]]:
    made: list[Tail] = []

    def make(*arguments: object, **more: object) -> Tail:
        made.append(Tail(*arguments, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for tail in made:
        tail.close()


def line(value: float) -> str:
    return json.dumps(RECORD | {"output": value}) + "\n"


def values(tail: Tail) -> list[object]:
    return [row.value for row in tail.look(NOON).inference]


def add(path: Path, text: str) -> None:
    with path.open("a") as handle:
        handle.write(text)


def test_only_whole_lines_and_each_once(tmp_path, follow) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line(1) + line(2)[:20])
    tail = follow("inference", [str(path)])
    assert values(tail) == [1.0]
    assert values(tail) == []
    add(path, line(2)[20:] + "\n" + line(3))
    found = tail.look(NOON).inference
    assert [(row.value, row.place) for row in found] == [(2.0, f"{path}:2"), (3.0, f"{path}:4")]


def test_a_log_that_is_rotated_loses_no_line(tmp_path, follow) -> None:
    path = tmp_path / "a.log"
    path.write_text(line(1))
    tail = follow("inference", [str(tmp_path)])
    assert values(tail) == [1.0]
    add(path, line(2))
    path.rename(tmp_path / "a.log.1")
    path.write_text(line(3))
    assert values(tail) == [2.0, 3.0]
    add(path, line(4))
    path.unlink()
    assert values(tail) == [4.0]
    path.write_text(line(5))
    assert values(tail) == [5.0]


def test_a_log_that_is_cut_begins_anew(tmp_path, follow) -> None:
    path = tmp_path / "a.log"
    path.write_text(line(1) + line(2))
    tail = follow("inference", [str(path)])
    assert values(tail) == [1.0, 2.0]
    path.write_text(line(7))
    [found] = tail.look(NOON).inference
    assert (found.value, found.place) == (7.0, f"{path}:1")


def test_a_line_without_end_is_given_up_once(tmp_path, follow) -> None:
    path = tmp_path / "a.log"
    path.write_text("x" * (LONGEST_LINE + 5))
    tail = follow("inference", [str(path)])
    [reject] = tail.look(NOON).rejects
    assert "longer than" in reject.reason
    add(path, "x" * (LONGEST_LINE + 5))
    assert tail.look(NOON).rejects == []
    add(path, "tail\n" + line(1))
    batch = tail.look(NOON)
    assert (batch.rejects, [row.place for row in batch.inference]) == ([], [f"{path}:2"])


def test_a_document_is_read_again_when_it_changed(tmp_path, follow) -> None:
    path = tmp_path / "pump.json"
    path.write_text(json.dumps(EVIDENTLY))
    tail = follow("drift", [str(tmp_path)], models=["pump"])
    [first] = tail.look(NOON).drift
    assert (first.model_id, first.ts) == ("pump", path.stat().st_mtime_ns)
    assert len(tail.look(NOON)) == 0
    path.write_text(json.dumps(PLAIN | {"ts": NOON, "statistic": 44}))
    assert [row.statistic for row in tail.look(NOON).drift] == [44]


def test_what_is_not_there_yet_is_said_and_taken_when_it_comes(tmp_path, follow) -> None:
    path = tmp_path / "a.jsonl"
    tail = follow("drift", [str(path)])
    assert len(tail.look(NOON)) == 0
    assert list(tail.troubles) == [f"{path}: there is no such file or directory yet"]
    path.write_text(json.dumps(PLAIN) + "\n")
    assert [row.ts for row in tail.look(NOON).drift] == [NOON]


def test_no_more_files_than_the_limit_are_open(tmp_path, follow, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_FOLLOWED", 2)
    for n in range(4):
        (tmp_path / f"{n}.log").write_text(line(n))
    tail = follow("inference", [str(tmp_path)])
    assert values(tail) == [0.0, 1.0]
    assert "2 files are not followed: there are more than 2" in tail.troubles
