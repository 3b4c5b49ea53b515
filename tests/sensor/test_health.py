from __future__ import annotations

from sensor.health import Health

MINUTE = 60 * 10**9


def test_a_row_a_minute_and_counter() -> None:
    health = Health()
    assert health.add(5, {"packets": 2, "gaps": 0}) == []
    assert health.add(MINUTE - 1, {"packets": 3}) == []
    assert health.add(MINUTE, {"packets": 1}) == [{"ts": 0, "counter": "packets", "value": 5}]
    assert health.rest() == [{"ts": MINUTE, "counter": "packets", "value": 1}]
    assert health.rest() == []
