from __future__ import annotations

import io
import os
from collections.abc import Generator

import pytest

from sensor import output


class Answers:
    """A store that gives what it is told to."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def query(self, sql: str, fmt: str) -> Generator[bytes]:
        assert (sql, fmt) == ("SELECT 1", "JSONCompactEachRowWithNames")
        yield from self.pieces

    def close(self) -> None:
        pass


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_is_aligned_and_harmless() -> None:
    out = io.StringIO()
    rows = [[1, "::ffff:10.0.0.1", None], [23, "fe80::1", ["a", "b\x1b[2J"]]]
    assert output.write_table(["n", "ip", "list"], rows, out) == 2
    assert out.getvalue().splitlines() == [
        " n  ip        list",
        "──  ────────  ───────────",
        " 1  10.0.0.1",
        "23  fe80::1   a, b\\x1b[2J",
    ]


def test_a_table_fits_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 24)))
    out = Terminal()
    output.write_table(["short", "long", "longer"], [["x", "y" * 60, "水" * 60]], out)
    lines = out.getvalue().splitlines()
    assert all(output.width(line) <= 40 for line in lines)
    assert "…" in lines[2]


def test_pieces_need_not_end_with_lines(capsys: pytest.CaptureFixture[str]) -> None:
    store = Answers(b'["a"]\n["x', b'y"]\n["z"]', b"\n")
    assert output.show_query(store, "SELECT 1", "table") == 2
    assert capsys.readouterr().out.splitlines() == ["a", "──", "xy", "z"]


def test_an_answer_without_a_row_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.show_query(Answers(), "SELECT 1", "table") == 0
    assert capsys.readouterr().out == ""


def test_more_rows_than_are_measured_are_all_shown() -> None:
    out = io.StringIO()
    assert output.write_table(["n"], ([i] for i in range(2500)), out) == 2500
    assert out.getvalue().splitlines()[-1].strip() == "2499"


@pytest.mark.parametrize(
    ("fmt", "shown"),
    [("ndjson", '{"a":1,"b":"x"}\n'), ("csv", "a,b\n1,x\n"), ("table", "a  b\n─  ─\n1  x\n")],
)
def test_rows_of_our_own(fmt: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.show_rows([{"a": 1, "b": "x"}], fmt)
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "yes"),
        ({"a": [1, None]}, "a=1, "),
        ("2025-01-01 00:00:00.000000000", "2025-01-01 00:00:00"),
        ("2025-01-01 00:00:00.100000000", "2025-01-01 00:00:00.100000000"),
        ("::ffff:0", "::ffff:0"),
        (1.5, "1.5"),
    ],
)
def test_cells(value: object, shown: str) -> None:
    assert output.cell(value) == shown
