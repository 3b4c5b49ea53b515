import json

import pytest

from detectors import rates
from detectors.rates import Rates

PERIOD = 60


def live(_):
    return True


def learning(_):
    return False


def test_sums_over_the_period():
    made = Rates()
    for end in (10, 20, 30):
        made.add(b"a", 4)
        made.add(b"a", 1)
        totals = made.close(end, PERIOD, live)
    assert totals == {b"a": 15}
    assert made.close(40, PERIOD, live) == {}, "what did not grow in the window is not told again"
    made.add(b"a", 1)
    assert made.close(75, PERIOD, live) == {b"a": 11}, "the window that ended at 10 has left the period"


def test_what_is_learnt_is_not_told():
    made = Rates()
    made.add(b"a", 7)
    assert made.close(10, PERIOD, learning) == {} and made.most(b"a") == 7 and made.grew
    made.add(b"a", 0)
    assert made.close(99, PERIOD, learning) == {} and made.most(b"a") == 7 and not made.grew


def test_limits(monkeypatch):
    monkeypatch.setattr(rates, "KEYS", 3)
    monkeypatch.setattr(rates, "MOST", 2)
    made = Rates()
    for n in range(5):
        made.add(bytes([n]), 2)
    made.close(10, PERIOD, learning)
    assert len(made) == 3 and made.overflow == 4
    assert [made.most(bytes([n])) for n in range(3)] == [0, 2, 2]


@pytest.mark.parametrize("order", [(b"a", b"b", b"c", b"d"), (b"d", b"c", b"b", b"a")])
def test_a_full_table_follows_the_same_keys_in_any_order_of_windows(monkeypatch, order):
    made = Rates()
    for key in order:
        made.add(key, 1)
    monkeypatch.setattr(rates, "KEYS", 2)
    assert sorted(made.close(10, PERIOD, live)) == [b"a", b"b"]


def test_goes_on_from_a_snapshot():
    made, again = Rates(), Rates()
    made.add(b"a", 3)
    made.close(10, PERIOD, learning)
    again.restore(json.loads(json.dumps(made.snapshot())))
    for one in (made, again):
        one.add(b"a", 2)
    assert made.close(20, PERIOD, live) == again.close(20, PERIOD, live) == {b"a": 5}
    assert made.snapshot() == again.snapshot()
