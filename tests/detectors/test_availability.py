from detectors.availability import Availability
from detectors.changes import Change
from tests.detectors.build import SECOND, T0, act, detector, flow, run, window

HMI, PLC, RTU, BROKER, ROGUE = "10.0.2.20", "10.0.1.10", "10.0.1.21", "10.0.3.3", "10.0.9.9"


def read(count=10, at=0.0, **more):
    return act(HMI, PLC, "modbus", "read_coils", "read", unit="1", object="coil 0-7", ts=at, count=count, **more)


def publish(client, count, at=0.0):
    return act(client, BROKER, "mqtt", "publish", "report", unit="x", object="t", ts=at, count=count, answered=0)


def taught(*windows, changes=(), **settings):
    made = detector(Availability, changes=changes, **settings)
    made.learning.begin()
    assert run(made, window(behaviours=[read(), publish(HMI, 200)]), *windows) == []
    made.learning.end()
    return made


def test_a_flood_of_one_message():
    [alert] = run(taught(), window(20, behaviours=[publish(ROGUE, 230, 21)]))
    assert (alert.kind, alert.severity) == ("availability.flood", "medium")
    assert alert.evidence["in_period"] == 230 and "fewer than that before" in alert.summary


def test_as_often_as_learnt_is_no_flood():
    assert run(taught(), window(20, behaviours=[publish(HMI, 600, 21)])) == []
    assert [a.kind for a in run(taught(), window(20, behaviours=[publish(HMI, 1001, 21)]))] == ["availability.flood"]


def test_many_different_messages_are_no_flood():
    walk = [act(ROGUE, PLC, "opcua", "Browse", "read", object=f"i={n}", ts=21) for n in range(400)]
    assert run(taught(), window(20, behaviours=walk)) == []


def test_too_many_sessions_and_connections():
    opened = [flow(ROGUE, PLC, "modbus", ts=21 + n / 10, flow_id=n, state="closed") for n in range(60)]
    [alert] = run(taught(), window(20, flows=opened))
    assert alert.kind == "availability.flood" and "60 x sessions opened on port 502" in alert.summary
    tried = [flow(ROGUE, PLC, port=502, ts=21, flow_id=n, state="attempt") for n in range(3200)]
    [alert] = run(taught(), window(20, flows=tried))
    assert "connections tried on port 502" in alert.summary


def test_packets_of_a_flow_that_grows():
    def grown(at, packets):
        return window(at, flows=[flow(ROGUE, PLC, ts=at + 9, first_ts=11, flow_id=7, packets_out=packets)])

    assert run(taught(), grown(20, 40_000), grown(30, 50_000)) == []  # how fast before it was seen is unknown
    [alert] = run(taught(), grown(20, 40_000), grown(30, 90_000))
    assert "50000 x packets of one flow" in alert.summary


def test_a_storm_of_exceptions():
    refused = [{**read(5, 21 + n, errors=5), "unit": str(n)} for n in range(5)]
    [alert] = run(taught(), window(20, behaviours=refused))
    assert (alert.kind, alert.count) == ("availability.exception_storm", 25)
    logins = act(HMI, PLC, "opcua", "ActivateSession", "session", ts=21, count=30, errors=30)
    assert run(taught(), window(20, behaviours=[logins])) == []


def test_a_device_stops_answering():
    dead = [window(20 + 10 * n, behaviours=[read(5, 21 + 10 * n, answered=0)]) for n in range(3)]
    [alert] = run(taught(), *dead)
    assert (alert.kind, alert.count) == ("availability.unresponsive", 15)
    assert "has not for 15 tries" in alert.summary


def test_a_device_that_answers_now_and_then():
    parts = [window(20 + 10 * n, behaviours=[read(5, 21 + 10 * n, answered=n % 2)]) for n in range(9)]
    assert run(taught(), *parts) == []


def test_a_request_that_was_never_answered_says_nothing():
    deaf = act(HMI, PLC, "modbus", "read_coils", "read", unit="1", object="coil 99", ts=21, count=50, answered=0)
    assert run(taught(), window(20, behaviours=[deaf])) == []


def test_a_device_that_never_answered_is_unknown():
    dead = act(HMI, "10.0.1.99", "modbus", "read_coils", "read", unit="1", object="coil 1", ts=21, count=50, answered=0)
    assert run(taught(), window(20, behaviours=[dead])) == []


def test_maintenance_makes_it_a_note():
    change = Change("CHG-9", T0, T0 + 200 * SECOND, (PLC,), ("update",))
    [alert] = run(taught(changes=[change]), window(20, behaviours=[read(50, 21, answered=0)]))
    assert alert.severity == "info"


def responses(at, *flags):
    ends = flow(HMI, RTU, "dnp3", flow_id=3)
    return [{**ends, "ts": at + n, "frame": n + 1, "link_src": 10, "iin": flag} for n, flag in enumerate(flags)]


def test_an_outstation_restarts_twice():
    made = taught(window(10, dnp3=responses(11, 0)))
    [alert] = run(made, window(20, dnp3=responses(21, 0, 0x8000, 0x8000, 0, 0x8000, 0)))
    assert (alert.kind, alert.count) == ("availability.restarts", 2) and "outstation 10" in alert.summary


def responses_to(master, at, *flags):
    return [{**row, "src_ip": master, "flow_id": 4} for row in responses(at, *flags)]


def test_what_two_masters_see_is_one_restart():
    other = "10.0.2.21"
    made = taught(window(10, dnp3=[*responses(11, 0), *responses_to(other, 11, 0)]))
    # An outstation clears its flag for each master on its own: the other one's answers in between say nothing.
    assert run(made, window(20, dnp3=[*responses(21, 0, 0, 0), *responses_to(other, 21.5, 0x8000, 0x8000, 0)])) == []
    both = [*responses(31, 0x8000, 0, 0x8000, 0), *responses_to(other, 31.5, 0, 0x8000, 0, 0)]
    [alert] = run(made, window(30, dnp3=both))
    assert (alert.kind, alert.count) == ("availability.restarts", 2)


def test_one_restart_or_one_that_was_never_cleared():
    made = taught(window(10, dnp3=responses(11, 0x8000)))
    assert run(made, window(20, dnp3=responses(21, 0x8000, 0x8000, 0, 0x8000))) == []


def test_a_client_that_connects_again_and_again():
    connects = act(HMI, BROKER, "mqtt", "connect", "session", unit="edge", ts=21, count=6)
    [alert] = run(taught(), window(20, behaviours=[connects]))
    assert alert.kind == "availability.restarts" and "'edge' connected 6 times" in alert.summary
