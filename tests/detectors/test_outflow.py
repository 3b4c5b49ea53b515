from detectors.base import SECOND
from detectors.changes import Change
from detectors.learning import Settings
from detectors.outflow import Outflow
from detectors.site import site
from tests.detectors.build import T0, act, flow
from tests.detectors.plant import EDGE, EWS, HISTORIAN, HMI, OFFICE, POLICY, PUBLIC, after

BUSY = act(OFFICE, HISTORIAN, "mqtt", "connect", "session")  # both were there from the beginning


def out(src, dst, amount, at, **more):
    return flow(src, dst, "http", ts=at, bytes_out=468 + amount, bytes_in=468, flow_id=int(at * 10), **more)


def test_far_more_than_ever_before():
    usual = {"flows": [out(HISTORIAN, PUBLIC, 5000, 1)], "behaviours": [BUSY]}
    [alert] = after(Outflow, usual, {"flows": [out(HISTORIAN, PUBLIC, 200_000, 11, frame=3)]})
    assert (alert.kind, alert.severity, alert.frames) == ("exfiltration.volume", "high", (3,))
    assert alert.evidence["most_before"] == 5000 and alert.evidence["most_now"] == 205_000


def test_the_period_adds_up_and_what_a_client_fetches_counts_as_sent():
    usual = {"flows": [flow(OFFICE, HISTORIAN, "http", ts=1, bytes_in=1500)], "behaviours": [BUSY]}
    parts = [{"flows": [flow(OFFICE, HISTORIAN, "http", ts=10 * n + 1, bytes_in=30_468, flow_id=n)]} for n in (1, 2, 3)]
    [alert] = after(Outflow, usual, *parts)
    assert alert.src_ip[12:] == bytes((10, 0, 3, 5)) and alert.evidence["most_now"] >= 65_536


def test_what_goes_down_to_the_process_weighs_little():
    usual = {"flows": [out(HISTORIAN, EDGE, 500, 1), out(EDGE, HISTORIAN, 500, 2)], "behaviours": [BUSY]}
    usual["behaviours"] = [BUSY, act(EDGE, HISTORIAN, "mqtt", "connect", "session")]
    [down] = after(Outflow, usual, {"flows": [out(HISTORIAN, EDGE, 200_000, 11)]})
    [up] = after(Outflow, usual, {"flows": [out(EDGE, HISTORIAN, 200_000, 11)]})
    assert (down.severity, up.severity) == ("low", "medium")


def test_a_backup_that_was_approved_is_a_note():
    usual = {"flows": [out(HISTORIAN, PUBLIC, 5000, 1)], "behaviours": [BUSY]}
    change = Change("C1", T0, T0 + 90 * SECOND, (HISTORIAN,), ("session",))
    one = Outflow(Outflow.settings_class(), site(POLICY, Settings(seconds=10.0), [change]))
    assert [a.severity for a in after(one, usual, {"flows": [out(HISTORIAN, PUBLIC, 200_000, 11)]})] == ["info"]


def test_a_little_more_the_own_zone_and_a_host_that_still_learns_are_silent():
    usual = {"flows": [out(HISTORIAN, PUBLIC, 50_000, 1)], "behaviours": [BUSY]}
    assert after(Outflow, usual, {"flows": [out(HISTORIAN, PUBLIC, 200_000, 11)]}) == []
    assert after(Outflow, usual, {"flows": [out(HISTORIAN, "10.0.3.9", 900_000, 11)]}) == []
    new = {"flows": [out(EWS, PUBLIC, 900_000, 11)], "behaviours": [act(EWS, EDGE, "opcua", "Read", "read", ts=11)]}
    assert after(Outflow, usual, new) == []


def test_questions_to_an_inference_endpoint():
    ask = act(HMI, EDGE, "opcua", "Read", "read", object="ns=2;s=Score")
    [alert] = after(
        Outflow, {"behaviours": [ask | {"count": 10}]}, {"behaviours": [ask | {"ts": 11, "count": 900, "frame": 8}]}
    )
    assert (alert.kind, alert.count, alert.frames) == ("exfiltration.query_volume", 900, (8,))
    assert (
        after(Outflow, {"behaviours": [ask | {"count": 100}]}, {"behaviours": [ask | {"ts": 11, "count": 800}]}) == []
    )
    other = act(HMI, HISTORIAN, "opcua", "Read", "read", object="x")
    assert after(Outflow, {"behaviours": [other]}, {"behaviours": [other | {"ts": 11, "count": 9000}]}) == []
