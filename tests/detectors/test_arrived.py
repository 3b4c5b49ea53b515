from __future__ import annotations

from dataclasses import replace

import pytest

from detectors import arrived as module
from detectors.arrived import Arrived, HostOutput
from detectors.drift.external import from_plain
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from tests.detectors.build import SECOND, T0

ONE = HostOutput(T0, "m", 0.5)
DRIFT = from_plain({"model_id": "m", "kind": "output", "statistic": 3}, T0)


def test_calls_add_up_and_nothing_is_there_twice() -> None:
    arrived = Arrived()
    later = replace(ONE, ts=T0 + SECOND)
    arrived.take([DRIFT], [later, ONE])
    arrived.take([DRIFT], [replace(ONE, place="elsewhere:3")])
    assert arrived.drift == (DRIFT,)
    assert [row.ts for row in arrived.inference] == [T0, T0 + SECOND]


def test_the_order_in_which_they_come_cannot_be_seen() -> None:
    one, two = Arrived(), Arrived()
    rows = [replace(ONE, value=n / 10) for n in range(9)]
    one.take((), rows)
    for row in reversed(rows):
        two.take((), [row])
    assert one.inference == two.inference


def test_no_more_than_the_limit(monkeypatch) -> None:
    monkeypatch.setattr(module, "RECORDS", 3)
    arrived = Arrived()
    arrived.take((), [replace(ONE, ts=T0 + n) for n in range(5)])
    assert [row.ts - T0 for row in arrived.inference] == [0, 1, 2]
    assert arrived.overflow == 2


def test_a_window_s_records_are_gone_after_its_last_part() -> None:
    pipeline = Pipeline(Policy((), ()), {})
    pipeline.arrive([DRIFT], [ONE])
    pipeline.observe({}, T0, T0 + 10 * SECOND, last=False)
    assert pipeline.site.arrived.inference == (ONE,)
    pipeline.observe({}, T0, T0 + 10 * SECOND, last=True)
    assert (pipeline.site.arrived.drift, pipeline.site.arrived.inference) == ((), ())
    pipeline.arrive(inference=[ONE])
    pipeline.finish()
    assert pipeline.site.arrived.inference == ()
    assert pipeline.counters()["arrived.overflow"] == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), ("worn", '"worn"'), ((1.0, 2.0), "[1.0, 2.0]"), ({"b": 1.0, "a": 0.0}, '{"a": 0.0, "b": 1.0}')],
)
def test_the_output_is_json(value, text) -> None:
    assert replace(ONE, value=value).output == text
