from detectors.logins import Logins
from tests.detectors.build import flow
from tests.detectors.plant import EDGE, EWS, HISTORIAN, HMI, OFFICE, PLC, after, made

TRY = flow(EWS, PLC, "opcua", service="ActivateSession", identity_token="username", status=0x801F0000)


def tries(count, at=11.0, row=TRY, step=0.5):
    return [row | {"ts": at + step * n, "flow_id": n, "frame": n + 1} for n in range(count)]


def test_refused_again_and_again():
    [alert] = after(Logins, {}, {"opcua": tries(4)}, {"opcua": tries(4, 21)})
    assert (alert.kind, alert.severity, alert.count) == ("credentials.guessing", "high", 8)
    refused = flow(HMI, HISTORIAN, "mqtt", packet="connack", reason_code=5)
    assert [a.protocol for a in after(Logins, {}, {"mqtt": tries(5, row=refused)})] == ["mqtt"]
    web = flow(OFFICE, HISTORIAN, "http", credentials="http_basic", info="GET a/b 401")
    assert [a.protocol for a in after(Logins, {}, {"flows": tries(5, row=web)})] == ["http"]


def test_a_slip_slow_tries_and_accepted_ones():
    assert after(Logins, {}, {"opcua": tries(4)}) == []
    slow = [{"opcua": tries(1, 10.0 * n + 1)} for n in range(1, 5)]
    assert after(made(Logins, seconds=20.0), {}, *slow) == []
    assert after(Logins, {}, {"opcua": tries(9, row=TRY | {"status": 0})}) == []
    assert after(made(Logins, ignore=[EWS]), {}, {"opcua": tries(9)}) == []


def test_sessions_without_an_account():
    anonymous = flow(EDGE, PLC, "opcua", service="ActivateSession", identity_token="anonymous", status=0, ts=11)
    [alert] = after(Logins, {}, {"opcua": [anonymous]})
    assert (alert.kind, alert.severity, alert.evidence["clients"]) == ("credentials.anonymous", "low", [EDGE])
    [alert] = after(Logins, {}, {"opcua": [anonymous | {"src_ip": HMI}]})
    assert alert.severity == "info"  # a conduit allows it
    assert after(Logins, {}, {"opcua": [anonymous | {"status": 0x80210000}]}) == []
