from detectors.boundary_shape import BoundaryShape
from detectors.zones import Policy
from tests.detectors.build import flow
from tests.detectors.plant import EDGE, EWS, HISTORIAN, HMI, OFFICE, PLC, POLICY, after, made


def arp(ip, mac, at=11.0, vlan=0):
    return {"ip": ip, "mac": mac, "source": "arp", "field": "address", "ts": at, "frame": int(at), "vlan": vlan}


ONE = "02:00:00:00:00:01"


def test_a_host_with_a_leg_in_two_zones():
    [alert] = after(BoundaryShape, {}, {"sightings": [arp(EDGE, ONE), arp("10.9.9.77", ONE, 12)]})
    assert (alert.kind, alert.severity, alert.frames) == ("boundary_shape.dual_homed", "high", (11, 12))
    assert alert.evidence["zones"] == ["edge", "office"]


def test_a_router_two_addresses_of_one_zone_and_inferred_zones():
    legs = [arp("10.0.5.1", ONE), arp("10.9.0.1", ONE, 12)]
    carries = flow(OFFICE, EDGE, "ssh", ts=11, src_mac=ONE)
    assert [a.kind for a in after(BoundaryShape, {}, {"sightings": legs, "flows": [carries]})] == []
    assert after(BoundaryShape, {}, {"sightings": [arp(EDGE, ONE), arp("10.0.5.9", ONE, 12)]}) == []
    assert after(made(BoundaryShape, Policy()), {}, {"sightings": [arp(EDGE, ONE), arp("10.9.9.77", ONE)]}) == []
    assert after(made(BoundaryShape, ignore=[ONE]), {}, {"sightings": [arp(EDGE, ONE), arp("10.9.9.77", ONE)]}) == []


def test_an_ai_zone_that_shares_a_vlan_with_the_office():
    near = [arp(EDGE, ONE, 11, 7), arp(OFFICE, "02:00:00:00:00:02", 12, 7)]
    [alert] = after(BoundaryShape, {}, {"sightings": near})
    assert alert.kind == "boundary_shape.shared_vlan" and alert.evidence["vlan"] == 7
    apart = [arp(EDGE, ONE, 11, 7), arp(OFFICE, "02:00:00:00:00:02", 12, 8)]
    assert after(BoundaryShape, {}, {"sightings": apart}) == []
    assert after(BoundaryShape, {}, {"sightings": [row | {"vlan": 0} for row in near]}) == []


def test_a_protocol_that_was_not_used_between_two_zones():
    [alert] = after(BoundaryShape, {}, {"flows": [flow(EWS, EDGE, "ssh", ts=11), flow(HMI, EDGE, "ssh", ts=12)]})
    assert (alert.kind, alert.severity, alert.count) == ("boundary_shape.drift", "low", 2)
    open_plant = made(BoundaryShape, Policy(POLICY.zones))
    assert [a.severity for a in after(open_plant, {}, {"flows": [flow(EWS, EDGE, "ssh", ts=11)]})] == ["medium"]


def test_known_forbidden_and_local_uses_are_no_drift():
    assert after(BoundaryShape, {"flows": [flow(EWS, EDGE, "ssh")]}, {"flows": [flow(HMI, EDGE, "ssh", ts=11)]}) == []
    quiet = [
        flow(OFFICE, PLC, "modbus", ts=11),
        flow(HMI, EWS, "rdp", ts=12),
        flow(HISTORIAN, HISTORIAN, "http", ts=13),
    ]
    assert after(BoundaryShape, {}, {"flows": quiet}) == []
