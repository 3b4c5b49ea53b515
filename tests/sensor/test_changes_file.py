"""Approved changes from CSV and JSON, whole and broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detectors.changes import Change
from sensor import changes_file
from sensor.errors import InputError

HOUR = 3600 * 10**9
TEN = 1_772_359_200 * 10**9  # 2026-03-01T10:00:00Z
HEAD = "id,start,end,hosts,actions,note\n"
ROW = "C1,2026-03-01T10:00:00Z,2026-03-01T12:00:00Z,"


def load(tmp_path: Path, data: str | bytes, name: str = "changes.csv") -> tuple[Change, ...]:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return changes_file.load([str(path)])


def test_our_own_columns(tmp_path: Path) -> None:
    text = (
        HEAD
        + ROW
        + '"10.1.0.5, 10.2.0.0/16",write;control,"pump\n7"\n\nC2,2026-03-01 11:00,2026-03-01T13:00+01:00,,,\n'
    )
    first, second = load(tmp_path, text)
    assert first == Change("C1", TEN, TEN + 2 * HOUR, ("10.1.0.5", "10.2.0.0/16"), ("write", "control"), "pump\n7")
    assert (second.start, second.end, second.hosts) == (TEN + HOUR, TEN + 2 * HOUR, ())


def test_an_export_of_a_ticket_system(tmp_path: Path) -> None:
    text = (
        '\ufeff"Number";"Short description";"State";"Planned start date";"Planned end date";"IP Address"\r\n'
        '"CHG0030";"firmware; pump 7";"Scheduled";"2026-03-01 10:00:00";"2026-03-01 11:00:00";"10.1.0.5"\r\n'
    )
    assert load(tmp_path, text) == (Change("CHG0030", TEN, TEN + HOUR, ("10.1.0.5",), (), "firmware; pump 7"),)


def test_json(tmp_path: Path) -> None:
    rows = [
        {"number": "C1", "start": "2026-03-01T10:00:00Z", "end_date": "2026-03-01T11:00:00Z", "hosts": ["10.1.0.5"]}
    ]
    expected = (Change("C1", TEN, TEN + HOUR, ("10.1.0.5",)),)
    assert load(tmp_path, json.dumps(rows), "c.json") == expected
    assert load(tmp_path, json.dumps({"result": rows}), "c.json") == expected
    assert load(tmp_path, "[]", "c.json") == ()


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        ("", "", "is empty"),
        ("id,start,hosts\n", ":1", "no column 'end'"),
        (HEAD + "C1,2026-03-01,2026-03-02\n", ":2", "3 cells where the header names 6"),
        (HEAD + "\n" + ROW + ",nonsense,\n", ":3", "no action 'nonsense'"),
        (HEAD + ROW + ",wirte,\n", ":2", "did you mean 'write'"),
        (HEAD + ROW + "PLC-7,,\n", ":2", "'PLC-7' is neither an address nor a network"),
        (HEAD + "C1,2026-03-01T10:00Z,2026-03-01T10:00Z,,,\n", ":2", "'C1' ends before it begins"),
        (HEAD + "C1,soon,2026-03-01,,,\n", ":2", "start 'soon' is no time"),
        (HEAD + "C1,,2026-03-01,,,\n", ":2", "has no 'start'"),
        (HEAD + ",2026-03-01,2026-03-02,,,\n", ":2", "has no 'id'"),
        (HEAD + 'C1,"2026-03-01,,,,\n', ":2", "is no CSV"),
        (HEAD.encode() + b"\xff\n", ":2", "UTF-8"),
        ('[{"id": 1,\n}]', ":2", "is no JSON"),
        ('{"id": 1}', "", "a list of changes"),
        ("[3]", ": change number 1", "must be an object"),
        (
            '[{"id": "a", "start": "2026-03-01", "end": "2026-03-02", "hosts": [7]}]',
            ": change number 1",
            "list of texts",
        ),
        ('[{"id": ["a"], "start": "2026-03-01", "end": "2026-03-02"}]', ": change number 1", "must be a text"),
        ("[" * 100_000, "", "nested too deeply"),
    ],
)
def test_what_is_wrong_names_its_line(tmp_path: Path, data: str | bytes, place: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, data)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'changes.csv'}{place}: "), message
    assert words in message
    assert "\n" not in message


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such file of changes"):
        changes_file.load([str(tmp_path / "none.csv")])
    with pytest.raises(InputError, match="cannot be read"):
        changes_file.load([str(tmp_path)])
    monkeypatch.setattr(changes_file, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="is larger than"):
        load(tmp_path, HEAD)
    monkeypatch.undo()
    monkeypatch.setattr(changes_file, "MOST_ROWS", 1)
    with pytest.raises(InputError, match=r"csv:3: there are more than 1 changes"):
        load(tmp_path, HEAD + f"{ROW},,\n" * 2)
