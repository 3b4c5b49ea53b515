import json

from detectors.address import parse, text
from detectors.assets import REFRESH, Inventory
from detectors.places import places
from detectors.zones import Policy, Zone
from tests.detectors.build import SECOND, act, flow, window

PLC, RTU, HMI, PUBLIC = "10.0.1.10", "10.0.1.11", "10.0.1.20", "93.184.216.34"


def seen(*windows, policy=None):
    inventory = Inventory(places(policy or Policy()))
    found = {}
    for one in windows:
        inventory._places.learn(one)
        inventory.learn(one)
        found |= {text(row.ip): row for row in inventory.changed()}
    return found


def say(ip, field, value, at=0.0, mac="02:00:00:00:00:01"):
    return {"ip": ip, "field": field, "value": value, "source": "modbus", "ts": at, "mac": mac}


def test_roles_from_what_is_spoken():
    found = seen(window(
        flows=[flow(HMI, PLC, "modbus"), flow(HMI, RTU, "dnp3"), flow(PLC, "10.0.1.30", "mqtt"), flow("10.0.1.40", PLC, "ssh")],
        behaviours=[
            act(HMI, PLC, "modbus", "write_single_coil", "write"),
            act(PLC, "10.0.1.30", "mqtt", "publish", "report"),
            act("10.0.1.50", "10.0.1.51", "opcua", "HistoryRead", "read"),
        ],
    ))  # fmt: skip
    assert found[PLC].roles == ("client", "controller", "publisher", "server")
    assert found[RTU].roles == ("outstation", "server")
    assert found[HMI].roles == ("client", "master", "scada")
    assert found["10.0.1.30"].roles == ("broker", "server")
    assert found["10.0.1.40"].roles == ("client", "engineering")
    assert found["10.0.1.51"].roles == ("historian",)
    assert found[PLC].protocols == ("modbus", "mqtt", "ssh")
    assert (found[PLC].zone, found[PLC].purdue_level, found[PLC].zone_inferred) == ("control (inferred)", 1.0, True)


def test_what_hosts_say_about_themselves():
    found = seen(window(sightings=[
        say(PLC, "vendor", "Acme"), say(PLC, "model", "X1"), say(PLC, "firmware", "1.0"), say(PLC, "firmware", "1.1", at=5),
        say(PLC, "hostname", "h" * 1000), say(PLC, "role", "controller"), say(PLC, "address", ""),
    ]))  # fmt: skip
    row = found[PLC]
    assert (row.vendor, row.model, row.firmware, row.mac) == ("Acme", "X1", "1.1", "02:00:00:00:00:01")
    assert len(row.hostname) == 256 and row.roles == ("controller",)


def test_addresses_that_never_answered_are_nobody():
    found = seen(window(flows=[flow(HMI, "10.0.1.99", state="attempt", packets_in=0)]))
    assert list(found) == [HMI]


def test_peers_on_the_internet_are_no_assets_unless_a_zone_claims_them():
    flows = [flow(HMI, PUBLIC, "http"), flow(HMI, "224.0.0.1", transport="udp")]
    assert list(seen(window(flows=flows))) == [HMI]
    policy = Policy([Zone("plant", 1, ("93.184.0.0/16", "10.0.0.0/8"))])
    assert PUBLIC in seen(window(flows=flows), policy=policy)


def test_a_routers_mac_is_nobodys():
    flows = [
        flow(f"10.0.9.{n}", PLC, "modbus", src_mac="02:aa:00:00:00:01", dst_mac="02:bb:00:00:00:02") for n in (1, 2)
    ]
    found = seen(window(flows=flows))
    assert found["10.0.9.1"].mac == "" and found[PLC].mac == "02:bb:00:00:00:02"


def test_only_what_changed_is_given_out():
    inventory = Inventory(places(Policy()))

    def step(at, *flows):
        one = window(at, flows=flows)
        inventory._places.learn(one)
        inventory.learn(one)
        return [text(row.ip) for row in inventory.changed()]

    assert step(0, flow(HMI, PLC, "modbus")) == [PLC, HMI]
    assert step(10, flow(HMI, PLC, "modbus", ts=11)) == []
    assert step(20, flow(HMI, PLC, "modbus", ts=21), flow(HMI, PLC, "http", ts=21)) == [PLC, HMI]
    late = 30 + REFRESH // SECOND
    assert step(late, flow(HMI, PLC, "modbus", ts=late + 1)) == [PLC, HMI]
    assert inventory.changed(everything=True) == []


def test_goes_on_from_a_snapshot():
    first = Inventory(places(Policy()))
    first.learn(window(flows=[flow(HMI, PLC, "modbus", src_mac="m")], sightings=[say(PLC, "model", "X1")]))
    second = Inventory(places(Policy()))
    second.restore(json.loads(json.dumps(first.snapshot())))
    for one in (first, second):
        one.learn(window(10, flows=[flow(HMI, PLC, "modbus", ts=12), flow(HMI, RTU, "dnp3", ts=12)]))
    assert first.changed() == second.changed() and len(second) == 3


def test_the_number_of_hosts_is_bounded(monkeypatch):
    monkeypatch.setattr("detectors.assets.HOSTS", 5)
    inventory = Inventory(places(Policy()))
    inventory.learn(window(flows=[flow(f"10.0.2.{n}", PLC, "modbus") for n in range(1, 50)]))
    assert len(inventory) == 5 and inventory.overflow > 0
    assert parse(PLC) in [row.ip for row in inventory.changed()]
