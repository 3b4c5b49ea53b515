import pytest

from detectors.boundary import Boundary
from detectors.zones import Conduit, Policy, Zone
from tests.detectors.build import act, detector, flow, kinds, run, window

PLC, HMI, OFFICE, EDGE, PUBLIC = "10.0.1.10", "10.0.2.20", "10.9.9.5", "10.0.5.5", "93.184.216.34"
ZONES = (
    Zone("cell", 1, ("10.0.1.0/24",)),
    Zone("scada", 2, ("10.0.2.0/24",)),
    Zone("edge", 3, ("10.0.5.0/24",), kind="edge_ai"),
    Zone("office", 4, ("10.9.0.0/16",), kind="it"),
)
CONDUITS = (
    Conduit("scada", "cell", ("modbus",), ("read",), direction="both"),
    Conduit("cell", "edge", ("mqtt",), direction="push_only"),
)
POLICY = Policy(ZONES, CONDUITS)


def test_what_a_conduit_allows_is_silent():
    flows = [flow(HMI, PLC, "modbus"), flow(PLC, EDGE, "mqtt"), flow(PLC, "10.0.1.11", "modbus")]
    acts = [act(HMI, PLC, "modbus", "read_coils", "read"), act(HMI, PLC, "modbus", "x", "session")]
    assert kinds(detector(Boundary, POLICY), window(flows=flows, behaviours=acts)) == []


@pytest.mark.parametrize(
    ("crossing", "kind", "severity"),
    [
        (flow(HMI, PLC, "http"), "boundary.conduit", "medium"),
        (flow(OFFICE, PLC, "modbus"), "boundary.conduit", "medium"),
        (flow(OFFICE, PLC, "modbus", state="attempt"), "boundary.conduit", "low"),
        (flow(EDGE, PLC, "mqtt"), "boundary.push_only", "high"),
        (flow(PUBLIC, PLC, "http"), "boundary.internet", "critical"),
        (flow(PUBLIC, PLC, state="attempt"), "boundary.internet", "high"),
        (flow(PLC, PUBLIC, "http"), "boundary.internet", "high"),
        (flow(PLC, PUBLIC, service="ntp", transport="udp", state="active"), "boundary.internet", "medium"),
        (flow("172.16.0.9", PLC, "modbus"), "boundary.unknown_zone", "medium"),
    ],
)
def test_fires(crossing, kind, severity):
    [alert] = run(detector(Boundary, POLICY), window(flows=[crossing]))
    assert (alert.kind, alert.severity) == (kind, severity)
    assert alert.confidence > 0.9 and alert.evidence["zones_inferred"] is False


def test_an_operation_the_conduit_does_not_name():
    flows, acts = [flow(HMI, PLC, "modbus")], [act(HMI, PLC, "modbus", "write_single_coil", "write", frame=42)]
    [alert] = run(detector(Boundary, POLICY), window(flows=flows, behaviours=acts))
    assert (alert.kind, alert.severity) == ("boundary.conduit", "high")
    assert alert.evidence["operations"] == ["write"] and alert.evidence["reasons"] == ["operation"]
    assert alert.frames == (42,)
    assert (alert.src_zone, alert.dst_zone) == ("scada", "cell")


def test_tries_into_a_zone_are_one_cause():
    tries = [flow(OFFICE, f"10.0.1.{n}", port=p, state="attempt") for n in range(1, 50) for p in (22, 502)]
    [alert] = run(detector(Boundary, POLICY), window(flows=tries))
    assert alert.count == 98 and alert.evidence["opened"] is False
    assert len(alert.evidence["pairs"]) == 32 and alert.evidence["truncated"] == ["pairs"]


def test_a_sweep_through_a_rule_that_is_too_wide_is_one_cause():
    swept = [flow(OFFICE, f"10.0.1.{n}", "modbus", ts=n / 10) for n in range(1, 50)]
    [alert] = run(detector(Boundary, POLICY), window(flows=swept))
    assert alert.count == 49 and len(alert.evidence["pairs"]) == 32
    assert alert.summary == f"{OFFICE} (office) uses modbus of 10.0.1.1 (cell), and 31 or more others alike"


def test_office_and_internet_among_themselves():
    assert kinds(detector(Boundary, POLICY), window(flows=[flow(OFFICE, PUBLIC, "http")])) == []


def test_zones_without_conduits_fall_back_on_levels():
    made = detector(Boundary, Policy(ZONES))
    found = run(made, window(flows=[flow(OFFICE, PLC, "http"), flow(HMI, PLC, "http"), flow(OFFICE, EDGE, "http")]))
    assert [alert.kind for alert in found] == ["boundary.it_ot"]


def test_multicast_and_broadcast_belong_nowhere():
    groups = [flow(PLC, dst, transport="udp", state="active") for dst in ("224.0.0.251", "255.255.255.255", "ff02::1")]
    assert kinds(detector(Boundary, POLICY), window(flows=groups)) == []


def test_inferred_office_that_browses_and_then_commands_a_controller():
    plant = [flow("192.168.1.20", "192.168.1.10", "modbus"), flow("192.168.5.7", PUBLIC, "http")]
    crossing = [flow("192.168.5.7", "192.168.1.10", "modbus", ts=11)]
    [alert] = run(detector(Boundary), window(flows=plant), window(10, flows=crossing))
    assert alert.kind == "boundary.it_ot"
    assert alert.confidence == 0.5 and alert.evidence["zones_inferred"] is True
    assert (alert.src_zone, alert.dst_zone) == ("enterprise (inferred)", "control (inferred)")


def test_inferred_routed_control_network_is_silent():
    plant = [flow("192.168.1.20", "192.168.1.10", "modbus"), flow("192.168.2.20", "192.168.1.10", "modbus")]
    assert kinds(detector(Boundary), window(flows=plant)) == []


def test_inferred_plant_with_public_addresses_inside():
    assert kinds(detector(Boundary), window(flows=[flow("131.181.1.2", "131.181.1.3", "dnp3")])) == []


def test_what_is_learned_later_is_held_against_sessions_seen_before():
    made = detector(Boundary)
    windows = (
        window(flows=[flow("192.168.5.7", "192.168.1.10", "modbus")]),
        window(10, flows=[flow("192.168.5.8", PUBLIC, "tls", ts=11)]),
        window(60, flows=[flow("192.168.5.7", "192.168.1.10", "modbus", ts=0, last_ts=60)]),
    )
    assert kinds(made, *windows) == ["boundary.it_ot"]
