import random

import numpy as np

from detectors.baseline import Baseline
from detectors.learning import Settings
from detectors.statistics.anchor import DAY
from tests.detectors.build import act, detector, run, step, window

HMI, PLC, ROGUE = "10.0.2.5", "10.0.1.7", "10.0.9.7"


def poll(at, times=10, **more):
    given = {
        "unit": "3",
        "object": "holding_register 0-9",
        "bytes": 60 * times,
        "answered": times,
        "frame": int(at) + 1,
    }
    return act(
        HMI, PLC, "modbus", "read_holding_registers", "read", ts=at, last_ts=at + 9, count=times, **{**given, **more}
    )


def calm(count, start=0):
    dice = random.Random(start)
    return [window(at := start + 10.0 * n, behaviours=[poll(at, 10 + dice.randrange(2))]) for n in range(count)]


def learnt(windows=60, **settings):
    made = detector(Baseline, learning=Settings(seconds=10.0 * windows), **settings)
    assert run(made, *calm(windows)) == []
    return made


def test_what_a_conversation_never_did_is_reported_with_what_was_learnt():
    made = learnt()
    fresh = act(HMI, PLC, "modbus", "read_coils", "read", unit="4", object="coil 0-7", ts=601, frame=99)
    alerts = run(made, window(600, behaviours=[poll(600), fresh]))
    assert [(a.kind, a.severity, a.frames) for a in alerts] == [("baseline.new_behaviour", "low", (99,))]
    assert "unit 4 read_coils coil 0-7" in alerts[0].summary and "s of learning" in alerts[0].summary
    assert run(made, window(610, behaviours=[fresh | {"ts": 611, "last_ts": 611}])) == []


def test_writes_and_much_at_once_weigh_more():
    write = act(HMI, PLC, "modbus", "write_single_register", "write", unit="3", object="holding_register 7", ts=601)
    assert run(learnt(), window(600, behaviours=[write]))[0].severity == "medium"
    many = [act(HMI, PLC, "modbus", "read_coils", "read", unit="3", object=f"coil {n}", ts=601) for n in range(9)]
    assert run(learnt(), window(600, behaviours=many))[0].severity == "medium"


def test_a_surge_names_feature_expectation_and_rarity():
    made = learnt()
    alerts = run(made, window(600, behaviours=[poll(600, 400)]))
    assert [(a.kind, a.severity) for a in alerts] == [("baseline.traffic", "medium")]
    facts = alerts[0].evidence
    assert facts["feature"] in ("messages", "bytes") and facts["seen"] >= 400 and facts["seen_like_it"] == 0
    assert "where 600 to 660 are usual" in alerts[0].summary or "where 10 to 11 are usual" in alerts[0].summary
    assert "never in" in alerts[0].summary and alerts[0].frames


def test_small_changes_say_nothing():
    assert run(learnt(), window(600, behaviours=[poll(600, 13)]), *calm(30, 610)) == []


def test_what_alarms_is_not_learnt():
    made = learnt()
    for n in range(40):
        step(made, window(600 + 10 * n, behaviours=[poll(600 + 10 * n, 400)]))
    assert made.book.get(next(iter(made.book.snapshot()["causes"]))).count == 40


def test_a_suspect_teaches_nothing_and_is_shown():
    made = detector(Baseline, learning=Settings(seconds=10_000.0, quiet_windows=10_000))
    for one in calm(20):
        step(made, one)
    before = made._layer.store["total"].copy()
    for one in calm(20, 200):
        made.site.learning.suspect([bytes(10) + b"\xff\xff\x0a\x00\x02\x05"])
        step(made, one)
    # The window before the first suspicion was still learnt.
    assert (made._layer.store["total"] - before).max() <= 1
    assert any("amounts of 10.0.2.5 with 10.0.1.7" in entry["what"] for entry in made.site.learning.quarantine)


def days(made, count, level, start=0, parts=96):
    """Days of few, long windows; `level`: messages of a window on a day."""
    dice, alerts, length = np.random.default_rng(7), {}, DAY / 1e9 / parts
    for day in range(start, start + count):
        for part in range(parts):
            at = (day * parts + part) * length
            amount = max(1, round(level(day) + 3 * dice.standard_normal()))
            for alert in step(made, window(at, length, behaviours=[poll(at, amount)])):
                alerts[alert.alert_id] = alert
    return list(alerts.values())


def test_slow_drift_is_seen_against_commissioning():
    made = detector(Baseline, learning=Settings(seconds=5 * 86400.0), anchor_days=5)
    assert days(made, 8, lambda day: 100) == []
    drifted = [a for a in days(made, 12, lambda day: 100 + 0.6 * (day - 8), 8) if a.kind == "baseline.slow_drift"]
    assert {a.evidence["feature"] for a in drifted} == {"messages", "bytes"}
    assert all(a.evidence["direction"] == "up" and a.severity == "low" for a in drifted)
    assert "moved up day by day from the" in drifted[0].summary


def test_a_new_conversation_has_its_own_learning_time():
    made = learnt()
    other = [poll(600 + 10 * n, 400 if n == 40 else 10, unit="9") | {"client_ip": ROGUE} for n in range(41)]
    alerts = run(made, *(window(600 + 10 * n, behaviours=[row]) for n, row in enumerate(other)))
    assert [a.kind for a in alerts] == ["baseline.new_behaviour"]
