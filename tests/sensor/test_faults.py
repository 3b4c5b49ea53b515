from __future__ import annotations

import pytest

from sensor.errors import InputError, StoreError
from sensor.store import faults


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Code: 60. DB::Exception: Unknown table `x`. (UNKNOWN_TABLE)", "Unknown table `x`"),
        (
            "Code: 164. DB::Exception: Code: 164. DB::Exception: Cannot. (READONLY) (version 26.9.2.1). (READONLY)",
            "Cannot",
        ),
        ("Code: 41. DB::Exception: Bad: (at row 1) : (in file/uri /x): While executing X. (CANNOT)", "Bad: (at row 1)"),
        ("Failed to create connection: Code: 36. DB::Exception: E: x, Stack trace (w):\n\n0. a\n (BAD)\n", "E: x"),
        ("", "RuntimeError"),
    ],
)
def test_the_first_line_says_it(text: str, line: str) -> None:
    assert faults.first_line(RuntimeError(text)) == line


def test_kinds_of_failure() -> None:
    assert isinstance(faults.of_question(RuntimeError("Code: 62. DB::Exception: x. (SYNTAX_ERROR)")), InputError)
    stopped = faults.of_question(RuntimeError("Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)"))
    assert isinstance(stopped, StoreError)
    torn = "Code: 40. DB::Exception: Checksum doesn't match: corrupted data. (CHECKSUM_DOESNT_MATCH)"
    damaged = faults.of_question(RuntimeError(torn))
    assert isinstance(damaged, StoreError) and "a part of the store is damaged" in str(damaged)
    assert "reading" in str(faults.of_question(RuntimeError("Code: 164. DB::Exception: no. (READONLY)")))
    full = faults.of_store(RuntimeError("Code: 243. DB::Exception: Cannot reserve. (NOT_ENOUGH_SPACE)"), "s: failed")
    assert str(full) == "s: failed: the disk is full; free some space and try again"
