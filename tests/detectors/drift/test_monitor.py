"""Streams through the monitor as readings come off the wire: what they do, and what is said of it."""

import json
import random

import numpy as np
import pytest

from detectors.drift.monitor import Monitor, Settings
from detectors.drift.rows import Output, Reading, readings
from tests.evaluate.drift import autoregressive

DAY = 86_400 * 10**9
START = 20_000 * DAY
STEP = 60 * 10**9  # a reading a minute
PER_DAY = 1440
LEARN, DAYS = 5, 8
AT = 6.3  # day of the change


def plant(seed=1):
    """Time in days, two inputs with a daily cycle, and an output that follows them."""
    rng = np.random.default_rng(seed)
    t = np.arange(DAYS * PER_DAY) / PER_DAY
    x = [autoregressive(rng, len(t), 0.5) + 2 * np.sin(2 * np.pi * t) for _ in range(2)]
    return t, x, 0.8 * x[0] - 0.5 * x[1] + 0.3 * autoregressive(rng, len(t), 0.5)


def watch(t, x, y, keep=None, monitor=None, hours=24, order=None):
    """The last state of each alert; readings of `hours` at a time."""
    monitor = monitor or Monitor(Settings(learn_days=LEARN))
    alerts = {}
    width = hours * 60
    for begin in range(0, len(t), width):
        rows = []
        for i in range(begin, begin + width):
            if keep is None or keep[i]:
                ts = START + i * STEP
                rows += [Reading(ts, "m", "output", float(y[i]))]
                rows += [Reading(ts, "m", f"in{n}", float(x[n][i]), "input") for n in range(2)]
        monitor.read(order(rows) if order else rows)
        for alert in monitor.observe(START + (begin + width) * STEP):
            alerts[alert.drift_id] = alert
    return alerts, monitor


def kinds(alerts):
    return {(a.kind, a.stream, a.shape) for a in alerts.values()}


def test_a_quiet_plant_is_quiet():
    for seed in (1, 2, 3):
        assert watch(*plant(seed))[0] == {}


def test_a_step_of_the_output_alone_breaks_its_relation_too():
    t, x, y = plant()
    alerts, _ = watch(t, x, y + np.where(t > AT, 2.0, 0))
    found = {a.kind: a for a in alerts.values()}
    assert set(found) == {"output", "relation"}
    step = found["output"]
    assert step.shape == "step" and 1.5 < step.magnitude < 2.6
    assert step.since_low <= START + AT * DAY + 600e9 and step.since_high >= START + AT * DAY - 600e9
    assert step.since_high - step.since_low < 6 * 3600 * 10**9
    assert step.ts - (START + AT * DAY) < 2 * 3600 * 10**9
    assert "output of m stepped since" in step.summary and "sd" in step.summary and step.detector == "cusum"


def test_an_output_that_follows_its_input_keeps_the_relation():
    t, x, y = plant()
    moved = np.where(t > AT, 3.0, 0)
    assert {(k, s) for k, s, _ in kinds(watch(t, [x[0] + moved, x[1]], y + 0.8 * moved)[0])} == {
        ("input", "in0"),
        ("output", "output"),
    }


def test_a_ramp_is_one():
    t, x, y = plant()
    alerts, _ = watch(t, x, y + np.clip(t - AT, 0, None) * 4)
    assert ("output", "output", "ramp") in kinds(alerts)


def test_frozen_and_silent():
    t, x, y = plant()
    stopped = y.copy()
    stopped[t > AT] = stopped[np.argmax(t > AT)]
    assert kinds(watch(t, x, stopped)[0]) == {("frozen", "output", "frozen")}
    assert kinds(watch(t, x, y, keep=t < AT)[0]) == {("missing", name, "missing") for name in ("output", "in0", "in1")}


