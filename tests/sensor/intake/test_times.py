from __future__ import annotations

import math

import pytest

from sensor.intake.times import nanoseconds

SECOND = 10**9
NOON = 1_772_366_400 * SECOND  # 2026-03-01T12:00:00Z


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01 12:00:00", NOON),
        ("2026-03-01T13:00:00+01:00", NOON),
        ("2026-03-01T12:00:00.25Z", NOON + SECOND // 4),
        ("2026-03-01T12:00:00.123456789Z", NOON + 123_456_789),
        ("2026-03-01T13:00:00.1234567+01:00", NOON + 123_456_700),
        (1_772_366_400, NOON),
        (1_772_366_400.5, NOON + SECOND // 2),
        (1_772_366_400_000, NOON),
        (1_772_366_400_000_001, NOON + 1000),
        (NOON + 7, NOON + 7),
        ("1772366400", NOON),
        ("1772366400.000000001", NOON + 1),
    ],
)
def test_moments(written, meant) -> None:
    assert nanoseconds(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", "yesterday", "20260301", "2026-13-01", "1969-12-31", "9999-01-01T00:00:00Z", 0, -1, True, None, [], {}, 2**63,
     10**30, math.nan, math.inf, "x" * 5000, "99999999999999999999", "2026-W09"],
)  # fmt: skip
def test_what_is_no_moment(written) -> None:
    with pytest.raises(ValueError, match="is no moment") as error:
        nanoseconds(written)
    assert len(str(error.value)) < 200
