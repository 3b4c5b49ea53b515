import json
import math

import pytest

from detectors.budget import DAY, MARGIN, MOST, SHARES, Budget

WINDOW = 10 * 10**9


def test_floors_fall_with_the_budget_and_rise_with_what_is_judged():
    assert Budget(1.0).floor("values", 100, WINDOW) == pytest.approx(math.log(100 * 8640 / SHARES["values"]))
    assert Budget(10.0).floor("values", 100, WINDOW) < Budget(1.0).floor("values", 100, WINDOW)
    assert Budget(1.0).floor("values", 1000, WINDOW) > Budget(1.0).floor("values", 100, WINDOW)
    assert Budget(1e9).floor("values", 1, WINDOW) == 0.0


def test_shares_are_the_whole():
    assert sum(SHARES.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf, math.nan])
def test_budgets_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match="positive"):
        Budget(wrong)


def test_false_alarms_raise_the_margin_within_bounds_and_quiet_lowers_it():
    budget = Budget(1.0)
    budget.close(DAY)
    for day in range(1, 60):
        for _ in range(5):
            budget.false(day * DAY + 1)
        budget.close((day + 1) * DAY)
    assert budget.margin == MOST
    assert budget.changes[0]["from"] == MARGIN and "false alarms in 3 days" in budget.changes[0]["why"]
    budget.close(300 * DAY)
    assert budget.margin == MARGIN
    assert len(budget.changes) <= 64


def test_within_the_budget_nothing_moves():
    budget = Budget(1.0)
    budget.close(DAY)
    for day in range(1, 30):
        budget.false(day * DAY + 1)
        budget.close((day + 1) * DAY)
    assert budget.margin == MARGIN and budget.changes == []


def test_goes_on_from_a_snapshot():
    def days(budget, first, last):
        for day in range(first, last):
            budget.false(day * DAY + 1)
            budget.false(day * DAY + 2)
            budget.close((day + 1) * DAY)

    through, before, after = Budget(), Budget(), Budget()
    days(through, 1, 12)
    days(before, 1, 6)
    after.restore(json.loads(json.dumps(before.snapshot())))
    days(after, 6, 12)
    assert after.snapshot() == through.snapshot()


def test_a_larger_budget_buys_a_smaller_margin_within_bounds():
    assert Budget(1.0).margin == MARGIN
    margins = [Budget(per_day).margin for per_day in (0.01, 0.5, 1.0, 2.0, 5.0, 1e6)]
    assert margins == sorted(margins, reverse=True)
    assert (margins[0], margins[-1]) == (MOST, 1.0)


def test_quiet_lowers_the_margin_no_further_than_the_budget_wants():
    budget = Budget(2.0)
    budget.close(DAY)
    for _ in range(7):
        budget.false(DAY + 1)
    budget.close(2 * DAY)
    assert budget.margin > budget.least
    budget.close(300 * DAY)
    assert budget.margin == budget.least < MARGIN
