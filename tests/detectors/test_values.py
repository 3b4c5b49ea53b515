import random

from detectors.learning import Settings
from detectors.values import Values
from tests.detectors.build import act, detector, run, window

HMI, PLC = "10.0.2.5", "10.0.1.7"


def value(at, number, tag="u1/holding_register/4", frame=0):
    ends = {"src_ip": HMI, "dst_ip": PLC, "dst_port": 502, "source": "modbus"}
    return {**ends, "tag": tag, "value": number, "ts": at, "frame": frame or int(at) + 1}


def talk(at):
    return act(HMI, PLC, "modbus", "read", "read", unit="1", ts=at, last_ts=at + 9, count=10)


def noise(count, start=0, seed=1):
    dice = random.Random(seed)
    return [
        [value(start + 10 * n + k, 50 + dice.random(), frame=10 * n + k + 1) for k in range(10)] for n in range(count)
    ]


def windows(told, start=0):
    return [window(start + 10 * n, tag_values=rows, behaviours=[talk(start + 10 * n)]) for n, rows in enumerate(told)]


def learnt():
    made = detector(Values, learning=Settings(seconds=200.0))
    assert run(made, *windows(noise(21))) == []
    return made


def test_a_value_out_of_range():
    alerts = run(learnt(), *windows([[value(211, 95.5, frame=777)]], 210))
    assert [(a.kind, a.severity, a.frames) for a in alerts] == [("values.range", "medium", (777,))]
    assert "95.5, where 50" in alerts[0].summary and "in 210 values learnt" in alerts[0].summary


def test_a_value_a_little_outside_says_nothing():
    assert run(learnt(), *windows([[value(211, 51.3)]], 210)) == []


def test_leaps_between_values_that_are_in_range():
    dice = random.Random(3)
    slow, told = 50.0, []
    for n in range(40):
        rows = []
        for k in range(10):
            slow += dice.choice((-0.1, 0.1)) + 0.02
            rows.append(value(10 * n + k, slow))
        told.append(rows)
    made = detector(Values, learning=Settings(seconds=380.0))
    assert run(made, *windows(told)) == []
    alerts = run(made, *windows([[value(401, 53.0)], [value(411, slow)]], 400))
    assert [a.kind for a in alerts] == ["values.step"]
    assert alerts[0].evidence["largest_learned"] < 0.13


def test_a_value_that_always_moved_stands_still():
    made = learnt()
    alerts = run(made, *(window(at, behaviours=[talk(at)]) for at in range(210, 260, 10)))
    assert [(a.kind, a.severity) for a in alerts] == [("values.frozen", "low")]
    assert "never rested longer than 1 s" in alerts[0].summary


def test_who_is_not_asked_does_not_stand_still():
    assert run(learnt(), *(window(at, behaviours=[]) for at in range(210, 260, 10))) == []


def test_the_same_value_again_is_no_move():
    made = learnt()
    last = noise(21)[-1][-1]["value"]
    alerts = run(made, *(window(at, behaviours=[talk(at)], tag_values=[value(at, last)]) for at in range(210, 260, 10)))
    assert [a.kind for a in alerts] == ["values.frozen"]


def test_a_stretch_that_was_heard_before():
    heard = noise(21)[17:20]
    replayed = [[row | {"ts": row["ts"] + 40} for row in rows] for rows in heard]
    alerts = run(learnt(), *windows(replayed, 210))
    assert [(a.kind, a.severity) for a in alerts] == [("values.replay", "medium")]
    assert alerts[0].evidence["seen"] >= 16


def test_what_repeats_itself_while_learning_may_do_so():
    told = [[value(10 * n + k, 50 + k * k % 7) for k in range(10)] for n in range(40)]
    made = detector(Values, learning=Settings(seconds=200.0))
    assert run(made, *windows(told)) == []


def test_texts_and_what_is_no_number_are_left_out():
    odd = [value(211, None), value(212, float("inf")), value(213, float("nan")), value(214, 1e300, "huge")]
    assert run(learnt(), *windows([odd], 210)) == []


def heard_by(client, rows):
    return [{**row, "src_ip": client} for row in rows]


def test_what_several_hear_of_one_tag_is_one_alert():
    other = "10.0.2.6"
    made = detector(Values, learning=Settings(seconds=200.0))
    told = [[*rows, *heard_by(other, rows)] for rows in noise(21)]
    assert run(made, *windows(told)) == []
    strange = value(211, 95.5, frame=777)
    [alert] = run(made, *windows([[*heard_by(other, [{**strange, "ts": 212}]), strange]], 210))
    assert (alert.kind, alert.count, alert.evidence["heard_by"]) == ("values.range", 2, [HMI, other])
    assert alert.src_ip[12:] == bytes((10, 0, 2, 5))


def test_a_leap_beside_a_value_out_of_range_is_the_same_cause():
    dice, slow, told = random.Random(3), 50.0, []
    for n, rows in enumerate(noise(40)):
        told.append(list(rows))
        for k in range(10):
            slow += dice.choice((-0.1, 0.1)) + 0.02
            told[n].append(value(10 * n + k, slow, "u1/holding_register/5"))
    made = detector(Values, learning=Settings(seconds=380.0))
    assert run(made, *windows(told)) == []
    leap = value(402, 53.0, "u1/holding_register/5")
    [alert] = run(made, *windows([[value(401, 95.5), leap]], 400))
    assert (alert.kind, alert.evidence["leapt"]) == ("values.range", ["u1/holding_register/5"])
    came_back = [value(481, 50.5), value(482, slow, "u1/holding_register/5")]
    made_again = detector(Values, learning=Settings(seconds=380.0))
    assert run(made_again, *windows(told)) == []
    [alert] = run(made_again, *windows([[value(401, 95.5)], came_back], 400))[-1:]
    assert alert.kind == "values.range"
    later = [value(471, slow, "u1/holding_register/5"), value(472, slow - 3, "u1/holding_register/5")]
    assert "values.step" in [a.kind for a in run(made, *windows([later], 470))]


def test_the_way_back_to_the_range_is_no_news():
    made = learnt()
    assert [a.kind for a in run(made, *windows([[value(211, 95.5)]], 210))] == ["values.range"]
    assert run(made, *windows([[value(281, 52.0), value(282, 50.5)]], 280)) == []
