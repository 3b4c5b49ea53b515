import pytest

from detectors import address
from detectors.changes import Change, Changes

PLC, HMI = address.parse("10.0.1.10"), address.parse("10.0.2.20")


def test_a_change_covers_its_time_hosts_and_actions():
    changes = Changes([Change("C-1", 100, 200, ("10.0.1.0/24",), ("write",))])
    assert changes.covering(100, "write", HMI, PLC).id == "C-1"
    assert changes.covering(99, "write", PLC) is None and changes.covering(200, "write", PLC) is None
    assert changes.covering(150, "deploy", PLC) is None and changes.covering(150, "write", HMI) is None


def test_what_goes_along_with_any_action_is_covered_by_all():
    changes = Changes([Change("C-1", 100, 200, ("10.0.1.0/24",), ("write",))])
    assert changes.covering(150, "", HMI, PLC).id == "C-1" and changes.covering(150, "", HMI) is None


def test_one_without_hosts_and_actions_covers_the_site():
    changes = Changes([Change("late", 300, 400), Change("early", 100, 350)])
    assert changes.covering(320, "anything").id == "early" and changes.covering(360, "x", HMI).id == "late"
    assert not Changes() and Changes().covering(1, "write", PLC) is None


@pytest.mark.parametrize("wrong", [Change("X", 5, 5), Change("X", 1, 2, ("10.0.0.300",))])
def test_what_makes_no_sense_is_said(wrong):
    with pytest.raises(ValueError, match="change 'X'"):
        Changes([wrong])
