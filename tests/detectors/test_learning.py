import json

import pytest

from detectors import address
from detectors.learning import Learning, Settings
from detectors.pipeline import Pipeline
from detectors.zones import Policy
from tests.detectors.build import SECOND, T0, act, window

PLC, HMI, NEW = (address.parse(ip) for ip in ("10.0.1.10", "10.0.1.20", "10.0.1.66"))


def poll(client="10.0.1.20", at=0.0):
    return act(client, "10.0.1.10", "modbus", "read_holding_registers", "read", ts=at)


def step(learning, at, *rows):
    learning.observe(one := window(at, behaviours=list(rows) or [poll(at=at)]))
    learning.close(one.end)


@pytest.fixture
def learning():
    return Learning(Settings(seconds=100, quiet_windows=3, device_seconds=50))


def test_learns_before_there_is_traffic_and_until_the_seconds_are_over(learning):
    known = learning.novelty("d")
    learning.close(T0)
    assert learning.mode == "learning" and not learning.live("d")
    for n in range(10):
        assert not known.fresh(n, HMI), "something new in every window keeps it learning"
        step(learning, 10 * n)
    assert learning.mode == "operational" and known.fresh(99, HMI)


def test_a_calm_detector_goes_live_on_its_own(learning):
    calm, busy = learning.novelty("calm"), learning.novelty("busy")
    for n in range(4):
        calm.fresh(1, HMI)
        busy.fresh(n, HMI)
        step(learning, 10 * n)
    assert learning.mode == "dynamic"
    assert calm.fresh(2, HMI) and not busy.fresh(77, HMI)


def test_a_calm_host_goes_live_within_a_busy_detector(learning):
    known = learning.novelty("d")
    for n in range(5):
        known.fresh(b"h", HMI)
        known.fresh(n, NEW)
        step(learning, 10 * n)
    assert known.fresh(b"h2", HMI) and not known.fresh(b"x", NEW)


def test_what_is_new_is_known_from_the_next_window(learning):
    known = learning.novelty("d")
    learning.end()
    assert known.fresh(1, HMI) and known.fresh(1, HMI)
    step(learning, 0)
    assert not known.fresh(1, HMI) and known.told(1) == ""
    known.report(2, "abc")
    assert not known.fresh(2, HMI) and known.told(2) == "abc"


def test_a_suspect_teaches_nothing(learning):
    known = learning.novelty("d")
    known.fresh(1, NEW, "reads unit 7")
    known.fresh(2, HMI)
    learning.suspect([NEW])
    step(learning, 0)
    assert known.told(1) is None and known.told(2) == ""
    assert learning.quarantine == [{"detector": "d", "host": NEW.hex(), "what": "reads unit 7"}]
    learning.end()
    assert known.fresh(1, NEW), "and is reported once learning is over"


def test_held_learning_ends_only_by_command(learning):
    known = learning.novelty("d")
    learning.begin()
    for n in range(20):
        step(learning, 10 * n)
    assert learning.mode == "learning" and not known.fresh(1, HMI)
    learning.end()
    assert learning.mode == "operational" and known.fresh(2, HMI)


def test_a_new_host_has_its_own_learning_time(learning):
    for n in range(12):
        step(learning, 10 * n)
    step(learning, 120, poll(at=120), poll("10.0.1.66", 125))
    assert not learning.young(HMI, T0 + 130 * SECOND)
    assert learning.young(NEW, T0 + 130 * SECOND) and not learning.young(NEW, T0 + 176 * SECOND)


def test_confidence_grows_with_what_was_learnt(learning):
    few = learning.confidence("d")
    step(learning, 0)
    step(learning, 86400)
    assert few == 0.5 and learning.confidence("d") == 0.95


def test_goes_on_from_a_snapshot(learning):
    known = learning.novelty("d")
    for n in range(3):
        known.fresh(n, HMI, "x")
        step(learning, 10 * n)
    state = json.loads(json.dumps(learning.snapshot()))
    other = Learning(learning.settings)
    other.novelty("d")
    other.restore(state)
    assert json.loads(json.dumps(other.snapshot())) == state
    assert other.novelty("d").told(1) == "" and other.novelty("d").told(9) is None


def test_a_pipeline_that_learnt_from_a_clean_capture_judges_from_the_first_packet():
    def pipeline():
        return Pipeline(Policy(), {})

    def windows(made, start, *rows):
        alerts = []
        for n in range(3):
            one = [dict(row, ts=start + 10 * n) for row in rows]
            made_window = window(start + 10 * n, behaviours=one)
            alerts += made.observe(made_window._sources, made_window.start, made_window.end, last=True)
        return alerts

    write = act("10.0.1.66", "10.0.1.10", "modbus", "write_single_register", "write")
    learner = pipeline()
    learner.begin_learning()
    windows(learner, 0, poll())
    learner.end_learning()
    state = json.loads(json.dumps(learner.snapshot()))
    judge = pipeline()
    judge.restore(state)
    # Another capture, recorded earlier than the one that was learnt from.
    assert {a.kind for a in windows(judge, -9000, poll(), write)} >= {"new_writer.write"}
    assert windows(pipeline(), 0, poll(), write) == []
