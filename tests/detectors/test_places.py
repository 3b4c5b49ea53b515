import json

from detectors.address import parse
from detectors.places import places
from detectors.zones import Policy, Zone
from tests.detectors.build import flow, window

PUBLIC = "93.184.216.34"


def inferred(*flows):
    made = places(Policy())
    made.learn(window(flows=flows))

    def level(ip):
        zone = made.zone(parse(ip))
        return zone.level if zone else None

    return level


def test_roles_make_levels():
    level = inferred(
        flow("10.0.1.20", "10.0.1.10", "modbus"),
        flow("10.0.1.20", "10.0.1.30", "mqtt"),
        flow("10.0.1.50", "10.0.1.40", "opcua"),
    )
    found = [level(f"10.0.1.{n}") for n in (10, 20, 30, 40, 50, 99)]
    assert found == [1.0, 2.0, 3.0, 2.0, 3.0, 3.0]
    assert level("10.0.2.1") == 4.0 and level(PUBLIC) == 5.0 and level("224.0.0.1") is None


def test_a_broker_without_controllers_around_is_no_office():
    level = inferred(flow("10.20.1.20", "10.20.1.30", "mqtt"))
    assert level("10.20.1.20") == level("10.20.1.30") == 3.0


def test_link_local_addresses_say_nothing():
    level = inferred(flow("10.0.1.20", "10.0.1.10", "modbus"))
    assert level("fe80::1") is None and level("169.254.1.1") is None


def test_a_client_from_far_away_is_no_supervision():
    level = inferred(flow("172.16.1.20", "10.0.1.10", "modbus"), flow("10.0.2.20", "10.0.1.10", "modbus"))
    assert (level("172.16.1.20"), level("10.0.2.20")) == (4.0, 2.0)


def test_a_connection_that_never_opened_teaches_nothing():
    level = inferred(flow("10.0.1.20", "10.0.1.10", "modbus", state="rejected"))
    assert level("10.0.1.10") == 4.0


def test_the_version_rises_only_when_somebody_may_have_moved():
    made = places(Policy())
    one = window(flows=[flow("10.0.1.20", "10.0.1.10", "modbus")])
    made.learn(one)
    before = made.version
    made.learn(window(10, flows=[flow("10.0.1.20", "10.0.1.10", "modbus", ts=11, flow_id=9)]))
    assert made.version == before > 0
    other = places(Policy())
    other.restore(json.loads(json.dumps(made.snapshot())))
    assert other.snapshot() == made.snapshot() and other.zone(parse("10.0.1.10")) == made.zone(parse("10.0.1.10"))


def test_hints_place_a_host_by_mac_and_vlan():
    policy = Policy([Zone("laptop", 4, (), macs=("02:00:00:00:00:09",), kind="it"), Zone("cell", 1, (), vlans=(30,))])
    made = places(policy)
    sighting = {"ip": "10.0.1.5", "mac": "02:00:00:00:00:09", "vlan": 30, "field": "address", "source": "arp"}
    made.learn(window(sightings=[sighting, {**sighting, "ip": "10.0.1.6", "mac": "02:00:00:00:00:01"}]))
    assert made.zone(parse("10.0.1.5")).name == "laptop" and made.zone(parse("10.0.1.6")).name == "cell"
    assert made.zone(parse("10.0.1.7")) is None and made.zone(parse("10.0.1.7"), vlan=30).name == "cell"
    other = places(policy)
    other.restore(json.loads(json.dumps(made.snapshot())))
    assert other.zone(parse("10.0.1.5")).name == "laptop"
