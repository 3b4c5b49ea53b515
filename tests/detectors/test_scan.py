from detectors.learning import Settings
from detectors.scan import Scan
from tests.detectors.build import act, detector, flow, kinds, run, window

WHO, PLC = "10.0.9.9", "10.0.1.10"


def probes(targets, at=0.0, state="attempt", **more):
    return [flow(WHO, dst, port=port, state=state, ts=at, packets_out=1, packets_in=0, flow_id=n, **more)
            for n, (dst, port) in enumerate(targets, 1)]  # fmt: skip


def ports(first, last):
    return [(PLC, port) for port in range(first, last)]


def test_port_scan():
    [alert] = run(detector(Scan), window(flows=probes(ports(1000, 1025))))
    assert (alert.kind, alert.count) == ("scan.ports", 25)
    assert "25 ports of 10.0.1.10" in alert.summary and alert.frames[:3] == (1, 2, 3)


def test_below_the_threshold():
    assert kinds(detector(Scan), window(flows=probes(ports(1000, 1024)))) == []


def test_spread_over_windows_within_the_period():
    parts = [window(10 * n, flows=probes(ports(1000 + 5 * n, 1005 + 5 * n), at=10 * n)) for n in range(5)]
    assert kinds(detector(Scan), *parts) == ["scan.ports"]


def test_slower_than_the_period():
    parts = [window(40 * n, flows=probes(ports(1000 + 5 * n, 1005 + 5 * n), at=40 * n)) for n in range(8)]
    assert kinds(detector(Scan), *parts) == []


def test_a_continuing_scan_is_one_alert_that_grows():
    parts = [window(10 * n, flows=probes(ports(100 * n, 100 * n + 30), at=10 * n)) for n in range(4)]
    [alert] = run(detector(Scan), *parts)
    assert alert.count == 120


def test_address_scan_and_search_for_controllers():
    hosts = [f"10.0.{n // 200}.{n % 200 + 1}" for n in range(50)]
    assert kinds(detector(Scan), window(flows=probes([(h, 9) for h in hosts]))) == ["scan.addresses"]
    found = kinds(detector(Scan), window(flows=probes([(h, 502) for h in hosts[:10]], state="rejected")))
    assert found == ["scan.controllers"]


def test_banner_grabbing_counts_though_every_port_is_open():
    assert kinds(detector(Scan), window(flows=probes(ports(1, 40), state="closed"))) == ["scan.ports"]


def test_ping_sweep():
    hosts = [(f"10.0.1.{n}", 0) for n in range(1, 61)]
    assert kinds(detector(Scan), window(flows=probes(hosts, state="active", transport="icmp"))) == ["scan.addresses"]


def test_a_client_that_polls_many_controllers_is_no_scan():
    polled = [flow(WHO, f"10.0.1.{n}", "modbus") for n in range(1, 100)]
    assert kinds(detector(Scan), window(flows=polled)) == []


def test_one_broken_target_tried_over_and_over_is_no_scan():
    assert kinds(detector(Scan), window(flows=probes([(PLC, 502)] * 300))) == []


def test_own_scanners_are_ignored():
    assert kinds(detector(Scan, ignore=[WHO]), window(flows=probes(ports(1, 99)))) == []


def units(errors, answered):
    return [
        act(WHO, PLC, "modbus", "read_coils", "read", unit=str(n), errors=errors, answered=answered)
        for n in range(1, 31)
    ]


def test_modbus_unit_scan():
    one_that_is_there = act(WHO, PLC, "modbus", "read_coils", "read", unit="99", answered=1)
    found = kinds(detector(Scan), window(behaviours=[*units(0, 0), one_that_is_there]))
    assert found == ["scan.units"]


def test_a_gateway_whose_units_answer():
    assert kinds(detector(Scan), window(behaviours=units(0, 1))) == []


def test_a_tap_of_one_direction_sees_no_answer_of_any_unit():
    assert kinds(detector(Scan), window(behaviours=units(0, 0))) == []


def test_units_that_are_asked_who_they_are():
    asked = [act(WHO, PLC, "modbus", "report_server_id", "read", unit=str(n), answered=1) for n in range(1, 31)]
    assert kinds(detector(Scan), window(behaviours=asked)) == ["scan.units"]


def test_modbus_function_scan():
    tried = [
        act(WHO, PLC, "modbus", f"unassigned_{n}", "control", unit="1", errors=n % 2, answered=n % 2, object=str(n))
        for n in range(60, 70)
    ]
    assert kinds(detector(Scan), window(behaviours=tried)) == ["scan.functions"]


def learnt(*given, flows=()):
    made = detector(Scan)
    made.learning.begin()
    assert run(made, window(behaviours=given, flows=flows)) == []
    made.learning.end()
    return made


def after(made, *given, flows=()):
    return run(made, window(20, behaviours=[{**b, "ts": 21} for b in given], flows=[{**f, "ts": 21} for f in flows]))


def browse(who, count):
    return [act(who, PLC, "opcua", "Browse", "read", object=f"i={n}") for n in range(count)]


def test_a_walk_through_the_nodes():
    [alert] = after(learnt(), *browse(WHO, 60))
    assert (alert.kind, alert.count) == ("scan.browse", 60) and "browsed 60 OPC UA nodes of 10.0.1.10" in alert.summary
    assert after(learnt(), *browse(WHO, 40)) == []
    assert after(learnt(*browse(WHO, 60)), *browse(WHO, 70)) == []


