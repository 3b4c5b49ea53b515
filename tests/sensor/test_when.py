from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sensor.errors import InputError
from sensor.when import deadline, literal

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


SECOND = 10**9


@pytest.mark.parametrize(
    ("until", "duration", "seconds"),
    [
        (None, None, None),
        (None, "90s", 90),
        (None, " 8 h", 8 * 3600),
        (None, "2w", 14 * 86400),
        ("2026-03-03", None, 12 * 3600),
        ("2026-03-02T14:00:00+01:00", None, 3600),
    ],
)
def test_moments_to_come(until: str | None, duration: str | None, seconds: int | None) -> None:
    expected = 0 if seconds is None else (1_772_452_800 + seconds) * SECOND
    assert deadline(until, duration, NOW) == expected


@pytest.mark.parametrize(
    ("until", "duration", "words"),
    [
        ("2026-03-02T12:00:00Z", None, "over already"),
        ("2026-02-30", None, "is no time"),
        ("8h", None, "write --for 8h"),
        ("2262-01-01", None, "too late"),
        (None, "8", "no duration"),
        (None, "-1h", "no duration"),
        (None, "0s", "no duration"),
        (None, "99999999999w", "too long"),
    ],
)
def test_moments_that_cannot_be(until: str | None, duration: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        deadline(until, duration, NOW)
