import pytest

from detectors.learning import Settings
from detectors.period import Period
from tests.detectors.build import act, detector, flow, run, window

HMI, PLC, OTHER = "10.0.2.5", "10.0.1.7", "10.0.1.8"


def poll(at, times=10, unit="3", **more):
    given = {"object": "holding_register 0-9", "answered": times, "frame": int(at) + 1, "last_frame": int(at) + 2}
    given["last_ts"] = at + 10 - 10 / times
    return act(HMI, PLC, "modbus", "read", "read", unit=unit, ts=at, count=times, **{**given, **more})


def alive(at):
    """Something else that is heard to the end of the window, and has no period."""
    return act(HMI, OTHER, "dnp3", "read", "session", ts=at, last_ts=at + 9.99, count=3)


def learnt():
    made = detector(Period, learning=Settings(seconds=100.0))
    assert run(made, *(window(at, behaviours=[poll(at), alive(at)]) for at in range(0, 120, 10))) == []
    return made


def test_a_poll_that_stays_away_is_missed_within_the_window_that_holds_three_periods():
    alerts = run(learnt(), window(120, behaviours=[alive(120)]))
    assert [(a.kind, a.severity) for a in alerts] == [("period.missing", "medium")]
    told = alerts[0]
    assert "every 1.00 s ± 0.00" in told.summary and "unit 3 read holding_register 0-9" in told.summary
    assert told.evidence["period_seconds"] == 1.0 and told.frames == (112,)


def test_what_comes_once_after_each_break_comes_not_more_often():
    made = learnt()
    ends = [window(at, behaviours=[poll(at, 1, last_ts=at)]) for at in range(1000, 9000, 1000)]
    assert run(made, *ends) == []


def test_a_capture_that_ends_is_no_silence():
    ending = window(120, behaviours=[poll(120, 2, last_ts=121.0)])
    assert run(learnt(), ending) == []


def test_a_client_that_says_goodbye_is_not_cut_off():
    bye = flow(HMI, PLC, "modbus", state="closed", last_ts=120.1, first_ts=0.0)
    alerts = run(learnt(), window(120, behaviours=[alive(120)], flows=[bye]))
    assert [(a.kind, a.severity) for a in alerts] == [("period.missing", "low")]


def test_a_poll_that_comes_late():
    alerts = run(learnt(), window(120, behaviours=[poll(122.5, 7, last_ts=129.0), alive(120)]))
    assert [(a.kind, a.severity) for a in alerts] == [("period.late", "low")]
    assert "came after 3.50 s" in alerts[0].summary


@pytest.mark.parametrize(("times", "expected"), [(10, []), (14, []), (20, ["period.doubled"])])
def test_a_second_poller(times, expected):
    windows = [window(at, behaviours=[poll(at, times), alive(at)]) for at in range(120, 150, 10)]
    assert [a.kind for a in run(learnt(), *windows)] == expected


def test_slow_polls_are_watched_as_well():
    made = detector(Period, learning=Settings(seconds=900.0))
    slow = [window(at, behaviours=[alive(at), *([poll(at + 1, 1, last_ts=at + 1)] if at % 60 == 0 else [])])
            for at in range(0, 960, 10)]  # fmt: skip
    assert run(made, *slow) == []
    alerts = run(made, *(window(at, behaviours=[alive(at)]) for at in range(960, 1160, 10)))
    assert [a.kind for a in alerts] == ["period.missing"]
    assert 180 <= alerts[0].evidence["seen_seconds"] <= 190


def test_who_was_not_heard_since_the_sensor_was_blind_is_not_missed():
    made = learnt()
    assert run(made, *(window(at, behaviours=[alive(at)]) for at in (1000, 1010, 1020))) == []
    assert run(made, *(window(at, behaviours=[poll(at), alive(at)]) for at in (1030, 1040))) == []
    assert [a.kind for a in run(made, window(1050, behaviours=[alive(1050)]))] == ["period.missing"]


def test_what_has_no_period_is_not_watched():
    made = detector(Period, learning=Settings(seconds=100.0))
    jumpy = [window(at, behaviours=[poll(at + (at * 7 % 9), 1, last_ts=at + at * 7 % 9)]) for at in range(0, 200, 10)]
    assert run(made, *jumpy, *(window(at, behaviours=[alive(at)]) for at in range(200, 300, 10))) == []


def test_what_stopped_while_learning_is_known_to_have_stopped():
    made = detector(Period, learning=Settings(seconds=200.0, quiet_windows=99))
    early = [window(at, behaviours=[poll(at), alive(at)]) for at in range(0, 120, 10)]
    assert run(made, *early, *(window(at, behaviours=[alive(at)]) for at in range(120, 300, 10))) == []