def test_silence_after_a_leap_of_time_begins_when_somebody_looks():
    """As a stream that a clean capture taught and the next capture does not hold."""
    t, x, y = plant()
    _, monitor = watch(t, x, y)
    begin = START + 100 * DAY  # the sensor did not look meanwhile
    windows = range(begin, begin + 3600 * 10**9, 10 * 10**9)
    alerts = [a for start in windows for a in monitor.observe(start + 10 * 10**9, start)]
    assert {a.kind for a in alerts} == {"missing"}
    assert {(a.since - begin) // (600 * 10**9) for a in alerts} == {0}
    assert all("1970" not in a.summary and a.ts - a.since < 3600 * 10**9 for a in alerts)


def test_an_oscillation_and_more_noise():
    t, x, y = plant()
    swings = watch(t, x, y + np.where(t > AT, 4 * np.sin(2 * np.pi * t * 8), 0))[0]
    assert "periodic" in {a.shape for a in swings.values() if a.kind == "output"}
    rng = np.random.default_rng(9)
    wider = watch(t, x, y + np.where(t > AT, rng.normal(0, 4, len(t)), 0))[0]
    assert "variance" in {a.shape for a in wider.values() if a.kind == "output"}


def test_a_stream_that_is_back_says_so():
    t, x, y = plant()
    alerts, _ = watch(t, x, y + np.where((t > AT) & (t < AT + 0.4), 3.0, 0))
    (alert,) = (a for a in alerts.values() if a.kind == "output")
    back = (alert.returned - START) / DAY
    assert AT + 0.4 < back < AT + 0.6 and "back inside the usual at" in alert.summary


def test_classes_in_another_mix():
    rng = random.Random(3)
    monitor, alerts = Monitor(Settings(learn_days=LEARN)), {}
    for minute in range(DAYS * PER_DAY):
        share = 0.5 if minute / PER_DAY > AT else 0.1
        label = "fault" if rng.random() < share else "ok"
        monitor.outputs([Output(START + minute * STEP, "m", label)])
        if minute % 60 == 59:
            alerts |= {a.drift_id: a for a in monitor.observe(START + (minute + 1) * STEP)}
    (alert,) = alerts.values()
    assert alert.kind == "class_mix" and alert.p_value < 0.01
    assert START + (AT - 0.1) * DAY < alert.ts < START + (AT + 0.3) * DAY
    assert "fault" in alert.current


def test_the_order_of_rows_does_not_matter():
    t, x, y = plant()
    y = y + np.where(t > AT, 2.0, 0)
    rng = random.Random(1)
    assert watch(t, x, y, order=lambda rows: rng.sample(rows, len(rows)))[0] == watch(t, x, y)[0]


def test_a_snapshot_goes_on_where_it_was_taken():
    t, x, y = plant()
    y = y + np.where((t > AT) & (t < AT + 0.5), 2.5, 0)
    through, _ = watch(t, x, y, hours=12)
    for cut in (3, 12, 13, 14):  # while learning, before the change, in it, after it
        at = cut * 720
        monitor = Monitor(Settings(learn_days=LEARN))
        got = {}
        for begin in range(0, len(t), 720):
            if begin == at:
                state = json.loads(json.dumps(monitor.snapshot()))
                monitor = Monitor(Settings(learn_days=LEARN))
                monitor.restore(state)
                assert json.loads(json.dumps(monitor.snapshot())) == state
            for i in range(begin, begin + 720):
                ts = START + i * STEP
                monitor.read(
                    [
                        Reading(ts, "m", "output", float(y[i])),
                        *(Reading(ts, "m", f"in{n}", float(x[n][i]), "input") for n in range(2)),
                    ]
                )
            got |= {a.drift_id: a for a in monitor.observe(START + (begin + 720) * STEP)}
        assert got == through


def test_streams_and_nonsense_are_bounded(monkeypatch):
    monkeypatch.setattr("detectors.drift.monitor.STREAMS", 4)
    monkeypatch.setattr("detectors.drift.monitor.PENDING", 10)
    monitor = Monitor()
    monitor.read(Reading(START + n, f"m{n}", "output", float(n)) for n in range(20))
    monitor.observe(START + DAY)
    monitor.read([Reading(START, "m1", "output", float("nan"))])
    counted = monitor.counters()
    assert (counted["streams"], counted["evicted"], counted["overflow"], counted["unreadable"]) == (4, 6, 10, 1)


def test_what_an_output_feeds():
    assert [(r.stream, r.kind, r.value) for r in readings(Output(1, "m", 2.5, confidence=0.9))] == [
        ("output", "output", 2.5),
        ("confidence", "confidence", 0.9),
    ]
    assert [r.stream for r in readings(Output(1, "m", (1.0, 2.0)))] == ["output[0]", "output[1]"]
    shown = [(r.stream, r.value) for r in readings(Output(1, "m", {"ok": 0.9, "fault": 0.1}))]
    assert shown == [("p(fault)", 0.1), ("p(ok)", 0.9), ("label", "ok")]
    assert (
        Output(1, "m", {"b": 1.0, "a": 2.0}).output == '{"a": 2.0, "b": 1.0}'
        and Output(1, "m", (1.0,)).output == "[1.0]"
    )


@pytest.mark.parametrize("constant", [0.0, 41.5])
def test_a_constant_that_moves_is_seen_and_one_that_does_not_is_not(constant):
    t, x, _ = plant()
    assert not [a for a in watch(t, x, np.full(len(t), constant))[0].values() if a.stream == "output"]
    moved = watch(t, x, np.where(t > AT, constant + 1, constant))[0]
    assert ("output", "output", "step") in kinds(moved)
