"""The simulation in short: a few plants, with bounds that a broken correlator or simulator does not keep."""

from detectors.drift.monitor import Settings
from tests.evaluate.attribution import run
from tests.evaluate.drift import one
from tests.evaluate.fit import SEED
from tests.evaluate.simulator import ALL, Stress, plant


def test_the_same_seed_is_the_same_plant_and_another_is_not():
    assert plant(3).events == plant(3).events != plant(4).events


def test_seeds_of_the_fit_are_not_those_of_the_test():
    assert SEED > 10_000


def test_the_correlator_beats_joins_and_keeps_its_budget():
    told = run(Stress(), plants=24)
    assert told["attacks"] > 35 and told["benign"] > 50
    assert told["top1"] > 0.78 and told["top3"] > 0.9
    assert told["top1"] > told["join_reach"]["top1"] + 0.3 and told["top1"] > told["risk_sum"]["top1"] + 0.3
    assert told["recall"] > 0.75 and told["false_incidents_per_plant_day"] < 0.09
    assert told["ece"] < 0.15


def test_canary_results_find_more():
    assert run(Stress(canary=True), plants=24)["at_budget"]["0.05"]["recall"] > 0.85


def test_under_stress_it_bends():
    told = run(ALL, plants=24)
    assert told["top1"] > 0.5 and told["false_incidents_per_plant_day"] < 0.12 and told["ece"] < 0.15


def test_a_stream_is_quiet_for_a_month_and_a_step_is_seen():
    false, delays, raw = one(5, Settings())
    assert false <= 1 < raw
    assert delays[2.0] < 90 and delays[1.0] < 300
