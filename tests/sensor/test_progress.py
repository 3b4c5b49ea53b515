from __future__ import annotations

from sensor.progress import bar, duration


def test_the_bar_says_how_much_is_done_and_how_long_the_rest_takes() -> None:
    assert bar(0, 100, 0.0) == "[........................]   0%"
    assert bar(25, 100, 30.0) == "[######..................]  25%, 1:30 left"
    assert bar(120, 100, 30.0) == "[########################] 100%"
    assert duration(3 * 3600 + 59.6) == "3 h 01 min"
