"""Steps out of their order, through the whole detector of commands."""

import random

import pytest

from detectors import command_order
from detectors.base import parse_settings
from detectors.commands import Commands
from detectors.learning import Settings
from detectors.site import site
from detectors.zones import Policy
from tests.detectors.build import act, run, window

HMI, EWS, PLC = "10.30.0.10", "10.30.0.20", "10.40.0.11"
POLL = "read_holding_registers"


def give(what, ts, client=HMI, unit="1"):
    return act(
        client, PLC, "modbus", "write_single_coil", "write", unit=unit, object=what, ts=ts, frame=int(ts * 10) + 1
    )


def poll(ts):
    return act(HMI, PLC, "modbus", POLL, "read", unit="1", object="holding_register 0-9", ts=ts)


def procedure(at, *steps):
    """A window of ten seconds with these steps, a second apart, and a poll between any two."""
    acts = [give(what, at + 1 + n) for n, what in enumerate(steps)]
    return window(at, behaviours=[*acts, poll(at + 0.5)])


def fresh():
    made = Commands(parse_settings(Commands, {}), site(Policy(), Settings(), ()))
    made.learning.begin()
    return made


def taught(times=12, *steps):
    made = fresh()
    for n in range(times):
        assert run(made, procedure(10 * n, *(steps or ("release", "speed", "lock")))) == []
    made.learning.end()
    return made


def orders(made, *windows):
    return [alert for alert in run(made, *windows) if alert.kind == "commands.order"]


def test_a_step_that_is_left_out():
    [alert] = orders(taught(), procedure(120, "speed", "lock"))
    assert alert.evidence["orders"] == ["write_single_coil lock > write_single_coil speed"]
    assert (alert.severity, alert.count, alert.frames) == ("medium", 1, (1211,))
    assert alert.evidence["times_in_order"] == 11
    assert "directly after write_single_coil lock" in alert.summary and "always kept" in alert.summary


def test_two_steps_that_are_swapped():
    [alert] = orders(taught(), procedure(120, "speed", "release", "lock"))
    assert alert.evidence["orders"] == [
        "write_single_coil lock > write_single_coil speed",
        "write_single_coil release > write_single_coil lock",
        "write_single_coil speed > write_single_coil release",
    ]


def test_once_told_it_grows():
    [*_, last] = orders(taught(), procedure(120, "speed", "lock"), procedure(130, "speed", "lock"))
    assert last.count == 2


def test_the_usual_order_is_silent_however_windows_cut_it():
    made = taught()
    halves = window(120, behaviours=[give("release", 128)]), window(130, behaviours=[give("speed", 131)])
    assert (
        orders(made, *halves, window(140, behaviours=[give("lock", 141)]), procedure(150, "release", "speed", "lock"))
        == []
    )


def test_what_was_given_too_seldom_or_in_any_order_is_not_judged():
    assert orders(taught(6), procedure(60, "speed", "lock")) == []
    made, dice = fresh(), random.Random(7)
    for n in range(40):  # an operator at five set points
        steps = dice.sample(list("abcde"), 2)
        run(made, procedure(10 * n, *steps))
    made.learning.end()
    found = []
    for n in range(40, 240):
        found += orders(made, procedure(10 * n, *dice.sample(list("abcde"), 2)))
    assert found == []


def test_steps_that_are_new_are_told_by_their_own_names():
    """A new one says nothing of the order of the others."""
    assert orders(taught(), procedure(120, "release", "never before", "speed", "lock")) == []


def test_other_clients_and_units_have_an_order_of_their_own():
    made = taught()
    other = window(120, behaviours=[give("release", 121), give("lock", 122, client=EWS), give("lock", 122.5, unit="2")])
    assert orders(made, other, window(130, behaviours=[give("speed", 131), give("lock", 132)])) == []


def test_after_a_break_nothing_is_known_to_come_before():
    assert orders(taught(), procedure(5000, "speed", "lock")) == []


def test_order_of_rows_and_parts_does_not_matter():
    def told(shuffle):
        acts = [give("speed", 121), give("lock", 122), poll(120.5)]
        dice = random.Random(shuffle)
        dice.shuffle(acts)
        parts = [window(120, behaviours=acts[:1], last=False), window(120, behaviours=acts[1:])]
        return run(taught(), *(parts if shuffle % 2 else [window(120, behaviours=acts)]))

    assert all(told(n) == told(0) for n in range(1, 6))


def test_a_snapshot_goes_on():
    made, other = taught(), fresh()
    other.learning.restore(made.learning.snapshot())
    other.restore(made.snapshot())
    assert orders(other, procedure(120, "speed", "lock")) == orders(made, procedure(120, "speed", "lock"))


def test_too_many_steps_are_left_out_and_counted(monkeypatch):
    monkeypatch.setattr(command_order, "WINDOW", 3)
    made = fresh()
    run(made, procedure(0, "a", "b", "c", "d"))
    assert made.sizes()["steps"] == 0 and made.counters()["overflow"] == 1


@pytest.mark.parametrize("limit", [2])
def test_the_oldest_steps_are_forgotten(monkeypatch, limit):
    monkeypatch.setattr(command_order, "STEPS", limit)
    made = taught()
    assert made.sizes()["steps"] == limit and made.counters()["overflow"] > 0
