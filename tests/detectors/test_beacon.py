from detectors.beacon import Beacon
from tests.detectors.build import flow
from tests.detectors.plant import EDGE, OFFICE, PLC, PUBLIC, after


def calls(src, dst, *times, port=443):
    return [{"flows": [flow(src, dst, "tls", ts=t, flow_id=int(10 * t), frame=int(t), port=port) for t in times if 10 * n <= t < 10 * n + 10]}
            for n in range(1, 8)]  # fmt: skip


def test_regular_calls_to_a_new_destination_outside():
    [alert] = after(Beacon, {}, *calls(PLC, PUBLIC, 11, 19, 27, 35, 43, 51.5, 59))
    assert (alert.kind, alert.severity, alert.count) == ("lateral.beacon", "high", 7)
    assert alert.evidence["period_seconds"] == 8.0 and alert.evidence["spread"] < 0.05
    assert alert.frames == (11, 19, 27, 35, 43, 51, 59)


def test_people_are_not_regular():
    assert after(Beacon, {}, *calls(EDGE, PUBLIC, 11, 12, 25, 31, 52, 53, 66)) == []


def test_too_few_known_inside_or_not_of_the_plant():
    regular = (11, 19, 27, 35, 43, 51, 59)
    assert after(Beacon, {}, *calls(PLC, PUBLIC, *regular[:5])) == []
    assert after(Beacon, {"flows": [flow(PLC, PUBLIC, "tls", ts=1)]}, *calls(PLC, PUBLIC, *regular)) == []
    assert after(Beacon, {}, *calls(PLC, EDGE, *regular)) == []
    assert after(Beacon, {}, *calls(OFFICE, PUBLIC, *regular)) == []
