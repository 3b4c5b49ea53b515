import pytest

from detectors.changes import Change
from detectors.spoofing import Spoofing
from tests.detectors.build import SECOND, T0, act, detector, flow, run, window

PLC, ROUTER, HMI, BROKER, SENSOR, ROGUE = "10.0.1.10", "10.0.1.1", "10.0.2.20", "10.0.3.3", "10.0.1.41", "10.0.1.99"
A, B, C, OTHER = "00:80:f4:00:00:0a", "00:80:f4:00:00:0b", "00:09:0f:00:00:01", "b8:27:eb:00:00:63"


def says(ip, mac, at=0.0, what="reply", frame=1):
    return {
        "ts": at,
        "frame": frame,
        "ip": ip,
        "mac": mac,
        "vlan": 40,
        "source": "arp",
        "field": "address",
        "value": what,
    }


def publish(client, at=0.0, unit="sensor", topic="plant/t", count=5):
    return act(client, BROKER, "mqtt", "publish", "report", unit=unit, object=topic, ts=at, count=count, answered=0)


def connect(client, at=0.0, unit="sensor"):
    return act(client, BROKER, "mqtt", "connect", "session", unit=unit, ts=at)


NORMAL = {
    "sightings": [says(PLC, A), says(ROUTER, C), says(ROGUE, OTHER)],
    "behaviours": [connect(SENSOR), publish(SENSOR), act(HMI, PLC, "modbus", "read_coils", "read", unit="1")],
    "flows": [flow(SENSOR, BROKER, "mqtt"), flow(HMI, PLC, "modbus")],
}


def taught(*more, changes=(), **settings):
    made = detector(Spoofing, changes=changes, **settings)
    made.learning.begin()
    assert run(made, window(**NORMAL), *more) == []
    made.learning.end()
    return made


def test_a_man_in_the_middle_takes_two_addresses():
    both = [says(PLC, OTHER, 21, frame=7), says(ROUTER, OTHER, 21.5, frame=8)]
    [alert] = run(taught(), window(20, sightings=both))
    assert (alert.kind, alert.severity, alert.count) == ("spoofing.arp_move", "high", 2)
    assert alert.evidence["addresses"] == [ROUTER, PLC] and alert.evidence["before"] == [C, A]
    assert alert.frames == (7, 8) and alert.src_ip[-4:] == bytes([10, 0, 1, 99])


def test_a_device_of_the_same_make_replaces_another():
    [alert] = run(taught(), window(20, sightings=[says(PLC, B, 21, "gratuitous request")]))
    assert (alert.kind, alert.severity) == ("spoofing.arp_move", "low")


def test_the_owner_still_answers():
    parts = [window(20, sightings=[says(PLC, B, 21)]), window(30, sightings=[says(PLC, A, 31)])]
    [alert] = run(taught(), *parts)
    assert alert.severity == "high" and alert.evidence["owner_still_there"] is True


def test_a_replacement_under_an_approved_change():
    change = Change("CHG-2", T0, T0 + 99 * SECOND, (PLC,))
    [alert] = run(taught(changes=[change]), window(20, sightings=[says(PLC, OTHER, 21)]))
    assert alert.severity == "info"


def test_redundant_routers_and_learnt_pairs_move_as_they_like():
    vrrp = [says(ROUTER, "00:00:5e:00:01:07", 21)]
    assert run(taught(), window(20, sightings=vrrp)) == []
    learnt = window(10, sightings=[says(PLC, B, 11)])
    assert run(taught(learnt), window(20, sightings=[says(PLC, A, 21), says(PLC, B, 22)])) == []


