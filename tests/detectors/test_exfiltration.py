import pytest

from detectors.exfiltration import Exfiltration
from tests.detectors.build import act, flow
from tests.detectors.plant import EDGE, EWS, HISTORIAN, HMI, OFFICE, PLC, PUBLIC, REGISTRY, after


def sent(src, dst, out, back=500, **more):
    return flow(src, dst, "http", ts=11, frame=3, bytes_out=468 + out, bytes_in=468 + back, **more)


@pytest.mark.parametrize(
    ("given", "severity"),
    [(sent(PLC, PUBLIC, 100), "high"), (sent(HISTORIAN, PUBLIC, 60000), "high"), (sent(PLC, OFFICE, 9000), "medium"),
     (sent(EWS, REGISTRY, 9000), "low")],
)  # fmt: skip
def test_a_destination_never_used(given, severity):
    [alert] = after(Exfiltration, {}, {"flows": [given]})
    assert (alert.kind, alert.severity, alert.frames) == ("exfiltration.new_destination", severity, (3,))
    assert alert.evidence["payload_bytes"] == given["bytes_out"] - 468


@pytest.mark.parametrize(
    "quiet",
    [sent(PLC, "10.0.1.12", 9000), sent(PLC, OFFICE, 900), sent(OFFICE, PUBLIC, 90000), sent(OFFICE, HISTORIAN, 9000),
     flow(PLC, PUBLIC, service="ntp", transport="udp", ts=11, bytes_out=9000)],
)  # fmt: skip
def test_inside_little_or_not_of_the_plant(quiet):
    assert after(Exfiltration, {}, {"flows": [quiet]}) == []


def test_what_was_used_before_is_silent_and_payload_adds_up():
    assert (
        after(Exfiltration, {"flows": [sent(PLC, PUBLIC, 90) | {"ts": 1}]}, {"flows": [sent(PLC, PUBLIC, 9000)]}) == []
    )
    parts = [{"flows": [sent(PLC, OFFICE, 3000, flow_id=n) | {"ts": 10 * n + 1}]} for n in (1, 2)]
    [alert] = after(Exfiltration, {}, *parts)
    assert alert.evidence["payload_bytes"] == 6000


def test_what_was_fetched_for_the_first_time_and_carried_on():
    fetched, posted = sent(OFFICE, REGISTRY, 90, 5000), sent(OFFICE, PUBLIC, 4900, flow_id=2) | {"ts": 14}
    [alert] = after(Exfiltration, {}, {"flows": [fetched, posted]})
    assert alert.evidence["fetched_from"] == REGISTRY and alert.evidence["fetched_bytes"] == 5000
    usual = {"flows": [fetched | {"ts": 1, "flow_id": 9}]}
    assert after(Exfiltration, usual, {"flows": [fetched, posted]}) == []


def test_a_wide_subscription_that_is_answered():
    wide = act(HMI, HISTORIAN, "mqtt", "subscribe", "read", object="#", ts=11, frame=6)
    given = act(HMI, HISTORIAN, "mqtt", "deliver", "report", object="a/b", count=30, ts=21)
    [alert] = after(Exfiltration, {}, {"behaviours": [wide]}, {"behaviours": [given]})
    assert (alert.kind, alert.severity, alert.count) == ("exfiltration.subscription", "medium", 30)
    onward = {"behaviours": [given | {"ts": 31}], "flows": [sent(HMI, PUBLIC, 900) | {"ts": 31}]}
    found = after(Exfiltration, {}, {"behaviours": [wide]}, {"behaviours": [given]}, onward)
    [alert] = [a for a in found if a.kind == "exfiltration.subscription"]
    assert alert.severity == "high" and alert.evidence["sent_on_to"] == [PUBLIC]


def test_narrow_local_and_known_subscriptions_are_silent():
    narrow = act(HMI, HISTORIAN, "mqtt", "subscribe", "read", object="plant/line1/#", ts=11)
    local = act("10.0.3.9", HISTORIAN, "mqtt", "subscribe", "read", object="#", ts=11)
    items = act(EDGE, PLC, "opcua", "CreateMonitoredItems", "read", object="ns=2;s=A+4", ts=11)
    assert after(Exfiltration, {}, {"behaviours": [narrow, local, items]}) == []
    known = act(HMI, HISTORIAN, "mqtt", "subscribe", "read", object="#", ts=1)
    assert after(Exfiltration, {"behaviours": [known]}, {"behaviours": [known | {"ts": 11}]}) == []
    many = act(EDGE, PLC, "opcua", "CreateMonitoredItems", "read", object="ns=2;s=A+99", ts=11)
    assert [a.severity for a in after(Exfiltration, {}, {"behaviours": [many]})] == ["low"]
