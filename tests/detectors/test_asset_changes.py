from detectors.address import parse as ip
from detectors.asset_changes import AssetChanges
from detectors.base import SECOND
from detectors.changes import Change
from detectors.learning import Settings
from detectors.site import site
from tests.detectors.build import T0, act, flow, run, window
from tests.detectors.plant import EDGE, HMI, OFFICE, PLC, POLICY, after, made


def say(ip, field, value, at=0.0, mac="02:00:00:00:00:01", frame=1):
    return {"ip": ip, "field": field, "value": value, "source": "modbus", "ts": at, "mac": mac, "frame": frame}


def poll(*at, server=PLC):
    return {"flows": [flow(HMI, server, "modbus", ts=t, flow_id=int(t * 10)) for t in at]}


def test_a_host_that_was_never_there_weighs_more_when_it_acts():
    answers, acts = flow(OFFICE, EDGE, "ssh", ts=11), flow(EDGE, PLC, "", state="attempt", packets_in=0, ts=21)
    silent = after(AssetChanges, poll(1), {"flows": [answers]})
    assert {(a.kind, a.severity) for a in silent} == {("assets.new", "low")} and len(silent) == 2
    assert "edge" in silent[0].summary + silent[1].summary
    [plant] = [a for a in after(AssetChanges, poll(1), {"flows": [answers]}, {"flows": [acts]}) if a.src_ip == ip(EDGE)]
    assert (plant.kind, plant.severity, plant.evidence["acting"]) == ("assets.new", "medium", [EDGE])
    [alone] = after(AssetChanges, poll(1), {"flows": [flow("10.0.1.99", PLC, "modbus", ts=11)]})
    assert alone.severity == "medium"


def test_a_newcomer_whom_approved_work_names_is_a_note():
    change = Change("C1", T0, T0 + 90 * SECOND, ("10.0.1.99",), ("update",))
    one = AssetChanges(AssetChanges.settings_class(), site(POLICY, Settings(seconds=10.0), [change]))
    [alert] = after(one, poll(1), {"flows": [flow("10.0.1.99", PLC, "modbus", ts=11)]})
    assert (alert.kind, alert.severity) == ("assets.new", "info")


def test_who_only_calls_groups_does_nothing_of_its_own():
    calls = flow("10.0.1.99", "224.0.0.251", "", transport="udp", ts=11)
    assert [a.severity for a in after(AssetChanges, poll(1), {"flows": [calls]})] == ["low"]


def test_an_address_that_was_only_tried_is_nobody():
    tried = {"flows": [flow(HMI, EDGE, "", state="attempt", packets_in=0, ts=11)],
             "behaviours": [act(HMI, EDGE, "opcua", "connect", "session", answered=0, ts=11)]}  # fmt: skip
    assert after(AssetChanges, poll(1), tried) == []


def test_many_at_once_are_one_cause():
    [alert] = after(
        AssetChanges, poll(1), {"flows": [flow(HMI, f"10.0.1.{n}", "modbus", ts=12) for n in range(20, 30)]}
    )
    assert alert.count == 10 and "10 hosts" in alert.summary and len(alert.evidence["hosts"]) == 10


def changed(*said):
    """What a replacement says; the first window has what was there."""
    was = [say(PLC, "vendor", "Acme"), say(PLC, "model", "X1"), say(PLC, "firmware", "1.0")]
    found = after(AssetChanges, poll(1) | {"sightings": was}, poll(11) | {"sightings": list(said)})
    return [(alert.kind, alert.severity, tuple(alert.evidence["changes"])) for alert in found]


def test_a_replacement_weighs_what_differs():
    mac = "02:00:00:00:00:02"
    swap = "mac 02:00:00:00:00:01 -> 02:00:00:00:00:02"
    assert changed(say(PLC, "vendor", "Acme", 11)) == []
    assert changed(say(PLC, "vendor", "Acme", 11, mac)) == [("assets.changed", "low", (swap,))]
    assert changed(say(PLC, "firmware", "1.1", 11)) == [("assets.changed", "medium", ("firmware 1.0 -> 1.1",))]
    assert changed(say(PLC, "model", "Y9", 11, mac)) == [("assets.changed", "medium", (swap, "model X1 -> Y9"))]
    assert changed(say(PLC, "serial", "77", 11)) == []  # said for the first time


def test_a_host_that_becomes_a_controller():
    [alert] = after(AssetChanges, poll(1), {"flows": [flow(PLC, HMI, "modbus", ts=11)]})
    assert (alert.kind, alert.severity) == ("assets.changed", "medium") and "controller" in alert.summary


def test_a_regular_host_that_falls_silent_is_missed_once():
    other = [poll(10 * n + 2, server="10.0.1.12") for n in range(1, 60)]
    regular = [
        {"flows": rows["flows"] + poll(10 * n + 1)["flows"]} if n < 15 else rows for n, rows in enumerate(other, 1)
    ]
    first = {"flows": poll(1)["flows"] + poll(2, server="10.0.1.12")["flows"]}
    [alert] = after(AssetChanges, first, *regular)
    assert (alert.kind, alert.severity, alert.count) == ("assets.vanished", "medium", 1)
    assert 300 <= alert.evidence["silent_seconds"] <= 320


def test_a_hole_in_what_the_sensor_saw_is_nobodys_silence():
    one = made(AssetChanges)
    assert after(one, poll(1, 2), *[poll(10 * n + 1) for n in range(1, 20)]) == []
    later = [window(9000 + 10 * n, flows=[flow(HMI, "10.0.1.12", "modbus", ts=9001 + 10 * n)]) for n in range(40)]
    assert {alert.kind for alert in run(one, *later)} == {"assets.new"}
