from __future__ import annotations

import pytest

from sensor.textwidth import fitted, safe, safe_bytes, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("ä 水", "ä 水"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\x9b31m", "a\\x9b31m"),
        ("a\r\nb\t", "a\\x0d\\x0ab\\x09"),
        ("pay\u202egpj", "pay\\u202egpj"),
        ("\u200bx", "\\u200bx"),
        ("\ud800", "\\ud800"),
        ("\U000f0000", "\\U000f0000"),
        ("\x00", "\\x00"),
    ],
)
def test_nothing_that_drives_a_terminal_is_left(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_bytes_of_lines() -> None:
    assert safe_bytes(b'{"a":"\x1b]0;x\x07"}\n') == b'{"a":"\\x1b]0;x\\x07"}\n'
    assert safe_bytes("é\x9b1\n".encode()) == "é\\x9b1\n".encode()


def test_width() -> None:
    assert [width(text) for text in ("abc", "水", "e\u0301", "\uff41")] == [3, 2, 1, 2]


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [("ab", 4, "ab  "), ("abcd", 4, "abcd"), ("abcde", 4, "abc…"), ("水水水", 4, "水… "), ("水水", 4, "水水")],
)
def test_fitted_is_exactly_as_wide_as_asked(text: str, columns: int, shown: str) -> None:
    assert fitted(text, columns) == shown
    assert width(fitted(text, columns)) == columns
