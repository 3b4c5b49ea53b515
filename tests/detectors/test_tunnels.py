from detectors.tunnels import Tunnels
from tests.detectors.build import flow
from tests.detectors.plant import EDGE, HISTORIAN, OFFICE, PLC, after


def ask(name, at, n, **more):
    packet = {"packets_out": 1, "packets_in": 1, "bytes_out": 100, "transport": "udp", "state": "active"}
    return flow(EDGE, OFFICE, "dns", info=name, port=53, ts=at, flow_id=n, frame=n, **(packet | more))


def test_many_long_names_of_one_domain():
    names = [ask(f"{n:040x}.t.bad.example", 10 + n / 5, n) for n in range(1, 41)]
    [alert] = after(Tunnels, {}, {"flows": names})
    assert (alert.kind, alert.count) == ("exfiltration.dns_tunnel", 40)
    assert alert.evidence["different_names"] == 40 and alert.evidence["mean_length"] > 40


def test_queries_that_are_too_large_for_names():
    large = ask("x.bad.example", 11, 1, packets_out=200, bytes_out=200 * 300)
    [alert] = after(Tunnels, {}, {"flows": [large]})
    assert alert.evidence["bytes_a_query"] == 260.0


def test_ordinary_names_are_silent():
    short = [ask(f"host{n}.plant.example", 10 + n / 5, n) for n in range(1, 41)]
    again = [ask("0123456789abcdef0123456789abcdef.t.bad.example", 20 + n / 5, n) for n in range(1, 41)]
    assert after(Tunnels, {}, {"flows": short}, {"flows": again}) == []


def ping(amount, packets, **more):
    each = {"packets_out": packets, "packets_in": packets, "bytes_out": amount, "bytes_in": amount}
    return flow(PLC, HISTORIAN, "", transport="icmp", port=0, ts=11, frame=5, **(each | more))


def test_ping_that_carries_something():
    [alert] = after(Tunnels, {}, {"flows": [ping(20_000, 20)]})
    assert (alert.kind, alert.frames, alert.count) == ("exfiltration.icmp_tunnel", (5,), 40)
    assert alert.evidence["payload_bytes"] == 40_000 - 40 * 28


def test_ping_that_asks_whether_somebody_is_there():
    assert after(Tunnels, {}, {"flows": [ping(84 * 900, 900)]}, {"flows": [ping(6000, 4, flow_id=2)]}) == []
