from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sensor.errors import InputError
from sensor.when import literal

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", "2026-03-01 00:00:00.000000"),
        ("2026-03-01T12:30", "2026-03-01 12:30:00.000000"),
        ("2026-03-01T12:30:00.25Z", "2026-03-01 12:30:00.250000"),
        ("2026-03-01T12:30+02:00", "2026-03-01 10:30:00.000000"),
        ("2h", "2026-03-02 10:00:00.000000"),
        ("7d", "2026-02-23 12:00:00.000000"),
    ],
)
def test_times(text: str, moment: str) -> None:
    assert literal("--since", text, NOW) == f"toDateTime64('{moment}', 9, 'UTC')"


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "99999999999d", "' OR 1=1 --"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InputError, match=r"--since .* is no time"):
        literal("--since", text, NOW)