def subscribe(who, filters):
    return act(who, PLC, "mqtt", "subscribe", "read", unit="c", object=filters)


def test_subscriptions_to_everything():
    [alert] = after(learnt(), subscribe(WHO, "#"), subscribe(WHO, "$SYS/#"), subscribe(WHO, "plant/#"))
    assert (alert.kind, alert.count) == ("scan.wildcard", 2) and alert.evidence["targets"] == ["#", "$SYS/#"]
    assert after(learnt(subscribe(WHO, "#")), subscribe(WHO, "#")) == []


def test_integrity_polls_of_a_stranger():
    poll = act(WHO, PLC, "dnp3", "read", "read", unit="1>10", object="60:2 60:3 60:4 60:1")
    events = act(WHO, PLC, "dnp3", "read", "read", unit="1>10", object="60:2 60:3")
    [alert] = after(learnt(), poll, events)
    assert (alert.kind, alert.severity) == ("scan.integrity_poll", "low")
    assert after(learnt(poll), poll) == []


def test_calls_to_all_devices():
    call = flow(WHO, "10.0.1.255", port=47808, transport="udp", state="active", packets_in=0, packets_out=1)
    call["dst_ip"] = "255.255.255.255"
    [alert] = after(learnt(), flows=[call])
    assert (alert.kind, alert.severity) == ("scan.broadcast", "low")
    assert after(learnt(flows=[call]), flows=[call]) == []
    [alert] = after(learnt(), flows=[call | {"app": "bacnet"}])
    assert alert.kind == "scan.broadcast", "recognised by its content"
    assert after(learnt(), flows=[call | {"dst_ip": "10.0.1.7", "app": "bacnet"}]) == [], "one device is asked"


def asks(targets, at=0.0, who=WHO):
    rows = [f"request for {target}" for target in targets]
    return [{"ip": who, "mac": "02:00:00:00:00:01", "source": "arp", "field": "address", "value": value, "ts": at + n / 1000,
             "frame": n} for n, value in enumerate(rows, 1)]  # fmt: skip


def network(first, last):
    return [f"10.0.1.{n}" for n in range(first, last)]


def test_arp_sweep():
    [alert] = run(detector(Scan), window(sightings=asks(network(1, 61))))
    assert (alert.kind, alert.count, alert.frames[:2]) == ("scan.addresses", 60, (1, 2))
    assert kinds(detector(Scan), window(sightings=asks(network(1, 50)))) == []
    assert kinds(detector(Scan), window(sightings=asks([PLC] * 200))) == []


def test_hosts_that_answer_or_were_ever_heard_are_asked_for_by_right():
    answers = [
        {**row, "ip": ip, "value": "reply"} for ip, row in zip(network(1, 61), asks(network(1, 61)), strict=True)
    ]
    made = detector(Scan)
    assert kinds(made, window(sightings=[*asks(network(1, 61)), *answers])) == []
    assert kinds(made, window(200, sightings=asks(network(1, 61), at=200))) == []


def test_a_router_asks_for_what_somebody_behind_it_tries():
    tried = [flow("10.7.7.7", ip, "", transport="icmp", state="active", packets_out=1, packets_in=0, flow_id=n)
             for n, ip in enumerate(network(1, 61))]  # fmt: skip
    [alert] = run(detector(Scan), window(sightings=asks(network(1, 61), who="10.0.1.254"), flows=tried))
    assert alert.summary.startswith("10.7.7.7 tried 60 addresses")
    late = window(200, sightings=asks(network(1, 61), 200, who="10.0.1.254"))
    assert len(run(detector(Scan), window(flows=tried), late)) == 1


def blocks(many, at=0.0, **more):
    return [act(WHO, PLC, "modbus", "read_holding_registers", "read", unit="1", object=f"holding_register {100 * n}-{100 * n + 99}",
                ts=at + n / 100, **more) for n in range(many)]  # fmt: skip


def test_sweep_of_points_that_are_refused():
    found = run(detector(Scan), window(behaviours=blocks(60, answered=1, errors=1)))
    assert [(a.kind, a.count) for a in found if a.kind == "scan.points"] == [("scan.points", 60)]
    few = kinds(detector(Scan), window(behaviours=blocks(49, answered=1, errors=1)))
    assert "scan.points" not in few


def test_sweep_of_points_that_answer_by_a_client_that_is_new():
    poll = act("10.0.2.5", PLC, "modbus", "read_coils", "read", unit="1", object="coil 1", answered=1)
    made = detector(Scan, learning=Settings(seconds=10.0))
    assert kinds(made, window(behaviours=[poll])) == []
    assert kinds(made, window(20, behaviours=blocks(60, 20, answered=1))) == ["scan.points"]
    polls = detector(Scan, learning=Settings(seconds=10.0))
    assert kinds(polls, window(behaviours=[poll]), window(20, behaviours=blocks(60, 20, answered=5, count=5))) == []
    known = detector(Scan, learning=Settings(seconds=10.0))
    assert (
        kinds(known, window(behaviours=blocks(1, answered=1)), window(20, behaviours=blocks(60, 20, answered=1))) == []
    )
