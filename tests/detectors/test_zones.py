import pytest

from detectors.address import parse, scope, text
from detectors.zones import Conduit, Policy, Zone, problems

CELL, SITE = Zone("cell", 1, ("10.0.1.0/24",)), Zone("site", 3, ("10.0.0.0/8", "fd00::/16"))
OFFICE = Zone("office", 4, ("192.168.0.0/16",), kind="it")


@pytest.mark.parametrize("written", ["10.0.1.5", "255.255.255.255", "fd00::1", "::1"])
def test_addresses_round_trip(written):
    assert text(parse(written)) == written and len(parse(written)) == 16


@pytest.mark.parametrize(
    ("written", "expected"),
    [("10.0.1.5", "private"), ("169.254.1.1", "private"), ("fd00::1", "private"), ("fe80::1", "private"),
     ("93.184.216.34", "public"), ("2606:4700::1", "public"), ("224.0.0.1", "group"), ("ff02::1", "group"),
     ("255.255.255.255", "group"), ("0.0.0.0", "none"), ("::", "none")],
)  # fmt: skip
def test_scope(written, expected):
    assert scope(parse(written)) == expected


def name(policy, ip, vlan=0, mac=""):
    zone = policy.zone_of(parse(ip), vlan, mac)
    return zone.name if zone else None


def test_the_longest_prefix_decides():
    policy = Policy([SITE, CELL])
    assert name(policy, "10.0.1.7") == "cell"
    assert name(policy, "10.0.2.7") == "site"
    assert name(policy, "fd00::7") == "site"
    assert name(policy, "172.16.0.1") is None


def test_a_mac_decides_over_a_network():
    policy = Policy([SITE, Zone("laptop", 4, (), macs=("AA:BB:CC:00:00:01",), kind="it")])
    assert name(policy, "10.0.1.7", mac="aa:bb:cc:00:00:01") == "laptop"


def test_vlans_tell_apart_zones_with_the_same_network():
    first, second = (Zone(f"line{n}", 1, ("192.168.0.0/24",), vlans=(n,)) for n in (10, 20))
    policy = Policy([first, second])
    assert name(policy, "192.168.0.5", 20) == "line2" + "0"
    assert name(policy, "192.168.0.5", 10) == "line10"


def test_a_vlan_places_private_addresses_only():
    policy = Policy([Zone("cell", 1, (), vlans=(30,))])
    assert name(policy, "10.1.1.1", 30) == "cell"
    assert name(policy, "93.184.216.34", 30) == "internet"


def test_public_addresses_are_the_internet_unless_claimed():
    assert name(Policy([CELL]), "93.184.216.34") == "internet"
    cloud = Zone("cloud", 5, ("93.184.0.0/16",), kind="internet")
    assert name(Policy([CELL, cloud]), "93.184.216.34") == "cloud"
    assert name(Policy([CELL, cloud]), "8.8.8.8") == "cloud"


@pytest.mark.parametrize(
    ("conduit", "reason"),
    [
        (Conduit("office", "cell", ("modbus",)), "conduit"),
        (Conduit("cell", "office", ("modbus",)), "conduit"),
        (Conduit("cell", "office", ("modbus",), direction="push_only"), "push_only"),
        (Conduit("office", "cell", ("modbus",), direction="push_only"), "conduit"),
        (Conduit("office", "cell", ("any",)), "conduit"),
        (Conduit("office", "cell", ("opcua",)), "protocol"),
        (Conduit("office", "cell", ("modbus",), ("write", "control")), "operation"),
        (Conduit("office", "cell", ("modbus",), ("read",), encrypted=True), "not_encrypted"),
        (Conduit("office", "cell", ("modbus",), ("read",), tls="1.2"), "not_encrypted"),
        (Conduit("site", "cell", ("modbus",)), "no_conduit"),
    ],
)
def test_decide(conduit, reason):
    policy = Policy([CELL, SITE, OFFICE], [conduit])
    verdict = policy.decide(OFFICE, CELL, "modbus", "read", False)
    assert (verdict.reason, verdict.allowed) == (reason, reason == "conduit")


def test_the_nearest_refusal_is_told():
    conduits = [Conduit("office", "cell", ("opcua",)), Conduit("office", "cell", ("modbus",), ("read",))]
    assert Policy([CELL, OFFICE], conduits).decide(OFFICE, CELL, "modbus", "write", None).conduit == conduits[1]


def test_not_known_is_not_held_against_it():
    policy = Policy([CELL, OFFICE], [Conduit("office", "cell", ("modbus",), ("read",), encrypted=True)])
    assert policy.decide(OFFICE, CELL, "modbus", "", None).allowed
    assert policy.decide(OFFICE, CELL, "modbus", "session", True).allowed


def test_zones_without_conduits_have_no_policy():
    assert Policy([CELL, OFFICE]).decide(OFFICE, CELL, "modbus", "write", None).reason == "no_policy"
    assert Policy([CELL]).decide(None, CELL, "modbus", "", None).reason == "unknown_zone"
    assert Policy([CELL]).decide(CELL, CELL, "modbus", "", None).reason == "same_zone"


@pytest.mark.parametrize(
    ("zones", "conduits", "words"),
    [
        ((CELL, CELL), (), "defined twice"),
        ((CELL, Zone("b", 1, ("10.0.1.0/24",))), (), "overlap"),
        ((CELL, Zone("b", 1, ("10.0.1.0/24",), vlans=(3,))), (), "overlap"),
        ((Zone("a", 1, (), vlans=(3,)), Zone("b", 1, (), vlans=(3,))), (), "overlap"),
        ((Zone("a", 7, ()),), (), "level"),
        ((Zone("a", 1, (), kind="ics"),), (), "kind"),
        ((Zone("a", 1, ("10.0.0.0/40",)),), (), "10.0.0.0/40"),
        ((CELL,), (Conduit("cell", "moon", ("any",)),), "'moon'"),
        ((CELL,), (Conduit("cell", "cell", ("any",)),), "no conduit to itself"),
        ((CELL, OFFICE), (Conduit("cell", "office", ("any",), ("delete",)),), "operation"),
        ((CELL, OFFICE), (Conduit("cell", "office", ("any",), direction="up"),), "direction"),
        ((CELL, OFFICE), (Conduit("cell", "office", ("any",), tls="2"),), "tls '2'"),
        ((CELL, OFFICE), (Conduit("cell", "office", ()),), "no protocol"),
    ],
)  # fmt: skip
def test_impossible_policies(zones, conduits, words):
    assert any(words in problem for problem in problems(zones, conduits))
    with pytest.raises(ValueError, match="."):
        Policy(zones, conduits)


def test_nested_networks_are_possible():
    assert list(problems([CELL, SITE, OFFICE], [Conduit("cell", "internet", ("https",))])) == []