def test_a_flood_of_claims():
    storm = [says("10.0.1.77", OTHER, 20 + n / 20, "gratuitous reply", n + 1) for n in range(80)]
    [alert] = run(taught(), window(20, sightings=storm))
    assert (alert.kind, alert.count) == ("spoofing.arp_storm", 80)
    assert alert.evidence["in_period"] >= 80 and len(alert.frames) == 1
    many = [{**row, "ip": f"10.0.1.{100 + n % 20}"} for n, row in enumerate(storm)]
    told = [one for one in run(taught(), window(20, sightings=many)) if one.kind == "spoofing.arp_storm"]
    assert [(one.count, len(one.evidence["addresses"])) for one in told] == [(80, 20)], "whatever it claims"
    assert run(taught(), window(20, sightings=[{**row, "value": "request"} for row in storm])) == []
    # Who is asked eighty times may answer eighty times.
    asks = [says("10.0.1.5", A, 20 + n / 20, "request for 10.0.1.77", 500 + n) for n in range(80)]
    answered = [*({**row, "value": "reply"} for row in storm), *asks]
    assert [a for a in run(taught(), window(20, sightings=answered)) if a.kind == "spoofing.arp_storm"] == []


def test_one_hardware_address_with_many_addresses():
    many = [says(f"10.0.1.{n}", OTHER, 21) for n in range(100, 108)]
    [alert] = run(taught(), window(20, sightings=many))
    assert (alert.kind, alert.severity) == ("spoofing.many_addresses", "low") and "answers for 9" in alert.summary


def test_a_client_identifier_is_taken_over():
    parts = [window(20, behaviours=[connect(ROGUE, 21)]), window(30, behaviours=[connect(ROGUE, 31)])]
    [alert] = run(taught(), *parts)
    assert (alert.kind, alert.severity, alert.count) == ("spoofing.takeover", "high", 2)
    assert alert.evidence["owners"] == [SENSOR] and "still there" in alert.summary


def test_a_client_whose_address_changed_is_a_note():
    [alert] = run(taught(), window(2000, behaviours=[connect(ROGUE, 2001)]))
    assert alert.severity == "low" and "gone" in alert.summary


def test_a_second_publisher():
    found = run(taught(), window(20, behaviours=[publish(ROGUE, 21, unit="me")]))
    assert [(a.kind, a.severity) for a in found] == [("spoofing.two_publishers", "high")]
    assert found[0].evidence["topics"] == ["plant/t"]


def test_a_topic_of_many_is_nobodys():
    shared = window(10, behaviours=[publish(HMI, 11, unit="h"), publish(PLC, 11, unit="p")])
    assert run(taught(shared), window(20, behaviours=[publish(ROGUE, 21, unit="me")])) == []


def transactions(count, status, function=3, first=1):
    ends = flow(HMI, PLC, "modbus", flow_id=5, ts=21)
    return [{**ends, "unit_id": 1, "function_code": function, "transaction_id": n, "status": status, "response_frame": n}
            for n in range(first, first + count)]  # fmt: skip


def test_requests_answered_twice():
    rows = transactions(20, "ok") + transactions(20, "unsolicited", first=16000)
    [alert] = run(taught(), window(20, modbus=rows))
    assert (alert.kind, alert.severity, alert.count) == ("spoofing.two_answers", "high", 20)


@pytest.mark.parametrize(
    "rows", [transactions(20, "unsolicited"), transactions(20, "ok") + transactions(20, "unsolicited", 0)]
)
def test_answers_to_other_requests_are_none_too_many(rows):
    assert run(taught(), window(20, modbus=rows)) == []


def odd(kind, count, protocol="dnp3"):
    ends = flow(HMI, PLC, protocol, flow_id=9)
    return [{**ends, "protocol": protocol, "kind": kind, "detail": "x", "ts": 21, "frame": n + 1} for n in range(count)]


def test_out_of_sequence_though_nothing_was_lost():
    [alert] = run(taught(), window(20, anomalies=odd("transport_sequence", 5)))
    assert (alert.kind, alert.count) == ("spoofing.sequence", 5)
    assert run(taught(), window(20, anomalies=odd("transport_sequence", 5) + odd("gap", 1))) == []
