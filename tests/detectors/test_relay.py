from detectors.relay import Relay
from tests.detectors.build import flow
from tests.detectors.plant import EDGE, OFFICE, PUBLIC, REGISTRY, after

CAME = flow(OFFICE, REGISTRY, "http", ts=11, bytes_out=900, bytes_in=50468, frame=3)
WENT = flow(OFFICE, PUBLIC, "http", ts=13, bytes_out=50468, bytes_in=900, frame=5, flow_id=2)


def test_what_came_in_and_goes_out_at_once():
    [alert] = after(Relay, {}, {"flows": [CAME, WENT]})
    assert (alert.kind, alert.severity, alert.frames) == ("lateral.relay", "medium", (3, 5))
    assert alert.evidence["received_bytes"] == alert.evidence["sent_bytes"] == 50000
    assert alert.evidence["seconds_between"] == 2.0


def test_other_amounts_other_times_known_ways_and_the_way_back_are_no_relay():
    assert after(Relay, {}, {"flows": [CAME, WENT | {"bytes_out": 9000}]}) == []
    assert after(Relay, {}, {"flows": [CAME, WENT | {"ts": 10.5, "first_ts": 10.5}]}) == []
    assert after(Relay, {"flows": [WENT | {"ts": 1, "flow_id": 9}]}, {"flows": [CAME, WENT]}) == []
    back = flow(EDGE, OFFICE, "http", ts=13, bytes_out=50468, flow_id=2)
    assert after(Relay, {}, {"flows": [flow(OFFICE, EDGE, "http", ts=11, bytes_out=50468), back]}) == []


def test_only_the_growth_of_a_flow_counts():
    live = flow(REGISTRY, OFFICE, "http", ts=1, last_ts=9, bytes_out=50468, flow_id=7)
    more = live | {"first_ts": 1, "ts": 11, "last_ts": 12, "bytes_out": 50500}
    assert after(Relay, {"flows": [live]}, {"flows": [more, WENT]}) != []  # received 10 s ago, within the period
    assert (
        after(
            Relay,
            {"flows": [live]},
            *[{}] * 13,
            {"flows": [more | {"last_ts": 141}, WENT | {"ts": 142, "first_ts": 142}]},
        )
        == []
    )
